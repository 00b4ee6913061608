//! Page-table entries of LoongArch (LOONG "Multi-level Page Table Structure Supported by Page Walking").
//!
//! | bits  | name | meaning |
//! |-------|------|---------|
//! | 0     | V    | valid |
//! | 1     | D    | dirty: writes are allowed |
//! | 3:2   | PLV  | least privileged level with access: 0 kernel, 3 user |
//! | 5:4   | MAT  | memory access type: 0 strongly-ordered uncached, 1 coherent cached, 2 weakly-ordered uncached |
//! | 6     | G    | page: global |
//! | 6     | H    | levels above: 1 in a huge page, 0 in a pointer |
//! | 7     | P    | the page exists (software, and the hardware walker of version 1.1) |
//! | 8     | W    | the page is writable (likewise) |
//! | 11:9  |      | software |
//! | 12    | G    | huge page: global |
//! | 47:12 |      | address |
//! | 61    | NR   | not readable |
//! | 62    | NX   | not executable |
//! | 63    | RPLV | only PLV itself has access, not the levels above |
//!
//! A pointer is the address of the next table and nothing else. D is set in every writable leaf, so that no store has to
//! ask software first. The TLB holds pairs of pages and is global where both are.

use static_assertions::const_assert;
use typenum::{U9, U12};

use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, Moves, NOT_ENCODABLE, Pattern, RawField,
    Run,
};
use crate::regime::Regime;

use super::insn;

/// Four levels: 48-bit virtual addresses in two halves, each with a root of its own.
#[derive(Clone, Copy, Debug)]
pub struct La64;

impl Regime for La64 {
    const FORMAT: Format = FORMAT;
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

const V: u64 = 1 << 0;
const D: u64 = 1 << 1;
const PLV_USER: u64 = 3 << 2;
const MAT_SHIFT: u32 = 4;
const MAT: u64 = 3 << MAT_SHIFT;
const MAT_CACHED: u64 = 1 << MAT_SHIFT;
const MAT_WEAK: u64 = 2 << MAT_SHIFT;
const G: u64 = 1 << 6;
const H: u64 = 1 << 6;
const P: u64 = 1 << 7;
const W: u64 = 1 << 8;
/// Software field: lowest bit, width.
const SOFTWARE: (u32, u32) = (9, 3);
const HUGE_G: u64 = 1 << 12;
const NR: u64 = 1 << 61;
const NX: u64 = 1 << 62;
const RPLV: u64 = 1 << 63;
const PAGE_SHIFT: u32 = 12;
const LEVELS: usize = 4;
const BITS: u32 = PAGE_SHIFT + 9 * LEVELS as u32;
const ADDRESS: u64 = (1 << BITS) - (1 << PAGE_SHIFT);

const FORMAT: Format = Format {
    name: "LoongArch LA64, 4 levels",
    page_shift: PAGE_SHIFT,
    table_shift: PAGE_SHIFT,
    levels: LEVELS,
    level: level_formats(),
    entry_bytes: 8,
    input_bits: BITS,
    // Bit 47 chooses the root, which it is an index bit of all the same.
    range_bits: BITS - 1,
    upper_half: true,
    split_roots: true,
    legal_input_bits: (BITS, BITS),
    output_bits: 48,
    wide_output: Features::NONE,
    max_output_bits: 48,
    max_root_tables: 1,
    deep_start: (0, 0),
    // A pointer has no valid bit.
    present: V | ADDRESS,
    address: AddressField::in_place(ADDRESS),
    rights: rights(),
    rights_mask: D | W | PLV_USER | NR | NX | RPLV,
    implied: &[],
    updating: &[],
    memory: [memory_types(); 2],
    memory_mask: [MAT; 2],
    inherent_memory: false,
    memory_override: Features::NONE,
    memory_gate: [(MemoryType::Inherent, Features::NONE)],
    memory_register: MemoryRegister::NONE,
    memory_slot: [[0; 8]; 2],
    memory_share: [0; MemoryType::COUNT],
    raw_memory: RawField { shift: MAT_SHIFT, bits: 2, reserved: 1 << 3 },
    runs: [Run::NONE; 3],
    global: G,
    block_global: HUGE_G,
    not_global: 0,
    software: SOFTWARE,
    guarded: 0,
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
    // Two TLB entries for one address, as a page and a huge page make them, are undefined.
    break_before_make: true,
    free_resize: Features::NONE,
    asid_bits: (10, 10, Features::NONE),
    asid_feature: Features::NONE,
    mode: Features::NONE,
    wide: None,
    needs: Features::NONE,
    default_features: Features::NONE,
    no_execute: Features::NONE,
    free_rights: Features::NONE,
    rights_slot: [NOT_ENCODABLE; 16],
};

const fn level_formats() -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    let mut i = 0;
    while i < LEVELS {
        let shift = PAGE_SHIFT + 9 * i as u32;
        // Address bits inside a huge page are reserved, but for bit 12, which is G.
        let inside = (1u64 << shift).saturating_sub(HUGE_G << 1);
        let (form, leaf, leaf_set) = match i {
            0 => (LeafForm::Always, Pattern { mask: V, value: V }, V | P),
            1 | 2 => (LeafForm::Always, Pattern { mask: V | H | inside, value: V | H }, V | P | H),
            _ => (LeafForm::None, Pattern::NEVER, 0),
        };
        all[i] = LevelFormat {
            shift,
            bits: 9,
            form,
            moves: Moves::NONE,
            leaf,
            leaf_set,
            table: Pattern { mask: (1 << PAGE_SHIFT) - 1, value: 0 },
            table_set: 0,
            memory: if i == 0 { 0 } else { 1 },
            inherit: &[],
        };
        i += 1;
    }
    all
}

