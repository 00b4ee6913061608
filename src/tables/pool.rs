//! Tables in the image.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU8, AtomicUsize};

use super::{EntryAt, TableAccess, TableMemory, word};
use crate::addr::PhysAddr;
use crate::regime::Regime;

/// Memory of one table: [`Table1K`], [`Table4K`], [`Table16K`] or [`Table64K`].
pub trait TableBytes: sealed::Sealed + 'static {
    /// A table without entries.
    const EMPTY: Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! tables {
    ($($name:ident = $bytes:literal;)*) => { $(
        #[doc = concat!("Memory of a table of ", stringify!($bytes), " bytes, aligned to its size.")]
        #[derive(Clone, Copy, Debug)]
        #[repr(C, align($bytes))]
        pub struct $name([u64; $bytes / 8]);

        impl sealed::Sealed for $name {}

        impl TableBytes for $name {
            const EMPTY: Self = Self([0; $bytes / 8]);
        }

        const _: () = assert!(size_of::<$name>() == $bytes && align_of::<$name>() == $bytes);
    )* };
}

tables! {
    Table1K = 0x400;
    Table4K = 0x1000;
    Table16K = 0x4000;
    Table64K = 0x1_0000;
}

/// `N` tables in the image, for a `static`.
///
/// A root of several concatenated tables is aligned to all of them: a pool that is to give out such roots has an `A` of
/// that alignment, or some tables to spare. Several cores may take from one pool; to find a free table takes `N` steps at
/// most.
///
/// ```
/// use tablature::addr::PhysAddr;
/// use tablature::riscv::Sv39;
/// use tablature::tables::{Table4K, TableMemory, TablePool};
///
/// static POOL: TablePool<Table4K, 8> = TablePool::new();
/// // SAFETY: the program runs at its physical addresses.
/// let mut memory = unsafe { POOL.at(PhysAddr::new(POOL.start().addr() as u64)) };
/// let table = TableMemory::<Sv39>::allocate(&mut memory, 1).expect("eight are free");
/// assert!(table.is_aligned(0x1000) && POOL.in_use() == 1);
/// ```
#[repr(C)]
pub struct TablePool<T: TableBytes, const N: usize, A = T> {
    align: [A; 0],
    memory: UnsafeCell<[T; N]>,
    used: [AtomicU8; N],
    /// Where to look first.
    next: AtomicUsize,
}

// SAFETY: the pool itself reads and writes nothing but its atomics; a table belongs to who has claimed it, and the
// handle that gives access to all is made by an unsafe function.
unsafe impl<T: TableBytes, const N: usize, A> Sync for TablePool<T, N, A> {}

const FREE: u8 = 0;
const USED: u8 = 1;

impl<T: TableBytes, const N: usize, A> TablePool<T, N, A> {
    /// All tables are free.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            align: [],
            memory: UnsafeCell::new([T::EMPTY; N]),
            used: [const { AtomicU8::new(FREE) }; N],
            next: AtomicUsize::new(0),
        }
    }

    /// Where the program sees the first table.
    #[must_use]
    pub const fn start(&'static self) -> *mut T {
        self.memory.get().cast()
    }

    /// How many tables are in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.used.iter().filter(|used| used.load(Relaxed) == USED).count()
    }

    /// The pool as memory for tables.
    ///
    /// # Safety
    /// The pool lies at `start` in physical memory. Whoever edits the tables owns them, and none of them is read while
    /// another core edits it.
    #[must_use]
    pub const unsafe fn at(&'static self, start: PhysAddr) -> Pool<T, N, A> {
        Pool { pool: self, start }
    }

    #[inline]
    fn claim(&self, index: usize) -> bool {
        self.used.get(index).is_some_and(|used| used.compare_exchange(FREE, USED, Acquire, Relaxed).is_ok())
    }

    fn release(&self, index: usize) {
        if let Some(used) = self.used.get(index) {
            used.store(FREE, Release);
        }
    }

    /// All of the tables from `index` on, or none.
    #[inline]
    fn claim_all(&self, index: usize, tables: usize) -> bool {
        for n in 0..tables {
            if !self.claim(index + n) {
                (0..n).for_each(|n| self.release(index + n));
                return false;
            }
        }
        true
    }
}

