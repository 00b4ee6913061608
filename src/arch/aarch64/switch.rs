//! From one declared space to another: TTBR0_ELx has root and ASID.
//!
//! DDI 0487 J.a, D8 "Address space identifiers": translations that are not global are used under their ASID alone, so that
//! none has to go. The `isb` is for accesses before the next exception return, which is a context synchronization event
//! itself (D1.4).

use super::Vmsa;
use super::install::Bank;
use super::operation::{A64, Barrier, Instruction};
use crate::flush::{Hardware, Maintain};
use crate::space::{Switch, Untagged};

impl<R: Vmsa + Maintain<Architecture = A64>> Switch for R {
    // Between the write and the invalidation a core could hold leaves of both spaces for one address.
    const UNTAGGED: Untagged<A64> = Untagged::None;

    fn word_with<H: Hardware<A64>>(_: Option<u32>, hardware: &mut H) -> u64 {
        hardware.read(const { Bank::of(R::TRANSLATION).lower })
    }

    #[inline(always)]
    unsafe fn switch_with<H: Hardware<A64>>(word: u64, hardware: &mut H) {
        // SAFETY: passed on to the caller.
        unsafe { hardware.execute(Instruction::Write(const { Bank::of(R::TRANSLATION).lower }, word)) };
        // SAFETY: a barrier.
        unsafe { hardware.execute(Instruction::Barrier(Barrier::Isb)) };
    }
}
