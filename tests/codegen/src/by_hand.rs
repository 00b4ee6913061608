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

/// Makes tables live. What makes sure that they may be is left out: what changes something is compared.
#[unsafe(no_mangle)]
pub fn by_hand_install(root: u64, _pat: u64) -> bool {
    #[cfg(target_arch = "x86_64")]
    return machine::install(root, _pat);
    #[cfg(not(target_arch = "x86_64"))]
    machine::install(root)
}
