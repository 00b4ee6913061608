//! Sv32 to Sv57 as "The RISC-V Instruction Set Manual, Volume II", version 20250508, writes them: "Virtual Address
//! Translation Process", "Svpbmt", "Svnapot"; and the G-stage of the hypervisor extension.

use super::{Entry, Leaf, Machine, May, MemoryType, Place};

/// A RISC-V MMU.
pub(crate) struct Riscv {
    /// 32, 39, 48 or 57.
    pub(crate) mode: u32,
    /// Two more bits of input: the G-stage.
    pub(crate) x4: bool,
    pub(crate) root: Option<u64>,
}

impl Riscv {
    fn levels(&self) -> u32 {
        match self.mode {
            32 => 2,
            39 => 3,
            48 => 4,
            _ => 5,
        }
    }

    fn index_bits(&self) -> u32 {
        if self.mode == 32 { 10 } else { 9 }
    }

    fn top(&self, table: u64) -> Place {
        let widened = if self.x4 { 4 } else { 1 };
        Place { table, level: self.levels() - 1, entries: self.entries() * widened }
    }

    /// Bits 53:10 (Sv32: 31:10) are the page number.
    fn address(&self, word: u64) -> u64 {
        let pages = if self.mode == 32 { word >> 10 & 0x3f_ffff } else { word >> 10 & 0xfff_ffff_ffff };
        pages << 12
    }

    fn leaf(&self, word: u64, level: u32) -> Entry {
        let bit = |bit: u32| word >> bit & 1 == 1;
        let may = May { read: bit(1), write: bit(2), execute: bit(3) };
        if may.write && !may.read {
            return Entry::Wrong("writable and not readable");
        }
        // Without Svadu a leaf whose A or D bit is clear faults.
        if !bit(6) || (may.write && !bit(7)) {
            return Entry::Wrong("accessed or dirty bit clear");
        }
        if self.mode != 32 && bit(63) {
            return Entry::Wrong("NAPOT, which nothing here asks for");
        }
        let size = 1 << self.shift(level);
        if self.address(word) & (size - 1) != 0 {
            return Entry::Wrong("misaligned superpage");
        }
        let memory = match if self.mode == 32 { 0 } else { word >> 61 & 3 } {
            0 => MemoryType::Bus,
            1 => MemoryType::Type("normal-nc"),
            2 => MemoryType::Type("device-io"),
            _ => return Entry::Wrong("reserved PBMT"),
        };
        let nobody = May::default();
        // U pages are data for S with SUM, and never executable. Every G-stage leaf is a U page.
        let (privileged, user) = match (bit(4), self.x4) {
            (true, true) => (may, nobody),
            (false, true) => return Entry::Wrong("a G-stage leaf without U"),
            (true, false) => (May { execute: false, ..may }, may),
            (false, false) => (may, nobody),
        };
        Entry::Leaf(Leaf { phys: self.address(word), size, privileged, user, memory })
    }
}

impl Machine for Riscv {
    fn root(&self, virt: u64) -> Option<Place> {
        let bits = if self.x4 { self.mode + 2 } else { self.mode };
        let above = virt >> (bits - 1);
        let legal = match (self.mode, self.x4) {
            (32, _) | (_, true) => virt >> bits == 0,
            // Bits 63 to the width are equal to the highest bit of the width.
            _ => above == 0 || above == u64::MAX >> (bits - 1),
        };
        if legal { Some(self.top(self.root?)) } else { None }
    }

    fn roots(&self) -> Vec<Place> {
        self.root.iter().map(|table| self.top(*table)).collect()
    }

    fn shift(&self, level: u32) -> u32 {
        12 + level * self.index_bits()
    }

    fn entries(&self) -> u64 {
        1 << self.index_bits()
    }

    fn entry_bytes(&self) -> usize {
        if self.mode == 32 { 4 } else { 8 }
    }

    fn page(&self) -> u64 {
        4096
    }

    fn entry(&self, word: u64, level: u32) -> Entry {
        match (word & 1, word & 0xe) {
            (0, _) => Entry::Absent,
            (_, 0) if level == 0 => Entry::Wrong("a table pointer at the last level"),
            // D, A and U are reserved in a table pointer, and so is everything above the address.
            (_, 0) if word & 0xd0 != 0 || (self.mode != 32 && word >> 54 != 0) => {
                Entry::Wrong("reserved bits of a pointer")
            }
            (_, 0) => Entry::Table(self.address(word)),
            _ => self.leaf(word, level),
        }
    }
}
