//! System registers, and their values as a declaration implies them (DDI 0487 J.a, D19.2).
//!
//! One declaration gives the tables and the registers, so that the two cannot disagree: granule, widths, shareability,
//! memory types, the update of accessed and dirty bits, and the identifier all come from [`words`].

use tock_registers::register_bitfields;

use super::Vmsa;
use super::entry::Translation;
use super::granule::GranuleSize;
use super::indirect::Permissions;
use crate::attr::Features;
use crate::format::Format;
use crate::layout;
use crate::map::{Map, Space};
use crate::space::{Declared, Roots};

register_bitfields! {u64,
    /// TCR_EL1, and TCR_EL2 with HCR_EL2.E2H = 1 (D19.2).
    pub(super) TCR_TWO [
        T0SZ OFFSET(0) NUMBITS(6) [],
        EPD0 OFFSET(7) NUMBITS(1) [],
        IRGN0 OFFSET(8) NUMBITS(2) [WriteBack = 1],
        ORGN0 OFFSET(10) NUMBITS(2) [WriteBack = 1],
        SH0 OFFSET(12) NUMBITS(2) [Inner = 3],
        TG0 OFFSET(14) NUMBITS(2) [KiB4 = 0, KiB64 = 1, KiB16 = 2],
        T1SZ OFFSET(16) NUMBITS(6) [],
        A1 OFFSET(22) NUMBITS(1) [],
        EPD1 OFFSET(23) NUMBITS(1) [],
        IRGN1 OFFSET(24) NUMBITS(2) [WriteBack = 1],
        ORGN1 OFFSET(26) NUMBITS(2) [WriteBack = 1],
        SH1 OFFSET(28) NUMBITS(2) [Inner = 3],
        TG1 OFFSET(30) NUMBITS(2) [KiB16 = 1, KiB4 = 2, KiB64 = 3],
        IPS OFFSET(32) NUMBITS(3) [],
        AS OFFSET(36) NUMBITS(1) [],
        HA OFFSET(39) NUMBITS(1) [],
        HD OFFSET(40) NUMBITS(1) [],
        DS OFFSET(59) NUMBITS(1) []
    ],
    /// TCR_EL2 with HCR_EL2.E2H = 0, and TCR_EL3 (D19.2).
    pub(super) TCR_ONE [
        T0SZ OFFSET(0) NUMBITS(6) [],
        IRGN0 OFFSET(8) NUMBITS(2) [WriteBack = 1],
        ORGN0 OFFSET(10) NUMBITS(2) [WriteBack = 1],
        SH0 OFFSET(12) NUMBITS(2) [Inner = 3],
        TG0 OFFSET(14) NUMBITS(2) [KiB4 = 0, KiB64 = 1, KiB16 = 2],
        PS OFFSET(16) NUMBITS(3) [],
        HA OFFSET(21) NUMBITS(1) [],
        HD OFFSET(22) NUMBITS(1) [],
        RES1_23 OFFSET(23) NUMBITS(1) [],
        RES1_31 OFFSET(31) NUMBITS(1) [],
        DS OFFSET(32) NUMBITS(1) []
    ],
    /// VTCR_EL2 (D19.2).
    pub(super) VTCR [
        T0SZ OFFSET(0) NUMBITS(6) [],
        SL0 OFFSET(6) NUMBITS(2) [],
        IRGN0 OFFSET(8) NUMBITS(2) [WriteBack = 1],
        ORGN0 OFFSET(10) NUMBITS(2) [WriteBack = 1],
        SH0 OFFSET(12) NUMBITS(2) [Inner = 3],
        TG0 OFFSET(14) NUMBITS(2) [KiB4 = 0, KiB64 = 1, KiB16 = 2],
        PS OFFSET(16) NUMBITS(3) [],
        VS OFFSET(19) NUMBITS(1) [],
        HA OFFSET(21) NUMBITS(1) [],
        HD OFFSET(22) NUMBITS(1) [],
        RES1_31 OFFSET(31) NUMBITS(1) [],
        DS OFFSET(32) NUMBITS(1) [],
        SL2 OFFSET(33) NUMBITS(1) []
    ],
    /// TTBR0_ELx, TTBR1_ELx and VTTBR_EL2 (D19.2): identifier, and bits 51:48 of a root in bits 5:2 where
    /// addresses have 52 bits.
    pub(super) TTBR [
        CNP OFFSET(0) NUMBITS(1) [],
        ROOT_51_48 OFFSET(2) NUMBITS(4) [],
        IDENTIFIER OFFSET(48) NUMBITS(16) []
    ],
    /// SCTLR_ELx (D19.2), the fields that all Exception levels have.
    pub(super) SCTLR [
        M OFFSET(0) NUMBITS(1) [],
        C OFFSET(2) NUMBITS(1) [],
        SA OFFSET(3) NUMBITS(1) [],
        I OFFSET(12) NUMBITS(1) [],
        WXN OFFSET(19) NUMBITS(1) []
    ],
    /// HCR_EL2 (D19.2).
    pub(super) HCR [
        VM OFFSET(0) NUMBITS(1) [],
        TGE OFFSET(27) NUMBITS(1) [],
        E2H OFFSET(34) NUMBITS(1) [],
        FWB OFFSET(46) NUMBITS(1) []
    ],
    /// CTR_EL0 (D19.2).
    pub(super) CTR [
        DMIN_LINE OFFSET(16) NUMBITS(4) []
    ],
    /// CurrentEL (C5.2.2).
    pub(super) CURRENT_EL [
        EL OFFSET(2) NUMBITS(2) []
    ],
    /// ID_AA64MMFR0_EL1 (D19.2).
    pub(super) MMFR0 [
        PA_RANGE OFFSET(0) NUMBITS(4) [],
        ASID_BITS OFFSET(4) NUMBITS(4) [Sixteen = 2],
        TGRAN16 OFFSET(20) NUMBITS(4) [],
        TGRAN64 OFFSET(24) NUMBITS(4) [],
        TGRAN4 OFFSET(28) NUMBITS(4) [],
        TGRAN16_2 OFFSET(32) NUMBITS(4) [],
        TGRAN64_2 OFFSET(36) NUMBITS(4) [],
        TGRAN4_2 OFFSET(40) NUMBITS(4) []
    ],
    /// ID_AA64MMFR1_EL1 (D19.2).
    pub(super) MMFR1 [
        HAFDBS OFFSET(0) NUMBITS(4) [],
        VMID_BITS OFFSET(4) NUMBITS(4) [Sixteen = 2]
    ],
    /// ID_AA64MMFR2_EL1 (D19.2).
    pub(super) MMFR2 [
        VA_RANGE OFFSET(16) NUMBITS(4) [],
        ST OFFSET(28) NUMBITS(4) [],
        BBM OFFSET(52) NUMBITS(4) []
    ],
    /// ID_AA64MMFR3_EL1 (D19.2).
    pub(super) MMFR3 [
        S1PIE OFFSET(8) NUMBITS(4) []
    ],
    /// ID_AA64PFR1_EL1 (D19.2).
    pub(super) PFR1 [
        BT OFFSET(0) NUMBITS(4) [],
        MTE OFFSET(8) NUMBITS(4) []
    ],
    /// ID_AA64ISAR0_EL1 (D19.2).
    pub(super) ISAR0 [
        TLB OFFSET(56) NUMBITS(4) []
    ],
    /// ID_AA64ISAR1_EL1 (D19.2).
    pub(super) ISAR1 [
        XS OFFSET(56) NUMBITS(4) []
    ]
}

