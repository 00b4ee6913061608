//! A window says which type of memory its pages go to, where the map has several and none is the usual one.

use tablature::edit::{Kind, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{OwnedFrame, Size4K};
use tablature::space::Of;
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Mapped, Unmapped};
use tablature::x86_64::X86;

tablature::memory_map! {
    mod board for x86_64::Level4;
    physical { dram : 0x8000_0000, 1 GiB, normal_nc; sram : 0x2000_0000, 1 MiB, normal_wt; }
    space kernel {
        text (rx)         : 0x10_0000 => dram, 2 MiB;
        data (rw)         : 0x40_0000 => sram, 64 KiB;
        heap (rw, window) : 0x80_0000, 64 KiB;
    }
}
use board::kernel::{self, heap};

enum Kernel {}

impl Kind for Kernel {
    type Regime = Of<kernel::Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = Recorder<X86, 8>;
    type Reach = OneCore;
}

fn go(page: Unmapped<heap, Kernel>, frame: OwnedFrame<Size4K>) -> Mapped<heap, Kernel, Rw> {
    page.map(frame, Rw).flush(&mut Recorder::new())
}

fn main() {
    let _: fn(Unmapped<heap, Kernel>, OwnedFrame<Size4K>) -> Mapped<heap, Kernel, Rw> = go;
}
