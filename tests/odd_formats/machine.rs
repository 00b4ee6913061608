//! What hardware makes of a word: bit numbers from the manuals, and nothing of the library but the names of rights.

use tablature::attr::Rights;

/// What a page translates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) address: u64,
    pub(crate) write: bool,
    pub(crate) execute: bool,
}

/// What a word says.
enum Word {
    Fault,
    Table(u64),
    /// Address of the first byte, log2 of the bytes, writes, execution.
    Leaf(u64, u32, bool, bool),
}

/// A walker.
pub(crate) struct Machine {
    /// Where the window of the test starts: shortly below a border of the highest levels.
    pub(crate) base: u64,
    /// Rights that entries can say.
    pub(crate) rights: &'static [Rights],
    bytes: u64,
    /// Lowest bit that each level translates, the last one first, and the number of index bits.
    levels: &'static [(u32, u32)],
    read: fn(word: u64, level: usize, shift: u32) -> Word,
}

impl Machine {
    pub(crate) fn translate(&self, root: u64, virt: u64, entry: impl Fn(u64) -> u64) -> Option<Page> {
        let mut table = root;
        for (level, &(shift, bits)) in self.levels.iter().enumerate().rev() {
            let index = virt >> shift & ((1 << bits) - 1);
            match (self.read)(entry(table + index * self.bytes), level, shift) {
                Word::Fault => return None,
                Word::Table(next) => table = next,
                Word::Leaf(address, shift, write, execute) => {
                    let inside = virt & ((1 << shift) - 1);
                    assert_eq!(address & ((1 << shift) - 1), 0, "a leaf that is not aligned: {address:#x}");
                    return Some(Page { address: (address | inside) & !0xfff, write, execute });
                }
            }
        }
        unreachable!("a table below the last level")
    }

    /// Whether a page with these rights can be executed.
    pub(crate) fn executes(&self, rights: Rights) -> bool {
        rights.contains(Rights::X)
    }
}

const ALL: &[Rights] = &[Rights::R, Rights::RW, Rights::RX, Rights::RWX];

const fn bit(word: u64, n: u32) -> bool {
    word >> n & 1 == 1
}

pub(crate) const SHORT: Machine = Machine {
    base: 0x7ff0_0000,
    rights: ALL,
    bytes: 4,
    levels: &[(12, 8), (20, 12)],
    read: |word, level, _| match (level, word & 3) {
        (_, 0) => Word::Fault,
        (1, 1) => Word::Table(word & 0xffff_fc00),
        (1, _) => Word::Leaf(word & 0xfff0_0000, 20, !bit(word, 15), !bit(word, 4)),
        (_, 1) => Word::Leaf(word & 0xffff_0000, 16, !bit(word, 9), !bit(word, 15)),
        (_, _) => Word::Leaf(word & 0xffff_f000, 12, !bit(word, 9), !bit(word, 0)),
    },
};

/// A long descriptor, which `write` says can be written.
fn long(word: u64, level: usize, shift: u32, write: bool) -> Word {
    let address = word & 0xff_ffff_f000;
    match (level, word & 3) {
        (_, 0 | 2) => Word::Fault,
        (1.., 3) => Word::Table(address),
        (1.., _) | (0, 3) => Word::Leaf(address, shift, write, !bit(word, 54)),
        _ => panic!("{word:#x} is reserved"),
    }
}

pub(crate) const LPAE: Machine = Machine {
    base: 0xbff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 2)],
    read: |word, level, shift| long(word, level, shift, !bit(word, 7)),
};

pub(crate) const LPAE_STAGE2: Machine = Machine {
    base: 0x7f_fff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 10)],
    read: |word, level, shift| long(word, level, shift, bit(word, 7)),
};

fn riscv(word: u64, shift: u32) -> Word {
    match word & 0xf {
        entry if entry & 1 == 0 => Word::Fault,
        1 => Word::Table((word >> 10 & 0xfff_ffff_ffff) << 12),
        _ => Word::Leaf((word >> 10 & 0xfff_ffff_ffff) << 12, shift, bit(word, 2), bit(word, 3)),
    }
}

pub(crate) const SV32: Machine = Machine {
    base: 0x7ff0_0000,
    rights: ALL,
    bytes: 4,
    levels: &[(12, 10), (22, 10)],
    read: |word, _, shift| riscv(word, shift),
};

