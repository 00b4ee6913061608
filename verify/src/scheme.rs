//! What kind of tables there are: geometry, and the registers that give entries their meaning.

use std::fmt;

use anyhow::{Result, bail};
use clap::ValueEnum;

/// A family of tables, by its name in documents and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Family {
    /// AArch64, EL1&0, stage 1.
    #[value(name = "aarch64-stage1-el1")]
    El1,
    /// AArch64, EL2, stage 1.
    #[value(name = "aarch64-stage1-el2")]
    El2,
    /// AArch64, EL2&0, stage 1.
    #[value(name = "aarch64-stage1-el20")]
    El20,
    /// AArch64, EL3, stage 1.
    #[value(name = "aarch64-stage1-el3")]
    El3,
    /// AArch64, stage 2.
    #[value(name = "aarch64-stage2")]
    Stage2,
    /// RISC-V, two levels of 4-byte entries.
    #[value(name = "riscv-sv32")]
    Sv32,
    /// RISC-V, three levels.
    #[value(name = "riscv-sv39")]
    Sv39,
    /// RISC-V, four levels.
    #[value(name = "riscv-sv48")]
    Sv48,
    /// RISC-V, five levels.
    #[value(name = "riscv-sv57")]
    Sv57,
    /// RISC-V, three levels, with the memory attributes of T-Head's C9xx.
    #[value(name = "riscv-sv39-c9xx")]
    Sv39C9xx,
    /// RISC-V G-stage, two levels of 4-byte entries.
    #[value(name = "riscv-sv32x4")]
    Sv32x4,
    /// RISC-V G-stage, three levels.
    #[value(name = "riscv-sv39x4")]
    Sv39x4,
    /// RISC-V G-stage, four levels.
    #[value(name = "riscv-sv48x4")]
    Sv48x4,
    /// RISC-V G-stage, five levels.
    #[value(name = "riscv-sv57x4")]
    Sv57x4,
    /// x86-64, four levels.
    #[value(name = "x86_64-level4")]
    Level4,
    /// x86-64, five levels.
    #[value(name = "x86_64-level5")]
    Level5,
    /// x86 of 32 bits with physical address extension, three levels.
    #[value(name = "x86-pae")]
    Pae,
    /// x86 of 32 bits, two levels of 4-byte entries.
    #[value(name = "x86-legacy")]
    Legacy,
    /// Extended page tables.
    #[value(name = "ept")]
    Ept,
    /// ARMv7, PL1&0, long descriptors.
    #[value(name = "armv7-lpae")]
    Lpae,
    /// ARMv7, PL2, long descriptors.
    #[value(name = "armv7-lpae-pl2")]
    LpaePl2,
    /// ARMv7, stage 2.
    #[value(name = "armv7-lpae-stage2")]
    LpaeStage2,
    /// ARMv7, PL1&0, short descriptors: two levels of 4-byte entries.
    #[value(name = "armv7-short")]
    Short,
    /// LoongArch64, four levels.
    #[value(name = "loongarch64")]
    Loongarch64,
}

impl Family {
    /// The family of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|family| family.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it is one of AArch64.
    #[must_use]
    pub const fn is_aarch64(self) -> bool {
        matches!(self, Self::El1 | Self::El2 | Self::El20 | Self::El3 | Self::Stage2)
    }

    /// Whether it is one of RISC-V.
    #[must_use]
    pub const fn is_riscv(self) -> bool {
        matches!(self, Self::Sv32 | Self::Sv39 | Self::Sv39C9xx | Self::Sv48 | Self::Sv57) || self.is_g_stage()
    }

    /// Whether it is a G-stage of RISC-V.
    const fn is_g_stage(self) -> bool {
        matches!(self, Self::Sv32x4 | Self::Sv39x4 | Self::Sv48x4 | Self::Sv57x4)
    }

    /// Whether it is one of the long descriptors of ARMv7.
    #[must_use]
    pub const fn is_lpae(self) -> bool {
        matches!(self, Self::Lpae | Self::LpaePl2 | Self::LpaeStage2)
    }

