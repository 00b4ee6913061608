//! The tables of a space while an operation works on them.

mod gap;
mod row;

pub(super) use gap::{Made, Vacant};

use super::change::run_of;
use super::error::{Fault, Offender};
use super::kind::Kind;
use super::ledger::{Duties, Ledger};
use super::levels::Levels;
use super::node::{self, Node, Sort};
use super::range::{RangeError, Span};
use super::share::Borders;
use super::sight::{self, Seen};
use super::space::format_of;
use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::Features;
use crate::flush::{Change, Duty};
use crate::format::Format;
use crate::regime::Regime;
use crate::space::Roots;
use crate::tables::{EntryAt, Place, TableAccess, TableMemory, word};

/// Tables that an operation reserved, chained through their first words.
#[derive(Debug)]
struct Spare {
    first: u64,
    count: u64,
}

/// What may be cached of an entry that is gone, and of all below it.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// From the first to the last byte of its leaves. Of a table without any one page: what the walk remembers of the
    /// pointers to it goes with any address that they are used for.
    pub(super) span: Span,
    /// log2 of the bytes that the least of its leaves or pointers translates.
    pub(super) stride: u32,
    /// Whether a leaf was valid for every address space.
    pub(super) global: bool,
}

impl Gone {
    /// What may be cached of both.
    pub(super) const fn union(self, other: Self) -> Self {
        Self {
            span: self.span.hull(other.span),
            stride: if self.stride < other.stride { self.stride } else { other.stride },
            global: self.global | other.global,
        }
    }
}

/// The tables of a space, borrowed by one operation.
///
/// # Invariants
/// 1. Nodes that the methods take are tables of the space, or fresh ones that this operation took.
/// 2. `spare.first` is the first of `spare.count` tables, allocated, unused, and each naming the next in its first word
///    as a multiple of the table size.
#[derive(Debug)]
pub(crate) struct Tree<'s, K: Kind, L: Ledger<K>> {
    pub(super) roots: &'s Roots,
    pub(super) borders: &'s Borders,
    pub(super) memory: &'s mut K::Memory,
    pub(super) ledger: L,
    spare: Spare,
}

impl<'s, K: Kind, L: Ledger<K>> Tree<'s, K, L> {
    /// The features of the CPU.
    pub(super) const FEATURES: Features = <K::Regime as Regime>::FEATURES;
    /// The format.
    pub(super) const FORMAT: &'static Format = format_of::<K>();
    /// Whether hardware may change entries between a load and a store.
    pub(super) const CHANGES_ITSELF: bool = L::LIVE && Self::FORMAT.updates(Self::FEATURES) != 0;
    /// Bits that hardware may set in a leaf, beside its rights.
    pub(super) const HARDWARE_BITS: u64 = Self::FORMAT.updates(Self::FEATURES) & !Self::FORMAT.rights_mask;

    pub(super) fn new(roots: &'s Roots, borders: &'s Borders, memory: &'s mut K::Memory, ledger: L) -> Self {
        Self { roots, borders, memory, ledger, spare: Spare { first: 0, count: 0 } }
    }

    /// Whether fields of some leaves lie elsewhere than in pages.
    const MOVES: bool = {
        let mut moves = false;
        let mut i = 0;
        while i < Self::FORMAT.levels {
            moves |= Self::FORMAT.at(i).moves.place(u64::MAX >> 1) != u64::MAX >> 1;
            i += 1;
        }
        let mut i = 0;
        while i < Self::FORMAT.runs.len() {
            moves |= Self::FORMAT.runs[i].leaf.is_some();
            i += 1;
        }
        moves
    };

    /// log2 of the bytes that an entry of `level` covers.
    #[inline(always)]
    pub(super) const fn shift(level: usize) -> u32 {
        Levels::<K::Regime>::shift(level)
    }

