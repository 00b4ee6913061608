//! What a cursor can do at once.

use super::cursor::{Cursor, TreeOf};
use super::kind::{Kind, State};
use super::levels::Levels;
use super::node::{Node, Sort};
use super::page::Spot;
use super::sight;
use crate::addr::VirtAddr;
use crate::format::{MAX_LEVELS, clamp};
use crate::page::{Page, PageSize};

/// What a table translates that is known.
///
/// # Invariant
/// `first` is a multiple of what an entry of the table translates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    /// From here.
    first: u64,
    /// As many bytes: none where something is to be found out first.
    bytes: u64,
}

impl Ready {
    /// No table of any level.
    pub(super) const NOWHERE: [Self; MAX_LEVELS] = [Self { first: 0, bytes: 0 }; MAX_LEVELS];
}

impl Node {
    /// Goes down in a way as the table of its level. What was ready there is so no more.
    pub(super) fn pass(self, path: &mut [Self; MAX_LEVELS], ready: &mut [Ready; MAX_LEVELS]) {
        path[clamp(self.level)] = self;
        ready[clamp(self.level)].bytes = 0;
    }
}

impl<K: Kind, St: State> Cursor<'_, K, St> {
    /// log2 of the bytes that a table of `level` translates.
    #[inline(always)]
    pub(super) const fn span(level: usize) -> u32 {
        Self::FORMAT.at(level).shift + Self::FORMAT.index_bits(level)
    }

    /// Whether something can be done at once in tables of `level`. Never in the root: whose its entries are must be looked at.
    #[inline(always)]
    pub(super) const fn gets_ready(level: usize) -> bool {
        level + 1 < Self::FORMAT.levels && Self::span(level) < u64::BITS
    }

    /// The entry for a page of `level`, if that can be changed at once.
    #[inline(always)]
    pub(super) fn at_once<S: PageSize>(&self, page: Page<S>, level: usize) -> Option<(Node, usize)> {
        if !Self::gets_ready(level) {
            return None;
        }
        let Ready { first, bytes } = self.ready[clamp(level)];
        let offset = page.start().as_u64().wrapping_sub(first);
        if offset >= bytes {
            return None;
        }
        let node = Node { level, fresh: false, ..self.path[clamp(level)] };
        // SAFETY: by invariant 2 it was put in sight.
        let node = unsafe { TreeOf::<K, St>::seen_before(node) };
        // SAFETY: both are multiples of the size of the page: pages start at one, and so does what `Ready` has bytes of.
        unsafe { core::hint::assert_unchecked(offset & ((1 << Self::FORMAT.at(level).shift) - 1) == 0) };
        Some((node, (offset >> Self::FORMAT.at(level).shift) as usize))
    }

    /// What a table of `level` that translates `virt` translates first.
    #[inline(always)]
    const fn start(virt: u64, level: usize) -> u64 {
        virt >> Self::span(level) << Self::span(level)
    }

    /// Remembers that the table of `level` on the way to `virt`, which is in `path`, is known, and no other.
    #[inline]
    pub(super) fn get_ready(&mut self, virt: u64, level: usize) {
        if Self::gets_ready(level) && self.ready[clamp(level)].bytes != 0 {
            // No other level is ready then.
            self.ready[clamp(level)].first = Self::start(virt, level);
            return;
        }
        self.ready = Ready::NOWHERE;
        if Self::gets_ready(level) {
            self.ready[clamp(level)] = Ready { first: Self::start(virt, level), bytes: 1 << Self::span(level) };
        }
    }

    /// Goes to the table of `level` on the way to `virt` straight from the root, and forgets the rest of the way: where tables
    /// stay in sight that costs less than to find out what of it is known. Then `there` goes on at the entry, or `above` at
    /// the absent one in the table above; `None` where there is more to be looked at.
    #[inline(always)]
    pub(super) fn leap<T>(
        &mut self,
        virt: VirtAddr,
        level: usize,
        there: impl FnOnce(&mut Self, Spot) -> Option<T>,
        above: impl FnOnce(&mut Self, Spot) -> Option<T>,
    ) -> Option<T> {
        let (format, virt) = (Self::FORMAT, virt.as_u64());
        let stays = sight::stays::<K::Regime, K::Memory>(level) && sight::stays::<K::Regime, K::Memory>(level + 1);
        if !stays || !Self::gets_ready(level) || !format.is_canonical(virt) || self.space.borders.is_foreign_at(virt) {
            return None;
        }
        let root = sight::look::<K::Regime, _>(&self.space.memory, self.space.root_of(virt)?)?;
        let (mut node, mut at) = (root, format.levels - 1);
        while at > level {
            let index = format.index(virt, at);
            let word = sight::load::<K::Regime, K::Memory>(node, index)?;
            match Levels::<K::Regime>::sort(at, word) {
                Sort::Table => {}
                Sort::Absent if at == level + 1 && at + 1 < format.levels => {
                    // What is ready stays so: where it leads to has not changed.
                    self.low = MAX_LEVELS;
                    let node = Node { level: at, base: Self::start(virt, at), fresh: false, ..node };
                    return above(self, Spot { node, index, word });
                }
                _ => return None,
            }
            let below = Node { level: at - 1, ..node.below::<K::Regime>(index, word) };
            if at + 1 == format.levels && below.table == root.table {
                return None;
            }
            node = sight::look::<K::Regime, _>(&self.space.memory, below)?;
            at -= 1;
        }
        // The same as what the tables on the way said, in one step.
        node = Node { level, base: Self::start(virt, level), fresh: false, ..node };
        let index = format.index(virt, level);
        let word = sight::load::<K::Regime, K::Memory>(node, index)?;
        (self.low, self.path[clamp(level)]) = (MAX_LEVELS, node);
        self.get_ready(virt, level);
        there(self, Spot { node, index, word })
    }
}