    /// Whether one bit says that a page is the user's, and the same rights are for both.
    #[must_use]
    pub const fn has_user_bit(self) -> bool {
        self.is_riscv() || matches!(self, Self::Level4 | Self::Level5 | Self::Pae | Self::Legacy | Self::Ept)
    }

    /// Whether it translates what a guest takes for physical addresses.
    #[must_use]
    pub const fn is_guest(self) -> bool {
        matches!(self, Self::Stage2 | Self::Ept | Self::LpaeStage2) || self.is_g_stage()
    }

    /// Whether a kernel and its users share the tables, so that leaves have rights for both.
    #[must_use]
    pub const fn has_user(self) -> bool {
        !matches!(self, Self::El2 | Self::El3 | Self::LpaePl2) && !self.is_guest()
    }

    /// Input bits where there is no choice, or one that is usual.
    const fn usual_bits(self) -> Option<u32> {
        match self {
            Self::Sv32 | Self::Pae | Self::Legacy | Self::Short | Self::Lpae | Self::LpaePl2 => Some(32),
            Self::Sv32x4 => Some(34),
            Self::Sv39 | Self::Sv39C9xx => Some(39),
            Self::LpaeStage2 => Some(40),
            Self::Sv48 | Self::Level4 | Self::Ept | Self::Loongarch64 => Some(48),
            Self::Sv57 | Self::Level5 => Some(57),
            Self::Sv39x4 => Some(41),
            Self::Sv48x4 => Some(50),
            Self::Sv57x4 => Some(59),
            _ => None,
        }
    }
}

/// How input addresses reach a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halves {
    /// They count from 0.
    One,
    /// The top bit is extended through all bits above it; there is one root.
    Extended,
    /// Addresses that start with zeros and with ones have a root each.
    Split,
}

/// A kind of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The family.
    pub family: Family,
    /// log2 of the smallest leaf.
    pub page_shift: u32,
    /// Bits of an input address; where roots are split, of each half.
    pub input_bits: u32,
    /// Levels of tables, the root included. Level 0 is that of pages.
    pub levels: usize,
    /// AArch64: descriptors have 52-bit addresses where others have shareability (FEAT_LPA2).
    pub wide: bool,
    /// MAIR_ELx, or MAIR1 above MAIR0, if it is known.
    pub mair: Option<u64>,
    /// IA32_PAT, if it is known.
    pub pat: Option<u64>,
    /// AArch64: descriptors have an index of permissions in place of rights (FEAT_S1PIE).
    pub permissions: Option<Permissions>,
    /// Short descriptors of ARMv7: what TEX, C and B mean where these are indices (SCTLR.TRE = 1).
    pub remap: Option<Remap>,
}

/// Registers that say which memory an index of TEX\[0\], C and B means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remap {
    /// PRRR.
    pub primary: u32,
    /// NMRR.
    pub normal: u32,
}

/// Registers that say what an index of permissions grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// PIR_ELx.
    pub privileged: u64,
    /// PIRE0_ELx; 0 where there is no user.
    pub user: u64,
}

impl Scheme {
    /// A family with its only geometry, or with that of a granule (log2) and a number of input bits.
    ///
    /// # Errors
    /// There are no such tables.
    pub fn new(family: Family, page_shift: u32, input_bits: Option<u32>) -> Result<Self> {
        let Some(bits) = input_bits.or(family.usual_bits()) else {
            bail!("{} needs a number of input bits", family.name());
        };
        let granules: &[u32] = if family.is_aarch64() { &[12, 14, 16] } else { &[12] };
        if !granules.contains(&page_shift) {
            bail!("{} has no pages of 2^{page_shift} bytes", family.name());
        }
        let limits = match family {
            Family::Ept => 48..=57,
            // TTBCR, HTCR: T0SZ of 0 to 7. VTCR: T0SZ of -8 to 7 (DDI 0406, B3.6).
            Family::Lpae | Family::LpaePl2 => 25..=32,
            Family::LpaeStage2 => 25..=40,
            _ if family.is_aarch64() => page_shift + 1..=56,
            _ => family.usual_bits().map_or(0..=0, |usual| usual..=usual),
        };
        if !limits.contains(&bits) {
            bail!("{} has no {bits} input bits", family.name());
        }
        let (levels, wide) = (1, false);
        let (mair, pat, permissions, remap) = (None, None, None, None);
        let mut scheme = Self { family, page_shift, input_bits: bits, levels, wide, mair, pat, permissions, remap };
        while scheme.shift(scheme.levels) + scheme.widened() < bits {
            scheme.levels += 1;
        }
        Ok(scheme)
    }

