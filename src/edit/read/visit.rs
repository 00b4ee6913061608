//! Walks that call back at each entry.

use core::fmt;
use core::ops::ControlFlow;

use super::super::range::RangeError;
use super::super::space::Roots;
use super::pass::{Changed, Pass, Spectator, Unchanged};
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::View;
use crate::regime::Regime;
use crate::tables::TableAccess;

/// One entry of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The table it is in.
    pub table: PhysAddr,
    /// Level of the table; 0 is the last.
    pub level: usize,
    /// Its index in the table.
    pub index: usize,
    /// The first address it translates, which may lie before the range.
    pub virt: VirtAddr,
    /// The bytes it translates.
    pub size: u64,
    /// Its word.
    pub word: u64,
    /// What that means, with the rights that count.
    pub view: View,
    /// It points to a table that the walk has come through: that table is not entered again.
    pub recursive: bool,
    /// What is below it belongs to another space: the walk does not enter it.
    pub shared: bool,
}

/// What is called at the entries of a range, in ascending order.
///
/// At each entry [`entry`](Visitor::entry); then, if it is absent, [`hole`](Visitor::hole), or, if it points to a table, the
/// entries of that, and at last [`post`](Visitor::post). `Break` ends the walk.
pub trait Visitor {
    /// What a walk that ends early gives back.
    type Stop;

    /// At every entry, absent ones too, before what is below it.
    fn entry(&mut self, at: &Visit) -> ControlFlow<Self::Stop>;

    /// At an absent entry.
    fn hole(&mut self, at: &Visit) -> ControlFlow<Self::Stop> {
        let _ = at;
        ControlFlow::Continue(())
    }

    /// At an entry that points to a table, after all that is below it.
    fn post(&mut self, at: &Visit) -> ControlFlow<Self::Stop> {
        let _ = at;
        ControlFlow::Continue(())
    }
}

/// The same with the right to change the word of the entry. What the first two calls make of it is stored before the walk
/// goes on, and below the table that it then points to; what `post` makes of it afterwards.
pub trait Rewriter {
    /// What a walk that ends early gives back.
    type Stop;

    /// At every entry, absent ones too, before what is below it.
    fn entry(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<Self::Stop>;

    /// At an entry that is still absent.
    fn hole(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<Self::Stop> {
        let _ = (at, word);
        ControlFlow::Continue(())
    }

    /// At an entry that points to a table, after all that is below it.
    fn post(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<Self::Stop> {
        let _ = (at, word);
        ControlFlow::Continue(())
    }
}

/// Why a walk did not come to the end of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VisitError<Stop> {
    /// The range is none.
    Range(RangeError),
    /// Its half has no root, or belongs to another space.
    NoRoot,
    /// A table is out of reach.
    NoTable {
        /// Where it should be.
        table: PhysAddr,
    },
    /// The visitor ended it.
    Stopped(Stop),
}

impl<Stop: fmt::Display> fmt::Display for VisitError<Stop> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(error) => error.fmt(f),
            Self::NoRoot => f.write_str("the half of the range has no root"),
            Self::NoTable { table } => write!(f, "there is no memory at {table:?}, where a table should be"),
            Self::Stopped(stop) => stop.fmt(f),
        }
    }
}

impl<Stop: fmt::Debug + fmt::Display> core::error::Error for VisitError<Stop> {}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// Calls `visitor` at each entry that translates some of the `size` bytes from `virt`.
    ///
    /// # Errors
    /// [`VisitError`]; entries before were visited.
    pub fn walk<V: Visitor>(&self, virt: VirtAddr, size: u64, visitor: &mut V) -> Result<(), VisitError<V::Stop>> {
        Pass::<R, _, _>::new(Unchanged(&self.words), Spectator(visitor), self.foreign).run(self.roots, virt, size)
    }
}

/// Calls `rewriter` at each entry that translates some of the `size` bytes from `virt`, and stores what it makes of them.
///
/// # Errors
/// [`VisitError`]; entries before were visited and changed.
///
/// # Safety
/// The tables at `roots` are the caller's, and every word stored is one that keeps them so: it points to no table that others
/// use. What hardware that uses the tables has cached, and what it writes to them meanwhile, is the caller's business.
pub unsafe fn rewrite<R: Regime, A: TableAccess<R>, V: Rewriter>(
    roots: Roots,
    access: &mut A,
    (virt, size): (VirtAddr, u64),
    rewriter: &mut V,
) -> Result<(), VisitError<V::Stop>> {
    Pass::<R, _, _>::new(Changed(access), rewriter, None).run(roots, virt, size)
}
