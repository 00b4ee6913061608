//! What changes of live entries owe on RISC-V, and the fences that pay it.
//!
//! PRIV "Supervisor-Level ISA", "Supervisor Memory-Management Fence Instruction": a leaf that changed needs
//! `sfence.vma` with an address in the page, a pointer that changed needs one whose `rs1` is `x0`; `rs2` is the ASID, or
//! `x0` where a mapping is global. Caches may hold invalid entries too, so that an entry that became valid owes the same
//! as any other change. Old and new translations may be used side by side until then, which of them is not predictable,
//! and nothing worse happens: no change needs break-before-make.
//!
//! A hart's fence says nothing to other harts.

use static_assertions::const_assert;

use crate::attr::Features;
use crate::flush::{Addresses, Change, Duty, DutyRule, Extent, Hardware, Id, Maintain, Scope, covers_every_change};
use crate::format::Format;
use crate::regime::Regime;

use super::operation::{Op, RiscV};
use super::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};

/// A tuning constant: about here a fence of everything is cheaper than fences one by one.
const MANY: u64 = 64;

const LEAF: &str = "PRIV \"Supervisor-Level ISA\", \"Supervisor Memory-Management Fence Instruction\": software that \
                    modifies a leaf PTE executes SFENCE.VMA with rs1 set to an address within the page";
const POINTER: &str = "PRIV \"Supervisor-Level ISA\", \"Supervisor Memory-Management Fence Instruction\": software that \
                       modifies a non-leaf PTE executes SFENCE.VMA with rs1 = x0";
const LAZY: &str = "PRIV \"Supervisor-Level ISA\", \"Supervisor Memory-Management Fence Instruction\": a fence for added \
                    permissions may come late, and an access before it may fault; here it comes before the access";
const VALID: &str = "PRIV \"Svvptc\": stores that set the Valid bit of leaf and non-leaf PTEs become visible within a \
                     bounded time";
const NAPOT: &str = "PRIV \"Svnapot\": a fence covers all 4 KiB regions of the range; what overlaps translates alike, so \
                     that the inconsistency before it is benign";

const fn rule(change: Change, duty: Duty, manual: &'static str) -> DutyRule {
    DutyRule { change, given: Features::NONE, duty, manual }
}

const DUTIES: &[DutyRule] = &[
    DutyRule { change: Change::Map, given: Features::SVVPTC, duty: Duty::NONE, manual: VALID },
    DutyRule { change: Change::Link, given: Features::SVVPTC, duty: Duty::NONE, manual: VALID },
    rule(Change::Map, Duty::LEAF, LEAF),
    rule(Change::Link, Duty::WALK, POINTER),
    rule(Change::Relax, Duty::LEAF, LAZY),
    rule(Change::Restrict, Duty::LEAF, LEAF),
    rule(Change::Remap, Duty::LEAF, LEAF),
    rule(Change::Retype, Duty::LEAF, LEAF),
    rule(Change::Contiguous, Duty::LEAF, NAPOT),
    rule(Change::Globality, Duty::LEAF, LEAF),
    rule(Change::Unmap, Duty::LEAF, LEAF),
    rule(Change::Unlink, Duty::WALK, POINTER),
    rule(Change::Split, Duty::WALK, POINTER),
    rule(Change::Promote, Duty::WALK, POINTER),
];

const_assert!(covers_every_change(DUTIES));

/// The instructions of one stage of translation.
#[derive(Clone, Copy)]
struct Stage {
    /// The fence.
    fence: fn(Option<u64>, Option<u16>) -> Op,
    /// The invalidation that Svinval splits from it.
    invalidate: fn(Option<u64>, Option<u16>) -> Op,
    /// By how much addresses are shifted right in their operand.
    shift: u32,
}

const SUPERVISOR: Stage = Stage { fence: Op::SfenceVma, invalidate: Op::SinvalVma, shift: 0 };

/// PRIV "Hypervisor Extension", "Hypervisor Memory-Management Fence Instructions". `hfence.gvma` also drops what combines
/// both stages: entries whose guest virtual address leads to the guest-physical one. So no `hfence.vvma` follows it.
const GUEST: Stage = Stage { fence: Op::HfenceGvma, invalidate: Op::HinvalGvma, shift: 2 };

impl Stage {
    #[inline(always)]
    fn run<H: Hardware<RiscV>>(self, format: &Format, features: Features, scope: &Scope, hardware: &mut H) {
        if scope.duty.is_none() {
            return;
        }
        let leaves = Addresses::of(&in_leaves(format, scope.extent), MANY);
        self.fence(features, if scope.duty.walk { None } else { leaves }, scope.id, hardware);
    }

    /// `None` stands for all addresses.
    #[inline(always)]
    fn fence<H: Hardware<RiscV>>(self, features: Features, leaves: Option<Addresses>, id: Id, hardware: &mut H) {
        let id = match id {
            Id::Every => None,
            Id::One(id) => Some(id),
        };
        let Some(leaves) = leaves else {
            return execute(hardware, (self.fence)(None, id));
        };
        if !features.contains(Features::SVINVAL) || leaves.len() == 1 {
            for address in leaves {
                execute(hardware, (self.fence)(Some(address >> self.shift), id));
            }
        } else {
            execute(hardware, Op::SfenceWInval);
            for address in leaves {
                execute(hardware, (self.invalidate)(Some(address >> self.shift), id));
            }
            execute(hardware, Op::SfenceInvalIr);
        }
    }
}

/// The same range in steps of a leaf: a run (NAPOT) may be cached page by page.
#[inline]
fn in_leaves(format: &Format, extent: Extent) -> Extent {
    let Extent::Range { start, last, stride } = extent else { return extent };
    let shifts = format.level.iter().take(format.levels).map(|level| level.shift);
    let stride = shifts.rev().find(|shift| *shift <= stride).unwrap_or(format.page_shift);
    Extent::Range { start, last, stride }
}

#[inline(always)]
fn execute<H: Hardware<RiscV>>(hardware: &mut H, op: Op) {
    // SAFETY: a fence, or an invalidation.
    unsafe { hardware.execute(op) };
}

macro_rules! maintain {
    ($($stage:expr => $($regime:ty),*;)*) => { $($(
        impl Maintain for $regime {
            type Architecture = RiscV;
            const DUTIES: &'static [DutyRule] = DUTIES;
            const BROADCAST_FEATURE: Option<Features> = None;
            const MANY: u64 = MANY;

            #[inline(always)]
            fn sequence_with<H: Hardware<RiscV>>(features: Features, scope: &Scope, _every_core: bool, hardware: &mut H) {
                $stage.run(const { &<$regime as Regime>::FORMAT }, features, scope, hardware);
            }

            #[inline(always)]
            fn pages_with<H: Hardware<RiscV>>(
                features: Features,
                leaves: Addresses,
                duty: Duty,
                id: Id,
                _every_core: bool,
                hardware: &mut H,
            ) {
                let leaves = if duty.walk || leaves.len() > MANY { None } else { Some(leaves) };
                if !duty.is_none() {
                    $stage.fence(features, leaves, id, hardware);
                }
            }
        }
    )*)* };
}

maintain! {
    SUPERVISOR => Sv32, Sv39, Sv39C9xx, Sv48, Sv57;
    GUEST => Sv39x4, Sv48x4;
}
