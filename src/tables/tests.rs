//! Where tables come from, and that each is given out to one owner at a time.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr::NonNull;
use std::alloc::System;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::vec::Vec;

use super::*;
use crate::addr::VirtAddr;
use crate::riscv::{Sv32, Sv39, Sv39x4};
use crate::x86_64::Level4;

const fn fresh(table: PhysAddr, index: usize) -> EntryAt {
    EntryAt { table, index, place: Place::Fresh }
}

/// Takes everything there is, one by one and in groups; nothing overlaps, all entries hold what was written.
fn hands_out_once<R: Regime, M: TableMemory<R>>(memory: &mut M, groups: &[usize]) -> Vec<(PhysAddr, usize)> {
    let mut all = Vec::new();
    let mut taken = BTreeSet::new();
    for tables in groups {
        let Some(table) = memory.allocate(*tables) else { continue };
        let size = R::FORMAT.table_size();
        assert!(table.as_u64() != 0 && table.is_aligned(size * *tables as u64), "{table:?}");
        for n in 0..*tables as u64 {
            assert!(taken.insert(table.as_u64() + n * size), "{table:?} is given out twice");
        }
        all.push((table, *tables));
    }
    let entries = (R::FORMAT.table_size() / u64::from(R::FORMAT.entry_bytes)) as usize;
    let word = |table: PhysAddr, index: usize| (table.as_u64() | index as u64) & 0xffff_ffff;
    for (table, tables) in &all {
        for index in [0, 1, tables * entries - 1] {
            // SAFETY: the table was given out to this test.
            unsafe { memory.store(fresh(*table, index), word(*table, index)) };
        }
    }
    for (table, tables) in &all {
        for index in [0, 1, tables * entries - 1] {
            assert_eq!(memory.load(fresh(*table, index)), Some(word(*table, index)));
        }
        // SAFETY: the table was given out to this test.
        let swapped = unsafe { memory.exchange(fresh(*table, 1), word(*table, 1), 7) };
        assert_eq!(swapped, Ok(()));
        // SAFETY: the table was given out to this test.
        let refused = unsafe { memory.exchange(fresh(*table, 1), word(*table, 1), 9) };
        assert_eq!((refused, memory.load(fresh(*table, 1))), (Err(7), Some(7)));
    }
    all
}

fn give_back<R: Regime>(memory: &mut impl TableMemory<R>, all: Vec<(PhysAddr, usize)>) {
    for (table, tables) in all {
        // SAFETY: the tables were given out to this test, which does not use them again.
        unsafe { memory.free(table, tables) };
    }
}

#[test]
fn a_pool_gives_out_each_table_once_and_again_after_it_came_back() {
    static POOL: TablePool<Table4K, 6> = TablePool::new();
    // SAFETY: the pool is used by this test only, which calls this its physical address.
    let mut memory = unsafe { POOL.at(PhysAddr::new(0x8000_1000)) };
    let all = hands_out_once::<Sv39, _>(&mut memory, &[1; 7]);
    assert_eq!((all.len(), POOL.in_use()), (6, 6));
    assert_eq!(memory.clone().load_of(PhysAddr::new(0x8000_7000)), None);
    assert_eq!(memory.load_of(PhysAddr::new(0x8000_0000)), None);
    // SAFETY: the pool has never given out this table, and must notice.
    unsafe { TableMemory::<Sv39>::free(&mut memory, PhysAddr::new(0x8000_7000), 1) };
    assert_eq!(POOL.in_use(), 6);
    give_back::<Sv39>(&mut memory, all);
    assert_eq!(POOL.in_use(), 0);
    // Four in a row start at a multiple of four tables: of these six, the fourth to the sixth do not suffice.
    assert!(hands_out_once::<Sv39x4, _>(&mut memory, &[4]).is_empty());
    assert_eq!(hands_out_once::<Sv39x4, _>(&mut memory, &[2, 2, 2, 1, 1]).len(), 4);
}

impl Pool<Table4K, 6> {
    fn load_of(&self, table: PhysAddr) -> Option<u64> {
        TableAccess::<Sv39>::load(self, fresh(table, 0))
    }
}

#[test]
fn a_pool_serves_concatenated_roots_and_entries_of_four_bytes() {
    static POOL: TablePool<Table4K, 8, [Table16K; 0]> = TablePool::new();
    assert_eq!(POOL.start().addr() % 0x4000, 0);
    // SAFETY: the pool is used by this test only, which calls this its physical address.
    let mut memory = unsafe { POOL.at(PhysAddr::new(0x8000_0000)) };
    let all = hands_out_once::<Sv39x4, _>(&mut memory, &[1, 4, 1, 2, 1]);
    assert_eq!(all.iter().map(|(_, tables)| tables).sum::<usize>(), 8);
    give_back::<Sv39x4>(&mut memory, all);
    let all = hands_out_once::<Sv32, _>(&mut memory, &[1; 9]);
    assert_eq!(all.len(), 8);
}

