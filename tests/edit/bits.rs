//! Bits of entries that hardware sets itself, that move with the size of a leaf, or that decide about caching.

use std::fmt::Debug;

use tablature::aarch64::{El1, G4K, Stage2};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{Live, MapError, Mapping, Protect, ProtectError, Reclaim, RemapError};
use tablature::flush::Maintain;
use tablature::page::{Frame, HasLeaf, Page, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::table::Attributes;
use tablature::x86_64::{Ept4, Level4};

use crate::arena::Arena;
use crate::kinds::{G, K, M, Space, attributes, by_size, leaves, live, mapping, space};

type Shadow = With<Level4, { Features::CET_SS.bits() }>;
type ArmDirty = With<El1<G4K, 39>, { Features::HAFDBS.bits() }>;
type ArmGuest = With<Stage2<G4K, 40>, { Features::HAFDBS.bits() }>;
type Svadu = With<Sv39, { Features::SVADU.bits() }>;
type EptDirty = With<Ept4, { Features::EPT_AD.bits() }>;

const WRITE: u64 = 2;
const DIRTY: u64 = 1 << 6;
const READ: Protect = Protect::access(Access { privileged: Rights::R, user: Rights::NONE });

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

/// The leaf that holds `address`: where its entry is, and the word.
fn entry<R: Maintain>(space: &Space<R, Live>, arena: &Arena<R>, address: u64) -> (u64, u64) {
    let mut last = (0, 0);
    let found = tablature::walk::walk(&R::FORMAT, space.roots().lower, None, address, |at| {
        last = (at, arena.entry(at)?);
        Some(last.1)
    });
    found.expect("mapped");
    last
}

/// 2 MiB at 2 MiB, writable, live.
fn large<R: Maintain>() -> (Space<R, Live>, Arena<R>) {
    let (mut space, arena) = space::<R>(16);
    space.map(&mapping(2 * M, 4 * M, 2 * M, Rights::RW)).expect("map");
    (live(space), arena)
}

#[test]
fn what_hardware_sets_during_an_edit_is_in_the_new_leaves() {
    fn kept<R: Maintain + HasLeaf<Size2M> + HasLeaf<Size4K>>(bits: u64) {
        // As another system leaves it, where this one presets the bit.
        let clean = |space: &Space<R, Live>, arena: &Arena<R>| {
            let (at, _) = entry(space, arena, 2 * M);
            arena.poke(at, |word| word & !bits);
            at
        };
        let (mut space, arena) = large::<R>();
        arena.race(clean(&space, &arena), bits);
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.protect_page(Page::<Size2M>::containing(virt(2 * M)), &READ) }.expect("mapped");
        space.flush(token);
        assert!(arena.has_raced());
        assert_eq!(entry(&space, &arena, 2 * M).1 & bits, bits, "protected");

        let (mut space, arena) = large::<R>();
        arena.race(clean(&space, &arena), bits);
        // SAFETY: as above.
        let token = unsafe { space.split::<Size4K>(virt(2 * M)) }.expect("mapped");
        space.flush(token);
        assert!(arena.has_raced());
        for page in [2 * M, 2 * M + 0x5000, 4 * M - 0x1000] {
            assert_eq!(entry(&space, &arena, page).1 & bits, bits, "split");
        }

        let (mut space, arena) = large::<R>();
        arena.race(clean(&space, &arena), bits);
        // SAFETY: as above.
        let token = unsafe { space.unmap(virt(2 * M + 0x5000), 4 * K, Reclaim::Free) }.expect("mapped");
        space.reclaim(token);
        assert!(arena.has_raced());
        assert_eq!(entry(&space, &arena, 2 * M).1 & bits, bits, "what remains of it");
    }
    kept::<Level4>(DIRTY);
    kept::<EptDirty>(1 << 9);
    kept::<Svadu>(1 << 7);
}

