//! Extended page tables (SDM 3C, "The Extended Page Table Mechanism (EPT)").

use super::{Attributes, Limits, Place, Word, bit, field, x86};
use crate::rights::{Memory, Rights};
use crate::scheme::Scheme;

const LARGE: u32 = 7;

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    let rights = Rights::when(bit(word, 0), bit(word, 1), bit(word, 2));
    if rights.is_empty() {
        return Word::Absent;
    }
    if rights.has(Rights::W) && !rights.has(Rights::R) {
        return Word::Reserved("writable and not readable");
    }
    let phys = word & x86::address(scheme.family);
    if place.level > 0 && !bit(word, LARGE) {
        if field(word, 3, 5) != 0 {
            return Word::Reserved("a pointer with bits that only leaves have");
        }
        return Word::Table { phys, limits: Limits { privileged: rights, user: rights, ..Limits::NONE } };
    }
    if place.level > 2 {
        return Word::Reserved("this level has no large pages");
    }
    if phys & (scheme.leaf_bytes(place.level) - 1) != 0 {
        return Word::Reserved("a large page's address is not a multiple of its size");
    }
    let kind = field(word, 3, 3) as u8;
    if matches!(kind, 2 | 3 | 7) {
        return Word::Reserved("this memory type is reserved");
    }
    let granted = rights.and(place.limits.privileged);
    let attributes = Attributes {
        privileged: granted,
        user: granted,
        memory: Memory::Ept { kind, ignore_pat: bit(word, 6) },
        global: false,
        run: 0,
        accessed: true,
    };
    Word::Leaf { phys, attributes }
}