/// What the registers of a regime hold for one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The regime.
    pub translation: Translation,
    /// The granule.
    pub granule: GranuleSize,
    /// MAIR_ELx; 0 at stage 2, which has none.
    pub mair: u64,
    /// TCR_ELx or VTCR_EL2. IPS or PS is 0 where the declaration leaves the output width open.
    pub tcr: u64,
    /// Bits to add to `tcr` where there is no root for the lower and for the upper half.
    pub no_root: (u64, u64),
    /// ASID or VMID, where TTBR0_ELx or VTTBR_EL2 has it.
    pub identifier: u64,
    /// PIR_ELx and PIRE0_ELx, where descriptors hold permission indices.
    pub indirect: Option<Permissions>,
    /// Roots may have 52 address bits.
    pub wide: bool,
    /// Output bits as declared; what the CPU has, if `None`.
    pub pa_bits: Option<u32>,
    /// Output bits that the declared resources need.
    pub output_bits: u32,
    /// Input bits.
    pub input_bits: u32,
    /// What the CPU must have: the declared features, and those of the format.
    pub required: Features,
}

/// The registers of a space: a constant for each declared space.
pub trait Derive<S: Declared> {
    /// Their values.
    const WORDS: Words;
}

impl<R: Vmsa, S: Declared<Regime = R>> Derive<S> for R {
    const WORDS: Words = words(R::TRANSLATION, R::GRANULE, S::MAP, S::INDEX, &S::FORMAT);
}

/// The registers of space number `space` of `map`, whose tables have `format`.
#[must_use]
pub const fn words(
    translation: Translation,
    granule: GranuleSize,
    map: &Map<'_>,
    space: usize,
    format: &Format,
) -> Words {
    let space = &map.spaces[space];
    let mut words = Words::of(translation, granule, format, layout::features(map), updates(space));
    words.identifier = TTBR::IDENTIFIER.val(identifier(space)).value;
    words.pa_bits = map.cpu.pa_bits;
    words.output_bits = resource_bits(map);
    if let Some(bits) = map.cpu.pa_bits {
        words.tcr |= words.output_size(output_size(bits));
    }
    words
}

