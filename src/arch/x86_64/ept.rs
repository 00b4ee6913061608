//! Entries of the extended page tables (SDM volume 3C, "The Extended Page Table Mechanism (EPT)", formats of EPT
//! paging-structure entries), which translate guest-physical addresses.
//!
//! | bits  | name | meaning |
//! |-------|------|---------|
//! | 2:0   | X W R | rights (bit 0 is R); none of them: absent; W without R is a misconfiguration |
//! | 5:3   | EMT  | leaves: memory type; reserved in pointers |
//! | 6     | IPAT | leaves: the guest's PAT is ignored; reserved in pointers |
//! | 7     | PS   | levels above the last: 1 in a leaf, 0 in a pointer; reserved above 1 GiB |
//! | 8     | A    | accessed, where EPTP bit 6 is set; ignored otherwise |
//! | 9     | D    | dirty (leaves), likewise |
//! | 10    |      | user-mode execution with mode-based execute control; ignored without |
//! | 51:12 |      | address; bits inside a large leaf are reserved |
//! | 56:52 |      | ignored: software |
//! | 57 to 63 |   | verify guest paging, paging-write, shadow stack, sub-page, suppress #VE: clear |
//!
//! Execution without reading needs a capability of the CPU (IA32_VMX_EPT_VPID_CAP bit 0) and is not encodable here. IPAT
//! stays clear: the type of the entry and that of the guest's PAT combine as MTRRs and PAT do, so that a write-back
//! entry leaves the choice to the guest and an uncacheable one allows it no caching. Rights are the intersection over
//! all levels: pointers written here grant everything, and pointers of others are read with what they withhold.

use static_assertions::const_assert;
use typenum::{U9, U12};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Effect, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, Moves, NOT_ENCODABLE, Pattern,
    RawField, Run,
};
use crate::regime::Regime;

use super::insn;

/// EPT of four levels: 48-bit guest-physical addresses.
#[derive(Clone, Copy, Debug)]
pub struct Ept4;
/// EPT of five levels: 57-bit guest-physical addresses.
#[derive(Clone, Copy, Debug)]
pub struct Ept5;

