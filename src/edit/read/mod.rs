//! Reading tables: of a space, of a memory dump, of a guest, of a device.
//!
//! A [`Reader`] has roots and a way to read entries, and changes nothing. An address space gives one of its own tables
//! ([`AddressSpace::reader`](super::AddressSpace::reader)); for tables that are elsewhere a closure reads the word at a
//! physical address:
//!
//! ```
//! use tablature::addr::{PhysAddr, VirtAddr};
//! use tablature::attr::Rights;
//! use tablature::edit::{Reader, Roots};
//! use tablature::riscv::Sv39;
//!
//! // The page at 0x1000 of a guest whose root lies at 0x8000_0000: three words of its memory.
//! let dump = [(0x8000_0000, 0x2000_0401), (0x8000_1000, 0x2000_0801), (0x8000_2008, 0x2400_00c7)];
//! let read = |address: PhysAddr| Some(dump.iter().find(|(at, _)| *at == address.as_u64()).map_or(0, |(_, word)| *word));
//! let reader = Reader::<Sv39, _>::new(Roots { lower: Some(0x8000_0000), upper: None }, read);
//!
//! let page = reader.page(VirtAddr::new(0x1234))?;
//! assert_eq!((page.address.as_u64(), page.size), (0x9000_0234, 0x1000));
//! assert!(page.leaf.access.privileged.is(Rights::RW));
//! assert_eq!(reader.regions(VirtAddr::new(0)).count(), 1);
//! # Ok::<(), tablature::walk::Fault>(())
//! ```
//!
//! Rights are those that count: what the tables above withhold is taken away. Where an entry points to a table of its own
//! walk (a recursive slot), addresses translate as the hardware does it, but iterators, walks and dumps stay outside: what
//! is there are tables, not data.

mod audit;
mod copy;
mod dump;
mod known;
mod leaves;
mod pass;
mod query;
mod range;
mod regions;
mod row;
mod trail;
mod translate;
mod visit;

use core::marker::PhantomData;

use super::node::Node;
use super::range::Span;
use super::sight;
use super::space::Roots;
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{Format, Lawful, Leaf, View};
use crate::regime::Regime;
use crate::tables::{EntryAt, TableAccess};
use crate::walk::Fault;

pub use super::range::RangeError;
pub use audit::{Audit, AuditError};
pub use copy::{CopyError, Frames, OutOfReach, PhysicalBytes, Rule};
pub use dump::Dump;
pub use leaves::{Leaves, MappedLeaf};
pub use query::{QueryError, Uniform};
pub use regions::{Region, Regions};
use trail::Trail;
pub use translate::Translator;
pub use visit::{Rewriter, Visit, VisitError, Visitor, rewrite};

/// A way to read entries. Safe to implement: wrong words give wrong answers, and nothing worse.
///
/// A closure from the physical address of an entry to its word is one. Entries of four bytes are the lower half of the
/// word; `None` is for what there is no memory of. An error of one's own is best kept where the closure can put it.
pub trait Words<R: Regime> {
    /// The word of an entry.
    fn word(&self, entry: EntryAt) -> Option<u64>;

    /// The same table, where it is seen if that stays; `None` if it is out of reach. Of no use elsewhere than here: a node has
    /// no name there.
    #[doc(hidden)]
    #[inline]
    fn look(&self, node: Node) -> Option<Node> {
        Some(node)
    }

    /// An entry of a table that is not looked at.
    #[doc(hidden)]
    #[inline]
    fn glance(&self, node: Node, index: usize) -> Option<u64> {
        self.word(node.at::<R>(index))
    }

    /// An entry of a table that was looked at.
    #[doc(hidden)]
    #[inline]
    fn load(&self, node: Node, index: usize) -> Option<u64> {
        self.word(node.at::<R>(index))
    }

    /// The same.
    ///
    /// # Safety
    /// `look` of this, or of what this is a copy of, gave the node.
    #[doc(hidden)]
    #[inline]
    unsafe fn load_again(&self, node: Node, index: usize) -> Option<u64> {
        self.load(node, index)
    }
}

impl<R: Regime, F: Fn(PhysAddr) -> Option<u64>> Words<R> for F {
    #[inline]
    fn word(&self, entry: EntryAt) -> Option<u64> {
        let offset = entry.index as u64 * u64::from(R::FORMAT.entry_bytes);
        self(PhysAddr::new(entry.table.as_u64().wrapping_add(offset)))
    }
}

/// The entries that a table access reaches.
#[derive(Debug)]
pub struct Linked<'a, A>(pub &'a A);

impl<A> Clone for Linked<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Linked<'_, A> {}

