//! The mode in which the tables are filled at boot.

use example_maps::x86_64::q35_x86_64::kernel;
use kit::Memory;
use tablature::space::FillError;

use crate::boot::OFFSET;

#[unsafe(link_section = ".table_memory")]
static MEMORY: Memory<{ kernel::Space::WORDS }> = Memory::new(kernel::Space::ALIGNMENT);

/// Fills the tables, as a function of its own: `cargo xtask bench` counts its instructions.
///
/// # Errors
/// The memory does not suit them.
///
/// # Safety
/// This is the first call.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) unsafe fn fill_map() -> Result<(), FillError> {
    // SAFETY: the first call.
    unsafe { MEMORY.fill(OFFSET, kernel::Space::fill) }
}
