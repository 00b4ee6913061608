//! A reference to a table in words that read as absent entries.

use super::chain::Block;
use crate::addr::PhysAddr;
use crate::format::Format;

/// Bits of the number that says how many tables lie in a row.
const LOG2_BITS: u32 = 5;
/// Below this many bits in a word the address field is used, too.
const FEW: u32 = 2;

/// How a format's absent entries hold a number: which bits of a word, and how many words.
///
/// The bits are none that says that an entry is present, none that hardware writes, and none that chooses between leaf
/// and pointer. The address field stays clear as well: no walker, and no prediction of one, has an address to go to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The bits of a word that carry the number.
    mask: u64,
    /// The bits of a word that stay as they are.
    rest: u64,
    /// Bits of the number.
    bits: u32,
    table_shift: u32,
}

impl Link {
    /// The same in the software bits of whatever entries a table has, which go on translating as they did; `None` where
    /// these bits say something else in some entry, or are too few.
    pub(super) const fn quiet(format: &Format) -> Option<Self> {
        let (at, bits) = format.software;
        let mask = ((1 << bits) - 1) << at;
        let mut taken = format.present | format.accessed | format.table_accessed | format.dirty | format.address.bits();
        let mut level = 0;
        while level < format.levels {
            taken |= format.at(level).leaf.mask | format.at(level).table.mask;
            level += 1;
        }
        if mask == 0 || mask & taken != 0 {
            return None;
        }
        let link = Self { mask, rest: !mask, ..Self::of(format) };
        if link.words() as u64 <= format.table_size() / format.entry_bytes as u64 { Some(link) } else { None }
    }

    pub(super) const fn of(format: &Format) -> Self {
        let width = if format.entry_bytes == 4 { u32::MAX as u64 } else { u64::MAX };
        let mut taken = format.present | format.accessed | format.table_accessed | format.dirty;
        let absent = width & !taken;
        let mut level = 0;
        while level < format.levels {
            // A pattern that never matches has no bits of its own.
            taken |= format.at(level).leaf.mask | format.at(level).table.mask;
            level += 1;
        }
        let spare = width & !(taken | format.address.bits());
        let mask = if spare.count_ones() < FEW { absent } else { spare };
        assert!(mask.count_ones() >= FEW, "an absent entry has no bits that are free");
        let kept = 64 - format.address.mask.leading_zeros();
        let high = format.address.high_from + format.address.high_bits;
        let top = if high > kept { high } else { kept };
        let link = Self { mask, rest: 0, bits: top - format.table_shift + LOG2_BITS, table_shift: format.table_shift };
        let entries = format.table_size() / format.entry_bytes as u64;
        assert!(link.words() as u64 <= entries, "a table is too small to name another in absent entries");
        link
    }

    /// Words that a reference takes.
    pub(super) const fn words(self) -> usize {
        // No mask is empty, which the compiler does not see everywhere.
        let each = self.mask.count_ones();
        self.bits.div_ceil(if each == 0 { 1 } else { each }) as usize
    }

    /// The number of a block; 0 is that of none.
    pub(super) const fn number(self, block: Block) -> u64 {
        (block.table.as_u64() >> self.table_shift) << LOG2_BITS | block.log2 as u64
    }

    /// The block with that number.
    pub(super) const fn block(self, number: u64) -> Option<Block> {
        let table = PhysAddr::new((number >> LOG2_BITS) << self.table_shift);
        let log2 = (number & ((1 << LOG2_BITS) - 1)) as u32;
        if table.as_u64() == 0 { None } else { Some(Block { table, log2 }) }
    }

    /// Word `index` of the reference with this number.
    pub(super) const fn word(self, number: u64, index: usize) -> u64 {
        let mut rest = number.unbounded_shr(index as u32 * self.mask.count_ones());
        let (mut mask, mut word) = (self.mask, 0);
        while mask != 0 {
            let bit = mask & mask.wrapping_neg();
            if rest & 1 == 1 {
                word |= bit;
            }
            rest >>= 1;
            mask ^= bit;
        }
        word
    }

    /// Word `index` of the reference with this number, where a word was `old`.
    pub(super) const fn over(self, old: u64, number: u64, index: usize) -> u64 {
        old & self.rest | self.word(number, index)
    }

    /// What word `index` of a reference adds to its number.
    pub(super) const fn part(self, word: u64, index: usize) -> u64 {
        let (mut mask, mut part, mut bit_of_part) = (self.mask, 0u64, 1u64);
        while mask != 0 {
            let bit = mask & mask.wrapping_neg();
            if word & bit != 0 {
                part |= bit_of_part;
            }
            bit_of_part <<= 1;
            mask ^= bit;
        }
        part.unbounded_shl(index as u32 * self.mask.count_ones())
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::aarch64::{El1, G4K, G16K, G64K, Stage2};
    use crate::armv7;
    use crate::format::View;
    use crate::regime::Regime;
    use crate::{loongarch64, riscv, x86, x86_64};

    fn formats() -> Vec<Format> {
        vec![
            <El1<G4K, 48> as Regime>::FORMAT,
            <El1<G16K, 47> as Regime>::FORMAT,
            <El1<G64K, 52> as Regime>::FORMAT,
            <Stage2<G4K, 40> as Regime>::FORMAT,
            riscv::Sv32::FORMAT,
            riscv::Sv39::FORMAT,
            riscv::Sv57::FORMAT,
            x86_64::Level4::FORMAT,
            x86_64::Level5::FORMAT,
            x86_64::Ept4::FORMAT,
            x86::Legacy32::FORMAT,
            x86::Pae::FORMAT,
            armv7::Lpae::FORMAT,
            loongarch64::La64::FORMAT,
        ]
    }

    /// Every word of every reference is an absent entry, at every level, and they say which table was meant.
    #[test]
    fn references_read_as_absent_and_name_the_table() {
        for format in formats() {
            let link = Link::of(&format);
            let top = 1u64 << format.max_output_bits;
            for table in [format.table_size(), top / 2, top - format.table_size(), 0x8765_4321_0000 & (top - 1)] {
                for log2 in [0, 4, 16] {
                    let block = Block { table: PhysAddr::new(table & !(format.table_size() - 1)), log2 };
                    let number = link.number(block);
                    let words: Vec<u64> = (0..link.words()).map(|index| link.word(number, index)).collect();
                    for (word, level) in words.iter().flat_map(|word| (0..format.levels).map(move |l| (*word, l))) {
                        assert_eq!(format.view(level, word), View::Absent, "{} {word:#x}", format.name);
                        assert_eq!(word & format.present, 0);
                        assert_eq!(format.address.decode(word), 0, "{}", format.name);
                        assert!(format.entry_bytes == 8 || word >> 32 == 0);
                    }
                    let read = words.iter().enumerate().fold(0, |n, (index, word)| n | link.part(*word, index));
                    assert_eq!(link.block(read).filter(|_| block.table.as_u64() != 0), link.block(number));
                    assert_eq!(link.block(read), if block.table.as_u64() == 0 { None } else { Some(block) });
                }
            }
        }
    }

    /// A walker that sets accessed and dirty bits behind the word does not change what it says.
    #[test]
    fn bits_that_hardware_sets_do_not_count() {
        for format in formats() {
            let link = Link::of(&format);
            let block = Block { table: PhysAddr::new(format.table_size() * 5), log2: 2 };
            let bits = format.accessed | format.dirty | format.table_accessed;
            let number = link.number(block);
            let read = (0..link.words()).fold(0, |n, index| n | link.part(link.word(number, index) | bits, index));
            assert_eq!(link.block(read), Some(block), "{}", format.name);
        }
    }
}
