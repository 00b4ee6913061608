//! What changes of live entries owe in 32-bit mode, and the instructions that pay it: those of
//! [`x86_64`](crate::x86_64), without PCIDs.
//!
//! PAE paging has more to do: the processor keeps the four entries of the root in registers, which a write of CR3 loads
//! (SDM volume 3A, "PDPTE Registers"). An entry of the root that became present is not seen before.

use static_assertions::const_assert;

use crate::attr::Features;
use crate::flush::{Change, Duty, DutyRule, Hardware, Id, Maintain, Scope, covers_every_change};
use crate::x86_64::flush::{DUTIES, MANY, drop_all, on_this_core, reload_root};
use crate::x86_64::operation::X86;

use super::{Legacy32, Pae};

const LINK: &str = "SDM volume 3A, \"PDPTE Registers\": the entries of the root are loaded with CR3";

/// A pointer may be one of the root.
const PAE_DUTIES: &[DutyRule] = &{
    let mut all = [DUTIES[0]; Change::ALL.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = DUTIES[i];
        if matches!(all[i].change, Change::Link) {
            all[i].duty = Duty { leaf: false, ..Duty::WALK };
            all[i].manual = LINK;
        }
        i += 1;
    }
    all
};

const_assert!(DUTIES.len() == PAE_DUTIES.len() && covers_every_change(PAE_DUTIES));

impl Maintain for Legacy32 {
    type Architecture = X86;
    const DUTIES: &'static [DutyRule] = DUTIES;
    const BROADCAST_FEATURE: Option<Features> = None;
    const MANY: u64 = MANY;

    fn sequence_with<H: Hardware<X86>>(features: Features, scope: &Scope, _every_core: bool, hardware: &mut H) {
        on_this_core(features, scope, hardware);
    }
}

impl Maintain for Pae {
    type Architecture = X86;
    const DUTIES: &'static [DutyRule] = PAE_DUTIES;
    const BROADCAST_FEATURE: Option<Features> = None;
    const MANY: u64 = MANY;

    fn sequence_with<H: Hardware<X86>>(features: Features, scope: &Scope, _every_core: bool, hardware: &mut H) {
        if !scope.duty.walk {
            return on_this_core(features, scope, hardware);
        }
        if scope.duty.leaf && matches!(scope.id, Id::Every) {
            // Global translations; a write of CR4 that changes PGE would load the root as well, INVPCID would not.
            drop_all(features, hardware);
        }
        reload_root(hardware);
    }
}
