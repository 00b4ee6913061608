//! Tables and entries that know their level.
//!
//! A level is a type-level number: [`Last`] translates pages, and each `Up` of it one stage of the walk more. What a
//! level lacks does not compile: a leaf where it has none, a leaf of another size, a table below the last level.
//!
//! ```
//! use tablature::aarch64::{El1, G4K};
//! use tablature::addr::PhysAddr;
//! use tablature::attr::{Access, MemoryType, Rights};
//! use tablature::page::{Frame, Size2M};
//! use tablature::table::{Attributes, Last, Table, Up};
//!
//! type Regime = El1<G4K, 39>;
//! let mut memory = [0; 512];
//! let mut middle = Table::<Regime, Up<Last>>::new(&mut memory);
//! let code = Attributes::new(Access::kernel(Rights::RX), MemoryType::NormalWb);
//! middle.entry(3)?.map(Frame::<Size2M>::at::<0x4020_0000>(), code)?;
//! # Ok::<(), tablature::table::EntryError>(())
//! ```
//!
//! A 4 KiB frame does not fit an entry that covers 2 MiB:
//! ```compile_fail,E0277
//! # use tablature::aarch64::{El1, G4K};
//! # use tablature::attr::{Access, MemoryType, Rights};
//! # use tablature::page::{Frame, Size4K};
//! # use tablature::table::{Attributes, Last, Table, Up};
//! # let mut memory = [0; 512];
//! # let mut middle = Table::<El1<G4K, 39>, Up<Last>>::new(&mut memory);
//! # let code = Attributes::new(Access::kernel(Rights::RX), MemoryType::NormalWb);
//! let _ = middle.entry(3).unwrap().map(Frame::<Size4K>::at::<0x4020_0000>(), code);
//! ```
//! The 16 KiB granule has no 2 MiB blocks:
//! ```compile_fail,E0277
//! # use tablature::aarch64::{El1, G16K};
//! # use tablature::attr::{Access, MemoryType, Rights};
//! # use tablature::page::{Frame, Size2M};
//! # use tablature::table::{Attributes, Last, Table, Up};
//! # let mut memory = [0; 2048];
//! # let mut middle = Table::<El1<G16K, 47>, Up<Last>>::new(&mut memory);
//! # let code = Attributes::new(Access::kernel(Rights::RX), MemoryType::NormalWb);
//! let _ = middle.entry(3).unwrap().map(Frame::<Size2M>::at::<0x4020_0000>(), code);
//! ```
//! The last level has no tables below it:
//! ```compile_fail,E0277
//! # use tablature::aarch64::{El1, G4K};
//! # use tablature::addr::PhysAddr;
//! # use tablature::table::{Last, Table};
//! # let mut memory = [0; 512];
//! # let mut leaves = Table::<El1<G4K, 39>, Last>::new(&mut memory);
//! leaves.entry(3).unwrap().link(PhysAddr::new(0x4100_0000)).unwrap();
//! ```
//! And a 2 MiB frame does not start at a 4 KiB boundary:
//! ```compile_fail,E0080
//! # use tablature::page::{Frame, Size2M};
//! let _ = Frame::<Size2M>::at::<0x4000_1000>();
//! ```

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Add, Mul};

use typenum::{B1, IsEqual, Prod, Sum, U0, UInt, Unsigned};
use volatile::VolatileRef;

use crate::addr::PhysAddr;
use crate::attr::{Access, MemoryType};
use crate::format::{Leaf, View};
use crate::page::{Frame, HasLeaf, PageSize};
use crate::regime::Regime;

/// The last level: its leaves are pages.
pub type Last = U0;
/// The level above `L`.
pub type Up<L> = typenum::Add1<L>;
/// log2 of the bytes that an entry of level `L` covers.
pub type ShiftAt<R, L> = Sum<<R as Regime>::PageShift, Prod<<R as Regime>::IndexBits, L>>;

/// A level of a walk, counted from the last.
pub trait Level: Unsigned + 'static {
    /// Its number; 0 is the last.
    const NUMBER: usize = Self::USIZE;
}

impl<L: Unsigned + 'static> Level for L {}

/// A level with another below it.
#[diagnostic::on_unimplemented(
    message = "the last level has no tables below it",
    label = "entries of this level can only be leaves",
    note = "link tables in a table of a level above, for example `Up<Last>`"
)]
pub trait HasNext: Level {}

impl<U: 'static, B: 'static> HasNext for UInt<U, B> where Self: Unsigned {}

/// A page size whose leaves stand at level `L` of regime `R`.
#[diagnostic::on_unimplemented(
    message = "leaves of `{Self}` do not stand at this level of `{R}`",
    label = "an entry of this level covers another size",
    note = "take the frame size that the level has, or the table of the level that has this size"
)]
pub trait StandsAt<R: Regime, L: Level>: PageSize {}

impl<R, L, S> StandsAt<R, L> for S
where
    S: PageSize,
    R: HasLeaf<S>,
    L: Level,
    R::IndexBits: Mul<L>,
    R::PageShift: Add<Prod<R::IndexBits, L>>,
    ShiftAt<R, L>: IsEqual<S::Shift, Output = B1>,
{
}

/// What a leaf says beside its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Rights.
    pub access: Access,
    /// Memory type.
    pub memory: MemoryType,
    /// Valid for every address space.
    pub global: bool,
}

impl Attributes {
    /// A global leaf.
    #[must_use]
    pub const fn new(access: Access, memory: MemoryType) -> Self {
        Self { access, memory, global: true }
    }

    /// The same for one address space only.
    #[must_use]
    pub const fn not_global(self) -> Self {
        Self { global: false, ..self }
    }
}

