//! Tables out of ranges of physical memory, without a heap.

use super::{EntryAt, Place, TableAccess, TableSource};
use crate::addr::PhysAddr;
use crate::regime::Regime;

/// Up to `N` ranges of physical memory that tables are cut from.
///
/// Tables that come back are chained through their first words. `allocate` takes the first of them, or else looks at
/// each range once; tables in a row come out of what was never given out.
#[derive(Debug)]
pub struct Ranges<const N: usize> {
    ranges: [Range; N],
    /// The first free table, or 0.
    free: u64,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: u64,
    /// Where what was never given out starts.
    next: u64,
    end: u64,
}

impl<const N: usize> Ranges<N> {
    /// No memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: [Range { start: 0, next: 0, end: 0 }; N], free: 0 }
    }

    /// Adds the `bytes` bytes from `start` on; whether there was room for one more range.
    ///
    /// # Safety
    /// They are memory that nobody else uses, and that the access of the tables reaches.
    #[must_use = "without room for one more range nothing was added"]
    pub unsafe fn add(&mut self, start: PhysAddr, bytes: u64) -> bool {
        // Nothing lies at 0: that is how the free list ends.
        let first = start.as_u64().max(1);
        let end = start.as_u64().saturating_add(bytes);
        match self.ranges.iter_mut().find(|range| range.end == 0) {
            Some(range) => {
                *range = Range { start: first, next: first, end };
                true
            }
            None => false,
        }
    }

    fn cut(&mut self, bytes: u64) -> Option<u64> {
        for range in &mut self.ranges {
            let Some(start) = range.next.checked_next_multiple_of(bytes) else { continue };
            match start.checked_add(bytes) {
                Some(end) if end <= range.end => {
                    range.next = end;
                    return Some(start);
                }
                _ => {}
            }
        }
        None
    }
}

impl<const N: usize> Default for Ranges<N> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: each range belongs to this source; `cut` gives out a part of it once, and the list what came back.
unsafe impl<R: Regime, const N: usize> TableSource<R> for Ranges<N> {
    fn allocate(&mut self, access: &mut impl TableAccess<R>, tables: usize) -> Option<PhysAddr> {
        let size = R::FORMAT.table_size();
        if tables == 1 && self.free != 0 {
            let table = PhysAddr::new(self.free);
            let next = access.load(EntryAt { table, index: 0, place: Place::Fresh })?;
            self.free = next << R::FORMAT.table_shift;
            return Some(table);
        }
        if !tables.is_power_of_two() {
            return None;
        }
        self.cut(size.checked_mul(tables as u64)?).map(PhysAddr::new)
    }

    unsafe fn free(&mut self, access: &mut impl TableAccess<R>, table: PhysAddr, tables: usize) {
        let size = R::FORMAT.table_size();
        let start = table.as_u64();
        if !self.ranges.iter().any(|range| range.start <= start && start < range.next) {
            return;
        }
        for table in (0..tables as u64).map(|n| PhysAddr::new(start + n * size)) {
            let entry = EntryAt { table, index: 0, place: Place::Fresh };
            if access.load(entry).is_some() {
                // The number of a table fits into an entry of any width.
                // SAFETY: nobody uses the table, which is this source's again.
                unsafe { access.store(entry, self.free >> R::FORMAT.table_shift) };
                self.free = table.as_u64();
            }
        }
    }
}
