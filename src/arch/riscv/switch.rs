//! From one declared space to another: `satp` has root and ASID.
//!
//! PRIV "Supervisor Address Translation and Protection (satp) Register": the write takes effect at once, and no fence is
//! needed where the tables did not change and the ASID is another.

use super::operation::{Op, Register, RiscV};
use super::regs::{Root, root_mode};
use super::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};
use crate::flush::Hardware;
use crate::format::Format;
use crate::regime::Regime;
use crate::space::{Switch, Untagged};

/// The register of the root, and the fence of all that is not global under identifier 0.
const fn seat(format: &Format) -> (Register, Op) {
    match root_mode(format).0 {
        Root::Satp32 | Root::Satp => (Register::Satp, Op::SfenceVma(None, Some(0))),
        Root::Hgatp => (Register::Hgatp, Op::HfenceGvma(None, Some(0))),
    }
}

macro_rules! switch {
    ($($regime:ty),*) => { $(
        impl Switch for $regime {
            const UNTAGGED: Untagged<RiscV> = Untagged::Then(seat(&<Self as Regime>::FORMAT).1);

            fn word_with<H: Hardware<RiscV>>(_: Option<u32>, hardware: &mut H) -> u64 {
                hardware.read(const { seat(&<Self as Regime>::FORMAT).0 })
            }

            #[inline(always)]
            unsafe fn switch_with<H: Hardware<RiscV>>(word: u64, hardware: &mut H) {
                let write = Op::Write(const { seat(&<Self as Regime>::FORMAT).0 }, word);
                // SAFETY: passed on to the caller.
                unsafe { hardware.execute(write) };
            }
        }
    )* };
}

switch!(Sv32, Sv39, Sv39C9xx, Sv48, Sv57, Sv39x4, Sv48x4);
