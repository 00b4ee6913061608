//! What its maps, splits, unmaps and iterators come to.

use tablature::aarch64::{El2, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{Mapping, Protect, Reclaim};
use tablature::flush::Maintain;
use tablature::regime::With;
use tablature::table::Attributes;
use tablature::x86_64::{Level4, Level5};

use crate::kinds::{G, K, M, Space, attributes, mapping, space};
use crate::measured::{CASES, SPLITS};

const LARGE: u64 = Features::NX.union(Features::PDPE1GB).bits();
type X86 = With<Level4, LARGE>;
type Arm = El2<G4K, 48>;

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

/// First address, physical address, bytes, rights of each leaf from `start` on.
fn leaves<R: Maintain>(space: &Space<R>, start: u64) -> Vec<(u64, u64, u64, Rights)> {
    let leaves = space.leaves(virt(start));
    leaves.map(|leaf| (leaf.virt.as_u64(), leaf.leaf.address, leaf.size, leaf.leaf.access.privileged)).collect()
}

fn by_size(leaves: &[(u64, u64, u64, Rights)]) -> [usize; 3] {
    [4 * K, 2 * M, G].map(|size| leaves.iter().filter(|leaf| leaf.2 == size).count())
}

fn takes_as_many_tables<R: Maintain>(deeper: usize) {
    for (start, phys, size, tables, by) in CASES {
        let (mut space, arena) = space::<R>(tables + deeper + 1);
        let root = arena.used();
        space.map(&mapping(start, phys, size, Rights::RW)).expect("enough tables");
        assert_eq!(arena.used() - root, tables + deeper, "{}: {start:#x} {size:#x}", R::FORMAT.name);
        let found = leaves(&space, 0);
        assert_eq!(by_size(&found), by, "{}: {start:#x} {size:#x}", R::FORMAT.name);
        // The iterator: without holes, and the sizes add up.
        let end = found.iter().fold(start, |at, leaf| {
            assert_eq!((leaf.0, leaf.1 - phys, leaf.3), (at, at - start, Rights::RW));
            at + leaf.2
        });
        assert_eq!(end - start, size);
        space.free();
    }
}

#[test]
fn seventeen_ranges_take_as_many_tables() {
    takes_as_many_tables::<X86>(0);
    takes_as_many_tables::<With<Level5, LARGE>>(1);
    takes_as_many_tables::<Arm>(0);
}

/// Another map with other rights over a part of a large leaf is how it changes attributes.
fn splits_as_little_as_it_needs<R: Maintain>() {
    for ((start, size), (part, bytes), tables) in SPLITS {
        let (mut space, arena) = space::<R>(16);
        space.map(&mapping(start, start, size, Rights::RW)).expect("map");
        let before = arena.used();
        space.map(&mapping(part, part, bytes, Rights::R).replacing()).expect("replace");
        assert_eq!(arena.used() - before, tables, "{}: {part:#x}", R::FORMAT.name);
        let mut end = start;
        for (at, phys, size, rights) in leaves(&space, 0) {
            let inside = (part..part + bytes).contains(&at);
            assert_eq!((at, phys, rights), (end, at, if inside { Rights::R } else { Rights::RW }));
            end = at + size;
        }
        assert_eq!(end, start + size);
        space.free();
    }
}

#[test]
fn splits_add_as_many_tables_and_keep_what_they_do_not_touch() {
    splits_as_little_as_it_needs::<X86>();
    splits_as_little_as_it_needs::<Arm>();
}

#[test]
fn an_alias_inside_a_large_leaf_leaves_the_offsets_around_it() {
    let (mut space, arena) = space::<X86>(8);
    let start = 0x0f88_8880_0000;
    space.map(&mapping(start, 0x40_0000, 2 * M, Rights::RW)).expect("map");
    let before = arena.used();
    space.map(&mapping(start + 0x1_0000, 0x9000, 4 * K, Rights::R).replacing()).expect("alias");
    assert_eq!(arena.used() - before, 1);
    let to = |offset| space.translate(virt(start + offset)).map(PhysAddr::as_u64);
    assert_eq!([to(0xffff), to(0x1_0000), to(0x1_1000)], [Ok(0x40_ffff), Ok(0x9000), Ok(0x41_1000)]);
    space.free();
}

#[test]
fn what_is_mapped_unmapped_and_mapped_again_is_what_was_mapped_last() {
    let (mut space, _) = space::<X86>(8);
    space.map(&mapping(0, 0, 2 * M, Rights::RW)).expect("map");
    space.unmap(virt(0), 2 * M, Reclaim::Keep).expect("unmap");
    space.map(&mapping(64 * K, 64 * K, 4 * K, Rights::RW)).expect("map");
    assert_eq!(leaves(&space, 0), [(64 * K, 64 * K, 4 * K, Rights::RW)]);
    space.free();
}

fn a_part_with_the_same_attributes<R: Maintain>() {
    let (mut space, arena) = space::<R>(8);
    space.map(&mapping(2 * M, 2 * M, 2 * M, Rights::R)).expect("map");
    let before = arena.image();
    space.map(&mapping(2 * M, 2 * M, 2 * M - 4 * K, Rights::R).replacing()).expect("the same");
    assert_eq!(arena.image(), before);
    space.protect(virt(2 * M), 2 * M - 4 * K, &Protect::access(Access::kernel(Rights::R))).expect("the same");
    assert_eq!(arena.image(), before);
    assert_eq!(leaves(&space, 0), [(2 * M, 2 * M, 2 * M, Rights::R)]);
    space.free();
}

#[test]
fn a_part_with_the_same_attributes_splits_nothing() {
    a_part_with_the_same_attributes::<X86>();
    a_part_with_the_same_attributes::<Arm>();
}

#[test]
fn a_map_over_four_kinds_of_pages_makes_them_uniform() {
    let (mut space, _) = space::<X86>(8);
    for (page, rights) in [Rights::R, Rights::RW, Rights::RX, Rights::RWX].into_iter().enumerate() {
        space.map(&mapping(page as u64 * 4 * K, 0x10_0000, 4 * K, rights)).expect("map");
    }
    assert!(space.query(virt(0), 16 * K).is_err());
    space.map(&mapping(0, 0x8000, 16 * K, Rights::RX).replacing()).expect("over all");
    let uniform = space.query(virt(0), 16 * K).expect("uniform");
    assert_eq!((uniform.attributes.access, uniform.phys), (Access::kernel(Rights::RX), Some(PhysAddr::new(0x8000))));
    space.free();
}

#[test]
fn an_unmap_over_large_small_and_absent_pages_leaves_nothing() {
    let (mut space, arena) = space::<X86>(16);
    let root = arena.used();
    for (start, size, rights) in [(0x3000, 8 * K, Rights::R), (2 * M, 2 * M, Rights::RW), (G, G, Rights::RX)] {
        space.map(&mapping(start, start, size, rights)).expect("map");
    }
    space.unmap(virt(0), 3 * G, Reclaim::Free).expect("holes are fine");
    assert_eq!((leaves(&space, 0), arena.used()), (vec![], root));
    // Nothing is mapped any more, and that is fine, too.
    space.unmap(virt(0), 3 * G, Reclaim::Free).expect("nothing there");
    space.free();
}

/// Tables of an identity map of `size` bytes from 0, with leaves up to 1 GiB.
const fn predicted(size: u64) -> usize {
    if size < 2 * M {
        3
    } else if size < G {
        2
    } else {
        1
    }
}

fn doubles<R: Maintain>() {
    let mut size = 4 * K;
    while size <= 4 * G {
        let (mut space, arena) = space::<R>(8);
        let root = arena.used();
        space.map(&mapping(0, 0, size, Rights::RW)).expect("map");
        assert_eq!(arena.used() - root, predicted(size), "{size:#x}");
        let found = leaves(&space, 0);
        assert!(found.iter().all(|leaf| (leaf.0, leaf.3) == (leaf.1, Rights::RW)));
        assert_eq!(found.iter().map(|leaf| leaf.2).sum::<u64>(), size);
        space.free();
        size *= 2;
    }
}

#[test]
fn doubling_sizes_take_as_many_tables_as_predicted() {
    doubles::<X86>();
    doubles::<Arm>();
}

#[test]
fn iterators_start_where_they_are_told_and_extend_the_sign() {
    let (mut space, _) = space::<X86>(16);
    assert_eq!((space.leaves(virt(0)).count(), space.iter(virt(0)).count()), (0, 0));
    let high = 0xffff_8000_0000_0000;
    for (start, size) in [(0x1000, 4 * K), (4 * M, 4 * M), (high, 4 * K)] {
        space.map(&mapping(start, 0x4000_0000, size, Rights::RW)).expect("map");
    }
    let starts = |from| leaves(&space, from).into_iter().map(|leaf| leaf.0).collect::<Vec<_>>();
    assert_eq!(starts(0), [0x1000, 4 * M, 6 * M, high]);
    assert_eq!(starts(0x2000), [4 * M, 6 * M, high], "before it");
    assert_eq!(starts(7 * M + 5), [6 * M, high], "inside of it");
    assert_eq!(starts(8 * M), [high]);
    assert!(starts(high + 0x1000).is_empty(), "behind all");
    space.free();
}

/// Read-protected pages: what nothing may touch is not mapped here, and the frame is the caller's to remember.
#[test]
fn read_protection_is_no_mapping() {
    let (mut space, _) = space::<X86>(8);
    let none = Mapping { attributes: attributes(Rights::NONE), ..mapping(0x1000, 0x1000, 4 * K, Rights::R) };
    assert!(space.map(&none).is_err());
    assert!(space.translate(virt(0x1000)).is_err());
    space.free();
}

/// Its cache attributes and access attributes, each alone over what is mapped.
#[test]
fn rights_and_types_change_one_without_the_other() {
    let (mut space, _) = space::<X86>(8);
    space.map(&mapping(0, 0, 2 * M, Rights::RW)).expect("map");
    space.protect(virt(0x1000), 4 * K, &Protect::memory(MemoryType::DeviceNgnrne)).expect("mapped");
    space.protect(virt(0), 2 * M, &Protect::access(Access::kernel(Rights::RX))).expect("mapped");
    let at = |address| space.query(virt(address), 4 * K).map(|uniform| uniform.attributes);
    assert_eq!(at(0), Ok(Attributes::new(Access::kernel(Rights::RX), MemoryType::NormalWb)));
    assert_eq!(at(0x1000), Ok(Attributes::new(Access::kernel(Rights::RX), MemoryType::DeviceNgnrne)));
    space.free();
}