impl Words {
    /// The registers for any space whose tables have `format`, on a CPU with `features`: hardware updates accessed and dirty
    /// bits with `updates`. The identifier is 0, and the output width what the CPU has.
    #[must_use]
    #[inline(always)]
    pub(super) const fn of(
        translation: Translation,
        granule: GranuleSize,
        format: &Format,
        features: Features,
        updates: bool,
    ) -> Self {
        let wide = format.wide.is_none();
        let control = Control { granule, format, updates, features, wide };
        let (tcr, no_root) = match translation {
            Translation::El1 | Translation::El2And0 => {
                (control.two_halves(), (TCR_TWO::EPD0::SET.value, TCR_TWO::EPD1::SET.value))
            }
            Translation::El2 | Translation::El3 => (control.one_range(), (0, 0)),
            Translation::Stage2 => (control.stage2(), (0, 0)),
        };
        let indirect = Permissions::of(format, features);
        let pie = if matches!(translation, Translation::El3) && indirect.is_some() { TCR_EL3_PIE } else { 0 };
        Self {
            translation,
            granule,
            mair: if format.guest { 0 } else { u64::from_le_bytes(format.memory_register.slots) },
            tcr: tcr | pie,
            no_root,
            identifier: 0,
            indirect,
            wide,
            pa_bits: None,
            output_bits: 0,
            input_bits: format.input_bits,
            required: features.union(format.mode).union(format.needs),
        }
    }

    /// TCR_ELx or VTCR_EL2 on a CPU whose ID_AA64MMFR0_EL1.PARange is `pa_range`.
    #[must_use]
    #[inline(always)]
    pub const fn control(&self, pa_range: u64, roots: Roots) -> u64 {
        let mut tcr = self.tcr;
        if self.pa_bits.is_none() {
            let most = if self.wide { 6 } else { 5 };
            tcr |= self.output_size(if pa_range < most { pa_range } else { most });
        }
        if roots.lower.is_none() {
            tcr |= self.no_root.0;
        }
        if roots.upper.is_none() {
            tcr |= self.no_root.1;
        }
        tcr
    }

    /// TTBRn_ELx or VTTBR_EL2 of a root, without an identifier.
    #[must_use]
    #[inline(always)]
    pub const fn root(&self, address: u64) -> u64 {
        let high = if self.wide { (address >> 48 & 0xf) << TTBR::ROOT_51_48.shift } else { 0 };
        (address & ((1 << 48) - 1)) | high
    }

    /// The output width that a control register has.
    #[must_use]
    pub(super) fn output_bits_of(&self, control: u64) -> u32 {
        output_bits(match self.translation {
            Translation::El1 | Translation::El2And0 => TCR_TWO::IPS.read(control),
            Translation::El2 | Translation::El3 => TCR_ONE::PS.read(control),
            Translation::Stage2 => VTCR::PS.read(control),
        })
    }

    /// The root in TTBRn_ELx or VTTBR_EL2.
    #[must_use]
    pub(super) const fn root_in(&self, word: u64) -> u64 {
        if self.wide {
            (word & ((1 << 48) - (1 << 6))) | (word >> TTBR::ROOT_51_48.shift & 0xf) << 48
        } else {
            word & ((1 << 48) - (1 << 1))
        }
    }

    #[inline(always)]
    pub(super) const fn output_size(&self, field: u64) -> u64 {
        match self.translation {
            Translation::El1 | Translation::El2And0 => (field & 7) << TCR_TWO::IPS.shift,
            Translation::El2 | Translation::El3 => (field & 7) << TCR_ONE::PS.shift,
            Translation::Stage2 => (field & 7) << VTCR::PS.shift,
        }
    }
}

/// TCR2_EL1.PIE and TCR2_EL2.PIE (D19.2): permissions are indirect.
pub(super) const TCR2_PIE: u64 = 1 << 1;
/// TCR_EL3.PIE, which has the bit in the register itself.
pub(super) const TCR_EL3_PIE: u64 = 1 << 35;

/// PARange, IPS and PS: the encoding of the least output size of at least `bits` (D19.2).
const fn output_size(bits: u32) -> u64 {
    let mut field = 0;
    while field < 6 && output_bits(field) < bits {
        field += 1;
    }
    field
}

/// The output size that PARange, IPS or PS encodes; values from 6 on count as 52, the most a descriptor here can hold.
#[inline(always)]
pub(super) const fn output_bits(field: u64) -> u32 {
    match field {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        5 => 48,
        _ => 52,
    }
}

/// Bits that the end of the highest resource takes.
const fn resource_bits(map: &Map<'_>) -> u32 {
    let mut last = 0;
    let mut i = 0;
    while i < map.resources.len() {
        let resource = &map.resources[i];
        let end = resource.base.saturating_add(resource.size.saturating_sub(1));
        last = if end > last { end } else { last };
        i += 1;
    }
    u64::BITS - last.leading_zeros()
}

