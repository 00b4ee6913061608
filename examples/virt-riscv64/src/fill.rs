//! The mode in which the tables are filled at boot.

use example_maps::riscv64::virt_riscv64::kernel;
use kit::Memory;
use tablature::space::FillError;

#[unsafe(link_section = ".table_memory")]
static MEMORY: Memory<{ kernel::Space::WORDS }> = Memory::new(kernel::Space::ALIGNMENT);

/// Fills the tables, as a function of its own: `cargo xtask bench` counts its instructions.
///
/// # Errors
/// The memory does not suit them.
///
/// # Safety
/// The MMU is off, and this is the first call.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) unsafe fn fill_map() -> Result<(), FillError> {
    // SAFETY: the first call.
    unsafe { MEMORY.fill(0, kernel::Space::fill) }
}

/// Has the tables written where they lie in the image, now that the code runs there.
///
/// # Safety
/// The map is live, and the tables were filled.
pub(crate) unsafe fn rise() {
    // SAFETY: `table_pool` maps them.
    unsafe { kernel::Space::see_tables_at(MEMORY.start()) };
}
