//! Mapping a range by leaves of one size, mostly pages: what most requests are, without what several sizes need.

use super::error::MapError;
use super::kind::Kind;
use super::leaves::{check_phys, flags_at, phys_end};
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::Span;
use super::request::{Limits, Mapping};
use super::tree::Tree;
use crate::flush::Change;
use crate::format::NOT_ENCODABLE;

/// Leaves that differ in nothing but where they go.
struct Alike {
    level: usize,
    flags: u64,
    /// What is added to an input address.
    offset: u64,
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Whether spaces of the kind have pages and nothing larger.
    pub(super) const PAGES: bool = K::LARGEST_LEAF <= Self::FORMAT.page_size();

    /// Physical addresses end here.
    pub(super) const PHYS_END: u64 = phys_end(Self::FORMAT, Self::FEATURES);

    /// Whether leaves of `level` exist, on this CPU and in spaces of this kind.
    #[inline(always)]
    pub(super) const fn has_leaf(level: usize) -> bool {
        (level == 0 || !Self::PAGES && Self::FORMAT.at(level).size() <= K::LARGEST_LEAF)
            && Self::FORMAT.has_leaf(level, Self::FEATURES)
    }

    /// What of `limits` is left in spaces of this kind.
    #[inline(always)]
    pub(super) const fn limited(limits: Limits) -> Limits {
        if limits.largest <= K::LARGEST_LEAF { limits } else { Limits { largest: K::LARGEST_LEAF, ..limits } }
    }

    /// The level of all leaves that the request is made of, for addresses that `span` is; `None` where they may be several.
    #[inline(always)]
    pub(super) fn level_of(request: &Mapping, span: Span) -> Option<usize> {
        let (page, Limits { smallest, largest, runs }) = (Self::FORMAT.page_size(), request.limits);
        if smallest > page || (Self::HAS_RUNS && runs) {
            return None;
        }
        let offset = request.phys.as_u64().wrapping_sub(span.start);
        let fits = |shift: u32| {
            largest >> shift != 0 && offset & ((1u64 << shift) - 1) == 0 && span.whole_slots(shift).is_some()
        };
        if !fits(Self::shift(1)) {
            return Some(0);
        }
        let is_whole = (span.start | !span.last) & ((1 << Self::shift(1)) - 1) == 0;
        let larger = Self::FORMAT.levels > 2 && fits(Self::shift(2));
        (Self::has_leaf(1) && is_whole && !larger).then_some(1)
    }

    /// Maps what `request` says, which asks for nothing but pages, or nothing.
    pub(super) fn map_small(&mut self, request: &Mapping) -> Result<(), MapError> {
        let page = Self::FORMAT.page_size();
        let span = Span::new(Self::FORMAT, request.virt, request.size, page)?;
        check_phys(Self::PHYS_END, span, request.phys, page)?;
        self.map_alike(request, span, 0).map(|_| ())
    }

    /// The same of a request whose addresses are checked, and whose leaves are of `level`; whether they can be. Pages can.
    pub(super) fn map_alike(&mut self, request: &Mapping, span: Span, level: usize) -> Result<bool, MapError> {
        let level = if Self::PAGES { 0 } else { level };
        let flags_at = |level| flags_at(Self::FORMAT, Self::FEATURES, request.attributes, level);
        let flags = if level == 0 { flags_at(0) } else { flags_at(level) };
        if flags == NOT_ENCODABLE {
            return if level == 0 { Err(MapError::NotEncodable(request.attributes)) } else { Ok(false) };
        }
        let (mut node, offset) = (self.lowest(span)?, request.phys.as_u64().wrapping_sub(span.start));
        if node.level == level && Self::is_whole(level) {
            // All of it is one row of a table that is there.
            let (from, to) = (self.index(node, span.start), self.index(node, span.last));
            self.first(&mut node, from)?;
            if !self.is_row_absent(node, from, to + 1) {
                return if level == 0 { self.first_page(node, from, to).map(|_| true) } else { Ok(false) };
            }
            self.ledger.prepare(span);
            self.fill_row(node, from, to + 1, flags, request.phys.as_u64());
            self.owe(node, Self::duty(Change::Map), span, Self::is_global(level, flags));
            return Ok(true);
        }
        let alike = Alike { level, flags, offset };
        let Some(tables) = self.survey_alike(node, span, level)? else { return Ok(false) };
        if tables > 0 {
            self.reserve(tables).map_err(MapError::OutOfTables)?;
        }
        self.ledger.prepare(span);
        self.map_alike_in(node, span, &alike);
        Ok(true)
    }

    /// Counts the tables that leaves of `level` need, and finds what stands in their way; `None` where that is no error: they
    /// may be smaller.
    fn survey_alike(&self, mut node: Node, span: Span, level: usize) -> Result<Option<u64>, MapError> {
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.first(&mut node, from)?;
        if node.level <= level {
            return match level {
                _ if Self::is_whole(node.level) && node.level == level && self.is_row_absent(node, from, to + 1) => {
                    Ok(Some(0))
                }
                0 => self.first_page(node, from, to).map(Some),
                _ => Ok(None),
            };
        }
        let mut tables = 0;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = self.checked(node, index)?;
            tables += match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Absent => Self::tables_between(node.level, part, level),
                Sort::Table => match self.survey_alike(node.below::<K::Regime>(index, word), part, level)? {
                    Some(tables) => tables,
                    None => return Ok(None),
                },
                Sort::Leaf if part.is_whole(Self::shift(node.level)) => {
                    return Err(MapError::AlreadyMapped(self.found(node, index, word)));
                }
                Sort::Leaf => return Err(MapError::InsideLeaf(self.found(node, index, word))),
                Sort::Reserved => return Err(MapError::Reserved(self.found(node, index, word))),
            };
        }
        Ok(Some(tables))
    }

    /// Tables below an entry of level `from` with all the leaves of `part`, which are of level `to`.
    #[inline(always)]
    pub(super) fn tables_between(from: usize, part: Span, to: usize) -> u64 {
        let (mut tables, mut level) = (0, from);
        while level > to {
            tables += (part.last >> Self::shift(level)) - (part.start >> Self::shift(level)) + 1;
            level -= 1;
        }
        tables
    }

    /// Maps the leaves of `span`; nothing is in the way, and the tables are reserved. The contents of a table that nothing
    /// points to are arbitrary before.
    fn map_alike_in(&mut self, node: Node, span: Span, alike: &Alike) {
        let node = self.shown(node);
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        if node.fresh {
            self.clear(node, 0, from);
            self.clear(node, to + 1, node.entries::<K::Regime>());
        }
        let global = Self::is_global(alike.level, alike.flags);
        if node.level == alike.level {
            self.fill_row(node, from, to + 1, alike.flags, span.start.wrapping_add(alike.offset));
            return self.owe(node, Self::duty(Change::Map), span, global);
        }
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = if node.fresh { 0 } else { self.load(node, index) };
            if Levels::<K::Regime>::sort(node.level, word) == Sort::Table {
                self.map_alike_in(node.below::<K::Regime>(index, word), part, alike);
                continue;
            }
            let Some(child) = self.take(node, index) else { return };
            self.map_alike_in(child, part, alike);
            self.link(node, index, child);
            self.owe(node, Self::duty(Change::Link), part, global);
        }
    }
}
