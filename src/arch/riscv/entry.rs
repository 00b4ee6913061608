//! Page-table entries of RISC-V (PRIV "Supervisor-Level ISA": Sv32, Sv39, Sv48, Sv57).
//!
//! | bits  | name | meaning |
//! |-------|------|---------|
//! | 0     | V    | valid |
//! | 3:1   | R W X | rights; none of them in a pointer to the next table; W without R is reserved |
//! | 4     | U    | the page belongs to user mode |
//! | 5     | G    | global mapping |
//! | 7:6   | A D  | accessed, dirty |
//! | 9:8   | RSW  | software |
//! | 53:10 | PPN  | address shifted right by 12 (31:10 in Sv32) |
//! | 60:54 |      | reserved, must be zero |
//! | 62:61 | PBMT | memory type: 0 as the bus has it, 1 NC, 2 IO, 3 reserved ("Svpbmt") |
//! | 63    | N    | with PPN\[3:0\] = 1000 one of sixteen entries of a 64 KiB run ("Svnapot") |
//!
//! A and D are set in every leaf: a hart without Svadu faults on the first access, or the first store, otherwise.

use static_assertions::const_assert;
use typenum::{U9, U10, U12};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Effect, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, Moves, NOT_ENCODABLE, Pattern,
    RawField, Run,
};
use crate::regime::Regime;

use super::insn;

/// Sv32: two levels, 4-byte entries, 34-bit physical addresses.
#[derive(Clone, Copy, Debug)]
pub struct Sv32;
/// Sv39: three levels.
#[derive(Clone, Copy, Debug)]
pub struct Sv39;
/// Sv48: four levels.
#[derive(Clone, Copy, Debug)]
pub struct Sv48;
/// Sv57: five levels.
#[derive(Clone, Copy, Debug)]
pub struct Sv57;
/// Sv39x4: 41-bit guest-physical addresses, a root of four pages.
#[derive(Clone, Copy, Debug)]
pub struct Sv39x4;
/// Sv48x4: 50-bit guest-physical addresses, a root of four pages.
#[derive(Clone, Copy, Debug)]
pub struct Sv48x4;

impl Regime for Sv32 {
    const FORMAT: Format = sv32();
    type PageShift = U12;
    type IndexBits = U10;
    const NATIVE: bool = insn::NATIVE_32;
}

impl Regime for Sv39 {
    const FORMAT: Format = one_stage("RISC-V Sv39", 3, Features::SV39);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE_64;
}

impl Regime for Sv48 {
    const FORMAT: Format = one_stage("RISC-V Sv48", 4, Features::SV48);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE_64;
}

impl Regime for Sv57 {
    const FORMAT: Format = one_stage("RISC-V Sv57", 5, Features::SV57);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE_64;
}

impl Regime for Sv39x4 {
    const FORMAT: Format = g_stage("RISC-V Sv39x4", 3, Features::SV39X4);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE_64;
}

impl Regime for Sv48x4 {
    const FORMAT: Format = g_stage("RISC-V Sv48x4", 4, Features::SV48X4);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE_64;
}

const V: u64 = 1 << 0;
/// Lowest of R, W, X.
const RIGHTS_SHIFT: u32 = 1;
const RWX: u64 = 7 << RIGHTS_SHIFT;
const U: u64 = 1 << 4;
const G: u64 = 1 << 5;
const A: u64 = 1 << 6;
const D: u64 = 1 << 7;
/// Software field: lowest bit, width.
const RSW: (u32, u32) = (8, 2);
/// Entry bits of the lowest page number bit.
const PPN_SHIFT: u32 = 10;
const PAGE_SHIFT: u32 = 12;
const RESERVED: u64 = 0x7f << 54;
const PBMT_SHIFT: u32 = 61;
const PBMT: u64 = 3 << PBMT_SHIFT;
const PBMT_NC: u64 = 1 << PBMT_SHIFT;
const PBMT_IO: u64 = 2 << PBMT_SHIFT;
const N: u64 = 1 << 63;

