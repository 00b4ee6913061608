//! Firmware for QEMU's AArch64 `virt` at EL1.
//!
//! It starts with the MMU off at physical addresses, installs the tables of `example_maps::aarch64`, goes on in the
//! upper half, and lets the MMU testify for every region of the declaration.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_arch = "aarch64", target_os = "none", feature = "boot-filled"))]
mod fill;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod start;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod window;

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware; `cargo xtask demo --arch aarch64` boots it");
}
