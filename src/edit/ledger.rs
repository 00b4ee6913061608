//! What an operation owes for the entries it changed.

use super::kind::Kind;
use super::node::Node;
use super::range::Span;
use super::share::Borders;
use super::tree::Gone;
use super::unseen::Unseen;
use crate::attr::Access;
use crate::flush::{Change, Duty, Extent, Id, Maintain, Reach, Scope, duty, meet};
use crate::regime::Regime;
use crate::tables::{TableMemory, Tables};

/// The duties of a regime on the CPU it is for, by [`Change`].
pub(crate) struct Duties<R>(core::marker::PhantomData<R>);

impl<R: Maintain> Duties<R> {
    const OF: [Duty; Change::ALL.len()] = {
        let mut list = [Duty::NONE; Change::ALL.len()];
        let mut i = 0;
        while i < list.len() {
            list[Change::ALL[i] as usize] = duty(R::DUTIES, Change::ALL[i], R::FEATURES);
            i += 1;
        }
        list
    };

    /// What `change` owes.
    #[inline(always)]
    pub(crate) const fn of(change: Change) -> Duty {
        Self::OF[change as usize]
    }

    /// What other rights owe.
    pub(crate) const fn of_rights(old: Access, new: Access) -> Duty {
        let mut duty = Duty::NONE;
        if !holds(new, old) {
            duty = duty.union(Self::of(Change::Restrict));
        }
        if !holds(old, new) {
            duty = duty.union(Self::of(Change::Relax));
        }
        duty
    }

    /// Whether any change needs break-before-make.
    pub(crate) const BREAKS: bool = {
        let mut breaks = false;
        let mut i = 0;
        while i < Self::OF.len() {
            breaks |= Self::OF[i].before_make;
            i += 1;
        }
        breaks
    };

    /// Whether smaller leaves may stay cached behind a large one that takes their place.
    pub(crate) const COARSENS: bool = !Self::of(Change::Promote).before_make;

    /// Whether leaves change their size in place, and invalidation by address is not sure to find the old ones.
    pub(crate) const HIDES: bool = R::RESIZES_HIDE
        && !(Self::of(Change::Promote).before_make
            && Self::of(Change::Split).before_make
            && Self::of(Change::Contiguous).before_make);
}

/// Whether `all` has all rights of `some`.
pub(crate) const fn holds(all: Access, some: Access) -> bool {
    all.privileged.contains(some.privileged) && all.user.contains(some.user)
}

/// Where an operation writes down what it changed.
///
/// Code that is generic over it compiles to plain stores for a space that no hardware uses.
pub trait Ledger<K: Kind> {
    /// Whether hardware may use the tables.
    const LIVE: bool;

    /// Entries of `span` changed, and owe `duty`; the smallest leaf that may be cached there has `1 << stride` bytes.
    fn note(&mut self, duty: Duty, span: Span, stride: u32, global: bool);

    /// The same, and leaves of other sizes translate `span` now.
    fn resized(&mut self, duty: Duty, span: Span, stride: u32, global: bool);

    /// The same, and the leaves are larger: those before, and pointers to their tables, may stay cached behind them.
    fn coarsened(&mut self, duty: Duty, span: Span, stride: u32, global: bool);

    /// A table is about to be linked that translates `span`.
    fn refine(&mut self, span: Span);

    /// Entries were made absent, of which `gone` may be cached, and must be flushed before they are made anew.
    fn settle(&mut self, duty: Duty, gone: Gone);

    /// Entries of `span` became absent, which owes `duty`: none becomes valid again before that is flushed.
    fn broke(&mut self, duty: Duty, span: Span, stride: u32, global: bool);

    /// Absent entries of `span` are about to become valid.
    fn prepare(&mut self, span: Span);

    /// The table, which has no tables below, was unlinked.
    fn release(&mut self, memory: &mut K::Memory, table: Node);

    /// The table was unlinked, and must translate as it does until the flush.
    fn retain(&mut self, memory: &mut K::Memory, table: Node);

    /// What is owed, and what was taken out.
    fn close(self) -> (Scope, Tables<K>);
}

/// Of a space that no hardware uses.
#[derive(Debug)]
pub struct Unused;

impl<K: Kind> Ledger<K> for Unused {
    const LIVE: bool = false;

    #[inline(always)]
    fn note(&mut self, _: Duty, _: Span, _: u32, _: bool) {}

    #[inline(always)]
    fn resized(&mut self, _: Duty, _: Span, _: u32, _: bool) {}

    #[inline(always)]
    fn coarsened(&mut self, _: Duty, _: Span, _: u32, _: bool) {}

    #[inline(always)]
    fn refine(&mut self, _: Span) {}

    #[inline(always)]
    fn settle(&mut self, _: Duty, _: Gone) {}

    #[inline(always)]
    fn broke(&mut self, _: Duty, _: Span, _: u32, _: bool) {}

    #[inline(always)]
    fn prepare(&mut self, _: Span) {}

    #[inline]
    fn release(&mut self, memory: &mut K::Memory, table: Node) {
        // SAFETY: nothing points to it any more, and nobody else uses the tables of a space that is offline.
        unsafe { memory.free(table.table, 1) };
    }

