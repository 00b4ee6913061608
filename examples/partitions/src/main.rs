//! An RTOS with two partitions in user mode: `control` works, and `rogue` tries every forbidden access.
//!
//! The machine-independent part is the kernel (`rtos`), the list of accesses (`attempts`), the two programs
//! (`control`, `rogue`) and the shape of the map (`example_maps::partitions`). Each machine adds how it boots, traps and ticks. Every access
//! of `rogue` must fault, at the address and in the way that the map says; the kernel counts them, and looks at the memory
//! of `control` whenever that is preempted: it must never notice.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod attempts;
#[cfg(target_os = "none")]
mod control;
#[cfg(target_os = "none")]
mod rogue;
#[cfg(target_os = "none")]
mod rtos;
#[cfg(target_os = "none")]
mod shared;

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
#[path = "aarch64/mod.rs"]
mod machine;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
#[path = "riscv64/mod.rs"]
mod machine;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
#[path = "x86_64/mod.rs"]
mod machine;

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware; `cargo xtask demo --partitions` boots it");
}
