//! Tables on the way of a walk.

use super::levels::Levels;
use super::sight::Seen;
use crate::addr::PhysAddr;
use crate::format::Format;
use crate::regime::Regime;
use crate::tables::{EntryAt, Place};

/// What an entry is, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Nothing.
    Absent,
    /// A pointer to a table.
    Table,
    /// A page or block.
    Leaf,
    /// Present, and reserved.
    Reserved,
}

/// In place of a level: nothing points to the table.
const UNLINKED: usize = usize::MAX;

/// Entry `index` of a table, which is found as [`Node::place`] says.
#[inline(always)]
pub(crate) const fn entry(table: PhysAddr, index: usize, (level, virt): (usize, u64)) -> EntryAt {
    let place = if level == UNLINKED { Place::Fresh } else { Place::Linked { level, virt } };
    EntryAt { table, index, place }
}

/// A table, and what it translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub(crate) table: PhysAddr,
    /// Its level; 0 is the last.
    pub(crate) level: usize,
    /// The first input address it translates (of the half that the walk is in, where one root serves both).
    pub(crate) base: u64,
    /// Nothing points to it.
    pub(crate) fresh: bool,
    /// Where its entries are, if that was asked.
    pub(crate) seen: Seen,
}

impl Node {
    /// The root at `table` on the way to `virt`.
    #[inline]
    pub(crate) const fn root(format: &Format, table: PhysAddr, virt: u64) -> Self {
        let level = format.levels - 1;
        let span = format.at(level).shift + format.root_bits();
        Self { table, level, base: virt >> span << span, fresh: false, seen: Seen::NOWHERE }
    }

    /// A table that nothing points to.
    #[inline]
    pub(crate) const fn fresh(table: PhysAddr, level: usize) -> Self {
        Self { table, level, base: 0, fresh: true, seen: Seen::NOWHERE }
    }

    /// The first input address of its entry `index`.
    #[inline]
    pub(crate) const fn virt<R: Regime>(&self, index: usize) -> u64 {
        self.base.wrapping_add((index as u64) << Levels::<R>::shift(self.level))
    }

    /// Its entry `index`.
    #[inline]
    pub(crate) const fn at<R: Regime>(&self, index: usize) -> EntryAt {
        entry(self.table, index, self.place::<R>(index))
    }

    /// How its entry `index` is found: its level, or [`UNLINKED`], and an address that the entry translates. Two numbers, which
    /// are handed on without a word in memory.
    #[inline(always)]
    pub(crate) const fn place<R: Regime>(&self, index: usize) -> (usize, u64) {
        (if self.fresh { UNLINKED } else { self.level }, self.virt::<R>(index))
    }

    /// The table that its entry `index` points to with `word`.
    #[inline]
    pub(crate) const fn below<R: Regime>(&self, index: usize, word: u64) -> Self {
        Self {
            table: PhysAddr::new(R::FORMAT.address.decode(word)),
            level: self.level - 1,
            base: self.virt::<R>(index),
            fresh: self.fresh,
            seen: Seen::NOWHERE,
        }
    }

    /// Its number of entries.
    #[inline]
    pub(crate) const fn entries<R: Regime>(&self) -> usize {
        Levels::<R>::entries(self.level)
    }
}
