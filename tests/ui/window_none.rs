//! Only a window has pages to give out.

use tablature::edit::{Kind, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{OwnedFrame, Size4K};
use tablature::riscv::RiscV;
use tablature::space::{Installed, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::Window;

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

fn go(live: &Installed<kernel::Space>) -> Option<Window<heap, Kernel>> {
    let _: (OwnedFrame<Size4K>, Rw);
    kernel::text::window::<Kernel>(live)
}

fn main() {}
