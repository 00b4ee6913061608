//! Paging-structure entries of x86 (SDM 3A, "4-Level Paging and 5-Level Paging", "PAE Paging", "32-Bit Paging").

use super::{Attributes, Limits, Place, Word, bit, field};
use crate::rights::{Memory, Rights};
use crate::scheme::{Family, Scheme};

const PRESENT: u32 = 0;
const WRITE: u32 = 1;
const USER: u32 = 2;
/// PWT, and PCD above it: the low bits of the PAT slot.
const TYPE: u32 = 3;
/// A large page, above the last level.
const LARGE: u32 = 7;
const GLOBAL: u32 = 8;
const NO_EXECUTE: u32 = 63;

/// Bits 51:12; of entries of 4 bytes 31:12.
pub(super) const fn address(family: Family) -> u64 {
    let end = if matches!(family, Family::Legacy) { 32 } else { 52 };
    (1 << end) - (1 << 12)
}

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    if !bit(word, PRESENT) {
        return Word::Absent;
    }
    if scheme.family == Family::Pae && place.level == 2 {
        return pointer_of_pae(word);
    }
    if scheme.family == Family::Pae && field(word, 52, 11) != 0 {
        return Word::Reserved("bits 62:52 are reserved");
    }
    // Entries of 4 bytes have no such bit.
    let (writes, user, executes) = (bit(word, WRITE), bit(word, USER), !bit(word, NO_EXECUTE));
    let limits = Limits {
        privileged: Rights::when(true, writes, executes),
        user: Rights::when(true, writes, executes),
        admits_user: user,
        global: false,
    };
    if place.level > 0 && !bit(word, LARGE) {
        return Word::Table { phys: word & address(scheme.family), limits };
    }
    if place.level > 2 {
        return Word::Reserved("this level has no large pages");
    }
    // The highest bit of the slot is bit 7 of a page and bit 12 of a large page.
    let pat = if place.level == 0 { 7 } else { 12 };
    let phys = match (scheme.family, place.level) {
        (family, 0) => word & address(family),
        (Family::Legacy, _) => large_of_legacy(word),
        (family, _) => word & address(family) & !(1 << pat),
    };
    if phys & (scheme.leaf_bytes(place.level) - 1) != 0 {
        return Word::Reserved("a large page's address is not a multiple of its size");
    }
    let slot = (field(word, pat, 1) << 2 | field(word, TYPE, 2)) as u8;
    let all = limits.and(place.limits);
    let (privileged, user) = granted(&all);
    let memory = Memory::Pat { slot, value: Scheme::slot(scheme.pat, slot) };
    let attributes = Attributes { privileged, user, memory, global: bit(word, GLOBAL), run: 0, accessed: true };
    Word::Leaf { phys, attributes }
}

/// An entry of the page-directory-pointer table, which withholds nothing and has neither rights nor large pages.
const fn pointer_of_pae(word: u64) -> Word {
    if field(word, 1, 2) != 0 || field(word, 5, 4) != 0 || word >> 52 != 0 {
        return Word::Reserved("bits 2:1, 8:5 and 63:52 are reserved in a page-directory pointer");
    }
    Word::Table { phys: word & address(Family::Pae), limits: Limits::NONE }
}

/// Bits 31:22 in place, and 39:32 in 20:13 (PSE-36). Bit 21, which is reserved, makes it no multiple of 4 MiB.
const fn large_of_legacy(word: u64) -> u64 {
    word & ((1 << 32) - (1 << 21)) | field(word, 13, 8) << 32
}

/// Rights are what all levels grant. Where one of them keeps the user out, the page is the kernel's. The kernel executes no
/// page of the user (CR4.SMEP).
const fn granted(all: &Limits) -> (Rights, Rights) {
    if all.admits_user { (all.user.data(), all.user) } else { (all.privileged, Rights::NONE) }
}