/// A leaf of the G-stage belongs to user mode, and a hart without Svadu asks for A and D.
pub(crate) const SV39X4: Machine = Machine {
    base: 0x1ff_bff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 11)],
    read: |word, _, shift| {
        assert!(word & 0xf < 2 || word & 0xd0 == 0xd0, "{word:#x}");
        riscv(word, shift)
    },
};

/// Memory is C, B, SH; a pointer has none of them.
pub(crate) const SV39_C9XX: Machine = Machine {
    base: 0x3fff_f000_0000 & 0x3f_ffff_ffff,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 9)],
    read: |word, _, shift| {
        assert_eq!(word >> 54, if word & 0xe == 0 { 0 } else { 0b01_1100_0000 }, "{word:#x}");
        riscv(word, shift)
    },
};

/// There is no execute-disable.
pub(crate) const LEGACY32: Machine = Machine {
    base: 0xbff0_0000,
    rights: &[Rights::RX, Rights::RWX],
    bytes: 4,
    levels: &[(12, 10), (22, 10)],
    read: |word, level, shift| match (bit(word, 0), level == 0 || bit(word, 7)) {
        (false, _) => Word::Fault,
        (true, true) => Word::Leaf(word & 0xffff_f000, shift, bit(word, 1), true),
        (true, false) => {
            assert_eq!(word & 6, 6, "pointers grant all");
            Word::Table(word & 0xffff_f000)
        }
    },
};

pub(crate) const PAE: Machine = Machine {
    base: 0xbff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 2)],
    read: |word, level, shift| {
        let address = word & 0xf_ffff_ffff_f000;
        match (bit(word, 0), level) {
            (false, _) => Word::Fault,
            (_, 2) => {
                assert_eq!(word & (0b1_1110_0110 | 0xfff << 52), 0, "reserved in the page-directory-pointer table");
                Word::Table(address)
            }
            (_, 1) if !bit(word, 7) => Word::Table(address),
            _ => Word::Leaf(address, shift, bit(word, 1), !bit(word, 63)),
        }
    },
};

/// Write-back is type 6.
pub(crate) const EPT4: Machine = Machine {
    base: 0x7f_fff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 9), (39, 9)],
    read: |word, level, shift| {
        let address = word & 0xf_ffff_ffff_f000;
        match word & 7 {
            0 => Word::Fault,
            7 if level > 0 && !bit(word, 7) => Word::Table(address),
            rights => {
                assert!(rights & 1 == 1 && word >> 3 & 7 == 6 && level < 2, "{word:#x} is a misconfiguration");
                Word::Leaf(address, shift, bit(word, 1), bit(word, 2))
            }
        }
    },
};

/// What `LDDIR` and `LDPTE` take.
pub(crate) const LA64: Machine = Machine {
    base: 0x7f_fff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 9), (39, 9)],
    read: |word, level, shift| {
        let address = word & 0xffff_ffff_f000;
        match (level, bit(word, 6), bit(word, 0)) {
            (1.., false, _) if word == 0 => Word::Fault,
            (1.., false, _) => {
                assert_eq!(word & 0xfff, 0, "a directory is an address");
                Word::Table(address)
            }
            (_, _, false) => Word::Fault,
            // Bit 12 of a huge page is G.
            (1.., true, _) => Word::Leaf(address & !0x1000, shift, bit(word, 1), !bit(word, 62)),
            _ => Word::Leaf(address, shift, bit(word, 1), !bit(word, 62)),
        }
    },
};

/// Svnapot: N is bit 63, and the low bits of the page number of a 64 KiB run are 1000.
pub(crate) const SV39_NAPOT: Machine = Machine {
    base: 0x3f_bff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 9)],
    read: |word, level, shift| {
        if !bit(word, 63) || word & 1 == 0 {
            return riscv(word, shift);
        }
        assert_eq!((word >> 10 & 0xf, level), (0b1000, 0), "{word:#x}");
        Word::Leaf((word >> 14 & 0xff_ffff_ffff) << 16, 16, bit(word, 2), bit(word, 3))
    },
};

/// EL1: PXN is bit 53.
pub(crate) const EL1: Machine = Machine {
    base: 0x3f_bff0_0000,
    rights: ALL,
    bytes: 8,
    levels: &[(12, 9), (21, 9), (30, 9)],
    read: |word, level, shift| {
        let address = word & 0xffff_ffff_f000;
        match (level, word & 3) {
            (_, 0 | 2) => Word::Fault,
            (1.., 3) => Word::Table(address),
            (1.., _) | (0, 3) => Word::Leaf(address, shift, !bit(word, 7), !bit(word, 53)),
            _ => panic!("{word:#x} is reserved"),
        }
    },
};
