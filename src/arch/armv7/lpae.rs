//! Long descriptors (DDI 0406, B3.6 "Long-descriptor translation table format", "Long-descriptor translation table format
//! descriptors" and the attribute fields of stage 1 and stage 2).
//!
//! | bits  | stage 1 | stage 2 | meaning |
//! |-------|---------|---------|---------|
//! | 0     | valid   | valid   | 0: absent |
//! | 1     | type    | type    | 0 block, 1 table; 1 page at the last level |
//! | 4:2   | AttrIndx | MemAttr\[2:0\] | slot of MAIR or HMAIR; memory type |
//! | 5     | NS      | MemAttr\[3\] | stage 1: clear, the address space of the regime itself |
//! | 6     | AP\[1\] | HAP\[1\] | PL0 has access (should be one at PL2); readable |
//! | 7     | AP\[2\] | HAP\[2\] | no writes; writable |
//! | 9:8   | SH      | SH      | shareability |
//! | 10    | AF      | AF      | access flag |
//! | 11    | nG      | zero    | not global (PL1&0) |
//! | 39:12 |         |         | address |
//! | 52    |         |         | contiguous hint: one of sixteen entries |
//! | 53    | PXN     | zero    | not executable at PL1 (PL1&0) |
//! | 54    | XN      | XN      | not executable |
//! | 58:55 |         |         | software |
//!
//! The access flag is set in every leaf. The restrictions of table descriptors (stage 1: APTable, XNTable, PXNTable in bits
//! 62:59) are read and stay clear; NSTable (bit 63) is not looked at.

use static_assertions::const_assert;
use typenum::{U9, U12};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Effect, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, Moves, NOT_ENCODABLE, Pattern,
    RawField, Run,
};
use crate::regime::Regime;

use super::insn;

/// PL1&0, stage 1: one root for all 32 bits (`TTBCR.T0SZ` = 0).
#[derive(Clone, Copy, Debug)]
pub struct Lpae;
/// Non-secure PL2, stage 1: 32 bits (`HTCR.T0SZ` = 0), no user.
#[derive(Clone, Copy, Debug)]
pub struct LpaeHyp;
/// Non-secure PL1&0, stage 2: guest-physical addresses of `IPA` bits, 25 to 40, up to 16 concatenated root tables.
#[derive(Clone, Copy, Debug)]
pub struct LpaeStage2<const IPA: u32 = 40>;

