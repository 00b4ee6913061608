//! Bugs of the field that must not come back. That a table is filled before it is linked, and given back once, the arena
//! checks in every test.

use tablature::aarch64::{El1, G4K, G16K, Stage2};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{
    MapError, Mapping, Protect, ProtectError, RangeError, Reclaim, RemapError, SplitError, UnmapError,
};
use tablature::flush::Maintain;
use tablature::page::{Frame, Page, Size1G, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::table::Attributes;
use tablature::x86_64::Level4;

use crate::kinds::{G, K, M, attributes, by_size, leaves, live, mapping, space};

type Large = With<Level4, { Features::NX.union(Features::PDPE1GB).bits() }>;

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

const READ: Protect = Protect::access(Access { privileged: Rights::R, user: Rights::NONE });

#[test]
fn a_protection_keeps_the_bits_that_hardware_sets_meanwhile() {
    const DIRTY: u64 = 1 << 6;
    let (mut space, arena) = space::<Level4>(8);
    space.map(&mapping(0x1000, 0x5000, 4 * K, Rights::RW)).expect("map");
    let (table, words) = arena.image().into_iter().find(|(_, words)| words[1] & 0xf_f000 == 0x5000).expect("the leaf");
    assert_eq!(words[1] & DIRTY, 0);
    let mut space = live(space);
    arena.race(table + 8, DIRTY);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.protect(virt(0x1000), 4 * K, &READ) }.expect("mapped");
    space.flush(token);
    assert!(arena.has_raced());
    let word = arena.entry(table + 8).expect("the leaf");
    assert_eq!((word & DIRTY, word & 2), (DIRTY, 0));
}

#[test]
fn what_was_never_mapped_cannot_be_remapped() {
    fn none<R: Maintain + tablature::page::HasLeaf<Size4K> + tablature::page::HasLeaf<Size2M>>() {
        let (mut space, arena) = space::<R>(8);
        let before = arena.image();
        let page = Page::<Size4K>::containing(virt(0x5000));
        let large = Page::<Size2M>::containing(virt(0x20_0000));
        let frame = Frame::containing(PhysAddr::new(0x8000));
        assert!(matches!(space.remap_page(page, frame, attributes(Rights::RW)), Err(RemapError::NotMapped(_))));
        assert!(matches!(
            space.remap_page(large, Frame::containing(PhysAddr::new(0)), attributes(Rights::RW)),
            Err(RemapError::NotMapped(_))
        ));
        assert!(matches!(space.unmap_page(page), Err(UnmapError::NotMapped(_))));
        assert!(matches!(space.protect_page(page, &READ), Err(ProtectError::NotMapped(_))));
        assert!(matches!(space.split::<Size4K>(virt(0x5000)), Err(SplitError::NotMapped(_))));
        assert_eq!(arena.image(), before);
        space.free();
    }
    none::<Level4>();
    none::<El1<G4K, 39>>();
    none::<Sv39>();
    none::<tablature::loongarch64::La64>();
}

#[test]
fn a_table_is_no_page_of_its_size() {
    let (mut space, arena) = space::<Level4>(8);
    space.map(&mapping(0, 0x5000, 4 * K, Rights::RW)).expect("map");
    let before = arena.image();
    let page = Page::<Size2M>::containing(virt(0));
    assert!(matches!(space.protect_page(page, &READ), Err(ProtectError::HoldsTable(_))));
    assert!(matches!(space.unmap_page(page), Err(UnmapError::HoldsTable(_))));
    let frame = Frame::containing(PhysAddr::new(0));
    assert!(matches!(space.remap_page(page, frame, attributes(Rights::R)), Err(RemapError::HoldsTable(_))));
    assert!(matches!(space.map_page(page, frame, attributes(Rights::R)), Err(MapError::HoldsTable(_))));
    assert_eq!(arena.image(), before);
    space.free();
}

#[test]
fn a_leaf_that_the_cpu_lacks_is_refused() {
    let (mut space, _) = space::<Level4>(8);
    let page = Page::<Size1G>::containing(virt(0));
    let error = space.map_page(page, Frame::containing(PhysAddr::new(0)), attributes(Rights::R));
    assert_eq!(error, Err(MapError::NoSuchLeaf(Features::PDPE1GB)));
    space.free();
}

