//! What changes of windows owe, instruction by instruction, and what their handles weigh.

use core::mem::size_of;

use static_assertions::{assert_eq_size, assert_not_impl_any};
use tablature::aarch64::{A64, Barrier, Domain, Instruction, Tlb};
use tablature::edit::{Kind, Ro, Rw};
use tablature::flush::{EveryCore, OneCore, Recorder};
use tablature::riscv::RiscV;
use tablature::riscv::operation::Op as Fence;
use tablature::space::Of;
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Mapped, Unmapped};
use tablature::x86_64::X86;
use tablature::x86_64::operation::{Op, Register};

use crate::{frame, frames};

macro_rules! maps {
    ($($name:ident $kind:ident: [$($regime:tt)*] [$($block:tt)*] [$($asid:tt)*] $cpu:ty, $reach:ident;)*) => { $(
        tablature::memory_map! {
            mod $name for $($regime)*;
            $($block)*
            physical { dram : 0x8000_0000, 256 MiB, normal; }
            space owed {
                $($asid)*
                text (rx)         : 0x10_0000 => dram, 4 KiB;
                heap (rw, window) : 0x20_0000, 4 MiB;
            }
        }

        enum $kind {}

        impl Kind for $kind {
            type Regime = Of<$name::owed::Space>;
            type Memory = Memory<Identity, Nothing>;
            type Hardware = Recorder<$cpu, 64>;
            type Reach = $reach;
        }
    )* };
}

maps! {
    rv Rv: [riscv::Sv39] [] [asid 3;] RiscV, OneCore;
    rv_vptc RvVptc: [riscv::Sv39] [cpu { features = [svvptc]; }] [] RiscV, OneCore;
    pc Pc: [x86_64::Level4] [] [] X86, OneCore;
    arm Arm: [aarch64::El1<G4K, 39>] [] [asid 3;] A64, EveryCore;
}

/// The instructions of: mapping a page, protecting it, unmapping it; the same with a run of 1,024.
macro_rules! check {
    ($name:ident $kind:ident: $map:expr, $protect:expr, $unmap:expr; $map_run:expr, $protect_run:expr, $unmap_run:expr) => {
        use $name::owed::heap;
        let mut cpu = Recorder::new();
        // SAFETY: no core uses the tables.
        let mut window = unsafe { heap::assume_window::<$kind>() }.expect("the first to ask");
        let page = window.next_page().expect("a page").map(frame(0x8000_5000), Rw).flush(&mut cpu);
        assert_eq!(cpu.ops(), $map, "map");
        cpu.clear();
        let page = page.protect(Ro).flush(&mut cpu);
        assert_eq!(cpu.ops(), $protect, "protect");
        cpu.clear();
        // The same rights again: nothing changes, and nothing is owed.
        let page = page.protect(Ro).flush(&mut cpu);
        assert_eq!(cpu.executed(), 0);
        let (page, _) = page.unmap().flush(&mut cpu);
        assert_eq!(cpu.ops(), $unmap, "unmap");
        cpu.clear();
        let mut all = tablature::window::Window::from(page).join(window).expect("side by side");
        assert_eq!(all.len(), 1024);
        let few = all.take_run(2);
        let run = all.map_run(frames(0x8000_0000, 1022), Rw).expect("as many").flush(&mut cpu);
        assert_eq!(cpu.ops(), $map_run, "map a run");
        cpu.clear();
        let run = run.protect(Ro).flush(&mut cpu);
        assert_eq!(cpu.ops(), $protect_run, "protect a run");
        cpu.clear();
        let _ = run.unmap().flush(&mut cpu);
        assert_eq!(cpu.ops(), $unmap_run, "unmap a run");
        let _ = few;
    };
}

const PAGE: u64 = 0x20_0000;

#[test]
fn riscv_fences_the_page_and_its_identifier() {
    let one = [Fence::SfenceVma(Some(PAGE), Some(3))];
    let all = [Fence::SfenceVma(None, Some(3))];
    check! { rv Rv: one, one, one; all, all, all }
}

/// Svvptc: what becomes valid is seen without a fence, sooner or later.
#[test]
fn riscv_with_svvptc_owes_nothing_for_a_mapping() {
    let one = [Fence::SfenceVma(Some(PAGE), None)];
    let all = [Fence::SfenceVma(None, None)];
    check! { rv_vptc RvVptc: [], one, one; [], all, all }
}

#[test]
fn x86_owes_nothing_for_a_mapping() {
    let one = [Op::Invlpg(PAGE)];
    check! { pc Pc: [], one, one; [], [Op::Write(Register::Cr3, 0)], [Op::Write(Register::Cr3, 0)] }
}

#[test]
fn aarch64_publishes_a_mapping_and_invalidates_the_page() {
    let publish = [Instruction::Barrier(Barrier::DsbStores(Domain::Inner)), Instruction::Barrier(Barrier::Isb)];
    let one = [
        Instruction::Barrier(Barrier::DsbStores(Domain::Inner)),
        Instruction::Invalidate(Tlb::Vale1, Domain::Inner, 3 << 48 | PAGE >> 12),
        Instruction::Barrier(Barrier::Dsb(Domain::Inner)),
        Instruction::Barrier(Barrier::Isb),
    ];
    let all = [
        Instruction::Barrier(Barrier::DsbStores(Domain::Inner)),
        Instruction::Invalidate(Tlb::Aside1, Domain::Inner, 3 << 48),
        Instruction::Barrier(Barrier::Dsb(Domain::Inner)),
        Instruction::Barrier(Barrier::Isb),
    ];
    check! { arm Arm: publish, one, one; publish, all, all }
}

// Linear, and no more than an index and a frame.
assert_not_impl_any!(Unmapped<rv::owed::heap, Rv>: Clone, Copy, Default);
assert_not_impl_any!(Mapped<rv::owed::heap, Rv, Rw>: Clone, Copy, Default);
assert_eq_size!(Unmapped<rv::owed::heap, Rv>, usize);
assert_eq_size!(Mapped<rv::owed::heap, Rv, Rw>, (usize, u64));

#[test]
fn the_first_handle_of_a_window_is_a_range() {
    assert_eq!(size_of::<tablature::window::Window<rv::owed::heap, Rv>>(), 2 * size_of::<usize>());
}
