//! What must hold of every table of obligations, asserted beside it.

use crate::attr::Features;
use crate::flush::{Change, DutyRule, duty};

/// Every change has a line that needs no feature; what takes something away owes the invalidation of it.
pub(super) const fn covers_every_change(rules: &[DutyRule]) -> bool {
    let mut i = 0;
    while i < Change::ALL.len() {
        // A table without such a line does not get past this call.
        let _ = duty(rules, Change::ALL[i], Features::NONE);
        i += 1;
    }
    let (mut i, mut lawful) = (0, true);
    while i < rules.len() {
        let DutyRule { change, duty, .. } = rules[i];
        lawful &= !matches!(change, Change::Unmap | Change::Restrict | Change::Remap | Change::Retype) || duty.leaf;
        lawful &= !matches!(change, Change::Unlink | Change::Promote) || (duty.leaf && duty.walk);
        i += 1;
    }
    lawful
}
