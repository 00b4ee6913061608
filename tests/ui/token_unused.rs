//! A token that is dropped at once is a warning everywhere, and tables that are not freed are one, too.
#![deny(unused_must_use)]

use tablature::edit::Kind;
use tablature::flush::{OneCore, Recorder, TlbFlush};
use tablature::riscv::{RiscV, Sv39};
use tablature::tables::{Pool, Table4K, Tables};

enum Kernel {}

impl Kind for Kernel {
    type Regime = Sv39;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = OneCore;
}

fn lost(one: TlbFlush<Kernel>, other: TlbFlush<Kernel, Tables<Kernel>>, core: &mut Recorder<RiscV, 8>) {
    one.widen();
    other.flush(core);
}

fn main() {}
