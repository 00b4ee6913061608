//! What its operations give back and refuse, and what its walks and cursors visit.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::read::{Visit, Visitor};
use tablature::edit::{
    AddressSpace, Halves, Limits, Live, MapError, Offline, Protect, ProtectError, Reclaim, RemapError, UnmapError,
};
use tablature::flush::{Batch, Duty, Maintain, Recorder};
use tablature::page::{Frame, HasLeaf, Page, PageSize, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::walk::Fault;
use tablature::x86_64::Level4;
use tablature::{armv7, loongarch64, riscv};

use crate::arena::Arena;
use crate::kinds::{G, K, M, On, Space, attributes, live, mapping, space};

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

fn page<S: PageSize>(address: u64) -> Page<S> {
    Page::containing(virt(address))
}

fn frame<S: PageSize>(address: u64) -> Frame<S> {
    Frame::containing(PhysAddr::new(address))
}

const READ: Protect = Protect::access(Access { privileged: Rights::R, user: Rights::NONE });

/// `map`, `query`, `remap`, `protect`, `unmap` of a page: each gives what it gives there.
fn a_page_comes_and_goes<R: Maintain + HasLeaf<Size4K>>() {
    let (mut space, arena) = space::<R>(32);
    let at = page::<Size4K>(0x5000);
    let rw = tablature::table::Attributes { global: false, ..attributes(Rights::RWX) };
    assert_eq!(space.map_page(at, frame(0x9000), rw), Ok(()), "{}", R::FORMAT.name);
    let found = space.page(virt(0x5678)).expect("mapped");
    assert_eq!((found.address, found.size, found.leaf.access), (PhysAddr::new(0x9678), 4 * K, rw.access));
    assert_eq!(space.remap_page(at, frame(0xa000), rw), Ok(frame(0x9000)), "the frame it had");
    assert_eq!(space.protect_page(at, &Protect::access(Access::kernel(Rights::RX))), Ok(()));
    let (frame_of, had) = space.unmap_page(at).expect("mapped");
    assert_eq!((frame_of.start(), had.access), (PhysAddr::new(0xa000), Access::kernel(Rights::RX)));
    assert!(matches!(space.page(virt(0x5678)), Err(Fault::Absent { level: 0 })));
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn a_page_is_mapped_remapped_protected_and_unmapped() {
    a_page_comes_and_goes::<Level4>();
    a_page_comes_and_goes::<El1<G4K, 48>>();
    a_page_comes_and_goes::<Sv39>();
    a_page_comes_and_goes::<riscv::Sv48>();
    a_page_comes_and_goes::<loongarch64::La64>();
    a_page_comes_and_goes::<armv7::Short>();
}

/// AlreadyMapped, MappedToHugePage (inside a leaf, here), NotMapped; NotAligned for ranges, a type for pages.
fn errors<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>>() {
    let (mut space, arena) = space::<R>(8);
    let rw = attributes(Rights::RW);
    assert_eq!(space.map_page(page::<Size4K>(0), frame(0x9000), rw), Ok(()));
    assert!(matches!(space.map_page(page::<Size4K>(0), frame(0x9000), rw), Err(MapError::AlreadyMapped(_))));
    assert!(matches!(space.map_page(page::<Size2M>(0), frame(0), rw), Err(MapError::HoldsTable(_))));
    assert_eq!(space.map_page(page::<Size2M>(2 * M), frame(0), rw), Ok(()));
    let inside = page::<Size4K>(2 * M + 0x3000);
    assert!(matches!(space.map_page(inside, frame(0x9000), rw), Err(MapError::InsideLeaf(_))));
    assert!(matches!(space.unmap_page(inside), Err(UnmapError::InsideLeaf(_))));
    assert!(matches!(space.protect_page(inside, &READ), Err(ProtectError::InsideLeaf(_))));
    assert!(matches!(space.remap_page(inside, frame(0x9000), rw), Err(RemapError::InsideLeaf(_))));
    let nothing = page::<Size4K>(0x7000);
    assert!(matches!(space.unmap_page(nothing), Err(UnmapError::NotMapped(_))));
    assert!(matches!(space.protect_page(nothing, &READ), Err(ProtectError::NotMapped(_))));
    assert!(matches!(space.remap_page(nothing, frame(0x9000), rw), Err(RemapError::NotMapped(_))));
    assert!(matches!(space.protect(virt(0), 8 * K, &READ), Err(ProtectError::NotMapped(_))));
    assert!(matches!(space.map(&mapping(0x800, 0, 4 * K, Rights::R)), Err(MapError::Range(_))));
    assert!(matches!(space.map(&mapping(0x8000, 0x800, 4 * K, Rights::R)), Err(MapError::UnalignedPhys(_))));
    arena.limit(0);
    assert_eq!(space.map_page(page::<Size4K>(G), frame(0x9000), rw), Err(MapError::OutOfTables(2)));
    space.free();
}

#[test]
fn what_cannot_be_done_is_told_apart() {
    errors::<Level4>();
    errors::<El1<G4K, 48>>();
    errors::<riscv::Sv48>();
    errors::<loongarch64::La64>();
}

type Large = With<Level4, { Features::NX.union(Features::PDPE1GB).bits() }>;

/// `allow_huge`: 4K, 1G, 2M, 4K.
#[test]
fn huge_pages_are_chosen_as_there() {
    fn chosen<R: Maintain>() {
        let (mut space, _) = space::<R>(16);
        let start = G - 4 * K;
        space.map(&mapping(start, start, 4 * K + G + 2 * M + 4 * K, Rights::RW)).expect("map");
        let sizes: Vec<u64> = space.leaves(virt(0)).map(|leaf| leaf.size).collect();
        assert_eq!(sizes, [4 * K, G, 2 * M, 4 * K], "{}", R::FORMAT.name);
        space.free();
    }
    chosen::<Large>();
    chosen::<El1<G4K, 48>>();
    chosen::<Sv39>();
    chosen::<riscv::Sv48>();
    chosen::<loongarch64::La64>();
}

/// `map_region` with `get_paddr`; `protect_region` and `unmap_region` after it. The pages lie in descending order.
#[test]
fn a_region_goes_wherever_the_closure_says() {
    let (mut space, arena) = space::<Level4>(8);
    let to = |at: VirtAddr| PhysAddr::new(0x4000_0000 - at.as_u64());
    let asked = RefCell::new(Vec::new());
    let closure = |at: VirtAddr| {
        asked.borrow_mut().push(at.as_u64());
        to(at)
    };
    space.map_with(virt(0x1000), 16 * K, attributes(Rights::RW), Limits::PAGES, closure).expect("mapped");
    // Once for each leaf to check it, and once to map it; theirs asks once.
    assert_eq!(asked.into_inner(), [0x1000, 0x2000, 0x3000, 0x4000, 0x1000, 0x2000, 0x3000, 0x4000]);
    for at in (0x1000..0x5000).step_by(0x1000) {
        assert_eq!(space.translate(virt(at)), Ok(to(virt(at))));
    }
    space.protect(virt(0x1000), 16 * K, &READ).expect("mapped");
    assert_eq!(space.query(virt(0x1000), 16 * K).map(|all| all.attributes.access), Ok(Access::kernel(Rights::R)));
    space.unmap(virt(0x1000), 16 * K, Reclaim::Free).expect("mapped");
    assert_eq!(arena.used(), 1);
    space.free();
}

/// Level and index of each visit before what is below it, and of each after.
#[derive(Default)]
struct Visits {
    pre: Vec<(usize, usize, u64)>,
    post: Vec<usize>,
}

impl Visitor for Visits {
    type Stop = ();

    fn entry(&mut self, at: &Visit) -> ControlFlow<()> {
        self.pre.push((at.level, at.index, at.virt.as_u64()));
        ControlFlow::Continue(())
    }

    fn post(&mut self, at: &Visit) -> ControlFlow<()> {
        self.post.push(at.level);
        ControlFlow::Continue(())
    }
}

/// There a leaf has a post visit, too; here leaves have one visit.
fn visits<R: Maintain>(levels: usize) {
    let (mut space, _) = space::<R>(8);
    space.map(&mapping(0x3000, 0x9000, 4 * K, Rights::RW)).expect("map");
    let mut visits = Visits::default();
    space.walk(virt(0x3000), 4 * K, &mut visits).expect("a walk");
    let expected: Vec<_> = (1..levels).rev().map(|level| (level, 0, 0)).chain([(0, 3, 0x3000)]).collect();
    assert_eq!(visits.pre, expected, "{}", R::FORMAT.name);
    assert_eq!(visits.post, (1..levels).collect::<Vec<_>>());
    space.free();
}

#[test]
fn a_walk_of_one_page_visits_each_level_once() {
    visits::<Level4>(4);
    visits::<El1<G4K, 48>>(4);
    visits::<riscv::Sv48>(4);
    visits::<Sv39>(3);
}

/// `copy_from`: root entries in common, whose tables only their owner frees. More is in `reading/sharing.rs`.
#[test]
fn root_entries_are_shared_and_freed_once() {
    let arena = Arena::<Level4>::new(16);
    let high = 0xffff_8000_0000_0000;
    let mut kernel = AddressSpace::<On<Level4>>::new(arena.clone(), Halves::Both).expect("a root");
    kernel.map(&mapping(high, 0x9000, 4 * K, Rights::RW)).expect("map");
    kernel.pin(virt(high), 512 * G).expect("pinned");
    let used = arena.used();
    let mut kernel = live(kernel);
    let mut user = AddressSpace::<On<Level4>>::new(arena.clone(), Halves::Both).expect("a root");
    kernel.share_with(&mut user).expect("shared");
    let format = <Level4 as tablature::regime::Regime>::FORMAT;
    let seen = tablature::walk::walk(&format, user.roots().lower, None, high, |at| arena.entry(at));
    assert_eq!(seen.map(|found| found.address), Ok(0x9000));
    assert!(matches!(user.map(&mapping(high, 0, 4 * K, Rights::R).replacing()), Err(MapError::Range(_))));
    let returned = user.disown().expect("something is shared");
    kernel.take_back(returned).expect("its own");
    user.free();
    assert_eq!(arena.used(), used);
    assert_eq!(kernel.translate(virt(high)), Ok(PhysAddr::new(0x9000)));
}

fn edited(pages: u64) -> (Space<Level4, Live>, Arena<Level4>) {
    let (mut space, arena) = space::<Level4>(16);
    space.map(&mapping(0, 0, pages * 4 * K, Rights::RW)).expect("map");
    (live(space), arena)
}

/// `TlbFlush::flush` and `ignore`: what is ignored here is vouched for.
#[test]
fn a_flush_is_executed_or_vouched_for() {
    let (mut space, _) = edited(2);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.unmap_page(page::<Size4K>(0)) }.expect("mapped");
    assert_eq!(token.scope().duty, Duty::LEAF);
    assert_eq!(space.flush(token).0.start(), PhysAddr::new(0));
    let executed = space.hardware().executed();
    assert!(executed > 0);
    // SAFETY: as above.
    let token = unsafe { space.unmap_page(page::<Size4K>(0x1000)) }.expect("mapped");
    // SAFETY: as above.
    let (last, _) = unsafe { token.assume_flushed() };
    assert_eq!((last.start().as_u64(), space.hardware().executed()), (0x1000, executed));
}

/// Its cursor keeps 32 addresses, and flushes all where there are more.
#[test]
fn a_batch_flushes_page_by_page_and_all_where_there_are_many() {
    type Cache = Batch<On<Level4>, 32>;
    let executed = |pages: u64| {
        let (mut space, _) = edited(256);
        let mut batch = Cache::new();
        let mut cursor = space.cursor(virt(0));
        for number in 0..pages {
            // Every other page, so that none are neighbours.
            // SAFETY: no hardware uses tables in an arena.
            let token = unsafe { cursor.protect(page::<Size4K>(number * 8 * K), &READ) }.expect("mapped");
            batch.add(token);
        }
        assert_eq!(batch.scopes().len(), if pages > 32 { (pages as usize - 32).max(1) } else { pages as usize });
        let mut recorder = Recorder::new();
        batch.flush(&mut recorder).for_each(drop);
        recorder.executed()
    };
    assert_eq!(executed(8), 8);
    assert_eq!(executed(33), 1);
}

/// The offline cursor, page after page.
#[test]
fn a_cursor_maps_changes_and_unmaps() {
    let (mut space, arena): (Space<Sv39, Offline>, _) = space(8);
    let mut cursor = space.cursor(virt(0));
    let pages = (0..32).map(|number| (page::<Size4K>(number * 4 * K), frame::<Size4K>((64 - number) * 4 * K)));
    for (at, to) in pages.clone() {
        cursor.map(at, to, attributes(Rights::RW)).expect("mapped");
        cursor.protect(at, &READ).expect("mapped");
    }
    for (at, to) in pages {
        assert_eq!(cursor.unmap(at), Ok(to));
    }
    assert_eq!((space.leaves(virt(0)).count(), arena.used()), (0, 3));
    space.free();
}

/// Guest addresses are the addresses of a regime whose name is another: the compiler keeps their spaces apart.
#[test]
fn guest_addresses_are_those_of_another_regime() {
    let (mut guest, _) = space::<tablature::aarch64::Stage2<G4K, 40>>(8);
    guest.map(&mapping(0x4000_0000, 0x9000_0000, 2 * M, Rights::RWX)).expect("map");
    assert_eq!(guest.translate(virt(0x4012_3456)), Ok(PhysAddr::new(0x9012_3456)));
    assert_eq!(guest.query(virt(0x4000_0000), 2 * M).map(|all| all.attributes.memory), Ok(MemoryType::NormalWb));
    guest.free();
}
