//! What changes of live entries owe on LoongArch, and the instructions that pay it.
//!
//! LOONG "Software Management of TLB": the TLB holds what the refill handler puts there, pairs of pages whose halves may
//! be absent. So an entry that became valid owes an invalidation as well. Two entries of different size that match one
//! address are an error, so that changes of size need break-before-make.
//!
//! An entry is global where both of its pages are, and an absent page is not: translations of a global page may be tagged
//! with any ASID. No operation names an address in every ASID, so that those that belong to none are dropped with
//! everything.

use static_assertions::const_assert;

use crate::attr::Features;
use crate::flush::{Addresses, Change, Duty, DutyRule, Extent, Hardware, Id, Maintain, Scope, covers_every_change};
use crate::regime::Regime;

use super::La64;
use super::operation::{Invtlb, LoongArch, Op};

/// log2 of the page size.
const PAGE_SHIFT: u32 = La64::FORMAT.page_shift;

/// A tuning constant: about here dropping everything is cheaper than addresses one by one.
const MANY: u64 = 32;

const ABSENT: &str = "LOONG \"TLB Entry\": an entry holds a pair of pages, each with its own valid bit";
const STALE: &str = "LOONG \"Software Management of TLB\": software keeps the TLB consistent with the page tables";
const RESIZE: &str =
    "LOONG \"TLB-based Translation of Virtual Addresses to Physical Addresses\": at most one entry matches";
const NO_RUNS: &str = "LOONG \"Multi-level Page Table Structure Supported by Page Walking\": no entry is part of a run";

const fn rule(change: Change, duty: Duty, manual: &'static str) -> DutyRule {
    DutyRule { change, given: Features::NONE, duty, manual }
}

const DUTIES: &[DutyRule] = &[
    rule(Change::Map, Duty::LEAF, ABSENT),
    rule(Change::Link, Duty::LEAF, ABSENT),
    rule(Change::Relax, Duty::LEAF, STALE),
    rule(Change::Restrict, Duty::LEAF, STALE),
    rule(Change::Remap, Duty::LEAF, STALE),
    rule(Change::Retype, Duty::LEAF, STALE),
    rule(Change::Contiguous, Duty::NONE, NO_RUNS),
    rule(Change::Globality, Duty::LEAF, STALE),
    rule(Change::Unmap, Duty::LEAF, STALE),
    rule(Change::Unlink, Duty::WALK, STALE),
    rule(Change::Split, Duty::LEAF.broken(), RESIZE),
    rule(Change::Promote, Duty::WALK.broken(), RESIZE),
];

const_assert!(covers_every_change(DUTIES));

impl Maintain for La64 {
    type Architecture = LoongArch;
    const DUTIES: &'static [DutyRule] = DUTIES;
    const BROADCAST_FEATURE: Option<Features> = None;
    const MANY: u64 = MANY;

    fn sequence_with<H: Hardware<LoongArch>>(_: Features, scope: &Scope, _every_core: bool, hardware: &mut H) {
        if scope.duty.is_none() {
            return;
        }
        // Refills read the tables with ordinary loads.
        execute(hardware, Op::Dbar);
        if !scope.duty.leaf && !scope.duty.walk {
            return;
        }
        let pages = match scope.extent {
            // Below an absent directory, and of a large page, the handler enters pairs of what size it likes.
            Extent::Range { stride, .. } if stride == PAGE_SHIFT => Addresses::of(&scope.extent, MANY),
            _ => None,
        };
        match (scope.id, pages) {
            (Id::Every, _) => execute(hardware, Op::Invtlb(Invtlb::All)),
            (Id::One(asid), None) => execute(hardware, Op::Invtlb(Invtlb::Asid(asid))),
            (Id::One(asid), Some(pages)) => {
                for virt in pages {
                    execute(hardware, Op::Invtlb(Invtlb::Address { asid, virt }));
                }
            }
        }
    }
}

fn execute<H: Hardware<LoongArch>>(hardware: &mut H, op: Op) {
    // SAFETY: a barrier, or an invalidation.
    unsafe { hardware.execute(op) };
}
