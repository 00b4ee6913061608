//! Physical memory as the program sees it: at its own addresses, at an offset, or through a window of one page.

use core::cell::Cell;
use core::fmt;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use super::{EntryAt, TableAccess, word};
use crate::addr::PhysAddr;
use crate::regime::Regime;
use crate::size::align_down;

/// Where the program sees physical memory. All of these give access to tables.
///
/// # Safety
/// What `pointer` gives may be read and written for `bytes` bytes until the next call of it, and is that memory: aligned
/// to a page as the address is. With [`STAYS`](Self::STAYS) it is that for as long as the view and its copies are used, and
/// who asks again is answered the same.
pub unsafe trait PhysicalView {
    /// Whether what is shown stays where it is.
    const STAYS: bool = false;

    /// The bytes from `start` on; `None` where the program does not see all of them.
    fn pointer(&self, start: PhysAddr, bytes: u64) -> Option<NonNull<u8>>;

    /// What `pointer` gives.
    #[doc(hidden)]
    #[inline]
    fn shown(&self, start: PhysAddr, bytes: u64) -> Option<Shown> {
        self.pointer(start, bytes).map(Shown::at)
    }
}

/// What a view shows. `Option` of it has a tag of its own: the check of the bounds decides, and no pointer is compared with
/// null afterwards.
///
/// # Invariant
/// It is not null.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Shown(*mut u8);

impl Shown {
    #[inline(always)]
    pub(crate) const fn at(pointer: NonNull<u8>) -> Self {
        Self(pointer.as_ptr())
    }

    #[inline(always)]
    pub(crate) const fn get(self) -> NonNull<u8> {
        // SAFETY: by the invariant.
        unsafe { NonNull::new_unchecked(self.0) }
    }
}

/// A view that stays, and that knows the physical address of what it shows.
///
/// # Safety
/// What `pointer` gives is valid for as long as the view is, and `address` is its inverse.
pub unsafe trait LinearView: PhysicalView {
    /// The physical address of what `pointer` points to; `None` outside the view.
    fn address(&self, pointer: NonNull<u8>) -> Option<PhysAddr>;
}

/// Physical memory at its own addresses.
pub type Identity = FixedOffset<0>;

/// Physical memory at its addresses plus `OFFSET`, modulo 2^64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FixedOffset<const OFFSET: u64> {
    bounds: Bounds,
}

/// Physical memory at its addresses plus an offset that is known at run time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    bounds: Bounds,
    offset: u64,
}

/// Which physical memory, seen at some offset.
///
/// # Invariants
/// 1. It ends at the end of all addresses at most: `start + bytes` is no more than 2^64.
/// 2. No byte of it is seen at 0: `start + offset + n` is not 0 modulo 2^64 for any `n` below `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    /// What takes an address to its distance from the start: 2^64 less the start.
    back: u64,
    bytes: u64,
}

impl<const OFFSET: u64> FixedOffset<OFFSET> {
    /// The `bytes` bytes of physical memory from `start` on.
    ///
    /// # Safety
    /// They are memory, mapped at that offset for reading and writing for as long as this or a copy is used, and what
    /// is used as a table among them is used as nothing else. On a host they are of allocations whose provenance is
    /// exposed.
    #[must_use]
    pub const unsafe fn new(start: PhysAddr, bytes: u64) -> Self {
        Self { bounds: Bounds::new(start, bytes, OFFSET) }
    }
}

impl Offset {
    /// The `bytes` bytes of physical memory from `start` on, at `start + offset` modulo 2^64.
    ///
    /// # Safety
    /// As for [`FixedOffset::new`].
    #[must_use]
    pub const unsafe fn new(start: PhysAddr, bytes: u64, offset: u64) -> Self {
        Self { bounds: Bounds::new(start, bytes, offset), offset }
    }
}