    /// log2 of how many tables a root may be made of, at most.
    const fn widened(&self) -> u32 {
        match self.family {
            Family::Short => 4,
            Family::Stage2 | Family::LpaeStage2 => 4,
            family if family.is_g_stage() => 2,
            _ => 0,
        }
    }

    /// Bytes of an entry.
    #[must_use]
    pub const fn entry_bytes(&self) -> u64 {
        if matches!(self.family, Family::Sv32 | Family::Sv32x4 | Family::Legacy | Family::Short) { 4 } else { 8 }
    }

    /// Bytes of the smallest leaf.
    #[must_use]
    pub const fn page_bytes(&self) -> u64 {
        1 << self.page_shift
    }

    /// Bytes of a table that is not a root: a page, and 1 KiB with short descriptors.
    #[must_use]
    pub const fn table_bytes(&self) -> u64 {
        if matches!(self.family, Family::Short) { 1 << 10 } else { self.page_bytes() }
    }

    /// log2 of the bytes that an entry covers.
    #[must_use]
    pub const fn shift(&self, level: usize) -> u32 {
        self.page_shift + level as u32 * (self.table_bytes() / self.entry_bytes()).trailing_zeros()
    }

    /// Bytes that an entry covers.
    #[must_use]
    pub const fn leaf_bytes(&self, level: usize) -> u64 {
        1 << self.shift(level)
    }

    /// Entries of a table.
    #[must_use]
    pub const fn entries(&self, level: usize) -> u64 {
        if level + 1 == self.levels {
            1 << (self.input_bits - self.shift(level))
        } else {
            self.table_bytes() / self.entry_bytes()
        }
    }

    /// Tables that make one root.
    #[must_use]
    pub const fn root_tables(&self) -> u64 {
        (self.entries(self.levels - 1) * self.entry_bytes()).div_ceil(self.table_bytes())
    }

    /// How input addresses reach a root.
    #[must_use]
    pub const fn halves(&self) -> Halves {
        match self.family {
            Family::El1 | Family::El20 | Family::Loongarch64 => Halves::Split,
            Family::Sv39 | Family::Sv39C9xx | Family::Sv48 | Family::Sv57 => Halves::Extended,
            Family::Level4 | Family::Level5 => Halves::Extended,
            _ => Halves::One,
        }
    }

    /// An address that an index into a root starts at, as programs write it.
    #[must_use]
    pub const fn extended(&self, address: u64) -> u64 {
        match self.halves() {
            Halves::Extended if address >> (self.input_bits - 1) & 1 == 1 => address | !0 << self.input_bits,
            _ => address,
        }
    }

    /// The first address of the upper half of split roots. On LoongArch the bit that tells the halves apart is one that
    /// tables translate, too.
    #[must_use]
    pub const fn upper_start(&self) -> u64 {
        !0 << if matches!(self.family, Family::Loongarch64) { self.input_bits - 1 } else { self.input_bits }
    }

    /// The entries of a root for addresses from `start` on that addresses reach, first and end.
    #[must_use]
    pub const fn reached(&self, start: u64) -> (u64, u64) {
        let all = self.entries(self.levels - 1);
        match self.family {
            Family::Loongarch64 if start == 0 => (0, all / 2),
            Family::Loongarch64 => (all / 2, all),
            _ => (0, all),
        }
    }

