//! Tables and leaves: as many as measured elsewhere, and each where it belongs.

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Features, Rights};
use tablature::edit::{Existing, Limits, MapError, Reclaim};
use tablature::flush::Maintain;
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::x86_64::{Level4, Level5};

use crate::kinds::{G, K, M, by_size, leaves, mapping, space};
use crate::measured::{CASES, SPLITS};

const LARGE: u64 = Features::NX.union(Features::PDPE1GB).bits();

fn counts<R: Maintain>(deeper: usize) {
    for (virt, phys, size, tables, by) in CASES {
        let tables = tables + deeper;
        // Exactly as many as it takes.
        let (mut space, arena) = space::<R>(tables + 2);
        let roots = arena.used();
        arena.limit(tables);
        space.map(&mapping(virt, phys, size, Rights::RW)).expect("enough tables");
        assert_eq!(arena.used() - roots, tables, "{virt:#x} {size:#x}");
        let found = leaves(&space, &arena);
        assert_eq!(by_size(&found), by, "{virt:#x} {size:#x}");
        assert_eq!(found.values().map(|leaf| leaf.0).sum::<u64>(), size);
        assert!(found.iter().all(|(at, leaf)| at - virt == leaf.1 - phys));
        space.unmap(VirtAddr::new(virt), size, Reclaim::Free).expect("whole leaves");
        assert_eq!(arena.used(), roots);
        space.free();
        assert_eq!(arena.used(), 0);
    }
}

#[test]
fn tables_are_those_measured_elsewhere() {
    counts::<With<Level4, LARGE>>(0);
    counts::<With<Level5, LARGE>>(1);
    counts::<El1<G4K, 48>>(0);
}

#[test]
fn a_table_less_than_needed_changes_nothing() {
    for (virt, phys, size, tables, _) in CASES {
        let (mut space, arena) = space::<With<Level4, LARGE>>(tables);
        let before = arena.image();
        let error = space.map(&mapping(virt, phys, size, Rights::RW)).expect_err("a table is missing");
        assert_eq!(error, MapError::OutOfTables(tables as u64));
        assert_eq!(arena.image(), before);
        assert_eq!(arena.used(), 1);
        space.free();
    }
}

#[test]
fn splits_cost_the_tables_measured_elsewhere_and_keep_what_they_do_not_touch() {
    for ((virt, size), (start, bytes), tables) in SPLITS {
        for what in ["replace", "protect", "unmap"] {
            let (mut space, arena) = space::<With<Level4, LARGE>>(16);
            space.map(&mapping(virt, virt, size, Rights::RW)).expect("map");
            let used = arena.used();
            match what {
                "replace" => space.map(&mapping(start, start + 8 * G, bytes, Rights::R).replacing()).expect("replace"),
                "protect" => space
                    .protect(
                        VirtAddr::new(start),
                        bytes,
                        &tablature::edit::Protect::access(tablature::attr::Access::kernel(Rights::R)),
                    )
                    .expect("protect"),
                _ => space.unmap(VirtAddr::new(start), bytes, Reclaim::Free).expect("unmap"),
            }
            assert_eq!(arena.used() - used, tables, "{what} of {start:#x} in {size:#x}");
            let found = leaves(&space, &arena);
            let mut end = virt;
            for (&at, &(size, phys, rights)) in &found {
                let inside = at >= start && at < start + bytes;
                let expected = match what {
                    "replace" if inside => (at + 8 * G, Rights::R),
                    "protect" if inside => (at, Rights::R),
                    _ => (at, Rights::RW),
                };
                assert_eq!((phys, rights), expected, "{what} at {at:#x}");
                assert!(at == end || what == "unmap");
                end = at + size;
            }
            let gone = if what == "unmap" { bytes } else { 0 };
            assert_eq!(found.values().map(|leaf| leaf.0).sum::<u64>(), size - gone);
            space.free();
            assert_eq!(arena.used(), 0);
        }
    }
}

#[test]
fn a_page_aliased_inside_a_large_leaf_leaves_the_others_where_they_were() {
    let virt = 0x0f88_8880_0000;
    let (mut space, arena) = space::<El1<G4K, 48>>(8);
    space.map(&mapping(virt, 0x40_0000, 2 * M, Rights::RW)).expect("map");
    let used = arena.used();
    space.map(&mapping(virt + 0x5000, 0x9000, 4 * K, Rights::R).replacing()).expect("alias");
    assert_eq!(arena.used() - used, 1);
    for (at, (_, phys, rights)) in leaves(&space, &arena) {
        let expected = if at == virt + 0x5000 { (0x9000, Rights::R) } else { (at - virt + 0x40_0000, Rights::RW) };
        assert_eq!((phys, rights), expected);
    }
    space.free();
}

