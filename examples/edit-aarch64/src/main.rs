//! Firmware for QEMU's AArch64 `virt` that boots on declared tables of the regime that it is told to, has the MMU confirm
//! them, edits them live at random, and has the MMU confirm every step.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod here;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod live;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod regimes;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod start;

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware; `cargo xtask edit --arch aarch64` boots it");
}
