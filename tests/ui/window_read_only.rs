//! A page that is mapped read-only is not written through its handle.

use tablature::edit::{Kind, Ro};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{OwnedFrame, Size4K};
use tablature::riscv::RiscV;
use tablature::space::{Installed, Of};
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

fn go(page: Unmapped<heap, Kernel>, frame: OwnedFrame<Size4K>, live: &Installed<kernel::Space>) {
    let mut page = page.map(frame, Ro).flush(&mut Recorder::new());
    page.write(live, 0, 1u32);
}

fn main() {}