/// What a format of this architecture looks like, apart from its geometry: a 64-bit one-stage format.
const fn one_stage(name: &'static str, levels: usize, mode: Features) -> Format {
    let bits = PAGE_SHIFT + 9 * levels as u32;
    Format {
        name,
        page_shift: PAGE_SHIFT,
        table_shift: PAGE_SHIFT,
        levels,
        level: level_formats(levels, 9, N | RESERVED, PBMT, POINTER),
        entry_bytes: 8,
        input_bits: bits,
        range_bits: bits - 1,
        upper_half: true,
        split_roots: false,
        legal_input_bits: (bits, bits),
        output_bits: 56,
        wide_output: Features::NONE,
        max_output_bits: 56,
        max_root_tables: 1,
        deep_start: (0, 0),
        present: V,
        address: page_number(56),
        rights: rights_of_two_privileges(),
        rights_mask: RWX | U,
        implied: &[],
        updating: &[],
        memory: [page_based_types(); 2],
        memory_mask: [PBMT; 2],
        inherent_memory: true,
        memory_override: Features::SVPBMT,
        memory_gate: [(MemoryType::Inherent, Features::NONE)],
        memory_register: MemoryRegister::NONE,
        memory_slot: [[0; 8]; 2],
        memory_share: [0; MemoryType::COUNT],
        raw_memory: RawField { shift: PBMT_SHIFT, bits: 2, reserved: 1 << 3 },
        runs: [NAPOT_64K, Run::NONE, Run::NONE],
        global: G,
        block_global: G,
        not_global: 0,
        software: RSW,
        guarded: 0,
        accessed: 0,
        table_accessed: 0,
        dirty: 0,
        always_updates: false,
        update_feature: Features::SVADU,
        hardware_sets: A | D,
        dirty_read_only: Features::NONE,
        guest: false,
        user: true,
        user_required: false,
        write_only: false,
        break_before_make: false,
        free_resize: Features::NONE,
        asid_bits: (16, 16, Features::NONE),
        asid_feature: Features::NONE,
        mode,
        wide: None,
        needs: Features::NONE,
        default_features: Features::NONE,
        no_execute: Features::NONE,
        free_rights: Features::NONE,
        rights_slot: [NOT_ENCODABLE; 16],
    }
}

/// Sv32 has neither an upper half (all 32 bits are one range), nor PBMT, nor N.
const fn sv32() -> Format {
    Format {
        level: level_formats(2, 10, 0, 0, POINTER),
        entry_bytes: 4,
        input_bits: 32,
        range_bits: 32,
        upper_half: false,
        legal_input_bits: (32, 32),
        output_bits: 34,
        max_output_bits: 34,
        address: page_number(34),
        memory: [bus_types(); 2],
        memory_mask: [0; 2],
        raw_memory: RawField { shift: 0, bits: 0, reserved: 0 },
        runs: [Run::NONE; 3],
        asid_bits: (9, 9, Features::NONE),
        ..one_stage("RISC-V Sv32", 2, Features::SV32)
    }
}

/// The G-stage: two more address bits at the root, no G bit, every access checked as one of user mode (PRIV "Hypervisor
/// Extension", "Guest Physical Address Translation").
const fn g_stage(name: &'static str, levels: usize, mode: Features) -> Format {
    let bits = PAGE_SHIFT + 9 * levels as u32 + 2;
    Format {
        level: level_formats(levels, 9, N | RESERVED, PBMT, &[]),
        input_bits: bits,
        range_bits: bits,
        upper_half: false,
        legal_input_bits: (bits, bits),
        max_root_tables: 4,
        rights: rights_of_guests(),
        global: 0,
        block_global: 0,
        guest: true,
        user: false,
        user_required: true,
        asid_bits: (14, 14, Features::NONE),
        ..one_stage(name, levels, mode)
    }
}

/// A global pointer makes everything below it global.
const POINTER: &[Effect] = &[Effect { pattern: Pattern { mask: G, value: G }, set: G, clear: 0 }];

