//! The mode in which the tables are filled at boot.

use core::cell::UnsafeCell;

use example_maps::aarch64::virt_aarch64::kernel;
use tablature::plan::Slot;

/// Memory for the tables.
#[repr(C, align(4096))]
struct Memory(UnsafeCell<[Slot; kernel::Space::WORDS]>);

// SAFETY: `fill` alone touches it, once, on the only core that runs.
unsafe impl Sync for Memory {}

const _: () = assert!(align_of::<Memory>() >= kernel::Space::ALIGNMENT, "the roots fit the alignment of the memory");

static MEMORY: Memory = Memory(UnsafeCell::new([Slot::ABSENT; kernel::Space::WORDS]));

/// Fills the tables; whether that succeeded is for `install` to say.
///
/// # Safety
/// The MMU is off, and this is the first call.
pub(crate) unsafe fn fill() -> bool {
    let memory = MEMORY.0.get();
    // With the MMU off the address of the memory, which the code computes from where it runs, is physical.
    let physical = memory.expose_provenance() as u64;
    // SAFETY: the first call, and nobody else names `MEMORY`.
    let memory = unsafe { &mut *memory };
    kernel::Space::fill(memory, physical).is_ok()
}
