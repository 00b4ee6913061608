//! What became absent and was not flushed yet: nothing becomes valid there before it is, where the architecture asks for
//! break-before-make, and whoever flushed it pays nothing twice.

use tablature::aarch64::{El1, G4K, Instruction};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Entry, Limits, Live, MapError, OpenError, Reclaim, Roots, Rw};
use tablature::flush::{Architecture, Extent, Id, Maintain, Recorder, TlbFlush};
use tablature::page::{Frame, HasLeaf, OwnedFrame, Page, Size2M, Size4K};
use tablature::regime::With;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{K, M, On, Space, attributes, live, mapping, space};

type Arm = El1<G4K, 39>;
/// Where blocks and tables are exchanged in place.
type Level2 = With<Arm, { Features::BBML2.bits() }>;

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

/// A live space with pages from 0 to `bytes`.
fn prepared<R: Maintain>(bytes: u64) -> (Space<R, Live>, Arena<R>) {
    let (mut space, arena) = space::<R>(64);
    space.map(&mapping(0, 0x4000_0000, bytes, Rights::RW)).expect("map");
    (live(space), arena)
}

fn executed<R: Maintain>(space: &mut Space<R, Live>) -> Vec<<R::Architecture as Architecture>::Op> {
    let ops = space.hardware().ops().to_vec();
    space.hardware().clear();
    ops
}

fn invalidations(ops: &[Instruction]) -> usize {
    ops.iter().filter(|op| matches!(op, Instruction::Invalidate(..))).count()
}

/// What a flush of `token` executes.
fn sequence<R: Maintain, T>(token: TlbFlush<On<R>, T>) -> (Vec<<R::Architecture as Architecture>::Op>, T) {
    let mut recorder = Recorder::new();
    let released = token.flush(&mut recorder);
    (recorder.ops().to_vec(), released)
}

/// Maps, unmaps and maps again one page by nothing but safe calls; what was executed inside, and what flushes of the
/// tokens execute.
fn again<R: Maintain + HasLeaf<Size4K>>() -> [Vec<<R::Architecture as Architecture>::Op>; 2] {
    let (mut space, _) = prepared::<R>(4 * K);
    let mut cursor = space.cursor(virt(0x5000));
    // SAFETY: frames of this test are nobody's.
    let frame = |at| unsafe { OwnedFrame::assume(Frame::<Size4K>::containing(PhysAddr::new(at))) };
    let Ok(Entry::Vacant(entry)) = cursor.entry::<Size4K>() else { panic!("nothing is there") };
    let (page, _) = entry.map(frame(0x8000), Rw, MemoryType::NormalWb).expect("mapped");
    let (entry, broken) = page.unmap();
    let (_, made) = entry.map(frame(0x9000), Rw, MemoryType::NormalWb).expect("mapped");
    let inside = executed(&mut space);
    let (after, freed) = sequence(broken);
    assert_eq!(freed.frame().start(), PhysAddr::new(0x8000));
    sequence(made);
    [inside, after]
}

#[test]
fn an_entry_that_was_unmapped_is_flushed_before_it_is_mapped_again() {
    let [inside, after] = again::<Arm>();
    assert_eq!(invalidations(&inside), 1);
    assert_eq!(inside, after);
    // Nothing breaks there: the second frame comes into use with the flush of the first.
    let [inside, after] = again::<Level4>();
    assert_eq!((inside.len(), after.len()), (0, 1));
}

#[test]
fn a_range_that_was_unmapped_is_flushed_before_any_of_it_is_mapped_again() {
    fn check<R: Maintain<Architecture = tablature::aarch64::A64> + HasLeaf<Size4K> + HasLeaf<Size2M>>(from: u64) {
        let (mut space, _) = prepared::<R>(4 * M);
        // SAFETY: no hardware uses tables in an arena, here and below.
        let token = unsafe { space.unmap(virt(from), 2 * M, Reclaim::Free) }.expect("unmapped");
        executed(&mut space);
        // SAFETY: as above.
        let far = unsafe { space.map(&mapping(8 * M, 0, 2 * M, Rights::RW)) }.expect("mapped");
        let behind = invalidations(&executed(&mut space));
        // SAFETY: as above.
        let near = unsafe { space.map(&mapping(0x3000, 0, 4 * K, Rights::RW)) }.expect("mapped");
        let inside = invalidations(&executed(&mut space));
        // Where sizes change in place, only everything is sure to find what is cached.
        let resized = from != 0 && R::RESIZES_HIDE;
        assert_eq!((behind > 0, inside > 0), (resized, !resized));
        // Once is enough for all of it.
        // SAFETY: as above.
        let next = unsafe { space.map(&mapping(0x5000, 0, 4 * K, Rights::RW)) }.expect("mapped");
        assert_eq!(invalidations(&executed(&mut space)), 0);
        space.reclaim(token);
        [far, near, next].into_iter().for_each(|token| space.reclaim(token));
    }
    check::<Arm>(0);
    // Where leaves are cut in place, what is left of them may be cached as a whole.
    check::<Level2>(0x1000);
}