/// Leaves exist at every level; a large one must be aligned, so the page number bits inside it are zero.
const fn level_formats(
    levels: usize,
    bits: u32,
    reserved: u64,
    pbmt: u64,
    inherit: &'static [Effect],
) -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    let mut i = 0;
    while i < levels {
        let shift = PAGE_SHIFT + bits * i as u32;
        let inside = ((1 << shift) - (1 << PAGE_SHIFT)) >> (PAGE_SHIFT - PPN_SHIFT);
        let zero = if i == 0 { reserved & !N } else { reserved | inside };
        all[i] = LevelFormat {
            shift,
            bits,
            form: LeafForm::Always,
            moves: Moves::NONE,
            leaf: Pattern { mask: V | zero, value: V },
            leaf_set: V | A | D,
            // D, A, U, N and PBMT are reserved in a pointer and must be zero; G may be set.
            table: Pattern { mask: V | RWX | U | A | D | reserved | pbmt, value: V },
            table_set: V,
            memory: 0,
            inherit: if i == 0 { &[] } else { inherit },
        };
        i += 1;
    }
    all
}

/// Addresses of `bits` bits, shifted so that the page number starts at bit 10.
const fn page_number(bits: u32) -> AddressField {
    let mask = (1 << bits) - (1 << PAGE_SHIFT);
    AddressField { shift_right: PAGE_SHIFT - PPN_SHIFT, ..AddressField::in_place(mask) }
}

/// One page belongs to one privilege. On a user page the supervisor has the data rights of the user where `sstatus.SUM`
/// is set, none where it is clear, and never executes: the entry is the same.
const fn rights_of_two_privileges() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        let data = privileged.data();
        let follows = privileged.is(data) && (data.is_empty() || data.is(user.data()));
        if user.is_empty() && is_legal(privileged) {
            all[i] = rwx(privileged);
        } else if follows && is_legal(user) {
            all[i] = U | rwx(user);
        }
        i += 1;
    }
    all
}

/// All leaves are user leaves; which privilege of the guest asks makes no difference.
const fn rights_of_guests() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let any = Access::from_index(i).any();
        if is_legal(any) {
            all[i] = U | rwx(any);
        }
        i += 1;
    }
    all
}

/// Some right, and no write without read.
const fn is_legal(rights: Rights) -> bool {
    !rights.is_empty() && (rights.contains(Rights::R) || !rights.contains(Rights::W))
}

const fn rwx(rights: Rights) -> u64 {
    (rights.bits() as u64) << RIGHTS_SHIFT
}

/// PBMT = 0 leaves the type to the bus: write-back in main memory. No other cacheable type can be asked for.
const fn bus_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    all[MemoryType::Inherent as usize] = 0;
    all[MemoryType::NormalWb as usize] = 0;
    all
}

/// The overrides of Svpbmt: NC is weakly ordered and not cacheable, IO is strongly ordered.
const fn page_based_types() -> [u64; MemoryType::COUNT] {
    let mut all = bus_types();
    all[MemoryType::NormalNc as usize] = PBMT_NC;
    let mut i = 0;
    while i < MemoryType::COUNT {
        if MemoryType::ALL[i].is_device() {
            all[i] = PBMT_IO;
        }
        i += 1;
    }
    all
}

/// Sixteen pages whose entries all hold the start of the run (PRIV "Svnapot", encoding of 64 KiB).
const NAPOT_64K: Run =
    Run { size: 64 << 10, level: 0, set: N | 0b1000 << PPN_SHIFT, fold: true, feature: Features::SVNAPOT, leaf: None };