impl Regime for Lpae {
    const FORMAT: Format = stage1("ARMv7 LPAE PL1");
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

impl Regime for LpaeHyp {
    const FORMAT: Format = hyp();
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

impl<const IPA: u32> Regime for LpaeStage2<IPA> {
    const FORMAT: Format = stage2(IPA);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

const VALID: u64 = 1 << 0;
/// A table; at the last level, a page.
const TYPE: u64 = 1 << 1;
/// Lowest bit of AttrIndx and of MemAttr.
const ATTR_SHIFT: u32 = 2;
const ATTR_INDX: u64 = 7 << ATTR_SHIFT;
const MEM_ATTR: u64 = 15 << ATTR_SHIFT;
const NS: u64 = 1 << 5;
const AP_USER: u64 = 1 << 6;
const AP_READ_ONLY: u64 = 1 << 7;
const HAP_READ: u64 = 1 << 6;
const HAP_WRITE: u64 = 1 << 7;
const SH: u64 = 3 << 8;
const SH_INNER: u64 = 3 << 8;
const AF: u64 = 1 << 10;
const NG: u64 = 1 << 11;
const ADDRESS: u64 = (1 << 40) - (1 << PAGE_SHIFT);
const CONTIGUOUS: u64 = 1 << 52;
const PXN: u64 = 1 << 53;
const XN: u64 = 1 << 54;
const PXN_TABLE: u64 = 1 << 59;
const XN_TABLE: u64 = 1 << 60;
const AP_TABLE_NO_USER: u64 = 1 << 61;
const AP_TABLE_READ_ONLY: u64 = 1 << 62;
/// Software field: lowest bit, width.
const SOFTWARE: (u32, u32) = (55, 4);
const PAGE_SHIFT: u32 = 12;
const STRIDE: u32 = 9;
/// Levels 1, 2 and 3 of the manual.
const LEVELS: usize = 3;

/// PL1&0, stage 1, of which the others are changes.
const fn stage1(name: &'static str) -> Format {
    Format {
        name,
        page_shift: PAGE_SHIFT,
        table_shift: PAGE_SHIFT,
        levels: LEVELS,
        level: level_formats(0, POINTER),
        entry_bytes: 8,
        input_bits: 32,
        range_bits: 32,
        upper_half: false,
        split_roots: false,
        legal_input_bits: (32, 32),
        output_bits: 40,
        wide_output: Features::NONE,
        max_output_bits: 40,
        max_root_tables: 1,
        deep_start: (MAX_LEVELS, 0),
        present: VALID,
        address: AddressField::in_place(ADDRESS),
        rights: rights_of_two_privileges(),
        rights_mask: AP_USER | AP_READ_ONLY | PXN | XN,
        implied: CLOSED,
        updating: &[],
        memory: [indexed_types(); 2],
        memory_mask: [ATTR_INDX | SH; 2],
        inherent_memory: false,
        memory_override: Features::NONE,
        memory_gate: [(MemoryType::Inherent, Features::NONE)],
        memory_register: MAIR,
        memory_slot: [SLOT_BITS; 2],
        memory_share: share(),
        raw_memory: RawField { shift: 0, bits: 0, reserved: 0 },
        // A root of four entries has no run of sixteen.
        runs: [run(0), run(1), Run::NONE],
        global: 0,
        block_global: 0,
        not_global: NG,
        software: SOFTWARE,
        guarded: 0,
        // AF is part of `leaf_set`, and hardware never writes to the tables.
        accessed: 0,
        table_accessed: 0,
        dirty: 0,
        always_updates: false,
        update_feature: Features::NONE,
        hardware_sets: 0,
        dirty_read_only: Features::NONE,
        guest: false,
        user: true,
        user_required: false,
        write_only: false,
        break_before_make: true,
        free_resize: Features::NONE,
        asid_bits: (8, 8, Features::NONE),
        asid_feature: Features::NONE,
        mode: Features::NONE,
        wide: None,
        needs: Features::NONE,
        default_features: Features::NONE,
        no_execute: Features::NONE,
        free_rights: Features::NONE,
        rights_slot: [NOT_ENCODABLE; 16],
    }
}

/// AP\[1\] should be one, and neither nG nor PXN exist at PL2.
const fn hyp() -> Format {
    Format {
        level: level_formats(AP_USER, POINTER_HYP),
        rights: rights_of_one_privilege(),
        rights_mask: AP_READ_ONLY | XN,
        implied: &[],
        not_global: 0,
        user: false,
        asid_bits: (0, 0, Features::NONE),
        ..stage1("ARMv7 LPAE PL2")
    }
}

/// A walk of `bits` bits starts at level 2 or level 1 (`VTCR.SL0`), and its root may be up to 16 tables. Widths of 64 bits
/// and more count as 63, which is no legal width either, so that shifts by the width stay defined.
const fn stage2(bits: u32) -> Format {
    let bits = if bits > 63 { 63 } else { bits };
    Format {
        levels: if bits <= PAGE_SHIFT + 2 * STRIDE + 4 { LEVELS - 1 } else { LEVELS },
        input_bits: bits,
        range_bits: bits,
        legal_input_bits: (25, 40),
        max_root_tables: 16,
        level: level_formats(0, &[]),
        rights: rights_of_guests(),
        rights_mask: HAP_READ | HAP_WRITE | XN,
        implied: &[],
        memory: [direct_types(); 2],
        memory_mask: [MEM_ATTR | SH; 2],
        memory_register: MemoryRegister::NONE,
        memory_slot: [[0; 8]; 2],
        memory_share: [0; MemoryType::COUNT],
        // Device attributes 2 and 3, and an inner cacheability of 0 beside an outer one, are unpredictable.
        raw_memory: RawField { shift: ATTR_SHIFT, bits: 4, reserved: 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8 | 1 << 12 },
        runs: [run(0), run(1), run(2)],
        not_global: 0,
        guest: true,
        user: false,
        write_only: true,
        ..stage1("ARMv7 LPAE stage 2")
    }
}

/// B3.6 "Hierarchical control of access permissions": APTable, XNTable, PXNTable.
const POINTER: &[Effect] = &[
    Effect { pattern: Pattern { mask: AP_TABLE_NO_USER, value: AP_TABLE_NO_USER }, set: 0, clear: AP_USER },
    Effect { pattern: Pattern { mask: AP_TABLE_READ_ONLY, value: AP_TABLE_READ_ONLY }, set: AP_READ_ONLY, clear: 0 },
    Effect { pattern: Pattern { mask: XN_TABLE, value: XN_TABLE }, set: XN, clear: 0 },
    Effect { pattern: Pattern { mask: PXN_TABLE, value: PXN_TABLE }, set: PXN, clear: 0 },
];
/// APTable\[0\] and PXNTable are reserved at PL2.
const POINTER_HYP: &[Effect] = &[
    Effect { pattern: Pattern { mask: AP_TABLE_READ_ONLY, value: AP_TABLE_READ_ONLY }, set: AP_READ_ONLY, clear: 0 },
    Effect { pattern: Pattern { mask: XN_TABLE, value: XN_TABLE }, set: XN, clear: 0 },
];
/// Who cannot read does not execute: what PL1 may not execute and PL0 not read, nobody executes. What PL0 may not
/// execute, PL1 does not, either.
const CLOSED: &[Effect] = &[
    Effect { pattern: Pattern { mask: AP_USER | PXN, value: PXN }, set: XN, clear: 0 },
    Effect { pattern: Pattern { mask: XN, value: XN }, set: PXN, clear: 0 },
];

/// Pages, and blocks of 2 MiB and 1 GiB, which have `extra` set.
const fn level_formats(extra: u64, inherit: &'static [Effect]) -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    let mut i = 0;
    while i < LEVELS {
        let kind = if i == 0 { TYPE } else { 0 };
        let table = Pattern { mask: VALID | TYPE, value: VALID | TYPE };
        all[i] = LevelFormat {
            shift: PAGE_SHIFT + STRIDE * i as u32,
            bits: STRIDE,
            form: LeafForm::Always,
            moves: Moves::NONE,
            leaf: Pattern { mask: VALID | TYPE, value: VALID | kind },
            leaf_set: VALID | kind | AF | extra,
            table: if i == 0 { Pattern::NEVER } else { table },
            table_set: VALID | TYPE,
            memory: 0,
            inherit: if i == 0 { &[] } else { inherit },
        };
        i += 1;
    }
    all
}

/// Sixteen entries of a level.
const fn run(level: usize) -> Run {
    let size = 16 << (PAGE_SHIFT + STRIDE * level as u32);
    Run { size, level, set: CONTIGUOUS, fold: false, feature: Features::NONE, leaf: None }
}

/// B3.7 "Memory access control": PL1 can always read, PL0 has the same data rights or none, and whoever executes must be
/// able to read. XN takes execution from both, PXN from PL1 alone; a page that nobody executes has both.
const fn rights_of_two_privileges() -> [u64; 64] {
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
            if !privileged.contains(Rights::X) {
                bits |= PXN;
            }
            if !privileged.union(user).contains(Rights::X) {
                bits |= XN;
            }
            all[i] = bits;
        }
        i += 1;
    }
    all
}

/// PL2 has AP\[2\] and XN.
const fn rights_of_one_privilege() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        if user.is_empty() && privileged.contains(Rights::R) {
            let read_only = if privileged.contains(Rights::W) { 0 } else { AP_READ_ONLY };
            let no_execute = if privileged.contains(Rights::X) { 0 } else { XN };
            all[i] = read_only | no_execute;
        }
        i += 1;
    }
    all
}