#[test]
fn what_the_space_has_flushed_is_not_flushed_again() {
    let (mut space, _) = prepared::<Arm>(2 * M);
    let page = Page::<Size2M>::containing(virt(0));
    // SAFETY: no hardware uses tables in an arena, here and below.
    let token = unsafe { space.unmap_page(page) }.expect("mapped");
    let (frame, _) = space.flush(token);
    executed(&mut space);
    // SAFETY: as above.
    let token = unsafe { space.map_page(page, frame, attributes(Rights::R)) }.expect("absent");
    assert!(executed(&mut space).is_empty());
    space.reclaim(token);
    // Nor where the states of break-before-make are gone through one by one.
    // SAFETY: as above.
    let cleared = unsafe { space.break_page(page) }.expect("mapped").flush();
    // SAFETY: as above.
    let token = unsafe { cleared.make(frame, attributes(Rights::RW)) }.map_err(|(error, _)| error).expect("absent");
    assert_eq!(invalidations(&executed(&mut space)), 1);
    space.flush(token);
}

#[test]
fn a_root_entry_that_was_unmapped_is_flushed_before_it_is_pinned() {
    let (mut space, _) = space::<tablature::aarch64::Stage2<G4K, 39>>(64);
    space.map(&mapping(0, 0x4000_0000, 4 * K, Rights::RW)).expect("map");
    let mut space = live(space);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.unmap(virt(0), 1 << 30, Reclaim::Free) }.expect("unmapped");
    executed(&mut space);
    let pinned = space.pin(virt(0), 1 << 30).expect("whole entries");
    assert!(invalidations(&executed(&mut space)) > 0);
    space.flush(pinned);
    space.reclaim(token);
}

#[test]
fn a_space_with_global_leaves_retires_from_every_identifier() {
    fn owed(global: bool) -> Id {
        let (space, _) = space::<Level4>(64);
        let mut space = space.with_id(Id::One(3));
        for (virt, size) in [(0, 4 * K), (0xffff_8000_0000_0000, 2 * M)] {
            let mut request = mapping(virt, 0x4000_0000, size, Rights::RW);
            request.attributes.global = global && size == 2 * M;
            space.map(&request).expect("map");
        }
        // SAFETY: no hardware uses tables in an arena.
        let (token, mut recorder) = unsafe { live(space).retire() };
        let scope = token.scope();
        assert_eq!(scope.extent, Extent::Everywhere);
        token.flush(&mut recorder).free();
        scope.id
    }
    assert_eq!(owed(true), Id::Every);
    assert_eq!(owed(false), Id::One(3));
}

#[test]
fn a_cursor_on_a_live_space_loses_no_table() {
    let (mut space, arena) = prepared::<Level4>(4 * K);
    // SAFETY: no hardware uses tables in an arena, here and below.
    let token = unsafe { space.unmap(virt(0), 4 * K, Reclaim::Keep) }.expect("unmapped");
    space.reclaim(token);
    let (before, page) = (arena.used(), Page::<Size2M>::containing(virt(0)));
    let frame = Frame::containing(PhysAddr::new(0));
    // SAFETY: as above.
    let refused = unsafe { space.cursor(virt(0)).map(page, frame, attributes(Rights::RW)) };
    assert!(matches!(refused, Err(MapError::HoldsTable(_))));
    assert_eq!(arena.used(), before);
    // The operation whose token owns tables takes it away.
    // SAFETY: as above.
    let token = unsafe { space.map_page(page, frame, attributes(Rights::RW)) }.expect("nothing is mapped");
    space.reclaim(token);
    assert_eq!(arena.used(), before - 1);
}

#[test]
fn one_root_does_not_serve_both_halves_where_each_has_its_own() {
    let (space, arena) = space::<Arm>(4);
    let Roots { lower, .. } = space.roots();
    // SAFETY: no hardware uses tables in an arena.
    let opened = unsafe { AddressSpace::<On<Arm>>::from_roots(Roots { lower, upper: lower }, arena) };
    assert!(matches!(opened, Err(OpenError::SameRoot)));
    space.free();
}

#[test]
fn scattered_memory_over_an_empty_table_loses_no_table() {
    let (mut space, arena) = prepared::<Level4>(4 * K);
    // SAFETY: no hardware uses tables in an arena, here and below.
    let token = unsafe { space.unmap(virt(0), 4 * K, Reclaim::Keep) }.expect("unmapped");
    space.reclaim(token);
    let before = arena.used();
    let (rw, same) = (attributes(Rights::RW), |page: VirtAddr| PhysAddr::new(page.as_u64()));
    // SAFETY: as above.
    let token = unsafe { space.map_with(virt(0), 2 * M, rw, Limits::ANY, same) }.expect("nothing is mapped");
    assert_eq!(arena.used(), before);
    space.reclaim(token);
    assert_eq!(arena.used(), before - 1);
}
