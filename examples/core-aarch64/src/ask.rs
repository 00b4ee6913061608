//! Asking the MMU by address-translation instructions.

use core::arch::asm;

use aarch64_cpu::registers::{PAR_EL1, Readable as _};
use probe::{Right, Who};

/// An Exception level whose own translation can be asked about.
pub trait Level {
    /// Whether a user runs under the same translation.
    const HAS_USER: bool;

    /// PAR_EL1 for a load or store; `None` where no instruction asks that.
    fn ask(virt: u64, right: Right, who: Who) -> Option<u64>;
}

macro_rules! ask {
    ($name:ident, $instruction:literal) => {
        pub(crate) fn $name(virt: u64) -> u64 {
            // SAFETY: the instruction reports a fault in PAR_EL1 and raises none.
            unsafe { asm!($instruction, "isb", in(reg) virt, options(nostack, preserves_flags)) };
            PAR_EL1.get()
        }
    };
}

ask!(el1_read, "at s1e1r, {}");
ask!(el1_write, "at s1e1w, {}");
ask!(el0_read, "at s1e0r, {}");
ask!(el0_write, "at s1e0w, {}");
ask!(el2_read, "at s1e2r, {}");
ask!(el2_write, "at s1e2w, {}");
ask!(el3_read, "at s1e3r, {}");
ask!(el3_write, "at s1e3w, {}");
ask!(guest_read, "at s12e1r, {}");
ask!(guest_write, "at s12e1w, {}");

/// EL1&0; and EL2&0, at EL2 with HCR_EL2.{E2H, TGE} = {1, 1}, where the instructions mean that regime.
#[derive(Clone, Copy, Debug)]
pub enum El1 {}

/// EL2 without VHE.
#[derive(Clone, Copy, Debug)]
pub enum El2 {}

/// EL3.
#[derive(Clone, Copy, Debug)]
pub enum El3 {}

impl Level for El1 {
    const HAS_USER: bool = true;

    fn ask(virt: u64, right: Right, who: Who) -> Option<u64> {
        match (right, who) {
            (Right::Read, Who::Kernel) => Some(el1_read(virt)),
            (Right::Write, Who::Kernel) => Some(el1_write(virt)),
            (Right::Read, Who::User) => Some(el0_read(virt)),
            (Right::Write, Who::User) => Some(el0_write(virt)),
            // The architecture has no instruction that asks about fetches before FEAT_ATS1A.
            (Right::Execute, _) => None,
        }
    }
}

/// A level with one privilege.
macro_rules! alone {
    ($level:ident, $read:ident, $write:ident) => {
        impl Level for $level {
            const HAS_USER: bool = false;

            fn ask(virt: u64, right: Right, who: Who) -> Option<u64> {
                match (right, who) {
                    (Right::Read, Who::Kernel) => Some($read(virt)),
                    (Right::Write, Who::Kernel) => Some($write(virt)),
                    _ => None,
                }
            }
        }
    };
}

alone!(El2, el2_read, el2_write);
alone!(El3, el3_read, el3_write);
