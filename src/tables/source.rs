//! Where tables come from, apart from how they are reached.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{EntryAt, Shown, TableAccess, TableMemory};
use crate::addr::PhysAddr;
use crate::regime::Regime;

/// Where tables come from.
///
/// # Safety
/// What `allocate` gives out is memory of `tables` whole tables in a row, aligned to all of them, that nobody else uses
/// until it is freed, that the access reaches, and whose physical address is not 0.
pub unsafe trait TableSource<R: Regime> {
    /// Memory of `tables` tables in a row, a power of two; `None` if there is none left.
    fn allocate(&mut self, access: &mut impl TableAccess<R>, tables: usize) -> Option<PhysAddr>;

    /// Takes back what `allocate` gave. Memory that came from elsewhere is left alone.
    ///
    /// # Safety
    /// As for [`TableMemory::free`].
    unsafe fn free(&mut self, access: &mut impl TableAccess<R>, table: PhysAddr, tables: usize);
}

/// Tables that come from one place and are reached in another way.
#[derive(Clone, Copy, Debug)]
pub struct Memory<A, S> {
    access: A,
    source: S,
}

/// Tables to look at: none can be added or taken away.
pub type Inspected<A> = Memory<A, Nothing>;

impl<A, S> Memory<A, S> {
    /// Tables from `source`, reached by `access`.
    #[must_use]
    pub const fn new(access: A, source: S) -> Self {
        Self { access, source }
    }
}

impl<A> Memory<A, Nothing> {
    /// The tables that are reached by `access`; none can be added.
    #[must_use]
    pub const fn inspect(access: A) -> Self {
        Self::new(access, Nothing)
    }
}

// SAFETY: the access is one.
unsafe impl<R: Regime, A: TableAccess<R>, S> TableAccess<R> for Memory<A, S> {
    const STAYS: bool = A::STAYS;

    #[inline]
    fn whole(&self, table: PhysAddr) -> Option<NonNull<u8>> {
        self.access.whole(table)
    }

    #[inline]
    fn shown(&self, table: PhysAddr) -> Option<Shown> {
        self.access.shown(table)
    }

    #[inline]
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.access.load(entry)
    }

    #[inline]
    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        // SAFETY: as the caller promises.
        unsafe { self.access.store(entry, word) };
    }

    #[inline]
    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        // SAFETY: as the caller promises.
        unsafe { self.access.exchange(entry, current, new) }
    }
}

// SAFETY: the source is one, and gives out what the access reaches.
unsafe impl<R: Regime, A: TableAccess<R>, S: TableSource<R>> TableMemory<R> for Memory<A, S> {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        self.source.allocate(&mut self.access, tables)
    }

    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        // SAFETY: as the caller promises.
        unsafe { self.source.free(&mut self.access, table, tables) };
    }
}

/// The source of no tables.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

// SAFETY: it gives out none.
unsafe impl<R: Regime> TableSource<R> for Nothing {
    fn allocate(&mut self, _: &mut impl TableAccess<R>, _: usize) -> Option<PhysAddr> {
        None
    }

    unsafe fn free(&mut self, _: &mut impl TableAccess<R>, _: PhysAddr, _: usize) {}
}

/// A source that several spaces take from: `&Shared<S>` is one.
///
/// Who finds it in use waits. So a core does not enter it from an interrupt that may have interrupted itself there.
pub struct Shared<S> {
    taken: AtomicBool,
    source: UnsafeCell<S>,
}

// SAFETY: one core at a time uses the source, which may change cores.
unsafe impl<S: Send> Sync for Shared<S> {}

impl<S> Shared<S> {
    /// `source`, to be shared.
    #[must_use]
    pub const fn new(source: S) -> Self {
        Self { taken: AtomicBool::new(false), source: UnsafeCell::new(source) }
    }

    pub(crate) fn with<T>(&self, action: impl FnOnce(&mut S) -> T) -> T {
        while self.taken.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            core::hint::spin_loop();
        }
        /// Lets others in again, also if the access panics.
        struct Leave<'a>(&'a AtomicBool);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.store(false, Release);
            }
        }
        let _leave = Leave(&self.taken);
        // SAFETY: `taken` was false and is true until the end, so nobody else has a reference.
        action(unsafe { &mut *self.source.get() })
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

// SAFETY: the shared source is one.
unsafe impl<R: Regime, S: TableSource<R>> TableSource<R> for &Shared<S> {
    fn allocate(&mut self, access: &mut impl TableAccess<R>, tables: usize) -> Option<PhysAddr> {
        self.with(|source| source.allocate(access, tables))
    }

    unsafe fn free(&mut self, access: &mut impl TableAccess<R>, table: PhysAddr, tables: usize) {
        // SAFETY: as the caller promises.
        self.with(|source| unsafe { source.free(access, table, tables) });
    }
}
