//! Random changes of windows, and an array of what each page must be.

use tablature::aarch64::A64;
use tablature::armv7::A32;
use tablature::attr::{Access, Rights};
use tablature::edit::{Granted, Kind, Ro, Rw, Rwx, Rx, User};
use tablature::flush::{EveryCore, OneCore, Recorder};
use tablature::loongarch64::LoongArch;
use tablature::page::PageSize;
use tablature::riscv::RiscV;
use tablature::space::{Declared, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::walk::walk;
use tablature::window::{Mapped, Normal, Run, Unmapped, Window, WindowRegion};
use tablature::x86_64::X86;

use crate::{entry, frame, frames, memory};

/// Numbers that are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A page, or a run, in the state that its type says.
enum Held<R: WindowRegion, K, W, O> {
    Free(Window<R, K>),
    Page(Unmapped<R, K>),
    Rw(Mapped<R, K, W>),
    Ro(Mapped<R, K, O>),
    RunRw(Mapped<R, K, W, Normal, Run>),
    RunRo(Mapped<R, K, O, Normal, Run>),
}

/// Where each page goes, and whether it can be written.
type Truth = Vec<Option<(u64, bool)>>;

/// `W` are rights that write, `O` others.
struct World<R: WindowRegion, K: Kind, W, O> {
    held: Vec<Held<R, K, W, O>>,
    rights: (W, O),
    truth: Truth,
    random: Random,
    next: u64,
    hardware: K::Hardware,
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, W: Granted + Copy, O: Granted + Copy> World<R, K, W, O> {
    fn index(start: u64) -> usize {
        (start.wrapping_sub(R::EXTENT.virt as u64) / R::Size::BYTES) as usize
    }

    fn note(&mut self, start: u64, count: usize, to: Option<(u64, bool)>) {
        for i in 0..count {
            let to = to.map(|(phys, write)| (phys + i as u64 * R::Size::BYTES, write));
            self.truth[Self::index(start) + i] = to;
        }
    }

    fn new_frames(&mut self, count: usize) -> u64 {
        let phys = self.next;
        self.next += count as u64 * R::Size::BYTES;
        phys
    }

    /// Changes one of the handles, and flushes what that owes.
    fn step(&mut self) {
        let at = self.random.below(self.held.len());
        let held = self.held.swap_remove(at);
        match held {
            Held::Free(window) => self.cut(window),
            Held::Page(page) => {
                let (start, phys) = (page.page().start().as_u64(), self.new_frames(1));
                self.note(start, 1, Some((phys, true)));
                self.held.push(Held::Rw(page.map(frame(phys), self.rights.0).flush(&mut self.hardware)));
            }
            Held::Rw(page) if self.random.below(2) == 0 => {
                let (start, phys) = (page.page().start().as_u64(), page.frame().start().as_u64());
                self.note(start, 1, Some((phys, false)));
                self.held.push(Held::Ro(page.protect(self.rights.1).flush(&mut self.hardware)));
            }
            Held::Rw(page) => {
                self.note(page.page().start().as_u64(), 1, None);
                let phys = page.frame();
                let (page, frame) = page.unmap().flush(&mut self.hardware);
                assert_eq!(frame.frame(), phys);
                self.held.push(Held::Page(page));
            }
            Held::Ro(page) => {
                let (start, phys) = (page.page().start().as_u64(), page.frame().start().as_u64());
                self.note(start, 1, Some((phys, true)));
                self.held.push(Held::Rw(page.protect(self.rights.0).flush(&mut self.hardware)));
            }
            Held::RunRw(mut run) => {
                let front = self.random.below(run.len());
                let front = run.take_run(front);
                let (start, phys) = (front.page().start().as_u64(), front.frame().start().as_u64());
                self.note(start, front.len(), Some((phys, false)));
                self.held.push(Held::RunRo(front.protect(self.rights.1).flush(&mut self.hardware)));
                self.held.push(Held::RunRw(run));
            }
            Held::RunRo(run) => {
                self.note(run.page().start().as_u64(), run.len(), None);
                let (first, count) = (run.frame(), run.len());
                let (window, frames) = run.unmap().flush(&mut self.hardware);
                assert_eq!((frames.first(), frames.len()), (first, count));
                self.held.push(Held::Free(window));
            }
        }
    }

    /// Maps some of a run of unmapped pages, and gives the others out as pages or runs.
    fn cut(&mut self, mut window: Window<R, K>) {
        if window.len() < 2 {
            self.held.extend(window.next_page().map(Held::Page));
            return;
        }
        let pages = 1 + self.random.below(window.len() - 1);
        let front = window.take_run(pages);
        self.held.push(Held::Free(window));
        if self.random.below(2) == 0 {
            let phys = self.new_frames(pages);
            self.note(front.page().start().as_u64(), pages, Some((phys, true)));
            let wrong = front.map_run(frames(phys, pages + 1), self.rights.0).expect_err("a frame too many");
            let front = wrong.pages.map_run(frames(phys, pages), self.rights.0).expect("as many frames");
            self.held.push(Held::RunRw(front.flush(&mut self.hardware)));
        } else {
            self.held.push(Held::Free(front));
        }
    }

    /// Every page is what the array says, as a walk of the tables sees it.
    fn check(&self) {
        let (roots, start) = (<R::Space as Declared>::roots(), R::EXTENT.virt as u64);
        let format = &<R::Space as Declared>::FORMAT;
        for (i, truth) in self.truth.iter().enumerate() {
            let virt = start + i as u64 * R::Size::BYTES + 8;
            let found = walk(format, roots.lower, roots.upper, virt, entry::<R::Space>).ok();
            let of = |access: Access| access.any().contains(Rights::W);
            let found = found.map(|found| (found.address - 8, of(found.leaf.access)));
            assert_eq!(found, *truth, "page {i} of {}", format.name);
        }
    }
}

fn run<R, K, W, O>(window: Window<R, K>, hardware: K::Hardware, rights: (W, O))
where
    R: WindowRegion,
    K: Kind<Regime = Of<R::Space>>,
    W: Granted + Copy,
    O: Granted + Copy,
{
    let before: Vec<_> = words::<R::Space>().collect();
    let pages = window.len();
    assert_eq!(pages as u128 * u128::from(R::Size::BYTES), R::EXTENT.size);
    let mut world = World {
        held: vec![Held::Free(window)],
        truth: vec![None; pages],
        random: Random(R::EXTENT.virt as u64),
        next: 0x1000_0000,
        hardware,
        rights,
    };
    for _ in 0..60 {
        world.check();
        world.step();
    }
    world.check();
    assert!(world.truth.iter().any(Option::is_some), "nothing was ever mapped");
    // Nothing but entries of the window has changed.
    let changed = before.into_iter().zip(words::<R::Space>()).filter(|(before, after)| before != after).count();
    let mapped = world.truth.iter().flatten().count();
    assert!(changed <= mapped, "{changed} words changed for {mapped} pages");
}

/// The words of all tables.
pub(crate) fn words<S: Declared>() -> impl Iterator<Item = u64> {
    let tables = S::memory();
    (0..tables.bytes / 8).map(move |i| {
        // SAFETY: inside the tables, which are there, and nobody writes them now.
        unsafe { tables.start.wrapping_add(i).read_volatile() }
    })
}

/// A map with a window across the border of two last-level tables, in the three ways into the image.
macro_rules! windows {
    ($($name:ident: [$($regime:tt)*] [$($block:tt)*] [$($grant:tt)*] [$($waive:tt)*] $cpu:ty, $reach:ident, [$($code:tt)*] [$($rights:tt)*] $write:expr, $read:expr,
       $text:literal, $heap:literal, $size:literal $unit:ident;)*) => { $(
        mod $name {
            use super::*;

            windows! { map $name linked [$($regime)*] [$($block)*] [$($grant)*] [$($waive)*] [$($code)*] [$($rights)*] $text $heap $size $unit [] }
            windows! { map $name placed [$($regime)*] [$($block)*] [$($grant)*] [$($waive)*] [$($code)*] [$($rights)*] $text $heap $size $unit [tables at 0x1200_0000;] }
            windows! { map $name boot [$($regime)*] [$($block)*] [$($grant)*] [$($waive)*] [$($code)*] [$($rights)*] $text $heap $size $unit [tables at boot;] }

            windows! { test $name in_the_image linked $cpu, $reach, $write, $read }
            windows! { test $name at_its_place placed $cpu, $reach, $write, $read }

            #[test]
            fn filled_at_boot() {
                use boot::$name::{Space, heap};
                windows! { kind $cpu, $reach, Space }
                // SAFETY: no core uses the tables.
                assert!(unsafe { heap::assume_window::<Here>() }.is_none(), "there are no tables yet");
                Space::fill(memory(Space::WORDS, Space::ALIGNMENT), 0x1200_0000).expect("memory for the tables");
                // SAFETY: no core uses the tables.
                let window = unsafe { heap::assume_window::<Here>() }.expect("the first to ask");
                // SAFETY: as above.
                assert!(unsafe { heap::assume_window::<Here>() }.is_none(), "a window is given out once");
                let again = Space::fill(memory(Space::WORDS, Space::ALIGNMENT), 0x1400_0000);
                assert_eq!(again, Err(tablature::space::FillError::InUse));
                run::<heap, Here, _, _>(window, Recorder::new(), ($write, $read));
            }
        }
    )* };
    (map $name:ident $mode:ident [$($regime:tt)*] [$($block:tt)*] [$($grant:tt)*] [$($waive:tt)*] [$($code:tt)*] [$($rights:tt)*] $text:literal $heap:literal $size:literal $unit:ident
     [$($tables:tt)*]) => {
        tablature::memory_map! {
            mod $mode for $($regime)*;
            $($block)*
            physical { dram : 0x1000_0000, 256 MiB, normal; }
            space $name $($grant)* {
                $($tables)*
                text ($($code)*)            : $text => dram, 4 MiB;
                heap ($($rights)*, window) : $heap, $size $unit $($waive)*;
            }
        }
    };
    (kind $cpu:ty, $reach:ident, $space:ident) => {
        enum Here {}
        impl Kind for Here {
            type Regime = Of<$space>;
            type Memory = Memory<Identity, Nothing>;
            type Hardware = Recorder<$cpu, 64>;
            type Reach = $reach;
        }
    };
    (test $name:ident $test:ident $mode:ident $cpu:ty, $reach:ident, $write:expr, $read:expr) => {
        #[test]
        fn $test() {
            use $mode::$name::{Space, heap};
            windows! { kind $cpu, $reach, Space }
            // SAFETY: no core uses the tables.
            let window = unsafe { heap::assume_window::<Here>() }.expect("the first to ask");
            // SAFETY: as above.
            assert!(unsafe { heap::assume_window::<Here>() }.is_none(), "a window is given out once");
            run::<heap, Here, _, _>(window, Recorder::new(), ($write, $read));
        }
    };
}

windows! {
    sv39: [riscv::Sv39] [] [] [] RiscV, OneCore, [rx] [rw] Rw, Ro, 0xffff_ffc0_0000_0000, 0xffff_ffd0_001c_0000, 512 KiB;
    sv48: [riscv::Sv48] [] [] [] RiscV, OneCore, [rx] [rw] Rw, Ro, 0xffff_8000_0000_0000, 0x4000_001f_0000, 128 KiB;
    sv57: [riscv::Sv57] [] [] [] RiscV, OneCore, [rx] [rw] Rw, Ro, 0x1000_0000, 0xffff_ffff_ffe0_0000, 2 MiB;
    sv32: [riscv::Sv32] [] [] [] RiscV, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xbff8_0000, 1 MiB;
    sv39x4: [riscv::Sv39x4] [] [(guest)] [] RiscV, OneCore, [rx, user] [rw, user] User(Rw), User(Ro), 0x8000_0000, 0x1_001f_f000, 64 KiB;
    sv48x4: [riscv::Sv48x4] [] [(guest)] [] RiscV, OneCore, [rx, user] [rw, user] User(Rw), User(Ro), 0x8000_0000, 0x3_ffff_ffff_f000, 4 KiB;
    c9xx: [riscv::Sv39C9xx] [] [] [] RiscV, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xffff_ffd0_001f_f000, 64 KiB;
    level4: [x86_64::Level4] [] [] [] X86, OneCore, [rx] [rw] Rw, Ro, 0xffff_ffff_8000_0000, 0xffff_c000_001f_f000, 64 KiB;
    level5: [x86_64::Level5] [cpu { features = [nx, la57]; }] [] [] X86, OneCore, [rx] [rw] Rw, Ro, 0xff00_0000_0000_0000, 0x3fff_f000, 64 KiB;
    pae: [x86::Pae] [] [] [] X86, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xc01f_0000, 128 KiB;
    legacy: [x86::Legacy32] [] [] [, waive(wx, "there is no execute-disable")] X86, OneCore, [rx] [rwx] Rwx, Rx, 0x8000_0000, 0xc03f_0000, 128 KiB;
    ept: [x86_64::Ept4] [] [(guest)] [] X86, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0x1_001f_0000, 128 KiB;
    ept5: [x86_64::Ept5] [cpu { features = [ept5]; }] [(guest)] [] X86, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xff_ffff_001f_0000, 128 KiB;
    el1: [aarch64::El1<G4K, 39>] [] [] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0xffff_ff80_0000_0000, 0xffff_ff90_001f_0000, 128 KiB;
    el1_lpa2: [aarch64::El1<G4K, 52>] [cpu { features = [lpa2]; }] [] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0x2000_0000, 0x4_001f_0000, 128 KiB;
    el1_16k: [aarch64::El1<G16K, 48>] [] [] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0xffff_0000_0000_0000, 0x1fc_0000, 512 KiB;
    el1_64k: [aarch64::El1<G64K, 48>] [] [] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0xffff_0000_0000_0000, 0x1ff0_0000, 2 MiB;
    el1_lva: [aarch64::El1<G64K, 52>] [cpu { features = [lva, lpa]; }] [] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0x1000_0000, 0xffff_ffff_1ff0_0000, 2 MiB;
    el1_indices: [aarch64::El1<G4K, 48>] [cpu { features = [s1pie]; }] [] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0x1000_0000, 0x8_001f_0000, 128 KiB;
    el2_and_0: [aarch64::El2And0<G4K, 48>] [] [] [] A64, EveryCore, [rx] [rw, user] User(Rw), User(Ro), 0x1000_0000, 0x8_001f_0000, 128 KiB;
    el3: [aarch64::El3<G16K, 36>] [] [] [] A64, OneCore, [rx] [rw] Rw, Ro, 0x4000_0000, 0x1fc_0000, 512 KiB;
    el2: [aarch64::El2<G4K, 48>] [] [] [] A64, OneCore, [rx] [rw] Rw, Ro, 0x4000_0000, 0x8_001f_0000, 128 KiB;
    stage2: [aarch64::Stage2<G4K, 40>] [] [(guest)] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0x1_001f_0000, 128 KiB;
    stage2_16k: [aarch64::Stage2<G16K, 40>] [] [(guest)] [] A64, EveryCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0x1fc_0000, 512 KiB;
    hyp: [armv7::LpaeHyp] [] [] [] A32, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xc01f_0000, 128 KiB;
    lpae_stage2: [armv7::LpaeStage2] [] [(guest)] [] A32, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xc01f_0000, 128 KiB;
    lpae: [armv7::Lpae] [] [] [] A32, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xc01f_0000, 128 KiB;
    short: [armv7::Short] [] [] [] A32, OneCore, [rx] [rw] Rw, Ro, 0x8000_0000, 0xc00f_0000, 128 KiB;
    la64: [loongarch64::La64] [] [] [] LoongArch, OneCore, [rx] [rw] Rw, Ro, 0xffff_8000_0000_0000, 0x1_01ff_0000, 256 KiB;
}
