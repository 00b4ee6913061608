//! A window takes frames of its page size.

use tablature::edit::{Kind, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{OwnedFrame, Size2M};
use tablature::riscv::RiscV;
use tablature::space::Of;
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::Unmapped;

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

fn go(page: Unmapped<heap, Kernel>, frame: OwnedFrame<Size2M>) {
    page.map(frame, Rw).flush(&mut Recorder::new());
}

fn main() {}