/// Stage 2 grants reads and writes each for itself, and executes what can be read.
const fn rights_of_guests() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        if user.is_empty() && (privileged.contains(Rights::R) || !privileged.contains(Rights::X)) {
            let read = if privileged.contains(Rights::R) { HAP_READ } else { 0 };
            let write = if privileged.contains(Rights::W) { HAP_WRITE } else { 0 };
            let no_execute = if privileged.contains(Rights::X) { 0 } else { XN };
            all[i] = read | write | no_execute;
        }
        i += 1;
    }
    all
}

/// MAIR0 and MAIR1, or HMAIR0 and HMAIR1 (B4.1 "MAIR0 and MAIR1"): Device, write-back, non-cacheable, Strongly-ordered,
/// write-through, write-back read-allocate, write-back transient.
const MAIR: MemoryRegister = MemoryRegister {
    name: "mair",
    legal: LEGAL_MAIR,
    gated: [(0, Features::NONE); 3],
    value: {
        let mut value = [u16::MAX; MemoryType::COUNT];
        let mut i = 0;
        while i < MemoryType::COUNT {
            value[i] = mair_value(MemoryType::ALL[i]);
            i += 1;
        }
        value
    },
    slots: [0x04, 0xff, 0x44, 0x00, 0xbb, 0xee, 0x77, 0x00],
};