/// Why an entry was not written, or is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryError {
    /// The table has fewer entries.
    NoSuchEntry {
        /// The index asked for.
        index: usize,
        /// The number of entries.
        entries: usize,
    },
    /// The format has no encoding for these attributes.
    NotEncodable(Attributes),
    /// The frame does not fit the address field.
    BadFrame {
        /// Its address.
        address: PhysAddr,
    },
    /// The address of the table is unaligned or does not fit the address field.
    BadTable {
        /// The address.
        address: PhysAddr,
    },
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchEntry { index, entries } => write!(f, "entry {index} of a table with {entries} entries"),
            Self::NotEncodable(a) => write!(f, "the format has no entry with {:?} in {}", a.access, a.memory.name()),
            Self::BadFrame { address } => write!(f, "the format has no entry for a frame at {address:?}"),
            Self::BadTable { address } => write!(f, "a table at {address:?} cannot be linked"),
        }
    }
}

impl core::error::Error for EntryError {}

/// A table of regime `R` at level `L`, and exclusive access to it.
#[derive(Debug)]
pub struct Table<'t, R: Regime, L: Level> {
    words: &'t mut [u64],
    of: PhantomData<(R, L)>,
}

impl<'t, R: Regime, L: Level> Table<'t, R, L> {
    /// The table in `words`. A level that the regime lacks, and a regime with entries of four bytes, do not compile.
    #[must_use]
    pub const fn new(words: &'t mut [u64]) -> Self {
        const {
            assert!(L::NUMBER < R::FORMAT.levels, "the regime has no such level");
            assert!(R::FORMAT.entry_bytes == 8, "tables of four-byte entries are not words");
        }
        Self { words, of: PhantomData }
    }

    /// The entry with this index.
    ///
    /// # Errors
    /// [`EntryError::NoSuchEntry`] behind the last one.
    pub fn entry(&mut self, index: usize) -> Result<Entry<'_, R, L>, EntryError> {
        let entries = self.words.len().min(1 << R::FORMAT.index_bits(L::NUMBER));
        match self.words.get_mut(index) {
            Some(word) if index < entries => Ok(Entry { word: VolatileRef::from_mut_ref(word), of: PhantomData }),
            _ => Err(EntryError::NoSuchEntry { index, entries }),
        }
    }
}

/// One entry of a table of regime `R` at level `L`.
#[derive(Debug)]
pub struct Entry<'t, R: Regime, L: Level> {
    word: VolatileRef<'t, u64>,
    of: PhantomData<(R, L)>,
}

impl<R: Regime, L: Level> Entry<'_, R, L> {
    /// What it says.
    #[must_use]
    pub fn view(&self) -> View {
        R::FORMAT.view(L::NUMBER, self.word.as_ptr().read())
    }

    /// Maps `frame`.
    ///
    /// # Errors
    /// [`EntryError::NotEncodable`] if the format has no such entry, [`EntryError::BadFrame`] if the frame lies too far
    /// up; nothing was written then.
    pub fn map<S: StandsAt<R, L>>(&mut self, frame: Frame<S>, attributes: Attributes) -> Result<(), EntryError> {
        let leaf = Leaf {
            address: frame.start().as_u64(),
            access: attributes.access,
            memory: attributes.memory,
            global: attributes.global,
            run: 0,
            software: 0,
            guarded: false,
        };
        let word = R::FORMAT.encode_leaf(L::NUMBER, &leaf).ok_or(EntryError::NotEncodable(attributes))?;
        if !fits::<R>(frame.start()) {
            return Err(EntryError::BadFrame { address: frame.start() });
        }
        self.word.as_mut_ptr().write(word);
        Ok(())
    }

    /// Points to the table at `address`.
    ///
    /// # Errors
    /// [`EntryError::BadTable`] if it is not aligned to the size of a table or too far up; nothing was written then.
    pub fn link(&mut self, address: PhysAddr) -> Result<(), EntryError>
    where
        L: HasNext,
    {
        let word = R::FORMAT.encode_table(L::NUMBER, address.as_u64());
        if !address.is_aligned(R::FORMAT.table_size()) || !fits::<R>(address) {
            return Err(EntryError::BadTable { address });
        }
        self.word.as_mut_ptr().write(word);
        Ok(())
    }

    /// Makes it absent.
    pub fn clear(&mut self) {
        self.word.as_mut_ptr().write(0);
    }
}

/// Whether an entry can hold all bits of the address.
const fn fits<R: Regime>(address: PhysAddr) -> bool {
    let field = R::FORMAT.address;
    field.decode(field.encode(address.as_u64())) == address.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::Rights;
    use crate::page::{Size2M, Size4K};
    use crate::riscv::Sv39;

    #[test]
    fn a_frame_that_does_not_fit_is_refused() {
        let mut memory = [0; 512];
        let data = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
        let mut leaves = Table::<Sv39, Last>::new(&mut memory);
        let mut entry = leaves.entry(7).expect("entry");
        let far = Frame::<Size4K>::at::<{ 1 << 56 }>();
        assert_eq!(entry.map(far, data), Err(EntryError::BadFrame { address: far.start() }));
        assert_eq!(entry.map(Frame::<Size4K>::at::<{ (1 << 56) - 0x1000 }>(), data), Ok(()));
        let mut middle = Table::<Sv39, Up<Last>>::new(&mut memory);
        let mut entry = middle.entry(8).expect("entry");
        assert!(entry.map(Frame::<Size2M>::at::<{ 1 << 60 }>(), data).is_err());
        assert!(entry.link(PhysAddr::new(1 << 56)).is_err());
        assert_eq!(entry.view(), View::Absent);
    }
}