// No two fields share a bit, and together with the reserved bits they fill the word.
const_assert!(V ^ RWX ^ U ^ G ^ A ^ D ^ (3 << RSW.0) ^ page_number(56).bits() ^ RESERVED ^ PBMT ^ N == u64::MAX);
const_assert!(V ^ RWX ^ U ^ G ^ A ^ D ^ (3 << RSW.0) ^ page_number(34).bits() == u32::MAX as u64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::format::{Leaf, View};

    static ALL: [Format; 6] = [Sv32::FORMAT, Sv39::FORMAT, Sv48::FORMAT, Sv57::FORMAT, Sv39x4::FORMAT, Sv48x4::FORMAT];

    #[test]
    fn every_encoding_reads_back() {
        for format in &ALL {
            laws::geometry(format);
            laws::round_trip(format);
            laws::pointers(format);
            laws::restrictions(format);
        }
    }

    /// Words of page_table_multiarch 0.6.2 for the physical address 0x8020_0000, on every level alike.
    #[test]
    fn golden_words() {
        let rights = [
            (Access::kernel(Rights::R), 0x2008_00c3),
            (Access::kernel(Rights::RW), 0x2008_00c7),
            (Access::kernel(Rights::RX), 0x2008_00cb),
            (Access::kernel(Rights::RWX), 0x2008_00cf),
            (Access::user(Rights::R), 0x2008_00d3),
            (Access::user(Rights::RW), 0x2008_00d7),
            (Access::user(Rights::RX), 0x2008_00db),
        ];
        for format in [Sv39::FORMAT, Sv48::FORMAT, Sv57::FORMAT] {
            for (access, word) in rights {
                for level in 0..2 {
                    assert_eq!(laws::word(&format, level, 0x8020_0000, access, MemoryType::Inherent), word);
                }
            }
            assert_eq!(format.encode_table(1, 0x8020_0000), 0x2008_0001);
        }
    }

    #[test]
    fn sv32_reaches_34_bits_in_32() {
        let word = laws::word(&Sv32::FORMAT, 1, 0x3_ffc0_0000, Access::kernel(Rights::RW), MemoryType::NormalWb);
        assert_eq!(word, 0xfff0_00c7);
    }

    #[test]
    fn napot_and_pbmt_words() {
        let format = Sv39::FORMAT;
        let leaf = Leaf {
            address: 0x8021_5000,
            access: Access::kernel(Rights::RW),
            memory: MemoryType::NormalNc,
            global: true,
            run: 64 << 10,
            software: 3,
            guarded: false,
        };
        // N, PBMT = 1, page number 0x80210 with 1000 as its low bits, RSW, D A G W R V.
        assert_eq!(format.encode_leaf(0, &leaf), Some(0xa000_0000_2008_63e7));
        assert_eq!(format.encode_leaf(1, &leaf), None);
        let device = laws::word(&format, 0, 0x1000_0000, Access::kernel(Rights::RW), MemoryType::DeviceNgnre);
        assert_eq!(device, 0x4000_0000_0400_00c7);
    }

    /// A word without rights is a pointer, never a page; W without R, PBMT = 3, a misaligned large page, N with other
    /// page number bits, and bits 60:54 are reserved.
    #[test]
    fn reserved_words() {
        let format = Sv39::FORMAT;
        assert_eq!(format.view(0, 0x2008_00c1), View::Reserved);
        assert_eq!(format.view(1, 0x2008_00c1), View::Reserved);
        assert_eq!(format.view(0, 0x2008_00c5), View::Reserved);
        assert_eq!(format.view(0, 0x6000_0000_2008_00c3), View::Reserved);
        assert_eq!(format.view(1, 0x2008_04c3), View::Reserved);
        assert_eq!(format.view(0, 0x8000_0000_2008_00c3), View::Reserved);
        assert_eq!(format.view(0, 0x8000_0000_2008_30c3), View::Reserved);
        assert_eq!(format.view(0, 0x0040_0000_2008_00c3), View::Reserved);
    }

    #[test]
    fn the_root_of_the_g_stage_is_four_pages() {
        assert_eq!(Sv39x4::FORMAT.root_tables(), 4);
        assert_eq!(Sv39x4::FORMAT.root_bits(), 11);
        assert_eq!(Sv48x4::FORMAT.root_bits(), 11);
        assert_eq!(Sv39::FORMAT.root_tables(), 1);
        assert_eq!(laws::word(&Sv39x4::FORMAT, 0, 0, Access::kernel(Rights::RX), MemoryType::Inherent), 0xdb);
    }
}
