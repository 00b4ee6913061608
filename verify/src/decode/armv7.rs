//! Long descriptors of ARMv7 (DDI 0406, B3.6 "Long-descriptor translation table format", B3.7 "Memory access control").

use super::{Attributes, Limits, Place, Word, bit, field};
use crate::rights::{Memory, Rights};
use crate::scheme::{Family, Scheme};

const VALID: u32 = 0;
/// 1 in tables and pages, 0 in blocks.
const KIND: u32 = 1;
/// AP\[2:1\]: access at PL0, no writes. HAP\[2:1\] at stage 2: reads, writes.
const AP: u32 = 6;
const SHARE: u32 = 8;
const ACCESSED: u32 = 10;
const NOT_GLOBAL: u32 = 11;
const CONTIGUOUS: u32 = 52;
const PXN: u32 = 53;
const XN: u32 = 54;
const PXN_TABLE: u32 = 59;
const XN_TABLE: u32 = 60;
const AP_TABLE: u32 = 61;
/// Entries that the contiguous hint joins.
const RUN: u64 = 16;

/// Bits 39:12.
pub(super) const ADDRESS: u64 = (1 << 40) - (1 << 12);

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    if !bit(word, VALID) {
        return Word::Absent;
    }
    let phys = word & ADDRESS;
    if field(word, 40, 8) != 0 {
        return Word::Reserved("bits 47:40 should be zero");
    }
    match (place.level, bit(word, KIND)) {
        (0, false) => Word::Reserved("the last level has no blocks"),
        (0, true) => leaf(scheme, place, word, phys),
        (_, true) => Word::Table { phys, limits: pointer(scheme.family, word) },
        (level, false) if phys & (scheme.leaf_bytes(level) - 1) != 0 => {
            Word::Reserved("a block's address is not a multiple of its size")
        }
        _ => leaf(scheme, place, word, phys),
    }
}

/// Hierarchical control of access; stage 2 has none, and PL2 has no APTable\[0\] and PXNTable.
fn pointer(family: Family, word: u64) -> Limits {
    if family == Family::LpaeStage2 {
        return Limits::NONE;
    }
    let (writes, executes) = (!bit(word, AP_TABLE + 1), !bit(word, XN_TABLE));
    let by_user = !bit(word, AP_TABLE);
    let by_kernel = !(family.has_user() && bit(word, PXN_TABLE));
    Limits {
        privileged: Rights::when(true, writes, executes && by_kernel),
        // What cannot be read is not executed.
        user: Rights::when(by_user, by_user && writes, by_user && executes),
        ..Limits::NONE
    }
}

fn leaf(scheme: &Scheme, place: &Place, word: u64, phys: u64) -> Word {
    let share = field(word, SHARE, 2) as u8;
    if share == 1 {
        return Word::Reserved("shareability 0b01 is reserved");
    }
    let (privileged, user) = rights(scheme.family, word);
    let slot = field(word, 2, 3) as u8;
    let memory = match scheme.family {
        Family::LpaeStage2 => Memory::Stage2 { attribute: field(word, 2, 4) as u8, share: Some(share) },
        _ => Memory::Mair { slot, value: Scheme::slot(scheme.mair, slot), share: Some(share) },
    };
    let attributes = Attributes {
        privileged: privileged.and(place.limits.privileged),
        user: user.and(place.limits.user),
        memory,
        global: scheme.family.has_user() && !bit(word, NOT_GLOBAL),
        run: if bit(word, CONTIGUOUS) { scheme.leaf_bytes(place.level) * RUN } else { 0 },
        accessed: bit(word, ACCESSED),
    };
    Word::Leaf { phys, attributes }
}

/// Both may read what they execute, or they do not execute it.
fn rights(family: Family, word: u64) -> (Rights, Rights) {
    let (low, high, executes) = (bit(word, AP), bit(word, AP + 1), !bit(word, XN));
    match family {
        Family::LpaeStage2 => {
            let all = Rights::when(low, high, low && executes);
            (all, all)
        }
        Family::LpaePl2 => (Rights::when(true, !high, executes), Rights::NONE),
        _ => {
            let privileged = Rights::when(true, !high, executes && !bit(word, PXN));
            (privileged, Rights::when(low, low && !high, low && executes))
        }
    }
}
