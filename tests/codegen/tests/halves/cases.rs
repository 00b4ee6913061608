//! The cases, for each architecture.

/// Words that differ, with their places.
pub(crate) fn changes(before: &[u64], after: &[u64]) -> Vec<(usize, u64)> {
    let both = before.iter().zip(after).enumerate();
    both.filter(|(_, (old, new))| old != new).map(|(at, (_, new))| (at, *new)).collect()
}

/// The same with places that count from `origin`.
pub(crate) fn from(origin: usize, changes: &[(usize, u64)]) -> Vec<(usize, u64)> {
    changes.iter().map(|(at, word)| (at - origin, *word)).collect()
}

/// Tables of nothing but zeros, with addresses.
pub(crate) fn arena(tables: usize) -> *mut u64 {
    let words = vec![0_u64; (tables + 1) * 512].leak();
    let skip = (4096 - words.as_ptr().addr() % 4096) % 4096 / 8;
    words[skip..].as_mut_ptr()
}

/// Numbers without an order.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

macro_rules! cases {
    ($regime:path, $features:tt, $architecture:ty) => {
        mod cases {
            use tablature::addr::{PhysAddr, VirtAddr};
            use tablature::attr::{Access, MemoryType, Rights};
            use tablature::edit::{AddressSpace, Halves, Kind, Mapping, Protect, Reclaim, Ro, Rw};
            use tablature::flush::{
                Duty, Extent, Fixed, Id, OneCore, OnePage, Place, Recorder, Scope, TlbFlush, Whole,
            };
            use tablature::page::{Frame, OwnedFrame, OwnedFrames, Page, Size4K};
            use tablature::plan::Slot;
            use tablature::space::{Declared, Of};
            use tablature::table::Attributes;
            use tablature::tables::{Identity, Memory, Nothing, Ranges};

            use super::board::kernel::{self, heap};
            use super::{flush, listed, machine, mapper, raw, recorder, window};
            use crate::cases::{Numbers, arena, changes, from};
            use crate::list::{self, Listed};

            struct Kernel;

            impl Kind for Kernel {
                type Regime = Of<kernel::Space>;
                type Memory = Memory<Identity, Nothing>;
                type Hardware = Recorder<$architecture, 640>;
                type Reach = OneCore;
            }

            struct Process;

            impl Kind for Process {
                type Memory = Memory<Identity, Ranges<1>>;
                type Regime = Of<kernel::Space>;
                type Hardware = Recorder<$architecture, 640>;
                type Reach = OneCore;
            }

            /// What the notation asked for.
            fn asked(core: &Recorder<$architecture, 640>) -> Vec<Listed> {
                assert_eq!(core.executed(), core.ops().len(), "more than fits");
                core.ops().iter().map(listed).collect()
            }

            fn frames(start: u64, count: usize) -> OwnedFrames<Size4K> {
                // SAFETY: no memory of this program is meant.
                unsafe { OwnedFrames::assume(Frame::new(PhysAddr::new(start)).expect("a frame"), count) }
            }

            fn frame(start: u64) -> OwnedFrame<Size4K> {
                // SAFETY: as above.
                unsafe { OwnedFrame::assume(Frame::new(PhysAddr::new(start)).expect("a frame")) }
            }

            /// The words of the declared space, and those by hand.
            fn words() -> (Vec<u64>, Vec<u64>) {
                let tables = kernel::Space::memory();
                // SAFETY: the tables are there, and nobody writes them now; here and below.
                let notation = (0..tables.bytes / 8).map(|i| unsafe { tables.start.wrapping_add(i).read_volatile() });
                // SAFETY: as above.
                let by_hand = (0..window::PAGES).map(|i| unsafe { window::entries().wrapping_add(i).read_volatile() });
                (notation.collect(), by_hand.collect())
            }

            /// Runs both halves. What they changed, counted from the first page, and asked for, is the same.
            fn both<A, B>(
                origin: usize,
                notation: impl FnOnce(&mut Recorder<$architecture, 640>) -> A,
                by_hand: impl FnOnce() -> B,
            ) -> (A, B) {
                let (mut core, (ours, theirs)) = (recorder(), words());
                let results = (notation(&mut core), by_hand());
                let (ours_after, theirs_after) = words();
                let (ours, theirs) = (changes(&ours, &ours_after), changes(&theirs, &theirs_after));
                assert_eq!(from(origin, &ours), theirs, "words");
                assert_eq!(asked(&core), list::take(), "maintenance");
                results
            }

            #[test]
            fn pages_and_runs_of_windows_are_the_same_words_and_maintenance() {
                let slots = vec![Slot::ABSENT; kernel::Space::WORDS + 512].leak();
                let skip = (4096 - slots.as_ptr().addr() % 4096) % 4096 / 8;
                kernel::Space::fill(&mut slots[skip..][..kernel::Space::WORDS], 0x9000_0000)
                    .expect("room for the tables");
                // SAFETY: no core uses the tables.
                let mut all = unsafe { heap::assume_window::<Kernel>() }.expect("the first to ask");

                let (before, _) = words();
                let page = all.next_page().expect("there are many").map(frame(0x8123_4000), Rw).flush(&mut recorder());
                let (first, _) = *changes(&before, &words().0).first().expect("an entry changed");
                let (page, _) = page.unmap().flush(&mut recorder());

                let map = |core: &mut Recorder<$architecture, 640>| page.map(frame(0x8765_4000), Rw).flush(core);
                let (page, mine) = both(first, map, || window::by_hand_window_map(0, 0x8765_4000));
                let (page, mine) =
                    both(first, |core| page.protect(Ro).flush(core), || window::by_hand_window_protect(mine));
                let ((_, frame), (index, phys)) =
                    both(first, |core| page.unmap().flush(core), || window::by_hand_window_unmap(mine));
                assert_eq!((frame.frame().start().as_u64(), 0), (phys, index));

                let mut at = 1;
                for count in [0, 1, 2, 32, 33, 34, 64, 65, 511, 512, 513, 600] {
                    let (run, start) = (all.take_run(count), 0x9000_0000 + ((at as u64) << 12));
                    let mine = window::Run { first: at, count };
                    let (run, mine) = both(
                        first,
                        |core| run.map_run(frames(start, count), Rw).expect("as many frames").flush(core),
                        || window::by_hand_window_map_run(mine, start, count).expect("as many frames"),
                    );
                    let (run, mine) =
                        both(first, |core| run.protect(Ro).flush(core), || window::by_hand_window_protect_run(mine));
                    let ((_, frames), (_, mine)) =
                        both(first, |core| run.unmap().flush(core), || window::by_hand_window_unmap_run(mine));
                    assert_eq!((frames.first().start().as_u64(), frames.len()), mine);
                    at += count;
                }
                let (short, mine) = (all.take_run(2), window::Run { first: at, count: 2 });
                assert!(short.map_run(frames(0x8000_0000, 3), Rw).is_err());
                let refused = window::by_hand_window_map_run(mine, 0x8000_0000, 3).expect_err("too many frames");
                assert_eq!((refused.pages.count, refused.frame, refused.frames), (2, 0x8000_0000, 3));
            }

            struct First;

            impl Place for First {
                const SCOPE: Scope = Scope {
                    duty: Duty::LEAF,
                    extent: Extent::Range { start: heap::START, last: heap::START + 0xfff, stride: 12 },
                    id: Id::Every,
                };
            }

            #[test]
            fn tokens_are_the_same_maintenance() {
                for start in [0, 0x1000, 0xffff_ffd0_0123_4000, 0xffff_ffff_ffff_f000] {
                    let (mut core, page) = (recorder(), Page::<Size4K>::containing(VirtAddr::new(start)));
                    TlbFlush::<Kernel, (), _>::covering(OnePage::new(page, Duty::LEAF, Id::Every), ()).flush(&mut core);
                    flush::by_hand_flush_page(start);
                    assert_eq!(asked(&core), list::take(), "{start:#x}");
                }
                let mut fixed = recorder();
                TlbFlush::<Kernel, (), Fixed<First>>::fixed().flush(&mut fixed);
                flush::by_hand_flush_fixed();
                assert_eq!(asked(&fixed), list::take());
                let mut all = recorder();
                TlbFlush::<Kernel, (), _>::covering(Whole::new(Duty::WALK, Id::Every), ()).flush(&mut all);
                flush::by_hand_flush_everything();
                assert_eq!(asked(&all), list::take());
            }

            const RW: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
            const RO: Protect = Protect::access(Access::kernel(Rights::R));
            const START: u64 = 0xffff_ffc0_4000_0000;

            /// Spaces of both halves, each with memory of its own.
            struct Both {
                space: AddressSpace<Process>,
                mapper: mapper::Mapper,
                root: *mut u64,
            }

            fn spaces() -> Both {
                let (mine, yours) = (arena(256), arena(256));
                let mut ranges = Ranges::new();
                // SAFETY: the memory is there and nobody else's, and tables are reached where they are.
                assert!(unsafe { ranges.add(PhysAddr::new(yours.expose_provenance() as u64), 256 << 12) });
                let start = PhysAddr::new(yours.expose_provenance() as u64);
                // SAFETY: as above.
                let view = unsafe { Identity::new(start, 256 << 12) };
                let memory = Memory::new(view, ranges);
                mine.expose_provenance();
                let space = AddressSpace::new(memory, Halves::Both).expect("memory for the root");
                let mapper = mapper::Mapper::new(mine, mine.wrapping_add(512), mine.wrapping_add(256 << 9));
                Both { space, mapper, root: mine }
            }

            /// Every entry that is not zero: where it is, and its word, without the address where that is of a table.
            fn entries(table: *mut u64, level: usize, virt: u64, all: &mut Vec<(u64, usize, u64)>) {
                for index in 0..512_u64 {
                    let (word, virt) = (mapper::load(table, index as usize), virt | index << (12 + 9 * level));
                    if level > 0 && machine::is_table(word) {
                        all.push((virt, level, word ^ machine::table(machine::target(word))));
                        let below = std::ptr::with_exposed_provenance_mut(machine::target(word) as usize);
                        entries(below, level - 1, virt, all);
                    } else if word != 0 {
                        all.push((virt, level, word));
                    }
                }
            }

            impl Both {
                fn compare(&self) {
                    let roots = self.space.roots();
                    let root = roots.upper.or(roots.lower).expect("a root") as usize;
                    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                    let root = std::ptr::with_exposed_provenance_mut(root);
                    entries(root, machine::LEVELS - 1, 0, &mut ours);
                    entries(self.root, machine::LEVELS - 1, 0, &mut theirs);
                    assert_eq!(ours, theirs);
                }
            }

            #[test]
            fn a_cursor_leaves_the_same_words_and_outcomes() {
                let (mut both, mut numbers) = (spaces(), Numbers(1));
                for _ in 0..40 {
                    let mut cursor = both.space.cursor(VirtAddr::new(START));
                    for _ in 0..100 {
                        // Three tables, of which neighbours are used together, and seldom memory that no entry can name.
                        let at = START + (numbers.below(3) << 21) + (numbers.below(24) << 12);
                        let phys =
                            if numbers.below(50) == 0 { 1 << 60 } else { 0x8000_0000 + (numbers.below(999) << 12) };
                        let (page, to) = (Page::containing(VirtAddr::new(at)), Frame::containing(PhysAddr::new(phys)));
                        let mapper = &mut both.mapper;
                        let (ours, theirs) = match numbers.below(3) {
                            0 => (
                                cursor.map::<Size4K>(page, to, RW).ok().map(|()| 0),
                                mapper::by_hand_cursor_map(mapper, at, phys).ok().map(|()| 0),
                            ),
                            1 => (
                                cursor.protect(page, &RO).ok().map(|()| 0),
                                mapper::by_hand_cursor_protect(mapper, at).ok().map(|()| 0),
                            ),
                            _ => (
                                cursor.unmap(page).ok().map(|frame| frame.start().as_u64()),
                                mapper::by_hand_cursor_unmap(mapper, at).ok(),
                            ),
                        };
                        assert_eq!(ours, theirs, "{at:#x} to {phys:#x}");
                    }
                    both.compare();
                }
            }

            #[test]
            fn ranges_leave_the_same_words() {
                let (mut both, mut numbers) = (spaces(), Numbers(2));
                for i in 0..30 {
                    // No two meet, and none could be a large leaf.
                    let at = START + (i << 24) + (numbers.below(600) << 12);
                    let (phys, size) = (0x1_0000_1000 + at % 0x20_0000, (1 + numbers.below(1500)) << 12);
                    let (virt, to) = (VirtAddr::new(at), PhysAddr::new(phys));
                    both.space.map(&Mapping::new(virt, to, size, RW)).expect("it is free");
                    raw::by_hand_map_range(&mut both.mapper, at, phys, size).expect("it is free");
                    both.compare();
                    both.space.protect(virt, size, &RO).expect("it is mapped");
                    raw::by_hand_protect_range(&mut both.mapper, at, size).expect("it is mapped");
                    both.compare();
                    both.space.unmap(virt, size / 2 & !0xfff, Reclaim::Keep).expect("it is mapped");
                    raw::by_hand_unmap_range(&mut both.mapper, at, size / 2 & !0xfff).expect("it is a range");
                    both.compare();
                }
                let (page, to) =
                    (Page::containing(VirtAddr::new(START)), Frame::containing(PhysAddr::new(0x9000_0000)));
                both.space.map_page::<Size4K>(page, to, RW).expect("it is free");
                raw::by_hand_map_page(&mut both.mapper, START, 0x9000_0000).expect("it is free");
                both.compare();
            }
        }

        tablature::memory_map! {
            /// The declaration of the notation, whose tables are filled at boot here.
            pub(crate) mod board for $regime;
            cpu { features = $features; }
            physical { dram : 0x8000_0000, 1 GiB, normal; }
            space kernel {
                tables at boot;
                text (rx)         : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
                data (rw)         : after text => dram + 0x20_0000, 2 MiB;
                heap (rw, window) : 0xffff_ffd0_0000_0000, 64 MiB;
            }
        }
    };
}
