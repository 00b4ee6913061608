//! Twelve maps of shipping boards, firmware and kernels over three architectures, written by hand with the names of
//! their sources, and compared with the facts in `tests/data/boards`.
//!
//! `cargo xtask boards` does the same for every map there, with declarations written by a program and a walker of its
//! own. Here the declarations are meant to be read, and the tables are walked by the library.

mod aarch64;
mod common;
mod riscv;
mod x86_64;
