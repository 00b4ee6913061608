//! Kinds of spaces that consist of pages.

use tablature::aarch64::{El1, G4K};
use tablature::addr::VirtAddr;
use tablature::attr::{Features, Rights};
use tablature::edit::{
    AddressSpace, Existing, Halves, Kind, Limits, MapError, Protect, ProtectError, Reclaim, UnmapError,
};
use tablature::flush::{Maintain, OneCore, Recorder};
use tablature::page::{Frame, HasLeaf, Page, Size2M};
use tablature::riscv::Sv39;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{K, M, attributes, leaves, mapping, space};

/// Spaces of pages.
struct Pages<R>(std::marker::PhantomData<R>);

impl<R: Maintain> Kind for Pages<R> {
    type Regime = R;
    type Memory = Arena<R>;
    type Hardware = Recorder<R::Architecture, 256>;
    type Reach = OneCore;

    const LARGEST_LEAF: u64 = 4 * K;
}

/// A space of pages with the tables of another, which has `size` bytes of large leaves at `virt`.
fn opened<R: Maintain>(virt: u64, size: u64) -> (AddressSpace<Pages<R>>, Arena<R>) {
    let (mut all, arena) = space::<R>(16);
    all.map(&mapping(virt, 64 * M, size, Rights::RW)).expect("nothing is there");
    assert!(leaves(&all, &arena).values().all(|leaf| leaf.0 == 2 * M), "the leaves are large");
    let (roots, memory) = all.into_roots();
    // SAFETY: nobody else has the tables.
    (unsafe { AddressSpace::from_roots(roots, memory) }.expect("they are a space's"), arena)
}

fn every_leaf_is_a_page<R: Maintain + HasLeaf<Size2M>>() {
    let arena = Arena::<R>::new(16);
    let halves = if R::FORMAT.upper_half { Halves::Both } else { Halves::Lower };
    let mut small = AddressSpace::<Pages<R>>::new(arena.clone(), halves).expect("a root");
    let (mut limited, other) = space::<R>(16);
    for existing in [Existing::Refuse, Existing::Replace] {
        let request = mapping(2 * M, 64 * M, 6 * M, Rights::RW).limited(Limits { runs: true, ..Limits::ANY });
        small.map(&tablature::edit::Mapping { existing, ..request }).expect("nothing refuses");
        limited.map(&tablature::edit::Mapping { existing, limits: Limits::PAGES, ..request }).expect("nothing refuses");
        let found = leaves(&small, &arena);
        assert_eq!((found.len(), &found), (6 * 256, &leaves(&limited, &other)));
    }
    let refused = small.map_page(Page::<Size2M>::at::<0x4000_0000>(), Frame::at::<0x20_0000>(), attributes(Rights::R));
    assert_eq!(refused, Err(MapError::NoSuchLeaf(Features::NONE)));
    small.unmap(VirtAddr::new(2 * M), 6 * M, Reclaim::Free).expect("all of it are pages");
    assert!(leaves(&small, &arena).is_empty());
    small.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn every_leaf_of_a_kind_of_pages_is_one() {
    every_leaf_is_a_page::<El1<G4K, 39>>();
    every_leaf_is_a_page::<Sv39>();
    every_leaf_is_a_page::<Level4>();
}

fn refuses_to_cut<R: Maintain + HasLeaf<Size2M>>() {
    let (mut small, arena) = opened::<R>(2 * M, 6 * M);
    let before = leaves(&small, &arena);
    for (start, size) in [(3 * M, M), (2 * M, M), (4 * M - 4 * K, 8 * K), (3 * M, 4 * M), (0, 3 * M)] {
        let (virt, what) = (VirtAddr::new(start), format!("{size:#x} bytes at {start:#x}"));
        for reclaim in [Reclaim::Keep, Reclaim::Free] {
            assert!(matches!(small.unmap(virt, size, reclaim), Err(UnmapError::InsideLeaf(_))), "{what}");
        }
        if start > 0 {
            let change = Protect::access(attributes(Rights::R).access);
            assert!(matches!(small.protect(virt, size, &change), Err(ProtectError::InsideLeaf(_))), "{what}");
        }
        let over = mapping(start, 128 * M, size, Rights::R);
        assert!(small.map(&over).is_err() && small.map(&over.replacing()).is_err(), "{what}");
        assert_eq!(leaves(&small, &arena), before, "{what}");
    }
    small.unmap(VirtAddr::new(4 * M), 2 * M, Reclaim::Keep).expect("all of a leaf");
    assert_eq!(leaves(&small, &arena).len(), 2);
}

#[test]
fn a_kind_of_pages_cuts_no_leaf_that_was_there() {
    refuses_to_cut::<El1<G4K, 39>>();
    refuses_to_cut::<Sv39>();
    refuses_to_cut::<Level4>();
}