/// There are two device types in ARMv7, Strongly-ordered and Device; those that gather or reorder came with ARMv8.
const fn mair_value(memory: MemoryType) -> u16 {
    match memory {
        MemoryType::DeviceNgnrne => 0x00,
        MemoryType::DeviceNgnre => 0x04,
        MemoryType::NormalNc => 0x44,
        MemoryType::NormalWt => 0xbb,
        MemoryType::NormalWb | MemoryType::NormalWbNsh => 0xff,
        MemoryType::NormalWbRa => 0xee,
        MemoryType::NormalWbTransient => 0x77,
        _ => u16::MAX,
    }
}

/// 0x00, 0x04, and two nibbles that are not zero.
const LEGAL_MAIR: [u64; 4] = {
    let mut legal = [0u64; 4];
    legal[0] = 1 << 0x00 | 1 << 0x04;
    let mut value = 0x10;
    while value < 256 {
        if value & 15 != 0 {
            legal[value / 64] |= 1 << (value % 64);
        }
        value += 1;
    }
    legal
};

/// AttrIndx of each slot.
const SLOT_BITS: [u64; 8] = {
    let mut bits = [0; 8];
    let mut i = 0;
    while i < 8 {
        bits[i] = (i as u64) << ATTR_SHIFT;
        i += 1;
    }
    bits
};

/// Normal memory is Inner Shareable unless it says otherwise; of a device the field does not count.
const fn share() -> [u64; MemoryType::COUNT] {
    let mut share = [0; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        let memory = MemoryType::ALL[i];
        if !memory.is_device() && !memory.is(MemoryType::NormalWbNsh) {
            share[i] = SH_INNER;
        }
        i += 1;
    }
    share
}

const fn indexed_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        let mut slot = 8;
        while slot > 0 {
            slot -= 1;
            if MAIR.value[i] == MAIR.slots[slot] as u16 {
                all[i] = SLOT_BITS[slot] | share()[i];
            }
        }
        i += 1;
    }
    all
}

/// MemAttr of stage 2. Allocation hints are the first stage's business: those types are write-back here.
const fn direct_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        let attribute = match MemoryType::ALL[i] {
            MemoryType::DeviceNgnrne => 0b0000,
            MemoryType::DeviceNgnre => 0b0001,
            MemoryType::NormalNc => 0b0101,
            MemoryType::NormalWt => 0b1010,
            MemoryType::NormalWb | MemoryType::NormalWbNsh => 0b1111,
            MemoryType::NormalWbRa | MemoryType::NormalWbTransient => 0b1111,
            _ => NOT_ENCODABLE,
        };
        if attribute != NOT_ENCODABLE {
            all[i] = attribute << ATTR_SHIFT | share()[i];
        }
        i += 1;
    }
    all
}

const_assert!(Lpae::FORMAT.is_lawful());
const_assert!(LpaeHyp::FORMAT.is_lawful());
const_assert!(LpaeStage2::<25>::FORMAT.is_lawful());
const_assert!(LpaeStage2::<34>::FORMAT.is_lawful());
const_assert!(LpaeStage2::<35>::FORMAT.is_lawful());
const_assert!(<LpaeStage2>::FORMAT.is_lawful());
// Every bit of a stage 1 leaf below the software field is a field, or one of the reserved bits 51:40.
const_assert!(
    VALID ^ TYPE ^ ATTR_INDX ^ NS ^ AP_USER ^ AP_READ_ONLY ^ SH ^ AF ^ NG ^ ADDRESS ^ CONTIGUOUS ^ PXN ^ XN
        == (1 << SOFTWARE.0) - 1 - (0xfff << 40)
);

#[cfg(test)]
mod tests;
