//! What edits of live spaces owe, and what they do themselves.

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{Limits, Live, Protect, Reclaim};
use tablature::flush::{Duty, Extent, Id, Maintain, Scope};
use tablature::page::{Frame, HasLeaf, Page, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{K, M, Space, attributes, by_size, leaves, live, mapping, space};

type Arm = El1<G4K, 39>;

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

const fn range(start: u64, bytes: u64, stride: u32) -> Extent {
    Extent::Range { start, last: start + bytes - 1, stride }
}

fn prepared<R: Maintain>(id: Id, requests: &[(u64, u64, u64)], global: bool) -> (Space<R, Live>, Arena<R>) {
    let (space, arena) = space::<R>(64);
    let mut space = space.with_id(id);
    for &(virt, phys, size) in requests {
        let mut request = mapping(virt, phys, size, Rights::RW);
        request.attributes.global = global;
        space.map(&request).expect("map");
    }
    (live(space), arena)
}

const READ: Protect = Protect::access(Access { privileged: Rights::R, user: Rights::NONE });

#[test]
fn what_becomes_present_owes_what_its_architecture_says() {
    fn owed<R: Maintain>() -> Scope {
        let (mut space, _) = prepared::<R>(Id::One(3), &[(0x8000, 0x8000, 4 * K)], true);
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.map(&mapping(0x1000, 0x5000, 8 * K, Rights::RW)) }.expect("map");
        let scope = token.scope();
        space.reclaim(token);
        scope
    }
    assert!(owed::<Level4>().duty.is_none());
    assert_eq!(owed::<Arm>().duty, Duty::PUBLISH);
    let riscv = owed::<Sv39>();
    assert_eq!((riscv.duty, riscv.extent), (Duty::LEAF, range(0x1000, 8 * K, 12)));
}

#[test]
fn what_goes_owes_its_leaves_for_those_who_had_it() {
    fn owed<R: Maintain + HasLeaf<Size4K>>(global: bool) -> Scope {
        let (mut space, _) = prepared::<R>(Id::One(3), &[(0x4000, 0x8000, 8 * K)], global);
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.unmap_page(Page::<Size4K>::containing(virt(0x5000))) }.expect("mapped");
        let scope = token.scope();
        let (frame, attributes) = space.flush(token);
        assert_eq!(frame.start(), PhysAddr::new(0x9000));
        assert_eq!(attributes.access, Access::kernel(Rights::RW));
        scope
    }
    let global = Scope { duty: Duty::LEAF, extent: range(0x5000, 4 * K, 12), id: Id::Every };
    assert_eq!(owed::<Level4>(true), global);
    assert_eq!(owed::<Sv39>(true), global);
    assert_eq!(owed::<Arm>(true), global);
    assert_eq!(owed::<Arm>(false), Scope { id: Id::One(3), ..global });
    assert_eq!(owed::<Level4>(false), Scope { id: Id::One(3), ..global });
}

#[test]
fn a_whole_subtree_owes_its_pages_and_the_walk_and_owns_its_tables() {
    let (mut space, arena) = prepared::<Level4>(Id::One(3), &[(0, 0x1000, 2 * M), (2 * M, 0, 4 * K)], false);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.unmap(virt(0), 4 * M, Reclaim::Free) }.expect("unmap");
    let scope = token.scope();
    assert_eq!(
        (scope.duty, scope.extent, scope.id),
        (Duty::WALK, range(0, 2 * M + 4 * K, 12), Id::One(3)),
        "from the first to the last of its pages, and not all that it could have translated"
    );
    assert_eq!(arena.used(), 5, "no table is back before the flush");
    space.reclaim(token);
    assert_eq!(arena.used(), 1);
}

#[test]
fn an_emptied_table_owes_the_pages_that_emptied_it_and_one_if_there_were_none() {
    let (mut space, _) = prepared::<Arm>(Id::One(3), &[(0x5000, 0x1000, 12 * K)], false);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.unmap(virt(0), M, Reclaim::Free) }.expect("unmap");
    assert_eq!((token.scope().duty, token.scope().extent), (Duty::WALK, range(0x5000, 12 * K, 12)));
    space.reclaim(token);

    let (mut space, _) = prepared::<Arm>(Id::One(3), &[(0x5000, 0x1000, 12 * K)], false);
    // SAFETY: as above.
    let first = unsafe { space.unmap(virt(0), M, Reclaim::Keep) }.expect("unmap");
    // SAFETY: as above.
    let second = unsafe { space.unmap(virt(0x8000), 4 * K, Reclaim::Free) }.expect("unmap");
    assert_eq!((first.scope().duty, first.scope().extent), (Duty::LEAF, range(0x5000, 12 * K, 12)));
    let Extent::Range { start: 0x8000, last: 0x8fff, .. } = second.scope().extent else { panic!("{second:?}") };
    assert_eq!(second.scope().duty, Duty::WALK);

    // Neither is flushed, and another page gets a table: the pointer to the old one may still be remembered.
    let before = space.hardware().executed();
    // SAFETY: as above.
    let third = unsafe { space.map(&mapping(0x10_0000, 0x9000, 4 * K, Rights::RW)) }.expect("map");
    assert!(space.hardware().executed() > before, "broken before it is made");
    space.reclaim(third);
    space.reclaim(first);
    space.reclaim(second);
}