    #[inline]
    fn retain(&mut self, memory: &mut K::Memory, table: Node) {
        Ledger::<K>::release(self, memory, table);
    }

    #[inline(always)]
    fn close(self) -> (Scope, Tables<K>) {
        (Scope::nothing(Id::Every), Tables::new())
    }
}

/// Of a space that hardware may use.
pub struct Owed<'h, K: Kind> {
    hardware: &'h mut K::Hardware,
    /// [`AddressSpace`](super::AddressSpace)'s.
    unseen: &'h mut Unseen,
    id: Id,
    borders: &'h Borders,
    scope: Scope,
    tables: Tables<K>,
}

impl<'h, K: Kind> Owed<'h, K> {
    #[inline(always)]
    pub(crate) fn new(hardware: &'h mut K::Hardware, unseen: &'h mut Unseen, id: Id, borders: &'h Borders) -> Self {
        Self { hardware, unseen, id, borders, scope: Scope::nothing(id), tables: Tables::new() }
    }

    /// Whether this core can flush what any core has cached.
    const REACHES: bool = !K::Reach::EVERY_CORE || K::Regime::BROADCASTS;
    /// Whether pages, too, may be cached in another size when they change, or be reached by pointers of before: where
    /// [`refine`](Ledger::refine) flushes all of that, they cannot.
    const PAGES: bool = Duties::<K::Regime>::HIDES || (Duties::<K::Regime>::COARSENS && !Self::REACHES);

    fn flush(&mut self, scope: &Scope) {
        const {
            assert!(
                !Duties::<K::Regime>::BREAKS || Self::REACHES,
                "break-before-make inside of an operation needs invalidations that reach every core that uses the space"
            );
        }
        meet::<K, K::Reach>(scope, self.hardware);
        self.unseen.flushed::<K>(scope);
    }

    #[inline(always)]
    fn scope(&self, duty: Duty, span: Span, stride: u32, global: bool) -> Scope {
        let extent = if duty.leaf || duty.walk {
            Extent::Range { start: span.start, last: span.last, stride }
        } else {
            Extent::Nowhere
        };
        let id = if global || self.borders.is_pinned(span) { Id::Every } else { self.id };
        let scope = Scope { duty: Duty { before_make: false, ..duty }, extent, id };
        let differs = Self::PAGES || (Duties::<K::Regime>::COARSENS && stride > K::Regime::FORMAT.page_shift);
        if differs && (duty.leaf || duty.walk) && self.unseen.resized.meets(span.start, span.last) {
            self.widened(scope)
        } else {
            scope
        }
    }

    /// The scope of a change where leaves of other sizes may be cached.
    #[cold]
    fn widened(&self, scope: Scope) -> Scope {
        let scope = scope.union(self.unseen.resized);
        if Duties::<K::Regime>::HIDES { Scope { extent: Extent::Everywhere, id: Id::Every, ..scope } } else { scope }
    }
}

impl<K: Kind> Ledger<K> for Owed<'_, K> {
    const LIVE: bool = true;

    #[inline(always)]
    fn note(&mut self, duty: Duty, span: Span, stride: u32, global: bool) {
        let scope = self.scope(duty, span, stride, global);
        self.scope = self.scope.union(scope);
    }

    fn resized(&mut self, duty: Duty, span: Span, stride: u32, global: bool) {
        if Duties::<K::Regime>::HIDES {
            self.coarsened(duty, span, stride, global);
        } else {
            self.note(duty, span, stride, global);
        }
    }

    fn coarsened(&mut self, duty: Duty, span: Span, stride: u32, global: bool) {
        let scope = self.scope(duty, span, stride, global || Duties::<K::Regime>::HIDES);
        self.unseen.resized = self.unseen.resized.union(scope);
        let owed = self.widened(scope);
        self.scope = self.scope.union(owed);
        if Duties::<K::Regime>::HIDES {
            self.broke(duty, Span { start: 0, last: u64::MAX }, K::Regime::FORMAT.page_shift, true);
        }
    }

    fn refine(&mut self, span: Span) {
        let resized = self.unseen.resized;
        if Duties::<K::Regime>::COARSENS && !Self::PAGES && resized.meets(span.start, span.last) {
            self.flush(&resized);
        }
    }

    fn settle(&mut self, duty: Duty, gone: Gone) {
        let scope = self.scope(duty, gone.span, gone.stride, gone.global);
        self.flush(&scope);
    }

    #[inline(always)]
    fn broke(&mut self, duty: Duty, span: Span, stride: u32, global: bool) {
        if Duties::<K::Regime>::BREAKS {
            self.unseen.broken = self.unseen.broken.union(self.scope(duty, span, stride, global));
        }
    }

    #[inline(always)]
    fn prepare(&mut self, span: Span) {
        if Duties::<K::Regime>::BREAKS && self.unseen.broken.meets(span.start, span.last) {
            let broken = self.unseen.broken;
            self.flush(&broken);
        }
    }

    fn release(&mut self, memory: &mut K::Memory, table: Node) {
        self.tables.push(memory, table.table, 1);
    }

    fn retain(&mut self, memory: &mut K::Memory, table: Node) {
        self.tables.keep(memory, table.table);
    }

    #[inline(always)]
    fn close(self) -> (Scope, Tables<K>) {
        (self.scope, self.tables)
    }
}