#[test]
fn no_rights_are_no_pointer_to_a_table() {
    let (mut space, arena) = space::<Sv39>(8);
    space.map(&mapping(0x1000, 0x5000, 4 * K, Rights::RW)).expect("map");
    let before = arena.image();
    for rights in [Rights::NONE, Rights::W] {
        let change = Protect::access(Access::kernel(rights));
        assert_eq!(space.protect(virt(0x1000), 4 * K, &change), Err(ProtectError::NotEncodable(change)));
        let none = mapping(0x8000, 0x5000, 4 * K, rights);
        assert_eq!(space.map(&none), Err(MapError::NotEncodable(none.attributes)));
    }
    assert_eq!(arena.image(), before);
    space.free();
}

#[test]
fn memory_types_that_the_cpu_cannot_express_are_refused() {
    let device = Attributes::new(Access::kernel(Rights::RW), MemoryType::DeviceNgnrne);
    let request = Mapping::new(virt(0x1000), PhysAddr::new(0x1000), 4 * K, device);
    let (mut plain, _) = space::<Sv39>(8);
    assert_eq!(plain.map(&request), Err(MapError::NotEncodable(device)));
    plain.free();
    let (mut typed, _) = space::<With<Sv39, { Features::SVPBMT.bits() }>>(8);
    assert_eq!(typed.map(&request), Ok(()));
    typed.free();
}

#[test]
fn what_lies_behind_a_mapping_in_the_way_is_not_shifted() {
    let (mut space, arena) = space::<Large>(16);
    space.map(&mapping(0x3000, 0x1_3000, 8 * K, Rights::RW)).expect("map");
    space.map(&mapping(0x20_0000, 0x40_0000, 2 * M, Rights::RW)).expect("map");
    space.map(&mapping(0, 0x1_0000, 6 * M, Rights::RW).replacing()).expect("over all");
    let found = leaves(&space, &arena);
    assert!(found.iter().all(|(at, leaf)| at + 0x1_0000 == leaf.1), "{found:x?}");
    assert_eq!(found.values().map(|leaf| leaf.0).sum::<u64>(), 6 * M);
    space.free();
}

#[test]
fn ranges_end_where_they_end() {
    let (mut space, arena) = space::<Level4>(16);
    let top = u64::MAX - 0xfff;
    assert_eq!(space.map(&mapping(top, 0x5000, 4 * K, Rights::RW)), Ok(()), "the last page is a page");
    let refused = [
        (mapping(0, 0, 0, Rights::RW), RangeError::Empty),
        (mapping(top, 0, 8 * K, Rights::RW), RangeError::PastTop { virt: virt(top), size: 8 * K }),
        (
            mapping(0x7fff_ffff_f000, 0, 8 * K, Rights::RW),
            RangeError::AcrossHole { virt: virt(0x7fff_ffff_f000), size: 8 * K },
        ),
        (mapping(1 << 47, 0, 4 * K, Rights::RW), RangeError::NotCanonical { virt: virt(1 << 47) }),
        (mapping(0x123, 0, 4 * K, Rights::RW), RangeError::UnalignedVirt { virt: virt(0x123), unit: 4 * K }),
        (mapping(0, 0, 0x123, Rights::RW), RangeError::UnalignedSize { size: 0x123, unit: 4 * K }),
    ];
    for (request, error) in refused {
        assert_eq!(space.map(&request), Err(MapError::Range(error)));
        let size = request.size;
        assert_eq!(space.unmap(request.virt, size, Reclaim::Free), Err(UnmapError::Range(error)));
        assert_eq!(space.protect(request.virt, size, &READ), Err(ProtectError::Range(error)));
    }
    assert_eq!(leaves(&space, &arena).len(), 1);
    space.unmap(virt(top), 4 * K, Reclaim::Free).expect("the last page");
    assert!(leaves(&space, &arena).is_empty());
    space.free();

    // Where one half is all there is, its end is the top; a width of 40 bits ends there.
    let (mut guest, _) = crate::kinds::space::<Stage2<G4K, 40>>(24);
    let last = (1 << 40) - 0x1000;
    assert_eq!(guest.map(&mapping(last, 0x5000, 4 * K, Rights::RW)), Ok(()));
    let past = RangeError::PastTop { virt: virt(last), size: 8 * K };
    assert_eq!(guest.map(&mapping(last, 0, 8 * K, Rights::RW)), Err(MapError::Range(past)));
    guest.free();
}

