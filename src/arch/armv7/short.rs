//! Short descriptors (DDI 0406, B3.5 "Short-descriptor translation table format", and B3.8 "Memory region attributes").
//!
//! | section | large page | small page | name | meaning |
//! |---------|------------|------------|------|---------|
//! | 1:0 = 1x | 1:0 = 01  | 1:0 = 1x   | type | 00: absent; 01 at the first level: a pointer |
//! | 2       | 2          | 2          | B    | with C and TEX the memory type |
//! | 3       | 3          | 3          | C    | |
//! | 4       | 15         | 0          | XN   | not executable |
//! | 8:5     |            |            | Domain | zero here |
//! | 10      | 4          | 4          | AP\[0\] | one here: the access flag, where SCTLR.AFE is set |
//! | 11      | 5          | 5          | AP\[1\] | PL0 has access |
//! | 14:12   | 14:12      | 8:6        | TEX  | |
//! | 15      | 9          | 9          | AP\[2\] | no writes |
//! | 16      | 10         | 10         | S    | shareable |
//! | 17      | 11         | 11         | nG   | not global |
//! | 18      |            |            |      | one in a supersection, of which there are none here |
//! | 0       |            |            | PXN  | not executable at PL1 |
//! | 31:20   | 31:16      | 31:12      |      | address |
//!
//! A pointer has 01 in bits 1:0, PXN in bit 2, which is that of all pages below it, and its address in bits 31:10.
//!
//! AP\[0\] is always set. So an entry grants the same whether SCTLR.AFE is set (AP\[2:1\] are the rights, and AP\[0\] the
//! access flag) or clear (AP\[2:0\] are the rights); the one combination given up is a page that PL1 writes and PL0 reads.
//! Memory types are those with TEX\[2:1\] = 0, so that they are the same without TEX remap and with it, where PRRR and
//! NMRR repeat what the indices mean without. The domain must be a client in DACR.
//!
//! A page has no PXN of its own. Pages that PL0 executes and PL1 does not have no encoding here; sections have one. Code
//! of users in pages is declared `priv rx, user rx`, with a waiver of `kernel-executes-user-page`. PXN of pointers stays clear, and is read where others have set it.

use static_assertions::const_assert;
use typenum::{U8, U12};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Effect, Format, LeafEncoding, LeafForm, LevelFormat, MAX_LEVELS, Moves, NOT_ENCODABLE, Pattern, Run,
};
use crate::regime::Regime;

use super::insn;
use super::lpae::Lpae;

/// PL1&0 with short descriptors: one root of 16 KiB for all 32 bits (`TTBCR.{EAE, N}` = 0), tables of 1 KiB below it.
#[derive(Clone, Copy, Debug)]
pub struct Short;

impl Regime for Short {
    const FORMAT: Format = FORMAT;
    type PageShift = U12;
    type IndexBits = U8;
    const NATIVE: bool = insn::NATIVE;
}

/// At the first level: a pointer. At the second: a large page.
const POINTER_OR_LARGE: u64 = 0b01;
/// A section, or a small page.
const LEAF: u64 = 0b10;
const TYPE: u64 = 0b11;
const DOMAIN: u64 = 15 << 5;
const SUPERSECTION: u64 = 1 << 18;
/// Bit 4 of a pointer should be zero.
const POINTER_ZERO: u64 = 1 << 4;
const POINTER_PXN: u64 = 1 << 2;
const SECTION_AP0: u64 = 1 << 10;
const PAGE_SHIFT: u32 = 12;
const SECTION_SHIFT: u32 = 20;
/// log2 of the bytes of a table of 256 entries.
const TABLE_SHIFT: u32 = 10;

// The fields of a small page.
const XN: u64 = 1 << 0;
const B: u64 = 1 << 2;
const C: u64 = 1 << 3;
const AP0: u64 = 1 << 4;
const AP_USER: u64 = 1 << 5;
const TEX: u64 = 7 << TEX_SHIFT;
const TEX_SHIFT: u32 = 6;
const AP_READ_ONLY: u64 = 1 << 9;
const S: u64 = 1 << 10;
const NG: u64 = 1 << 11;
/// Of sections alone: above the word of a page.
const PXN: u64 = 1 << 32;

