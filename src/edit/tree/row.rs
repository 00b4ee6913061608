//! Entries side by side in a table that was found in reach: of one that nothing walks as of ordinary memory, of another one
//! by one.

use core::ptr::NonNull;

use super::super::kind::Kind;
use super::super::ledger::Ledger;
use super::super::node::Node;
use super::super::sight;
use super::Tree;
use crate::format::Pattern;
use crate::tables::row;

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// What words of leaves of `level` that translate to one after the other grow by; `None` where they do not grow alike.
    #[inline]
    pub(in crate::edit) const fn step(level: usize) -> Option<u64> {
        let field = Self::FORMAT.address;
        if field.high_bits == 0 { Some((1 << Self::shift(level)) >> field.shift_right) } else { None }
    }

    /// Where the entries `from..to` of `node` are, and how many, if they are ordinary memory: in sight, and nothing walks
    /// them.
    #[inline]
    fn quiet(node: Node, from: usize, to: usize) -> Option<(NonNull<u8>, usize)> {
        if (L::LIVE && !node.fresh) || from >= to || to > node.entries::<K::Regime>() {
            return None;
        }
        sight::entry::<K::Regime, K::Memory>(node, from).map(|at| (at, to - from))
    }

    /// Makes the entries `from..to` absent.
    #[inline]
    pub(in crate::edit) fn clear(&mut self, node: Node, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let node = self.shown(node);
        match Self::quiet(node, from, to) {
            // SAFETY: by invariant 1 the table is this space's, which is borrowed exclusively, or this operation's; it has
            // these entries.
            Some((at, count)) => unsafe { row::clear::<K::Regime>(at, count) },
            None => self.clear_each(node, from, to),
        }
    }

    /// The same of entries that are no ordinary memory.
    #[inline(never)]
    fn clear_each(&mut self, node: Node, from: usize, to: usize) {
        for index in from..to {
            self.store(node, index, 0);
        }
    }

    /// Writes leaves with `flags` to the entries `from..to`, which are absent: the first to `phys`, and the others to what
    /// is behind.
    #[inline]
    pub(in crate::edit) fn fill_row(&mut self, node: Node, from: usize, to: usize, flags: u64, phys: u64) {
        debug_assert!(node.fresh || self.is_row_absent(node, from, to), "what is there is opened, and settled, before");
        let node = self.shown(node);
        if let (Some(step), Some((at, count))) = (Self::step(node.level), Self::quiet(node, from, to)) {
            let first = flags | Self::FORMAT.address.encode(phys);
            // SAFETY: as in `clear`.
            return unsafe { row::fill::<K::Regime>(at, count, first, step) };
        }
        self.fill_each(node, from, to, flags, phys);
    }

    /// The same of entries that are no ordinary memory.
    #[inline(never)]
    fn fill_each(&mut self, node: Node, from: usize, to: usize, flags: u64, mut phys: u64) {
        for index in from..to {
            self.fill(node, index, flags | Self::FORMAT.address.encode(phys));
            phys = phys.wrapping_add(1 << Self::shift(node.level));
        }
    }

    /// Keeps some bits of each of the entries `from..to`, which nothing walks, and sets others.
    #[inline]
    pub(in crate::edit) fn change_row(&mut self, node: Node, from: usize, to: usize, keep: u64, set: u64) {
        debug_assert!(!L::LIVE || node.fresh, "what is walked is updated");
        let node = self.shown(node);
        if let Some((at, count)) = Self::quiet(node, from, to) {
            // SAFETY: as in `clear`; tables that are linked are written.
            return unsafe { row::change::<K::Regime>(at, count, keep, set) };
        }
        for index in from..to {
            let word = self.load(node, index);
            self.store(node, index, word & keep | set);
        }
    }

    /// Whether all of the entries `from..to` are absent.
    #[inline]
    pub(in crate::edit) fn is_row_absent(&self, node: Node, from: usize, to: usize) -> bool {
        let node = self.shown(node);
        let all = match Self::quiet(node, from, to) {
            // SAFETY: as in `change_row`.
            Some((at, count)) => unsafe { row::union::<K::Regime>(at, count) },
            None => self.union_of_each(node, from, to),
        };
        all & Self::FORMAT.present == 0
    }

    /// The bits that any of the entries `from..to` has, which are no ordinary memory.
    #[inline(never)]
    fn union_of_each(&self, node: Node, from: usize, to: usize) -> u64 {
        (from..to).fold(0, |all, index| all | self.load(node, index))
    }

    /// Whether all of the entries `from..to` have the pattern.
    #[inline]
    pub(in crate::edit) fn is_row_like(&self, node: Node, from: usize, to: usize, pattern: Pattern) -> bool {
        let node = self.shown(node);
        let wrong = match Self::quiet(node, from, to) {
            // SAFETY: as in `change_row`.
            Some((at, count)) => unsafe { row::differing::<K::Regime>(at, count, pattern) },
            None => (from..to).fold(0, |all, index| all | self.load(node, index) & pattern.mask ^ pattern.value),
        };
        wrong == 0
    }

    /// The bits that any of all entries has, if they are leaves with `flags`, whatever their bits outside of `mask`: the
    /// first to `phys`, and the others to what is behind. `None`, too, where words do not grow alike.
    pub(in crate::edit) fn continues(&self, node: Node, mask: u64, flags: u64, phys: u64) -> Option<u64> {
        let (node, step) = (self.shown(node), Self::step(node.level)?);
        let (count, first) = (node.entries::<K::Regime>(), flags | Self::FORMAT.address.encode(phys));
        let (wrong, all) = match Self::quiet(node, 0, count) {
            // SAFETY: as in `change_row`.
            Some((at, count)) => unsafe { row::diverging::<K::Regime>(at, count, mask, first, step) },
            None => (0..count).fold((0, 0), |(wrong, all), index| {
                let word = self.load(node, index);
                (wrong | (word ^ first.wrapping_add(step.wrapping_mul(index as u64))) & mask, all | word)
            }),
        };
        (wrong == 0).then_some(all)
    }
}
