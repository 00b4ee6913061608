//! Stage 2 of the Large Physical Address Extension as *Arm ARM* DDI 0406 issue C.d writes it: B3.6 "Long-descriptor
//! translation table format", B3.7 "Memory access control", B3.8 "Memory region attributes".

use super::{Entry, Leaf, Machine, May, MemoryType, Place};

/// The stage 2 MMU of an ARMv7 core.
pub(crate) struct Lpae {
    /// 32 less VTCR.T0SZ.
    pub(crate) bits: u32,
    /// VTTBR.
    pub(crate) root: Option<u64>,
}

fn bit(word: u64, bit: u32) -> bool {
    word >> bit & 1 == 1
}

/// Bits 39:12.
fn address(word: u64) -> u64 {
    word & 0x00ff_ffff_f000
}

impl Lpae {
    /// First level 1 of the manual, which resolves address bits from 30 on, or 2, from 21 on, where at most sixteen tables
    /// side by side suffice.
    fn top(&self, table: u64) -> Place {
        let level = if self.bits > 34 { 2 } else { 1 };
        Place { table, level, entries: 1 << (self.bits - self.shift(level)) }
    }

    fn leaf(&self, word: u64, level: u32) -> Entry {
        let size = 1u64 << self.shift(level);
        if !bit(word, 10) {
            return Entry::Wrong("access flag clear");
        }
        if address(word) & (size - 1) != 0 {
            return Entry::Wrong("misaligned output address");
        }
        if bit(word, 11) || bit(word, 53) || word >> 40 & 0xfff != 0 {
            return Entry::Wrong("bits that should be zero");
        }
        // MemAttr[3:0].
        let memory = match word >> 2 & 15 {
            0b0000 => "device-nGnRnE",
            0b0001 => "device-nGnRE",
            0b0101 => "normal-nc",
            0b1010 => "normal-wt",
            0b1111 => "normal-wb",
            _ => return Entry::Wrong("a memory type that nothing here asks for"),
        };
        if memory.starts_with("normal") && word >> 8 & 3 != 3 {
            return Entry::Wrong("Normal memory that is not Inner Shareable");
        }
        // HAP[2:1] and XN; what cannot be read cannot be executed.
        let read = bit(word, 6);
        let privileged = May { read, write: bit(word, 7), execute: read && !bit(word, 54) };
        let memory = MemoryType::Type(memory);
        Entry::Leaf(Leaf { phys: address(word), size, privileged, user: May::default(), memory })
    }
}

impl Machine for Lpae {
    fn root(&self, virt: u64) -> Option<Place> {
        if virt >> self.bits == 0 { self.root.map(|table| self.top(table)) } else { None }
    }

    fn roots(&self) -> Vec<Place> {
        self.root.iter().map(|table| self.top(*table)).collect()
    }

    fn shift(&self, level: u32) -> u32 {
        [12, 21, 30][level as usize]
    }

    fn entries(&self) -> u64 {
        512
    }

    fn entry_bytes(&self) -> usize {
        8
    }

    fn page(&self) -> u64 {
        4096
    }

    fn entry(&self, word: u64, level: u32) -> Entry {
        match (bit(word, 0), bit(word, 1), level) {
            (false, ..) => Entry::Absent,
            (true, true, 0) | (true, false, 1 | 2) => self.leaf(word, level),
            (true, false, _) => Entry::Wrong("a block at the level of pages"),
            // Tables of stage 2 have no attributes.
            (true, true, _) if word >> 59 != 0 => Entry::Wrong("attributes of a stage 2 table"),
            (true, true, _) => Entry::Table(address(word)),
        }
    }
}
