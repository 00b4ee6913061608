//! Mapping a range.

use super::change::{Keep, run_of};
use super::error::{Fault, MapError};
use super::kind::Kind;
use super::leaves::{Leaves, RunOf, check_phys, unit_of};
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::{RangeError, Span};
use super::request::{Existing, Limits, Mapping};
use super::tree::{Gone, Tree, Vacant};
use crate::flush::{Change, Duty};
use crate::format::clamp;

/// What becomes of what is there already. Code for what a request does not do is not linked.
pub(super) trait Way: Copy {
    /// Whether tables stay, and leaves are in the way: what is to be mapped may be pages everywhere.
    const PLAIN: bool;

    /// Whether leaves and tables are replaced.
    fn replaces(self) -> bool;
}

/// The way of most requests.
#[derive(Clone, Copy)]
pub(super) struct Plain;

/// Any.
#[derive(Clone, Copy)]
pub(super) struct Any(pub(super) Existing);

impl Way for Plain {
    const PLAIN: bool = true;

    #[inline(always)]
    fn replaces(self) -> bool {
        false
    }
}

impl Way for Any {
    const PLAIN: bool = false;

    #[inline(always)]
    fn replaces(self) -> bool {
        self.0 == Existing::Replace
    }
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Maps what `request` says, or nothing: by the way for such requests, where the caller's code says what it is.
    #[inline(always)]
    pub(super) fn map(&mut self, request: &Mapping) -> Result<(), MapError> {
        let (page, Limits { smallest, largest, runs }) = (Self::FORMAT.page_size(), request.limits);
        match request.existing {
            Existing::Refuse if smallest <= page && (Self::PAGES || largest <= page) && !(Self::HAS_RUNS && runs) => {
                self.map_small(request)
            }
            Existing::Refuse if smallest <= page => self.map_as(request, Plain),
            existing => self.map_as(request, Any(existing)),
        }
    }

    fn map_as<W: Way>(&mut self, request: &Mapping, way: W) -> Result<(), MapError> {
        let limits = Self::limited(request.limits);
        let request = &Mapping { limits, ..*request };
        let unit = unit_of(Self::FORMAT, request.limits);
        let span = Span::new(Self::FORMAT, request.virt, request.size, unit)?;
        check_phys(Self::PHYS_END, span, request.phys, unit)?;
        if !way.replaces()
            && let Some(level) = Self::level_of(request, span)
            && self.map_alike(request, span, level)?
        {
            return Ok(());
        }
        let leaves = Leaves::of(Self::FORMAT, Self::FEATURES, span, request);
        leaves.check(Self::FORMAT, Self::FEATURES, unit)?;
        let node = self.lowest(span)?;
        if !W::PLAIN && node.level < leaves.least {
            // The leaf would take the place of a root entry that stays as it is.
            return Err(RangeError::Pinned { virt: request.virt }.into());
        }
        let tables = self.survey_map(node, span, &leaves, way)?;
        self.reserve(tables).map_err(MapError::OutOfTables)?;
        self.ledger.prepare(span);
        self.map_in(node, span, &leaves, way);
        Ok(())
    }

