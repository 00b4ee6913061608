//! Pages that are held apart from their space.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any};
use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{MemoryType, Rights};
use tablature::edit::{
    AddressSpace, Entry, Granted, Halves, Held, Kind, Live, Mapped, Offender, Offline, OneSpace, Reclaim, Ro, Rw,
    TakeUpError, User,
};
use tablature::flush::{Maintain, OneCore, Recorder, TlbFlush};
use tablature::page::{Frame, HasLeaf, OwnedFrame, Page, PageSize, Size2M, Size4K};
use tablature::riscv::Sv39;
use tablature::table::Attributes;
use tablature::x86_64::{Level4, X86};

use crate::arena::Arena;
use crate::kinds::{K, M, On, attributes, leaves, live, space};

type Arm = El1<G4K, 39>;

enum Only {}

impl Kind for Only {
    type Regime = Level4;
    type Memory = Arena<Level4>;
    type Hardware = Recorder<X86, 4>;
    type Reach = OneCore;
}

// SAFETY: one test makes one space of the kind.
unsafe impl OneSpace for Only {}

// Where it is, where it goes, what it grants; linear, and whoever has it may use it.
assert_eq_size!(Mapped<Held<Only, Size4K>, Rw>, (u64, u64, Attributes));
assert_not_impl_any!(Mapped<Held<Only, Size4K>, Rw>: Clone, Copy, Default);
assert_impl_all!(Mapped<Held<Only, Size4K>, Rw>: Send, Sync);

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

fn owned<S: PageSize>(at: u64) -> OwnedFrame<S> {
    // SAFETY: frames of these tests are nobody's.
    unsafe { OwnedFrame::assume(Frame::containing(PhysAddr::new(at))) }
}

fn hold<J: OneSpace<Regime: HasLeaf<S>>, S: PageSize>(
    space: &mut AddressSpace<J, Live>,
    at: u64,
    frame: OwnedFrame<S>,
) -> Mapped<Held<J, S>, Rw> {
    let mut cursor = space.cursor(virt(at));
    let Ok(Entry::Vacant(entry)) = cursor.entry::<S>() else { panic!("nothing is there") };
    let (page, owed) = entry.map(frame, Rw, MemoryType::NormalWb).expect("mapped");
    let page = page.hold();
    cursor.flush(owed);
    page
}

fn protect<J: OneSpace<Regime: HasLeaf<Size4K>>>(
    space: &mut AddressSpace<J, Live>,
    page: Mapped<Held<J, Size4K>, Rw>,
) -> Mapped<Held<J, Size4K>, Ro> {
    let mut cursor = space.cursor(virt(0));
    let (page, owed) = cursor.take_up(page).expect("nobody else edits").protect(Ro);
    let page = page.hold();
    cursor.flush(owed);
    page
}

fn unmap<J: OneSpace<Regime: HasLeaf<S>>, S: PageSize, A: Granted>(
    space: &mut AddressSpace<J, Live>,
    page: Mapped<Held<J, S>, A>,
) -> OwnedFrame<S> {
    let mut cursor = space.cursor(virt(0));
    let (_, owed) = cursor.take_up(page).expect("nobody else edits").unmap();
    cursor.flush(owed)
}