const FORMAT: Format = Format {
    name: "ARMv7 short descriptors",
    page_shift: PAGE_SHIFT,
    table_shift: TABLE_SHIFT,
    levels: 2,
    level: levels(),
    entry_bytes: 4,
    output_bits: 32,
    max_output_bits: 32,
    // 4096 entries are sixteen tables side by side.
    max_root_tables: 16,
    present: TYPE,
    address: AddressField::in_place((1 << 32) - (1 << TABLE_SHIFT)),
    rights: rights(),
    rights_mask: AP_USER | AP_READ_ONLY | XN | PXN,
    implied: CLOSED,
    memory: [memory_types(); 2],
    memory_mask: [TEX | C | B | S; 2],
    memory_register: crate::format::MemoryRegister::NONE,
    memory_slot: [[0; 8]; 2],
    memory_share: [0; MemoryType::COUNT],
    runs: [LARGE_PAGE, Run::NONE, Run::NONE],
    not_global: NG,
    software: (0, 0),
    ..Lpae::FORMAT
};

/// The same sixteen times in a row, with an encoding of its own.
const LARGE_PAGE: Run = Run {
    size: 64 << 10,
    level: 0,
    set: 0,
    fold: true,
    feature: Features::NONE,
    leaf: Some(LeafEncoding {
        leaf: Pattern { mask: TYPE | TEX, value: POINTER_OR_LARGE },
        leaf_set: POINTER_OR_LARGE | AP0,
        moves: Moves::NONE.and(XN, 15).and(TEX, 6),
    }),
};

const fn levels() -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    all[0] = LevelFormat {
        shift: PAGE_SHIFT,
        bits: SECTION_SHIFT - PAGE_SHIFT,
        form: LeafForm::Always,
        leaf: Pattern { mask: LEAF, value: LEAF },
        leaf_set: LEAF | AP0,
        ..LevelFormat::NONE
    };
    all[1] = LevelFormat {
        shift: SECTION_SHIFT,
        bits: TABLE_SHIFT - 2,
        form: LeafForm::Always,
        leaf: Pattern { mask: LEAF | DOMAIN | SUPERSECTION, value: LEAF },
        leaf_set: LEAF | SECTION_AP0,
        moves: Moves::NONE.and(XN, 4).and(AP_USER | TEX | AP_READ_ONLY | S | NG, 6).and(PXN, 32),
        table: Pattern { mask: TYPE | POINTER_ZERO | DOMAIN, value: POINTER_OR_LARGE },
        table_set: POINTER_OR_LARGE,
        inherit: &[Effect { pattern: Pattern { mask: POINTER_PXN, value: POINTER_PXN }, set: PXN, clear: 0 }],
        ..LevelFormat::NONE
    };
    all
}

/// XN is of both privileges, and what PL0 cannot read it does not execute.
const CLOSED: &[Effect] = &[
    Effect { pattern: Pattern { mask: XN | PXN, value: XN | PXN }, set: 0, clear: PXN },
    Effect { pattern: Pattern { mask: AP_USER | XN | PXN, value: PXN }, set: XN, clear: PXN },
];

/// B3.7 "Memory access control": PL1 can always read, PL0 has the same data rights or none, and whoever executes must be
/// able to read.
const fn rights() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        let open = user.data().is(privileged.data());
        let closed = user.is_empty();
        // What PL1 executes of a page that PL0 reads, PL0 executes, too.
        let alone = privileged.contains(Rights::X) && !user.contains(Rights::X);
        if privileged.contains(Rights::R) && (closed || (open && !alone)) {
            let mut bits = if closed { 0 } else { AP_USER };
            if !privileged.contains(Rights::W) {
                bits |= AP_READ_ONLY;
            }
            if !privileged.union(user).contains(Rights::X) {
                bits |= XN;
            } else if !privileged.contains(Rights::X) {
                bits |= PXN;
            }
            all[i] = bits;
        }
        i += 1;
    }
    all
}

/// TEX, C and B (B3.8 "Short-descriptor format memory region attributes, without TEX remap"). Normal memory is shareable
/// unless it says otherwise.
const fn memory_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        all[i] = match MemoryType::ALL[i] {
            MemoryType::DeviceNgnrne => 0,
            MemoryType::DeviceNgnre => B,
            MemoryType::NormalWt => C | S,
            // No write-allocate.
            MemoryType::NormalWbRa => C | B | S,
            MemoryType::NormalNc => 1 << TEX_SHIFT | S,
            MemoryType::NormalWb => 1 << TEX_SHIFT | C | B | S,
            MemoryType::NormalWbNsh => 1 << TEX_SHIFT | C | B,
            _ => NOT_ENCODABLE,
        };
        i += 1;
    }
    all
}

const_assert!(FORMAT.is_lawful());
const_assert!(FORMAT.root_bits() == 12 && FORMAT.root_tables() == 16);

#[cfg(test)]
mod tests;
