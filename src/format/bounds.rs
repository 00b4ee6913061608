//! Places in the arrays of a format that need no check, so that nothing that edits tables can panic.

use super::{Format, LevelFormat, MAX_LEVELS};
use crate::attr::MemoryType;

/// A level as an index that needs no check: levels are below [`MAX_LEVELS`], which the compiler does not always see.
#[inline(always)]
pub(crate) const fn clamp(level: usize) -> usize {
    if level < MAX_LEVELS { level } else { MAX_LEVELS - 1 }
}

impl Format {
    /// What is particular to `level`.
    #[inline(always)]
    pub(crate) const fn at(&self, level: usize) -> &LevelFormat {
        &self.level[clamp(level)]
    }

    /// The bits of a memory type in leaves that use this one of the two tables.
    #[inline(always)]
    pub(crate) const fn memory_bits(&self, table: usize, memory: MemoryType) -> u64 {
        // Every type has a place, which the compiler forgets where attributes are passed in a register.
        let place = memory as usize;
        self.memory[table & 1][if place < MemoryType::COUNT { place } else { 0 }]
    }
}
