//! Leaves of another size for the same translation: splitting, and promotion.

use super::change::{Keep, alone};
use super::error::{BadPhys, PromoteError, SplitError};
use super::kind::Kind;
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::{RangeError, Span};
use super::tree::{Gone, Made, Tree};
use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::Rights;
use crate::flush::Change;
use crate::format::{Leaf, View};

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Makes the leaf that translates `virt` one of `level` or below; no run reaches over it then.
    pub(super) fn split(&mut self, virt: VirtAddr, level: usize) -> Result<(), SplitError> {
        let page = Self::FORMAT.page_size();
        let virt = virt.as_u64() & !(page - 1);
        let span = Span::new(Self::FORMAT, VirtAddr::new(virt), page, page)?;
        let mut node = self.enter(span)?;
        loop {
            let index = self.index(node, virt);
            let word = self.checked(node, index)?;
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table => node = node.below::<K::Regime>(index, word),
                Sort::Absent => return Err(SplitError::NotMapped(self.found(node, index, word))),
                Sort::Reserved => return Err(SplitError::Reserved(self.found(node, index, word))),
                Sort::Leaf if node.level < level => return Ok(()),
                Sort::Leaf => return self.split_leaf(node, index, virt, level),
            }
        }
    }

    fn split_leaf(&mut self, node: Node, index: usize, virt: u64, level: usize) -> Result<(), SplitError> {
        let word = self.load(node, index);
        let mut below = Some(word);
        for above in (level + 1..=node.level).rev() {
            below = below.and_then(|word| Self::child_word(above, word));
        }
        if below.is_none() {
            return Err(SplitError::Reserved(self.found(node, index, word)));
        }
        self.reserve((node.level - level) as u64).map_err(SplitError::OutOfTables)?;
        self.dissolve(node, index, usize::MAX, 0, Keep::All);
        if node.level == level {
            return Ok(());
        }
        let word = self.load(node, index);
        let Some(child) = self.take(node, index) else { return Ok(()) };
        self.fill_split(node, index, word, child);
        let mut leaf = child;
        while leaf.level > level {
            let index = self.index(leaf, virt);
            let word = self.load(leaf, index);
            let Some(next) = self.take(leaf, index) else { break };
            self.fill_split(leaf, index, word, next);
            self.fill(leaf, index, Self::pointer(leaf.level, next.table));
            leaf = next;
        }
        self.swap_in(node, index, word, child, crate::flush::Duty::NONE);
        Ok(())
    }

    /// Makes the table that translates the slot of `level` at `virt` one leaf.
    pub(super) fn promote(&mut self, virt: VirtAddr, level: usize) -> Result<(), PromoteError> {
        let size = Self::FORMAT.at(level).size();
        let span = Span::new(Self::FORMAT, virt, size, size)?;
        let mut node = self.enter(span)?;
        if node.level < level {
            return Err(RangeError::Pinned { virt }.into());
        }
        loop {
            let index = self.index(node, span.start);
            let word = self.checked(node, index)?;
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table if node.level > level => node = node.below::<K::Regime>(index, word),
                Sort::Table => {
                    let child = node.below::<K::Regime>(index, word);
                    let leaf = self.common_leaf(child)?;
                    self.swap_out(node, index, child, leaf);
                    return Ok(());
                }
                Sort::Leaf if node.level == level => return Ok(()),
                Sort::Leaf => return Err(PromoteError::InsideLeaf(self.found(node, index, word))),
                Sort::Absent => return Err(PromoteError::NotMapped(self.found(node, index, word))),
                Sort::Reserved => return Err(PromoteError::Reserved(self.found(node, index, word))),
            }
        }
    }

    /// The leaf of the level above that translates as all leaves of `child` together.
    fn common_leaf(&self, child: Node) -> Result<u64, PromoteError> {
        let level = child.level + 1;
        let size = Self::FORMAT.at(level).size();
        let first = self.plain(child, 0)?;
        let View::Leaf(leaf) = Self::FORMAT.view(child.level, first) else {
            return Err(PromoteError::Reserved(self.found(child, 0, first)));
        };
        if leaf.address & (size - 1) != 0 {
            return Err(PromoteError::UnalignedPhys(BadPhys { phys: PhysAddr::new(leaf.address), bound: size }));
        }
        let flags = first & !Self::HARDWARE_BITS & !Self::address_bits(child.level);
        // All of them at once, which takes no decision for each.
        let marks = match self.continues(child, !Self::HARDWARE_BITS, flags, leaf.address) {
            Some(all) => all & Self::HARDWARE_BITS,
            None => self.marks_of(child, flags, leaf.address)?,
        };
        let word = Self::FORMAT.encode_leaf(level, &Leaf { run: 0, ..leaf });
        match word {
            Some(word) if Self::has_leaf(level) => Ok(word | self.marks_until_flush(leaf, marks)),
            _ => Err(PromoteError::Reserved(self.found(child, 0, first))),
        }
    }

    /// What hardware set in leaves with `flags`, the first to `phys` and the others to what is behind.
    fn marks_of(&self, child: Node, flags: u64, phys: u64) -> Result<u64, PromoteError> {
        let mut marks = 0;
        for index in 0..child.entries::<K::Regime>() {
            let word = self.plain(child, index)?;
            let address = phys + ((index as u64) << Self::shift(child.level));
            if word & !Self::HARDWARE_BITS != flags | Self::FORMAT.address.encode(address) {
                return Err(PromoteError::Differs(self.found(child, index, word)));
            }
            marks |= word & Self::HARDWARE_BITS;
        }
        Ok(marks)
    }

    /// Hardware may mark the old leaves until the flush, and nobody looks at them then: a leaf that can be dirty is.
    fn marks_until_flush(&self, leaf: Leaf, marks: u64) -> u64 {
        if Self::CHANGES_ITSELF && leaf.access.any().contains(Rights::W) { Self::HARDWARE_BITS } else { marks }
    }

    /// An entry that must be a leaf, outside of runs.
    fn plain(&self, node: Node, index: usize) -> Result<u64, PromoteError> {
        let word = self.checked(node, index)?;
        match Levels::<K::Regime>::sort(node.level, word) {
            Sort::Leaf => Ok(alone(Self::FORMAT, node.level, word, node.virt::<K::Regime>(index))),
            Sort::Table => Err(PromoteError::HoldsTable(self.found(node, index, word))),
            Sort::Absent => Err(PromoteError::NotMapped(self.found(node, index, word))),
            Sort::Reserved => Err(PromoteError::Reserved(self.found(node, index, word))),
        }
    }

    /// Puts `leaf` in the place of the pointer to `child`.
    fn swap_out(&mut self, node: Node, index: usize, child: Node, leaf: u64) {
        let duty = Self::duty(Change::Promote);
        let (slot, global) = (Self::slot(node, index), Self::is_global(node.level, leaf));
        let unlinked = Node { fresh: true, ..child };
        let word = self.load(node, index);
        let gone = Gone { span: slot, stride: Self::shift(child.level), global };
        let settled = self.open(node, index, word, duty).settle(self, gone);
        match settled.make(self, leaf) {
            Made::Anew => {
                self.ledger.release(self.memory, unlinked);
                self.owe(node, Self::duty(Change::Map), slot, global);
            }
            Made::InPlace(duty) => {
                if L::LIVE && !node.fresh {
                    self.ledger.coarsened(duty, slot, Self::shift(child.level), global);
                }
                self.ledger.retain(self.memory, unlinked);
            }
        }
    }
}
