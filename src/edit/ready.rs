//! What a cursor can do at once, as numbers that compare at once.

use super::protect::Protect;
use crate::attr::MemoryType;
use crate::table::Attributes;

/// What can be done at once in the lowest table that is known, each as the tag of what is asked for; [`NO_KEY`] where
/// something is to be found out first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) map: u64,
    pub(super) unmap: u64,
    pub(super) protect: u64,
}

impl Ready {
    pub(super) const FOR_NOTHING: Self = Self { map: NO_KEY, unmap: NO_KEY, protect: NO_KEY };
}

/// No [`key_of`] anything.
pub(super) const NO_KEY: u64 = u64::MAX;

/// Bits of a key and a level in the tag of a table and what is to be done there.
pub(super) const KEY_BITS: u32 = 16;

/// Attributes as a number of thirteen bits.
#[inline(always)]
pub(super) const fn key_of(attributes: Attributes) -> u64 {
    attributes.access.index() as u64 | (attributes.memory as u64) << 7 | (attributes.global as u64) << 11
}

/// A change as a number of thirteen bits.
#[inline(always)]
pub(super) const fn key_of_change(change: &Protect) -> u64 {
    const { assert!(MemoryType::COUNT < 16, "a memory type has four bits, of which all set are none") };
    let access = match change.access {
        Some(access) => access.index() as u64,
        None => 64,
    };
    let memory = match change.memory {
        Some(memory) => memory as u64,
        None => 15,
    };
    let global = match change.global {
        Some(global) => global as u64,
        None => 2,
    };
    access | memory << 7 | global << 11
}