    /// The root for `span`, of which no part belongs to another space.
    pub(super) fn enter(&self, span: Span) -> Result<Node, Fault> {
        let root = self.root(span)?;
        self.no_self_map(root, span)?;
        if self.is_pinned(span) { self.enter_pinned(root, span) } else { Ok(root) }
    }

    /// The same, which may have entries that belong to nobody.
    #[inline(always)]
    fn root(&self, span: Span) -> Result<Node, Fault> {
        self.in_sight(self.root_of(span)?)
    }

    /// The same, which was not looked for.
    #[inline(always)]
    pub(super) fn root_of(&self, span: Span) -> Result<Node, RangeError> {
        let virt = VirtAddr::new(span.start);
        if let Some(shared) = self.borders.shared
            && span.meets(shared.span.start, shared.span.last)
        {
            return Err(RangeError::Shared { virt: VirtAddr::new(span.start.max(shared.span.start)) });
        }
        let upper = Self::FORMAT.split_roots && Self::FORMAT.is_upper(span.start);
        let root = if upper { self.roots.upper } else { self.roots.lower };
        let root = PhysAddr::new(root.ok_or(RangeError::NoRoot { virt })?);
        Ok(Node::root(Self::FORMAT, root, span.start))
    }

    /// Whether root entries of `span` stay as they are.
    #[inline(always)]
    pub(super) fn is_pinned(&self, span: Span) -> bool {
        !Self::FORMAT.split_roots && self.borders.is_pinned(span)
    }

    /// The table below a root entry that stays as it is.
    #[cold]
    fn enter_pinned(&self, root: Node, span: Span) -> Result<Node, Fault> {
        let index = self.index(root, span.start);
        let word = self.checked(root, index)?;
        if index == self.index(root, span.last) && Levels::<K::Regime>::sort(root.level, word) == Sort::Table {
            return Ok(root.below::<K::Regime>(index, word));
        }
        Err(RangeError::Pinned { virt: VirtAddr::new(span.start) }.into())
    }

    /// A root entry that points to the root is no part of the space: no table below it is.
    fn no_self_map(&self, node: Node, span: Span) -> Result<(), Fault> {
        for index in self.index(node, span.start)..self.index(node, span.last) + 1 {
            let word = self.checked(node, index)?;
            if Levels::<K::Regime>::sort(node.level, word) == Sort::Table
                && node.below::<K::Regime>(index, word).table == node.table
            {
                return Err(RangeError::SelfMap { virt: VirtAddr::new(node.virt::<K::Regime>(index)) }.into());
            }
        }
        Ok(())
    }

    /// The lowest table in which `span`, of which no part belongs to another space, lies and has not all of an entry above
    /// that it may change.
    pub(super) fn lowest(&self, span: Span) -> Result<Node, Fault> {
        let (root, pinned, reach) = (self.root(span)?, self.is_pinned(span), span.reach());
        let (mut node, mut level) = (root, root.level);
        let mut stops = if pinned { span.start ^ span.last } else { reach };
        // Where this is unrolled, each turn knows the numbers of its level.
        while level > 0 && stops >> Self::shift(level) == 0 {
            node = Node { level, ..node };
            let index = self.index(node, span.start);
            let word = self.first(&mut node, index)?;
            let below = node.below::<K::Regime>(index, word);
            let is_self_map = level == root.level && below.table == root.table;
            if is_self_map || Levels::<K::Regime>::sort(level, word) != Sort::Table {
                break;
            }
            (node, level, stops) = (below, level - 1, reach);
        }
        if level == root.level {
            self.no_self_map(root, span)?;
            if pinned {
                return Err(RangeError::Pinned { virt: VirtAddr::new(span.start) }.into());
            }
        }
        Ok(node)
    }

    /// The index of `virt` in `node`.
    #[inline(always)]
    pub(super) fn index(&self, node: Node, virt: u64) -> usize {
        Levels::<K::Regime>::index(virt, node.level)
    }

