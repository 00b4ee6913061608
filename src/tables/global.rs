//! Tables out of the program's heap.

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;
use core::ptr::NonNull;

use super::{EntryAt, LinearView, Place, TableAccess, TableSource};
use crate::addr::PhysAddr;
use crate::regime::Regime;

/// Tables from an allocator of the program, whose memory the view `V` shows.
///
/// `FromHeap::new(&ALLOCATOR, view)` for the `#[global_allocator]`, or for any other.
#[derive(Clone, Copy)]
pub struct FromHeap<'a, G: GlobalAlloc, V: LinearView> {
    heap: &'a G,
    view: V,
}

impl<'a, G: GlobalAlloc, V: LinearView> FromHeap<'a, G, V> {
    /// Tables from `heap`.
    ///
    /// # Safety
    /// Tables that came from elsewhere are not freed with this.
    #[must_use]
    pub const unsafe fn new(heap: &'a G, view: V) -> Self {
        Self { heap, view }
    }
}

impl<G: GlobalAlloc, V: LinearView + fmt::Debug> fmt::Debug for FromHeap<'_, G, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromHeap").field(&self.view).finish()
    }
}

fn layout<R: Regime>(tables: usize) -> Option<Layout> {
    let bytes = usize::try_from(R::FORMAT.table_size()).ok()?.checked_mul(tables)?;
    Layout::from_size_align(bytes, bytes).ok().filter(|layout| layout.size() != 0)
}

/// Whether tables are reached, which another view than that of the heap may not do.
fn reaches<R: Regime>(access: &impl TableAccess<R>, first: PhysAddr, tables: usize) -> bool {
    (0..tables as u64).all(|n| {
        let table = first.checked_add(n * R::FORMAT.table_size());
        table.is_some_and(|table| access.load(EntryAt { table, index: 0, place: Place::Fresh }).is_some())
    })
}

// SAFETY: the heap gives out memory once, aligned as the layout says, the view tells where it is, and the access is asked.
unsafe impl<R: Regime, G: GlobalAlloc, V: LinearView> TableSource<R> for FromHeap<'_, G, V> {
    fn allocate(&mut self, access: &mut impl TableAccess<R>, tables: usize) -> Option<PhysAddr> {
        let layout = layout::<R>(tables)?;
        // SAFETY: the layout has some bytes.
        let memory = NonNull::new(unsafe { self.heap.alloc_zeroed(layout) })?;
        let fits = |table: &PhysAddr| {
            table.as_u64() != 0
                && table.is_aligned(layout.size() as u64)
                && self.view.pointer(*table, layout.size() as u64) == Some(memory)
                && reaches::<R>(access, *table, tables)
        };
        let table = self.view.address(memory).filter(fits);
        if table.is_none() {
            // SAFETY: it was allocated above with this layout, and nobody uses it.
            unsafe { self.heap.dealloc(memory.as_ptr(), layout) };
        }
        table
    }

    unsafe fn free(&mut self, _: &mut impl TableAccess<R>, table: PhysAddr, tables: usize) {
        let Some(layout) = layout::<R>(tables) else { return };
        if let Some(memory) = self.view.pointer(table, layout.size() as u64) {
            // SAFETY: the constructor was promised that the tables are of this heap, and nobody uses them any more.
            unsafe { self.heap.dealloc(memory.as_ptr(), layout) };
        }
    }
}
