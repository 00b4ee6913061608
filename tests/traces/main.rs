//! Which instructions pay what a change owes: exact sequences, and a model of what the processor has cached, which they
//! must leave without anything stale.

mod activate;
mod common;
mod loongarch64;
mod riscv;
mod x86;
mod x86_64;