    /// Counts the tables that a request needs, and finds what stands in its way.
    fn survey_map<W: Way>(&self, mut node: Node, span: Span, leaves: &Leaves, way: W) -> Result<u64, MapError> {
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.first(&mut node, from)?;
        if Self::is_whole(node.level) {
            if !way.replaces() && self.is_row_absent(node, from, to + 1) {
                return Ok(leaves.tables_below(Self::FORMAT, node.level, span));
            }
            if node.level == 0 {
                return if way.replaces() { Ok(0) } else { self.first_page(node, from, to) };
            }
        }
        let mut tables = 0;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            tables += self.survey_entry(node, part, leaves, way)?;
        }
        Ok(tables)
    }

    /// The first page in the way of a mapping, as the error that it is.
    #[cold]
    pub(super) fn first_page(&self, node: Node, from: usize, to: usize) -> Result<u64, MapError> {
        for index in from..to + 1 {
            let word = self.load(node, index);
            match Levels::<K::Regime>::sort(0, word) {
                Sort::Absent => {}
                Sort::Reserved => return Err(MapError::Reserved(self.found(node, index, word))),
                Sort::Leaf | Sort::Table => return Err(MapError::AlreadyMapped(self.found(node, index, word))),
            }
        }
        Ok(0)
    }

    fn survey_entry<W: Way>(&self, node: Node, part: Span, leaves: &Leaves, way: W) -> Result<u64, MapError> {
        let level = node.level;
        let index = self.index(node, part.start);
        let word = self.checked(node, index)?;
        let whole = part.is_whole(Self::shift(level));
        let fits = whole && leaves.has(level);
        let replaces = way.replaces();
        match Levels::<K::Regime>::sort(level, word) {
            Sort::Absent if fits => Ok(0),
            Sort::Absent => Ok(leaves.tables_in(Self::FORMAT, level, part)),
            Sort::Table => {
                let child = node.below::<K::Regime>(index, word);
                if W::PLAIN || !fits || (!replaces && leaves.least < level) {
                    self.survey_map(child, part, leaves, way)
                // What is replaced is in reach, too: what it owes is read from it.
                } else if self.is_void(child)? || replaces {
                    Ok(0)
                } else {
                    Err(MapError::HoldsTable(self.found(node, index, word)))
                }
            }
            _ if replaces && fits => Ok(0),
            Sort::Leaf if replaces && self.is_same(node, index, word, leaves) => Ok(0),
            Sort::Leaf if replaces && Self::child_word(level, word).is_some() => {
                Ok(leaves.tables_in(Self::FORMAT, level, part))
            }
            Sort::Leaf if !replaces && whole => Err(MapError::AlreadyMapped(self.found(node, index, word))),
            Sort::Leaf if !replaces => Err(MapError::InsideLeaf(self.found(node, index, word))),
            Sort::Leaf | Sort::Reserved => Err(MapError::Reserved(self.found(node, index, word))),
        }
    }

    /// Whether a table and all below, which are in reach, have no mapping.
    fn is_void(&self, mut node: Node) -> Result<bool, Fault> {
        self.first(&mut node, 0)?;
        let mut void = true;
        for index in 0..node.entries::<K::Regime>() {
            let word = self.load(node, index);
            void &= match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Absent => true,
                Sort::Table => self.is_void(node.below::<K::Regime>(index, word))?,
                Sort::Leaf | Sort::Reserved => false,
            };
        }
        Ok(void)
    }

    /// Whether the leaf translates already as the request asks for.
    fn is_same(&self, node: Node, index: usize, word: u64, leaves: &Leaves) -> bool {
        let virt = node.virt::<K::Regime>(index);
        let old = super::change::alone(Self::FORMAT, node.level, word, virt);
        let new = Self::encoded(leaves, node.level, virt);
        let aligned = leaves.offset & ((1 << Self::shift(node.level)) - 1) == 0;
        aligned && (old ^ new) & !Self::HARDWARE_BITS == 0
    }

    /// The leaf of `level` that the request would have at `virt`, whether or not such leaves are used.
    fn encoded(leaves: &Leaves, level: usize, virt: u64) -> u64 {
        let flags = leaves.encoded(Self::FORMAT, Self::FEATURES, level);
        flags | Self::FORMAT.address.encode(virt.wrapping_add(leaves.offset))
    }

    /// Maps `span`; nothing is in the way, and the tables are reserved. A table that nothing points to is filled the
    /// [`Plain`] way: its contents are arbitrary before.
    fn map_in<W: Way>(&mut self, node: Node, span: Span, leaves: &Leaves, way: W) {
        let node = self.shown(node);
        if W::PLAIN && node.fresh {
            self.clear(node, 0, self.index(node, span.start));
            self.clear(node, self.index(node, span.last) + 1, node.entries::<K::Regime>());
        }
        let whole = if leaves.has(node.level) { span.whole_slots(Self::shift(node.level)) } else { None };
        let Some(whole) = whole else {
            return self.map_parts(node, span, leaves, way);
        };
        if span.start < whole.start {
            self.map_parts(node, Span { start: span.start, last: whole.start - 1 }, leaves, way);
        }
        let blank = W::PLAIN && node.fresh;
        if !way.replaces() && (blank || node.level == 0 || self.is_span_absent(node, whole)) {
            self.write(node, whole, leaves);
            let global = Self::is_global(node.level, leaves.flags[clamp(node.level)]);
            self.owe(node, Self::duty(Change::Map), whole, global);
        } else {
            self.replace(node, whole, leaves, way);
        }
        if whole.last < span.last {
            self.map_parts(node, Span { start: whole.last + 1, last: span.last }, leaves, way);
        }
    }

    /// Whether all entries of whole slots are absent.
    fn is_span_absent(&self, node: Node, span: Span) -> bool {
        self.is_row_absent(node, self.index(node, span.start), self.index(node, span.last) + 1)
    }

    /// Maps `span` below the entries of `node`.
    fn map_parts<W: Way>(&mut self, node: Node, span: Span, leaves: &Leaves, way: W) {
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            self.map_part(node, part, leaves, way);
        }
    }

    fn map_part<W: Way>(&mut self, node: Node, part: Span, leaves: &Leaves, way: W) {
        let index = self.index(node, part.start);
        let word = if W::PLAIN && node.fresh { 0 } else { self.load(node, index) };
        match Levels::<K::Regime>::sort(node.level, word) {
            Sort::Table => self.map_in(node.below::<K::Regime>(index, word), part, leaves, way),
            Sort::Leaf if !W::PLAIN => self.map_inside(node, index, part, leaves),
            _ => {
                let Some(child) = self.take(node, index) else { return };
                self.map_in(child, part, leaves, Plain);
                self.link(node, index, child);
                let global = Self::is_global(leaves.least, leaves.flags[clamp(leaves.least)]);
                self.owe(node, Self::duty(Change::Link), part, global);
            }
        }
    }

    /// Replaces part of a leaf.
    fn map_inside(&mut self, node: Node, index: usize, part: Span, leaves: &Leaves) {
        let word = self.load(node, index);
        if self.is_same(node, index, word, leaves) {
            return;
        }
        self.dissolve(node, index, usize::MAX, 0, Keep::All);
        let word = self.load(node, index);
        let Some(child) = self.take(node, index) else { return };
        self.fill_split(node, index, word, child);
        self.map_in(child, part, leaves, Any(Existing::Replace));
        let new = Self::encoded(leaves, node.level, node.virt::<K::Regime>(index));
        self.swap_in(node, index, word, child, Self::duty_between(node.level, word, new));
    }

    /// Writes the leaves of whole slots: some, then runs, then some.
    fn write(&mut self, node: Node, span: Span, leaves: &Leaves) {
        let (run, flags) = (leaves.runs[clamp(node.level)], leaves.flags[clamp(node.level)]);
        if !Self::HAS_RUNS || run.size == 0 {
            return self.write_leaves(node, span, leaves.offset, flags);
        }
        let middle = span.whole_slots(run.size.trailing_zeros());
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = match middle {
                Some(middle) if all.start < middle.start => Span { start: all.start, last: middle.start - 1 },
                Some(middle) if all.start == middle.start => middle,
                _ => all,
            };
            rest = all.behind(part);
            if middle != Some(part) {
                self.write_leaves(node, part, leaves.offset, flags);
            } else if run.folds == 0 {
                self.write_leaves(node, part, leaves.offset, run.flags);
            } else {
                self.write_folded(node, part, leaves.offset, run);
            }
        }
    }

    #[inline]
    fn write_leaves(&mut self, node: Node, span: Span, offset: u64, flags: u64) {
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.fill_row(node, from, to + 1, flags, span.start.wrapping_add(offset));
    }

    /// Writes runs whose entries all have the address of the run.
    fn write_folded(&mut self, node: Node, span: Span, offset: u64, run: RunOf) {
        for index in self.index(node, span.start)..self.index(node, span.last) + 1 {
            let phys = node.virt::<K::Regime>(index).wrapping_add(offset) & !run.folds;
            self.fill(node, index, run.flags | Self::FORMAT.address.encode(phys));
        }
    }

    /// The word for entry `index`, where all of `span` gets leaves.
    fn word_in(&self, node: Node, index: usize, span: Span, leaves: &Leaves) -> u64 {
        let slot = Self::slot(node, index);
        let run = &leaves.runs[clamp(node.level)];
        let phys = slot.start.wrapping_add(leaves.offset);
        let mask = run.size.wrapping_sub(1);
        if run.size == 0 || slot.start & !mask < span.start || slot.start | mask > span.last {
            return leaves.flags[clamp(node.level)] | Self::FORMAT.address.encode(phys);
        }
        run.flags | Self::FORMAT.address.encode(phys & !run.folds)
    }

    /// Puts leaves in place of whatever whole slots hold.
    fn replace<W: Way>(&mut self, node: Node, span: Span, leaves: &Leaves, way: W) {
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        let all = leaves;
        let leaves = &if self.keeps_table(node, from, to, leaves, way) { leaves.without_runs() } else { *leaves };
        if !W::PLAIN {
            self.dissolve(node, from, from, to, Keep::Outside);
            self.dissolve(node, to, from, to, Keep::Outside);
        }
        let vacant =
            if W::PLAIN { Self::open_none(node).settle(self) } else { self.break_for(node, span, leaves, way) };
        let mut mapped: Option<Span> = None;
        for index in from..=to {
            let word = self.load(node, index);
            let new = self.word_in(node, index, span, leaves);
            let slot = Self::slot(node, index);
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table if W::PLAIN || !way.replaces() && leaves.least < node.level => {
                    self.map_in(node.below::<K::Regime>(index, word), slot, all, way);
                }
                Sort::Absent => {
                    vacant.make(self, index, new);
                    mapped = Some(Span { start: mapped.map_or(slot.start, |m| m.start), last: slot.last });
                }
                _ if W::PLAIN || (word ^ new) & !Self::HARDWARE_BITS == 0 => {}
                sort => self.displace(node, index, sort, word, new),
            }
        }
        if let Some(mapped) = mapped {
            let global = Self::is_global(node.level, leaves.flags[clamp(node.level)]);
            self.owe(node, Self::duty(Change::Map), mapped, global);
        }
    }

    /// Whether one of the entries stays a table, so that the others form no run.
    fn keeps_table<W: Way>(&self, node: Node, from: usize, to: usize, leaves: &Leaves, way: W) -> bool {
        let is_table = |index| Levels::<K::Regime>::sort(node.level, self.load(node, index)) == Sort::Table;
        let stays = !way.replaces() && leaves.least < node.level;
        stays && leaves.runs[clamp(node.level)].size != 0 && (from..to + 1).any(is_table)
    }

    /// Puts the leaf `new` in the place of `word`, and releases the table it pointed to.
    fn displace(&mut self, node: Node, index: usize, sort: Sort, word: u64, new: u64) {
        let duty = Self::duty_to_leaf(node, sort, word, new);
        self.overwrite(node, index, new, duty);
        let gone = self.gone(node, index, sort, word, Self::retain);
        if L::LIVE && !node.fresh {
            let global = gone.global | Self::is_global(node.level, new);
            if sort == Sort::Table {
                self.ledger.coarsened(duty, gone.span, gone.stride, global);
            } else if Self::run_size(node.level, word) != Self::run_size(node.level, new) {
                self.ledger.resized(duty, gone.span, gone.stride, global);
            } else {
                self.ledger.note(duty, gone.span, gone.stride, global);
            }
        }
    }

    /// The bytes of the run that a leaf is part of; 0 for none.
    fn run_size(level: usize, word: u64) -> u64 {
        run_of(Self::FORMAT, level, word).map_or(0, |run| run.size)
    }

    /// Takes out what an entry pointed to. What may be cached of it.
    fn gone(&mut self, node: Node, index: usize, sort: Sort, word: u64, take_out: fn(&mut Self, Node) -> Gone) -> Gone {
        if sort != Sort::Table {
            return Self::gone_leaf(node, index, word);
        }
        let gone = take_out(self, Node { fresh: true, ..node.below::<K::Regime>(index, word) });
        Self::gone_below(node, index, gone)
    }

    /// What an entry that becomes the leaf `new` owes.
    fn duty_to_leaf(node: Node, sort: Sort, word: u64, new: u64) -> Duty {
        match sort {
            Sort::Absent => Self::duty(Change::Map),
            Sort::Leaf => Self::duty_between(node.level, word, new),
            Sort::Reserved => Self::duty(Change::Remap),
            Sort::Table => {
                Self::duty(Change::Promote).union(Self::duty(Change::Unlink)).union(Self::duty(Change::Remap))
            }
        }
    }

    /// Breaks, and flushes at once, all entries of whole slots that must be absent before they get their leaves.
    fn break_for<W: Way>(&mut self, node: Node, span: Span, leaves: &Leaves, way: W) -> Vacant {
        let mut gaps = Self::open_none(node);
        if Self::breaks(node, Duty::NONE.broken()) {
            for index in self.index(node, span.start)..=self.index(node, span.last) {
                let word = self.load(node, index);
                let sort = Levels::<K::Regime>::sort(node.level, word);
                let new = self.word_in(node, index, span, leaves);
                let stays = sort == Sort::Table && !way.replaces() && leaves.least < node.level;
                let duty = Self::duty_to_leaf(node, sort, word, new);
                if stays || (word ^ new) & !Self::HARDWARE_BITS == 0 || sort == Sort::Absent || !duty.before_make {
                    continue;
                }
                gaps.open(self, index, word, duty);
                gaps.remember(self.gone(node, index, sort, word, Self::release));
            }
        }
        gaps.settle(self)
    }
}
