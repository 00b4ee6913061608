//! Page-table entries of x86-64 (SDM "Paging", "4-Level Paging and 5-Level Paging", formats of paging-structure
//! entries).
//!
//! | bits  | name | meaning |
//! |-------|------|---------|
//! | 0     | P    | present |
//! | 1     | R/W  | writes are allowed |
//! | 2     | U/S  | user-mode accesses are allowed |
//! | 3, 4  | PWT, PCD | low bits of the PAT index |
//! | 5     | A    | accessed |
//! | 6     | D    | dirty (leaves) |
//! | 7     | PAT  | 4 KiB leaf: high bit of the PAT index |
//! | 7     | PS   | levels above: 1 in a leaf, 0 in a pointer |
//! | 8     | G    | global (leaves) |
//! | 11:9  |      | software |
//! | 12    | PAT  | 2 MiB and 1 GiB leaves: high bit of the PAT index |
//! | 51:12 |      | address; bits inside a large leaf are reserved |
//! | 63    | XD   | execution is not allowed (`EFER.NXE`) |
//!
//! Rights of a page are the intersection over all levels (SDM "Access Rights"): pointers written here grant everything and
//! leaves decide, and pointers of others are read with what they withhold.

use static_assertions::const_assert;
use typenum::{U9, U12};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Effect, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, Moves, NOT_ENCODABLE, Pattern,
    RawField, Run,
};
use crate::regime::Regime;

use super::insn;

/// Four levels: 48-bit linear addresses.
#[derive(Clone, Copy, Debug)]
pub struct Level4;
/// Five levels: 57-bit linear addresses (`CR4.LA57`).
#[derive(Clone, Copy, Debug)]
pub struct Level5;

impl Regime for Level4 {
    const FORMAT: Format = format("x86-64, 4 levels", 4, Features::NONE);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

impl Regime for Level5 {
    const FORMAT: Format = format("x86-64, 5 levels", 5, Features::LA57);
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

const P: u64 = 1 << 0;
const RW: u64 = 1 << 1;
const US: u64 = 1 << 2;
const PWT: u64 = 1 << 3;
const PCD: u64 = 1 << 4;
const A: u64 = 1 << 5;
const D: u64 = 1 << 6;
const PS: u64 = 1 << 7;
const PAT_PAGE: u64 = 1 << 7;
const PAT_BLOCK: u64 = 1 << 12;
const G: u64 = 1 << 8;
/// Software field: lowest bit, width.
const AVL: (u32, u32) = (9, 3);
const XD: u64 = 1 << 63;
const ADDRESS: u64 = (1 << 52) - (1 << PAGE_SHIFT);
const PAGE_SHIFT: u32 = 12;

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
        range_bits: bits - 1,
        upper_half: true,
        split_roots: false,
        legal_input_bits: (bits, bits),
        output_bits: 52,
        wide_output: Features::NONE,
        max_output_bits: 52,
        max_root_tables: 1,
        deep_start: (0, 0),
        present: P,
        address: AddressField::in_place(ADDRESS),
        rights: rights(),
        rights_mask: RW | US | XD,
        implied: &[],
        updating: &[],
        memory: [memory_types(0), memory_types(1)],
        memory_mask: [PWT | PCD | PAT_PAGE, PWT | PCD | PAT_BLOCK],
        inherent_memory: false,
        memory_override: Features::NONE,
        memory_gate: [(MemoryType::Inherent, Features::NONE)],
        memory_register: PAT,
        memory_slot: MEMORY_SLOT,
        memory_share: [0; MemoryType::COUNT],
        raw_memory: RawField { shift: 0, bits: 0, reserved: 0 },
        runs: [Run::NONE; 3],
        global: G,
        block_global: G,
        not_global: 0,
        software: AVL,
        guarded: 0,
        accessed: A,
        table_accessed: A,
        dirty: D,
        always_updates: true,
        update_feature: Features::NONE,
        hardware_sets: A | D,
        dirty_read_only: Features::CET_SS,
        guest: false,
        user: true,
        user_required: false,
        write_only: false,
        break_before_make: false,
        free_resize: Features::NONE,
        asid_bits: (12, 12, Features::NONE),
        asid_feature: Features::PCID,
        mode: Features::NONE,
        wide: None,
        needs,
        default_features: Features::NX,
        no_execute: Features::NX,
        free_rights: Features::NONE,
        rights_slot: [NOT_ENCODABLE; 16],
    }
}

