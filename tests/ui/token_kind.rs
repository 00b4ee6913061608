//! A token of one kind of spaces is not flushed with the core of another, nor put into its batch.

use tablature::edit::Kind;
use tablature::flush::{Batch, OneCore, Recorder, TlbFlush};
use tablature::riscv::{RiscV, Sv39};
use tablature::tables::{Pool, Table4K};
use tablature::x86_64::{Level4, X86};

enum Host {}

impl Kind for Host {
    type Regime = Level4;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<X86, 8>;
    type Reach = OneCore;
}

enum Guest {}

impl Kind for Guest {
    type Regime = Sv39;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = OneCore;
}

fn flush(token: TlbFlush<Guest>, core: &mut Recorder<X86, 8>) {
    token.flush(core);
}

fn collect(token: TlbFlush<Guest>, batch: &mut Batch<Host, 4>) {
    batch.add(token);
}

fn main() {}
