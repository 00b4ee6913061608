//! Sv39.

use tablature::flush::Recorder;
use tablature::riscv::RiscV;
use tablature::riscv::operation::Op;

use crate::list::Listed;

#[path = "../../src/by_hand/flush.rs"]
mod flush;
#[expect(dead_code, reason = "this does not install")]
#[path = "../../src/by_hand/riscv64.rs"]
mod machine;
#[expect(dead_code, reason = "whether there is an error is compared, not what it says")]
#[path = "../../src/by_hand/mapper.rs"]
mod mapper;
#[path = "../../src/by_hand/raw.rs"]
mod raw;
#[path = "../../src/by_hand/window.rs"]
mod window;

fn recorder() -> Recorder<RiscV, 640> {
    Recorder::new()
}

fn listed(op: &Op) -> Listed {
    match *op {
        Op::SfenceVma(Some(address), None) => ("sfence.vma {}, x0".to_owned(), address),
        Op::SfenceVma(None, None) => ("sfence.vma x0, x0".to_owned(), 0),
        other => panic!("{other:?} is in no half by hand"),
    }
}

cases!(riscv::Sv39, [], super::RiscV);
