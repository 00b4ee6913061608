//! Extended page tables as the *Intel SDM*, volume 3C, chapter 30 "VMX Support for Address Translation" (order number
//! 326019-086) writes them, with a walk of four levels and EPTP bit 6 clear.

use super::{Entry, Leaf, Machine, May, MemoryType, Place};

/// The EPT of a virtual processor.
pub(crate) struct Ept {
    /// Bits 51:12 of EPTP.
    pub(crate) root: Option<u64>,
}

fn top(table: u64) -> Place {
    Place { table, level: 3, entries: 512 }
}

fn may(word: u64) -> May {
    May { read: word & 1 != 0, write: word & 2 != 0, execute: word & 4 != 0 }
}

/// Bits 51:12.
fn address(word: u64) -> u64 {
    word & 0x000f_ffff_ffff_f000
}

/// Bits 5:3, where the guest's PAT agrees.
fn memory(word: u64) -> Option<&'static str> {
    Some(match word >> 3 & 7 {
        0 => "uc",
        1 => "wc",
        4 => "wt",
        5 => "wp",
        6 => "normal-wb",
        _ => return None,
    })
}

fn leaf(word: u64, size: u64) -> Entry {
    if address(word) % size != 0 {
        return Entry::Wrong("reserved address bits of a large page");
    }
    if word & 1 << 6 != 0 {
        return Entry::Wrong("the guest's PAT is ignored, which nothing here asks for");
    }
    if word >> 57 != 0 || word & 1 << 10 != 0 {
        return Entry::Wrong("a control that nothing here asks for");
    }
    let Some(memory) = memory(word) else { return Entry::Wrong("reserved memory type") };
    let memory = MemoryType::Type(memory);
    Entry::Leaf(Leaf { phys: address(word), size, privileged: may(word), user: May::default(), memory })
}

impl Machine for Ept {
    fn root(&self, virt: u64) -> Option<Place> {
        // Guest-physical addresses beyond the walk's width cause EPT violations.
        if virt >> 48 == 0 { self.root.map(top) } else { None }
    }

    fn roots(&self) -> Vec<Place> {
        self.root.iter().map(|table| top(*table)).collect()
    }

    fn shift(&self, level: u32) -> u32 {
        12 + 9 * level
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

    /// "EPT Translation Mechanism" and "EPT Misconfigurations".
    fn entry(&self, word: u64, level: u32) -> Entry {
        let large = word & 1 << 7 != 0;
        match (word & 7, level) {
            (0, _) => Entry::Absent,
            (2 | 6, _) => Entry::Wrong("writable and not readable"),
            (4, _) => Entry::Wrong("execute-only, which needs a capability"),
            (_, 0) => leaf(word, 4096),
            (_, 1 | 2) if large => leaf(word, 1 << self.shift(level)),
            _ if word & 0xf8 != 0 => Entry::Wrong("reserved bits 7:3 of a pointer"),
            _ => Entry::Table(address(word)),
        }
    }

    /// An access must be allowed at every level.
    fn restrict(&self, word: u64, mut leaf: Leaf) -> Leaf {
        let above = may(word);
        leaf.privileged.read &= above.read;
        leaf.privileged.write &= above.write;
        leaf.privileged.execute &= above.execute;
        leaf
    }
}
