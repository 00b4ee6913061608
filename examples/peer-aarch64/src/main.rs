//! Firmware for QEMU's AArch64 `virt` at EL1 that has the map of `example_maps::aarch64`, and no table of this library.
//!
//! `aarch64-paging` fills the tables at boot. Then the MMU testifies for every region of the declaration, so that what is
//! compared is the same map. `cargo xtask bench` counts the instructions.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod fill;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod regions;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod start;

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware; `cargo xtask bench` boots it");
}
