//! What depends on the granule alone (DDI 0487 J.a, D8).

use crate::attr::Features;
use crate::format::Run;

/// The size of a translation granule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GranuleSize {
    /// 4 KiB.
    Four,
    /// 16 KiB.
    Sixteen,
    /// 64 KiB.
    SixtyFour,
}

impl GranuleSize {
    /// log2 of the page size.
    #[must_use]
    pub const fn page_shift(self) -> u32 {
        match self {
            Self::Four => 12,
            Self::Sixteen => 14,
            Self::SixtyFour => 16,
        }
    }

    /// Index bits of a table.
    #[must_use]
    pub const fn index_bits(self) -> u32 {
        self.page_shift() - 3
    }

    /// Lookup levels that exist: up to level -1, level 0 and level 1 of the manual (D8).
    pub(super) const fn max_levels(self) -> usize {
        match self {
            Self::Four => 5,
            Self::Sixteen => 4,
            Self::SixtyFour => 3,
        }
    }

    /// The granule as a feature (ID_AA64MMFR0_EL1.TGran4, TGran16, TGran64).
    pub(super) const fn feature(self) -> Features {
        match self {
            Self::Four => Features::GRANULE_4K,
            Self::Sixteen => Features::GRANULE_16K,
            Self::SixtyFour => Features::GRANULE_64K,
        }
    }

    /// What 52-bit output addresses need, and blocks at the level above the largest ordinary ones.
    pub(super) const fn wide_output(self) -> Features {
        match self {
            Self::Four | Self::Sixteen => Features::LPA2,
            Self::SixtyFour => Features::LPA,
        }
    }

    /// What more than 48 input bits need at stage 1.
    pub(super) const fn wide_input(self) -> Features {
        match self {
            Self::Four | Self::Sixteen => Features::LPA2,
            Self::SixtyFour => Features::LVA,
        }
    }

    /// Least and greatest input width: T0SZ at most 48, or 47 with the 64 KiB granule (FEAT_TTST), and 12 at least.
    pub(super) const fn input_bits(self) -> (u32, u32) {
        match self {
            Self::Four | Self::Sixteen => (16, 52),
            Self::SixtyFour => (17, 52),
        }
    }

    /// Levels of stage 2 that need physical address bits, and how many (`AArch64.S2InvalidSL`).
    pub(super) const fn deep_start(self) -> (usize, u32) {
        match self {
            Self::Four => (4, 44),
            Self::Sixteen => (3, 42),
            Self::SixtyFour => (3, 44),
        }
    }

    /// Contiguous runs by level, marked with `set`: 16, 16, 16 entries; 128 and 32; 32 and 32 (D8).
    pub(super) const fn runs(self, set: u64) -> [Run; 3] {
        let entries = match self {
            Self::Four => [16, 16, 16],
            Self::Sixteen => [128, 32, 0],
            Self::SixtyFour => [32, 32, 0],
        };
        let mut runs = [Run::NONE; 3];
        let mut level = 0;
        while level < 3 {
            if entries[level] != 0 {
                runs[level] = Run {
                    size: entries[level] << self.shift(level),
                    level,
                    set,
                    fold: false,
                    feature: Features::NONE,
                    leaf: None,
                };
            }
            level += 1;
        }
        runs
    }

    /// log2 of the bytes that an entry covers; level 0 is the last one.
    pub(super) const fn shift(self, level: usize) -> u32 {
        self.page_shift() + self.index_bits() * level as u32
    }
}
