//! EL1 with 4 KiB pages and 39 bits.

use tablature::aarch64::{A64, Barrier, Domain, Instruction, Tlb};
use tablature::flush::Recorder;

use crate::list::Listed;

#[path = "../../src/by_hand/flush.rs"]
mod flush;
#[expect(dead_code, reason = "this does not install")]
#[path = "../../src/by_hand/aarch64.rs"]
mod machine;
#[expect(dead_code, reason = "whether there is an error is compared, not what it says")]
#[path = "../../src/by_hand/mapper.rs"]
mod mapper;
#[path = "../../src/by_hand/raw.rs"]
mod raw;
#[path = "../../src/by_hand/window.rs"]
mod window;

fn recorder() -> Recorder<A64, 640> {
    Recorder::new()
}

fn listed(op: &Instruction) -> Listed {
    let (text, operand) = match *op {
        Instruction::Barrier(Barrier::DsbStores(Domain::Local)) => ("dsb nshst", 0),
        Instruction::Barrier(Barrier::Dsb(Domain::Local)) => ("dsb nsh", 0),
        Instruction::Barrier(Barrier::Isb) => ("isb", 0),
        Instruction::Invalidate(Tlb::Vmalle1, Domain::Local, operand) => ("tlbi vmalle1", operand),
        Instruction::Invalidate(Tlb::Vaale1, Domain::Local, operand) => ("tlbi vaale1, {}", operand),
        other => panic!("{other:?} is in no half by hand"),
    };
    (text.to_owned(), operand)
}

cases!(aarch64::El1<G4K, 39>, [], super::A64);