impl Regime for Ept4 {
    const FORMAT: Format = format("x86-64 EPT, 4 levels", 4, Features::NONE);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

impl Regime for Ept5 {
    const FORMAT: Format = format("x86-64 EPT, 5 levels", 5, Features::EPT5);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

const R: u64 = 1 << 0;
const W: u64 = 1 << 1;
const X: u64 = 1 << 2;
const RWX: u64 = R | W | X;
/// Lowest bit of the memory type.
const EMT_SHIFT: u32 = 3;
const EMT: u64 = 7 << EMT_SHIFT;
const IPAT: u64 = 1 << 6;
const PS: u64 = 1 << 7;
const A: u64 = 1 << 8;
const D: u64 = 1 << 9;
/// Software field: lowest bit, width.
const IGNORED: (u32, u32) = (52, 5);
const PAGE_SHIFT: u32 = 12;
const ADDRESS: u64 = (1 << 52) - (1 << PAGE_SHIFT);

/// Memory types (SDM 3A "Memory Cache Control", "Memory Types and Their Properties"; the encodings of the MTRRs).
const UC: u64 = 0;
const WC: u64 = 1;
const WT: u64 = 4;
const WP: u64 = 5;
const WB: u64 = 6;
/// Reserved: 2, 3 and 7, with and without IPAT, which is bit 3 of the raw field.
const RESERVED_TYPES: u32 = (1 << 2 | 1 << 3 | 1 << 7) * 0x101;

const fn format(name: &'static str, levels: usize, needs: Features) -> Format {
    let bits = PAGE_SHIFT + 9 * levels as u32;
    Format {
        name,
        page_shift: PAGE_SHIFT,
        table_shift: PAGE_SHIFT,
        levels,
        level: level_formats(levels),
        entry_bytes: 8,
        input_bits: bits,
        range_bits: bits,
        upper_half: false,
        split_roots: false,
        legal_input_bits: (bits, bits),
        output_bits: 52,
        wide_output: Features::NONE,
        max_output_bits: 52,
        max_root_tables: 1,
        deep_start: (0, 0),
        present: RWX,
        address: AddressField::in_place(ADDRESS),
        rights: rights(),
        rights_mask: RWX,
        implied: &[],
        updating: &[],
        memory: [memory_types(); 2],
        memory_mask: [EMT; 2],
        inherent_memory: false,
        memory_override: Features::NONE,
        memory_gate: [(MemoryType::Inherent, Features::NONE)],
        memory_register: MemoryRegister::NONE,
        memory_slot: [[0; 8]; 2],
        memory_share: [0; MemoryType::COUNT],
        raw_memory: RawField { shift: EMT_SHIFT, bits: 4, reserved: RESERVED_TYPES },
        runs: [Run::NONE; 3],
        global: 0,
        block_global: 0,
        not_global: 0,
        software: IGNORED,
        guarded: 0,
        accessed: A,
        table_accessed: A,
        dirty: D,
        always_updates: false,
        update_feature: Features::EPT_AD,
        hardware_sets: A | D,
        dirty_read_only: Features::NONE,
        guest: true,
        user: false,
        user_required: false,
        write_only: false,
        break_before_make: false,
        free_resize: Features::NONE,
        // Translations are tagged with the EPTP itself.
        asid_bits: (0, 0, Features::NONE),
        asid_feature: Features::NONE,
        mode: Features::NONE,
        wide: None,
        needs,
        default_features: Features::EPT_2M,
        no_execute: Features::NONE,
        free_rights: Features::NONE,
        rights_slot: [NOT_ENCODABLE; 16],
    }
}

const fn level_formats(levels: usize) -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    let mut i = 0;
    while i < levels {
        let shift = PAGE_SHIFT + 9 * i as u32;
        let inside = (1 << shift) - (1 << PAGE_SHIFT);
        let large = Pattern { mask: PS | inside, value: PS };
        // Bit 7 of a page is ignored.
        let (form, leaf, leaf_set) = match i {
            0 => (LeafForm::Always, Pattern { mask: 0, value: 0 }, 0),
            1 => (LeafForm::With(Features::EPT_2M), large, PS),
            2 => (LeafForm::With(Features::EPT_1G), large, PS),
            _ => (LeafForm::None, Pattern::NEVER, 0),
        };
        all[i] = LevelFormat {
            shift,
            bits: 9,
            form,
            moves: Moves::NONE,
            leaf,
            leaf_set,
            table: Pattern { mask: R | EMT | IPAT | PS, value: R },
            table_set: RWX,
            memory: 0,
            inherit: if i == 0 { &[] } else { POINTER },
        };
        i += 1;
    }
    all
}

/// What a pointer withholds: writes, execution. One that cannot be read through is reserved here.
const POINTER: &[Effect] = &[
    Effect { pattern: Pattern { mask: W, value: 0 }, set: 0, clear: W },
    Effect { pattern: Pattern { mask: X, value: 0 }, set: 0, clear: X },
];

/// Readable, and anything beside it. EPT knows one privilege of the guest.
const fn rights() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        if user.is_empty() && privileged.contains(Rights::R) {
            all[i] = privileged.bits() as u64;
        }
        i += 1;
    }
    all
}

const fn memory_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        all[i] = match MemoryType::ALL[i] {
            MemoryType::NormalWb => WB << EMT_SHIFT,
            MemoryType::NormalWt => WT << EMT_SHIFT,
            MemoryType::NormalNc => WC << EMT_SHIFT,
            MemoryType::WriteProtected => WP << EMT_SHIFT,
            device if device.is_device() => UC << EMT_SHIFT,
            _ => NOT_ENCODABLE,
        };
        i += 1;
    }
    all
}

