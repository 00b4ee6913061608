//! The hart while its live space is edited: accesses only, for each way around the tables would drop what is cached.

use churn::Bench;
use probe::trial::{Try, attempt};
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};

use crate::edit::{RETURN, store};
use crate::machine::{Testimony, call};
use crate::trap::refusal;

/// One of so many questions about the user is asked: the access without `SUM` makes QEMU drop every translation.
const RARE: u32 = 64;

/// The hart this runs on.
#[derive(Default)]
pub(crate) struct Core {
    questions: u32,
}

impl Machine for Core {
    const WALKS: bool = false;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        if who == Who::Kernel {
            return Walk::Silent;
        }
        self.questions += 1;
        match self.questions % RARE {
            0 => Testimony.as_user(|this| match right {
                Right::Read => this.read(spot.virt, spot.width).is_ok(),
                Right::Write => this.write(spot.virt, spot.width).is_ok(),
                // What the kernel may not fetch is no page of a user that may.
                Right::Execute => false,
            }),
            _ => Walk::Silent,
        }
    }

    fn memory(&mut self, _: u64) -> Option<u8> {
        None
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        Testimony.read(virt, width)
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        Testimony.write(virt, width)
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        attempt(Try::Call, refusal, || call(virt))
    }

    fn is_harmless(&self, word: u32) -> bool {
        Testimony.is_harmless(word)
    }
}

impl Bench for Core {
    const RETURN: u32 = RETURN;

    fn store(&mut self, phys: u64, word: u32) {
        store(phys, word);
    }
}
