//! Where its tables come from, how they are reached, and whose they are.

use std::cell::Cell;
use std::rc::Rc;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, MapError, Protect, ProtectError, RangeError, Reclaim, UnmapError};
use tablature::flush::{Hardware, OneCore, Recorder};
use tablature::regime::Regime;
use tablature::tables::{
    EntryAt, Inspected, Memory, OnePage, Recursive, TableAccess, TableMemory, TableSource, TemporaryWindow, Window,
};
use tablature::walk::walk;
use tablature::x86_64::operation::{Op, Register, X86};
use tablature::x86_64::{Level4, WriteThroughProtection};

use crate::arena::Arena;
use crate::kinds::{K, M, On, Space, mapping, space};

type Words = Arena<Level4>;

/// Spaces over any memory for tables.
struct Over<T>(std::marker::PhantomData<T>);

impl<T: TableMemory<Level4> + 'static> Kind for Over<T> {
    type Regime = Level4;
    type Memory = T;
    type Hardware = Recorder<X86, 64>;
    type Reach = OneCore;
}

/// Tables out of the arena, whoever reaches them.
struct FromArena(Words);

// SAFETY: the arena is memory for tables.
unsafe impl TableSource<Level4> for FromArena {
    fn allocate(&mut self, _: &mut impl TableAccess<Level4>, tables: usize) -> Option<PhysAddr> {
        self.0.allocate(tables)
    }

    unsafe fn free(&mut self, _: &mut impl TableAccess<Level4>, table: PhysAddr, tables: usize) {
        // SAFETY: passed on to the caller.
        unsafe { self.0.free(table, tables) };
    }
}

/// `from_existing` and `into_page_table_root`; `open_active` is `reading/opening.rs`.
#[test]
fn tables_that_exist_are_opened_edited_and_handed_over() {
    let (mut first, arena) = space::<Level4>(8);
    first.map(&mapping(0x1000, 0x5000, 4 * K, Rights::RW)).expect("map");
    let (roots, memory) = first.into_roots();
    // SAFETY: the tables are those handed over above.
    let mut second = unsafe { Space::<Level4>::from_roots(roots, memory) }.expect("tables");
    assert_eq!(second.translate(VirtAddr::new(0x1234)), Ok(PhysAddr::new(0x5234)));
    second.map(&mapping(0x2000, 0x9000, 4 * K, Rights::RW)).expect("map");
    assert!(second.dump().to_string().contains("=> 0x000000009000"), "{}", second.dump());
    assert_eq!(second.roots(), roots);
    second.free();
    assert_eq!(arena.used(), 0);
}

/// Its stub allocator: tables are looked at, and edited as far as no new one is needed.
#[test]
fn tables_are_inspected_without_an_allocator() {
    let (mut made, arena) = space::<Level4>(8);
    made.map(&mapping(0, 0, 2 * M, Rights::RW)).expect("map");
    let roots = made.into_roots().0;
    let memory: Inspected<Words> = Memory::inspect(arena);
    // SAFETY: the tables are those handed over above.
    let mut seen = unsafe { AddressSpace::<Over<Inspected<Words>>>::from_roots(roots, memory) }.expect("tables");
    assert_eq!(seen.iter(VirtAddr::new(0)).map(|region| region.size).sum::<u64>(), 2 * M);
    let split = mapping(0x1000, 0x1000, 4 * K, Rights::R).replacing();
    assert_eq!(seen.map(&split), Err(MapError::OutOfTables(1)));
}

#[derive(Clone)]
struct Cr0(Rc<Cell<u64>>);

impl Hardware<X86> for Cr0 {
    fn read(&mut self, _: Register) -> u64 {
        self.0.get()
    }

    unsafe fn execute(&mut self, op: Op) {
        let Op::Write(Register::Cr0, value) = op else { panic!("{op:?}") };
        self.0.set(value);
    }
}

/// Tables on read-only pages: a write faults unless WP is clear.
struct ReadOnly(Words, Rc<Cell<u64>>);

const WP: u64 = 1 << 16;

// SAFETY: the arena is such an access.
unsafe impl TableAccess<Level4> for ReadOnly {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.0.load(entry)
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        assert_eq!(self.1.get() & WP, 0, "#PF: a write to a read-only page");
        // SAFETY: passed on to the caller.
        unsafe { self.0.store(entry, word) };
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        assert_eq!(self.1.get() & WP, 0, "#PF: a write to a read-only page");
        // SAFETY: passed on to the caller.
        unsafe { self.0.exchange(entry, current, new) }
    }
}

type Protected = Memory<WriteThroughProtection<ReadOnly, Cr0>, FromArena>;

#[test]
fn tables_that_are_read_only_are_edited_through_the_protection() {
    let (arena, cr0) = (Words::new(8), Rc::new(Cell::new(0x8001_0033)));
    let read_only = ReadOnly(arena.clone(), Rc::clone(&cr0));
    // SAFETY: there is no hardware.
    let access = unsafe { WriteThroughProtection::new(read_only, Cr0(Rc::clone(&cr0))) };
    let memory: Protected = Memory::new(access, FromArena(arena.clone()));
    let mut space = AddressSpace::<Over<Protected>>::new(memory, Halves::Both).expect("a root");
    space.map(&mapping(0, 0, 2 * M, Rights::RW)).expect("map");
    space.map(&mapping(0x1000, 0x9000, 4 * K, Rights::R).replacing()).expect("split");
    assert_eq!(space.translate(VirtAddr::new(0x1000)), Ok(PhysAddr::new(0x9000)));
    assert_eq!(cr0.get(), 0x8001_0033);
    space.free();
    assert_eq!(arena.used(), 0);
}