#[test]
fn a_table_that_becomes_a_leaf_owes_every_page_it_had() {
    let leaf = mapping(0, 4 * M, 2 * M, Rights::RW).replacing();
    let (mut space, _) = prepared::<Level4>(Id::One(3), &[(0, 0x1000, 2 * M)], false);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.map(&leaf) }.expect("replaced");
    assert_eq!((token.scope().duty, token.scope().extent), (Duty::WALK, range(0, 2 * M, 12)));
    space.reclaim(token);

    // Broken before it is made: each page by its address, between barriers.
    let (mut space, _) = prepared::<Arm>(Id::One(3), &[(0, 0x1000, 2 * M)], false);
    // SAFETY: as above.
    let token = unsafe { space.map(&leaf) }.expect("replaced");
    assert_eq!(space.hardware().executed(), 1 + 512 + 2);
    space.reclaim(token);
}

/// A core that remembers a pointer goes on with the old tables until the flush, and those may translate as the leaf does.
#[test]
fn tables_that_leaves_replace_in_place_translate_as_they_did_until_the_flush() {
    fn check<R: Maintain>(mapped: u64, size: u64, leaf: u64) {
        let (shift, bits) = R::FORMAT.software;
        let software = ((1u64 << bits) - 1) << shift;
        let (mut space, arena) = prepared::<R>(Id::One(3), &[], false);
        let pages = mapping(0, 0, mapped, Rights::RW).limited(Limits::PAGES);
        let leaves = mapping(0, 0, size, Rights::RW).limited(Limits { largest: leaf, ..Limits::ANY });
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.map(&pages) }.expect("pages");
        space.reclaim(token);
        let before: std::collections::BTreeMap<_, _> = arena.image().into_iter().collect();
        // SAFETY: as above.
        let token = unsafe { space.map(&leaves.replacing()) }.expect("leaves");
        let mut changed = 0;
        for (table, words) in arena.image() {
            let entries = words.iter().zip(&before[&table]);
            changed += entries.filter(|(new, old)| (*new ^ *old) & !software != 0).count() as u64;
        }
        assert_eq!(changed, size / leaf, "the entries that are leaves now, and no other");
        space.reclaim(token);
    }
    check::<Level4>(2 * M, 2 * M, 2 * M);
    check::<Level4>(8 * M, 8 * M, 2 * M);
    check::<Sv39>(8 * M, 8 * M, 2 * M);
    check::<Sv39>(8 * M, 1024 * M, 1024 * M);
}

#[test]
fn nothing_changed_owes_nothing() {
    let (mut space, arena) = prepared::<Arm>(Id::Every, &[(0, 0, 2 * M)], true);
    let before = arena.image();
    let same = Protect::access(Access::kernel(Rights::RW));
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.protect(virt(0x3000), 4 * K, &same) }.expect("mapped");
    assert!(token.scope().duty.is_none());
    space.flush(token);
    // SAFETY: as above.
    let token = unsafe { space.unmap(virt(64 * M), 4 * M, Reclaim::Free) }.expect("a hole");
    assert!(token.scope().duty.is_none());
    space.reclaim(token);
    // SAFETY: as above.
    assert!(unsafe { space.map(&mapping(0x1000, 0, 4 * K, Rights::RW)) }.is_err());
    assert_eq!((space.hardware().executed(), arena.image()), (0, before));
}

#[test]
fn rights_change_in_place_and_types_and_addresses_do_not() {
    let (mut space, arena) = prepared::<Arm>(Id::One(1), &[(0x4000, 0x8000, 16 * K)], false);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.protect(virt(0x4000), 16 * K, &READ) }.expect("mapped");
    assert_eq!(token.scope(), Scope { duty: Duty::LEAF, extent: range(0x4000, 16 * K, 12), id: Id::One(1) });
    assert_eq!(space.hardware().executed(), 0);
    space.flush(token);

    space.hardware().clear();
    // SAFETY: as above.
    let token = unsafe { space.protect(virt(0x4000), 16 * K, &Protect::memory(MemoryType::NormalNc)) }.expect("mapped");
    assert_eq!(token.scope().duty, Duty::PUBLISH, "what was broken is flushed already");
    let once = space.hardware().executed();
    assert!(once > 0, "broken before it is made");
    space.flush(token);
    assert_eq!(
        leaves(&space, &arena).values().map(|leaf| leaf.1).collect::<Vec<_>>(),
        [0x8000, 0x9000, 0xa000, 0xb000]
    );

    space.hardware().clear();
    let frame = Frame::<Size4K>::containing(PhysAddr::new(0x7000));
    // SAFETY: as above.
    let token = unsafe { space.remap_page(Page::containing(virt(0x5000)), frame, attributes(Rights::R)) };
    let token = token.expect("mapped");
    assert!(space.hardware().executed() > 0);
    assert_eq!(space.flush(token).start(), PhysAddr::new(0x9000));
}