impl Bounds {
    /// What there is of the `bytes` bytes from `start` on. A pointer to what is seen at 0 would be null: that byte is left out
    /// where it is the first, and else it and what is behind it, which is on the other side of the end of all addresses.
    const fn new(start: PhysAddr, bytes: u64, offset: u64) -> Self {
        let seen_at_0 = start.as_u64().wrapping_add(offset) == 0;
        let start = if seen_at_0 { start.as_u64().wrapping_add(1) } else { start.as_u64() };
        let bytes = if seen_at_0 { bytes.saturating_sub(1) } else { bytes };
        Self {
            back: 0u64.wrapping_sub(start),
            bytes: up_to_the_end(start.wrapping_add(offset), up_to_the_end(start, bytes)),
        }
    }

    #[inline(always)]
    fn shown(self, start: PhysAddr, bytes: u64, offset: u64) -> Option<Shown> {
        let start = start.as_u64();
        // In front of the bounds this wraps round, by invariant 1 to no less than all of their bytes.
        let inside = start.wrapping_add(self.back);
        if bytes == 0 || inside > self.bytes.checked_sub(bytes)? {
            return None;
        }
        // Not null, by invariant 2.
        let address = usize::try_from(start.wrapping_add(offset)).ok()?;
        Some(Shown(with_exposed_provenance_mut(address)))
    }

    fn address(self, pointer: NonNull<u8>, offset: u64) -> Option<PhysAddr> {
        let address = (pointer.as_ptr().expose_provenance() as u64).wrapping_sub(offset);
        (address.wrapping_add(self.back) < self.bytes).then_some(PhysAddr::new(address))
    }

    /// The first byte.
    const fn start(self) -> u64 {
        0u64.wrapping_sub(self.back)
    }

    /// The last byte.
    const fn last(self) -> u64 {
        self.start().wrapping_add(self.bytes).wrapping_sub(1)
    }
}

/// As many of `bytes` bytes from `start` on as there are up to the end of all addresses.
const fn up_to_the_end(start: u64, bytes: u64) -> u64 {
    let behind = 0u64.wrapping_sub(start);
    if start != 0 && bytes > behind { behind } else { bytes }
}

// SAFETY: the constructor was promised that all of the bounds is mapped at the offset.
unsafe impl<const OFFSET: u64> PhysicalView for FixedOffset<OFFSET> {
    const STAYS: bool = true;

    #[inline]
    fn pointer(&self, start: PhysAddr, bytes: u64) -> Option<NonNull<u8>> {
        self.bounds.shown(start, bytes, OFFSET).map(Shown::get)
    }

    #[inline]
    fn shown(&self, start: PhysAddr, bytes: u64) -> Option<Shown> {
        self.bounds.shown(start, bytes, OFFSET)
    }
}

// SAFETY: adding an offset has one inverse, and the bounds are the same.
unsafe impl<const OFFSET: u64> LinearView for FixedOffset<OFFSET> {
    fn address(&self, pointer: NonNull<u8>) -> Option<PhysAddr> {
        self.bounds.address(pointer, OFFSET)
    }
}

// SAFETY: as for a fixed offset.
unsafe impl PhysicalView for Offset {
    const STAYS: bool = true;

    #[inline]
    fn pointer(&self, start: PhysAddr, bytes: u64) -> Option<NonNull<u8>> {
        self.bounds.shown(start, bytes, self.offset).map(Shown::get)
    }

    #[inline]
    fn shown(&self, start: PhysAddr, bytes: u64) -> Option<Shown> {
        self.bounds.shown(start, bytes, self.offset)
    }
}

// SAFETY: as for a fixed offset.
unsafe impl LinearView for Offset {
    fn address(&self, pointer: NonNull<u8>) -> Option<PhysAddr> {
        self.bounds.address(pointer, self.offset)
    }
}

impl<const OFFSET: u64> fmt::Debug for FixedOffset<OFFSET> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..={:#x} + {OFFSET:#x}", self.bounds.start(), self.bounds.last())
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..={:#x} + {:#x}", self.bounds.start(), self.bounds.last(), self.offset)
    }
}

