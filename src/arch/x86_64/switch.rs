//! From one declared space to another: CR3 has root and PCID.
//!
//! SDM volume 3A, "Operations that Invalidate TLBs and Paging-Structure Caches": a write of CR3 with bit 63 set drops
//! nothing; without PCIDs it drops all that is not global.

use super::operation::{KEEP_TRANSLATIONS, Op, Register, X86};
use super::{Level4, Level5};
use crate::flush::Hardware;
use crate::space::{Switch, Untagged};

macro_rules! switch {
    ($($regime:ty),*) => { $(
        impl Switch for $regime {
            const UNTAGGED: Untagged<X86> = Untagged::Dropped;

            fn word_with<H: Hardware<X86>>(tag: Option<u32>, hardware: &mut H) -> u64 {
                hardware.read(Register::Cr3) | if tag.is_some() { KEEP_TRANSLATIONS } else { 0 }
            }

            #[inline(always)]
            unsafe fn switch_with<H: Hardware<X86>>(word: u64, hardware: &mut H) {
                // SAFETY: passed on to the caller.
                unsafe { hardware.execute(Op::Write(Register::Cr3, word)) };
            }
        }
    )* };
}

switch!(Level4, Level5);
