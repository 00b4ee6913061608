//! Decoders that share nothing with the library but the geometry of a walk: bits from the manuals, by hand.

#![allow(dead_code, reason = "each test uses what it needs")]

use tablature::format::Format;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing.
    Absent,
    /// A pointer to a table.
    Table(u64),
    /// A leaf at this address.
    Leaf(u64),
}

/// Tells what a word is; the flag says whether it stands at the last level.
pub(crate) type Decode = fn(u64, bool) -> Word;

/// VMSAv8-64, output addresses of 48 bits (DDI 0487, D8).
pub(crate) fn aarch64(word: u64, last: bool) -> Word {
    let address = word & 0xffff_ffff_f000;
    match (word & 3, last) {
        (3, true) | (1, false) => Word::Leaf(address),
        (3, false) => Word::Table(address),
        _ => Word::Absent,
    }
}

/// Sv32 to Sv57 (RISC-V Privileged, "Supervisor-Level ISA").
pub(crate) fn riscv(word: u64, last: bool) -> Word {
    let address = (word >> 10 & 0xfff_ffff_ffff) << 12;
    match (word & 1, word >> 1 & 7, last) {
        (0, _, _) => Word::Absent,
        (_, 0, false) => Word::Table(address),
        (_, 0, true) => panic!("a table pointer at the last level: {word:#x}"),
        _ => Word::Leaf(address),
    }
}

/// Four- and five-level paging (SDM 3A, "Paging").
pub(crate) fn x86_64(word: u64, last: bool) -> Word {
    let address = word & 0xf_ffff_ffff_f000;
    match (word & 1, word >> 7 & 1, last) {
        (0, _, _) => Word::Absent,
        (_, 1, false) | (_, _, true) => Word::Leaf(address),
        _ => Word::Table(address),
    }
}

/// Where `virt` goes.
pub(crate) fn walk(format: &Format, root: u64, virt: u64, decode: Decode, read: impl Fn(u64) -> u64) -> Option<u64> {
    let stride = format.level[0].bits;
    let mut table = root;
    let input = virt & (u64::MAX >> (64 - format.input_bits));
    for level in (0..format.levels as u32).rev() {
        let shift = format.page_shift + level * stride;
        let index =
            if level as usize + 1 == format.levels { input >> shift } else { input >> shift & ((1 << stride) - 1) };
        match decode(read(table + index * u64::from(format.entry_bytes)), level == 0) {
            Word::Absent => return None,
            Word::Table(next) => table = next,
            Word::Leaf(frame) => return Some(frame | input & ((1 << shift) - 1)),
        }
    }
    None
}