/// A block that another system left clean (DBM, and not yet writable) is made dirty by hardware while it is split.
#[test]
fn no_page_of_a_block_that_was_written_is_clean() {
    fn written<R: Maintain + HasLeaf<Size4K>>(clean: u64, dirty: u64) {
        const DBM: u64 = 1 << 51;
        let (mut space, arena) = large::<R>();
        let (at, _) = entry(&space, &arena, 2 * M);
        arena.poke(at, |word| word & !dirty & !clean | clean | DBM);
        arena.race(at, clean | dirty);
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.split::<Size4K>(virt(2 * M)) }.expect("mapped");
        space.flush(token);
        assert!(arena.has_raced());
        assert_eq!(by_size(&leaves(&space, &arena)), [512, 0, 0]);
        for page in [2 * M, 4 * M - 0x1000] {
            assert_eq!(entry(&space, &arena, page).1 & (clean | dirty), dirty, "{page:#x}");
        }
    }
    written::<ArmDirty>(1 << 7, 0);
    written::<ArmGuest>(0, 1 << 7);
}

/// Where the CPU has shadow stacks, a leaf that is dirty and not writable is one.
#[test]
fn no_page_becomes_a_shadow_stack() {
    let shadow = |arena: &Arena<Shadow>| {
        let words = arena.image().into_iter().flat_map(|(_, words)| words);
        words.filter(|word| word & 1 == 1 && word & (DIRTY | WRITE) == DIRTY).count()
    };
    for race in [false, true] {
        let (mut space, arena) = large::<Shadow>();
        let (at, _) = entry(&space, &arena, 2 * M);
        if race {
            arena.race(at, DIRTY)
        } else {
            arena.poke(at, |word| word | DIRTY)
        }
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.protect(virt(2 * M + 0x5000), 8 * K, &READ) }.expect("mapped");
        space.flush(token);
        assert_eq!((entry(&space, &arena, 2 * M).1 & (DIRTY | WRITE), shadow(&arena)), (DIRTY | WRITE, 0), "{race}");
        let (at, _) = entry(&space, &arena, 2 * M);
        if race {
            arena.race(at, DIRTY)
        } else {
            arena.poke(at, |word| word | DIRTY)
        }
        // SAFETY: as above.
        let token = unsafe { space.protect(virt(2 * M), 2 * M, &READ) }.expect("mapped");
        space.flush(token);
        assert_eq!((entry(&space, &arena, 2 * M).1 & (DIRTY | WRITE), shadow(&arena)), (0, 0), "{race}");
    }
    let (mut space, arena) = large::<Shadow>();
    arena.race(entry(&space, &arena, 2 * M).0, DIRTY);
    let inside = mapping(2 * M + 0x5000, 0, 4 * K, Rights::R).replacing();
    // SAFETY: as above.
    let token = unsafe { space.map(&inside) }.expect("replaced");
    space.reclaim(token);
    assert!(arena.has_raced());
    assert_eq!(shadow(&arena), 0);
}

#[test]
fn the_pat_bit_is_where_leaves_of_their_size_have_it() {
    const PAT: u64 = 1 << 7;
    const LARGE_PAT: u64 = 1 << 12;
    let (mut space, arena) = space::<Level4>(16);
    space.map(&mapping(2 * M, 4 * M, 2 * M, Rights::RW)).expect("map");
    let mut space = live(space);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.protect(virt(2 * M), 2 * M, &Protect::memory(MemoryType::NormalNc)) }.expect("mapped");
    space.flush(token);
    assert_eq!(entry(&space, &arena, 2 * M).1 & 0x3f_ffff_ffff_f000, (4 * M) | LARGE_PAT);
    assert_eq!(entry(&space, &arena, 2 * M).1 & PAT, PAT, "bit 7 says that the leaf is large");
    // SAFETY: as above.
    let token = unsafe { space.split::<Size4K>(virt(2 * M)) }.expect("mapped");
    space.flush(token);
    for page in [2 * M, 2 * M + 0x1000, 4 * M - 0x1000] {
        let word = entry(&space, &arena, page).1;
        assert_eq!((word & PAT, word & 0xf_ffff_ffff_f000), (PAT, page + 2 * M));
    }
    // SAFETY: as above.
    let token = unsafe { space.protect(virt(2 * M), 4 * K, &Protect::memory(MemoryType::NormalWb)) }.expect("mapped");
    space.flush(token);
    assert_eq!(entry(&space, &arena, 2 * M).1 & (PAT | LARGE_PAT), 0);
    // SAFETY: as above.
    let token = unsafe { space.protect(virt(2 * M), 4 * K, &Protect::memory(MemoryType::NormalNc)) }.expect("mapped");
    space.flush(token);
    // SAFETY: as above.
    let token = unsafe { space.promote::<Size2M>(Page::containing(virt(2 * M))) }.expect("equal leaves");
    space.reclaim(token);
    assert_eq!(entry(&space, &arena, 2 * M).1 & 0x3f_ffff_ffff_f080, (4 * M) | LARGE_PAT | PAT);
}