impl<T: TableBytes, const N: usize, A> Default for TablePool<T, N, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: TableBytes, const N: usize, A> fmt::Debug for TablePool<T, N, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TablePool({} of {N} tables in use)", self.in_use())
    }
}

/// A [`TablePool`] and where it lies.
pub struct Pool<T: TableBytes, const N: usize, A: 'static = T> {
    pool: &'static TablePool<T, N, A>,
    start: PhysAddr,
}

impl<T: TableBytes, const N: usize, A> Clone for Pool<T, N, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: TableBytes, const N: usize, A> Copy for Pool<T, N, A> {}

impl<T: TableBytes, const N: usize, A> fmt::Debug for Pool<T, N, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.pool, self.start)
    }
}

impl<T: TableBytes, const N: usize, A> Pool<T, N, A> {
    const BYTES: u64 = (N * size_of::<T>()) as u64;

    /// Where the entry is, if all of its table is in the pool.
    #[inline]
    fn pointer<R: Regime>(&self, entry: EntryAt) -> Option<NonNull<u8>> {
        let (at, size) = (word::place::<R>(entry)?.as_u64(), R::FORMAT.table_size());
        let offset = at.checked_sub(self.start.as_u64())?;
        let inside = at % size;
        if offset < inside || offset - inside > Self::BYTES.checked_sub(size)? {
            return None;
        }
        let memory = NonNull::new(self.pool.memory.get().cast::<u8>())?;
        // SAFETY: the offset is inside the memory of the pool.
        Some(unsafe { memory.add(offset as usize) })
    }

    const fn table(&self, index: usize) -> PhysAddr {
        PhysAddr::new(self.start.as_u64() + (index * size_of::<T>()) as u64)
    }
}

// SAFETY: entries are words of the pool's memory, read and written whole with one access each; stores are volatile, so
// they keep their order.
unsafe impl<R: Regime, T: TableBytes, const N: usize, A> TableAccess<R> for Pool<T, N, A> {
    const STAYS: bool = true;

    #[inline(always)]
    fn whole(&self, table: PhysAddr) -> Option<NonNull<u8>> {
        // In front of the pool this wraps round, to more than all of its bytes.
        let offset = table.as_u64().wrapping_sub(self.start.as_u64());
        let size = R::FORMAT.table_size();
        if Self::BYTES < size || offset > Self::BYTES - size {
            return None;
        }
        // SAFETY: the offset is inside the memory of the pool.
        Some(unsafe { NonNull::from(&self.pool.memory).cast::<u8>().add(offset as usize) })
    }

    #[inline]
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let at = self.pointer::<R>(entry)?;
        // SAFETY: `at` is an entry in the pool, which is a static and was initialized.
        Some(unsafe { word::load::<R>(at) })
    }

    #[inline]
    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        if let Some(at) = self.pointer::<R>(entry) {
            // SAFETY: as for a load; the caller owns the table.
            unsafe { word::store::<R>(at, entry.place, word) };
        }
    }

    #[inline]
    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        match self.pointer::<R>(entry) {
            // SAFETY: as for a load.
            Some(at) => unsafe { word::exchange::<R>(at, current, new) },
            None => Err(current),
        }
    }
}

// SAFETY: a table is given out by the one that claimed it, and lies in the pool.
unsafe impl<R: Regime, T: TableBytes, const N: usize, A> TableMemory<R> for Pool<T, N, A> {
    #[inline]
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        const {
            assert!(
                size_of::<T>() as u64 == R::FORMAT.table_size(),
                "the tables of the pool have another size than those of the regime"
            );
        }
        if !tables.is_power_of_two() || tables > N {
            return None;
        }
        let bytes = (tables * size_of::<T>()) as u64;
        let mut index = self.pool.next.load(Relaxed);
        for _ in 0..N {
            if index + tables > N {
                index = 0;
            }
            let table = self.table(index);
            if table.as_u64() != 0 && table.is_aligned(bytes) && self.pool.claim_all(index, tables) {
                self.pool.next.store(index + tables, Relaxed);
                return Some(table);
            }
            index += 1;
        }
        None
    }

    #[inline]
    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        let Some(offset) = table.as_u64().checked_sub(self.start.as_u64()).filter(|offset| *offset < Self::BYTES)
        else {
            return;
        };
        let index = offset as usize / size_of::<T>();
        (index..index + tables).for_each(|index| self.pool.release(index));
        self.pool.next.store(index, Relaxed);
    }
}
