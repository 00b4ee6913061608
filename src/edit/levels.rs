//! The levels of a format by numbers that the compiler knows, where the levels are alike: an addition instead of a look into
//! the format, and the same code at each.

use super::node::Sort;
use crate::addr::PhysAddr;
use crate::format::{Format, MAX_LEVELS, Pattern, clamp};
use crate::regime::Regime;

/// Those of `R`.
pub(super) struct Levels<R>(core::marker::PhantomData<R>);

impl<R: Regime> Levels<R> {
    const FORMAT: &'static Format = &R::FORMAT;

    /// The root's.
    pub(super) const TOP: usize = Self::FORMAT.levels - 1;

    /// Index bits, if they are as many at each.
    const BITS: Option<u32> = {
        let bits = Self::FORMAT.index_bits(0);
        let (mut alike, mut level) = (true, 0);
        while level < Self::FORMAT.levels {
            let shift = Self::FORMAT.page_shift + bits * level as u32;
            alike &= Self::FORMAT.index_bits(level) == bits && Self::FORMAT.at(level).shift == shift;
            level += 1;
        }
        if alike { Some(bits) } else { None }
    };

    /// Which words point to tables, and what else is set in a pointer, if that is the same at each.
    const POINTER: Option<(Pattern, u64)> = {
        let (first, set) = (Self::FORMAT.at(1).table, Self::FORMAT.at(1).table_set);
        let (mut alike, mut level) = (true, 1);
        while level < Self::FORMAT.levels {
            let form = Self::FORMAT.at(level);
            alike &= form.table.mask == first.mask && form.table.value == first.value && form.table_set == set;
            level += 1;
        }
        // What has the pattern is present.
        alike &= first.value & Self::FORMAT.present != 0;
        if alike { Some((first, set)) } else { None }
    };

    /// Whether some leaves have an encoding of their own.
    const HAS_OWN: bool = {
        let (mut has, mut i) = (false, 0);
        while i < Self::FORMAT.runs.len() {
            has |= Self::FORMAT.runs[i].leaf.is_some();
            i += 1;
        }
        has
    };

    /// Which words are leaves. Who needs no more of the levels links no more of the format.
    const LEAVES: &'static [Pattern; MAX_LEVELS] = &{
        let (mut leaves, mut level) = ([Pattern::NEVER; MAX_LEVELS], 0);
        while level < Self::FORMAT.levels {
            leaves[level] = Self::FORMAT.at(level).leaf;
            level += 1;
        }
        leaves
    };

    /// log2 of the bytes that an entry of `level` covers.
    #[inline(always)]
    pub(super) const fn shift(level: usize) -> u32 {
        match Self::BITS {
            Some(bits) => Self::FORMAT.page_shift + bits * level as u32,
            None => Self::FORMAT.at(level).shift,
        }
    }

    /// The index of `virt` in a table of `level`.
    #[inline(always)]
    pub(super) const fn index(virt: u64, level: usize) -> usize {
        match Self::BITS {
            Some(bits) => (virt >> Self::shift(level)) as usize & ((1 << bits) - 1),
            None => Self::FORMAT.index(virt, level),
        }
    }

    /// Entries of a table of `level`.
    #[inline(always)]
    pub(super) const fn entries(level: usize) -> usize {
        match Self::BITS {
            Some(bits) => 1 << bits,
            None => 1 << Self::FORMAT.index_bits(level),
        }
    }

    /// Whether `word` of a table of `level`, which is not the last, points to a table.
    #[inline(always)]
    pub(super) const fn is_pointer(level: usize, word: u64) -> bool {
        match Self::POINTER {
            Some((pattern, _)) => pattern.matches(word),
            None => word & Self::FORMAT.present != 0 && Self::FORMAT.at(level).table.matches(word),
        }
    }

    /// The pointer to `table` for a table of `level`.
    #[inline(always)]
    pub(super) const fn pointer(level: usize, table: PhysAddr) -> u64 {
        let set = match Self::POINTER {
            Some((_, set)) => set,
            None => Self::FORMAT.at(level).table_set,
        };
        set | Self::FORMAT.address.place(table.as_u64())
    }

    /// Whether `word` of a table of `level`, which is present and points to no table, is a leaf.
    #[inline(always)]
    pub(super) const fn is_leaf(level: usize, word: u64) -> bool {
        Self::LEAVES[clamp(level)].matches(word) || (Self::HAS_OWN && is_of_run(Self::FORMAT, level, word))
    }

    /// What `word` of a table of `level` is. Cheaper than [`Format::view`], which decodes rights and memory types, too.
    #[inline(always)]
    pub(super) const fn sort(level: usize, word: u64) -> Sort {
        if word & Self::FORMAT.present == 0 {
            Sort::Absent
        } else if level > 0 && Self::is_pointer(level, word) {
            Sort::Table
        } else if Self::is_leaf(level, word) {
            Sort::Leaf
        } else {
            Sort::Reserved
        }
    }
}

/// Whether `word` is an entry of a run whose entries have an encoding of their own.
#[inline]
const fn is_of_run(format: &Format, level: usize, word: u64) -> bool {
    let mut i = 0;
    while i < format.runs.len() {
        if let Some(own) = format.runs[i].leaf
            && format.runs[i].level == level
            && own.leaf.matches(word)
        {
            return true;
        }
        i += 1;
    }
    false
}