    /// The first entry that is looked at of a table, which may be out of reach; the others are in sight then.
    #[inline]
    pub(super) fn first(&self, node: &mut Node, index: usize) -> Result<u64, Fault> {
        *node = self.in_sight(*node)?;
        self.checked(*node, index)
    }

    /// An entry, which may be out of reach.
    #[inline]
    pub(super) fn checked(&self, node: Node, index: usize) -> Result<u64, Fault> {
        if let Some(word) = sight::load::<K::Regime, K::Memory>(node, index) {
            return Ok(word);
        }
        self.memory.load(node.at::<K::Regime>(index)).ok_or(Fault::NoTable(node.table))
    }

    /// Whether tables of `level` are one table each, of which all is in reach, or nothing.
    #[inline]
    pub(super) const fn is_whole(level: usize) -> bool {
        Self::FORMAT.root_tables() == 1 || level + 1 < Self::FORMAT.levels
    }

    /// The same table, which was found in reach: in sight, if it stays there.
    #[inline]
    pub(super) fn shown(&self, node: Node) -> Node {
        if node.seen.is_somewhere() { node } else { self.in_sight(node).unwrap_or(node) }
    }

    /// The same table, for many accesses: where it stays in sight, they find its entries there, and it is an error if it is
    /// out of reach. Elsewhere each access asks.
    #[inline]
    pub(super) fn in_sight(&self, node: Node) -> Result<Node, Fault> {
        sight::look(self.memory, node).ok_or(Fault::NoTable(node.table))
    }

    /// A table that [`in_sight`](Self::in_sight) gave, as one of which that is known.
    ///
    /// # Safety
    /// It is one.
    #[inline]
    pub(super) unsafe fn seen_before(node: Node) -> Node {
        // SAFETY: as the caller promises: `look` put it in sight.
        unsafe { sight::seen_before::<K::Regime, K::Memory>(node) }
    }

    /// An entry of a table that was found in reach.
    #[inline]
    pub(super) fn load(&self, node: Node, index: usize) -> u64 {
        if let Some(word) = sight::load::<K::Regime, K::Memory>(node, index) {
            return word;
        }
        if <K::Memory as TableAccess<K::Regime>>::STAYS {
            return self.load_unseen(node.table, index, node.place::<K::Regime>(index));
        }
        self.memory.load(node.at::<K::Regime>(index)).unwrap_or(0)
    }

    /// The same where it was not put in sight, which is not worth code at each place.
    #[cold]
    #[inline(never)]
    fn load_unseen(&self, table: PhysAddr, index: usize, place: (usize, u64)) -> u64 {
        self.memory.load(node::entry(table, index, place)).unwrap_or(0)
    }

    /// Writes an entry of a table that was found in reach; [`gap`] says which.
    #[inline]
    fn store(&mut self, node: Node, index: usize, word: u64) {
        if let Some(entry) = sight::entry::<K::Regime, K::Memory>(node, index) {
            // SAFETY: by the contract of `TableAccess` the table can be written where it was seen, and by invariant 1 it is
            // this space's.
            return unsafe { word::store::<K::Regime>(entry, node.at::<K::Regime>(index).place, word) };
        }
        if <K::Memory as TableAccess<K::Regime>>::STAYS {
            return self.store_unseen(node.table, index, node.place::<K::Regime>(index), word);
        }
        // SAFETY: by invariant 1 the table is this space's, which is borrowed exclusively, or was taken by this operation;
        // operations load an entry of each table before they store to it, and new tables are in reach.
        unsafe { self.memory.store(node.at::<K::Regime>(index), word) };
    }

    /// The same where it was not put in sight, which is not worth code at each place.
    #[cold]
    #[inline(never)]
    fn store_unseen(&mut self, table: PhysAddr, index: usize, place: (usize, u64), word: u64) {
        // SAFETY: as in `store`.
        unsafe { self.memory.store(node::entry(table, index, place), word) };
    }