impl<R: Regime, A: TableAccess<R>> Words<R> for Linked<'_, A> {
    #[inline]
    fn word(&self, entry: EntryAt) -> Option<u64> {
        self.0.load(entry)
    }

    #[inline]
    fn look(&self, node: Node) -> Option<Node> {
        if sight::can_be::<R>(node) { sight::look(self.0, node) } else { None }
    }

    #[inline]
    fn glance(&self, node: Node, index: usize) -> Option<u64> {
        if sight::can_be::<R>(node) { sight::glance(self.0, node, index) } else { None }
    }

    #[inline]
    fn load(&self, node: Node, index: usize) -> Option<u64> {
        match sight::load::<R, A>(node, index) {
            Some(word) => Some(word),
            None => self.0.load(node.at::<R>(index)),
        }
    }

    #[inline]
    unsafe fn load_again(&self, node: Node, index: usize) -> Option<u64> {
        // SAFETY: as the caller promises.
        self.load(unsafe { sight::seen_before::<R, A>(node) }, index)
    }
}

/// Where an address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What the address translates to, offset included.
    pub address: PhysAddr,
    /// The leaf, with the rights that count. Its address is that of its first byte.
    pub leaf: Leaf,
    /// The level of the leaf; 0 is the last.
    pub level: usize,
    /// Bytes of the leaf.
    pub size: u64,
    /// Its word as it stands in the table.
    pub word: u64,
}

/// Tables of regime `R` that can be read.
#[derive(Debug)]
pub struct Reader<R: Regime, W> {
    roots: Roots,
    words: W,
    /// What belongs to another space, which may change it meanwhile.
    foreign: Option<Span>,
    of: PhantomData<fn() -> R>,
}

impl<R: Regime, W: Clone> Clone for Reader<R, W> {
    fn clone(&self) -> Self {
        Self { roots: self.roots, words: self.words.clone(), foreign: self.foreign, of: PhantomData }
    }
}

impl<R: Regime, W: Copy> Copy for Reader<R, W> {}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    const FORMAT: &'static Format = &R::FORMAT;

    /// The tables at `roots`. Those of an unlawful format, whose entries may lie outside of its tables, do not compile:
    ///
    /// ```compile_fail,E0080
    /// use tablature::addr::PhysAddr;
    /// use tablature::edit::{Reader, Roots};
    /// use tablature::format::Format;
    /// use tablature::regime::Regime;
    /// use tablature::regime::typenum::{U9, U12};
    ///
    /// struct Gpu;
    ///
    /// impl Regime for Gpu {
    ///     // 512 entries do not fit in tables of 1 KiB.
    ///     const FORMAT: Format = Format { table_shift: 10, ..Format::of_levels("GPU", 12, &[9, 9, 9]) };
    ///     type PageShift = U12;
    ///     type IndexBits = U9;
    /// }
    ///
    /// let _ = Reader::<Gpu, _>::new(Roots { lower: Some(0), upper: None }, |_: PhysAddr| Some(0));
    /// ```
    #[must_use]
    pub const fn new(roots: Roots, words: W) -> Self {
        // What is seen of a table at once are the entries that the format says it has.
        const { Lawful::<R>::PROVEN };
        Self { roots, words, foreign: None, of: PhantomData }
    }

    /// The same without what belongs to another space.
    pub(super) const fn without(self, foreign: Option<Span>) -> Self
    where
        W: Copy,
    {
        Self { foreign, ..self }
    }

    #[inline(always)]
    fn is_foreign(&self, virt: u64) -> bool {
        self.foreign.is_some_and(|foreign| foreign.holds(virt))
    }

    /// Why nothing is found at `virt`, which is canonical, and the last address of which that is true.
    fn nothing_at(&self, virt: u64) -> (Fault, u64) {
        match self.foreign {
            Some(foreign) if foreign.meets(virt, virt) => (Fault::Shared, foreign.last),
            _ => (Fault::NoRoot, range::last_of_half(Self::FORMAT, virt)),
        }
    }

    /// The roots.
    #[must_use]
    pub const fn roots(&self) -> Roots {
        self.roots
    }

    /// What `virt` translates to, and by which leaf. At most one word is read at each level.
    ///
    /// # Errors
    /// The [`Fault`] of the hardware, or [`Fault::NoTable`] where a table is out of reach.
    pub fn page(&self, virt: VirtAddr) -> Result<Found, Fault> {
        let virt = virt.as_u64();
        if !Self::FORMAT.is_canonical(virt) {
            return Err(Fault::NotCanonical);
        }
        let spot = Trail::<R>::new().seek(self, virt).ok_or_else(|| self.nothing_at(virt).0)?;
        let leaf = spot.leaf::<R>()?;
        let size = Self::FORMAT.at(spot.node.level).size();
        let address = PhysAddr::new(leaf.address | virt & (size - 1));
        Ok(Found { address, leaf, level: spot.node.level, size, word: spot.word.unwrap_or_default() })
    }
}

/// The address of the first byte of an entry's leaf: one of a folded run has the address of the run.
fn own_address(format: &Format, leaf: &Leaf, virt: u64) -> u64 {
    match format.run(leaf.run) {
        Some(run) if run.fold => leaf.address | virt & (run.size - 1),
        _ => leaf.address,
    }
}

/// Why a view is no leaf.
const fn fault_of(view: View, level: usize, word: u64) -> Result<Leaf, Fault> {
    match view {
        View::Leaf(leaf) => Ok(leaf),
        View::Absent => Err(Fault::Absent { level }),
        View::Table { .. } | View::Reserved => Err(Fault::Reserved { level, word }),
    }
}
