//! Which instructions pay what a change owes: exact sequences, and a model of what the processor has cached, which they
//! must leave without anything stale. What they are stands in `golden/`, for people to read beside the manual.

mod aarch64;
mod activate;
mod armv7;
mod common;
mod engine;
mod golden;
mod loongarch64;
mod riscv;
mod runs;
mod speculation;
mod x86;
mod x86_64;
