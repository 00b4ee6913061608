//! The type of memory that pages of windows ask for: what the window says, or what the map's memory is; on RISC-V nothing,
//! where the bus has it.

use tablature::aarch64::{A64, Derive};
use tablature::edit::{Granted, Kind, Ro, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::Size4K;
use tablature::riscv::RiscV;
use tablature::space::{Declared, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Mapped, Window, WindowRegion};
use tablature::x86_64::X86;

use crate::model::words;
use crate::{frame, frames};

/// What one window asks for: in a page, in one more with other rights, in each of a run, and for registers.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    memory: u64,
    registers: u64,
}

const FRAME: u64 = 0x8010_0000;

/// The one word that `pages` have put into the tables, whose entries are otherwise `before`.
fn new_words<S: Declared>(before: &[u64]) -> Vec<u64> {
    words::<S>().zip(before).filter(|(after, before)| after != *before).map(|(after, _)| after).collect()
}

fn asked<R, K>(mut window: Window<R, K>, cpu: &mut K::Hardware, field: fn(u64) -> u64) -> Asked
where
    R: WindowRegion<Size = Size4K>,
    K: Kind<Regime = Of<R::Space>>,
{
    fn fields<R: WindowRegion, A: Granted, K: Kind<Regime = Of<R::Space>>, M: tablature::window::Memory>(
        _: &Mapped<R, K, A, M>,
        before: &[u64],
        field: fn(u64) -> u64,
    ) -> u64 {
        let new = new_words::<R::Space>(before);
        assert_eq!(new.len(), 1);
        field(new[0])
    }
    let before: Vec<_> = words::<R::Space>().collect();
    let page = window.next_page().expect("a page").map(frame(FRAME), Rw).flush(cpu);
    let memory = fields(&page, &before, field);
    let page = page.protect(Ro).flush(cpu);
    assert_eq!(fields(&page, &before, field), memory, "with other rights");
    let (page, _) = page.unmap().flush(cpu);
    let page = page.map_device(frame(0x1000_0000), Rw).flush(cpu);
    let registers = fields(&page, &before, field);
    drop(page.unmap().flush(cpu));
    let run = window.take_run(3).map_run(frames(FRAME, 3), Rw).expect("three").flush(cpu);
    let new = new_words::<R::Space>(&before);
    assert_eq!(new.into_iter().map(field).collect::<Vec<_>>(), [memory; 3], "in a run");
    drop(run.unmap().flush(cpu));
    Asked { memory, registers }
}

macro_rules! types {
    ($($name:ident $kind:ident: [$($regime:tt)*] [$($cpu:tt)*] $hardware:ty, [$($memory:tt)*] [$($region:ident: [$($clause:tt)*])*];)*) => { $(
        tablature::memory_map! {
            mod $name for $($regime)*;
            $($cpu)*
            physical { $($memory)* }
            space types {
                text (rx) : 0x10_0000 => dram, 4 KiB;
                more (rw) : after text => dram + 4 KiB, 4 KiB;
                first (rw, window) : 0x20_0000, 64 KiB;
                $( $region (rw, window) : after first $($clause)*; )*
            }
        }

        enum $kind {}

        impl Kind for $kind {
            type Regime = Of<$name::types::Space>;
            type Memory = Memory<Identity, Nothing>;
            type Hardware = Recorder<$hardware, 64>;
            type Reach = OneCore;
        }
    )* };
}

/// What the pages of the window `$region` ask for.
macro_rules! ask {
    ($name:ident $kind:ident $region:ident $field:expr) => {
        // SAFETY: no core uses the tables.
        asked(unsafe { $name::types::$region::assume_window::<$kind>() }.expect("once"), &mut Recorder::new(), $field)
    };
}

types! {
    rv Rv: [riscv::Sv39] [cpu { features = [svpbmt]; }] RiscV, [
        dram : 0x8000_0000, 1 GiB, normal;
        uart : 0x1000_0000, 4 KiB, device;
        nc : 0x8010_0000, 1 MiB, normal_nc, within dram;
        inner : 0x8010_1000, 4 KiB, normal_nc, within nc;
        mail : 0x8030_0000, 4 KiB, device, within dram;
    ] [
        not_cached: [, 64 KiB, memory normal_nc]
        cached: [+ 64 KiB, 64 KiB, memory normal]
        registers: [+ 128 KiB, 64 KiB, memory device]
    ];
    rv_bus RvBus: [riscv::Sv48] [] RiscV, [
        dram : 0x8000_0000, 1 GiB, normal;
        sram : 0xd000_0000, 64 KiB, normal_nc;
    ] [
        not_cached: [, 64 KiB, memory normal_nc]
    ];
    rv_none RvNone: [riscv::Sv39] [cpu { features = [svpbmt]; }] RiscV, [ dram : 0x8000_0000, 1 GiB, normal; ] [
        not_cached: [, 64 KiB, memory normal_nc]
        io: [+ 64 KiB, 64 KiB, memory device]
    ];
    rv_nc RvNc: [riscv::Sv57] [] RiscV, [ dram : 0x8000_0000, 1 GiB, normal_nc; ] [];
    arm Arm: [aarch64::El1<G4K, 39>] [] A64, [
        dram : 0x8000_0000, 1 GiB, normal;
        nc : 0x8010_0000, 1 MiB, normal_nc, within dram;
    ] [
        not_cached: [, 64 KiB, memory normal_nc]
        strict: [+ 64 KiB, 64 KiB, memory device_nGnRnE]
    ];
    arm_nc ArmNc: [aarch64::El1<G4K, 48>] [] A64, [
        dram : 0x8000_0000, 1 GiB, normal_nc;
        uart : 0x1000_0000, 4 KiB, device_nGnRnE;
        flash : 0x2000_0000, 1 MiB, normal_wt, reserved;
    ] [
        strict: [, 64 KiB, memory device_nGnRnE]
    ];
    pc Pc: [x86_64::Level4] [] X86, [ dram : 0x8000_0000, 1 GiB, normal; ] [
        not_cached: [, 64 KiB, memory normal_nc]
    ];
    indirect Indirect: [aarch64::El1<G4K, 39>] [cpu { features = [s1pie]; }] A64, [ dram : 0x8000_0000, 1 GiB, normal; ] [];
}

