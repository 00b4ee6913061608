//! Its errors, each told from every other.

use std::mem::{Discriminant, discriminant};

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{MemoryType, Rights};
use tablature::edit::read::QueryError;
use tablature::edit::{
    ActiveError, AddressSpace, Halves, MapError, Mapping, NewError, OpenActiveError, Protect, ProtectError, RangeError,
    Reclaim, UnmapError,
};
use tablature::flush::{Maintain, Recorder};
use tablature::x86_64::operation::Register;
use tablature::x86_64::{Level4, Level5};

use crate::arena::Arena;
use crate::kinds::{K, M, On, attributes, mapping, space};

/// What a map is refused for: which variant, and which of those about ranges.
fn kind(error: MapError) -> (Discriminant<MapError>, Option<Discriminant<RangeError>>) {
    let range = if let MapError::Range(range) = error { Some(discriminant(&range)) } else { None };
    (discriminant(&error), range)
}

/// The last page below `end`, where a hole begins, has none behind it.
fn each_is_refused_for_its_own_reason<R: Maintain>(end: u64) {
    let (mut space, arena) = space::<R>(8);
    arena.limit(3);
    let before = arena.image();
    let hole = end - 4 * K;
    let top = 0u64.wrapping_sub(4 * K);
    let untyped = Mapping { attributes: attributes(Rights::NONE), ..mapping(0, 0, 4 * K, Rights::R) };
    let refused = [
        ("empty", mapping(0, 0, 0, Rights::R)),
        ("virtual address", mapping(0x800, 0, 4 * K, Rights::R)),
        ("size", mapping(0, 0, 0x1800, Rights::R)),
        ("physical address", mapping(0, 0x800, 4 * K, Rights::R)),
        ("physical range", mapping(0, 1 << 52, 4 * K, Rights::R)),
        ("not canonical", mapping(end, 0, 4 * K, Rights::R)),
        ("across the hole", mapping(hole, 0, 8 * K, Rights::R)),
        ("past the top", mapping(top, 0, 8 * K, Rights::R)),
        ("incompatible attributes", untyped),
        ("out of frames", mapping(0x1f_f000, 0, 8 * K, Rights::R)),
    ];
    let mut seen = Vec::new();
    for (what, request) in refused {
        let error = kind(space.map(&request).expect_err(what));
        assert!(!seen.contains(&error), "{what} is not told apart");
        seen.push(error);
    }
    assert_eq!(arena.image(), before);
    // The last page of either half is one.
    assert_eq!(space.map(&mapping(top, 0, 4 * K, Rights::R)), Ok(()));
    space.free();
}

#[test]
fn each_bad_map_is_refused_for_its_own_reason() {
    each_is_refused_for_its_own_reason::<Level4>(1 << 47);
    each_is_refused_for_its_own_reason::<El1<G4K, 48>>(1 << 48);
}

/// The same ranges are refused by the other operations, for the same reasons.
#[test]
fn bad_ranges_are_bad_for_all_operations() {
    let (mut space, _) = space::<Level4>(4);
    for (at, size) in [(0, 0), (0x800, 4 * K), (0, 0x800), (1 << 47, 4 * K), (0x7fff_ffff_f000, 8 * K)] {
        let Err(MapError::Range(error)) = space.map(&mapping(at, 0, size, Rights::R)) else {
            panic!("{at:#x} {size:#x}")
        };
        let at = VirtAddr::new(at);
        assert_eq!(space.unmap(at, size, Reclaim::Free), Err(UnmapError::Range(error)));
        assert_eq!(space.query(at, size).map(|_| ()), Err(QueryError::Range(error)));
        let change = Protect::memory(MemoryType::NormalWb);
        assert!(matches!(space.protect(at, size, &change), Err(ProtectError::Range(same)) if same == error));
    }
    space.free();
}

#[test]
fn queries_of_nothing_of_a_part_and_of_different_pages_are_told_apart() {
    let (mut space, _) = space::<Level4>(8);
    let at = VirtAddr::new;
    assert_eq!(space.query(at(0), 16 * K), Err(QueryError::NotMapped));
    space.map(&mapping(0, 0, 8 * K, Rights::R)).expect("map");
    assert_eq!(space.query(at(0), 16 * K), Err(QueryError::PartlyMapped { hole: at(8 * K) }));
    space.map(&mapping(8 * K, 8 * K, 8 * K, Rights::RW)).expect("map");
    assert_eq!(space.query(at(0), 16 * K), Err(QueryError::Differs { at: at(8 * K) }));
    assert_eq!(space.query(at(0), 8 * K).map(|uniform| uniform.phys), Ok(Some(PhysAddr::new(0))));
    space.free();
}

/// There the consumer sets policy, and every map overwrites; here the request says whether it does.
#[test]
fn a_map_overwrites_when_it_is_asked_to() {
    let (mut space, _) = space::<Level4>(8);
    space.map(&mapping(0, 0, 2 * M, Rights::R)).expect("map");
    let other = mapping(0x1000, 0x5000, 4 * K, Rights::RW);
    assert!(matches!(space.map(&other), Err(MapError::InsideLeaf(_))));
    assert_eq!(space.map(&other.replacing()), Ok(()));
    assert!(matches!(space.map(&other), Err(MapError::AlreadyMapped(_))));
    assert_eq!(space.translate(VirtAddr::new(0x1fff)), Ok(PhysAddr::new(0x5fff)));
    // What is not mapped may be unmapped.
    assert_eq!(space.unmap(VirtAddr::new(4 * M), 2 * M, Reclaim::Free), Ok(()));
    space.free();
}

/// A paging type is a regime, which the compiler knows; another one in the registers is an error.
#[test]
fn another_paging_type_is_refused() {
    let registers = [
        (Register::Cr0, 0x8001_0031),
        (Register::Pat, 0x0007_0501_0007_0406),
        (Register::Efer, 0xd00),
        (Register::Cr3, 0x10_0000),
        (Register::Cr4, 0xa0),
    ];
    let recorder = registers.into_iter().fold(Recorder::new(), |recorder, (name, value)| recorder.with(name, value));
    // SAFETY: there is no hardware.
    let opened = unsafe { AddressSpace::<On<Level5>, _>::open_active(Arena::new(4), recorder) };
    let five = ActiveError::InputBits { expected: 57, found: 48 };
    assert_eq!(opened.map(|_| ()).expect_err("four levels are in use"), OpenActiveError::Registers(five));
    let none = AddressSpace::<On<Level4>>::new(Arena::new(0), Halves::Both).map(|_| ());
    assert_eq!(none, Err(NewError::OutOfTables { tables: 1 }));
}