/// No page but the one in the window can be reached: it moves over the arena's tables.
struct Glass {
    memory: Rc<Vec<Cell<[u64; 512]>>>,
    moved: Rc<Cell<usize>>,
}

// SAFETY: every page is there all the time, and tables of this test are used through the window alone.
unsafe impl OnePage for Glass {
    const BYTES: u64 = 0x1000;

    fn show(&self, page: PhysAddr) -> Option<std::ptr::NonNull<u8>> {
        self.moved.set(self.moved.get() + 1);
        let index = usize::try_from(page.as_u64() >> 12).ok()?.checked_sub(0x100)?;
        self.memory.get(index).and_then(|page| std::ptr::NonNull::new(page.as_ptr().cast()))
    }
}

impl Window for Glass {
    fn forget(&self, _: VirtAddr, _: u64) {}
}

/// Pages from 1 MiB on, each given out once.
struct Rising(u64);

// SAFETY: each page is another one, and all are in reach of the window.
unsafe impl TableSource<Level4> for Rising {
    fn allocate(&mut self, _: &mut impl TableAccess<Level4>, tables: usize) -> Option<PhysAddr> {
        self.0 += 0x1000 * tables as u64;
        Some(PhysAddr::new(self.0 - 0x1000 * tables as u64))
    }

    unsafe fn free(&mut self, _: &mut impl TableAccess<Level4>, _: PhysAddr, _: usize) {}
}

type Behind = Memory<TemporaryWindow<Glass>, Rising>;

/// Its zero page: a new table is cleared, filled and linked without ever being mapped.
#[test]
fn new_tables_need_not_be_mapped() {
    let memory: Rc<Vec<Cell<[u64; 512]>>> = Rc::new((0..16).map(|_| Cell::new([!0; 512])).collect());
    let moved = Rc::new(Cell::new(0));
    let glass = Glass { memory: Rc::clone(&memory), moved: Rc::clone(&moved) };
    // SAFETY: nobody else moves the window.
    let behind: Behind = Memory::new(unsafe { TemporaryWindow::new(glass) }, Rising(0x10_0000));
    let mut space = AddressSpace::<Over<Behind>>::new(behind, Halves::Both).expect("a root");
    space.map(&mapping(0x1f_f000, 0x8000, 8 * K, Rights::RW)).expect("map");
    assert_eq!(space.translate(VirtAddr::new(0x20_0fff)), Ok(PhysAddr::new(0x9fff)));
    assert!(moved.get() >= 5, "root, two tables, two last ones");
    let left = memory.iter().filter(|page| page.get().contains(&!0)).count();
    assert_eq!(left, 16 - 5);
    let _ = space.into_roots();
}

/// Its recursive self-map: every table has the address that the slot gives it, and the slot is left alone.
#[test]
fn a_self_map_shows_each_table_and_is_no_mapping() {
    const SLOT: u64 = 510;
    let (mut space, arena) = space::<Level4>(16);
    space.map(&mapping(0x1000, 0x5000, 4 * K, Rights::RW)).expect("map");
    let root = space.roots().lower.expect("a root");
    arena.poke(root + 8 * SLOT, |_| root | 3);
    let mut tables = vec![root];
    walk(&<Level4 as Regime>::FORMAT, Some(root), None, 0x1000, |at| {
        tables.push(at & !0xfff);
        arena.entry(at)
    })
    .expect("mapped");
    for (level, table) in (0..4).zip(tables.into_iter().rev()) {
        let seen = VirtAddr::new(Recursive::<SLOT, Glass>::table::<Level4>(0x1000, level));
        assert_eq!(space.translate(seen), Ok(PhysAddr::new(table)), "level {level}");
        let error = space.unmap(seen, 4 * K, Reclaim::Free);
        assert!(matches!(error, Err(UnmapError::Range(RangeError::SelfMap { .. }))), "{error:?}");
    }
    let slot = 0xffff_0000_0000_0000 | SLOT << 39;
    for (virt, size) in [(slot + (7 << 12), 4 * K), (slot, 1 << 39), (slot - (1 << 39), 2 << 39), (slot - 4 * K, 8 * K)]
    {
        let refused = RangeError::SelfMap { virt: VirtAddr::new(slot) };
        let request = mapping(virt, virt & ((1 << 40) - 1), size, Rights::RW);
        assert_eq!(space.map(&request), Err(MapError::Range(refused)));
        assert_eq!(space.map(&request.replacing()), Err(MapError::Range(refused)));
        for reclaim in [Reclaim::Keep, Reclaim::Free] {
            assert_eq!(space.unmap(request.virt, size, reclaim), Err(UnmapError::Range(refused)));
        }
        let protected = space.protect(request.virt, size, &Protect::access(Access::kernel(Rights::R)));
        assert_eq!(protected, Err(ProtectError::Range(refused)));
    }
    assert_eq!(space.iter(VirtAddr::new(0)).count(), 1);
    space.free();
    assert_eq!(arena.used(), 0);
}

/// Mocks in its tests are the arena here: every test counts tables with it. A kind is all that changes.
#[test]
fn memory_for_tables_can_be_a_mock() {
    let arena = Words::new(1);
    let space = AddressSpace::<On<Level4>>::new(arena.clone(), Halves::Both).expect("a root");
    assert_eq!((arena.used(), space.free().used()), (1, 0));
}
