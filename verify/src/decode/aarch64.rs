//! VMSAv8-64 descriptors (DDI 0487, D8 "Translation table descriptor formats").

use super::{Attributes, Limits, Place, Word, bit, field, indirect};
use crate::rights::{Memory, Rights};
use crate::scheme::{Family, Scheme};

const VALID: u32 = 0;
/// 1 in tables and pages, 0 in blocks.
const KIND: u32 = 1;
/// Stage 1 AP\[2:1\]; stage 2 S2AP.
const AP: u32 = 6;
const SHARE: u32 = 8;
const ACCESSED: u32 = 10;
const NOT_GLOBAL: u32 = 11;
/// Dirty bit modifier: the first write makes a read-only descriptor writable, if the control register lets it.
const DIRTY_MODIFIER: u32 = 51;
const CONTIGUOUS: u32 = 52;
/// PXN; the low bit of XN at stage 2.
const PXN: u32 = 53;
/// UXN; XN where there is one privilege; the high bit of XN at stage 2.
const UXN: u32 = 54;
/// Of tables.
const PXN_TABLE: u32 = 59;
const UXN_TABLE: u32 = 60;
const AP_TABLE: u32 = 61;

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    if !bit(word, VALID) {
        return Word::Absent;
    }
    let phys = address(scheme, word);
    match (place.level, bit(word, KIND)) {
        (0, false) => Word::Reserved("the last level has no blocks"),
        (0, true) => leaf(scheme, place, word, phys),
        (_, true) => Word::Table { phys, limits: pointer(scheme, word) },
        (level, false) if !has_blocks(scheme, level) => Word::Reserved("this level has no blocks"),
        (level, false) if phys & (scheme.leaf_bytes(level) - 1) != 0 => {
            Word::Reserved("a block's address is not a multiple of its size")
        }
        _ => leaf(scheme, place, word, phys),
    }
}

/// Blocks exist at the levels that D8 gives them; the largest ones come with 52-bit addresses.
const fn has_blocks(scheme: &Scheme, level: usize) -> bool {
    match (scheme.page_shift, level) {
        (_, 1) | (12 | 16, 2) => true,
        (14, 2) | (12, 3) => scheme.wide,
        _ => false,
    }
}

/// Bits 47 to the page's in place. With LPA2 49 to the page's, and 51:50 in 9:8. With 64 KiB pages 51:48 in 15:12.
const fn address(scheme: &Scheme, word: u64) -> u64 {
    let page = scheme.page_shift;
    match (page, scheme.wide) {
        (16, _) => (word & ((1 << 48) - (1 << 16))) | field(word, 12, 4) << 48,
        (_, true) => (word & ((1 << 50) - (1 << page))) | field(word, 8, 2) << 50,
        _ => word & ((1 << 48) - (1 << page)),
    }
}

pub(super) const fn with_address(scheme: &Scheme, word: u64, phys: u64) -> u64 {
    let page = scheme.page_shift;
    match (page, scheme.wide) {
        (16, _) => {
            let mask = (1 << 48) - (1 << 12);
            word & !mask | phys & ((1 << 48) - (1 << 16)) | field(phys, 48, 4) << 12
        }
        (_, true) => {
            let mask = ((1 << 50) - (1 << page)) | 3 << 8;
            word & !mask | phys & ((1 << 50) - (1 << page)) | field(phys, 50, 2) << 8
        }
        _ => {
            let mask = (1 << 48) - (1 << page);
            word & !mask | phys & mask
        }
    }
}

/// Hierarchical permissions; stage 2 has none, nor have tables with permission indices, and with one privilege APTable\[0\]
/// and PXNTable are RES0.
const fn pointer(scheme: &Scheme, word: u64) -> Limits {
    if matches!(scheme.family, Family::Stage2) || scheme.permissions.is_some() {
        return Limits::NONE;
    }
    let both = scheme.family.has_user();
    let writes = !bit(word, AP_TABLE + 1);
    let user_data = !(both && bit(word, AP_TABLE));
    let executes = !bit(word, UXN_TABLE);
    let privileged_executes = if both { !bit(word, PXN_TABLE) } else { executes };
    Limits {
        privileged: Rights::when(true, writes, privileged_executes),
        user: Rights::when(user_data, user_data && writes, executes),
        admits_user: true,
        global: false,
    }
}

fn leaf(scheme: &Scheme, place: &Place, word: u64, phys: u64) -> Word {
    let share = (!(scheme.wide && scheme.page_shift != 16)).then(|| field(word, SHARE, 2) as u8);
    let slot = field(word, 2, 3) as u8;
    let (privileged, user) = match (scheme.family, &scheme.permissions) {
        (Family::Stage2, _) => stage2_rights(word),
        (family, Some(permissions)) => indirect::rights(permissions, family.has_user(), word),
        (family, None) if family.has_user() => two_privileges(&place.limits, word),
        _ => (Rights::when(true, is_writable(word), !bit(word, UXN)).and(place.limits.privileged), Rights::NONE),
    };
    let memory = match scheme.family {
        Family::Stage2 => Memory::Stage2 { attribute: field(word, 2, 4) as u8, share },
        _ => Memory::Mair { slot, value: Scheme::slot(scheme.mair, slot), share },
    };
    if share == Some(1) {
        return Word::Reserved("shareability 0b01 is reserved");
    }
    let waits_for_write = scheme.permissions.is_some() && privileged.or(user).has(Rights::W);
    let attributes = Attributes {
        privileged,
        user,
        memory,
        global: scheme.family.has_user() && !bit(word, NOT_GLOBAL),
        run: if bit(word, CONTIGUOUS) { run_bytes(scheme, place.level) } else { 0 },
        accessed: bit(word, ACCESSED) && !(waits_for_write && indirect::is_clean(word)),
    };
    Word::Leaf { phys, attributes }
}

/// AP\[2\] = 0, or hardware may make it so.
const fn is_writable(word: u64) -> bool {
    !bit(word, AP + 1) || bit(word, DIRTY_MODIFIER)
}

/// AP\[2\] withholds writes from both, AP\[1\] = 0 everything but execution from the user. What the user may write, the
/// privileged level never executes.
fn two_privileges(limits: &Limits, word: u64) -> (Rights, Rights) {
    let (reads, writes) = (bit(word, AP), is_writable(word));
    let user = Rights::when(reads, reads && writes, !bit(word, UXN)).and(limits.user);
    let executes = !bit(word, PXN) && !user.has(Rights::W);
    (Rights::when(true, writes, executes).and(limits.privileged), user)
}

/// S2AP, and XN\[1:0\] with FEAT_XNX: EL1 and EL0 execute, EL0 only, none, EL1 only.
fn stage2_rights(word: u64) -> (Rights, Rights) {
    let (reads, writes) = (bit(word, AP), bit(word, AP + 1) || bit(word, DIRTY_MODIFIER));
    let (privileged, user) = [(true, true), (false, true), (false, false), (true, false)][field(word, PXN, 2) as usize];
    (Rights::when(reads, writes, privileged), Rights::when(reads, writes, user))
}

/// Bytes of a contiguous run (D8 "The Contiguous bit").
const fn run_bytes(scheme: &Scheme, level: usize) -> u64 {
    let entries = match (scheme.page_shift, level) {
        (12, _) => 16,
        (14, 0) => 128,
        _ => 32,
    };
    scheme.leaf_bytes(level).saturating_mul(entries)
}
