//! What was unmapped is not mapped again before its flush.

use tablature::edit::{Kind, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{OwnedFrame, Size4K};
use tablature::riscv::RiscV;
use tablature::space::Of;
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::Mapped;

tablature::memory_map! {
    mod board for riscv::Sv39;
    physical { dram : 0x8000_0000, 1 GiB, normal; }
    space kernel {
        text (rx)         : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
        heap (rw, window) : 0xffff_ffd0_0000_0000, 64 MiB;
    }
}
use board::kernel::{self, heap};

enum Kernel {}

impl Kind for Kernel {
    type Regime = Of<kernel::Space>;
    type Memory = Memory<Identity, Nothing>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = OneCore;
}

fn go(page: Mapped<heap, Kernel, Rw>, other: OwnedFrame<Size4K>) {
    let (page, frame) = page.unmap();
    page.map(other, Rw).flush(&mut Recorder::new());
    drop(frame);
}

fn main() {}
