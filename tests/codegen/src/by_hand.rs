//! By hand: what the author of a kernel writes who knows the numbers, for the same arguments, checks and results.

pub mod flush;
#[cfg_attr(target_arch = "aarch64", path = "by_hand/aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "by_hand/riscv64.rs")]
#[cfg_attr(target_arch = "x86_64", path = "by_hand/x86_64.rs")]
mod machine;
pub mod mapper;
pub mod raw;
pub mod window;

/// Makes tables live. What makes sure that they may be is left out: what changes something is compared.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_install(root: u64, _pat: u64) -> bool {
    #[cfg(target_arch = "x86_64")]
    return machine::install(root, _pat);
    #[cfg(not(target_arch = "x86_64"))]
    machine::install(root)
}

/// Makes the tables live that a word names, which was made before.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_switch(_core: &mut (), to: &u64) {
    machine::switch(*to);
}
