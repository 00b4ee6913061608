//! Entries of PAE paging (SDM volume 3A, "PAE Paging", formats of paging-structure entries).
//!
//! Page-table and page-directory entries are those of [four levels](crate::x86_64::Level4). The page-directory-pointer
//! table has four entries, which the CPU loads with CR3, and which have no rights:
//!
//! | bits  | name | meaning |
//! |-------|------|---------|
//! | 0     | P    | present |
//! | 2:1   |      | reserved |
//! | 4, 3  | PCD, PWT | cacheability of the page directory |
//! | 8:5   |      | reserved, the place of the accessed bit, too |
//! | 51:12 |      | address of the page directory |
//! | 63:52 |      | reserved |

use static_assertions::const_assert;
use typenum::{U9, U12};

use crate::attr::Features;
use crate::format::{Format, LeafForm, LevelFormat, MAX_LEVELS, Moves, Pattern};
use crate::regime::Regime;
use crate::x86_64::Level4;

use super::insn;

/// PAE paging: three levels, eight-byte entries, physical addresses of up to 52 bits.
#[derive(Clone, Copy, Debug)]
pub struct Pae;

impl Regime for Pae {
    const FORMAT: Format = FORMAT;
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE;
}

const P: u64 = 1 << 0;
/// Bits that must be zero in an entry of the root, whatever the physical address width.
const RESERVED: u64 = 0b11 << 1 | 0b1111 << 5 | 0xfff << 52;
/// log2 of the bytes that an entry of the root covers.
const ROOT_SHIFT: u32 = 30;
const ROOT_BITS: u32 = 2;

const FORMAT: Format = Format {
    name: "x86 PAE",
    levels: 3,
    level: levels(),
    input_bits: ROOT_SHIFT + ROOT_BITS,
    range_bits: ROOT_SHIFT + ROOT_BITS,
    upper_half: false,
    legal_input_bits: (ROOT_SHIFT + ROOT_BITS, ROOT_SHIFT + ROOT_BITS),
    // There are process-context identifiers in IA-32e mode only.
    asid_bits: (0, 0, Features::NONE),
    asid_feature: Features::NONE,
    ..Level4::FORMAT
};

const fn levels() -> [LevelFormat; MAX_LEVELS] {
    let mut all = [LevelFormat::NONE; MAX_LEVELS];
    all[0] = Level4::FORMAT.level[0];
    all[1] = Level4::FORMAT.level[1];
    all[2] = LevelFormat {
        shift: ROOT_SHIFT,
        bits: ROOT_BITS,
        form: LeafForm::None,
        moves: Moves::NONE,
        leaf: Pattern::NEVER,
        leaf_set: 0,
        table: Pattern { mask: P | RESERVED, value: P },
        table_set: P,
        memory: 0,
        inherit: &[],
    };
    all
}

const_assert!(FORMAT.is_lawful());
const_assert!(FORMAT.root_bits() == ROOT_BITS && FORMAT.root_tables() == 1);
// A preset accessed bit stays out of the root.
const_assert!(FORMAT.pointer_flags(2, FORMAT.table_accessed) == P);
const_assert!(FORMAT.pointer_flags(1, FORMAT.table_accessed) & FORMAT.table_accessed != 0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::attr::{Access, MemoryType, Rights};
    use crate::format::View;

    #[test]
    fn every_encoding_reads_back() {
        laws::geometry(&FORMAT);
        laws::round_trip(&FORMAT);
        laws::pointers(&FORMAT);
        laws::restrictions(&FORMAT);
    }

    /// SDM 3A, "Format of a PAE Page-Table Entry that Maps a 4-KByte Page" and its like.
    #[test]
    fn golden_words() {
        let word = |level, access| laws::word(&FORMAT, level, 0x12_8020_0000, access, MemoryType::NormalWb);
        assert_eq!(word(0, Access::kernel(Rights::RX)), 0x12_8020_0001);
        assert_eq!(word(0, Access::kernel(Rights::RW)), 0x8000_0012_8020_0003);
        assert_eq!(word(1, Access::kernel(Rights::RW)), 0x8000_0012_8020_0083);
        assert_eq!(word(0, Access::user(Rights::RX)), 0x12_8020_0005);
        assert_eq!(FORMAT.encode_table(1, 0x12_8020_0000), 0x12_8020_0007);
        assert_eq!(FORMAT.encode_table(2, 0x12_8020_0000), 0x12_8020_0001);
    }

    /// R/W, U/S, A and XD are reserved in an entry of the root, and it is no leaf.
    #[test]
    fn reserved_words() {
        for bit in [1, 2, 5, 6, 7, 8, 63] {
            assert_eq!(FORMAT.view(2, 0x8020_0001 | 1 << bit), View::Reserved, "bit {bit}");
        }
        assert_eq!(FORMAT.view(2, 0x8020_0019), View::Table { address: 0x8020_0000 });
        assert_eq!(FORMAT.view(1, 0x8020_2083), View::Reserved);
    }
}
