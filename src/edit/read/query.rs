//! What a whole range has in common.

use core::fmt;

use super::super::range::{RangeError, Span};
use super::known::Decoder;
use super::row::{Glance, Row};
use super::trail::Trail;
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::Leaf;
use crate::regime::Regime;
use crate::table::Attributes;
use crate::walk::Fault;

/// What all pages of a range have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uniform {
    /// Rights that count, memory type.
    pub attributes: Attributes,
    /// Guarded pages (BTI).
    pub guarded: bool,
    /// What the first byte translates to, where the whole range translates to consecutive addresses.
    pub phys: Option<PhysAddr>,
}

/// Why a range has nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// The range is none.
    Range(RangeError),
    /// No page of it is mapped.
    NotMapped,
    /// Some pages are mapped.
    PartlyMapped {
        /// The first page that is not.
        hole: VirtAddr,
    },
    /// All pages are mapped, with different attributes.
    Differs {
        /// The first page that differs from those before.
        at: VirtAddr,
    },
    /// An entry is reserved, or a table out of reach.
    Fault {
        /// The first address that the entry translates, or that of the range.
        at: VirtAddr,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl From<RangeError> for QueryError {
    fn from(error: RangeError) -> Self {
        Self::Range(error)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(error) => error.fmt(f),
            Self::NotMapped => f.write_str("nothing of the range is mapped"),
            Self::PartlyMapped { hole } => write!(f, "the range is mapped in part, and not at {hole:?}"),
            Self::Differs { at } => write!(f, "the attributes of the range are others from {at:?} on"),
            Self::Fault { at, fault } => write!(f, "{at:?}: {fault}"),
        }
    }
}

impl core::error::Error for QueryError {}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    first: Option<(Leaf, u64)>,
    consecutive: bool,
    hole: Option<u64>,
    differs: Option<u64>,
}

impl Seen {
    fn leaf(&mut self, leaf: &Leaf, virt: u64) {
        let Some((first, start)) = self.first else {
            self.first = Some((*leaf, virt));
            self.consecutive = true;
            return;
        };
        let says = |leaf: &Leaf| (leaf.access, leaf.memory, leaf.global, leaf.guarded);
        if says(&first) != says(leaf) {
            self.differs = self.differs.or(Some(virt));
        }
        self.consecutive &= leaf.address == first.address.wrapping_add(virt - start);
    }

    fn verdict(self) -> Result<Uniform, QueryError> {
        let Some((leaf, _)) = self.first else { return Err(QueryError::NotMapped) };
        if let Some(hole) = self.hole {
            return Err(QueryError::PartlyMapped { hole: VirtAddr::new(hole) });
        }
        if let Some(at) = self.differs {
            return Err(QueryError::Differs { at: VirtAddr::new(at) });
        }
        Ok(Uniform {
            attributes: Attributes { access: leaf.access, memory: leaf.memory, global: leaf.global },
            guarded: leaf.guarded,
            phys: self.consecutive.then_some(PhysAddr::new(leaf.address)),
        })
    }
}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// What all of `size` bytes from `virt` have in common. A table is read once.
    ///
    /// # Errors
    /// [`QueryError`]: each of its variants is one outcome, and of a range that is both partly mapped and mapped with
    /// different attributes it is the former.
    pub fn query(&self, virt: VirtAddr, size: u64) -> Result<Uniform, QueryError> {
        let format = Self::FORMAT;
        let last = Span::new(format, virt, size, format.page_size())?.last;
        let (mut trail, mut decoder, mut seen) = (Trail::<R>::new(), Decoder::new(), Seen::default());
        let mut at = virt.as_u64();
        loop {
            let fault = |fault| QueryError::Fault { at: VirtAddr::new(at), fault };
            let Some(spot) = trail.seek(self, at) else {
                return Err(match self.nothing_at(at).0 {
                    Fault::NoRoot => QueryError::NotMapped,
                    shared => fault(shared),
                });
            };
            match spot.leaf_like::<R>(&mut decoder) {
                Ok(Some(leaf)) => {
                    let address = leaf.address + (at - spot.first::<R>());
                    seen.leaf(&Leaf { address, ..leaf }, at);
                }
                Ok(None) => seen.hole = seen.hole.or(Some(at)),
                Err(found) => return Err(fault(found)),
            }
            let done = match Row::behind(self, &spot, decoder.last(spot.place())) {
                Some(row) => self.query_row(row, spot.last::<R>(), last, &mut seen),
                None => spot.last::<R>(),
            };
            if done >= last {
                return seen.verdict();
            }
            at = done + 1;
        }
    }

    /// Sees what comes behind `done` in a row and up to `last`, as far as it is seen at once, and says how far that is.
    fn query_row(&self, row: Row, mut done: u64, last: u64, seen: &mut Seen) -> u64 {
        let mut index = row.index;
        while done < last {
            // SAFETY: the row is of this reader.
            match unsafe { row.glance(&self.words, index) } {
                Glance::Like(leaf) => seen.leaf(&leaf.leaf, leaf.virt.as_u64()),
                Glance::Absent => seen.hole = seen.hole.or(Some(row.virt(index))),
                Glance::Else => break,
            }
            done = row.virt(index) | (row.size - 1);
            index += 1;
        }
        done
    }
}
