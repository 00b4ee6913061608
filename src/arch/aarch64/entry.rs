//! Descriptors of VMSAv8-64 as a [`Format`] (DDI 0487 J.a, D8 "Translation table descriptor formats").

use tock_registers::fields::Field;

use super::effects;
use super::granule::GranuleSize;
use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{
    AddressField, Effect, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, Moves, NOT_ENCODABLE, Pattern,
    RawField,
};

/// Descriptor fields, laid out as in DDI 0487 J.a, D8 "Translation table descriptor formats".
pub(super) mod descriptor {
    use tock_registers::register_bitfields;

    register_bitfields! {u64,
        /// Bits that every kind of descriptor has (D8).
        pub ANY [
            /// The descriptor means something.
            VALID OFFSET(0) NUMBITS(1) [],
            /// 0 for a block, 1 for a table; 1 for a page at the last level.
            TYPE OFFSET(1) NUMBITS(1) [Block = 0, TableOrPage = 1]
        ],
        /// Stage 1 block and page (D8).
        pub STAGE1 [
            /// Slot of MAIR_ELx (D8).
            ATTR_INDX OFFSET(2) NUMBITS(3) [],
            /// AP[1]: unprivileged access. No meaning where a regime has one Exception level.
            AP_USER OFFSET(6) NUMBITS(1) [],
            /// AP[2]: no writes (D8).
            AP_READ_ONLY OFFSET(7) NUMBITS(1) [],
            /// Shareability; output address bits 51:50 with TCR_ELx.DS = 1.
            SH OFFSET(8) NUMBITS(2) [Non = 0b00, Outer = 0b10, Inner = 0b11],
            /// Access flag.
            AF OFFSET(10) NUMBITS(1) [],
            /// Not global: belongs to the current ASID.
            NG OFFSET(11) NUMBITS(1) [],
            /// Guarded page (FEAT_BTI).
            GP OFFSET(50) NUMBITS(1) [],
            /// Dirty bit modifier: a first write makes a read-only descriptor writable (FEAT_HAFDBS).
            DBM OFFSET(51) NUMBITS(1) [],
            /// One of a contiguous run (D8).
            CONTIGUOUS OFFSET(52) NUMBITS(1) [],
            /// Not executable at EL1; RES0 with one Exception level.
            PXN OFFSET(53) NUMBITS(1) [],
            /// Not executable at EL0; XN with one Exception level.
            UXN OFFSET(54) NUMBITS(1) [],
            /// For software.
            SOFTWARE OFFSET(55) NUMBITS(4) []
        ],
        /// Stage 1 table (D8): what holds for everything below it. NSTable (bit 63) is not looked at.
        pub TABLE [
            /// Not executable at EL1; RES0 with one Exception level.
            PXN OFFSET(59) NUMBITS(1) [],
            /// Not executable at EL0; not executable at all with one Exception level.
            UXN OFFSET(60) NUMBITS(1) [],
            /// APTable[0]: no unprivileged access; RES0 with one Exception level.
            AP_NO_USER OFFSET(61) NUMBITS(1) [],
            /// APTable[1]: no writes.
            AP_READ_ONLY OFFSET(62) NUMBITS(1) []
        ],
        /// Stage 2 block and page (D8), FEAT_S2FWB off.
        pub STAGE2 [
            /// Memory type (D8 "Stage 2 memory type and Cacheability attributes when FEAT_S2FWB is disabled").
            MEM_ATTR OFFSET(2) NUMBITS(4) [
                DeviceNgnrne = 0b0000, DeviceNgnre = 0b0001, DeviceNgre = 0b0010, DeviceGre = 0b0011,
                NormalNc = 0b0101, NormalWt = 0b1010, NormalWb = 0b1111
            ],
            /// S2AP[0]: reads (D8).
            S2AP_READ OFFSET(6) NUMBITS(1) [],
            /// S2AP[1]: writes.
            S2AP_WRITE OFFSET(7) NUMBITS(1) [],
            /// XN[1:0]; `No` is the encoding that does not need FEAT_XNX.
            XN OFFSET(53) NUMBITS(2) [Execute = 0b00, No = 0b10]
        ]
    }
}

use descriptor::{ANY, STAGE1, STAGE2};

/// Bits of a whole field.
pub(super) const fn mask<R: tock_registers::RegisterLongName>(field: Field<u64, R>) -> u64 {
    field.mask << field.shift
}

