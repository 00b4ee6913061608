//! Page-table entries of LoongArch (LoongArch Reference Manual vol. 1, 5.4 "Page Table Mapping Memory Address Translation",
//! "Multi-level Page Table Structure Supported by Page Walking").

use super::{Attributes, Limits, Place, Word, bit, field};
use crate::rights::{Memory, Rights};
use crate::scheme::Scheme;

const VALID: u32 = 0;
const DIRTY: u32 = 1;
/// The least privileged level that has access: 0 is the kernel's, 3 the user's.
const LEVEL: u32 = 2;
const TYPE: u32 = 4;
/// In pages: global. In directories: a huge page.
const GLOBAL: u32 = 6;
const HUGE: u32 = 6;
/// Software, or the walker of hardware, may set the dirty bit.
const WRITABLE: u32 = 8;
/// Global, in huge pages.
const HUGE_GLOBAL: u32 = 12;
const NOT_READABLE: u32 = 61;
const NOT_EXECUTABLE: u32 = 62;
/// Only that level has access, and no one above it.
const ONLY: u32 = 63;

/// Bits 59:12, as far as the CPU has them.
pub(super) const ADDRESS: u64 = (1 << 60) - (1 << 12);

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    // A directory entry is an address and nothing else; handlers take 0 for none.
    if place.level > 0 && word == 0 {
        return Word::Absent;
    }
    if place.level > 0 && !bit(word, HUGE) {
        return Word::Table { phys: word & ADDRESS, limits: Limits::NONE };
    }
    if !bit(word, VALID) {
        return Word::Absent;
    }
    if bit(word, 60) {
        return Word::Reserved("bit 60 is reserved");
    }
    let global = if place.level == 0 { GLOBAL } else { HUGE_GLOBAL };
    let phys = if place.level == 0 { word & ADDRESS } else { word & ADDRESS & !(1 << HUGE_GLOBAL) };
    if phys & (scheme.leaf_bytes(place.level) - 1) != 0 {
        return Word::Reserved("a huge page's address is not a multiple of its size");
    }
    let kind = field(word, TYPE, 2) as u8;
    if kind == 3 {
        return Word::Reserved("memory access type 3 is reserved");
    }
    let (privileged, user) = rights(word);
    let waits_for_write = bit(word, WRITABLE) && !bit(word, DIRTY);
    let attributes = Attributes {
        privileged,
        user,
        memory: Memory::Mat(kind),
        global: bit(word, global),
        run: 0,
        accessed: !waits_for_write,
    };
    Word::Leaf { phys, attributes }
}

/// What the page grants to the kernel (PLV0) and to the user (PLV3).
fn rights(word: u64) -> (Rights, Rights) {
    let writes = bit(word, DIRTY) || bit(word, WRITABLE);
    let all = Rights::when(!bit(word, NOT_READABLE), writes, !bit(word, NOT_EXECUTABLE));
    let level = field(word, LEVEL, 2);
    let privileged = if bit(word, ONLY) && level != 0 { Rights::NONE } else { all };
    (privileged, if level == 3 { all } else { Rights::NONE })
}
