//! One walk over a range, whether it reads or writes.

use core::marker::PhantomData;
use core::ops::ControlFlow;

use super::super::node::Node;
use super::super::range::Span;
use super::super::space::Roots;
use super::Words;
use super::known::{Decoder, Known};
use super::visit::{Rewriter, Visit, VisitError, Visitor};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{Format, Inherited, MAX_LEVELS, View, clamp};
use crate::regime::Regime;
use crate::tables::{EntryAt, TableAccess};

/// Where words come from, and where changed ones go.
pub(super) trait Store<R: Regime> {
    /// The same table, seen if that can be.
    fn look(&self, node: Node) -> Node;
    fn load(&self, node: Node, index: usize) -> Option<u64>;
    fn store(&mut self, entry: EntryAt, word: u64);
}

/// Words that stay as they are.
pub(super) struct Unchanged<'w, W>(pub(super) &'w W);

impl<R: Regime, W: Words<R>> Store<R> for Unchanged<'_, W> {
    #[inline]
    fn look(&self, node: Node) -> Node {
        self.0.look(node).unwrap_or(node)
    }

    #[inline]
    fn load(&self, node: Node, index: usize) -> Option<u64> {
        self.0.load(node, index)
    }

    #[inline]
    fn store(&mut self, _: EntryAt, _: u64) {}
}

/// Tables that may be written.
///
/// # Invariants
/// They are the caller's of [`rewrite`](super::rewrite), who answers for the words.
pub(super) struct Changed<'a, A>(pub(super) &'a mut A);

impl<R: Regime, A: TableAccess<R>> Store<R> for Changed<'_, A> {
    fn look(&self, node: Node) -> Node {
        node
    }

    fn load(&self, node: Node, index: usize) -> Option<u64> {
        self.0.load(node.at::<R>(index))
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

    #[inline]
    fn entry(&mut self, at: &Visit, _: &mut u64) -> ControlFlow<V::Stop> {
        self.0.entry(at)
    }

    #[inline]
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
    decoder: Decoder,
    of: PhantomData<fn() -> R>,
}

/// A table of a walk.
struct Here {
    node: Node,
    /// What the pointers to it withhold.
    above: Inherited,
    /// The bytes that an entry translates.
    size: u64,
    /// What the last leaf said, if it was one of such a table: most of its neighbours say the same.
    like: Known,
}

type Outcome<V> = Result<(), VisitError<<V as Rewriter>::Stop>>;

impl<R: Regime, S: Store<R>, V: Rewriter> Pass<R, S, V> {
    const FORMAT: &'static Format = &R::FORMAT;

    pub(super) const fn new(store: S, visitor: V, foreign: Option<Span>) -> Self {
        Self { store, visitor, path: [None; MAX_LEVELS], foreign, decoder: Decoder::new(), of: PhantomData }
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
        let (format, level) = (Self::FORMAT, node.level);
        self.path[clamp(level)] = Some(node.table);
        let (node, size) = (self.store.look(node), format.at(level).size());
        let mut here = Here { node, above, size, like: self.decoder.last((level, above)) };
        let (mut index, end) = (format.index(first, level), format.index(last, level));
        while index <= end {
            let word = self.store.load(node, index).ok_or(VisitError::NoTable { table: node.table })?;
            let visit = self.before(&mut here, index, word)?;
            if let View::Table { .. } = visit.view
                && !visit.recursive
                && !visit.shared
            {
                let virt = visit.virt.as_u64();
                let below = format.at(level).below(visit.word, above);
                let (first, last) = (first.max(virt), last.min(virt | (size - 1)));
                self.table(node.below::<R>(index, visit.word), below, first, last)?;
                self.path[clamp(level - 1)] = None;
                let mut then = visit.word;
                stopped(self.visitor.post(&visit, &mut then))?;
                self.put(&here, index, visit.word, then);
            }
            index += 1;
        }
        Ok(())
    }

    /// What is left of an entry when the visitor has seen it, and before the walk goes below it.
    #[inline(always)]
    fn before(&mut self, here: &mut Here, index: usize, word: u64) -> Result<Visit, VisitError<V::Stop>> {
        let mut now = word;
        let mut visit = self.visit(here, index, word);
        stopped(self.visitor.entry(&visit, &mut now))?;
        if now != visit.word {
            visit = self.visit(here, index, now);
        }
        if let View::Absent = visit.view {
            stopped(self.visitor.hole(&visit, &mut now))?;
            if now != visit.word {
                visit = self.visit(here, index, now);
            }
        }
        self.put(here, index, word, now);
        Ok(visit)
    }

    /// Stores what became of a word.
    #[inline(always)]
    fn put(&mut self, here: &Here, index: usize, old: u64, new: u64) {
        if new != old {
            self.store.store(here.node.at::<R>(index), new);
        }
    }

    #[inline(always)]
    fn visit(&mut self, here: &mut Here, index: usize, word: u64) -> Visit {
        let (format, node) = (Self::FORMAT, here.node);
        let virt = node.base.wrapping_add((index as u64).wrapping_mul(here.size));
        let view = if here.like.is_in(word) {
            View::Leaf(here.like.leaf(format, word))
        } else if word & format.present == 0 {
            View::Absent
        } else {
            self.view(here, word)
        };
        let (recursive, shared) = match view {
            View::Table { address } => (
                self.path.contains(&Some(PhysAddr::new(address))),
                self.foreign.is_some_and(|foreign| foreign.meets(virt, virt)),
            ),
            _ => (false, false),
        };
        let (table, level, size) = (node.table, node.level, here.size);
        Visit { table, level, index, virt: VirtAddr::new(virt), size, word, view, recursive, shared }
    }

    /// What a word means that says something else than the last leaf.
    #[inline(never)]
    fn view(&mut self, here: &mut Here, word: u64) -> View {
        let place = (here.node.level, here.above);
        let view = self.decoder.view(Self::FORMAT, place, word);
        if let View::Leaf(_) = view {
            here.like = self.decoder.last(place);
        }
        view
    }
}

fn stopped<Stop>(flow: ControlFlow<Stop>) -> Result<(), VisitError<Stop>> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(stop) => Err(VisitError::Stopped(stop)),
    }
}
