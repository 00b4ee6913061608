//! Whether tables that others made can be worked with.

use core::fmt;
use core::ops::ControlFlow;

use super::range::last_of_half;
use super::visit::{Visit, VisitError, Visitor};
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{MAX_LEVELS, View, clamp};
use crate::regime::Regime;

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Tables; concatenated ones of a root count each, and a table that is linked twice counts twice.
    pub tables: usize,
    /// Leaves at each level.
    pub leaves: [usize; MAX_LEVELS],
    /// Entries that point to a table of their own walk.
    pub recursive: usize,
    /// Entries that point to a table of another space.
    pub shared: usize,
}

/// The first thing that is not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditError {
    /// There are more tables than expected: the tables share others, or are none.
    TooManyTables {
        /// How many were to be looked at.
        limit: usize,
    },
    /// A table is out of reach.
    NoTable {
        /// Where it should be.
        table: PhysAddr,
    },
    /// A word is reserved at its level.
    Reserved {
        /// The first address it translates.
        virt: VirtAddr,
        /// Its level.
        level: usize,
        /// The word.
        word: u64,
    },
    /// A leaf has a size that the CPU is not known to have.
    NoSuchLeaf {
        /// The first address it translates.
        virt: VirtAddr,
        /// Its bytes.
        size: u64,
    },
    /// An address is wider than the CPU's.
    TooFarUp {
        /// The first address that the entry translates.
        virt: VirtAddr,
        /// The output address.
        phys: PhysAddr,
    },
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTables { limit } => write!(f, "there are more than {limit} tables"),
            Self::NoTable { table } => write!(f, "there is no memory at {table:?}, where a table should be"),
            Self::Reserved { virt, level, word } => {
                write!(f, "the word {word:#x}, of {virt:?}, is reserved at level {level}")
            }
            Self::NoSuchLeaf { virt, size } => {
                write!(f, "{virt:?} is in a leaf of {size:#x} bytes, which the CPU lacks")
            }
            Self::TooFarUp { virt, phys } => write!(f, "{virt:?} leads to {phys:?}, which is too far up"),
        }
    }
}

impl core::error::Error for AuditError {}

struct Auditor {
    /// The levels that have leaves.
    has_leaf: [bool; MAX_LEVELS],
    output_bits: u32,
    limit: usize,
    seen: Audit,
}

impl Auditor {
    fn judge(&mut self, at: &Visit) -> Result<(), AuditError> {
        let address = match at.view {
            View::Absent => return Ok(()),
            View::Reserved => return Err(AuditError::Reserved { virt: at.virt, level: at.level, word: at.word }),
            View::Table { address } => {
                match (at.recursive, at.shared) {
                    (true, _) => self.seen.recursive += 1,
                    (_, true) => self.seen.shared += 1,
                    _ => self.table(1)?,
                }
                address
            }
            View::Leaf(leaf) => {
                if !self.has_leaf[clamp(at.level)] {
                    return Err(AuditError::NoSuchLeaf { virt: at.virt, size: at.size });
                }
                self.seen.leaves[clamp(at.level)] += 1;
                leaf.address
            }
        };
        if self.output_bits < 64 && address >> self.output_bits != 0 {
            return Err(AuditError::TooFarUp { virt: at.virt, phys: PhysAddr::new(address) });
        }
        Ok(())
    }

    fn table(&mut self, tables: usize) -> Result<(), AuditError> {
        self.seen.tables += tables;
        if self.seen.tables > self.limit { Err(AuditError::TooManyTables { limit: self.limit }) } else { Ok(()) }
    }
}

impl Visitor for Auditor {
    type Stop = AuditError;

    fn entry(&mut self, at: &Visit) -> ControlFlow<AuditError> {
        match self.judge(at) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// Looks at every entry of at most `limit` tables: that no word is reserved, all tables are there, leaves have sizes that
    /// the CPU has, and addresses fit `output_bits` bits.
    ///
    /// # Errors
    /// The first [`AuditError`].
    pub fn audit(&self, output_bits: u32, limit: usize) -> Result<Audit, AuditError> {
        let format = Self::FORMAT;
        let has_leaf = core::array::from_fn(|level| format.has_leaf(level, R::FEATURES));
        let mut auditor = Auditor { has_leaf, output_bits, limit, seen: Audit::default() };
        let mut halves = [Some(0), format.upper_start()].into_iter().flatten();
        let mut root = None;
        halves.try_for_each(|start| {
            let size = (last_of_half(format, start) - start).saturating_add(1);
            let own = if format.split_roots && format.is_upper(start) { self.roots.upper } else { self.roots.lower };
            if own.is_some() && own != root && !(format.split_roots && self.is_foreign(start)) {
                auditor.table(format.root_tables() as usize)?;
                root = own;
            }
            match self.walk(VirtAddr::new(start), size, &mut auditor) {
                Ok(()) | Err(VisitError::NoRoot | VisitError::Range(_)) => Ok(()),
                Err(VisitError::NoTable { table }) => Err(AuditError::NoTable { table }),
                Err(VisitError::Stopped(error)) => Err(error),
            }
        })?;
        Ok(auditor.seen)
    }
}
