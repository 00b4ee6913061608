//! What the readers of other systems are tested for: patina's iterator and query, the queries of page_table_multiarch. Tables
//! are made by this library's own edits.

use tablature::aarch64::{El2, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::read::QueryError;
use tablature::edit::{AddressSpace, Halves, Mapping, Protect, RangeError, Reclaim};
use tablature::flush::Maintain;
use tablature::regime::With;
use tablature::table::Attributes;
use tablature::walk::Fault;

use crate::arena::Arena;
use crate::sharing::On;

type X86 = With<tablature::x86_64::Level4, { Features::PDPE1GB.bits() }>;
type Arm = El2<G4K, 48>;
type Space<R> = AddressSpace<On<R>>;

const K: u64 = 1 << 10;
const M: u64 = 1 << 20;
const G: u64 = 1 << 30;

fn space<R: Maintain>() -> Space<R> {
    let halves = if R::FORMAT.upper_half { Halves::Both } else { Halves::Lower };
    Space::new(Arena::new(64), halves).expect("a root")
}

const fn attributes(rights: Rights) -> Attributes {
    Attributes::new(Access::kernel(rights), MemoryType::NormalWb)
}

fn map<R: Maintain>(space: &mut Space<R>, virt: u64, phys: u64, size: u64, rights: Rights) {
    let mapping = Mapping::new(VirtAddr::new(virt), PhysAddr::new(phys), size, attributes(rights));
    space.map(&mapping).expect("mapped");
}

fn starts<R: Maintain>(space: &Space<R>, from: u64) -> Vec<u64> {
    space.leaves(VirtAddr::new(from)).map(|leaf| leaf.virt.as_u64()).collect()
}

/// patina's ranges, and how many leaves of 4 KiB, 2 MiB and 1 GiB each takes.
const RANGES: [(u64, u64, u64, [usize; 3]); 14] = [
    (0, 0, 4 * K, [1, 0, 0]),
    (0x1000, 0x1000, 511 * 4 * K, [511, 0, 0]),
    (0, 0, 2 * M + 4 * K, [1, 1, 0]),
    (0, 0, G + 2 * M + 4 * K, [1, 1, 1]),
    (0x10_0000, 0x10_0000, 2 * M, [512, 0, 0]),
    (0x1000, 0x1000, 10 * G, [512, 511, 9]),
    (0, 0, 512 * G, [0, 0, 512]),
    (0, 0, 1024 * G, [0, 0, 1024]),
    (0x7f_ffff_f000, 0x7f_ffff_f000, 8 * K, [2, 0, 0]),
    (0x1f_f000, 0x1f_f000, 8 * K, [2, 0, 0]),
    (0xf88_888a_a000, 0, 4 * M, [1024, 0, 0]),
    (0xf88_8880_0000, 0x40_0000, 2 * M, [0, 1, 0]),
    (0, 0x1000, 2 * M, [512, 0, 0]),
    (0, 0x20_0000, G, [0, 512, 0]),
];

fn ranges_iterate_as_one<R: Maintain>() {
    for (virt, phys, size, counts) in RANGES {
        let mut space = space::<R>();
        assert_eq!(space.iter(VirtAddr::new(0)).count(), 0);
        map(&mut space, virt, phys, size, Rights::RX);
        let mut seen = [0; 3];
        let mut at = virt;
        for leaf in space.leaves(VirtAddr::new(0)) {
            assert_eq!((leaf.virt.as_u64(), leaf.leaf.address), (at, phys + (at - virt)), "{}", R::FORMAT.name);
            assert_eq!(leaf.leaf.access, Access::kernel(Rights::RX));
            seen[[4 * K, 2 * M, G].iter().position(|size| *size == leaf.size).expect("a size")] += 1;
            at += leaf.size;
        }
        assert_eq!((at - virt, seen), (size, counts), "{}: {virt:#x}", R::FORMAT.name);
        let regions: Vec<_> =
            space.iter(VirtAddr::new(0)).map(|r| (r.virt.as_u64(), r.phys.as_u64(), r.size)).collect();
        assert_eq!(regions, [(virt, phys, size)], "{}", R::FORMAT.name);
        let uniform = space.query(VirtAddr::new(virt), size).expect("uniform");
        assert_eq!((uniform.attributes.access, uniform.phys), (Access::kernel(Rights::RX), Some(PhysAddr::new(phys))));
    }
}

#[test]
fn ranges_iterate_as_one_region_of_the_leaves_they_take() {
    ranges_iterate_as_one::<X86>();
    ranges_iterate_as_one::<Arm>();
}

#[test]
fn a_start_skips_what_lies_before() {
    let mut space = space::<X86>();
    map(&mut space, 0x1000, 0x1000, 8 * K, Rights::RW);
    map(&mut space, 16 * M, 16 * M, 16 * M, Rights::RX);
    map(&mut space, 0xffff_8000_0000_0000, 0, 8 * K, Rights::R);
    let leaves: Vec<u64> = (0..8).map(|i| 16 * M + i * 2 * M).collect();
    assert_eq!(starts(&space, 0)[..2], [0x1000, 0x2000]);
    assert_eq!(starts(&space, 0x3000)[..8], leaves);
    assert_eq!(starts(&space, 16 * M + 5 * 2 * M)[..3], leaves[5..]);
    assert_eq!(starts(&space, 16 * M + 5 * 2 * M + 0x1234)[..3], leaves[5..]);
    let upper = [0xffff_8000_0000_0000, 0xffff_8000_0000_1000];
    assert_eq!(starts(&space, 32 * M), upper);
    assert_eq!(starts(&space, upper[1]), upper[1..]);
    assert!(starts(&space, upper[1] + 0x1000).is_empty());
}

#[test]
fn a_query_has_the_outcomes_of_patina() {
    let mut space = space::<X86>();
    let at = VirtAddr::new(2 * M);
    assert_eq!(space.query(at, 2 * M), Err(QueryError::NotMapped));
    map(&mut space, 2 * M, 2 * M, 4 * M, Rights::RW);
    space.protect(VirtAddr::new(3 * M), 4 * K, &Protect::access(Access::kernel(Rights::R))).expect("protected");
    assert_eq!(space.query(at, 4 * M), Err(QueryError::Differs { at: VirtAddr::new(3 * M) }));
    space.unmap(VirtAddr::new(5 * M), 4 * K, Reclaim::Free).expect("unmapped");
    assert_eq!(space.query(at, 4 * M), Err(QueryError::PartlyMapped { hole: VirtAddr::new(5 * M) }));
    assert_eq!(space.query(at, M).map(|uniform| uniform.attributes.access), Ok(Access::kernel(Rights::RW)));
    assert_eq!(space.query(at, 0), Err(QueryError::Range(RangeError::Empty)));
    let hole = VirtAddr::new(0x8000_0000_0000);
    assert_eq!(space.query(hole, 4 * K), Err(QueryError::Range(RangeError::NotCanonical { virt: hole })));
}

/// page_table_multiarch: the address with its offset, the rights, the size of the page.
#[test]
fn a_page_is_found_with_its_offset_and_size() {
    let mut space = space::<X86>();
    map(&mut space, 3 * G - 4 * K, 7 * G - 4 * K, 4 * K + G + 2 * M, Rights::RW);
    let page = |virt| space.page(VirtAddr::new(virt)).map(|found| (found.address.as_u64(), found.size, found.level));
    assert_eq!(page(3 * G - 1), Ok((7 * G - 1, 4 * K, 0)));
    assert_eq!(page(3 * G + 0x123_4567), Ok((7 * G + 0x123_4567, G, 2)));
    assert_eq!(page(4 * G + 0x1_2345), Ok((8 * G + 0x1_2345, 2 * M, 1)));
    assert_eq!(page(4 * G + 2 * M), Err(Fault::Absent { level: 1 }));
    assert_eq!(page(512 * G), Err(Fault::Absent { level: 3 }));
    assert_eq!(page(0x8000_0000_0000), Err(Fault::NotCanonical));
}
