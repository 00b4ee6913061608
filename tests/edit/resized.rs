//! Leaves of other sizes than the tables have, which may be cached until a token that is kept is flushed.

use tablature::aarch64::{El1, G4K};
use tablature::addr::VirtAddr;
use tablature::attr::{Access, Features, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Limits, Live, Protect};
use tablature::flush::{Duty, Extent, Id, Maintain, Recorder, Scope, TlbFlush};
use tablature::page::{Frame, HasLeaf, Page, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::tables::Tables;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{M, On, attributes, mapping};

type Promoted<K> = (AddressSpace<K, Live>, TlbFlush<K, Tables<K>>);
type Resizes = With<El1<G4K, 39>, { Features::BBML2.bits() }>;

const WHERE: u64 = 2 * M;
const PAGES: Extent = Extent::Range { start: WHERE, last: 2 * WHERE - 1, stride: 12 };

fn large() -> Page<Size2M> {
    Page::containing(VirtAddr::new(WHERE))
}

fn small(index: u64) -> Page<Size4K> {
    Page::containing(VirtAddr::new(WHERE + (index << 12)))
}

/// A live space with a large leaf that was pages until now, and the token of that.
fn promoted<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>, const SMP: bool>() -> Promoted<On<R, SMP>>
where
    On<R, SMP>: Kind<Regime = R, Memory = Arena<R>, Hardware = Recorder<R::Architecture, 256>>,
{
    let mut space = AddressSpace::<On<R, SMP>>::new(Arena::new(64), Halves::Lower).expect("a root");
    space.map(&mapping(WHERE, 0, 2 * M, Rights::RW)).expect("map");
    space.split::<Size4K>(large().start()).expect("split");
    // SAFETY: no hardware uses tables in an arena.
    let mut space = unsafe { space.with_id(Id::One(3)).assume_live(Recorder::new()) };
    // SAFETY: as above.
    let token = unsafe { space.promote(large()) }.expect("equal leaves");
    (space, token)
}

/// The scope of a token that is of no more use.
fn owed<K: Kind, T>(token: TlbFlush<K, T>) -> Scope {
    let scope = token.scope();
    // SAFETY: no hardware uses tables in an arena.
    drop(unsafe { token.assume_flushed() });
    scope
}

#[test]
fn a_change_of_a_large_leaf_owes_the_pages_that_may_be_cached_behind_it() {
    fn check<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>>() {
        let expected = Scope { duty: Duty::WALK, extent: PAGES, id: Id::Every };
        let (mut space, kept) = promoted::<R, false>();
        // SAFETY: no hardware uses tables in an arena.
        assert_eq!(owed(unsafe { space.unmap_page(large()) }.expect("unmapped")), expected);
        owed(kept);
        let (mut space, kept) = promoted::<R, false>();
        let read = Protect::access(Access::kernel(Rights::R));
        // SAFETY: as above.
        assert_eq!(owed(unsafe { space.protect_page(large(), &read) }.expect("changed")), expected);
        owed(kept);
        let (mut space, kept) = promoted::<R, false>();
        let elsewhere = Frame::containing(tablature::addr::PhysAddr::new(8 * M));
        // SAFETY: as above.
        let token = unsafe { space.remap_page(large(), elsewhere, attributes(Rights::RW)) }.expect("remapped");
        assert_eq!(owed(token), expected);
        owed(kept);
        let (mut space, kept) = promoted::<R, false>();
        let mut cursor = space.cursor(large().start());
        // SAFETY: as above.
        assert_eq!(owed(unsafe { cursor.unmap(large()) }.expect("unmapped")), expected);
        owed(kept);
    }
    check::<Level4>();
    check::<Sv39>();
}

#[test]
fn what_the_space_flushed_is_owed_no_more_and_what_it_did_not_see_is() {
    let leaf = Extent::Range { start: WHERE, last: 2 * WHERE - 1, stride: 21 };
    let again = mapping(WHERE, 0, 2 * M, Rights::RW);
    // The token itself.
    let (mut space, kept) = promoted::<Level4, false>();
    space.reclaim(kept);
    // SAFETY: no hardware uses tables in an arena.
    assert_eq!(owed(unsafe { space.unmap_page(large()) }.expect("unmapped")).extent, leaf);

    // One that owes the same.
    let (mut space, kept) = promoted::<Level4, false>();
    // SAFETY: as above.
    let token = unsafe { space.unmap_page(large()) }.expect("unmapped");
    space.flush(token);
    // SAFETY: as above.
    owed(unsafe { space.map(&again) }.expect("mapped"));
    // SAFETY: as above.
    assert_eq!(owed(unsafe { space.unmap_page(large()) }.expect("unmapped")).extent, leaf);
    owed(kept);

    // Out of sight.
    let (mut space, kept) = promoted::<Level4, false>();
    let tables = kept.flush(space.hardware());
    tables.free(space.memory_mut());
    // SAFETY: as above.
    assert_eq!(owed(unsafe { space.unmap_page(large()) }.expect("unmapped")).extent, PAGES);
}

#[test]
fn a_table_in_the_place_of_a_leaf_that_was_pages_is_linked_behind_their_flush() {
    let (mut space, kept) = promoted::<Sv39, false>();
    assert_eq!(space.hardware().executed(), 0);
    // SAFETY: no hardware uses tables in an arena.
    let split = unsafe { space.split::<Size4K>(large().start()) }.expect("mapped");
    assert_eq!(space.hardware().executed(), 1, "whoever remembers the old table walks it for any page");
    // SAFETY: as above.
    let scope = owed(unsafe { space.unmap_page(small(5)) }.expect("mapped"));
    let page = small(5).start().as_u64();
    assert_eq!((scope.duty, scope.extent), (Duty::LEAF, Extent::Range { start: page, last: page | 0xfff, stride: 12 }));
    owed(split);
    owed(kept);

    // Where this core cannot flush the others, every page owes it.
    let (mut space, kept) = promoted::<Sv39, true>();
    // SAFETY: as above.
    let split = unsafe { space.split::<Size4K>(large().start()) }.expect("mapped");
    assert_eq!(space.hardware().executed(), 0);
    // SAFETY: as above.
    let scope = owed(unsafe { space.unmap_page(small(5)) }.expect("mapped"));
    assert_eq!((scope.duty, scope.extent), (Duty::WALK, PAGES));
    owed(split);
    owed(kept);
}

#[test]
fn where_invalidation_by_address_may_miss_what_was_resized_a_page_owes_everything() {
    let (mut space, kept) = promoted::<Resizes, false>();
    space.reclaim(kept);
    // SAFETY: no hardware uses tables in an arena.
    let split = unsafe { space.split::<Size4K>(large().start()) }.expect("mapped");
    // SAFETY: as above.
    let scope = owed(unsafe { space.unmap_page(small(5)) }.expect("mapped"));
    assert_eq!((scope.duty, scope.extent, scope.id), (Duty::LEAF, Extent::Everywhere, Id::Every));
    space.flush(split);
    // SAFETY: as above.
    let scope = owed(unsafe { space.unmap_page(small(7)) }.expect("mapped"));
    assert!(matches!(scope.extent, Extent::Range { stride: 12, .. }), "{scope:?}");
}

#[test]
fn a_run_made_in_place_owes_everything_where_invalidation_by_address_may_miss_it() {
    type Runs = With<El1<G4K, 39>, { Features::BBML1.bits() }>;
    let pages = mapping(0, 0, 64 << 10, Rights::RW).limited(Limits::PAGES);
    let mut space = AddressSpace::<On<Runs>>::new(Arena::new(64), Halves::Lower).expect("a root");
    space.map(&pages).expect("map");
    // SAFETY: no hardware uses tables in an arena.
    let mut space = unsafe { space.with_id(Id::One(3)).assume_live(Recorder::new()) };
    let run = mapping(0, 0, 64 << 10, Rights::RW).limited(Limits { runs: true, ..Limits::ANY });
    // SAFETY: as above.
    let scope = owed(unsafe { space.map(&run.replacing()) }.expect("replaced"));
    assert_eq!((scope.duty, scope.extent, scope.id), (Duty::LEAF, Extent::Everywhere, Id::Every));
}