/// Which tables: the translation regime and stage (D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Translation {
    /// EL1&0, stage 1.
    El1,
    /// EL2, stage 1.
    El2,
    /// EL3, stage 1.
    El3,
    /// EL2&0, stage 1.
    El2And0,
    /// EL1&0, stage 2.
    Stage2,
}

impl Translation {
    /// As the manual writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::El1 => "EL1",
            Self::El2 => "EL2",
            Self::El3 => "EL3",
            Self::El2And0 => "EL2&0",
            Self::Stage2 => "stage 2",
        }
    }

    /// Two Exception levels share the tables; there are two halves and ASIDs.
    const fn has_user(self) -> bool {
        matches!(self, Self::El1 | Self::El2And0)
    }

    const fn is_stage2(self) -> bool {
        matches!(self, Self::Stage2)
    }
}

/// What a format is made of.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    translation: Translation,
    granule: GranuleSize,
    bits: u32,
}

impl Shape {
    /// Widths of 64 bits and more count as 63, which no granule has either, so that shifts by the width stay defined.
    pub(super) const fn new(translation: Translation, granule: GranuleSize, bits: u32) -> Self {
        Self { translation, granule, bits: if bits > 63 { 63 } else { bits } }
    }

    /// The least number of lookup levels: at stage 2 the root may be up to 16 tables (D8).
    const fn levels(&self) -> usize {
        let concatenated = if self.translation.is_stage2() { 4 } else { 0 };
        let mut levels = 1;
        while levels < self.granule.max_levels() && self.granule.shift(levels) + concatenated < self.bits {
            levels += 1;
        }
        levels
    }

    /// Stage 2 with a root of pages; VTCR_EL2.SL0 = 3 with the 4 KiB granule is part of FEAT_TTST.
    const fn starts_at_pages(&self) -> bool {
        self.translation.is_stage2() && self.levels() == 1
    }

    const fn needs(&self) -> Features {
        let (least, greatest) = self.granule.input_bits();
        let small = self.bits < 25 || (self.starts_at_pages() && matches!(self.granule, GranuleSize::Four));
        if self.bits < least || self.bits > greatest {
            Features::NONE
        } else if small {
            Features::TTST
        } else if self.bits > 48 && !self.translation.is_stage2() {
            self.granule.wide_input()
        } else {
            Features::NONE
        }
    }

    /// Level 0 is the last one; blocks exist at the levels that D8 gives them.
    const fn level(&self, level: usize, wide: bool) -> LevelFormat {
        let valid = mask(ANY::VALID);
        let kind = mask(ANY::TYPE);
        let form = match (level, self.granule) {
            (0 | 1, _) | (2, GranuleSize::Four) => LeafForm::Always,
            (2, _) | (3, GranuleSize::Four) => LeafForm::With(self.granule.wide_output()),
            _ => LeafForm::None,
        };
        let exists = match form {
            LeafForm::Always => true,
            LeafForm::With(_) => wide,
            LeafForm::None => false,
        };
        // A block that needs 52-bit addresses is reserved in the descriptors without them.
        let page = if level == 0 { ANY::TYPE::TableOrPage.value } else { ANY::TYPE::Block.value };
        LevelFormat {
            shift: self.granule.shift(level),
            bits: self.granule.index_bits(),
            form,
            moves: Moves::NONE,
            leaf: if exists { Pattern { mask: valid | kind, value: valid | page } } else { Pattern::NEVER },
            leaf_set: valid | page | mask(STAGE1::AF),
            table: if level == 0 { Pattern::NEVER } else { Pattern { mask: valid | kind, value: valid | kind } },
            table_set: valid | kind,
            memory: 0,
            inherit: if level == 0 { &[] } else { self.inherit() },
        }
    }

