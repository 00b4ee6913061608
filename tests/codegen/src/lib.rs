//! Pairs of functions that do the same: one in the notation, one by hand with raw pointers.
//!
//! `cargo xtask codegen` compiles both for the three architectures and compares their instructions. It is built one half at a
//! time, so that the compiler cannot make one function of two.
#![no_std]

#[cfg(all(feature = "by-hand", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
#[macro_use]
mod insn;

#[cfg(all(feature = "by-hand", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub mod by_hand;
#[cfg(all(feature = "notation", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub mod notation;
