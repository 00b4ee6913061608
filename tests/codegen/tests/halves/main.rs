//! Both halves of the pairs, executed: they leave the same words in the tables, and ask for the same maintenance in the same
//! order. What is compared instruction by instruction is the same work, and what is written by hand is right.
//!
//! Instructions of the halves by hand go to a list; those of the notation to a [`Recorder`](tablature::flush::Recorder).

#![expect(unreachable_pub, reason = "the halves by hand are files of the library")]
#![expect(clippy::duplicate_mod, reason = "they are compiled once for each architecture, beside its own `machine`")]

/// An instruction, as in `src/insn.rs`.
macro_rules! execute {
    ($text:literal) => {
        crate::list::put($text, 0)
    };
    ($text:literal, $value:expr) => {
        crate::list::put($text, $value)
    };
}

macro_rules! read {
    ($text:literal) => {
        crate::list::value_of($text)
    };
}

macro_rules! read_msr {
    ($number:expr) => {
        crate::list::value_of(if $number == 0x277 { "pat" } else { "efer" })
    };
}

macro_rules! write_msr {
    ($number:expr, $value:expr) => {
        crate::list::put(if $number == 0x277 { "pat" } else { "efer" }, $value)
    };
}

macro_rules! read_flags {
    () => {
        0_u64
    };
}

#[macro_use]
mod cases;
mod list;

mod aarch64;
mod riscv64;
mod x86_64;
