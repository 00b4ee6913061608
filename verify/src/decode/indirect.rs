//! Permission indices (DDI 0487, D8.4 "Stage 1 Indirect permissions"; PIR_ELx, PIRE0_ELx).

use super::{bit, field};
use crate::rights::Rights;
use crate::scheme::Permissions;

/// nDirty: writes fault until software or hardware clears it.
const NOT_DIRTY: u32 = 7;

/// Index of a descriptor's permissions: bits 54, 53, 51 and 6.
const fn index(word: u64) -> u64 {
    field(word, 53, 2) << 2 | field(word, 51, 1) << 1 | field(word, 6, 1)
}

/// What each encoding grants. 0 to 7 are subject to an overlay, of which tables say nothing; WXN, which is part of 6, takes
/// execution from what can be written. 9 is a stack of return addresses, which only its own instructions write.
const GRANTED: [Rights; 16] = {
    let none = Rights::NONE;
    let (r, x, rx, rw) = (Rights::R, Rights::X, Rights::R.or(Rights::X), Rights::R.or(Rights::W));
    [none, r, x, rx, none, rw, rw, Rights::ALL, r, r, rx, none, rw, none, Rights::ALL, none]
};

fn granted(register: u64, index: u64) -> Rights {
    GRANTED[(register >> (index * 4) & 15) as usize]
}

/// Rights of the privileged level and of the user. Where the one could execute what the other writes, neither has any.
pub(super) fn rights(permissions: &Permissions, has_user: bool, word: u64) -> (Rights, Rights) {
    let index = index(word);
    let privileged = granted(permissions.privileged, index);
    let user = if has_user { granted(permissions.user, index) } else { Rights::NONE };
    // Before WXN takes execution away.
    let executes = privileged.has(Rights::X) || permissions.privileged >> (index * 4) & 15 == 6;
    if executes && user.has(Rights::W) { (Rights::NONE, Rights::NONE) } else { (privileged, user) }
}

/// Whether a write faults though it is granted.
pub(super) const fn is_clean(word: u64) -> bool {
    bit(word, NOT_DIRTY)
}
