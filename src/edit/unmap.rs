//! Unmapping a range, and giving all tables back.

use super::change::Keep;
use super::error::{Fault, UnmapError};
use super::kind::Kind;
use super::leaves::tables_to_cut;
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::Span;
use super::request::Reclaim;
use super::tree::{Gone, Tree};
use crate::addr::{PhysAddr, VirtAddr};
use crate::flush::Change;
use crate::tables::TableMemory;

/// What becomes of empty tables. Code that gives tables back is not linked where all stay.
trait Reclaims {
    const FREES: bool;
}

/// All stay.
enum Keeps {}

/// They go.
enum Frees {}

impl Reclaims for Keeps {
    const FREES: bool = false;
}

impl Reclaims for Frees {
    const FREES: bool = true;
}

/// What unmapping a range did to a table.
struct Cut {
    /// From the first to the last byte that was mapped.
    hull: Option<Span>,
    /// Whether all of the table is absent now, if it is to go then.
    empty: bool,
}

/// The hull of both.
fn around(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.hull(b)),
        _ => a.or(b),
    }
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Unmaps all of a range, or nothing.
    #[inline(always)]
    pub(super) fn unmap(&mut self, virt: VirtAddr, size: u64, reclaim: Reclaim) -> Result<(), UnmapError> {
        match reclaim {
            Reclaim::Keep => self.unmap_as::<Keeps>(virt, size),
            Reclaim::Free => self.unmap_as::<Frees>(virt, size),
        }
    }

    fn unmap_as<R: Reclaims>(&mut self, virt: VirtAddr, size: u64) -> Result<(), UnmapError> {
        let span = Span::new(Self::FORMAT, virt, size, Self::FORMAT.page_size())?;
        // Tables on the way that are left without an entry go, too.
        let node = if R::FREES { self.enter(span)? } else { self.lowest(span)? };
        let tables = self.survey_unmap(node, span)?;
        self.reserve(tables).map_err(UnmapError::OutOfTables)?;
        self.unmap_in::<R>(node, span);
        Ok(())
    }

    /// Counts the tables that cutting a range out of the leaves at its ends needs, and finds what is out of reach.
    fn survey_unmap(&self, mut node: Node, span: Span) -> Result<u64, UnmapError> {
        let first = self.index(node, span.start);
        self.first(&mut node, first)?;
        if node.level == 0 {
            return Ok(0);
        }
        let mut tables = 0;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = self.checked(node, index)?;
            tables += match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table => {
                    let mut child = node.below::<K::Regime>(index, word);
                    // Of pages nothing else is asked, and there are many tables of them.
                    if node.level == 1 {
                        self.first(&mut child, 0).map(|_| 0)?
                    } else {
                        self.survey_unmap(child, part)?
                    }
                }
                Sort::Absent => 0,
                Sort::Leaf | Sort::Reserved if part.is_whole(Self::shift(node.level)) => 0,
                Sort::Leaf if Self::PAGES => return Err(UnmapError::InsideLeaf(self.found(node, index, word))),
                Sort::Leaf if Self::child_word(node.level, word).is_some() => {
                    tables_to_cut(Self::FORMAT, node.level, part)
                }
                _ => return Err(UnmapError::Reserved(self.found(node, index, word))),
            };
        }
        Ok(tables)
    }

    /// Unmaps `span`.
    fn unmap_in<R: Reclaims>(&mut self, node: Node, span: Span) -> Cut {
        let node = self.shown(node);
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        let mut hull = None;
        if node.level == 0 {
            hull = self.unmap_last(node, span);
        } else {
            self.dissolve(node, from, from, to, Keep::Outside);
            self.dissolve(node, to, from, to, Keep::Outside);
            let mut rest = Some(span);
            while let Some(all) = rest {
                let part = all.first_part(Self::shift(node.level));
                rest = all.behind(part);
                hull = around(hull, self.unmap_part::<R>(node, part));
            }
        }
        let absent = |index| Levels::<K::Regime>::sort(node.level, self.load(node, index)) == Sort::Absent;
        let empty = R::FREES && (from..=to).all(absent) && self.is_empty_but(node, from, to);
        Cut { hull, empty }
    }

    /// Unmaps part of a slot, or all of it. Gives the hull of what was mapped.
    fn unmap_part<R: Reclaims>(&mut self, node: Node, part: Span) -> Option<Span> {
        let index = self.index(node, part.start);
        let word = self.load(node, index);
        let whole = part.is_whole(Self::shift(node.level));
        match Levels::<K::Regime>::sort(node.level, word) {
            Sort::Table => self.unmap_below::<R>(node, index, word, part),
            Sort::Leaf | Sort::Reserved if whole => {
                self.erase(node, index);
                self.owe_absent(node, Self::duty(Change::Unmap), part, Self::is_global(node.level, word));
                Some(part)
            }
            Sort::Leaf if !Self::PAGES => {
                self.unmap_inside(node, index, part);
                Some(part)
            }
            // What else is not all of a slot was refused.
            _ => None,
        }
    }

    /// The same of a table, which is left empty, or taken out.
    #[inline]
    fn unmap_below<R: Reclaims>(&mut self, node: Node, index: usize, word: u64, part: Span) -> Option<Span> {
        let child = node.below::<K::Regime>(index, word);
        if R::FREES && part.is_whole(Self::shift(node.level)) {
            self.erase(node, index);
            let gone = self.release(Node { fresh: true, ..child });
            self.owe_unlinked(node, index, gone);
            return Some(gone.span);
        }
        if node.level == 1 && !R::FREES {
            return self.unmap_last(child, part);
        }
        let cut = self.unmap_in::<R>(child, part);
        if R::FREES && cut.empty {
            self.erase(node, index);
            self.ledger.release(self.memory, Node { fresh: true, ..child });
            // What was mapped in it is written down already, and any address of it does for the pointer.
            let near = cut.hull.unwrap_or(part);
            self.owe_unlinked(node, index, Self::gone_void(child, near.start));
        }
        cut.hull
    }

    /// Unmaps `span` of a table of the last level.
    fn unmap_last(&mut self, node: Node, span: Span) -> Option<Span> {
        let node = Node { level: 0, ..node };
        if Self::HAS_RUNS {
            let (from, to) = (self.index(node, span.start), self.index(node, span.last));
            self.dissolve(node, from, from, to, Keep::Outside);
            self.dissolve(node, to, from, to, Keep::Outside);
        }
        self.unmap_leaves(node, span)
    }

    #[inline(always)]
    fn unmap_leaves(&mut self, node: Node, span: Span) -> Option<Span> {
        let mut gone: Option<(Span, bool)> = None;
        let Ok(node) = self.in_sight(node) else { return None };
        if !L::LIVE {
            self.clear(node, self.index(node, span.start), self.index(node, span.last) + 1);
            return None;
        }
        for index in self.index(node, span.start)..self.index(node, span.last) + 1 {
            let word = self.load(node, index);
            if word & Self::FORMAT.present != 0 {
                self.erase(node, index);
                if L::LIVE {
                    let slot = Self::slot(node, index);
                    let start = gone.map_or(slot.start, |(span, _)| span.start);
                    let global = gone.is_some_and(|(_, global)| global) | Self::is_global(0, word);
                    gone = Some((Span { start, last: slot.last }, global));
                }
            }
        }
        if let Some((span, global)) = gone {
            self.owe_absent(node, Self::duty(Change::Unmap), span, global);
        }
        gone.map(|(span, _)| span)
    }

    /// Unmaps part of a leaf.
    fn unmap_inside(&mut self, node: Node, index: usize, part: Span) {
        self.dissolve(node, index, usize::MAX, 0, Keep::All);
        let word = self.load(node, index);
        let Some(child) = self.take(node, index) else { return };
        self.fill_split(node, index, word, child);
        self.unmap_in::<Keeps>(child, part);
        let duty = Self::duty(Change::Unmap);
        self.swap_in(node, index, word, child, duty);
        if !Self::breaks(node, duty.union(Self::duty(Change::Split))) && L::LIVE && !node.fresh {
            let global = Self::is_global(node.level, word);
            self.ledger.broke(duty, part, Self::FORMAT.page_shift, global);
        }
    }

    /// Writes down that a pointer became absent, and all below it.
    fn owe_unlinked(&mut self, node: Node, index: usize, gone: Gone) {
        if L::LIVE && !node.fresh {
            let (duty, gone) = (Self::duty(Change::Unlink), Self::gone_below(node, index, gone));
            self.ledger.note(duty, gone.span, gone.stride, gone.global);
            self.ledger.broke(duty, gone.span, gone.stride, gone.global);
        }
    }

    /// Whether any leaf below the roots, of those in tables that the space owns, is valid for every address space.
    ///
    /// Cost: a walk over all of them, or up to the first one.
    pub(super) fn has_global(&self) -> bool {
        let upper = if Self::FORMAT.split_roots { self.roots.upper } else { None };
        [(self.roots.lower, 0), (upper, Self::FORMAT.upper_start().unwrap_or(0))].into_iter().any(|(root, base)| {
            let Some(root) = root else { return false };
            let node = Node::root(Self::FORMAT, PhysAddr::new(root), base);
            (0..node.entries::<K::Regime>())
                .any(|index| self.enter(Self::root_slot(node, index)).is_ok() && self.is_global_at(node, index))
        })
    }

    fn is_global_at(&self, node: Node, index: usize) -> bool {
        let word = self.load(node, index);
        match Levels::<K::Regime>::sort(node.level, word) {
            Sort::Leaf => Self::is_global(node.level, word),
            Sort::Table => {
                let child = node.below::<K::Regime>(index, word);
                (0..child.entries::<K::Regime>()).any(|index| self.is_global_at(child, index))
            }
            Sort::Absent | Sort::Reserved => false,
        }
    }

    /// What a root entry translates, as canonical addresses.
    fn root_slot(node: Node, index: usize) -> Span {
        let slot = Self::slot(node, index);
        // Where one root serves both halves, its upper entries are addresses of the upper half.
        if Self::FORMAT.is_canonical(slot.start) || !Self::FORMAT.upper_half {
            return slot;
        }
        let high = u64::MAX << Self::FORMAT.range_bits;
        Span { start: slot.start | high, last: slot.last | high }
    }

    /// Releases every table that the roots own, children first, and the roots themselves.
    pub(super) fn free_all(&mut self) {
        for root in [self.roots.lower, self.roots.upper].into_iter().flatten() {
            let upper = self.roots.upper == Some(root) && Self::FORMAT.split_roots;
            let start = if upper { Self::FORMAT.upper_start().unwrap_or(0) } else { 0 };
            let half = Span { start, last: start | u64::MAX >> (64 - Self::FORMAT.range_bits) };
            if Self::FORMAT.split_roots && (self.borders.is_foreign(half) || self.borders.is_in_use(half)) {
                continue;
            }
            self.free_root(root, if upper { Self::FORMAT.upper_start().unwrap_or(0) } else { 0 });
        }
    }

    fn free_root(&mut self, root: u64, base: u64) {
        let node = Node::root(Self::FORMAT, PhysAddr::new(root), base);
        for index in 0..node.entries::<K::Regime>() {
            let word = self.load(node, index);
            if Levels::<K::Regime>::sort(node.level, word) != Sort::Table {
                continue;
            }
            let slot = Self::root_slot(node, index);
            let found: Result<Node, Fault> = self.enter(slot);
            if found.is_ok() && !self.borders.is_in_use(slot) {
                self.release(Node { fresh: true, ..node.below::<K::Regime>(index, word) });
            }
        }
        if self.borders.pinned.is_some_and(|pinned| pinned.sharers > 0) && !Self::FORMAT.split_roots {
            // Its address says whose the shared tables are.
            return;
        }
        // SAFETY: the tables below are released, and the caller gives up the roots.
        unsafe { self.memory.free(node.table, Self::FORMAT.root_tables() as usize) };
    }
}
