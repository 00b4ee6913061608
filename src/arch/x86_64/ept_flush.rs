//! What changes of live extended page tables owe, and the instruction that pays it.
//!
//! SDM volume 3C, "Caching Translation Information" and "Guidelines for Use of the INVEPT Instruction". Translations are
//! tagged with the EPTP, which a scope does not name, so that those of every EPTP are dropped. `invept` reaches this
//! processor alone, and drops what combines the guest's tables with these, too.

use static_assertions::const_assert;

use crate::attr::Features;
use crate::flush::{Change, Duty, DutyRule, Hardware, Maintain, Scope, covers_every_change};

use super::flush::execute;
use super::operation::{Op, X86};
use super::{Ept4, Ept5};

const PRESENT: &str =
    "SDM volume 3C, \"Information That May Be Cached\": nothing derives from entries that are not present";
const RELAX: &str = "SDM volume 3C, \"Guidelines for Use of the INVEPT Instruction\": without an invalidation an access \
                     may cause an EPT violation once; here it does not";
const CHANGED: &str = "SDM volume 3C, \"Guidelines for Use of the INVEPT Instruction\": after a privilege bit was cleared, \
                       or the address, the memory type or bit 7 changed";
const UNUSED: &str = "SDM volume 3C, \"The Extended Page Table Mechanism (EPT)\": no entry has such a bit";

const fn rule(change: Change, duty: Duty, manual: &'static str) -> DutyRule {
    DutyRule { change, given: Features::NONE, duty, manual }
}

const DUTIES: &[DutyRule] = &[
    rule(Change::Map, Duty::NONE, PRESENT),
    rule(Change::Link, Duty::NONE, PRESENT),
    rule(Change::Relax, Duty::LEAF, RELAX),
    rule(Change::Restrict, Duty::LEAF, CHANGED),
    rule(Change::Remap, Duty::LEAF, CHANGED),
    rule(Change::Retype, Duty::LEAF, CHANGED),
    rule(Change::Contiguous, Duty::NONE, UNUSED),
    rule(Change::Globality, Duty::NONE, UNUSED),
    rule(Change::Unmap, Duty::LEAF, CHANGED),
    rule(Change::Unlink, Duty::WALK, CHANGED),
    rule(Change::Split, Duty::WALK, CHANGED),
    rule(Change::Promote, Duty::WALK, CHANGED),
];

const_assert!(covers_every_change(DUTIES));

macro_rules! maintain {
    ($($regime:ty),*) => { $(
        impl Maintain for $regime {
            type Architecture = X86;
            const DUTIES: &'static [DutyRule] = DUTIES;
            const BROADCAST_FEATURE: Option<Features> = None;
            /// There is no invalidation by address.
            const MANY: u64 = 0;

            fn sequence_with<H: Hardware<X86>>(_: Features, scope: &Scope, _every_core: bool, hardware: &mut H) {
                if scope.duty.leaf || scope.duty.walk {
                    execute(hardware, Op::InveptAll);
                }
            }
        }
    )* };
}

maintain!(Ept4, Ept5);