#[test]
fn the_same_range_less_a_page_stays_one_large_leaf() {
    let (mut space, arena) = space::<Level4>(8);
    space.map(&mapping(0x20_0000, 0, 2 * M, Rights::R)).expect("map");
    let before = arena.image();
    space.map(&mapping(0x20_0000, 0, 2 * M - 4 * K, Rights::R).replacing()).expect("the same");
    assert_eq!(arena.image(), before);
    space.free();
}

#[test]
fn one_map_over_four_kinds_of_pages_makes_them_uniform() {
    let (mut space, arena) = space::<Level4>(8);
    for (i, rights) in [Rights::R, Rights::RW, Rights::RX, Rights::RWX].into_iter().enumerate() {
        space.map(&mapping(i as u64 * 0x1000, i as u64 * 0x5000, 4 * K, rights)).expect("map");
    }
    space.map(&mapping(0, 0x8000, 16 * K, Rights::RW).replacing()).expect("over all");
    let found: Vec<_> = leaves(&space, &arena).into_iter().collect();
    let page = |i: u64| (i * 0x1000, (4 * K, 0x8000 + i * 0x1000, Rights::RW));
    assert_eq!(found, [page(0), page(1), page(2), page(3)]);
    space.free();
}

#[test]
fn huge_pages_are_chosen_where_the_addresses_allow() {
    let (mut space, arena) = space::<With<Level4, LARGE>>(16);
    let start = G - 4 * K;
    space.map(&mapping(start, start, G + 2 * M + 12 * K, Rights::RW)).expect("map");
    let sizes: Vec<u64> = leaves(&space, &arena).values().map(|leaf| leaf.0).collect();
    assert_eq!(sizes, [4 * K, G, 2 * M, 4 * K, 4 * K]);
    space.free();
}

#[test]
fn sizes_from_a_page_to_four_gigabytes_come_out_whole() {
    fn all<R: Maintain>() {
        let mut size = R::FORMAT.page_size();
        while size <= 4 * G {
            let (mut space, arena) = space::<R>(8);
            space.map(&mapping(4 * G, 8 * G, size, Rights::RW)).expect("map");
            let found = leaves(&space, &arena);
            assert_eq!(found.values().map(|leaf| leaf.0).sum::<u64>(), size);
            assert!(found.iter().all(|(at, leaf)| at + 4 * G == leaf.1));
            space.map(&mapping(4 * G, 8 * G, size, Rights::RW)).expect_err("it is mapped");
            space.unmap(VirtAddr::new(4 * G), size, Reclaim::Free).expect("unmap");
            assert!(leaves(&space, &arena).is_empty());
            space.free();
            assert_eq!(arena.used(), 0);
            size *= 2;
        }
    }
    all::<With<Level4, LARGE>>();
    all::<El1<G4K, 39>>();
    all::<Sv39>();
    all::<tablature::riscv::Sv57>();
    all::<tablature::riscv::Sv48x4>();
    all::<tablature::aarch64::El2<G4K, 48>>();
    all::<tablature::aarch64::Stage2<G4K, 40>>();
    all::<tablature::loongarch64::La64>();
    all::<tablature::x86_64::Ept4>();
    all::<El1<tablature::aarch64::G16K, 47>>();
    all::<El1<tablature::aarch64::G64K, 42>>();
}

#[test]
fn narrow_formats_come_out_whole() {
    fn all<R: Maintain>(most: u64) {
        for at in [0, 0x7ff_f000, 0x3fe0_0000, 0x4010_0000] {
            for runs in [false, true] {
                let (mut space, arena) = space::<R>(1024);
                let mut size = 4 * K;
                while size <= most {
                    let request = mapping(at, at + M, size, Rights::RWX).limited(Limits { runs, ..Limits::ANY });
                    let request = tablature::edit::Mapping { attributes: request.attributes.not_global(), ..request };
                    space.map(&request).expect("map");
                    let found = leaves(&space, &arena);
                    assert_eq!(found.values().map(|leaf| leaf.0).sum::<u64>(), size, "{at:#x} {size:#x}");
                    assert!(found.iter().all(|(at, leaf)| at + M == leaf.1), "{at:#x} {size:#x} {found:x?}");
                    space.unmap(VirtAddr::new(at), size, Reclaim::Free).expect("unmap");
                    assert_eq!(arena.used(), R::FORMAT.root_tables() as usize);
                    size = size * 2 + 4 * K;
                }
                space.free();
                assert_eq!(arena.used(), 0);
            }
        }
    }
    all::<tablature::riscv::Sv32>(16 * M);
    all::<tablature::armv7::Lpae>(16 * M);
    all::<tablature::armv7::Short>(16 * M);
    all::<tablature::x86::Pae>(16 * M);
    all::<tablature::x86::Legacy32>(16 * M);
}