/// Every way to ask for a type ends in a leaf of that type, or in an error that leaves everything as it is.
#[test]
fn no_edit_caches_what_is_not_to_be_cached() {
    fn all<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>>(known: bool) {
        let (page, frame) = (Page::<Size4K>::containing(virt(0x5000)), Frame::containing(PhysAddr::new(0x9000)));
        for memory in [MemoryType::NormalNc, MemoryType::DeviceNgnrne] {
            let uncached = Attributes::new(Access::kernel(Rights::RW), memory);
            let (mut space, arena) = space::<R>(16);
            space.map(&mapping(0x5000, 0x5000, 4 * K, Rights::RW)).expect("map");
            space.map(&mapping(2 * M, 4 * M, 2 * M, Rights::RW)).expect("map");
            let before = arena.image();
            let is = |space: &Space<R>, at: u64| space.page(virt(at)).expect("mapped").leaf.memory == memory;
            let change = Protect::memory(memory);
            fn agree<T: Debug + PartialEq, E: Debug + PartialEq>(known: bool, found: &Result<T, E>, error: E) {
                match found {
                    Err(found) => assert!(!known && *found == error, "{found:?}"),
                    Ok(_) => assert!(known),
                }
            }
            agree(known, &space.protect(virt(0x5000), 4 * K, &change), ProtectError::NotEncodable(change));
            agree(known, &space.protect_page(page, &change), ProtectError::NotEncodable(change));
            agree(known, &space.protect(virt(2 * M), 4 * K, &change), ProtectError::NotEncodable(change));
            agree(known, &space.remap_page(page, frame, uncached), RemapError::NotEncodable(uncached));
            let cursor = space.cursor(virt(0x5000)).protect(page, &change);
            agree(known, &cursor, ProtectError::NotEncodable(change));
            let request = Mapping::new(virt(G), PhysAddr::new(0), 4 * K, uncached);
            agree(known, &space.map(&request), MapError::NotEncodable(uncached));
            assert_eq!(arena.image() == before, !known);
            if known {
                assert!([0x5000, 2 * M, G].iter().all(|&at| is(&space, at)), "{memory:?}");
                assert!(!is(&space, 2 * M + 0x1000), "and nothing else");
            }
            space.free();
        }
    }
    all::<Level4>(true);
    all::<El1<G4K, 39>>(true);
    all::<With<Sv39, { Features::SVPBMT.bits() }>>(true);
    all::<Sv39>(false);
}

/// Level 0 of the 4 KiB granule has blocks with LPA2 only.
#[test]
fn the_largest_leaves_are_those_that_the_cpu_has() {
    let (mut space, arena) = space::<El1<G4K, 48>>(16);
    space.map(&mapping(512 * G, 512 * G, 512 * G, Rights::RW)).expect("map");
    assert_eq!(by_size(&leaves(&space, &arena)), [0, 0, 512]);
    let refused = space.remap_page(
        Page::<Size2M>::containing(virt(512 * G)),
        Frame::containing(PhysAddr::new(0)),
        attributes(Rights::R),
    );
    assert!(matches!(refused, Err(RemapError::InsideLeaf(_))));
    space.free();
    let (mut wide, arena) = crate::kinds::space::<With<El1<G4K, 48>, { Features::LPA2.bits() }>>(16);
    wide.map(&mapping(512 * G, 512 * G, 512 * G, Rights::RW)).expect("map");
    let found = leaves(&wide, &arena);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(512 * G, (512 * G, 512 * G, Rights::RW))]);
    wide.free();
}
