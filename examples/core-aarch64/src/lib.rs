//! What the firmware for AArch64 does alike at every Exception level: entry, probes, faults, console, exit.
//!
//! `Core` asks the stage 1 translation that the code itself runs under, at EL1, EL2 or EL3; `Guest` asks stage 2, by
//! going down to EL1. Everything is empty on other targets.
#![cfg(all(target_arch = "aarch64", target_os = "none"))]
#![no_std]

mod access;
mod ask;
mod console;
mod core;
mod entry;
mod guest;
mod registers;
mod semihosting;
mod trap;

pub use self::ask::{El1, El2, El3, Level};
pub use self::console::{Console, refuse};
pub use self::core::{Core, RETURN};
pub use self::guest::Guest;
pub use self::registers::VIRT_REGISTERS;
pub use self::semihosting::{command_line, exit};
pub use self::trap::init;
