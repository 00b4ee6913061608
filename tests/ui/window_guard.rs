//! The pages of a window have no hole.

use tablature::edit::Kind;
use tablature::flush::{OneCore, Recorder};
use tablature::riscv::RiscV;
use tablature::space::Of;
use tablature::tables::{Identity, Memory, Nothing};

tablature::memory_map! {
    mod board for riscv::Sv39;
    physical { dram : 0x8000_0000, 1 GiB, normal; }
    space kernel {
        text (rx)         : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
        heap (rw, window) : 0xffff_ffd0_0000_0000, 64 MiB;
        hole (guard)      : 0xffff_ffd0_0001_0000, 4 KiB, inside heap;
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

fn main() {
    // SAFETY: no core uses the tables.
    let _ = unsafe { heap::assume_window::<Kernel>() };
}