#[test]
fn physical_addresses_are_whole_pages_that_entries_can_hold() {
    let (mut space, arena) = space::<Level4>(16);
    let before = arena.image();
    assert!(matches!(space.map(&mapping(0, 0x123, 4 * K, Rights::RW)), Err(MapError::UnalignedPhys(_))));
    for phys in [1 << 52, (1 << 52) - 0x1000, u64::MAX - 0xfff] {
        let error = space.map(&mapping(0, phys, 8 * K, Rights::RW));
        assert!(matches!(error, Err(MapError::PhysOutOfRange(_))), "{phys:#x}");
    }
    assert_eq!(arena.image(), before);
    space.free();
    let (mut space, _) = crate::kinds::space::<El1<G16K, 47>>(16);
    assert!(matches!(space.map(&mapping(0, 0x1000, 16 * K, Rights::RW)), Err(MapError::UnalignedPhys(_))));
    space.free();
}

#[test]
fn a_map_that_fails_in_its_middle_has_changed_nothing() {
    let (mut space, arena) = space::<Large>(32);
    space.map(&mapping(0, 0, 2 * M, Rights::R)).expect("map");
    space.map(&mapping(8 * M, 0, 4 * K, Rights::R)).expect("map");
    let (before, used) = (arena.image(), arena.used());
    assert!(matches!(space.map(&mapping(0x5000, 0, 4 * K, Rights::RWX)), Err(MapError::InsideLeaf(_))));
    assert!(matches!(space.map(&mapping(3 * M, 0x1000, 6 * M, Rights::RWX)), Err(MapError::AlreadyMapped(_))));
    arena.limit(1);
    let replace = mapping(0x1000, 0x9000, 6 * G, Rights::RW).replacing();
    assert!(matches!(space.map(&replace), Err(MapError::OutOfTables(_))));
    arena.limit(0);
    assert!(matches!(space.unmap(virt(0x1000), 4 * K, Reclaim::Free), Err(UnmapError::OutOfTables(1))));
    let write = Protect::access(Access::kernel(Rights::RW));
    assert!(matches!(space.protect(virt(0x1000), 4 * K, &write), Err(ProtectError::OutOfTables(1))));
    assert!(matches!(space.protect(virt(0), 4 * M, &write), Err(ProtectError::NotMapped(_))));
    assert_eq!((arena.image(), arena.used()), (before, used));
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn unmapping_from_inside_a_hole_reaches_what_lies_behind_it() {
    let (mut space, arena) = space::<Large>(32);
    for at in [0x5000, 3 * G + 0x7000, 700 * G] {
        space.map(&mapping(at, 0x1000, 4 * K, Rights::RW)).expect("map");
    }
    space.unmap(virt(0x6000), 1024 * G, Reclaim::Free).expect("holes are fine");
    assert_eq!(leaves(&space, &arena).into_keys().collect::<Vec<_>>(), [0x5000]);
    assert_eq!(arena.used(), 4);
    space.unmap(virt(0), 512 * G, Reclaim::Free).expect("all");
    assert_eq!(arena.used(), 1);
    space.free();
}

#[test]
fn a_region_that_contains_or_touches_another_is_seen() {
    let (mut space, arena) = space::<Large>(32);
    space.map(&mapping(0x10_0000, 0, 64 * K, Rights::RW)).expect("map");
    for (start, size) in [(0, 16 * M), (0xf_f000, 8 * K), (0x10_f000, 8 * K), (0x10_4000, 4 * K), (0, G)] {
        let error = space.map(&mapping(start, 0, size, Rights::RW));
        assert!(matches!(error, Err(MapError::AlreadyMapped(_))), "{start:#x} {size:#x}");
    }
    for (start, size) in [(0xf_f000, 4 * K), (0x11_0000, 4 * K)] {
        assert_eq!(space.map(&mapping(start, 0, size, Rights::RW)), Ok(()), "{start:#x} {size:#x}");
    }
    assert_eq!(leaves(&space, &arena).len(), 18);
    space.free();
}

#[test]
fn a_large_leaf_over_tables_gives_them_back() {
    let (mut space, arena) = space::<Large>(64);
    for i in 0..5 {
        space.map(&mapping(i * 2 * M + 0x3000, 0, 4 * K, Rights::RW)).expect("map");
    }
    let used = arena.used();
    space.map(&mapping(0, 0, G, Rights::RX).replacing()).expect("replace");
    assert_eq!((arena.used(), by_size(&leaves(&space, &arena))), (used - 6, [0, 0, 1]));
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn blocks_beside_a_table_that_was_left_form_no_run() {
    const CONTIGUOUS: u64 = 1 << 52;
    let (mut space, arena) = space::<El1<G4K, 39>>(16);
    let marked = || {
        arena
            .image()
            .iter()
            .flat_map(|(_, words)| words.clone())
            .filter(|word| word & (CONTIGUOUS | 3) == CONTIGUOUS | 1)
            .count()
    };
    let runs = tablature::edit::Limits { runs: true, ..tablature::edit::Limits::ANY };
    let whole = mapping(0, 1 << 30, 32 * M, Rights::RW).limited(runs);
    space.map(&whole).expect("map");
    assert_eq!(marked(), 16);
    space.unmap(virt(0), 32 * M, Reclaim::Free).expect("unmap");
    space.map(&mapping(4 * M, 0, 4 * K, Rights::RW)).expect("map");
    space.unmap(virt(4 * M), 4 * K, Reclaim::Keep).expect("unmap");
    space.map(&whole).expect("map");
    let found = leaves(&space, &arena);
    assert_eq!((marked(), by_size(&found)), (0, [512, 15, 0]));
    assert!(found.iter().all(|(at, leaf)| at + (1 << 30) == leaf.1));
    space.free();
}

#[test]
fn no_leaf_takes_the_place_of_a_root_entry_that_others_share() {
    use tablature::edit::Limits;
    use tablature::page::Size512G;
    use tablature::riscv::Sv48;
    let (mut space, arena) = space::<Sv48>(2048);
    let size = 512 * G;
    space.pin(virt(size), size).expect("a root entry");
    let used = arena.used();
    let page = Page::<Size512G>::containing(virt(size));
    let refused = MapError::Range(RangeError::Pinned { virt: virt(size) });
    assert_eq!(space.map_page(page, Frame::containing(PhysAddr::new(0)), attributes(Rights::RW)), Err(refused));
    let only = Limits { smallest: size, largest: size, runs: false };
    let same = |at: VirtAddr| PhysAddr::new(at.as_u64());
    assert_eq!(space.map_with(virt(size), size, attributes(Rights::RW), only, same), Err(refused));
    assert!(space.unmap_page(page).is_err() && space.promote(page).is_err());
    assert!(space.cursor(virt(size)).map(page, Frame::containing(PhysAddr::new(0)), attributes(Rights::RW)).is_err());
    assert_eq!(arena.used(), used);
    space.map_with(virt(size), size, attributes(Rights::RW), Limits::ANY, same).expect("smaller leaves");
    assert_eq!(by_size(&leaves(&space, &arena)), [0, 0, 512]);
    space.free();
}

#[test]
fn tables_outlive_a_space_that_was_only_dropped() {
    let (mut space, arena) = space::<Sv39>(8);
    space.map(&mapping(0x1000, 0x5000, 4 * K, Rights::RW)).expect("map");
    let before = arena.image();
    drop(space);
    assert_eq!(arena.image(), before, "a core may still walk them");
    let (mut space, arena) = crate::kinds::space::<Sv39>(8);
    space.map(&mapping(0x1000, 0x5000, 4 * K, Rights::RW)).expect("map");
    let before = arena.image();
    drop(live(space));
    assert_eq!(arena.image(), before);
}
