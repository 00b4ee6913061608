//! Changes of single entries: what they owe, and runs and leaves that must be taken apart for them.

use super::kind::Kind;
use super::leaves::leaf_of;
use super::ledger::{Duties, Ledger};
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::Span;
use super::tree::{Made, Tree};
use crate::attr::Rights;
use crate::flush::{Change, Duty};
use crate::format::{Format, Leaf, Run, View};
use crate::table::Attributes;

/// The run that a leaf says it is part of.
#[inline(always)]
pub(super) fn run_of(format: &Format, level: usize, word: u64) -> Option<&Run> {
    format.runs.iter().find(|run| {
        let mark = run.set & !inside(format, run);
        run.size != 0
            && run.level == level
            && match run.leaf {
                Some(own) => own.leaf.matches(word),
                None => word & mark == mark,
            }
    })
}

/// Entry bits of an address that count within a folded run.
const fn inside(format: &Format, run: &Run) -> u64 {
    if run.fold { format.address.encode(run.size - 1) } else { 0 }
}

/// The same leaf, which translates `virt`, outside of any run.
pub(super) fn alone(format: &Format, level: usize, word: u64, virt: u64) -> u64 {
    let Some(run) = run_of(format, level, word) else { return word };
    let own = if run.fold { virt & (run.size - 1) & !(format.at(level).size() - 1) } else { 0 };
    if run.leaf.is_some() {
        let View::Leaf(leaf) = format.view(level, word) else { return word };
        return format.encode_leaf(level, &Leaf { run: 0, address: leaf.address | own, ..leaf }).unwrap_or(word);
    }
    word & !(run.set | inside(format, run)) | format.address.encode(own)
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Whether leaves can form runs.
    pub(super) const HAS_RUNS: bool = {
        let mut has = false;
        let mut i = 0;
        while i < Self::FORMAT.runs.len() {
            has |= Self::FORMAT.runs[i].size != 0 && Self::FORMAT.runs[i].size <= K::LARGEST_LEAF;
            i += 1;
        }
        has
    };

    /// The bits of a leaf of `level` that are its address.
    #[inline]
    pub(super) const fn address_bits(level: usize) -> u64 {
        Self::FORMAT.address.encode(!(Self::FORMAT.at(level).size() - 1))
    }

    /// What a leaf that becomes another leaf for the same addresses owes.
    pub(super) fn duty_between(level: usize, old: u64, new: u64) -> Duty {
        let format = Self::FORMAT;
        let (View::Leaf(before), View::Leaf(after)) = (format.view(level, old), format.view(level, new)) else {
            return Self::duty(Change::Remap);
        };
        let mut duty = Duty::NONE;
        if before.access != after.access {
            duty = duty.union(Duties::<K::Regime>::of_rights(before.access, after.access));
        }
        if before.memory != after.memory {
            duty = duty.union(Self::duty(Change::Retype));
        }
        if before.global != after.global {
            duty = duty.union(Self::duty(Change::Globality));
        }
        if before.run != after.run {
            duty = duty.union(Self::duty(Change::Contiguous));
        }
        // Which page of a folded run an entry is for is not in its word.
        let coarse = before.run.max(after.run).max(1);
        if (before.address ^ after.address) & !(coarse - 1) != 0 {
            duty = duty.union(Self::duty(Change::Remap));
        }
        if duty.is_none() && (old ^ new) & !Self::HARDWARE_BITS != 0 {
            duty = Self::duty(Change::Restrict);
        }
        duty
    }

    /// Takes the run apart that entry `index` is part of, if it reaches out of the entries `from..=to`.
    ///
    /// Where that needs break-before-make and `drop` says so, those of the run in `from..=to` stay absent.
    pub(super) fn dissolve(&mut self, node: Node, index: usize, from: usize, to: usize, keep: Keep) {
        if !Self::HAS_RUNS {
            return;
        }
        let word = self.load(node, index);
        if Levels::<K::Regime>::sort(node.level, word) != Sort::Leaf {
            return;
        }
        let Some(run) = run_of(Self::FORMAT, node.level, word) else { return };
        let count = (run.size >> Self::shift(node.level)) as usize;
        let first = index & !(count - 1);
        let group = first..(first + count).min(node.entries::<K::Regime>());
        if from <= group.start && group.end <= to + 1 {
            return;
        }
        let span = Span { start: Self::slot(node, group.start).start, last: Self::slot(node, group.end - 1).last };
        let global = Self::is_global(node.level, word);
        let duty = Self::duty(Change::Contiguous);
        if !Self::breaks(node, duty) {
            for i in group {
                let virt = node.virt::<K::Regime>(i);
                let word = self.load(node, i);
                if Levels::<K::Regime>::sort(node.level, word) == Sort::Leaf {
                    self.update(node, i, word, duty, |old| alone(Self::FORMAT, node.level, old, virt));
                }
            }
            return self.owe_resized(node, duty, span, global);
        }
        let mut gaps = Self::open_none(node);
        for i in group.clone() {
            let word = self.load(node, i);
            if Levels::<K::Regime>::sort(node.level, word) == Sort::Leaf {
                gaps.open_leaf(self, i, word, duty, Self::gone_leaf(node, i, word));
            }
        }
        let vacant = gaps.settle(self);
        for i in group {
            if matches!(keep, Keep::Outside) && from <= i && i <= to {
                self.erase(node, i);
            } else if Levels::<K::Regime>::sort(node.level, self.load(node, i)) == Sort::Absent {
                vacant.mend(self, i, word, |old, virt| alone(Self::FORMAT, node.level, old, virt));
            }
        }
        self.owe(node, Self::duty(Change::Map), span, global);
    }

    /// Fills `child` with the leaves that translate as `word` does at entry `index` of `node`.
    pub(super) fn fill_split(&mut self, node: Node, index: usize, word: u64, child: Node) {
        let virt = node.virt::<K::Regime>(index);
        let word = alone(Self::FORMAT, node.level, word, virt);
        let marks = word & Self::HARDWARE_BITS;
        let first = Self::child_word(node.level, word).unwrap_or(0) | marks;
        let base = Self::FORMAT.address.decode(word) & !((1 << Self::shift(node.level)) - 1);
        let flags = first & !Self::address_bits(child.level);
        self.fill_row(child, 0, child.entries::<K::Regime>(), flags, base);
    }

    /// The first leaf of the level below that translates as `word` does; `None` where it has no encoding.
    pub(super) fn child_word(level: usize, word: u64) -> Option<u64> {
        if level == 0 || Self::PAGES {
            return None;
        }
        let View::Leaf(leaf) = Self::FORMAT.view(level, word) else { return None };
        if !Self::has_leaf(level - 1) {
            return None;
        }
        Self::FORMAT.encode_leaf(level - 1, &Leaf { run: 0, ..leaf })
    }

    /// Puts `child`, which hardware has not seen, in the place of the leaf `word`. `duty` is what its leaves owe beside
    /// the split itself.
    pub(super) fn swap_in(&mut self, node: Node, index: usize, word: u64, child: Node, duty: Duty) {
        let duty = Self::duty(Change::Split).union(duty);
        let (slot, global) = (Self::slot(node, index), Self::is_global(node.level, word));
        let pointer = Self::pointer(node.level, child.table);
        let (child, mut seen) = (Node { fresh: true, ..child }, word);
        if L::LIVE && !node.fresh {
            self.ledger.refine(slot);
        }
        let settled = self.open(node, index, word, duty).settle(self, Self::gone_leaf(node, index, word));
        let made = settled.make_seeing(self, pointer, |tree, now| {
            tree.mark(child, (now ^ seen) & Self::HARDWARE_BITS);
            seen = now;
        });
        match made {
            Made::Anew => self.owe(node, Self::duty(Change::Link), slot, global),
            Made::InPlace(duty) => self.owe_resized(node, duty, slot, global),
        }
    }

    /// Writes down that leaves of other sizes translate `span` now.
    pub(super) fn owe_resized(&mut self, node: Node, duty: Duty, span: Span, global: bool) {
        if L::LIVE && !node.fresh {
            self.ledger.resized(duty, span, Self::shift(node.level), global);
        }
    }

    /// Sets bits in all leaves of a fresh tree: what hardware did to the leaf above them meanwhile.
    fn mark(&mut self, node: Node, bits: u64) {
        if bits == 0 {
            return;
        }
        for i in 0..node.entries::<K::Regime>() {
            let word = self.load(node, i);
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Leaf => self.fill(node, i, word | bits & !Self::means_else(node.level, word)),
                Sort::Table => self.mark(node.below::<K::Regime>(i, word), bits),
                Sort::Absent | Sort::Reserved => {}
            }
        }
    }

    /// The dirty bit, where it is none in the leaf `word`.
    fn means_else(level: usize, word: u64) -> u64 {
        let (format, shadow) = (Self::FORMAT, Self::FORMAT.dirty_read_only);
        match format.view(level, word) {
            View::Leaf(leaf) if leaf.access.any().contains(Rights::W) => 0,
            _ if !shadow.is_empty() && Self::FEATURES.contains(shadow) => format.dirty,
            _ => 0,
        }
    }

    /// A leaf of `attributes` at `level` to `address`; `None` where there is no such leaf.
    pub(super) fn leaf_word(level: usize, attributes: Attributes, address: u64) -> Option<u64> {
        if !Self::has_leaf(level) {
            return None;
        }
        Self::FORMAT.encode_leaf(level, &leaf_of(attributes, address))
    }
}

/// Which entries of a run that is taken apart are made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// All.
    All,
    /// Those outside of the range that is worked on: the others are about to go.
    Outside,
}
