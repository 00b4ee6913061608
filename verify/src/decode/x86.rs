//! Paging-structure entries of x86-64 (SDM 3A, "4-Level Paging and 5-Level Paging").

use super::{Attributes, Limits, Place, Word, bit, field};
use crate::rights::{Memory, Rights};
use crate::scheme::Scheme;

const PRESENT: u32 = 0;
const WRITE: u32 = 1;
const USER: u32 = 2;
/// PWT, and PCD above it: the low bits of the PAT slot.
const TYPE: u32 = 3;
/// A large page, above the last level.
const LARGE: u32 = 7;
const GLOBAL: u32 = 8;
const NO_EXECUTE: u32 = 63;

/// Bits 51:12.
pub(super) const ADDRESS: u64 = (1 << 52) - (1 << 12);

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    if !bit(word, PRESENT) {
        return Word::Absent;
    }
    let (writes, user, executes) = (bit(word, WRITE), bit(word, USER), !bit(word, NO_EXECUTE));
    let limits = Limits {
        privileged: Rights::when(true, writes, executes),
        user: Rights::when(true, writes, executes),
        admits_user: user,
        global: false,
    };
    if place.level > 0 && !bit(word, LARGE) {
        return Word::Table { phys: word & ADDRESS, limits };
    }
    if place.level > 2 {
        return Word::Reserved("this level has no large pages");
    }
    // The highest bit of the slot is bit 7 of a page and bit 12 of a large page.
    let pat = if place.level == 0 { 7 } else { 12 };
    let phys = if place.level == 0 { word & ADDRESS } else { word & ADDRESS & !(1 << pat) };
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

/// Rights are what all levels grant. Where one of them keeps the user out, the page is the kernel's. The kernel executes no
/// page of the user (CR4.SMEP).
const fn granted(all: &Limits) -> (Rights, Rights) {
    if all.admits_user { (all.user.data(), all.user) } else { (all.privileged, Rights::NONE) }
}
