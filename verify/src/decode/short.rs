//! Short descriptors of ARMv7 (DDI 0406, B3.5 "Short-descriptor translation table format", B3.7 "Memory access control",
//! B3.8 "Memory region attributes"), with SCTLR.AFE = 0, and domains whose clients all are.

use super::{Attributes, Limits, Place, Word, bit, field};
use crate::rights::{Memory, Rights};
use crate::scheme::{Remap, Scheme};

/// Bits 31:10 of a pointer.
pub(super) const TABLE: u64 = (1 << 32) - (1 << 10);
/// Entries that a large page or a supersection has, each of them the same.
const RUN: u64 = 16;
const PAGE: u32 = 12;
const SECTION: u32 = 20;

/// Where a kind of leaf has its fields.
struct Fields {
    /// log2 of the bytes that an entry covers.
    shift: u32,
    /// Entries that are one leaf.
    count: u64,
    /// Execute-never.
    xn: u32,
    /// Privileged execute-never, if leaves have it.
    pxn: Option<u32>,
    tex: u32,
    /// AP\[1:0\]; AP\[2\] is `high`, with S and nG behind it.
    ap: u32,
    high: u32,
}

const SMALL: Fields = Fields { shift: PAGE, count: 1, xn: 0, pxn: None, tex: 6, ap: 4, high: 9 };
const LARGE: Fields = Fields { shift: PAGE, count: RUN, xn: 15, pxn: None, tex: 12, ap: 4, high: 9 };
const ONE: Fields = Fields { shift: SECTION, count: 1, xn: 4, pxn: Some(0), tex: 12, ap: 10, high: 15 };
const SUPER: Fields = Fields { shift: SECTION, count: RUN, xn: 4, pxn: Some(0), tex: 12, ap: 10, high: 15 };

pub(super) fn decode(scheme: &Scheme, place: &Place, word: u64) -> Word {
    let leaf = |fields, start| leaf(scheme.remap.as_ref(), fields, place, word, start);
    match (place.level, field(word, 0, 2)) {
        (_, 0) => Word::Absent,
        (0, 1) if field(word, 6, 3) != 0 => Word::Reserved("bits 8:6 of a large page should be zero"),
        (0, 1) => leaf(&LARGE, word & 0xffff_0000),
        (0, _) => leaf(&SMALL, word & 0xffff_f000),
        (_, 1) => Word::Table { phys: word & TABLE, limits: pointer(word) },
        _ if bit(word, 18) => {
            let high = field(word, 5, 4) << 36 | field(word, 20, 4) << 32;
            leaf(&SUPER, word & 0xff00_0000 | high)
        }
        _ => leaf(&ONE, word & 0xfff0_0000),
    }
}

/// A pointer may keep PL1 from executing.
fn pointer(word: u64) -> Limits {
    Limits { privileged: Rights::when(true, true, !bit(word, 2)), ..Limits::NONE }
}

fn leaf(remap: Option<&Remap>, fields: &Fields, place: &Place, word: u64, start: u64) -> Word {
    let access = field(word, fields.high, 1) << 2 | field(word, fields.ap, 2);
    let Some((privileged, user)) = rights(access) else {
        return Word::Reserved("access permissions 0b100 are reserved");
    };
    let executes = |data: Rights, never: bool| if data.has(Rights::R) && !never { data.or(Rights::X) } else { data };
    let xn = bit(word, fields.xn);
    let kernel_xn = xn || fields.pxn.is_some_and(|pxn| bit(word, pxn));
    let attributes = Attributes {
        privileged: executes(privileged, kernel_xn).and(place.limits.privileged),
        user: executes(user, xn),
        memory: memory(remap, field(word, fields.tex, 3) << 2 | field(word, 2, 2), bit(word, fields.high + 1)),
        global: !bit(word, fields.high + 2),
        run: if fields.count == 1 { 0 } else { fields.count << fields.shift },
        accessed: true,
    };
    Word::Leaf { phys: start | (place.index & (fields.count - 1)) << fields.shift, attributes }
}

/// TEX, C, B and S; where the first of them are an index, as they would be without (B3.8 "with TEX remap").
fn memory(remap: Option<&Remap>, bits: u64, shared: bool) -> Memory {
    let Some(&Remap { primary, normal }) = remap else {
        return Memory::Short { attribute: bits as u8, shareable: shared };
    };
    let index = (bits & 7) as u32;
    let pair = |register: u32, from: u32| (register >> (from + 2 * index) & 3) as u8;
    let share = |from: u32| primary >> (from + u32::from(shared)) & 1 == 1;
    match pair(primary, 0) {
        2 => Memory::Short { attribute: 0b1_0000 | pair(normal, 16) << 2 | pair(normal, 0), shareable: share(18) },
        // Strongly-ordered and Device memory; 3 is reserved.
        kind => Memory::Short { attribute: if kind == 3 { 0b0_1001 } else { kind }, shareable: share(16) },
    }
}

/// AP\[2:0\]: data of PL1 and of PL0.
const fn rights(access: u64) -> Option<(Rights, Rights)> {
    let (none, r, rw) = (Rights::NONE, Rights::R, Rights::R.or(Rights::W));
    match access {
        0b000 => Some((none, none)),
        0b001 => Some((rw, none)),
        0b010 => Some((rw, r)),
        0b011 => Some((rw, rw)),
        0b101 => Some((r, none)),
        0b110 | 0b111 => Some((r, r)),
        _ => None,
    }
}
