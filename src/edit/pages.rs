//! Mapping a range page by page: all that a request is for which no larger leaf fits, without what larger ones need.

use super::error::MapError;
use super::kind::Kind;
use super::leaves::{check_phys, flags_at, phys_end};
use super::ledger::Ledger;
use super::node::{Node, Sort};
use super::range::Span;
use super::request::{Limits, Mapping};
use super::tree::Tree;
use crate::flush::Change;
use crate::format::NOT_ENCODABLE;

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

    /// Whether no leaf but pages fits the request, for addresses that `span` is.
    #[inline(always)]
    pub(super) fn is_small(&self, request: &Mapping, span: Span) -> bool {
        let (page, Limits { smallest, largest, runs }) = (Self::FORMAT.page_size(), request.limits);
        if smallest > page || (Self::HAS_RUNS && runs) {
            return false;
        }
        let (offset, shift) = (request.phys.as_u64().wrapping_sub(span.start), Self::shift(1));
        largest >> shift == 0 || offset & ((1 << shift) - 1) != 0 || span.whole_slots(shift).is_none()
    }

    /// Maps what `request` says, which asks for nothing but pages, or nothing.
    pub(super) fn map_small(&mut self, request: &Mapping) -> Result<(), MapError> {
        let page = Self::FORMAT.page_size();
        let span = Span::new(Self::FORMAT, request.virt, request.size, page)?;
        check_phys(Self::PHYS_END, span, request.phys, page)?;
        self.map_pages(request, span)
    }

    /// The same of a request whose addresses are checked.
    pub(super) fn map_pages(&mut self, request: &Mapping, span: Span) -> Result<(), MapError> {
        let flags = flags_at(Self::FORMAT, Self::FEATURES, request.attributes, 0);
        if flags == NOT_ENCODABLE {
            return Err(MapError::NotEncodable(request.attributes));
        }
        let (node, offset) = (self.lowest(span)?, request.phys.as_u64().wrapping_sub(span.start));
        if node.level == 0 {
            return self.map_leaves(node, span, flags, offset);
        }
        let tables = self.survey_pages(node, span)?;
        self.reserve(tables).map_err(MapError::OutOfTables)?;
        self.ledger.prepare(span);
        self.map_pages_in(node, span, flags, offset);
        Ok(())
    }

    /// Maps pages of one table that is there, or nothing.
    #[inline]
    fn map_leaves(&mut self, node: Node, span: Span, flags: u64, offset: u64) -> Result<(), MapError> {
        let mut node = Node { level: 0, ..node };
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.first(&mut node, from)?;
        if !self.is_row_absent(node, from, to + 1) {
            return self.first_page(node, from, to).map(|_| ());
        }
        self.ledger.prepare(span);
        self.fill_row(node, from, to + 1, flags, span.start.wrapping_add(offset));
        self.owe(node, Self::duty(Change::Map), span, Self::is_global(0, flags));
        Ok(())
    }

    /// Counts the tables that pages need, and finds what stands in their way.
    fn survey_pages(&self, mut node: Node, span: Span) -> Result<u64, MapError> {
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.first(&mut node, from)?;
        if node.level == 0 {
            return if self.is_row_absent(node, from, to + 1) { Ok(0) } else { self.first_page(node, from, to) };
        }
        let mut tables = 0;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = self.checked(node, index)?;
            tables += match Sort::of(Self::FORMAT, node.level, word) {
                Sort::Absent => Self::tables_for_pages(node.level, part),
                Sort::Table => self.survey_pages(node.below(Self::FORMAT, index, word), part)?,
                Sort::Leaf if part.is_whole(Self::shift(node.level)) => {
                    return Err(MapError::AlreadyMapped(self.found(node, index, word)));
                }
                Sort::Leaf => return Err(MapError::InsideLeaf(self.found(node, index, word))),
                Sort::Reserved => return Err(MapError::Reserved(self.found(node, index, word))),
            };
        }
        Ok(tables)
    }

    /// Tables below an entry of `level` with all the pages of `part`.
    #[inline(always)]
    pub(super) fn tables_for_pages(level: usize, part: Span) -> u64 {
        let (mut tables, mut level) = (0, level);
        while level > 0 {
            tables += (part.last >> Self::shift(level)) - (part.start >> Self::shift(level)) + 1;
            level -= 1;
        }
        tables
    }

    /// Maps the pages of `span`; nothing is in the way, and the tables are reserved. The contents of a table that nothing
    /// points to are arbitrary before.
    fn map_pages_in(&mut self, node: Node, span: Span, flags: u64, offset: u64) {
        let node = self.shown(node);
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        if node.fresh {
            self.clear(node, 0, from);
            self.clear(node, to + 1, node.entries(Self::FORMAT));
        }
        if node.level == 0 {
            self.fill_row(node, from, to + 1, flags, span.start.wrapping_add(offset));
            return self.owe(node, Self::duty(Change::Map), span, Self::is_global(0, flags));
        }
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = if node.fresh { 0 } else { self.load(node, index) };
            if Sort::of(Self::FORMAT, node.level, word) == Sort::Table {
                self.map_pages_in(node.below(Self::FORMAT, index, word), part, flags, offset);
                continue;
            }
            let Some(child) = self.take(node, index) else { return };
            self.map_pages_in(child, part, flags, offset);
            self.link(node, index, child);
            self.owe(node, Self::duty(Change::Link), part, Self::is_global(0, flags));
        }
    }
}
