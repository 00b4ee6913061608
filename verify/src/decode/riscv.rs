//! Page-table entries of RISC-V (Privileged ISA, "Supervisor-Level ISA": Sv32 to Sv57, Svnapot, Svpbmt; "Hypervisor
//! Extension": Sv39x4 and its like), and those with the memory attributes of T-Head (XuanTie C910 user manual, "Page table
//! structure", with mxstatus.MAEE = 1).

use super::{Attributes, Limits, Place, Word, bit, field};
use crate::rights::{Memory, Rights};
use crate::scheme::{Family, Scheme};

const VALID: u32 = 0;
const R: u32 = 1;
const W: u32 = 2;
const X: u32 = 3;
const USER: u32 = 4;
const GLOBAL: u32 = 5;
const ACCESSED: u32 = 6;
const DIRTY: u32 = 7;
const PAGE_NUMBER: u32 = 10;
const TYPE: u32 = 61;
/// T-Head: the secure world's, shareable, bufferable, cacheable, strongly ordered.
const ATTRIBUTES: u32 = 59;
const NAPOT: u32 = 63;
/// Pages of a 64 KiB run, the only one that Svnapot defines.
const RUN: u64 = 16;

const fn page_number_bits(scheme: &Scheme) -> u32 {
    if is_short(scheme) { 22 } else { 44 }
}

/// Entries of 4 bytes end with the page number.
const fn is_short(scheme: &Scheme) -> bool {
    scheme.entry_bytes() == 4
}

pub(super) const fn with_address(scheme: &Scheme, word: u64, phys: u64) -> u64 {
    let mask = (1 << page_number_bits(scheme)) - 1;
    word & !(mask << PAGE_NUMBER) | (phys >> 12 & mask) << PAGE_NUMBER
}

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    if !bit(word, VALID) {
        return Word::Absent;
    }
    let number = field(word, PAGE_NUMBER, page_number_bits(scheme));
    let rights = Rights::when(bit(word, R), bit(word, W), bit(word, X));
    if let Some(why) = reserved(scheme, place, word, rights) {
        return Word::Reserved(why);
    }
    if rights.is_empty() {
        let limits = Limits { global: bit(word, GLOBAL), ..Limits::NONE };
        return Word::Table { phys: number << 12, limits };
    }
    let (phys, run) = if bit(word, NAPOT) && !is_short(scheme) && scheme.family != Family::Sv39C9xx {
        if number & (RUN - 1) != RUN / 2 || place.level != 0 {
            return Word::Reserved("a NAPOT entry that is no page of a 64 KiB run");
        }
        ((number & !(RUN - 1) | place.index & (RUN - 1)) << 12, RUN << 12)
    } else {
        (number << 12, 0)
    };
    if phys & (scheme.leaf_bytes(place.level) - 1) != 0 {
        return Word::Reserved("a large page's address is not a multiple of its size");
    }
    Word::Leaf { phys, attributes: leaf(scheme, place, word, rights, run) }
}

fn reserved(scheme: &Scheme, place: &Place, word: u64, rights: Rights) -> Option<&'static str> {
    if rights.is_empty() {
        let used = field(word, USER, 1) | field(word, ACCESSED, 2);
        let high = if is_short(scheme) { 0 } else { word >> 54 };
        return match () {
            () if place.level == 0 => Some("a pointer at the last level"),
            () if used != 0 || high != 0 => Some("a pointer with bits that only leaves have"),
            () => None,
        };
    }
    if rights.has(Rights::W) && !rights.has(Rights::R) {
        return Some("writable and not readable");
    }
    if is_short(scheme) {
        return None;
    }
    if scheme.family == Family::Sv39C9xx {
        return (field(word, 54, 5) != 0).then_some("bits 58:54 are reserved");
    }
    match (field(word, 54, 7), field(word, TYPE, 2)) {
        (0, 3) => Some("memory type 3 is reserved"),
        (0, _) => None,
        _ => Some("bits 60:54 are reserved"),
    }
}

/// A supervisor reads and writes a user page with SUM, and never executes one. To a G-stage every access is one of the user.
fn leaf(scheme: &Scheme, place: &Place, word: u64, rights: Rights, run: u64) -> Attributes {
    let is_user = bit(word, USER);
    let (privileged, user) = match (scheme.family.is_guest(), is_user) {
        (true, true) => (rights, rights),
        (true, false) => (Rights::NONE, Rights::NONE),
        (false, true) => (rights.data(), rights),
        (false, false) => (rights, Rights::NONE),
    };
    Attributes {
        privileged,
        user,
        memory: match scheme.family {
            Family::Sv39C9xx => Memory::C9xx(field(word, ATTRIBUTES, 5) as u8),
            _ if is_short(scheme) => Memory::Pbmt(0),
            _ => Memory::Pbmt(field(word, TYPE, 2) as u8),
        },
        global: bit(word, GLOBAL) || place.limits.global,
        run,
        accessed: bit(word, ACCESSED) && (bit(word, DIRTY) || !rights.has(Rights::W)),
    }
}