/// A group that does not fit takes none of its tables.
#[test]
fn a_group_is_taken_as_a_whole_or_not_at_all() {
    static POOL: TablePool<Table4K, 4> = TablePool::new();
    // SAFETY: the pool is used by this test only, which calls this its physical address.
    let mut memory = unsafe { POOL.at(PhysAddr::new(0x8000_0000)) };
    let mut all = hands_out_once::<Sv39, _>(&mut memory, &[1, 1, 1]);
    give_back::<Sv39>(&mut memory, all.drain(..2).collect());
    assert!(hands_out_once::<Sv39, _>(&mut memory, &[4]).is_empty());
    assert_eq!(POOL.in_use(), 1);
    assert_eq!(hands_out_once::<Sv39, _>(&mut memory, &[2, 1]).len(), 2);
}

#[test]
fn cores_that_share_a_pool_never_get_the_same_table() {
    static POOL: TablePool<Table4K, 24> = TablePool::new();
    let owners: Vec<_> = (0..3)
        .map(|_| {
            std::thread::spawn(|| {
                // SAFETY: each thread uses the tables that it got.
                let mut memory = unsafe { POOL.at(PhysAddr::new(0x10_0000)) };
                let all = hands_out_once::<Sv39, _>(&mut memory, &[1, 1, 2, 1, 1]);
                give_back::<Sv39>(&mut memory, all);
                hands_out_once::<Sv39, _>(&mut memory, &[1, 1, 2, 1, 1])
            })
        })
        .collect();
    let mut taken = BTreeSet::new();
    for (table, _) in owners.into_iter().flat_map(|owner| owner.join().expect("no panic")) {
        assert!(taken.insert(table), "{table:?}");
    }
    assert_eq!(POOL.in_use(), 18);
}

/// Memory of `pages` pages that stays, its address exposed.
fn memory(pages: usize) -> NonNull<u8> {
    let layout = Layout::from_size_align(pages * 0x1000, 0x1000).expect("a layout");
    // SAFETY: the layout has some bytes.
    let memory = unsafe { System.alloc_zeroed(layout) };
    memory.expose_provenance();
    NonNull::new(memory).expect("memory")
}

fn drop_memory(memory: NonNull<u8>, pages: usize) {
    let layout = Layout::from_size_align(pages * 0x1000, 0x1000).expect("a layout");
    // SAFETY: it was allocated with this layout.
    unsafe { System.dealloc(memory.as_ptr(), layout) };
}

#[test]
fn ranges_are_cut_into_tables_that_are_used_again() {
    let pages = memory(8);
    let start = PhysAddr::new(0x10_0000);
    let offset = (pages.as_ptr().addr() as u64).wrapping_sub(start.as_u64());
    // SAFETY: these pages are there, and hold tables only.
    let view = unsafe { Offset::new(start, 0x8000, offset) };
    let mut ranges = Ranges::<2>::new();
    // SAFETY: nobody else uses them.
    assert!(unsafe { ranges.add(PhysAddr::new(0x10_0800), 0x2800) });
    // SAFETY: nobody else uses them.
    assert!(unsafe { ranges.add(PhysAddr::new(0x10_4000), 0x4000) });
    // SAFETY: there is no room for it.
    assert!(!unsafe { ranges.add(PhysAddr::new(0x10_3000), 0x1000) });
    let shared = Shared::new(ranges);
    let mut first = Memory::new(view, &shared);
    let all = hands_out_once::<Sv39x4, _>(&mut first, &[1, 4, 1, 1]);
    assert_eq!(all.iter().map(|(table, _)| table.as_u64()).collect::<Vec<_>>(), [0x10_1000, 0x10_4000, 0x10_2000]);
    give_back::<Sv39x4>(&mut first, all);
    // SAFETY: the page is in none of the ranges, which must notice.
    unsafe { TableMemory::<Sv39>::free(&mut first, PhysAddr::new(0x10_3000), 1) };
    let mut second = Memory::new(view, &shared);
    assert_eq!(hands_out_once::<Sv32, _>(&mut second, &[1; 9]).len(), 6);
    drop_memory(pages, 8);
}

#[test]
fn the_heap_gives_tables_and_takes_them_back() {
    // SAFETY: this process sees its own memory at its own addresses, and the test only what it has allocated.
    let view = unsafe { Identity::new(PhysAddr::new(0), u64::MAX) };
    // SAFETY: nothing else is freed with it.
    let mut memory = Memory::new(view, unsafe { FromHeap::new(&System, view) });
    let all = hands_out_once::<Sv39x4, _>(&mut memory, &[1, 4, 1, 2]);
    assert_eq!(all.len(), 4);
    give_back::<Sv39x4>(&mut memory, all);
    let all = hands_out_once::<Sv32, _>(&mut memory, &[1, 1]);
    give_back::<Sv32>(&mut memory, all);
}