    /// Stage 2 has no hierarchical permissions.
    const fn inherit(&self) -> &'static [Effect] {
        match self.translation {
            Translation::El1 | Translation::El2And0 => effects::TWO_LEVEL_POINTER,
            Translation::El2 | Translation::El3 => effects::ONE_LEVEL_POINTER,
            Translation::Stage2 => &[],
        }
    }

    const fn all_levels(&self, wide: bool) -> [LevelFormat; MAX_LEVELS] {
        let mut levels = [LevelFormat::NONE; MAX_LEVELS];
        let mut i = 0;
        while i < self.granule.max_levels() {
            levels[i] = self.level(i, wide);
            i += 1;
        }
        levels
    }

    /// Output address: bits 47:12 in place; with LPA2 49:12 in place and 51:50 in bits 9:8; with LPA 47:16 in place and
    /// 51:48 in bits 15:12 (D8).
    const fn address(&self, wide: bool) -> AddressField {
        let top = if wide && !matches!(self.granule, GranuleSize::SixtyFour) { 50 } else { 48 };
        let field = AddressField::in_place((1 << top) - (1 << self.granule.page_shift()));
        match (wide, self.granule) {
            (false, _) => field,
            (true, GranuleSize::SixtyFour) => AddressField { high_from: 48, high_bits: 4, high_to: 12, ..field },
            (true, _) => AddressField { high_from: 50, high_bits: 2, high_to: 8, ..field },
        }
    }

    /// Whether bits 9:8 are address and shareability comes from the control register (TCR_ELx.DS = 1).
    const fn shared_by_register(&self, wide: bool) -> bool {
        wide && !matches!(self.granule, GranuleSize::SixtyFour)
    }

    const fn rights(&self) -> [u64; 64] {
        let mut table = [NOT_ENCODABLE; 64];
        let mut i = 0;
        while i < 64 {
            let access = Access::from_index(i);
            table[i] = match self.translation {
                Translation::El1 | Translation::El2And0 => two_levels(access),
                Translation::El2 | Translation::El3 => one_level(access),
                Translation::Stage2 => stage2(access),
            };
            i += 1;
        }
        table
    }

    /// AP[1] counts only where there is a user: with one Exception level its value is ignored. DBM is part of the rights,
    /// so that whoever takes the right to write takes it, too; no encoding sets it.
    const fn rights_mask(&self) -> u64 {
        let rights = match self.translation {
            Translation::El1 | Translation::El2And0 => {
                mask(STAGE1::AP_USER) | mask(STAGE1::AP_READ_ONLY) | mask(STAGE1::PXN) | mask(STAGE1::UXN)
            }
            Translation::El2 | Translation::El3 => mask(STAGE1::AP_READ_ONLY) | mask(STAGE1::UXN),
            Translation::Stage2 => mask(STAGE2::S2AP_READ) | mask(STAGE2::S2AP_WRITE) | mask(STAGE2::XN),
        };
        rights | mask(STAGE1::DBM)
    }

    /// Shareability of each type: Normal memory is Inner Shareable, Device memory is always Outer Shareable.
    const fn share(&self, wide: bool) -> [u64; MemoryType::COUNT] {
        let mut share = [0; MemoryType::COUNT];
        let mut i = 0;
        while i < MemoryType::COUNT && !self.shared_by_register(wide) {
            let memory = MemoryType::ALL[i];
            if !memory.is_device() && !memory.is(MemoryType::NormalWbNsh) {
                share[i] = STAGE1::SH::Inner.value;
            }
            i += 1;
        }
        share
    }

    /// The byte of MAIR_ELx behind each type (D19.2); not shareable is no choice of an entry with TCR_ELx.DS = 1.
    const fn mair_value(&self, memory: MemoryType, wide: bool) -> u16 {
        match memory {
            MemoryType::DeviceNgnrne => 0x00,
            MemoryType::DeviceNgnre => 0x04,
            MemoryType::DeviceNgre => 0x08,
            MemoryType::DeviceGre => 0x0c,
            MemoryType::NormalNc => 0x44,
            MemoryType::NormalWt => 0xbb,
            MemoryType::NormalWb => 0xff,
            MemoryType::NormalWbNsh if !self.shared_by_register(wide) => 0xff,
            MemoryType::NormalWbRa => 0xee,
            MemoryType::NormalWbTransient => 0x77,
            MemoryType::NormalTagged => 0xf0,
            MemoryType::NormalWbNsh | MemoryType::Inherent | MemoryType::WriteProtected => u16::MAX,
        }
    }

    const fn memory_register(&self, wide: bool) -> MemoryRegister {
        if self.translation.is_stage2() {
            return MemoryRegister::NONE;
        }
        let mut value = [u16::MAX; MemoryType::COUNT];
        let mut i = 0;
        while i < MemoryType::COUNT {
            value[i] = self.mair_value(MemoryType::ALL[i], wide);
            i += 1;
        }
        MemoryRegister {
            name: "mair",
            legal: LEGAL_MAIR,
            gated: [(0xf0, Features::MTE), (0x40, Features::XS), (0xa0, Features::XS)],
            value,
            slots: DEFAULT_MAIR,
        }
    }

    /// Stage 2 has the type in the entry. Allocation hints and tags are the first stage's business, so the types that
    /// differ from write-back only in those are write-back here.
    const fn stage2_memory(&self, memory: MemoryType, share: u64, wide: bool) -> u64 {
        let bits = match memory {
            MemoryType::DeviceNgnrne => STAGE2::MEM_ATTR::DeviceNgnrne.value,
            MemoryType::DeviceNgnre => STAGE2::MEM_ATTR::DeviceNgnre.value,
            MemoryType::DeviceNgre => STAGE2::MEM_ATTR::DeviceNgre.value,
            MemoryType::DeviceGre => STAGE2::MEM_ATTR::DeviceGre.value,
            MemoryType::NormalNc => STAGE2::MEM_ATTR::NormalNc.value,
            MemoryType::NormalWt => STAGE2::MEM_ATTR::NormalWt.value,
            MemoryType::NormalWbNsh if self.shared_by_register(wide) => return NOT_ENCODABLE,
            MemoryType::Inherent | MemoryType::WriteProtected => return NOT_ENCODABLE,
            _ => STAGE2::MEM_ATTR::NormalWb.value,
        };
        bits | share
    }

    const fn memory(&self, wide: bool) -> [u64; MemoryType::COUNT] {
        let share = self.share(wide);
        let mut table = [NOT_ENCODABLE; MemoryType::COUNT];
        let mut i = 0;
        while i < MemoryType::COUNT {
            let memory = MemoryType::ALL[i];
            if self.translation.is_stage2() {
                table[i] = self.stage2_memory(memory, share[i], wide);
            } else if let Some(slot) = slot_of(self.mair_value(memory, wide)) {
                table[i] = SLOT_BITS[slot] | share[i];
            }
            i += 1;
        }
        table
    }

    const fn memory_mask(&self, wide: bool) -> u64 {
        let index = if self.translation.is_stage2() { mask(STAGE2::MEM_ATTR) } else { mask(STAGE1::ATTR_INDX) };
        if self.shared_by_register(wide) { index } else { index | mask(STAGE1::SH) }
    }

    /// The access flag; and where DBM is set, which this crate never does, a first write clears AP[2] or sets S2AP[1].
    const fn hardware_sets(&self) -> u64 {
        let dirty = if self.translation.is_stage2() { mask(STAGE2::S2AP_WRITE) } else { mask(STAGE1::AP_READ_ONLY) };
        mask(STAGE1::AF) | dirty
    }

    const fn asid_bits(&self) -> (u32, u32, Features) {
        match self.translation {
            Translation::El2 | Translation::El3 => (0, 0, Features::NONE),
            _ => (8, 16, Features::ASID16),
        }
    }
}

