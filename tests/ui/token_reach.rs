//! On a machine whose invalidations reach one core only, a space that every core may use needs a shootdown.

use tablature::edit::Kind;
use tablature::flush::{EveryCore, Recorder, TlbFlush};
use tablature::riscv::{RiscV, Sv39};
use tablature::tables::{Pool, Table4K};

enum Kernel {}

impl Kind for Kernel {
    type Regime = Sv39;
    type Memory = Pool<Table4K, 4>;
    type Hardware = Recorder<RiscV, 8>;
    type Reach = EveryCore;
}

fn flush(token: TlbFlush<Kernel>, core: &mut Recorder<RiscV, 8>) {
    token.flush(core);
}

fn main() {
    let _: fn(TlbFlush<Kernel>, &mut Recorder<RiscV, 8>) = flush;
}