/// What is shown lies in the bounds, from the first byte to the last.
#[test]
fn a_view_shows_what_is_in_its_bounds() {
    // SAFETY: what it shows is not accessed, here and below.
    let view = unsafe { Offset::new(PhysAddr::new(0x1800), 0x2000, 0x10_0000) };
    let at = |start: u64, bytes| view.pointer(PhysAddr::new(start), bytes).map(|pointer| pointer.as_ptr().addr());
    assert_eq!(at(0x1800, 0x2000), Some(0x10_1800));
    assert_eq!(at(0x2000, 0x1000), Some(0x10_2000));
    assert_eq!(at(0x37ff, 1), Some(0x10_37ff));
    for (start, bytes) in [(0x17ff, 1), (0x1000, 0x1000), (0x1800, 0x2001), (0x3000, 0x1000), (0x3800, 1), (0x2000, 0)]
    {
        assert_eq!(at(start, bytes), None, "{start:#x}, {bytes:#x}");
    }
    // SAFETY: as above.
    let top = unsafe { Offset::new(PhysAddr::new(0u64.wrapping_sub(0x1000)), u64::MAX, 0x2000_1000) };
    assert_eq!(top.pointer(PhysAddr::new(u64::MAX), 1).map(|pointer| pointer.as_ptr().addr()), Some(0x2000_0fff));
    assert_eq!(top.pointer(PhysAddr::new(0), 1), None);
}

/// A pointer to it would be null. What is behind it lies on the other side of the end of all addresses.
#[test]
fn a_view_shows_nothing_at_null() {
    // SAFETY: what it shows is not accessed, here and below.
    let low = unsafe { Identity::new(PhysAddr::new(0), 0x3000) };
    assert_eq!((low.pointer(PhysAddr::new(0), 0x1000), low.pointer(PhysAddr::new(0), 1)), (None, None));
    let page = PhysAddr::new(0x1000);
    assert_eq!(low.pointer(page, 0x2000).map(|pointer| pointer.as_ptr().addr()), Some(0x1000));
    assert_eq!(low.pointer(page, 0x2001), None);
    assert_eq!(TableAccess::<Sv39>::load(&low, fresh(PhysAddr::new(0), 0)), None);
    // SAFETY: as above.
    let across = unsafe { Offset::new(page, 0x3000, 0u64.wrapping_sub(0x2000)) };
    assert_eq!(across.pointer(page, 0x1000).map(|pointer| pointer.as_ptr().addr()), Some(usize::MAX - 0xfff));
    assert_eq!(across.pointer(page, 0x1001), None);
    assert_eq!(across.pointer(PhysAddr::new(0x2000), 0x1000), None);
    assert_eq!(across.pointer(PhysAddr::new(0x3000), 0x1000), None);
}

/// Tables of the heap that a view of other memory does not reach are none.
#[test]
fn the_heap_gives_no_table_that_is_out_of_reach() {
    // SAFETY: as above.
    let all = unsafe { Identity::new(PhysAddr::new(0), u64::MAX) };
    // SAFETY: this is no memory.
    let none = unsafe { Identity::new(PhysAddr::new(0), 0) };
    // SAFETY: nothing else is freed with it.
    let mut memory = Memory::new(none, unsafe { FromHeap::new(&System, all) });
    assert_eq!(TableMemory::<Sv39>::allocate(&mut memory, 1), None);
}

#[test]
fn what_is_only_inspected_is_never_allocated() {
    let pages = memory(2);
    let start = PhysAddr::new(pages.as_ptr().addr() as u64);
    // SAFETY: these pages are there, and hold tables only.
    let mut memory = Memory::inspect(unsafe { Identity::new(start, 0x1000) });
    assert_eq!(TableMemory::<Sv39>::allocate(&mut memory, 1), None);
    assert_eq!(TableAccess::<Sv39>::load(&memory, fresh(start, 511)), Some(0));
    assert_eq!(TableAccess::<Sv39>::load(&memory, fresh(start, 512)), None);
    assert_eq!(TableAccess::<Sv32>::load(&memory, fresh(start, 1023)), Some(0));
    assert_eq!(TableAccess::<Sv32>::load(&memory, fresh(start, usize::MAX)), None);
    assert_eq!(TableAccess::<Sv39>::load(&memory, fresh(PhysAddr::new(start.as_u64() + 4), 0)), None);
    drop_memory(pages, 2);
}