/// A page of virtual memory whose translation the program can change.
///
/// # Safety
/// `show` gives `BYTES` bytes that may be read and written and are the physical memory from `page` on, until the next
/// call; what the CPU had cached of the page's last translation is gone by then.
pub unsafe trait OnePage {
    /// Bytes of the page: no smaller than a table of the regime.
    const BYTES: u64;

    /// Maps `page`, a multiple of [`BYTES`](Self::BYTES); `None` where there is no memory.
    fn show(&self, page: PhysAddr) -> Option<NonNull<u8>>;
}

/// Physical memory through one page that moves: for tables that are mapped nowhere.
///
/// It remembers which page it shows, so that all entries of one table take one change of the translation.
#[derive(Debug)]
pub struct TemporaryWindow<W: OnePage> {
    window: W,
    shown: Cell<Option<(PhysAddr, NonNull<u8>)>>,
}

impl<W: OnePage> TemporaryWindow<W> {
    /// The memory that `window` shows.
    ///
    /// # Safety
    /// Nobody else moves the window, and what is used as a table through it is used as nothing else.
    #[must_use]
    pub const unsafe fn new(window: W) -> Self {
        Self { window, shown: Cell::new(None) }
    }

    pub(super) const fn window(&self) -> &W {
        &self.window
    }
}

// SAFETY: the pointer is into the page that the window shows, until it shows another.
unsafe impl<W: OnePage> PhysicalView for TemporaryWindow<W> {
    fn pointer(&self, start: PhysAddr, bytes: u64) -> Option<NonNull<u8>> {
        let page = PhysAddr::new(align_down(start.as_u64(), W::BYTES));
        let offset = start.as_u64() - page.as_u64();
        if bytes > W::BYTES - offset {
            return None;
        }
        let shown = match self.shown.get() {
            Some((of, shown)) if of == page => shown,
            _ => {
                self.shown.set(None);
                let shown = self.window.show(page)?;
                self.shown.set(Some((page, shown)));
                shown
            }
        };
        // SAFETY: the offset is inside the page.
        Some(unsafe { shown.add(offset as usize) })
    }
}

// SAFETY: entries are read and written in the memory that the view shows, whole and with one access each; stores are
// volatile, so they keep their order.
unsafe impl<R: Regime, V: PhysicalView> TableAccess<R> for V {
    const STAYS: bool = V::STAYS;

    #[inline]
    fn whole(&self, table: PhysAddr) -> Option<NonNull<u8>> {
        if V::STAYS { self.pointer(table, R::FORMAT.table_size()) } else { None }
    }

    #[inline]
    fn shown(&self, table: PhysAddr) -> Option<Shown> {
        if V::STAYS { PhysicalView::shown(self, table, R::FORMAT.table_size()) } else { None }
    }

    #[inline]
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let at = entry_in::<R>(self, entry)?;
        // SAFETY: the view shows the entry, which is aligned, and tables are used as nothing else.
        Some(unsafe { word::load::<R>(at) })
    }

    #[inline]
    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        if let Some(at) = entry_in::<R>(self, entry) {
            // SAFETY: as for a load; the caller owns the table.
            unsafe { word::store::<R>(at, entry.place, word) };
        }
    }

    #[inline]
    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        match entry_in::<R>(self, entry) {
            // SAFETY: as for a load.
            Some(at) => unsafe { word::exchange::<R>(at, current, new) },
            None => Err(current),
        }
    }
}

/// Where the view shows the entry, if it shows all of its table.
#[inline]
fn entry_in<R: Regime>(view: &impl PhysicalView, entry: EntryAt) -> Option<NonNull<u8>> {
    let at = word::place::<R>(entry)?.as_u64();
    let table = align_down(at, R::FORMAT.table_size());
    let start = view.pointer(PhysAddr::new(table), R::FORMAT.table_size())?;
    // SAFETY: the entry is inside the table that the view shows.
    Some(unsafe { start.add((at - table) as usize) })
}