/// Where PLV is 3 all levels have the same rights, execution too, for nothing keeps the kernel from executing a user
/// page; with RPLV the user alone has them. A right of the kernel that the user lacks, or of the user to execute what the
/// kernel only reads, has no encoding: such code is declared `priv none, user rx`.
const fn rights() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        if user.is_empty() && is_legal(privileged) {
            all[i] = own(privileged);
        } else if user.is(privileged) && is_legal(user) {
            all[i] = PLV_USER | own(user);
        } else if privileged.is_empty() && is_legal(user) {
            all[i] = PLV_USER | RPLV | own(user);
        }
        i += 1;
    }
    all
}

/// Some right, and no write without read.
const fn is_legal(rights: Rights) -> bool {
    !rights.is_empty() && (rights.contains(Rights::R) || !rights.contains(Rights::W))
}

const fn own(rights: Rights) -> u64 {
    let read = if rights.contains(Rights::R) { 0 } else { NR };
    let write = if rights.contains(Rights::W) { D | W } else { 0 };
    let execute = if rights.contains(Rights::X) { 0 } else { NX };
    read | write | execute
}

const fn memory_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        all[i] = match MemoryType::ALL[i] {
            MemoryType::NormalWb => MAT_CACHED,
            MemoryType::NormalNc => MAT_WEAK,
            device if device.is_device() => 0,
            _ => NOT_ENCODABLE,
        };
        i += 1;
    }
    all
}