/// A window over pages of the host, which counts how often it was moved.
#[derive(Clone)]
struct Pages(NonNull<u8>, Rc<Cell<usize>>, Rc<Cell<Option<VirtAddr>>>);

// SAFETY: each page is there all the time.
unsafe impl OnePage for Pages {
    const BYTES: u64 = 0x1000;

    fn show(&self, page: PhysAddr) -> Option<NonNull<u8>> {
        self.1.set(self.1.get() + 1);
        // SAFETY: four pages are there.
        (page.as_u64() < 0x4000).then(|| unsafe { self.0.add(page.as_u64() as usize) })
    }
}

impl Window for Pages {
    fn forget(&self, first: VirtAddr, _: u64) {
        self.2.set(Some(first));
    }
}

#[test]
fn a_window_moves_once_for_each_table() {
    let pages = memory(4);
    let moves = Rc::new(Cell::new(0));
    // SAFETY: nobody else moves the window.
    let mut view = unsafe { TemporaryWindow::new(Pages(pages, Rc::clone(&moves), Rc::default())) };
    for (table, moved) in [(0x1000, 1), (0x1000, 1), (0x2000, 2), (0x1000, 3)] {
        for index in 0..512 {
            // SAFETY: the pages are those of this test.
            unsafe { TableAccess::<Sv39>::store(&mut view, fresh(PhysAddr::new(table), index), table | index as u64) };
        }
        assert_eq!(TableAccess::<Sv39>::load(&view, fresh(PhysAddr::new(table), 511)), Some(table | 511));
        assert_eq!(moves.get(), moved);
    }
    assert_eq!(TableAccess::<Sv39>::load(&view, fresh(PhysAddr::new(0x4000), 0)), None);
    assert_eq!(TableAccess::<Sv39>::load(&view, fresh(PhysAddr::new(0x2000), 1)), Some(0x2001));
    drop_memory(pages, 4);
}

/// The addresses that every manual of a kernel with a recursive slot lists.
#[test]
fn recursive_addresses_are_those_of_the_walk_through_the_slot() {
    type Last = Recursive<511, Pages>;
    assert_eq!(Last::table::<Level4>(0, 3), 0xffff_ffff_ffff_f000);
    assert_eq!(Last::table::<Level4>(0, 2), 0xffff_ffff_ffe0_0000);
    assert_eq!(Last::table::<Level4>(0, 1), 0xffff_ffff_c000_0000);
    assert_eq!(Last::table::<Level4>(0, 0), 0xffff_ff80_0000_0000);
    assert_eq!(Last::table::<Level4>(0xffff_8000_0020_0000, 0), 0xffff_ffc0_0000_1000);
    type Low = Recursive<3, Pages>;
    assert_eq!(Low::table::<Level4>(0xffff_8000_0020_0000, 3), 3 << 39 | 3 << 30 | 3 << 21 | 3 << 12);
    assert_eq!(Low::table::<Level4>(0x40_0000_0000, 1), 3 << 39 | 3 << 30 | 256 << 12);
    assert_eq!(Low::table::<crate::x86::Legacy32>(0x0080_0000, 0), 3 << 22 | 2 << 12);
}

/// What is cached of a table that was taken out with a subtree is not what a new one there is seen by.
#[test]
fn a_changed_pointer_is_about_the_addresses_of_all_tables_below() {
    let views = |level, virt| {
        Recursive::<511, Pages>::views::<Level4>(level, virt)
            .map(|(first, pages)| (first.as_u64(), pages))
            .collect::<Vec<_>>()
    };
    assert_eq!(views(0, 0x4000_1000), []);
    assert_eq!(views(1, 0x4020_1000), [(0xffff_ff80_0020_1000, 1)]);
    assert_eq!(views(2, 0x7fff_f000), [(0xffff_ffff_c000_1000, 1), (0xffff_ff80_0020_0000, 512)]);
    let all = [(0xffff_ffff_ffe0_0000, 1), (0xffff_ffff_c000_0000, 512), (0xffff_ff80_0000_0000, 1 << 18)];
    assert_eq!(views(3, 0x1000), all);
}

#[test]
fn what_is_not_linked_is_reached_through_the_window() {
    let pages = memory(4);
    let forgotten = Rc::new(Cell::new(None));
    // SAFETY: nothing linked is named.
    let mut access = unsafe { Recursive::<511, _>::new(Pages(pages, Rc::default(), Rc::clone(&forgotten))) };
    // SAFETY: the pages are those of this test.
    unsafe { TableAccess::<Level4>::store(&mut access, fresh(PhysAddr::new(0x3000), 5), 0x1234) };
    assert_eq!(TableAccess::<Level4>::load(&access, fresh(PhysAddr::new(0x3000), 5)), Some(0x1234));
    assert_eq!(forgotten.get(), None);
    drop_memory(pages, 4);
}
