//! What other systems do, and that this crate does it too: a module for each.
//!
//! Words, counts and outcomes are those of the published releases. Where this crate differs on purpose, the test says in
//! what and why.

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../support/arena.rs"]
mod arena;
mod awkernel;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../edit/kinds.rs"]
mod kinds;
#[path = "../support/measured.rs"]
mod measured;
mod multiarch;
mod page_walker;
mod patina;

use tablature::attr::{Access, MemoryType};
use tablature::format::{Format, Leaf};

/// The word of a leaf.
fn word(format: &Format, level: usize, address: u64, access: Access, memory: MemoryType, global: bool) -> u64 {
    let leaf = Leaf { address, access, memory, global, run: 0, software: 0, guarded: false };
    format.encode_leaf(level, &leaf).expect("encodable")
}
