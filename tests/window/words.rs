//! What is written into the entries of windows, bit by bit, beside what the manuals say.

use tablature::aarch64::A64;
use tablature::edit::{Kind, Ro, Rw, Rx, User};
use tablature::flush::{OneCore, Recorder};
use tablature::riscv::RiscV;
use tablature::space::{Declared, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Mapped, WindowRegion};
use tablature::x86_64::X86;

use crate::{entry, frame, frames};

const DRAM: u64 = 0x8000_0000;

macro_rules! maps {
    ($($name:ident $kind:ident: [$($regime:tt)*] [$($block:tt)*] [$($asid:tt)*] $cpu:ty;)*) => { $(
        tablature::memory_map! {
            mod $name for $($regime)*;
            $($block)*
            physical { dram : 0x8000_0000, 256 MiB, normal; }
            space words {
                $($asid)*
                text (rx)               : 0x10_0000 => dram, 4 KiB;
                heap (rw, window)       : after text, 64 KiB;
                user (rw, user, window) : after heap, 16 KiB;
                code (rx, window)       : after user, 16 KiB;
                all  (rw, global, window) : after code, 16 KiB;
            }
        }

        enum $kind {}

        impl Kind for $kind {
            type Regime = Of<$name::words::Space>;
            type Memory = Memory<Identity, Nothing>;
            type Hardware = Recorder<$cpu, 64>;
            type Reach = OneCore;
        }
    )* };
}

maps! {
    rv Rv: [riscv::Sv39] [] [asid 3;] RiscV;
    rv_pbmt RvPbmt: [riscv::Sv39] [cpu { features = [svpbmt]; }] [asid 3;] RiscV;
    pc Pc: [x86_64::Level4] [] [] X86;
    arm Arm: [aarch64::El1<G4K, 39>] [] [asid 3;] A64;
}

/// The word of the last-level entry for `virt`. The last-level tables come last, and there is one.
fn word<S: Declared>(virt: u64) -> u64 {
    let tables = S::memory();
    let last = tables.physical + tables.bytes as u64 - 0x1000;
    entry::<S>(last + (virt >> 12 & 511) * 8).expect("inside the tables")
}

fn word_of<
    R: WindowRegion,
    K: Kind<Regime = Of<R::Space>>,
    A: tablature::edit::Granted,
    M: tablature::window::Memory,
>(
    page: &Mapped<R, K, A, M>,
) -> u64 {
    word::<R::Space>(page.page().start().as_u64())
}

/// The words of: data that is written, and not; registers; a user's page; code; data of every address space.
macro_rules! check {
    ($name:ident $kind:ident: $rw:expr, $ro:expr, $device:expr, $user:expr, $code:expr, $global:expr) => {
        use $name::words::{all, code, heap, user};
        let mut cpu = Recorder::new();
        // SAFETY: no core uses the tables, here and below.
        let mut window = unsafe { heap::assume_window::<$kind>() }.expect("the first to ask");
        let page = window.next_page().expect("a page").map(frame(DRAM + 0x5000), Rw).flush(&mut cpu);
        assert_eq!(word_of(&page), $rw, "written");
        let page = page.protect(Ro).flush(&mut cpu);
        assert_eq!(word_of(&page), $ro, "read");
        let (page, _) = page.unmap().flush(&mut cpu);
        assert_eq!(word::<$name::words::Space>(page.page().start().as_u64()), 0, "unmapped");
        let page = page.map_device(frame(0x1000_0000), Rw).flush(&mut cpu);
        assert_eq!(word_of(&page), $device, "registers");
        let run = window.take_run(3).map_run(frames(DRAM + 0x7000, 3), Rw).expect("three").flush(&mut cpu);
        let step = word::<$name::words::Space>(run.page().start().as_u64() + 0x2000);
        assert_eq!(
            step.wrapping_sub($rw),
            word::<$name::words::Space>(run.page().start().as_u64()).wrapping_sub($rw) * 2
        );
        // SAFETY: as above.
        let mut window = unsafe { user::assume_window::<$kind>() }.expect("the first to ask");
        let page = window.next_page().expect("a page").map(frame(DRAM + 0x5000), User(Rw)).flush(&mut cpu);
        assert_eq!(word_of(&page), $user, "a user's");
        // SAFETY: as above.
        let mut window = unsafe { code::assume_window::<$kind>() }.expect("the first to ask");
        let page = window.next_page().expect("a page").map(frame(DRAM + 0x5000), Rx).flush(&mut cpu);
        assert_eq!(word_of(&page), $code, "code");
        // SAFETY: as above.
        let mut window = unsafe { all::assume_window::<$kind>() }.expect("the first to ask");
        let page = window.next_page().expect("a page").map(frame(DRAM + 0x5000), Rw).flush(&mut cpu);
        assert_eq!(word_of(&page), $global, "global");
    };
}

/// RISC-V privileged, "Sv39": PPN from bit 10, D A G U X W R V.
#[test]
fn words_of_riscv() {
    const PPN: u64 = 0x8000_5000 >> 2;
    check! { rv Rv: PPN | 0xc7, PPN | 0xc3, 0x1000_0000 >> 2 | 0xc7, PPN | 0xd7, PPN | 0xcb, PPN | 0xe7 }
}

/// "Svpbmt": bits 62:61 are 0 where the type is the one that the bus has, of memory and of registers.
#[test]
fn words_of_riscv_with_types() {
    const PPN: u64 = 0x8000_5000 >> 2;
    check! { rv_pbmt RvPbmt: PPN | 0xc7, PPN | 0xc3, 0x1000_0000 >> 2 | 0xc7, PPN | 0xd7, PPN | 0xcb, PPN | 0xe7 }
}

/// SDM volume 3A, "4-Level Paging and 5-Level Paging": XD, address, G, D A PCD PWT U W P.
#[test]
fn words_of_x86() {
    const FRAME: u64 = 0x8000_5000;
    const XD: u64 = 1 << 63;
    check! { pc Pc:
        XD | FRAME | 0x63, XD | FRAME | 0x21, XD | 0x1000_0000 | 0x7b, XD | FRAME | 0x67, FRAME | 0x21, XD | FRAME | 0x163
    }
}

/// DDI 0487 J.a, D8 "Translation table descriptor formats": UXN PXN, nG AF SH AP, AttrIndx, page.
#[test]
fn words_of_aarch64() {
    const FRAME: u64 = 0x8000_5000;
    const NEVER: u64 = 3 << 53;
    const UXN: u64 = 1 << 54;
    const NG: u64 = 1 << 11;
    // The memory types of the map, in the order of MAIR.
    let of = |index: u64, share: u64| share << 8 | index << 2 | 0x403;
    let (normal, device) = (of(1, 3), of(0, 0));
    check! { arm Arm:
        NEVER | NG | FRAME | normal, NEVER | NG | FRAME | normal | 0x80, NEVER | NG | 0x1000_0000 | device,
        NEVER | NG | FRAME | normal | 0x40, UXN | NG | FRAME | normal | 0x80, NEVER | FRAME | normal
    }
}
