//! VMSAv8-64 as *Arm ARM* DDI 0487 issue J.a writes it: D8 "Translation table descriptor formats", D8 "Memory
//! access control", D8 "Memory region attributes".

use super::{Entry, Leaf, Machine, May, MemoryType, Place};

/// What the tables translate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// EL1&0 or EL2&0: two ranges, with a user.
    WithUser,
    /// EL2 or EL3: one range, no user.
    Single,
    /// Stage 2 of EL1&0.
    Second,
}

/// An AArch64 MMU.
pub(crate) struct Aarch64 {
    pub(crate) stage: Stage,
    /// log2 of the granule.
    pub(crate) granule: u32,
    /// 64 less TxSZ.
    pub(crate) bits: u32,
    /// TCR.DS (4 KiB, 16 KiB) or 52-bit output with 64 KiB: address bits 51:48 are elsewhere.
    pub(crate) wide: bool,
    /// MAIR, byte by byte.
    pub(crate) mair: [u8; 8],
    /// TTBR0 (or VTTBR), TTBR1.
    pub(crate) ttbr: [Option<u64>; 2],
}

fn bit(word: u64, bit: u32) -> bool {
    word >> bit & 1 == 1
}

fn field(word: u64, high: u32, low: u32) -> u64 {
    word >> low & ((1 << (high - low + 1)) - 1)
}

impl Aarch64 {
    /// Index bits of a table: eight bytes per descriptor.
    fn stride(&self) -> u32 {
        self.granule - 3
    }

    /// The root: as few levels as resolve the input. Stage 2 may concatenate up to 16 tables instead of one more level.
    fn top(&self, table: u64) -> Place {
        let concatenated = if self.stage == Stage::Second { 4 } else { 0 };
        let mut level = 0;
        while self.bits > self.shift(level + 1) + concatenated {
            level += 1;
        }
        Place { table, level, entries: 1 << (self.bits - self.shift(level)) }
    }

    /// D8: where the output address lies.
    fn address(&self, word: u64) -> u64 {
        let kept = |top: u32| field(word, top, self.granule) << self.granule;
        match (self.wide, self.granule) {
            (false, _) => kept(47),
            (true, 16) => kept(47) | field(word, 15, 12) << 48,
            (true, _) => kept(49) | field(word, 9, 8) << 50,
        }
    }

    /// D8: levels that have blocks, counted from the pages.
    fn has_block(&self, level: u32) -> bool {
        match (self.granule, level) {
            (_, 1) => true,
            (12, 2) => true,
            (12, 3) | (14, 2) | (16, 2) => self.wide,
            _ => false,
        }
    }

    fn leaf(&self, word: u64, level: u32) -> Entry {
        if !bit(word, 10) {
            return Entry::Wrong("access flag clear");
        }
        let size = 1 << self.shift(level);
        if self.address(word) & (size - 1) != 0 {
            return Entry::Wrong("misaligned output address");
        }
        let memory = match self.stage {
            Stage::Second => stage2_type(field(word, 5, 2)),
            _ => mair_type(self.mair[field(word, 4, 2) as usize]),
        };
        let Some(memory) = memory else { return Entry::Wrong("reserved memory type") };
        let (privileged, user) = self.rights(word);
        Entry::Leaf(Leaf { phys: self.address(word), size, privileged, user, memory: MemoryType::Type(memory) })
    }

    /// D8: `AP[2:1]`, UXN/XN, PXN; S2AP and XN at stage 2. WXN and PAN are not assumed.
    fn rights(&self, word: u64) -> (May, May) {
        let nobody = May::default();
        match self.stage {
            Stage::Second => {
                let execute = match field(word, 54, 53) {
                    0 => true,
                    2 => false,
                    // FEAT_XNX splits the right by exception level, which no map here asks for.
                    _ => return (nobody, nobody),
                };
                (May { read: bit(word, 6), write: bit(word, 7), execute }, nobody)
            }
            Stage::Single => (May { read: true, write: !bit(word, 7), execute: !bit(word, 54) }, nobody),
            Stage::WithUser => {
                let open = bit(word, 6);
                let write = !bit(word, 7);
                // A page that the user may write is never executable for the privileged level.
                let user_writes = open && write;
                let execute = !bit(word, 53) && !user_writes;
                let user = May { read: open, write: user_writes, execute: !bit(word, 54) };
                (May { read: true, write, execute }, user)
            }
        }
    }
}

/// MAIR_ELx attribute bytes.
fn mair_type(byte: u8) -> Option<&'static str> {
    Some(match byte {
        0x00 => "device-nGnRnE",
        0x04 => "device-nGnRE",
        0x08 => "device-nGRE",
        0x0c => "device-GRE",
        0x44 => "normal-nc",
        0xbb => "normal-wt",
        0xff => "normal-wb",
        _ => return None,
    })
}

/// Stage 2 `MemAttr[3:0]` without FEAT_S2FWB.
fn stage2_type(bits: u64) -> Option<&'static str> {
    Some(match bits {
        0b0000 => "device-nGnRnE",
        0b0001 => "device-nGnRE",
        0b0010 => "device-nGRE",
        0b0011 => "device-GRE",
        0b0101 => "normal-nc",
        0b1010 => "normal-wt",
        0b1111 => "normal-wb",
        _ => return None,
    })
}

impl Machine for Aarch64 {
    fn root(&self, virt: u64) -> Option<Place> {
        let upper = virt >> self.bits == u64::MAX >> self.bits && self.stage == Stage::WithUser;
        let table = match (virt >> self.bits, upper) {
            (0, _) => self.ttbr[0]?,
            (_, true) => self.ttbr[1]?,
            _ => return None,
        };
        Some(self.top(table))
    }

    fn roots(&self) -> Vec<Place> {
        self.ttbr.iter().flatten().map(|table| self.top(*table)).collect()
    }

    fn shift(&self, level: u32) -> u32 {
        self.granule + level * self.stride()
    }

    fn entries(&self) -> u64 {
        1 << self.stride()
    }

    fn entry_bytes(&self) -> usize {
        8
    }

    fn page(&self) -> u64 {
        1 << self.granule
    }

    fn entry(&self, word: u64, level: u32) -> Entry {
        match (word & 3, level) {
            (0 | 2, _) => Entry::Absent,
            (3, 0) => self.leaf(word, level),
            (3, _) => Entry::Table(self.address(word)),
            (1, level) if self.has_block(level) => self.leaf(word, level),
            _ => Entry::Wrong("a block at a level without blocks"),
        }
    }

    /// D8: `APTable[1:0]`, UXNTable and PXNTable of table descriptors; they do not exist at stage 2.
    fn restrict(&self, word: u64, mut leaf: Leaf) -> Leaf {
        if self.stage == Stage::Second {
            return leaf;
        }
        let (no_user, no_write) = (bit(word, 61), bit(word, 62));
        if no_user {
            (leaf.user.read, leaf.user.write) = (false, false);
        }
        if no_write {
            (leaf.user.write, leaf.privileged.write) = (false, false);
        }
        match self.stage {
            Stage::WithUser => {
                leaf.privileged.execute &= !bit(word, 59);
                leaf.user.execute &= !bit(word, 60);
            }
            _ => leaf.privileged.execute &= !bit(word, 60),
        }
        leaf
    }
}
