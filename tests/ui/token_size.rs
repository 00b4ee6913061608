//! What a token releases has the size of the leaf that went: a frame of 2 MiB is not freed as one of 4 KiB.

use tablature::edit::Kind;
use tablature::flush::{OneCore, Recorder, TlbFlush};
use tablature::page::{OwnedFrame, Size2M, Size4K};
use tablature::riscv::{RiscV, Sv39};
use tablature::tables::{Pool, Table4K};

enum Kernel {}

impl Kind for Kernel {
    type Regime = Sv39;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = OneCore;
}

fn free(_: OwnedFrame<Size4K>) {}

fn unmapped(token: TlbFlush<Kernel, OwnedFrame<Size2M>>, core: &mut Recorder<RiscV, 8>) {
    free(token.flush(core));
}

fn twice(token: TlbFlush<Kernel, OwnedFrame<Size4K>>, core: &mut Recorder<RiscV, 8>) {
    free(token.flush(core));
    free(token.flush(core));
}

fn main() {}
