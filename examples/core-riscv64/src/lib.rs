//! What the firmware for RISC-V does alike in S-mode under OpenSBI: entry, console, exit. Empty on other targets.
#![cfg(all(target_arch = "riscv64", target_os = "none"))]
#![no_std]

mod console;
mod entry;

pub use console::{Console, exit, refuse};
