//! Cursors: the same outcomes as by the long way, and loads only for what differs.

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AnyRights, Entry, MapError, Mapped, Protect, Ro, Rw, Rx, UnmapError, User};
use tablature::flush::{Duty, Maintain};
use tablature::page::{Frame, HasLeaf, OwnedFrame, Page, Size2M, Size4K};
use tablature::riscv::Sv39;
use tablature::x86_64::Level4;

use crate::kinds::{K, M, attributes, leaves, live, mapping, space};

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

fn page<S: tablature::page::PageSize>(address: u64) -> Page<S> {
    Page::new(virt(address)).expect("aligned")
}

fn frame<S: tablature::page::PageSize>(address: u64) -> Frame<S> {
    Frame::new(PhysAddr::new(address)).expect("aligned")
}

fn owned<S: tablature::page::PageSize>(address: u64) -> OwnedFrame<S> {
    // SAFETY: there is no such memory, and nobody touches it.
    unsafe { OwnedFrame::assume(frame(address)) }
}

const READ: Protect = Protect::access(Access { privileged: Rights::R, user: Rights::NONE });

/// Pages here and there, forwards and backwards, over the borders of tables.
fn places() -> Vec<u64> {
    let near = (0..1030u64).map(|i| 0x1f_0000 + i * 4 * K);
    let far = [1 << 30, 3 << 30, 5 << 30, 0x3000].map(|at| at + 0x4000_0000);
    near.chain(far).chain((0..40).rev().map(|i| (7 << 30) + i * 64 * K)).collect()
}

