//! Memory for tables: where it comes from, and how the program reaches it.

mod chain;
mod global;
mod link;
mod pool;
mod ranges;
mod recursive;
pub(crate) mod row;
mod source;
mod view;
pub(crate) mod word;

pub use chain::Tables;
pub use global::FromHeap;
pub use pool::{Pool, Table1K, Table4K, Table16K, Table64K, TableBytes, TablePool};
pub use ranges::Ranges;
pub use recursive::{Recursive, Window};
pub use source::{Inspected, Memory, Nothing, Shared, TableSource};
#[doc(hidden)]
pub use view::Shown;
pub use view::{FixedOffset, Identity, LinearView, Offset, OnePage, PhysicalView, TemporaryWindow};

use core::ptr::NonNull;

use crate::addr::PhysAddr;
use crate::regime::Regime;

/// One entry of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryAt {
    /// The table it is in.
    pub table: PhysAddr,
    /// Its index there.
    pub index: usize,
    /// How the table is found.
    pub place: Place,
}

/// How a table is found by those who cannot reach every physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is linked: the walk of `virt` comes to it at `level`.
    Linked {
        /// Level of the table; 0 is the last.
        level: usize,
        /// An address that the entry translates.
        virt: u64,
    },
    /// Nothing points to it: it is new, or was taken out.
    Fresh,
}

/// How the program reads and writes tables whose physical addresses it knows.
///
/// Entries of four bytes are the lower half of the word.
///
/// # Safety
/// * `load` gives what the last `store` or `exchange` of the entry left there (hardware may have set accessed and dirty
///   bits since), or `None` where there is no memory; every entry of one table is there, or none is.
/// * `store` and `exchange` write whole entries, once, in program order as far as walkers on this core see it.
/// * Where [`STAYS`](Self::STAYS), `whole` is `Some` of each table (of the size of those below the root, and aligned to it) of
///   which `load` of any entry is, and what it points to can be read and written as that table for as long as the memory is
///   used.
pub unsafe trait TableAccess<R: Regime> {
    /// Whether tables stay in sight: entries of one that was found are accessed where it is, without asking again.
    const STAYS: bool = false;

    /// Where a table is, if tables stay in sight.
    #[inline]
    fn whole(&self, table: PhysAddr) -> Option<NonNull<u8>> {
        let _ = table;
        None
    }

    /// The same, for those who ask of many tables.
    #[doc(hidden)]
    #[inline]
    fn shown(&self, table: PhysAddr) -> Option<Shown> {
        self.whole(table).map(Shown::at)
    }

    /// The entry; `None` where there is no memory.
    fn load(&self, entry: EntryAt) -> Option<u64>;

    /// Writes the entry.
    ///
    /// # Safety
    /// The entry belongs to a table that the caller owns, and `load` of the table is not `None`.
    unsafe fn store(&mut self, entry: EntryAt, word: u64);

    /// Writes `new` if the entry is still `current`, atomically also against hardware.
    ///
    /// # Errors
    /// What the entry is instead.
    ///
    /// # Safety
    /// As for [`TableAccess::store`].
    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64>;
}

/// Where tables come from, and how they are reached.
///
/// # Safety
/// What `allocate` gives out is memory of `tables` whole tables in a row, aligned to all of them, that nobody else uses
/// until it is freed, that `load`, `store` and `exchange` reach, and whose physical address is not 0. Its contents are
/// arbitrary.
pub unsafe trait TableMemory<R: Regime>: TableAccess<R> {
    /// Memory of `tables` tables in a row (a power of two; more than one for concatenated roots); `None` if there is none
    /// left.
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr>;

    /// Takes back what `allocate` gave. Memory that came from elsewhere is left alone.
    ///
    /// # Safety
    /// No table points to it, no core has it cached in a walk, and nobody uses it any more.
    unsafe fn free(&mut self, table: PhysAddr, tables: usize);
}

#[cfg(test)]
mod tests;