    /// What is at entry `index`, for errors.
    pub(super) fn found(&self, node: Node, index: usize, word: u64) -> Offender {
        Offender { virt: VirtAddr::new(node.virt::<K::Regime>(index)), level: node.level, word }
    }

    /// Whether `word`, a leaf, is valid for every address space.
    #[inline]
    pub(super) fn is_global(level: usize, word: u64) -> bool {
        let global = Self::FORMAT.global_at(level);
        let own = if Self::MOVES {
            let run = run_of(Self::FORMAT, level, word).map_or(0, |run| run.size);
            Self::FORMAT.not_global_at(level, run)
        } else {
            Self::FORMAT.not_global
        };
        (global | own) != 0 && word & own == 0 && word & global == global
    }

    /// Reserves `count` tables, or none.
    pub(super) fn reserve(&mut self, count: u64) -> Result<(), u64> {
        while self.spare.count < count {
            let Some(table) = self.memory.allocate(1) else {
                self.give_back();
                return Err(count);
            };
            self.chain(table);
        }
        Ok(())
    }

    #[inline]
    fn chain(&mut self, table: PhysAddr) {
        let next = self.spare.first >> Self::FORMAT.table_shift;
        if !<K::Memory as TableAccess<K::Regime>>::STAYS {
            // SAFETY: the table was just allocated, or was not used since.
            unsafe { self.memory.store(EntryAt { table, index: 0, place: Place::Fresh }, next) };
        } else if let Some(at) = self.memory.whole(table) {
            // SAFETY: as above; it is in sight.
            unsafe { word::store::<K::Regime>(at, Place::Fresh, next) };
        }
        self.spare = Spare { first: table.as_u64(), count: self.spare.count + 1 };
    }

    /// A reserved table, for `level`, that will be linked where entry `index` of `node` is. Its contents are arbitrary.
    pub(super) fn take(&mut self, node: Node, index: usize) -> Option<Node> {
        debug_assert!(self.spare.count > 0, "an operation takes the tables that it counted");
        self.pop().map(|table| Self::child(node, index, table))
    }