const fn updates(space: &Space<'_>) -> bool {
    match space.tables {
        Some(tables) => tables.hw_ad,
        None => false,
    }
}

const fn identifier(space: &Space<'_>) -> u64 {
    match space.asid {
        Some(asid) => asid as u64,
        None => 0,
    }
}

/// What a control register is made of. Walks are cacheable and Inner Shareable, as the tables are Normal memory.
struct Control<'a> {
    granule: GranuleSize,
    format: &'a Format,
    updates: bool,
    features: Features,
    wide: bool,
}

impl Control<'_> {
    const fn size_offset(&self) -> u64 {
        64 - self.format.input_bits as u64
    }

    /// TCR_ELx.DS: descriptors with 52-bit addresses. With the 64 KiB granule they need no bit.
    const fn descriptor_size(&self) -> bool {
        self.wide && !matches!(self.granule, GranuleSize::SixtyFour)
    }

    const fn two_halves(&self) -> u64 {
        let (tg0, tg1) = match self.granule {
            GranuleSize::Four => (TCR_TWO::TG0::KiB4.value, TCR_TWO::TG1::KiB4.value),
            GranuleSize::Sixteen => (TCR_TWO::TG0::KiB16.value, TCR_TWO::TG1::KiB16.value),
            GranuleSize::SixtyFour => (TCR_TWO::TG0::KiB64.value, TCR_TWO::TG1::KiB64.value),
        };
        let lower = TCR_TWO::T0SZ.val(self.size_offset()).value
            | TCR_TWO::IRGN0::WriteBack.value
            | TCR_TWO::ORGN0::WriteBack.value
            | TCR_TWO::SH0::Inner.value
            | tg0;
        let upper = TCR_TWO::T1SZ.val(self.size_offset()).value
            | TCR_TWO::IRGN1::WriteBack.value
            | TCR_TWO::ORGN1::WriteBack.value
            | TCR_TWO::SH1::Inner.value
            | tg1;
        lower
            | upper
            | TCR_TWO::AS.val(self.features.contains(Features::ASID16) as u64).value
            | TCR_TWO::HA.val(self.updates as u64).value
            | TCR_TWO::HD.val(self.updates as u64).value
            | TCR_TWO::DS.val(self.descriptor_size() as u64).value
    }

    const fn one_range(&self) -> u64 {
        let tg0 = match self.granule {
            GranuleSize::Four => TCR_ONE::TG0::KiB4.value,
            GranuleSize::Sixteen => TCR_ONE::TG0::KiB16.value,
            GranuleSize::SixtyFour => TCR_ONE::TG0::KiB64.value,
        };
        TCR_ONE::T0SZ.val(self.size_offset()).value
            | TCR_ONE::IRGN0::WriteBack.value
            | TCR_ONE::ORGN0::WriteBack.value
            | TCR_ONE::SH0::Inner.value
            | tg0
            | TCR_ONE::HA.val(self.updates as u64).value
            | TCR_ONE::HD.val(self.updates as u64).value
            | TCR_ONE::RES1_23::SET.value
            | TCR_ONE::RES1_31::SET.value
            | TCR_ONE::DS.val(self.descriptor_size() as u64).value
    }

    const fn stage2(&self) -> u64 {
        let tg0 = match self.granule {
            GranuleSize::Four => VTCR::TG0::KiB4.value,
            GranuleSize::Sixteen => VTCR::TG0::KiB16.value,
            GranuleSize::SixtyFour => VTCR::TG0::KiB64.value,
        };
        VTCR::T0SZ.val(self.size_offset()).value
            | self.start_level()
            | VTCR::IRGN0::WriteBack.value
            | VTCR::ORGN0::WriteBack.value
            | VTCR::SH0::Inner.value
            | tg0
            | VTCR::VS.val(self.features.contains(Features::ASID16) as u64).value
            | VTCR::HA.val(self.updates as u64).value
            | VTCR::HD.val(self.updates as u64).value
            | VTCR::RES1_31::SET.value
            | VTCR::DS.val(self.descriptor_size() as u64).value
    }

    /// SL0 and SL2 (D8, "stage 2 initial lookup level"): levels of lookup by granule.
    const fn start_level(&self) -> u64 {
        let (sl2, sl0) = match (self.granule, self.format.levels) {
            (GranuleSize::Four, 1) => (0, 3),
            (GranuleSize::Four, 5) => (1, 0),
            (GranuleSize::Four, levels) => (0, levels as u64 - 2),
            (_, levels) => (0, levels as u64 - 1),
        };
        VTCR::SL0.val(sl0).value | VTCR::SL2.val(sl2).value
    }
}
