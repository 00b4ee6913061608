//! x86-64: paging with four and with five levels.
//!
//! `SDM` is the "Intel 64 and IA-32 Architectures Software Developer's Manual", volume 3A, order number 253668-088US
//! (June 2025). Cited by chapter or section title: "Paging" ("4-Level Paging and 5-Level Paging", "Access Rights",
//! "Caching Translation Information"), "Memory Cache Control" ("Page Attribute Table (PAT)").

pub mod entry;
mod insn;
pub mod install;
mod leaf;
pub mod regs;

pub use entry::{Level4, Level5};
pub use regs::{Derive, Words, words};
