//! Tables of pools, which stay in sight: edited and read through pointers that are kept.

use core::marker::PhantomData;

use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::{Access, MemoryType, Rights};
use crate::edit::{AddressSpace, Halves, Kind, Mapping, Protect, Reclaim, UnmapError};
use crate::flush::{Maintain, OneCore, Recorder};
use crate::page::{Frame, HasLeaf, Page, PageSize, Size1G, Size2M, Size4K};
use crate::riscv::{Sv32, Sv39, Sv39x4};
use crate::space::Roots;
use crate::table::Attributes;
use crate::tables::{EntryAt, Place, Pool, Table4K, TableAccess, TableBytes, TableMemory, TablePool};
use crate::walk::Fault;
use crate::x86::Pae;

struct Pooled<R, T>(PhantomData<(R, T)>);

impl<R: Maintain, T: TableBytes> Kind for Pooled<R, T> {
    type Regime = R;
    type Memory = Pool<T, 12>;
    type Hardware = Recorder<R::Architecture, 64>;
    type Reach = OneCore;
}

const DATA: Attributes = Attributes::new(Access::user(Rights::RW), MemoryType::Inherent);
const GIB: u64 = 1 << 30;

fn space<R: Maintain, T: TableBytes>(pool: &'static TablePool<T, 12>) -> AddressSpace<Pooled<R, T>> {
    // SAFETY: what the tables say of themselves is not read by hardware, and the pool has this space alone.
    let memory = unsafe { pool.at(PhysAddr::new(0x8000_0000)) };
    AddressSpace::new(memory, Halves::Lower).expect("a root")
}

fn page<S: PageSize>(virt: u64) -> Page<S> {
    Page::containing(VirtAddr::new(virt))
}