#[test]
fn one_flush_breaks_a_whole_table_of_leaves() {
    let ops = |pages: u64| {
        let (mut space, _) = prepared::<Arm>(Id::One(1), &[(0, 0x1000, pages * 4 * K)], false);
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.protect(virt(0), pages * 4 * K, &Protect::memory(MemoryType::NormalNc)) };
        space.flush(token.expect("mapped"));
        space.hardware().executed()
    };
    // dsb, tlbi for each page, dsb, isb; then what publishes the new leaves.
    assert_eq!(ops(8) - ops(1), 7);
}

#[test]
fn a_split_is_broken_first_where_the_architecture_says_so_and_promoted_back() {
    fn round<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>>() -> (usize, Scope) {
        let (mut space, arena) = prepared::<R>(Id::One(1), &[(2 * M, 4 * M, 2 * M)], false);
        let used = arena.used();
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.split::<Size4K>(virt(2 * M + 0x5678)) }.expect("mapped");
        let (inside, scope) = (space.hardware().executed(), token.scope());
        space.flush(token);
        assert_eq!(by_size(&leaves(&space, &arena)), [512, 0, 0]);
        // SAFETY: as above.
        let token = unsafe { space.promote::<Size2M>(Page::containing(virt(2 * M))) }.expect("equal leaves");
        assert_eq!(arena.used(), used + 1, "the table is not back before the flush");
        space.reclaim(token);
        assert_eq!(by_size(&leaves(&space, &arena)), [0, 1, 0]);
        assert_eq!(arena.used(), used);
        (inside, scope)
    }
    let (inside, scope) = round::<Arm>();
    assert!(inside > 0);
    assert_eq!(scope.duty, Duty::PUBLISH);
    let (inside, scope) = round::<With<Arm, { Features::BBML2.bits() }>>();
    assert_eq!((inside, scope.extent, scope.id), (0, Extent::Everywhere, Id::Every));
    let (inside, scope) = round::<Level4>();
    assert_eq!((inside, scope.duty, scope.extent), (0, Duty::LEAF, range(2 * M, 2 * M, 21)));
    let (inside, scope) = round::<Sv39>();
    assert_eq!((inside, scope.duty), (0, Duty::WALK));
}

#[test]
fn a_run_is_whole_or_none() {
    let runs = Limits { runs: true, ..Limits::ANY };
    let (mut space, arena) = space::<Arm>(16);
    space.map(&mapping(0x1_f000, 0x5_f000, 68 * K, Rights::RW).limited(runs)).expect("map");
    let marked =
        || arena.image().iter().flat_map(|(_, words)| words.clone()).filter(|w| w & 1 == 1 && w >> 52 & 1 == 1).count();
    assert_eq!((leaves(&space, &arena).len(), marked()), (17, 16));
    let mut space = live(space);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.unmap(virt(0x2_3000), 4 * K, Reclaim::Free) }.expect("mapped");
    assert!(space.hardware().executed() > 0, "the run is broken first");
    space.reclaim(token);
    assert_eq!((leaves(&space, &arena).len(), marked()), (16, 0));
}

#[test]
fn a_folded_run_says_where_each_of_its_pages_goes() {
    type Napot = With<Sv39, { Features::SVNAPOT.bits() }>;
    let runs = Limits { runs: true, ..Limits::ANY };
    let (mut space, arena) = space::<Napot>(16);
    space.map(&mapping(0x1_0000, 0x5_0000, 68 * K, Rights::RW).limited(runs)).expect("map");
    let napot =
        || arena.image().iter().flat_map(|(_, words)| words.clone()).filter(|w| w >> 63 == 1 && w & 1 == 1).count();
    assert_eq!(napot(), 16);
    let expected = leaves(&space, &arena);
    assert!(expected.iter().all(|(at, leaf)| at + 0x4_0000 == leaf.1));
    let (frame, _) = space.unmap_page(Page::<Size4K>::containing(virt(0x1_3000))).expect("mapped");
    assert_eq!(frame.start(), PhysAddr::new(0x5_3000));
    let mut rest = expected.clone();
    rest.remove(&0x1_3000);
    assert_eq!((leaves(&space, &arena), napot()), (rest, 0));
    space.free();
}

#[test]
fn replacing_live_mappings_breaks_them_first() {
    let (mut space, arena) = prepared::<Arm>(Id::One(1), &[(0, 0x1000, 8 * K), (2 * M, 2 * M, 2 * M)], false);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.map(&mapping(0, 8 * M, 6 * M, Rights::RX).replacing()) }.expect("replace");
    assert!(space.hardware().executed() > 0);
    assert_eq!(token.scope().duty, Duty::PUBLISH);
    assert_eq!(by_size(&leaves(&space, &arena)), [0, 3, 0]);
    let used = arena.used();
    space.reclaim(token);
    assert_eq!(arena.used(), used - 1);
}