fn same_as_the_long_way<R: Maintain + HasLeaf<Size4K>>() {
    let (mut one, arena) = space::<R>(64);
    let (mut other, control) = space::<R>(64);
    let mut cursor = one.cursor(virt(0));
    for at in places() {
        let (page, frame) = (page::<Size4K>(at), frame((at << 1) & 0xf_ffff_f000));
        assert_eq!(cursor.map(page, frame, attributes(Rights::RW)), Ok(()));
        assert!(matches!(cursor.map(page, frame, attributes(Rights::RW)), Err(MapError::AlreadyMapped(_))));
        other.map_page(page, frame, attributes(Rights::RW)).expect("map");
    }
    for at in places().into_iter().step_by(3) {
        assert_eq!(cursor.protect(page::<Size4K>(at), &READ), Ok(()));
        other.protect_page(page::<Size4K>(at), &READ).expect("mapped");
    }
    for at in places().into_iter().step_by(5) {
        assert_eq!(cursor.unmap(page::<Size4K>(at)), Ok(other.unmap_page(page::<Size4K>(at)).expect("mapped").0));
        assert!(matches!(cursor.unmap(page::<Size4K>(at)), Err(UnmapError::NotMapped(_))));
    }
    assert_eq!(leaves(&one, &arena), leaves(&other, &control));
    assert_eq!(arena.used(), control.used());
    one.free();
    other.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn a_cursor_does_what_the_long_way_does() {
    same_as_the_long_way::<Level4>();
    same_as_the_long_way::<El1<G4K, 39>>();
    same_as_the_long_way::<Sv39>();
}

#[test]
fn a_known_table_costs_one_load() {
    let (mut space, arena) = space::<Level4>(8);
    let mut cursor = space.cursor(virt(0));
    cursor.map(page::<Size4K>(0x1000), frame(0x1000), attributes(Rights::RW)).expect("map");
    let loads = arena.loads();
    for i in 2..512 {
        cursor.map(page::<Size4K>(i * 4 * K), frame(i * 4 * K), attributes(Rights::RW)).expect("map");
    }
    assert_eq!(arena.loads() - loads, 510);
    cursor.unmap(page::<Size4K>(0x1000)).expect("mapped");
    let loads = arena.loads();
    for i in 2..512 {
        cursor.unmap(page::<Size4K>(i * 4 * K)).expect("mapped");
    }
    assert_eq!(arena.loads() - loads, 510);
    space.free();
}

#[test]
fn large_and_small_pages_alternate() {
    let (mut space, arena) = space::<Level4>(16);
    let mut cursor = space.cursor(virt(0));
    for i in 0..4 {
        cursor.map(page::<Size2M>(i * 4 * M), frame(i * 2 * M), attributes(Rights::RW)).expect("map");
        cursor.map(page::<Size4K>(i * 4 * M + 2 * M), frame(i * 4 * K), attributes(Rights::RX)).expect("map");
        let small = cursor.map(page::<Size4K>(i * 4 * M), frame(0), attributes(Rights::RW));
        assert!(matches!(small, Err(MapError::InsideLeaf(_))));
        let large = cursor.unmap(page::<Size2M>(i * 4 * M + 2 * M));
        assert!(matches!(large, Err(UnmapError::HoldsTable(_))));
    }
    assert_eq!(leaves(&space, &arena).len(), 8);
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn a_live_cursor_owes_what_each_change_owes() {
    let (space, _) = space::<El1<G4K, 39>>(16);
    let mut space = live(space);
    let mut cursor = space.cursor(virt(0));
    for i in 0..3 {
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { cursor.map(page::<Size4K>(i << 12), frame(i << 12), attributes(Rights::RW)) };
        let token = token.expect("map");
        assert_eq!(token.scope().duty, Duty::PUBLISH);
        cursor.flush(token);
    }
    for i in 0..3 {
        // SAFETY: as above.
        let token = unsafe { cursor.protect(page::<Size4K>(i << 12), &READ) }.expect("mapped");
        assert_eq!(token.scope().duty, Duty::LEAF);
        cursor.flush(token);
        // SAFETY: as above.
        let token = unsafe { cursor.protect(page::<Size4K>(i << 12), &READ) }.expect("mapped");
        assert_eq!(token.scope().duty, Duty::NONE, "nothing changed");
        cursor.flush(token);
    }
    // SAFETY: as above.
    let token = unsafe { cursor.unmap(page::<Size4K>(0x1000)) }.expect("mapped");
    assert_eq!(token.scope().duty, Duty::LEAF);
    assert_eq!(cursor.flush(token), frame(0x1000));
}

#[test]
fn an_entry_is_mapped_protected_and_unmapped_by_its_type() {
    let (space, arena) = space::<Level4>(16);
    let mut space = live(space);
    let mut cursor = space.cursor(virt(0x5000));
    let Entry::Vacant(entry) = cursor.entry::<Size4K>().expect("an entry") else { panic!("nothing is mapped") };
    let (data, token) = entry.map(owned(0x9000), Rw, MemoryType::NormalWb).expect("map");
    assert!(token.scope().duty.is_none());
    // Nothing is owed, so that nothing is cached.
    // SAFETY: as said.
    unsafe { token.assume_flushed() };
    let (code, token) = data.protect(Rx);
    assert_eq!(token.scope().duty, Duty::LEAF);
    // SAFETY: no hardware uses tables in an arena.
    unsafe { token.assume_flushed() };
    assert_eq!(code.attributes().access, Access::kernel(Rights::RX));
    let (entry, token) = code.unmap();
    assert_eq!((entry.page().start(), token.scope().duty), (virt(0x5000), Duty::LEAF));
    // SAFETY: as above.
    let frame = unsafe { token.assume_flushed() };
    assert_eq!(frame.frame().start(), PhysAddr::new(0x9000));
    let (user, token) = entry.map_local(frame, User(Ro), MemoryType::NormalWb).expect("map");
    // SAFETY: as above.
    unsafe { token.assume_flushed() };
    assert_eq!(
        user.attributes(),
        tablature::table::Attributes::new(Access::user(Rights::R), MemoryType::NormalWb).not_global()
    );
    assert_eq!(leaves(&space, &arena).len(), 1);
}

#[test]
fn what_could_not_be_mapped_comes_back() {
    let (mut space, arena) = space::<Level4>(16);
    arena.limit(2);
    let mut cursor = space.cursor(virt(0x5000));
    let Entry::Vacant(entry) = cursor.entry::<Size4K>().expect("an entry") else { panic!("nothing is mapped") };
    let failed = entry.map(owned(0x9000), Rw, MemoryType::NormalWb).expect_err("a table is missing");
    assert_eq!(failed.error, MapError::OutOfTables(3));
    arena.limit(3);
    let (mapped, ()) = failed.entry.map(failed.frame, Rw, MemoryType::NormalWb).expect("enough now");
    assert_eq!(mapped.frame(), frame(0x9000));
    space.free();
}

#[test]
fn an_entry_that_is_found_is_what_it_is() {
    let (mut space, _) = space::<Level4>(16);
    space.map(&mapping(0, 0x20_0000, 2 * M, Rights::RX)).expect("map");
    space.map(&mapping(2 * M, 0x7000, 4 * K, Rights::RW)).expect("map");
    let mut cursor = space.cursor(virt(0));
    assert!(matches!(cursor.entry::<Size4K>(), Ok(Entry::Inside(found)) if found.level == 1));
    let Ok(Entry::Occupied(found)) = cursor.entry::<Size2M>() else { panic!("a leaf") };
    assert_eq!(found.frame(), frame(0x20_0000));
    // SAFETY: nobody uses memory that there is not.
    let found: Mapped<_, AnyRights> = unsafe { found.assume::<Rw>() }.expect_err("it is executable");
    // SAFETY: as above.
    let code = unsafe { found.assume::<Rx>() }.expect("executable");
    let (_, frame) = code.unmap();
    assert_eq!(frame.frame().start(), PhysAddr::new(0x20_0000));
    cursor.seek(virt(2 * M));
    assert!(matches!(cursor.entry::<Size2M>(), Ok(Entry::Table(_))));
    cursor.seek(virt(2 * M + 0x1000));
    assert!(matches!(cursor.entry::<Size4K>(), Ok(Entry::Vacant(_))));
    assert!(cursor.entry::<Size2M>().is_err(), "not aligned");
    cursor.seek(virt(1 << 50));
    assert!(cursor.entry::<Size4K>().is_err(), "not canonical");
    space.free();
}

#[test]
fn an_entry_is_broken_flushed_and_made_in_this_order() {
    let (mut space, arena) = space::<El1<G4K, 39>>(16);
    space.map(&mapping(0x5000, 0x9000, 4 * K, Rights::RW)).expect("map");
    let mut space = live(space);
    // SAFETY: no hardware uses tables in an arena.
    let broken = unsafe { space.break_page(page::<Size4K>(0x5000)) }.expect("mapped");
    let cleared = broken.flush();
    assert_eq!((cleared.frame(), cleared.attributes()), (frame(0x9000), attributes(Rights::RW)));
    // SAFETY: as above.
    let (error, cleared) = unsafe { cleared.make(frame(1 << 50), attributes(Rights::RW)) }.expect_err("too far up");
    assert!(matches!(error, MapError::PhysOutOfRange(_)));
    // SAFETY: as above.
    let token = unsafe { cleared.make(frame(0xb000), attributes(Rights::R)) }.expect("made");
    assert_eq!(token.scope().duty, Duty::PUBLISH);
    space.flush(token);
    assert_eq!(leaves(&space, &arena).into_iter().collect::<Vec<_>>(), [(0x5000, (4 * K, 0xb000, Rights::R))]);
}
