//! By hand: what the author of a kernel writes who knows the numbers, for the same arguments, checks and results.

#[cfg_attr(target_arch = "aarch64", path = "by_hand/aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "by_hand/riscv64.rs")]
#[cfg_attr(target_arch = "x86_64", path = "by_hand/x86_64.rs")]
mod machine;
pub mod mapper;
pub mod raw;
pub mod window;

/// Meets the obligation for one page.
#[unsafe(no_mangle)]
pub fn by_hand_flush_page(virt: u64) {
    machine::flush_page(virt);
}

/// Meets the obligation for a page that is known before the program runs.
#[unsafe(no_mangle)]
pub fn by_hand_flush_fixed() {
    machine::flush_page(window::HEAP);
}

/// Meets the obligation for all that the space translates.
#[unsafe(no_mangle)]
pub fn by_hand_flush_everything() {
    machine::flush_everything();
}
