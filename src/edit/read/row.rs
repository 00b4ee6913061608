//! Entries side by side in a table that is in sight.

use super::super::levels::Levels;
use super::super::node::Node;
use super::known::Known;
use super::leaves::MappedLeaf;
use super::range::last_of_half;
use super::trail::Spot;
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{Inherited, Leaf};
use crate::regime::Regime;

/// Entries of a table, side by side, that come next.
///
/// # Invariant
/// Where there are any, `look` of the reader's words gave the node, whose level has `end` entries at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) node: Node,
    /// The bytes that an entry translates.
    pub(super) size: u64,
    pub(super) index: usize,
    pub(super) end: usize,
    /// What the pointers to the table withhold.
    pub(super) above: Inherited,
    /// What the last leaf said, if it was one of such a table: most of its neighbours say the same.
    pub(super) like: Known,
}

/// How many entries are compared at a time.
const MANY: usize = 4;

/// What an entry of a row is, if that is seen at once.
pub(super) enum Glance {
    Absent,
    Like(MappedLeaf),
    Else,
}

impl Row {
    pub(super) const EMPTY: Self = Self {
        node: Node::fresh(PhysAddr::new(0), 0),
        size: 0,
        index: 0,
        end: 0,
        above: Inherited::NOTHING,
        like: Known::NEVER,
    };

    /// What is behind a spot in its table, where `like` is what the last leaf said of that level below the same pointers;
    /// `None` where each entry has to be asked for.
    pub(super) fn behind<R: Regime, W: Words<R>>(reader: &Reader<R, W>, spot: &Spot, like: Known) -> Option<Self> {
        let (format, level) = (const { &R::FORMAT }, spot.node.level);
        let is_root = level + 1 == format.levels;
        // Entries of the root may belong to another space, or translate another half.
        if is_root && reader.foreign.is_some() {
            return None;
        }
        let node = reader.words.look(spot.node)?;
        let last = last_of_half(format, spot.first::<R>());
        let end = if is_root { format.index(last, level) + 1 } else { node.entries::<R>() };
        let size = 1 << Levels::<R>::shift(level);
        Some(Self { node, size, index: spot.index + 1, end, above: spot.above, like })
    }

    /// The last address that it translates.
    pub(super) const fn last(&self) -> u64 {
        self.virt(self.end - 1) | (self.size - 1)
    }

    /// The first address that its entry `index` translates.
    #[inline(always)]
    pub(super) const fn virt(&self, index: usize) -> u64 {
        self.node.base.wrapping_add((index as u64).wrapping_mul(self.size))
    }

    /// Its entry `index`; `None` where it is out of reach.
    ///
    /// # Safety
    /// `index` is before the end, and the words are the reader's.
    #[inline(always)]
    pub(super) unsafe fn word<R: Regime>(&self, words: &impl Words<R>, index: usize) -> Option<u64> {
        debug_assert!(index < self.end, "an entry of the row");
        // SAFETY: by the invariant.
        unsafe { words.load_again(self.node, index) }
    }

    /// The leaf in the word of entry `index`, which says what the last one said.
    #[inline(always)]
    pub(super) fn leaf<R: Regime>(&self, word: u64, index: usize) -> MappedLeaf {
        let virt = self.virt(index);
        self.mapped(self.like.own_leaf(const { &R::FORMAT }, word, virt), word, virt)
    }

    /// A leaf in its place.
    #[inline(always)]
    pub(super) const fn mapped(&self, leaf: Leaf, word: u64, virt: u64) -> MappedLeaf {
        MappedLeaf { virt: VirtAddr::new(virt), size: self.size, level: self.node.level, leaf, word }
    }

    /// What entry `index` is.
    ///
    /// # Safety
    /// The words are the reader's.
    #[inline(always)]
    pub(super) unsafe fn glance<R: Regime>(&self, words: &impl Words<R>, index: usize) -> Glance {
        if index >= self.end {
            return Glance::Else;
        }
        // SAFETY: the index is before the end; the words are as the caller promises.
        match unsafe { self.word(words, index) } {
            Some(word) if self.like.is_in(word) => Glance::Like(self.leaf::<R>(word, index)),
            Some(word) if word & const { R::FORMAT.present } == 0 => Glance::Absent,
            _ => Glance::Else,
        }
    }

    /// The words of many entries from `index` on, if all say what the last leaf said.
    ///
    /// # Safety
    /// The words are the reader's.
    #[inline(always)]
    pub(super) unsafe fn many<R: Regime>(&self, words: &impl Words<R>, index: usize) -> Option<[u64; MANY]> {
        if self.end < index + MANY {
            return None;
        }
        let mut many = [0; MANY];
        for (word, index) in many.iter_mut().zip(index..) {
            // SAFETY: so many entries are before the end; the words are as the caller promises.
            *word = unsafe { self.word(words, index) }?;
        }
        self.like.is_in_all(many).then_some(many)
    }
}
