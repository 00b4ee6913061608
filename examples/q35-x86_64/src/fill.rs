//! The mode in which the tables are filled at boot.

use core::cell::UnsafeCell;

use example_maps::x86_64::q35_x86_64::kernel;
use tablature::plan::Slot;
use tablature::space::FillError;

use crate::boot::OFFSET;

/// Memory for the tables.
#[repr(C, align(4096))]
struct Memory(UnsafeCell<[Slot; kernel::Space::WORDS]>);

// SAFETY: `fill` alone touches it, once, on the only CPU.
unsafe impl Sync for Memory {}

const _: () = assert!(align_of::<Memory>() >= kernel::Space::ALIGNMENT, "the root fits the alignment of the memory");

#[unsafe(link_section = ".table_memory")]
static MEMORY: Memory = Memory(UnsafeCell::new([Slot::ABSENT; kernel::Space::WORDS]));

/// Fills the tables.
///
/// # Errors
/// The memory does not suit them.
///
/// # Safety
/// This is the first call.
pub(crate) unsafe fn fill() -> Result<(), FillError> {
    let memory = MEMORY.0.get();
    let physical = (memory.expose_provenance() as u64).wrapping_sub(OFFSET);
    // SAFETY: the first call, and nobody else names `MEMORY`.
    let memory = unsafe { &mut *memory };
    kernel::Space::fill(memory, physical)
}
