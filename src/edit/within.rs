//! Mapping pages of one leaf table that is there: what most requests are, without all that others need.

use super::kind::Kind;
use super::leaves::{is_granted, leaf_of, phys_end};
use super::ledger::Ledger;
use super::node::Node;
use super::range::Span;
use super::request::{Existing, Mapping};
use super::tree::Tree;
use crate::flush::Change;

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    const PHYS_END: u64 = phys_end(Self::FORMAT, Self::FEATURES);

    /// Maps `span` as `request` says, if it is pages of one table that is there, and nothing is in the way; whether it did.
    /// What else there is to it, errors too, is not looked at.
    #[inline]
    pub(super) fn map_within(&mut self, request: &Mapping, span: Span) -> bool {
        let (page, phys, limits) = (Self::FORMAT.page_size(), request.phys.as_u64(), request.limits);
        let plain = request.existing == Existing::Refuse && limits.smallest <= page && !(Self::HAS_RUNS && limits.runs);
        let reached = phys < Self::PHYS_END && Self::PHYS_END - phys > span.last - span.start;
        if !Self::is_whole(0) || !plain || !reached || phys & (page - 1) != 0 {
            return false;
        }
        let Some(node) = self.leaf_table(span) else { return false };
        let (from, to) = (self.index(node, span.start), self.index(node, span.last) + 1);
        if !self.is_row_absent(node, from, to) || !is_granted(Self::FORMAT, Self::FEATURES, request.attributes) {
            return false;
        }
        let Some(flags) = Self::FORMAT.leaf_flags(0, &leaf_of(request.attributes, 0)) else { return false };
        self.ledger.prepare(span);
        self.fill_row(node, from, to, flags, phys);
        self.owe(node, Self::duty(Change::Map), span, Self::is_global(0, flags));
        true
    }

    /// The table whose pages `span` is, if it is there, and has others.
    #[inline(always)]
    fn leaf_table(&self, span: Span) -> Option<Node> {
        let bits = Self::shift(0) + Self::FORMAT.index_bits(0);
        if (span.start ^ span.last) >> bits != 0 || span.is_whole(bits) {
            return None;
        }
        let mut node = self.narrow(self.enter(span).ok()?, span).ok()?;
        if node.level != 0 {
            return None;
        }
        node.level = 0;
        let index = self.index(node, span.start);
        self.first(&mut node, index).ok()?;
        Some(node)
    }
}