const_assert!(FORMAT.is_lawful());
// No two fields share a bit, and the low bits are all in use.
const_assert!(V ^ D ^ PLV_USER ^ MAT ^ G ^ P ^ W ^ (7 << SOFTWARE.0) == (1 << PAGE_SHIFT) - 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::format::{Leaf, View};

    #[test]
    fn every_encoding_reads_back() {
        laws::geometry(&FORMAT);
        laws::round_trip(&FORMAT);
        laws::pointers(&FORMAT);
        laws::restrictions(&FORMAT);
    }

    /// Words of page_table_multiarch 0.6.2 for the physical address 0x8020_0000: pages and huge pages.
    #[test]
    fn golden_words() {
        let user = Access { privileged: Rights::RW, user: Rights::RW };
        let words = [
            (Access::kernel(Rights::R), MemoryType::NormalWb, 0x4000_0000_0000_0091, 0x4000_0000_0000_00d1),
            (Access::kernel(Rights::RW), MemoryType::NormalWb, 0x4000_0000_0000_0193, 0x4000_0000_0000_01d3),
            (Access::kernel(Rights::RX), MemoryType::NormalWb, 0x91, 0xd1),
            (user, MemoryType::NormalWb, 0x4000_0000_0000_019f, 0x4000_0000_0000_01df),
            (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, 0x4000_0000_0000_0183, 0x4000_0000_0000_01c3),
            (Access::kernel(Rights::RW), MemoryType::NormalNc, 0x4000_0000_0000_01a3, 0x4000_0000_0000_01e3),
        ];
        for (access, memory, page, huge) in words {
            assert_eq!(laws::word(&FORMAT, 0, 0x8020_0000, access, memory), 0x8020_0000 | page);
            assert_eq!(laws::word(&FORMAT, 1, 0x8020_0000, access, memory), 0x8020_0000 | huge);
        }
        assert_eq!(FORMAT.encode_table(3, 0x8020_1000), 0x8020_1000);
        assert_eq!(Access::user(Rights::RW), user);
    }

    /// G is bit 6 of a page and bit 12 of a huge page, whose bit 6 is H.
    #[test]
    fn the_global_bit_moves() {
        let leaf = Leaf {
            address: 0x4000_0000,
            access: Access::kernel(Rights::RX),
            memory: MemoryType::NormalWb,
            global: true,
            run: 0,
            software: 0,
            guarded: false,
        };
        assert_eq!(FORMAT.encode_leaf(0, &leaf), Some(0x4000_00d1));
        assert_eq!(FORMAT.encode_leaf(1, &leaf), Some(0x4000_10d1));
        assert_eq!(FORMAT.view(1, 0x4000_10d1), View::Leaf(leaf));
        assert_eq!(FORMAT.view(2, 0x4000_00d1), View::Leaf(Leaf { global: false, ..leaf }));
        assert_eq!(FORMAT.encode_leaf(3, &leaf), None);
    }

    #[test]
    fn rights_of_both_levels() {
        let bits = |privileged, user| FORMAT.rights[Access { privileged, user }.index()];
        assert_eq!(bits(Rights::NONE, Rights::RX), PLV_USER | RPLV);
        assert_eq!(bits(Rights::RX, Rights::RX), PLV_USER);
        assert_eq!(bits(Rights::X, Rights::NONE), NR);
        assert_eq!(bits(Rights::R, Rights::RX), NOT_ENCODABLE);
        assert_eq!(bits(Rights::RW, Rights::R), NOT_ENCODABLE);
        assert_eq!(bits(Rights::W, Rights::NONE), NOT_ENCODABLE);
    }

    /// Each half has a root, of which it uses one half.
    #[test]
    fn two_roots() {
        assert_eq!(FORMAT.upper_start(), Some(0xffff_8000_0000_0000));
        assert_eq!(FORMAT.index(0x7fff_ffff_ffff, 3), 255);
        assert_eq!(FORMAT.index(0xffff_8000_0000_0000, 3), 256);
        assert!(!FORMAT.is_canonical(0x8000_0000_0000));
    }

    /// Memory access type 3, levels between kernel and user, a pointer with flags, a misaligned huge page.
    #[test]
    fn reserved_words() {
        assert_eq!(FORMAT.view(0, 0x8020_00b1), View::Reserved);
        assert_eq!(FORMAT.view(0, 0x8020_0095), View::Reserved);
        assert_eq!(FORMAT.view(2, 0x8020_0001), View::Reserved);
        assert_eq!(FORMAT.view(1, 0x8020_20d1), View::Reserved);
        assert_eq!(FORMAT.view(3, 0x8020_00d1), View::Reserved);
    }
}