const fn level_formats(levels: usize) -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    let mut i = 0;
    while i < levels {
        let shift = PAGE_SHIFT + 9 * i as u32;
        // Address bits inside a large leaf are reserved, but for bit 12, which is PAT.
        let inside = (1u64 << shift).saturating_sub(PAT_BLOCK << 1);
        let (form, leaf, leaf_set) = match i {
            0 => (LeafForm::Always, Pattern { mask: P, value: P }, P),
            1 => (LeafForm::Always, Pattern { mask: P | PS | inside, value: P | PS }, P | PS),
            2 => (LeafForm::With(Features::PDPE1GB), Pattern { mask: P | PS | inside, value: P | PS }, P | PS),
            _ => (LeafForm::None, Pattern::NEVER, 0),
        };
        all[i] = LevelFormat {
            shift,
            bits: 9,
            form,
            moves: Moves::NONE,
            leaf,
            leaf_set,
            table: Pattern { mask: P | PS, value: P },
            table_set: P | RW | US,
            memory: if i == 0 { 0 } else { 1 },
            inherit: if i == 0 { &[] } else { POINTER },
        };
        i += 1;
    }
    all
}

/// What a pointer withholds: writes, user mode, execution.
const POINTER: &[Effect] = &[
    Effect { pattern: Pattern { mask: RW, value: 0 }, set: 0, clear: RW },
    Effect { pattern: Pattern { mask: US, value: 0 }, set: 0, clear: US },
    Effect { pattern: Pattern { mask: XD, value: XD }, set: XD, clear: 0 },
];

/// Present means readable. A user page is readable and writable for both privileges alike, and one bit decides about
/// execution: on a user page it is the user's, and `CR4.SMEP` takes it from the kernel.
const fn rights() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        let kernel_page = user.is_empty() && privileged.contains(Rights::R);
        let same_data = user.contains(Rights::R) && privileged.data().is(user.data());
        let user_page = same_data && user.contains(Rights::from_bits(privileged.bits() & Rights::X.bits()));
        if kernel_page {
            all[i] = rw_and_xd(privileged);
        } else if user_page {
            all[i] = US | rw_and_xd(user);
        }
        i += 1;
    }
    all
}

const fn rw_and_xd(rights: Rights) -> u64 {
    let rw = if rights.contains(Rights::W) { RW } else { 0 };
    let xd = if rights.contains(Rights::X) { 0 } else { XD };
    rw | xd
}

/// The encodings of PAT (SDM "Page Attribute Table (PAT)", "IA32_PAT MSR").
const UC: u8 = 0;
const WC: u8 = 1;
const WT: u8 = 4;
const WP: u8 = 5;
const WB: u8 = 6;
const UC_MINUS: u8 = 7;

/// Slots 0 to 3 keep their power-on types, so that entries written before, and those of firmware, mean what they meant.
const PAT: MemoryRegister = MemoryRegister {
    name: "pat",
    legal: [1 << UC | 1 << WC | 1 << WT | 1 << WP | 1 << WB | 1 << UC_MINUS, 0, 0, 0],
    gated: [(0, Features::NONE); 3],
    value: pat_values(),
    slots: [WB, WT, UC_MINUS, UC, WC, WP, UC_MINUS, UC],
};

/// UC and not UC-: an MTRR of type WC would turn the latter into write-combining.
const fn pat_values() -> [u16; MemoryType::COUNT] {
    let mut all = [u16::MAX; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        all[i] = match MemoryType::ALL[i] {
            MemoryType::NormalWb => WB as u16,
            MemoryType::NormalWt => WT as u16,
            MemoryType::NormalNc => WC as u16,
            MemoryType::WriteProtected => WP as u16,
            device if device.is_device() => UC as u16,
            _ => u16::MAX,
        };
        i += 1;
    }
    all
}

/// Entry bits of each slot: pages, large leaves.
const MEMORY_SLOT: [[u64; 8]; 2] = [slot_bits(PAT_PAGE), slot_bits(PAT_BLOCK)];

const fn slot_bits(pat: u64) -> [u64; 8] {
    [0, PWT, PCD, PCD | PWT, pat, pat | PWT, pat | PCD, pat | PCD | PWT]
}

/// Entry bits of each memory type: those of the first slot that has it.
const fn memory_types(table: usize) -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        let mut slot = 8;
        while slot > 0 {
            slot -= 1;
            if PAT.value[i] == PAT.slots[slot] as u16 {
                all[i] = MEMORY_SLOT[table][slot];
            }
        }
        i += 1;
    }
    all
}