#[test]
fn an_existing_mapping_is_kept_or_replaced_as_asked() {
    let (mut space, arena) = space::<Level4>(16);
    space.map(&mapping(0, 0, 2 * M, Rights::RW)).expect("map");
    let inside = space.map(&mapping(64 * K, 0x40_0000, 4 * K, Rights::RW)).expect_err("inside a leaf");
    assert!(matches!(inside, MapError::InsideLeaf(found) if found.level == 1 && found.virt == VirtAddr::new(0)));
    space.unmap(VirtAddr::new(0), 2 * M, Reclaim::Keep).expect("unmap");
    space.map(&mapping(64 * K, 0x40_0000, 4 * K, Rights::RW)).expect("map");
    assert_eq!(leaves(&space, &arena).into_iter().collect::<Vec<_>>(), [(64 * K, (4 * K, 0x40_0000, Rights::RW))]);
    let whole = tablature::edit::Mapping { existing: Existing::Replace, ..mapping(0, 0, 2 * M, Rights::RX) };
    let used = arena.used();
    space.map(&whole).expect("replace");
    assert_eq!(arena.used(), used - 1, "the table of the page is not lost");
    assert_eq!(by_size(&leaves(&space, &arena)), [0, 1, 0]);
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn scattered_memory_takes_large_leaves_where_the_answers_allow() {
    let (mut space, arena) = space::<With<Level4, LARGE>>(16);
    let holes = |at: VirtAddr| {
        let at = at.as_u64();
        PhysAddr::new(if at < 2 * M { 0x1_0000_0000 - at } else { at + 8 * G })
    };
    let (virt, size, rw) = (VirtAddr::new(M), 5 * M + 8 * K, crate::kinds::attributes(Rights::RW));
    // One page, and another, in tables of their own; then two large leaves and the rest.
    arena.limit(4);
    space.map_with(virt, size, rw, Limits::ANY, holes).expect("exactly enough tables");
    let found = leaves(&space, &arena);
    assert_eq!(by_size(&found), [256 + 2, 2, 0]);
    assert!(found.iter().all(|(&at, leaf)| PhysAddr::new(leaf.1) == holes(VirtAddr::new(at))));
    assert!(matches!(space.map_with(virt, 4 * K, rw, Limits::ANY, holes), Err(MapError::AlreadyMapped(_))));
    space.free();
}

#[test]
fn scattered_memory_is_mapped_whole_or_not_at_all() {
    let (mut space, arena) = space::<With<Level4, LARGE>>(16);
    let rw = crate::kinds::attributes(Rights::RW);
    let before = arena.image();
    let bad = |at: VirtAddr| PhysAddr::new(if at.as_u64() == 0x5000 { 0x123 } else { 0x8000 });
    let error = space.map_with(VirtAddr::new(0), 64 * K, rw, Limits::ANY, bad);
    assert!(matches!(error, Err(MapError::UnalignedPhys(_))));
    let far = |at: VirtAddr| PhysAddr::new(if at.as_u64() == 0x5000 { 1 << 60 } else { 0x8000 });
    let error = space.map_with(VirtAddr::new(0), 64 * K, rw, Limits::ANY, far);
    assert!(matches!(error, Err(MapError::PhysOutOfRange(_))));
    arena.limit(2);
    let error = space.map_with(VirtAddr::new(0), 64 * K, rw, Limits::ANY, |_| PhysAddr::new(0x8000));
    assert_eq!(error, Err(MapError::OutOfTables(3)));
    assert_eq!(arena.image(), before);
    // An answer that is another the second time leaves a hole, and nothing worse.
    arena.limit(16);
    let mut asked = 0;
    let moody = |_| {
        asked += 1;
        PhysAddr::new(if asked == 20 { 0x123 } else { 0x8000 })
    };
    space.map_with(VirtAddr::new(0), 64 * K, rw, Limits::ANY, moody).expect("checked");
    assert!(leaves(&space, &arena).len() < 16);
    space.free();
    assert_eq!(arena.used(), 0);
}
