//! Four levels, with global pages and without PCIDs.

use tablature::flush::Recorder;
use tablature::x86_64::X86;
use tablature::x86_64::operation::{Op, Register};

use crate::list::{CR4, Listed};

#[path = "../../src/by_hand/flush.rs"]
mod flush;
#[expect(dead_code, reason = "this does not install")]
#[path = "../../src/by_hand/x86_64.rs"]
mod machine;
#[expect(dead_code, reason = "whether there is an error is compared, not what it says")]
#[path = "../../src/by_hand/mapper.rs"]
mod mapper;
#[path = "../../src/by_hand/raw.rs"]
mod raw;
#[path = "../../src/by_hand/window.rs"]
mod window;

fn recorder() -> Recorder<X86, 640> {
    Recorder::new().with(Register::Cr4, CR4)
}

fn listed(op: &Op) -> Listed {
    match *op {
        Op::Invlpg(linear) => ("invlpg [{}]".to_owned(), linear),
        Op::Write(Register::Cr4, value) => ("mov cr4, {}".to_owned(), value),
        other => panic!("{other:?} is in no half by hand"),
    }
}

cases!(x86_64::Level4, [nx, pge], super::X86);