// No two fields share a bit; bits 62:52 are ignored by hardware and left alone.
const_assert!(P ^ RW ^ US ^ PWT ^ PCD ^ A ^ D ^ PAT_PAGE ^ G ^ (7 << AVL.0) ^ ADDRESS ^ XD == !(0x7ff << 52));
const_assert!(PS == PAT_PAGE && PAT_BLOCK & ADDRESS == PAT_BLOCK);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::format::View;
    use crate::map::Cpu;

    const NX: u64 = 1 << 63;

    #[test]
    fn every_encoding_reads_back() {
        for format in [Level4::FORMAT, Level5::FORMAT] {
            laws::geometry(&format);
            laws::round_trip(&format);
            laws::pointers(&format);
            laws::restrictions(&format);
        }
    }

    fn golden(rights: &[(Access, u64, u64)], address: u64) {
        for format in [Level4::FORMAT, Level5::FORMAT] {
            for &(access, page, block) in rights {
                let word = |level| laws::word(&format, level, address, access, MemoryType::NormalWb);
                assert_eq!(word(0), address | page, "{access:?}");
                let large = address & !((2 << 20) - 1);
                assert_eq!(word(1), large | block, "{access:?}");
            }
        }
    }

    /// Words of page_table_multiarch 0.6.2.
    #[test]
    fn golden_words_of_a_kernel() {
        golden(
            &[
                (Access::kernel(Rights::R), NX | 0x1, NX | 0x81),
                (Access::kernel(Rights::RW), NX | 0x3, NX | 0x83),
                (Access::kernel(Rights::RX), 0x1, 0x81),
                (Access::user(Rights::RW), NX | 0x7, NX | 0x87),
            ],
            0x8020_0000,
        );
        assert_eq!(Level4::FORMAT.encode_table(3, 0x8020_0000), 0x8020_0007);
    }

    /// Words of patina_paging 11.1.2. Its pointers deny user mode; here leaves decide.
    #[test]
    fn golden_words_of_firmware() {
        golden(
            &[
                (Access::kernel(Rights::RWX), 0x003, 0x083),
                (Access::kernel(Rights::RX), 0x001, 0x081),
                (Access::kernel(Rights::RW), NX | 0x003, NX | 0x083),
            ],
            0x8020_1000,
        );
    }

    /// PAT is bit 7 of a page and bit 12 of a large leaf.
    #[test]
    fn memory_types_use_the_pat_bit_of_their_size() {
        let words = |memory| {
            let word = |level| laws::word(&Level4::FORMAT, level, 0, Access::kernel(Rights::RWX), memory);
            (word(0), word(1), word(2))
        };
        assert_eq!(words(MemoryType::NormalWb), (0x3, 0x83, 0x83));
        assert_eq!(words(MemoryType::NormalWt), (0xb, 0x8b, 0x8b));
        assert_eq!(words(MemoryType::NormalNc), (0x83, 0x1083, 0x1083));
        assert_eq!(words(MemoryType::WriteProtected), (0x8b, 0x108b, 0x108b));
        assert_eq!(words(MemoryType::DeviceNgnrne), (0x1b, 0x9b, 0x9b));
        assert_eq!(words(MemoryType::DeviceGre), (0x1b, 0x9b, 0x9b));
    }

    #[test]
    fn a_declared_pat_moves_the_types() {
        let power_on: [u64; 8] = [6, 4, 7, 0, 6, 4, 7, 0];
        let cpu = Cpu { pat: Some(&power_on), ..Cpu::BLANK };
        let format = Level4::FORMAT.shaped(&cpu, Features::NX);
        assert_eq!(format.memory[0][MemoryType::DeviceNgnre as usize], PCD | PWT);
        assert_eq!(format.memory[0][MemoryType::NormalNc as usize], NOT_ENCODABLE);
        let unmoved = Level4::FORMAT.shaped(&Cpu::BLANK, Features::NX);
        assert_eq!(unmoved.memory, Level4::FORMAT.memory);
        let cpu = Cpu { pat: Some(&[6, 4, 7, 0, 1, 5, 7, 0]), ..Cpu::BLANK };
        assert_eq!(Level4::FORMAT.shaped(&cpu, Features::NX).memory, Level4::FORMAT.memory);
    }

    /// A leaf where none can be, and address bits inside a large leaf.
    #[test]
    fn reserved_words() {
        let format = Level5::FORMAT;
        assert_eq!(format.view(3, 0x83), View::Reserved);
        assert_eq!(format.view(4, 0x83), View::Reserved);
        assert_eq!(format.view(1, 0x8020_2083), View::Reserved);
        assert_eq!(format.view(2, 0x8020_0083), View::Reserved);
    }

    /// What the kernel and the user can have of one page.
    #[test]
    fn rights_that_have_no_encoding() {
        let encodable = |privileged, user| Level4::FORMAT.rights[Access { privileged, user }.index()] != NOT_ENCODABLE;
        assert!(!encodable(Rights::X, Rights::NONE));
        assert!(!encodable(Rights::NONE, Rights::R));
        assert!(!encodable(Rights::RW, Rights::R));
        assert!(!encodable(Rights::RX, Rights::R));
        assert!(encodable(Rights::RX, Rights::RX));
        assert!(encodable(Rights::R, Rights::RX));
    }
}