const fn asks(memory: u64, registers: u64) -> Asked {
    Asked { memory, registers }
}

/// "Svpbmt": bits 62:61; 0 is what the bus has, 1 NC, 2 IO.
fn pbmt(word: u64) -> u64 {
    word >> 61 & 3
}

#[test]
fn riscv_asks_for_what_the_bus_does_not_have() {
    assert_eq!(ask!(rv Rv first pbmt), asks(0, 0));
    assert_eq!(ask!(rv Rv not_cached pbmt), asks(1, 0), "a part of RAM that is not cached");
    assert_eq!(ask!(rv Rv cached pbmt), asks(0, 0));
    assert_eq!(ask!(rv Rv registers pbmt), asks(0, 0), "devices among RAM are what they say");
    assert_eq!(ask!(rv_bus RvBus first pbmt), asks(0, 0));
    assert_eq!(
        ask!(rv_bus RvBus not_cached pbmt),
        asks(0, 0),
        "the bus does not cache it, so that Svpbmt is not needed"
    );
    // No memory is declared that is so by itself: RAM is asked to be.
    assert_eq!(ask!(rv_none RvNone not_cached pbmt), asks(1, 0));
    assert_eq!(ask!(rv_none RvNone io pbmt), asks(0, 2));
    assert_eq!(ask!(rv_nc RvNc first pbmt), asks(0, 0));
}

/// The byte of MAIR_EL1 that AttrIndx selects (DDI 0487 D19.2): 0xff is write-back, 0x44 not cached, 0x04 nGnRE, 0 nGnRnE.
fn mair<S: Declared<Regime: Derive<S>>>(word: u64) -> u64 {
    <S::Regime as Derive<S>>::WORDS.mair >> (8 * (word >> 2 & 7)) & 0xff
}

#[test]
fn aarch64_asks_for_what_the_window_or_the_map_says() {
    use arm::types::Space;
    assert_eq!(ask!(arm Arm first mair::<Space>), asks(0xff, 0x04));
    assert_eq!(ask!(arm Arm not_cached mair::<Space>), asks(0x44, 0x04));
    assert_eq!(ask!(arm Arm strict mair::<Space>), asks(0xff, 0));
    assert_eq!(ask!(arm_nc ArmNc first mair::<arm_nc::types::Space>), asks(0x44, 0), "all of it is");
}

/// SDM 3A "Memory Typing": PAT, PCD and PWT of a page select 0 write-back, 3 uncached; what the map makes of 1 is
/// write-combining or what it was at reset.
#[test]
fn x86_asks_for_what_the_window_says() {
    let entry = |word: u64| (word >> 7 & 1) << 2 | word >> 3 & 3;
    let (usual, other) = (ask!(pc Pc first entry), ask!(pc Pc not_cached entry));
    assert_eq!(usual, asks(0, 3));
    let pat = <tablature::x86_64::Level4 as tablature::x86_64::Derive<pc::types::Space>>::WORDS.pat;
    assert_eq!(pat >> (8 * other.memory) & 7, 1, "write-combining");
    assert_eq!(other.registers, 3);
}

/// FEAT_S1PIE (DDI 0487 D8 "Indirect permissions"): PIIndex[3:0] is bits 54, 53, 51 and 6, and PIR_EL1 has four bits for
/// each; 0b0001 reads, 0b0101 writes, too. No other region of the map is only read.
#[test]
fn rights_of_windows_have_permission_indices() {
    let mut cpu = Recorder::new();
    // SAFETY: no core uses the tables.
    let mut window = unsafe { indirect::types::first::assume_window::<Indirect>() }.expect("the first to ask");
    let before: Vec<_> = words::<indirect::types::Space>().collect();
    let permissions =
        <tablature::aarch64::El1<tablature::aarch64::G4K, 39> as Derive<indirect::types::Space>>::WORDS.indirect;
    let permissions = permissions.expect("indirect");
    let means = || {
        let new = new_words::<indirect::types::Space>(&before);
        let word = new[0];
        let index = (word >> 54 & 1) << 3 | (word >> 53 & 1) << 2 | (word >> 51 & 1) << 1 | word >> 6 & 1;
        [permissions.privileged, permissions.user].map(|register| register >> (4 * index) & 0xf)
    };
    let page = window.next_page().expect("a page").map(frame(FRAME), Rw).flush(&mut cpu);
    assert_eq!(means(), [0b0101, 0]);
    let page = page.protect(Ro).flush(&mut cpu);
    assert_eq!(means(), [0b0001, 0]);
    drop(page.unmap().flush(&mut cpu));
}
