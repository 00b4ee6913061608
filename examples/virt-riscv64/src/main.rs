//! Firmware for QEMU's RISC-V `virt` in S-mode, entered by OpenSBI.
//!
//! It starts with the MMU off at physical addresses, installs the tables of `example_maps::riscv64`, goes on in the
//! upper half, and lets the MMU testify for every region of the declaration.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_arch = "riscv64", target_os = "none", feature = "churn", not(feature = "guest")))]
mod bench;
#[cfg(all(target_arch = "riscv64", target_os = "none", feature = "churn"))]
mod edit;
#[cfg(all(target_arch = "riscv64", target_os = "none", feature = "boot-filled"))]
mod fill;
#[cfg(all(target_arch = "riscv64", target_os = "none", feature = "guest"))]
mod guest;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
mod isa;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
mod machine;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
mod start;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
mod trap;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
mod window;

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware; `cargo xtask demo --arch riscv64` boots it");
}