    /// Value of a slot of MAIR_ELx or IA32_PAT.
    pub(crate) fn slot(register: Option<u64>, slot: u8) -> Option<u8> {
        register.map(|value| value.to_le_bytes()[usize::from(slot & 7)])
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let granule = self.page_bytes() >> 10;
        write!(f, "{}, {granule} KiB pages, {} bits, {} levels", self.family.name(), self.input_bits, self.levels)?;
        f.write_str(if self.wide { ", 52-bit addresses" } else { "" })?;
        f.write_str(if self.permissions.is_some() { ", permission indices" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometry_is_that_of_the_manuals() {
        for (family, shift, bits, levels, root_entries, root_tables) in [
            (Family::El1, 12, 39, 3, 512, 1),
            (Family::El1, 12, 48, 4, 512, 1),
            (Family::El1, 12, 52, 5, 16, 1),
            (Family::El2, 14, 47, 3, 2048, 1),
            (Family::El1, 14, 48, 4, 2, 1),
            (Family::El1, 16, 42, 2, 8192, 1),
            (Family::El3, 16, 52, 3, 1024, 1),
            (Family::El1, 12, 36, 3, 64, 1),
            (Family::Stage2, 12, 40, 3, 1024, 2),
            (Family::Stage2, 12, 43, 3, 8192, 16),
            (Family::Stage2, 12, 44, 4, 32, 1),
            (Family::Sv32, 12, 32, 2, 1024, 1),
            (Family::Sv39, 12, 39, 3, 512, 1),
            (Family::Sv57, 12, 57, 5, 512, 1),
            (Family::Sv32x4, 12, 34, 2, 4096, 4),
            (Family::Sv39x4, 12, 41, 3, 2048, 4),
            (Family::Sv48x4, 12, 50, 4, 2048, 4),
            (Family::Level5, 12, 57, 5, 512, 1),
            (Family::Ept, 12, 48, 4, 512, 1),
            (Family::Pae, 12, 32, 3, 4, 1),
            (Family::Legacy, 12, 32, 2, 1024, 1),
            (Family::Lpae, 12, 32, 3, 4, 1),
            (Family::Lpae, 12, 30, 2, 512, 1),
            (Family::LpaeStage2, 12, 40, 3, 1024, 2),
            (Family::LpaeStage2, 12, 32, 2, 2048, 4),
            (Family::Short, 12, 32, 2, 4096, 16),
            (Family::Loongarch64, 12, 48, 4, 512, 1),
        ] {
            let scheme = Scheme::new(family, shift, Some(bits)).expect("exists");
            let found = (scheme.levels, scheme.entries(scheme.levels - 1), scheme.root_tables());
            assert_eq!(found, (levels, root_entries, root_tables), "{scheme}");
        }
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for (family, shift, bits) in [
            (Family::El1, 13, Some(39)),
            (Family::El1, 12, None),
            (Family::El1, 12, Some(12)),
            (Family::El1, 12, Some(64)),
            (Family::Sv39, 12, Some(40)),
            (Family::Sv39, 14, None),
            (Family::Ept, 12, Some(64)),
            (Family::Lpae, 12, Some(33)),
            (Family::LpaeStage2, 12, Some(41)),
            (Family::Short, 12, Some(31)),
            (Family::Loongarch64, 14, None),
        ] {
            assert!(Scheme::new(family, shift, bits).is_err(), "{family:?} {shift} {bits:?}");
        }
    }

    #[test]
    fn addresses_are_extended_from_their_top_bit() {
        let scheme = Scheme::new(Family::Sv39, 12, None).expect("exists");
        assert_eq!(scheme.extended(0x40_0000_0000), 0xffff_ffc0_0000_0000);
        assert_eq!(scheme.extended(0x3f_ffff_f000), 0x3f_ffff_f000);
        assert_eq!(Scheme::new(Family::El1, 12, Some(39)).expect("exists").upper_start(), 0xffff_ff80_0000_0000);
        let scheme = Scheme::new(Family::Loongarch64, 12, None).expect("exists");
        let upper = scheme.upper_start();
        assert_eq!((upper, scheme.reached(0), scheme.reached(upper)), (0xffff_8000_0000_0000, (0, 256), (256, 512)));
    }

    #[test]
    fn families_have_the_names_of_documents() {
        for name in ["aarch64-stage1-el20", "riscv-sv39x4", "x86_64-level5", "ept", "armv7-lpae-pl2", "loongarch64"] {
            assert_eq!(Family::named(name).expect(name).name(), name);
        }
        assert_eq!(Family::named("other"), None);
    }
}