/// Pages here and there, by a cursor and by ranges, read back and taken out again.
fn edits_come_out_right<R: Maintain + HasLeaf<Size4K>, T: TableBytes>(pool: &'static TablePool<T, 12>, far: u64) {
    let mut space = space::<R, T>(pool);
    let places = [0x1000, 0x2000, far, 0x40_0000, far + 0x1000, 0x3000];
    let frame = |virt: u64| Frame::containing(PhysAddr::new(virt + 0x1_0000));
    let mut cursor = space.cursor(VirtAddr::new(0));
    for virt in places {
        cursor.map(page::<Size4K>(virt), frame(virt), DATA).expect("nothing is there");
    }
    for virt in places {
        cursor.protect(page::<Size4K>(virt), &Protect::access(Access::user(Rights::R))).expect("it is mapped");
        assert_eq!(space.translate(VirtAddr::new(virt + 5)), Ok(PhysAddr::new(virt + 0x1_0005)));
        cursor = space.cursor(VirtAddr::new(virt));
    }
    let mut translator = space.translator();
    for virt in places.into_iter().chain(places.into_iter().rev()) {
        assert_eq!(translator.translate(VirtAddr::new(virt + 7)), Ok(PhysAddr::new(virt + 0x1_0007)));
        let absent = VirtAddr::new(virt + 0x10_0000);
        assert_eq!(translator.translate(absent), space.translate(absent));
    }
    let mut cursor = space.cursor(VirtAddr::new(0));
    assert_eq!(cursor.unmap(page::<Size4K>(0x2000)), Ok(frame(0x2000)));
    assert_eq!(space.translate(VirtAddr::new(0x2000)), Err(Fault::Absent { level: 0 }));
    assert_eq!(space.leaves(VirtAddr::new(0)).count(), 5);
    space.map(&Mapping::new(VirtAddr::new(0x4000), PhysAddr::new(0x9000), 0x7000, DATA)).expect("mapped");
    assert_eq!(space.leaves(VirtAddr::new(0)).count(), 12);
    space.unmap(VirtAddr::new(0), far, Reclaim::Free).expect("unmapped");
    assert_eq!(space.iter(VirtAddr::new(0)).count(), 1);
    space.free();
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn tables_in_a_row_below_one_root_come_out_right() {
    static POOL: TablePool<Table4K, 12> = TablePool::new();
    edits_come_out_right::<Sv39, _>(&POOL, 5 * GIB);
}

#[test]
fn entries_of_four_bytes_come_out_right() {
    static POOL: TablePool<Table4K, 12> = TablePool::new();
    edits_come_out_right::<Sv32, _>(&POOL, GIB);
}

/// The root is four tables, of which each may be seen elsewhere.
#[test]
fn a_root_of_several_tables_comes_out_right() {
    #[repr(align(0x4000))]
    struct Aligned;
    static POOL: TablePool<Table4K, 12, Aligned> = TablePool::new();
    struct Wide;
    impl Kind for Wide {
        type Regime = Sv39x4;
        type Memory = Pool<Table4K, 12, Aligned>;
        type Hardware = Recorder<<Sv39x4 as Maintain>::Architecture, 64>;
        type Reach = OneCore;
    }
    // SAFETY: as in `space`.
    let memory = unsafe { POOL.at(PhysAddr::new(0x8000_0000)) };
    let mut space = AddressSpace::<Wide>::new(memory, Halves::Lower).expect("a root");
    let mut cursor = space.cursor(VirtAddr::new(0));
    for n in 0..4 {
        let phys = PhysAddr::new(n << 12);
        cursor.map(page::<Size4K>(n * 512 * GIB), Frame::containing(phys), DATA).expect("nothing is there");
    }
    for n in 0..4 {
        assert_eq!(space.translate(VirtAddr::new(n * 512 * GIB)), Ok(PhysAddr::new(n << 12)));
    }
    assert_eq!(space.leaves(VirtAddr::new(0)).count(), 4);
    space.free();
    assert_eq!(POOL.in_use(), 0);
}

/// A cursor that came no further than the table of a pinned root entry goes on from there.
#[test]
fn a_cursor_goes_on_after_a_root_entry_that_stays() {
    static POOL: TablePool<Table4K, 12> = TablePool::new();
    let mut space = space::<Sv39, _>(&POOL);
    space.pin(VirtAddr::new(0), GIB).expect("pinned");
    let mut cursor = space.cursor(VirtAddr::new(0));
    assert!(matches!(cursor.unmap(page::<Size1G>(0)), Err(UnmapError::Range(_))));
    assert!(matches!(cursor.unmap(page::<Size2M>(0)), Err(UnmapError::NotMapped(_))));
    let frame = Frame::containing(PhysAddr::new(0));
    cursor.map(page::<Size2M>(0), frame, DATA).expect("nothing is there");
    assert!(matches!(cursor.unmap(page::<Size1G>(0)), Err(UnmapError::Range(_))));
    assert_eq!(cursor.unmap(page::<Size2M>(0)), Ok(frame));
}

/// A pointer of others to where no memory is, and a root that lies nowhere, are errors.
#[test]
fn what_is_out_of_reach_is_an_error() {
    static POOL: TablePool<Table4K, 12> = TablePool::new();
    let mut space = space::<Sv39, _>(&POOL);
    space.map(&Mapping::new(VirtAddr::new(0), PhysAddr::new(0), 0x1000, DATA)).expect("mapped");
    let (roots, mut memory) = space.into_roots();
    let root = roots.lower.expect("a root");
    let entry = EntryAt { table: PhysAddr::new(root), index: 1, place: Place::Fresh };
    // SAFETY: the table is in nobody's hands.
    unsafe { TableAccess::<Sv39>::store(&mut memory, entry, 0x1234_0001) };
    // SAFETY: the root is that of a space.
    let mut space = unsafe { AddressSpace::<Pooled<Sv39, Table4K>>::from_roots(roots, memory) }.expect("as before");
    let mut cursor = space.cursor(VirtAddr::new(0));
    assert!(matches!(cursor.unmap(page::<Size4K>(GIB)), Err(UnmapError::NoTable(_))));
    assert!(matches!(cursor.unmap(page::<Size4K>(GIB)), Err(UnmapError::NoTable(_))));
    assert!(cursor.unmap(page::<Size4K>(0)).is_ok());
    assert!(matches!(space.translate(VirtAddr::new(GIB)), Err(Fault::NoTable { .. })));
    let mut translator = space.translator();
    for virt in [0, GIB, 0, GIB + 5, GIB].map(VirtAddr::new) {
        assert_eq!(translator.translate(virt), space.translate(virt));
    }
    assert_eq!(space.leaves(VirtAddr::new(0)).fault(), None);
    assert!(space.unmap(VirtAddr::new(GIB), 0x1000, Reclaim::Keep).is_err());
    assert!(space.protect(VirtAddr::new(GIB), 0x1000, &Protect::access(Access::user(Rights::R))).is_err());
    // Roots that nobody looked at, where none can be.
    for root in [1, 4, 8, 0x800, 0xfff] {
        let nowhere = Roots { lower: Some(0x8000_0000 + root), upper: None };
        let reader = crate::edit::Reader::<Sv39, _>::new(nowhere, crate::edit::read::Linked(space.memory()));
        assert!(reader.translate(VirtAddr::new(0)).is_err(), "{root:#x}");
        assert!(reader.translator().translate(VirtAddr::new(0)).is_err(), "{root:#x}");
        let _ = reader.leaves(VirtAddr::new(0)).count();
    }
}

/// A root that is less than a table, and not at the start of one.
#[test]
fn a_small_root_inside_of_a_page_comes_out_right() {
    static POOL: TablePool<Table4K, 12> = TablePool::new();
    // SAFETY: as in `space`.
    let mut memory = unsafe { POOL.at(PhysAddr::new(0x8000_0000)) };
    let table = TableMemory::<Pae>::allocate(&mut memory, 1).expect("a table");
    let roots = Roots { lower: Some(table.as_u64() + 0x60), upper: None };
    // SAFETY: tables of a pool are empty at first, and nobody else has this one.
    let mut space = unsafe { AddressSpace::<Pooled<Pae, Table4K>>::from_roots(roots, memory) }.expect("a root");
    let data = Attributes::new(Access::kernel(Rights::RWX), MemoryType::NormalWb);
    space.map_page(page::<Size4K>(GIB), Frame::at::<0x5000>(), data).expect("nothing is there");
    assert_eq!(space.translate(VirtAddr::new(GIB + 5)), Ok(PhysAddr::new(0x5005)));
    let word = |index| TableAccess::<Pae>::load(&memory, EntryAt { table, index, place: Place::Fresh });
    assert_eq!((word(1), word(13).is_some_and(|word| word != 0)), (Some(0), true));
}
