//! 4-level and 5-level paging as the *Intel SDM*, volume 3A, chapter 5 "Paging" (order number 325462-086) writes it,
//! with CR0.WP, CR4.SMEP and EFER.NXE set.

use super::{Entry, Leaf, Machine, May, MemoryType, Place};

/// An x86-64 MMU.
pub(crate) struct X86_64 {
    /// 4, or 5.
    pub(crate) levels: u32,
    /// IA32_PAT, byte by byte.
    pub(crate) pat: [u8; 8],
    /// CR3.
    pub(crate) root: Option<u64>,
}

const NX: u32 = 63;

fn bit(word: u64, bit: u32) -> bool {
    word >> bit & 1 == 1
}

/// Bits 51:12.
fn address(word: u64) -> u64 {
    word & 0x000f_ffff_ffff_f000
}

impl X86_64 {
    fn top(&self, table: u64) -> Place {
        Place { table, level: self.levels - 1, entries: 512 }
    }

    fn leaf(&self, word: u64, level: u32) -> Entry {
        let size = 1u64 << self.shift(level);
        // The PAT bit is bit 7 of a page and bit 12 of a larger leaf, whose address starts above it.
        let pat = bit(word, if level == 0 { 7 } else { 12 });
        let phys = if level == 0 { address(word) } else { address(word) & !(1 << 12) };
        if phys & (size - 1) != 0 {
            return Entry::Wrong("reserved address bits of a large page");
        }
        let index = usize::from(pat) << 2 | usize::from(bit(word, 4)) << 1 | usize::from(bit(word, 3));
        let memory = match self.pat[index] {
            0 => "uc",
            1 => "wc",
            4 => "wt",
            5 => "wp",
            6 => "normal-wb",
            7 => "uc-minus",
            _ => return Entry::Wrong("reserved PAT value"),
        };
        let execute = !bit(word, NX);
        let open = bit(word, 2);
        let all = May { read: true, write: bit(word, 1), execute };
        let (privileged, user) = if open { (May { execute: false, ..all }, all) } else { (all, May::default()) };
        Entry::Leaf(Leaf { phys, size, privileged, user, memory: MemoryType::Type(memory) })
    }
}

impl Machine for X86_64 {
    fn root(&self, virt: u64) -> Option<Place> {
        let above = virt >> (9 * self.levels + 11);
        let canonical = above == 0 || above == u64::MAX >> (9 * self.levels + 11);
        if canonical { Some(self.top(self.root?)) } else { None }
    }

    fn roots(&self) -> Vec<Place> {
        self.root.iter().map(|table| self.top(*table)).collect()
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

    fn entry(&self, word: u64, level: u32) -> Entry {
        match (bit(word, 0), level, bit(word, 7)) {
            (false, ..) => Entry::Absent,
            (true, 0, _) | (true, 1 | 2, true) => self.leaf(word, level),
            (true, _, true) => Entry::Wrong("page size bit above a PDPTE"),
            (true, _, false) => Entry::Table(address(word)),
        }
    }

    /// U/S and R/W hold where every level has them, XD where any has it.
    fn restrict(&self, word: u64, mut leaf: Leaf) -> Leaf {
        let execute = !bit(word, NX);
        if !bit(word, 2) && leaf.user != May::default() {
            // A user leaf under a supervisor entry is a supervisor page.
            leaf.privileged = leaf.user;
            leaf.user = May::default();
        }
        if !bit(word, 1) {
            (leaf.privileged.write, leaf.user.write) = (false, false);
        }
        leaf.privileged.execute &= execute;
        leaf.user.execute &= execute;
        leaf
    }
}
