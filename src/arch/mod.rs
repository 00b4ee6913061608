//! The architectures: formats as data, register words, and the sequences that install them.

pub mod aarch64;
pub mod armv7;
pub mod loongarch64;
pub mod riscv;
pub mod x86;
pub mod x86_64;

#[cfg(test)]
mod laws;
mod pages;