/// What MAIR_ELx holds unless a map asks for something else.
const DEFAULT_MAIR: [u8; 8] = [0x04, 0xff, 0x44, 0x00, 0xbb, 0x08, 0x0c, 0xee];

/// AttrIndx of each slot.
const SLOT_BITS: [u64; 8] = {
    let mut bits = [0; 8];
    let mut i = 0;
    while i < 8 {
        bits[i] = STAGE1::ATTR_INDX.val(i as u64).value;
        i += 1;
    }
    bits
};

/// Values of MAIR_ELx bytes that are defined without optional features: `0b0000dd00`, and two nibbles that are not zero.
const LEGAL_MAIR: [u64; 4] = {
    let mut legal = [0u64; 4];
    let mut value = 0;
    while value < 256 {
        let (high, low) = (value >> 4, value & 15);
        if (high == 0 && low % 4 == 0) || (high != 0 && low != 0) {
            legal[value / 64] |= 1 << (value % 64);
        }
        value += 1;
    }
    legal
};

const fn slot_of(value: u16) -> Option<usize> {
    let mut i = 0;
    while i < 8 {
        if DEFAULT_MAIR[i] as u16 == value {
            return Some(i);
        }
        i += 1;
    }
    None
}

/// Stage 1 permissions with EL0 (D8): the privileged level can always read, the user has the same data rights or
/// none, and what the user may write is never privileged-executable.
const fn two_levels(access: Access) -> u64 {
    let (privileged, user) = (access.privileged, access.user);
    let shared = user.data().is(privileged.data());
    let contradiction = user.contains(Rights::W) && privileged.contains(Rights::X);
    if !privileged.contains(Rights::R) || !(shared || user.data().is_empty()) || contradiction {
        return NOT_ENCODABLE;
    }
    let mut bits = 0;
    if !user.data().is_empty() {
        bits |= mask(STAGE1::AP_USER);
    }
    if !privileged.contains(Rights::W) {
        bits |= mask(STAGE1::AP_READ_ONLY);
    }
    if !privileged.contains(Rights::X) {
        bits |= mask(STAGE1::PXN);
    }
    if !user.contains(Rights::X) {
        bits |= mask(STAGE1::UXN);
    }
    bits
}