    /// The first of the reserved tables.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<PhysAddr> {
        if self.spare.count == 0 {
            return None;
        }
        let table = PhysAddr::new(self.spare.first);
        let next = if <K::Memory as TableAccess<K::Regime>>::STAYS {
            // SAFETY: a table in sight, which nobody else has.
            self.memory.whole(table).map(|at| unsafe { word::load::<K::Regime>(at) })
        } else {
            self.memory.load(EntryAt { table, index: 0, place: Place::Fresh })
        };
        let next = next.unwrap_or(0);
        self.spare = Spare { first: next << Self::FORMAT.table_shift, count: self.spare.count - 1 };
        Some(table)
    }

    /// The same of a table that was not reserved, for who needs no more than one.
    #[inline(always)]
    pub(super) fn take_new(&mut self, node: Node, index: usize) -> Option<Node> {
        self.memory.allocate(1).map(|table| Self::child(node, index, table))
    }

    /// A table that nothing points to yet, for entry `index` of `node`.
    #[inline(always)]
    const fn child(node: Node, index: usize, table: PhysAddr) -> Node {
        let base = node.virt::<K::Regime>(index);
        Node { table, level: node.level - 1, base, fresh: true, seen: Seen::NOWHERE }
    }

    /// Frees the reserved tables that were not taken.
    pub(super) fn give_back(&mut self) {
        while let Some(table) = self.pop() {
            // SAFETY: allocated by `reserve`, and nothing ever pointed to it.
            unsafe { self.memory.free(table, 1) };
        }
    }

    /// What the operation owes.
    pub(super) fn finish(mut self) -> L {
        self.give_back();
        self.ledger
    }

    /// Writes down a change of entries that hardware may have seen.
    #[inline]
    pub(super) fn owe(&mut self, node: Node, duty: Duty, span: Span, global: bool) {
        if L::LIVE && !node.fresh {
            self.ledger.note(duty, span, Self::shift(node.level), global);
        }
    }

    /// Writes down that entries that hardware may have seen became absent.
    #[inline]
    pub(super) fn owe_absent(&mut self, node: Node, duty: Duty, span: Span, global: bool) {
        if L::LIVE && !node.fresh {
            self.ledger.note(duty, span, Self::shift(node.level), global);
            self.ledger.broke(duty, span, Self::shift(node.level), global);
        }
    }

    /// The slot of an entry.
    #[inline]
    pub(super) const fn slot(node: Node, index: usize) -> Span {
        let start = node.virt::<K::Regime>(index);
        Span { start, last: start | ((1 << Self::shift(node.level)) - 1) }
    }

    /// The pointer to `table` for its parent.
    #[inline]
    pub(super) fn pointer(level: usize, table: PhysAddr) -> u64 {
        Levels::<K::Regime>::pointer(level, table)
    }

    /// Whether a table has nothing but absent entries outside of `from..=to`.
    pub(super) fn is_empty_but(&self, node: Node, from: usize, to: usize) -> bool {
        let Ok(node) = self.in_sight(node) else { return false };
        let absent = |index| Levels::<K::Regime>::sort(node.level, self.load(node, index)) == Sort::Absent;
        (0..from).all(absent) && (to + 1..node.entries::<K::Regime>()).all(absent)
    }

    /// Releases an unlinked table and all below, children first.
    pub(super) fn release(&mut self, node: Node) -> Gone {
        self.take_out(node, L::release)
    }

    /// The same where a leaf is in the place of the table already: what both translate alike must not fault meanwhile.
    pub(super) fn retain(&mut self, node: Node) -> Gone {
        self.take_out(node, L::retain)
    }

    fn take_out(&mut self, node: Node, give: fn(&mut L, &mut K::Memory, Node)) -> Gone {
        let mut gone: Option<Gone> = None;
        if node.level > 0 || L::LIVE {
            for index in 0..node.entries::<K::Regime>() {
                let word = self.load(node, index);
                let more = match Levels::<K::Regime>::sort(node.level, word) {
                    Sort::Table => self.take_out(node.below::<K::Regime>(index, word), give),
                    Sort::Leaf => Self::gone_leaf(node, index, word),
                    Sort::Absent | Sort::Reserved => continue,
                };
                gone = Some(gone.map_or(more, |gone| gone.union(more)));
            }
        }
        give(&mut self.ledger, self.memory, node);
        gone.unwrap_or_else(|| Self::gone_void(node, node.base))
    }

    /// What may be cached of a leaf.
    pub(super) fn gone_leaf(node: Node, index: usize, word: u64) -> Gone {
        let global = Self::is_global(node.level, word);
        Gone { span: Self::slot(node, index), stride: Self::shift(node.level), global }
    }

    /// What may be cached of the pointers to a table without leaves: it goes with the page at `virt`, which they translate.
    pub(super) const fn gone_void(node: Node, virt: u64) -> Gone {
        let page = Self::FORMAT.page_size() - 1;
        let stride = Self::shift(node.level) + Self::FORMAT.index_bits(node.level);
        Gone { span: Span { start: virt & !page, last: virt | page }, stride, global: false }
    }

    /// What may be cached of entry `index`, which pointed to a table of which `gone` may be: all of it, where absent
    /// entries are cached as such, for they have a size, too.
    pub(super) const fn gone_below(node: Node, index: usize, gone: Gone) -> Gone {
        if Self::duty(Change::Map).leaf { Gone { span: Self::slot(node, index), ..gone } } else { gone }
    }

    /// What `change` owes.
    #[inline]
    pub(super) const fn duty(change: Change) -> Duty {
        Duties::<K::Regime>::of(change)
    }
}
