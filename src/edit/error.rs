//! Why an operation was refused. Nothing has changed then.

use core::fmt;

use super::range::RangeError;
use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::Features;
use crate::table::Attributes;

/// An entry that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offender {
    /// The first address that the entry translates.
    pub virt: VirtAddr,
    /// Its level; 0 is the last.
    pub level: usize,
    /// Its word.
    pub word: u64,
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (level {}, entry {:#x})", self.virt, self.level, self.word)
    }
}

macro_rules! errors {
    ($(
        $(#[$doc:meta])* $name:ident {
            $( $(#[$vdoc:meta])* $variant:ident $( ( $field:ty ) )? => |$self:ident, $f:ident| $text:expr; )*
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            /// The range or address itself.
            Range(RangeError),
            /// A table is where the memory reaches nothing.
            NoTable(PhysAddr),
            $( $(#[$vdoc])* $variant $( ( $field ) )?, )*
        }

        impl From<RangeError> for $name {
            fn from(error: RangeError) -> Self {
                Self::Range(error)
            }
        }

        impl From<Fault> for $name {
            fn from(fault: Fault) -> Self {
                match fault {
                    Fault::Range(error) => Self::Range(error),
                    Fault::NoTable(table) => Self::NoTable(table),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Range(error) => error.fmt(f),
                    Self::NoTable(table) => write!(f, "the table at {table:?} is out of reach"),
                    $( errors!(@pattern $self $variant $( ( $field ) )?) => { let $f = f; $text } )*
                }
            }
        }

        impl core::error::Error for $name {}
    )* };
    (@pattern $self:ident $variant:ident) => { Self::$variant };
    (@pattern $self:ident $variant:ident ($field:ty)) => { Self::$variant($self) };
}

/// What every walk may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Range(RangeError),
    NoTable(PhysAddr),
}

impl From<RangeError> for Fault {
    fn from(error: RangeError) -> Self {
        Self::Range(error)
    }
}

/// A physical address that an entry cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPhys {
    /// The address.
    pub phys: PhysAddr,
    /// What it should be a multiple of, or below (a power of two).
    pub bound: u64,
}

errors! {
    /// Why nothing was mapped.
    MapError {
        /// The physical address is not a multiple of the smallest leaf.
        UnalignedPhys(BadPhys) => |bad, f| write!(f, "{:?} is not a multiple of {:#x}", bad.phys, bad.bound);
        /// The physical range is not below what entries can hold.
        PhysOutOfRange(BadPhys) => |bad, f| write!(f, "the memory at {:?} is not below {:#x}", bad.phys, bad.bound);
        /// The format has no encoding for these attributes.
        NotEncodable(Attributes) => |a, f| write!(f, "the format has no leaf with {:?} in {}", a.access, a.memory.name());
        /// The format has no leaf of the size asked for, or the CPU lacks the feature.
        NoSuchLeaf(Features) => |feature, f| write!(f, "the CPU has no leaf of this size without {}", feature.name());
        /// Something is mapped there.
        AlreadyMapped(Offender) => |found, f| write!(f, "there is a mapping at {found}");
        /// A larger leaf that reaches out of the range is there.
        InsideLeaf(Offender) => |found, f| write!(f, "the range is inside of the leaf at {found}");
        /// A table with mappings is where a leaf should be.
        HoldsTable(Offender) => |found, f| write!(f, "there is a table at {found}");
        /// An entry is there whose meaning is reserved.
        Reserved(Offender) => |found, f| write!(f, "a reserved entry at {found}");
        /// There is no memory for this many tables.
        OutOfTables(u64) => |tables, f| write!(f, "there is no memory for {tables} tables");
    }

    /// Why nothing was unmapped.
    UnmapError {
        /// Nothing is mapped there.
        NotMapped(Offender) => |found, f| write!(f, "nothing is mapped at {found}");
        /// The page is part of a larger leaf.
        InsideLeaf(Offender) => |found, f| write!(f, "the page is part of the leaf at {found}");
        /// The page is made of smaller leaves.
        HoldsTable(Offender) => |found, f| write!(f, "there is a table at {found}");
        /// The CPU has no leaf of this size.
        NoSuchLeaf(Features) => |feature, f| write!(f, "the CPU has no leaf of this size without {}", feature.name());
        /// An entry is there whose meaning is reserved.
        Reserved(Offender) => |found, f| write!(f, "a reserved entry at {found}");
        /// A leaf must be split, and there is no memory for this many tables.
        OutOfTables(u64) => |tables, f| write!(f, "there is no memory for {tables} tables");
    }

    /// Why nothing was protected.
    ProtectError {
        /// Nothing is mapped there.
        NotMapped(Offender) => |found, f| write!(f, "nothing is mapped at {found}");
        /// The page is part of a larger leaf.
        InsideLeaf(Offender) => |found, f| write!(f, "the page is part of the leaf at {found}");
        /// The page is made of smaller leaves.
        HoldsTable(Offender) => |found, f| write!(f, "there is a table at {found}");
        /// The CPU has no leaf of this size.
        NoSuchLeaf(Features) => |feature, f| write!(f, "the CPU has no leaf of this size without {}", feature.name());
        /// The format has no encoding for what is asked for.
        NotEncodable(super::protect::Protect) => |p, f| write!(f, "the format has no encoding for {p:?}");
        /// An entry is there whose meaning is reserved.
        Reserved(Offender) => |found, f| write!(f, "a reserved entry at {found}");
        /// A leaf must be split, and there is no memory for this many tables.
        OutOfTables(u64) => |tables, f| write!(f, "there is no memory for {tables} tables");
    }

    /// Why a page goes where it went.
    RemapError {
        /// Nothing is mapped there.
        NotMapped(Offender) => |found, f| write!(f, "nothing is mapped at {found}");
        /// The page is part of a larger leaf.
        InsideLeaf(Offender) => |found, f| write!(f, "the page is part of the leaf at {found}");
        /// The page is made of smaller leaves.
        HoldsTable(Offender) => |found, f| write!(f, "there is a table at {found}");
        /// The frame is not below what entries can hold.
        PhysOutOfRange(BadPhys) => |bad, f| write!(f, "the memory at {:?} is not below {:#x}", bad.phys, bad.bound);
        /// The CPU has no leaf of this size.
        NoSuchLeaf(Features) => |feature, f| write!(f, "the CPU has no leaf of this size without {}", feature.name());
        /// The format has no encoding for these attributes.
        NotEncodable(Attributes) => |a, f| write!(f, "the format has no leaf with {:?} in {}", a.access, a.memory.name());
        /// An entry is there whose meaning is reserved.
        Reserved(Offender) => |found, f| write!(f, "a reserved entry at {found}");
    }

    /// Why a leaf was not split.
    SplitError {
        /// Nothing is mapped there.
        NotMapped(Offender) => |found, f| write!(f, "nothing is mapped at {found}");
        /// The CPU has no leaf of this size.
        NoSuchLeaf(Features) => |feature, f| write!(f, "the CPU has no leaf of this size without {}", feature.name());
        /// An entry is there whose meaning is reserved, or that smaller leaves cannot express.
        Reserved(Offender) => |found, f| write!(f, "a reserved entry at {found}");
        /// There is no memory for this many tables.
        OutOfTables(u64) => |tables, f| write!(f, "there is no memory for {tables} tables");
    }

    /// Why a table was not made a leaf.
    PromoteError {
        /// Nothing is mapped there, or not everywhere.
        NotMapped(Offender) => |found, f| write!(f, "nothing is mapped at {found}");
        /// The page is part of a larger leaf.
        InsideLeaf(Offender) => |found, f| write!(f, "the page is part of the leaf at {found}");
        /// The table has another table in it; promote that first.
        HoldsTable(Offender) => |found, f| write!(f, "there is a table at {found}");
        /// The CPU has no leaf of this size.
        NoSuchLeaf(Features) => |feature, f| write!(f, "the CPU has no leaf of this size without {}", feature.name());
        /// The memory does not start at a multiple of the size of the leaf.
        UnalignedPhys(BadPhys) => |bad, f| write!(f, "{:?} is not a multiple of {:#x}", bad.phys, bad.bound);
        /// The leaf does not continue the one before it: another address, other rights, another memory type.
        Differs(Offender) => |found, f| write!(f, "the leaf at {found} does not continue the one before it");
        /// An entry is there whose meaning is reserved, or that a larger leaf cannot express.
        Reserved(Offender) => |found, f| write!(f, "a reserved entry at {found}");
    }
}