/// Stage 1 permissions of a regime with one Exception level (D8): AP[2] and XN.
const fn one_level(access: Access) -> u64 {
    if !access.privileged.contains(Rights::R) || !access.user.is_empty() {
        return NOT_ENCODABLE;
    }
    let mut bits = 0;
    if !access.privileged.contains(Rights::W) {
        bits |= mask(STAGE1::AP_READ_ONLY);
    }
    if !access.privileged.contains(Rights::X) {
        bits |= mask(STAGE1::UXN);
    }
    bits
}

/// Stage 2 permissions (D8): S2AP and XN are independent, and both Exception levels of the guest share them.
const fn stage2(access: Access) -> u64 {
    if !access.user.is_empty() {
        return NOT_ENCODABLE;
    }
    let mut bits = 0;
    if access.privileged.contains(Rights::R) {
        bits |= mask(STAGE2::S2AP_READ);
    }
    if access.privileged.contains(Rights::W) {
        bits |= mask(STAGE2::S2AP_WRITE);
    }
    if !access.privileged.contains(Rights::X) {
        bits |= STAGE2::XN::No.value;
    }
    bits
}

/// The format of `shape`. `wide` is the same format with 52-bit addresses; `None` asks for that one itself.
pub(super) const fn format(shape: &Shape, name: &'static str, wide: Option<&'static Format>) -> Format {
    let is_wide = wide.is_none();
    let stage2 = shape.translation.is_stage2();
    let user = shape.translation.has_user();
    let granule = shape.granule;
    let memory = shape.memory(is_wide);
    Format {
        name,
        page_shift: granule.page_shift(),
        table_shift: granule.page_shift(),
        levels: shape.levels(),
        level: shape.all_levels(is_wide),
        entry_bytes: 8,
        input_bits: shape.bits,
        range_bits: shape.bits,
        upper_half: user,
        split_roots: user,
        legal_input_bits: granule.input_bits(),
        output_bits: 48,
        wide_output: granule.wide_output(),
        max_output_bits: if is_wide { 52 } else { 48 },
        max_root_tables: if stage2 { 16 } else { 1 },
        deep_start: if stage2 { granule.deep_start() } else { (MAX_LEVELS, 0) },
        present: mask(ANY::VALID),
        address: shape.address(is_wide),
        rights: shape.rights(),
        rights_mask: shape.rights_mask(),
        implied: effects::implied(shape.translation),
        updating: effects::updating(shape.translation),
        memory: [memory, memory],
        memory_mask: [shape.memory_mask(is_wide); 2],
        inherent_memory: false,
        memory_override: Features::NONE,
        memory_gate: [(MemoryType::NormalTagged, Features::MTE)],
        memory_register: shape.memory_register(is_wide),
        memory_slot: [SLOT_BITS, SLOT_BITS],
        memory_share: shape.share(is_wide),
        // MemAttr 4, 8 and 12 are reserved without FEAT_S2FWB and FEAT_MTE_PERM.
        raw_memory: if stage2 {
            RawField { shift: 2, bits: 4, reserved: 1 << 4 | 1 << 8 | 1 << 12 }
        } else {
            RawField { shift: 0, bits: 0, reserved: 0 }
        },
        runs: granule.runs(mask(STAGE1::CONTIGUOUS)),
        global: 0,
        block_global: 0,
        not_global: if user { mask(STAGE1::NG) } else { 0 },
        software: (55, 4),
        guarded: if stage2 { 0 } else { mask(STAGE1::GP) },
        // AF is part of `leaf_set`, and a writable leaf (AP[2] = 0, S2AP[1] = 1) is dirty: hardware has nothing to add.
        accessed: 0,
        table_accessed: 0,
        dirty: 0,
        always_updates: false,
        update_feature: Features::HAFDBS,
        hardware_sets: shape.hardware_sets(),
        dirty_read_only: Features::NONE,
        guest: stage2,
        user,
        user_required: false,
        write_only: stage2,
        break_before_make: true,
        free_resize: Features::BBML2,
        asid_bits: shape.asid_bits(),
        asid_feature: Features::NONE,
        mode: granule.feature(),
        wide: match wide {
            Some(wide) => Some((granule.wide_output(), wide)),
            None => None,
        },
        needs: shape.needs(),
        default_features: Features::NONE,
        no_execute: Features::NONE,
        free_rights: if stage2 { Features::NONE } else { Features::S1PIE },
        rights_slot: super::indirect::permission_indices(),
    }
}