const_assert!(Ept4::FORMAT.is_lawful());
const_assert!(Ept5::FORMAT.is_lawful());
const_assert!(Rights::R.bits() as u64 == R && Rights::RWX.bits() as u64 == RWX);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::format::View;

    #[test]
    fn every_encoding_reads_back() {
        for format in [Ept4::FORMAT, Ept5::FORMAT] {
            laws::geometry(&format);
            laws::round_trip(&format);
            laws::pointers(&format);
            laws::restrictions(&format);
        }
    }

    /// SDM 3C, "Format of an EPT Page-Table Entry that Maps a 4-KByte Page" and its like: bits 2:0 are R, W, X, bits
    /// 5:3 the type (6 is write-back), bit 7 marks a large page.
    #[test]
    fn golden_words() {
        for format in [Ept4::FORMAT, Ept5::FORMAT] {
            let word = |level, rights, memory| laws::word(&format, level, 0x8020_0000, Access::kernel(rights), memory);
            assert_eq!(word(0, Rights::RWX, MemoryType::NormalWb), 0x8020_0037);
            assert_eq!(word(0, Rights::RX, MemoryType::NormalWb), 0x8020_0035);
            assert_eq!(word(0, Rights::R, MemoryType::NormalWb), 0x8020_0031);
            assert_eq!(word(0, Rights::RW, MemoryType::DeviceNgnrne), 0x8020_0003);
            assert_eq!(word(0, Rights::RW, MemoryType::NormalNc), 0x8020_000b);
            assert_eq!(word(0, Rights::RW, MemoryType::NormalWt), 0x8020_0023);
            assert_eq!(word(0, Rights::R, MemoryType::WriteProtected), 0x8020_0029);
            assert_eq!(word(1, Rights::RWX, MemoryType::NormalWb), 0x8020_00b7);
            assert_eq!(word(1, Rights::RW, MemoryType::DeviceNgnre), 0x8020_0083);
            assert_eq!(word(2, Rights::RWX, MemoryType::NormalWb), 0x8000_00b7);
            assert_eq!(format.encode_table(3, 0x8020_0000), 0x8020_0007);
        }
        assert!(Ept5::FORMAT.needs == Features::EPT5 && Ept4::FORMAT.needs.is_empty());
    }

    /// SDM 3C, "EPT Misconfigurations".
    #[test]
    fn misconfigurations_are_reserved() {
        let format = Ept4::FORMAT;
        // W without R, in a leaf and in a pointer.
        assert_eq!(format.view(0, 0x8020_0032), View::Reserved);
        assert_eq!(format.view(0, 0x8020_0036), View::Reserved);
        assert_eq!(format.view(2, 0x8020_0002), View::Reserved);
        // X alone.
        assert_eq!(format.view(0, 0x8020_0034), View::Reserved);
        // Memory types 2, 3 and 7.
        for bits in [2u64, 3, 7] {
            assert_eq!(format.view(0, 0x8020_0007 | bits << 3), View::Reserved);
        }
        // A leaf above 1 GiB, address bits inside a large leaf, a type in a pointer.
        assert_eq!(format.view(3, 0xb7), View::Reserved);
        assert_eq!(format.view(1, 0x8020_10b7), View::Reserved);
        assert_eq!(format.view(1, 0x8020_0037), View::Reserved);
        // Bit 7 of a page is ignored, and a word without rights is absent whatever else it holds.
        assert!(matches!(format.view(0, 0x8020_00b7), View::Leaf(_)));
        assert_eq!(format.view(0, 0x8020_0030), View::Absent);
    }

    #[test]
    fn rights_that_have_no_encoding() {
        let encodable = |access: Access| Ept4::FORMAT.rights[access.index()] != NOT_ENCODABLE;
        for rights in [Rights::NONE, Rights::W, Rights::X, Rights::from_bits(6)] {
            assert!(!encodable(Access::kernel(rights)));
        }
        assert!(!encodable(Access::user(Rights::RW)));
    }
}
