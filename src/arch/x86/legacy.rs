//! Entries of 32-bit paging (SDM volume 3A, "32-Bit Paging", formats of paging-structure entries).
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
//! | 7     | PS   | directory: 1 in a leaf of 4 MiB, 0 in a pointer |
//! | 8     | G    | global (leaves) |
//! | 11:9  |      | software |
//! | 12    | PAT  | 4 MiB leaf: high bit of the PAT index |
//! | 31:12 |      | address; bits 21:13 of a 4 MiB leaf stay clear |
//!
//! Bits 20:13 of a 4 MiB leaf are address bits 39:32 where the CPU has PSE-36. A format holds one place for the address,
//! the same in leaves of every size, so those bits are treated as reserved and addresses have 32 bits.
//!
//! Every page can be executed: there is no execute-disable. Data without the execute right has no encoding, and a map
//! breaks `rights-not-encodable` until it declares what the hardware grants, with a waiver of `wx` where that is
//! writable. Devices are no exception; that nothing is fetched from them ahead of time is up to their type, which is
//! uncacheable (SDM volume 3A, "Memory Types and Their Properties").

use static_assertions::const_assert;
use typenum::{U10, U12};

use crate::attr::{Access, Features, Rights};
use crate::format::{AddressField, Effect, Format, LeafForm, LevelFormat, MAX_LEVELS, Moves, NOT_ENCODABLE, Pattern};
use crate::regime::Regime;
use crate::x86_64::Level4;

use super::insn;

/// 32-bit paging: two levels, four-byte entries.
#[derive(Clone, Copy, Debug)]
pub struct Legacy32;

impl Regime for Legacy32 {
    const FORMAT: Format = FORMAT;
    type PageShift = U12;
    type IndexBits = U10;
    const NATIVE: bool = insn::NATIVE;
}

const P: u64 = 1 << 0;
const RW: u64 = 1 << 1;
const US: u64 = 1 << 2;
const PS: u64 = 1 << 7;
const PAGE_SHIFT: u32 = 12;
const INDEX_BITS: u32 = 10;
/// Bits 21:13 of a 4 MiB leaf.
const INSIDE: u64 = (1 << 22) - (1 << 13);

const FORMAT: Format = Format {
    name: "x86 32-bit",
    levels: 2,
    level: levels(),
    entry_bytes: 4,
    input_bits: 32,
    range_bits: 32,
    upper_half: false,
    legal_input_bits: (32, 32),
    output_bits: 32,
    max_output_bits: 32,
    address: AddressField::in_place((1 << 32) - (1 << PAGE_SHIFT)),
    rights: rights(),
    rights_mask: RW | US,
    asid_bits: (0, 0, Features::NONE),
    asid_feature: Features::NONE,
    default_features: Features::PSE,
    no_execute: Features::NONE,
    ..Level4::FORMAT
};

const fn levels() -> [LevelFormat; MAX_LEVELS] {
    let table = Pattern { mask: P | PS, value: P };
    let page = LevelFormat {
        shift: PAGE_SHIFT,
        bits: INDEX_BITS,
        form: LeafForm::Always,
        moves: Moves::NONE,
        leaf: Pattern { mask: P, value: P },
        leaf_set: P,
        table,
        table_set: P | RW | US,
        memory: 0,
        inherit: &[],
    };
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    all[0] = page;
    all[1] = LevelFormat {
        shift: PAGE_SHIFT + INDEX_BITS,
        form: LeafForm::With(Features::PSE),
        leaf: Pattern { mask: P | PS | INSIDE, value: P | PS },
        leaf_set: P | PS,
        memory: 1,
        inherit: POINTER,
        ..page
    };
    all
}

/// What a pointer withholds: writes, user mode.
const POINTER: &[Effect] = &[
    Effect { pattern: Pattern { mask: RW, value: 0 }, set: 0, clear: RW },
    Effect { pattern: Pattern { mask: US, value: 0 }, set: 0, clear: US },
];

/// Present means readable and executable. What the user may read both read, write and execute alike, but for what
/// `CR4.SMEP` takes from the kernel.
const fn rights() -> [u64; 64] {
    let mut all = [NOT_ENCODABLE; 64];
    let mut i = 0;
    while i < 64 {
        let Access { privileged, user } = Access::from_index(i);
        let rw = if privileged.contains(Rights::W) { RW } else { 0 };
        if user.is_empty() && privileged.contains(Rights::RX) {
            all[i] = rw;
        } else if user.contains(Rights::RX) && privileged.data().is(user.data()) {
            all[i] = US | rw;
        }
        i += 1;
    }
    all
}

const_assert!(FORMAT.is_lawful());
const_assert!(!FORMAT.withholds_execution() && Level4::FORMAT.withholds_execution());
const_assert!(FORMAT.root_bits() == INDEX_BITS && FORMAT.root_tables() == 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::attr::MemoryType;
    use crate::format::View;

    #[test]
    fn every_encoding_reads_back() {
        laws::geometry(&FORMAT);
        laws::round_trip(&FORMAT);
        laws::pointers(&FORMAT);
        laws::restrictions(&FORMAT);
    }

    /// SDM 3A, "Format of a 32-Bit Page-Table Entry that Maps a 4-KByte Page" and its like.
    #[test]
    fn golden_words() {
        let word = |level, access, memory| laws::word(&FORMAT, level, 0x8040_0000, access, memory);
        assert_eq!(word(0, Access::kernel(Rights::RX), MemoryType::NormalWb), 0x8040_0001);
        assert_eq!(word(0, Access::kernel(Rights::RWX), MemoryType::NormalWb), 0x8040_0003);
        assert_eq!(word(0, Access::user(Rights::RWX), MemoryType::NormalWb), 0x8040_0007);
        assert_eq!(word(0, Access::user(Rights::RX), MemoryType::DeviceNgnrne), 0x8040_001d);
        assert_eq!(word(1, Access::kernel(Rights::RWX), MemoryType::NormalWb), 0x8040_0083);
        assert_eq!(word(1, Access::kernel(Rights::RX), MemoryType::NormalNc), 0x8040_1081);
        assert_eq!(FORMAT.encode_table(1, 0x8040_1000), 0x8040_1007);
    }

    /// Nothing can be kept from execution, and the address bits of PSE-36 are not read as such.
    #[test]
    fn what_has_no_encoding() {
        let encodable = |access: Access| FORMAT.rights[access.index()] != NOT_ENCODABLE;
        assert!(!encodable(Access::kernel(Rights::RW)) && !encodable(Access::kernel(Rights::R)));
        assert!(!encodable(Access::user(Rights::RW)) && !encodable(Access::user(Rights::R)));
        assert_eq!(FORMAT.view(1, 0x8040_2083), View::Reserved);
        assert_eq!(FORMAT.view(1, 0x8060_0083), View::Reserved);
        assert!(!FORMAT.has_leaf(1, Features::NONE) && FORMAT.has_leaf(1, Features::PSE));
    }
}