/// Maps, protects and unmaps pages at random, all of them held in between, beside a list of what is mapped.
fn held_pages_are_as_the_tables_say<R: Maintain + HasLeaf<Size4K>>(steps: &[(u64, bool)]) {
    const PAGES: u64 = 1024;
    let (space, arena) = space::<R>(64);
    let mut space = live(space);
    space.branded_mut(|space| {
        let mut free: Vec<OwnedFrame<Size4K>> = (0..12).map(|n| owned(0x10_0000 + n * 4 * K)).collect();
        let all: BTreeSet<_> = free.iter().map(|frame| frame.frame().start()).collect();
        let mut writable = BTreeMap::new();
        let mut readable = BTreeMap::new();
        for &(page, change) in steps {
            let at = page % PAGES * 4 * K;
            if let Some(page) = readable.remove(&at) {
                free.push(unmap(space, page));
            } else if let Some(page) = writable.remove(&at) {
                if change {
                    readable.insert(at, protect(space, page));
                } else {
                    free.push(unmap(space, page));
                }
            } else if let Some(frame) = free.pop() {
                writable.insert(at, hold(space, at, frame));
            }
            let expected: BTreeMap<_, _> = writable
                .iter()
                .map(|(at, page)| (*at, (4 * K, page.frame().start().as_u64(), Rights::RW)))
                .chain(readable.iter().map(|(at, page)| (*at, (4 * K, page.frame().start().as_u64(), Rights::R))))
                .collect();
            assert_eq!(leaves(space, &arena), expected);
        }
        free.extend(writable.into_values().map(|page| unmap(space, page)));
        free.extend(readable.into_values().map(|page| unmap(space, page)));
        assert_eq!((free.len(), free.iter().map(|frame| frame.frame().start()).collect()), (12, all));
        assert!(leaves(space, &arena).is_empty());
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 16 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_pages_are_held_and_taken_up(steps in prop::collection::vec((0u64..24, any::<bool>()), 1..80)) {
        // Some beside each other, some in another table.
        let steps: Vec<_> = steps.iter().map(|&(page, change)| (page * 61, change)).collect();
        held_pages_are_as_the_tables_say::<Arm>(&steps);
        held_pages_are_as_the_tables_say::<Level4>(&steps);
        held_pages_are_as_the_tables_say::<Sv39>(&steps);
    }
}

/// What is edited behind the back of who holds the page, in the order of the list.
#[derive(Clone, Copy, Debug)]
enum Behind {
    Unmapped,
    MappedElsewhere,
    ReadOnly,
    OfThisSpace,
    OfAnotherType,
    Larger,
}

impl Behind {
    const ALL: [Self; 6] =
        [Self::Unmapped, Self::MappedElsewhere, Self::ReadOnly, Self::OfThisSpace, Self::OfAnotherType, Self::Larger];

    fn edit<J: Kind<Regime = Level4>>(self, space: &mut AddressSpace<J, Offline>, page: Page<Size4K>, frame: u64) {
        let frame = |offset| Frame::containing(PhysAddr::new(frame + offset));
        let mut remap = |frame, attributes| space.remap_page(page, frame, attributes).map(|_| ()).expect("mapped");
        match self {
            Self::Unmapped => space.unmap_page(page).map(|_| ()).expect("mapped"),
            Self::MappedElsewhere => space.map_page(page, frame(0x1000), attributes(Rights::RW)).expect("map"),
            Self::ReadOnly => remap(frame(0), attributes(Rights::R)),
            Self::OfThisSpace => remap(frame(0), attributes(Rights::RW).not_global()),
            Self::OfAnotherType => {
                remap(frame(0), Attributes { memory: MemoryType::NormalNc, ..attributes(Rights::RW) })
            }
            Self::Larger => {
                space.unmap(page.start(), 4 * K, Reclaim::Free).expect("mapped");
                let (page, frame) = (Page::<Size2M>::containing(page.start()), Frame::containing(PhysAddr::new(0)));
                space.map_page(page, frame, attributes(Rights::RW)).expect("map");
            }
        }
    }

    /// Whether the entry is what the edit left there, by its bits in the manual.
    fn shows(self, found: Offender) -> bool {
        let (frame, bit) = (found.word & 0xf_f000, |n: u32| found.word >> n & 1 == 1);
        match self {
            Self::Unmapped => found.word == 0,
            Self::MappedElsewhere => frame == 0xa000,
            Self::ReadOnly => frame == 0x9000 && !bit(1),
            Self::OfThisSpace => frame == 0x9000 && bit(1) && !bit(8),
            Self::OfAnotherType => frame == 0x9000 && bit(1) && bit(8) && (bit(3) || bit(4) || bit(7)),
            Self::Larger => found.level == 1 && bit(7),
        }
    }
}

#[test]
fn what_was_edited_by_other_means_is_not_taken_up_and_still_held() {
    let (mut space, _) = space::<Level4>(16);
    space.branded_mut(|space| {
        let page = Page::<Size4K>::containing(virt(2 * M));
        let frame = Frame::<Size4K>::containing(PhysAddr::new(0x9000));
        let mut cursor = space.cursor(page.start());
        let Ok(Entry::Vacant(entry)) = cursor.entry::<Size4K>() else { panic!("nothing is there") };
        let mut held = entry.map(owned(0x9000), Rw, MemoryType::NormalWb).expect("mapped").0.hold();
        for behind in Behind::ALL {
            behind.edit(space, page, 0x9000);
            let refused = space.cursor(virt(0)).take_up(held).map(|_| ()).expect_err("it is something else");
            assert!(matches!(refused.error, TakeUpError::Changed(found) if behind.shows(found)), "{refused}");
            assert_eq!((refused.page.page(), refused.page.frame()), (page, frame));
            held = refused.page;
        }
        // As it was, it is taken up, and owns its frame.
        space.unmap_page(Page::<Size2M>::containing(page.start())).expect("mapped");
        space.map_page(page, frame, attributes(Rights::RW)).expect("map");
        let (_, released) = space.cursor(virt(0)).take_up(held).expect("the same").unmap();
        assert_eq!(released.frame(), frame);
    });
}

#[test]
fn sizes_users_and_locals_are_held_alike() {
    let (space, arena) = space::<Arm>(16);
    let (space, ()) = live(space).branded(|mut space| {
        let large = hold::<_, Size2M>(&mut space, 4 * M, owned(6 * M));
        let mut cursor = space.cursor(virt(0x7000));
        let Ok(Entry::Vacant(entry)) = cursor.entry::<Size4K>() else { panic!("nothing is there") };
        let (small, owed) = entry.map_local(owned(0x9000), User(Ro), MemoryType::NormalWb).expect("mapped");
        let small = small.hold();
        cursor.flush(owed);
        let (_, a) = cursor.take_up(large).expect("it is there").unmap();
        let (_, b) = cursor.take_up(small).expect("it is there").unmap();
        let both: TlbFlush<_, _> = a.join(b);
        let (large, small) = cursor.flush(both);
        assert_eq!((large.frame().start(), small.frame().start()), (PhysAddr::new(6 * M), PhysAddr::new(0x9000)));
        (space, ())
    });
    assert!(leaves(&space, &arena).is_empty());
}

#[test]
fn a_held_page_is_accessed_as_its_rights_say() {
    /// Memory where the page is: mapped by whoever runs the test.
    #[repr(align(4096))]
    struct Memory([u8; 4096]);
    let mut memory = Memory([0; 4096]);
    let at = (&raw mut memory.0).expose_provenance() as u64;
    let (space, _) = space::<Level4>(16);
    live(space).branded_mut(|space| {
        let mut page = hold::<_, Size4K>(space, at, owned(0x9000));
        // SAFETY: the bytes are there, and used by this alone.
        assert_eq!(unsafe { page.write(8, 0x1234_5678_u32) }, Some(()));
        // SAFETY: as above.
        assert_eq!(unsafe { page.read::<u16>(10) }, Some(0x1234));
        // SAFETY: as above.
        assert_eq!(unsafe { page.bytes() }[8], 0x78);
    });
    assert_eq!(memory.0[11], 0x12);
}

#[test]
fn a_kind_with_one_space_needs_no_brand() {
    let arena = Arena::new(16);
    let mut space = AddressSpace::<Only>::new(arena.clone(), Halves::Lower).expect("a root");
    let mut cursor = space.cursor(virt(0x7000));
    let Ok(Entry::Vacant(entry)) = cursor.entry::<Size4K>() else { panic!("nothing is there") };
    let page = entry.map(owned(0x9000), Rw, MemoryType::NormalWb).expect("mapped").0.hold();
    assert_eq!(leaves(&space, &arena).len(), 1);
    let (_, frame) = space.cursor(virt(0)).take_up(page).expect("it is there").unmap();
    assert_eq!((frame.frame().start(), leaves(&space, &arena).len()), (PhysAddr::new(0x9000), 0));
}

/// Only the kind's brands, and kinds that say so, have one space.
#[test]
fn a_kind_may_have_many() {
    assert_not_impl_any!(On<Level4>: OneSpace);
}
