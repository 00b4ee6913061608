//! What the firmware for x86-64 does alike: entry, segments, gates, console, exit. Empty on other targets.
#![cfg(all(target_arch = "x86_64", target_os = "none"))]
#![no_std]

mod console;
mod entry;
mod tables;

pub use console::{Console, FAILURE_PORT, exit, give_up};
pub use tables::{ENTRY_STRIDE, Tables, USER_CODE, USER_DATA};
