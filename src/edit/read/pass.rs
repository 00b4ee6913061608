//! One walk over a range, whether it reads or writes.

use super::super::levels::Levels;
use core::marker::PhantomData;
use core::ops::ControlFlow;

use super::super::node::{Node, Sort};
use super::super::range::Span;
use super::super::space::Roots;
use super::Words;
use super::visit::{Rewriter, Visit, VisitError, Visitor};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{Format, Inherited, MAX_LEVELS};
use crate::regime::Regime;
use crate::tables::{EntryAt, TableAccess};

/// Where words come from, and where changed ones go.
pub(super) trait Store<R: Regime> {
    fn load(&self, entry: EntryAt) -> Option<u64>;
    fn store(&mut self, entry: EntryAt, word: u64);
}

/// Words that stay as they are.
pub(super) struct Unchanged<'w, W>(pub(super) &'w W);

impl<R: Regime, W: Words<R>> Store<R> for Unchanged<'_, W> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.0.word(entry)
    }

    fn store(&mut self, _: EntryAt, _: u64) {}
}

/// Tables that may be written.
///
/// # Invariants
/// They are the caller's of [`rewrite`](super::rewrite), who answers for the words.
pub(super) struct Changed<'a, A>(pub(super) &'a mut A);

impl<R: Regime, A: TableAccess<R>> Store<R> for Changed<'_, A> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.0.load(entry)
    }

    fn store(&mut self, entry: EntryAt, word: u64) {
        // SAFETY: by the invariant the table is the caller's; the pass has loaded the same entry before.
        unsafe { self.0.store(entry, word) };
    }
}

/// A visitor that changes nothing.
pub(super) struct Spectator<'v, V>(pub(super) &'v mut V);

impl<V: Visitor> Rewriter for Spectator<'_, V> {
    type Stop = V::Stop;

    fn entry(&mut self, at: &Visit, _: &mut u64) -> ControlFlow<V::Stop> {
        self.0.entry(at)
    }

    fn hole(&mut self, at: &Visit, _: &mut u64) -> ControlFlow<V::Stop> {
        self.0.hole(at)
    }

    fn post(&mut self, at: &Visit, _: &mut u64) -> ControlFlow<V::Stop> {
        self.0.post(at)
    }
}

impl<V: Rewriter> Rewriter for &mut V {
    type Stop = V::Stop;

    fn entry(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<V::Stop> {
        (**self).entry(at, word)
    }

    fn hole(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<V::Stop> {
        (**self).hole(at, word)
    }

    fn post(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<V::Stop> {
        (**self).post(at, word)
    }
}

/// A walk in progress.
pub(super) struct Pass<R, S, V> {
    store: S,
    visitor: V,
    /// The tables between the root and the entry, by level.
    path: [Option<PhysAddr>; MAX_LEVELS],
    /// What belongs to another space.
    foreign: Option<Span>,
    of: PhantomData<fn() -> R>,
}

type Outcome<V> = Result<(), VisitError<<V as Rewriter>::Stop>>;

impl<R: Regime, S: Store<R>, V: Rewriter> Pass<R, S, V> {
    const FORMAT: &'static Format = &R::FORMAT;

    pub(super) const fn new(store: S, visitor: V, foreign: Option<Span>) -> Self {
        Self { store, visitor, path: [None; MAX_LEVELS], foreign, of: PhantomData }
    }

    /// Walks over `size` bytes from `virt`.
    pub(super) fn run(mut self, roots: Roots, virt: VirtAddr, size: u64) -> Outcome<V> {
        let format = Self::FORMAT;
        let Span { start: first, last } = Span::new(format, virt, size, 1).map_err(VisitError::Range)?;
        let is_foreign = self.foreign.is_some_and(|foreign| foreign.meets(first, first));
        if format.split_roots && is_foreign {
            return Err(VisitError::NoRoot);
        }
        let root = if format.split_roots && format.is_upper(first) { roots.upper } else { roots.lower };
        let root = PhysAddr::new(root.ok_or(VisitError::NoRoot)?);
        self.table(Node::root(format, root, first), Inherited::NOTHING, first, last)
    }

    /// Walks over the entries of a table that translate addresses from `first` to `last`.
    fn table(&mut self, node: Node, above: Inherited, first: u64, last: u64) -> Outcome<V> {
        let format = Self::FORMAT;
        self.path[node.level] = Some(node.table);
        for index in format.index(first, node.level)..=format.index(last, node.level) {
            let at = node.at::<R>(index);
            let word = self.store.load(at).ok_or(VisitError::NoTable { table: node.table })?;
            let now = self.before(node, index, above, word)?;
            if now != word {
                self.store.store(at, now);
            }
            let visit = self.visit(node, index, above, now);
            if Levels::<R>::sort(node.level, now) != Sort::Table || visit.recursive || visit.shared {
                continue;
            }
            let start = node.virt::<R>(index);
            let end = start | (visit.size - 1);
            let below = format.at(node.level).below(now, above);
            self.table(node.below::<R>(index, now), below, first.max(start), last.min(end))?;
            self.path[node.level - 1] = None;
            let mut then = now;
            stopped(self.visitor.post(&visit, &mut then))?;
            if then != now {
                self.store.store(at, then);
            }
        }
        Ok(())
    }

    /// What the visitor makes of an entry before the walk goes below it.
    fn before(&mut self, node: Node, index: usize, above: Inherited, word: u64) -> Result<u64, VisitError<V::Stop>> {
        let mut now = word;
        stopped(self.visitor.entry(&self.visit(node, index, above, word), &mut now))?;
        if Levels::<R>::sort(node.level, now) == Sort::Absent {
            let visit = self.visit(node, index, above, now);
            stopped(self.visitor.hole(&visit, &mut now))?;
        }
        Ok(now)
    }

    fn visit(&self, node: Node, index: usize, above: Inherited, word: u64) -> Visit {
        let format = Self::FORMAT;
        let table = PhysAddr::new(format.address.decode(word));
        let virt = node.virt::<R>(index);
        let points = Levels::<R>::sort(node.level, word) == Sort::Table;
        Visit {
            table: node.table,
            level: node.level,
            index,
            virt: VirtAddr::new(virt),
            size: format.at(node.level).size(),
            word,
            view: format.view_below(node.level, word, above),
            recursive: points && self.path.contains(&Some(table)),
            shared: points && self.foreign.is_some_and(|foreign| foreign.meets(virt, virt)),
        }
    }
}

fn stopped<Stop>(flow: ControlFlow<Stop>) -> Result<(), VisitError<Stop>> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(stop) => Err(VisitError::Stopped(stop)),
    }
}
