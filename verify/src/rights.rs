//! Rights, memory types, and what a leaf grants.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Some of read, write, execute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// Read.
    pub const R: Self = Self(1);
    /// Write.
    pub const W: Self = Self(2);
    /// Execute.
    pub const X: Self = Self(4);
    /// All.
    pub const ALL: Self = Self(7);

    /// Those rights whose flag is up.
    #[must_use]
    pub const fn when(read: bool, write: bool, execute: bool) -> Self {
        Self(read as u8 | (write as u8) << 1 | (execute as u8) << 2)
    }

    /// Both together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Reading and writing only.
    #[must_use]
    pub const fn data(self) -> Self {
        Self(self.0 & 3)
    }

    /// Whether it has all of these.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As the notation writes it; empty for none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["", "r", "w", "rw", "x", "rx", "wx", "rwx"][(self.0 & 7) as usize]
    }

    /// The rights of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        (0..8).map(Self).find(|rights| rights.name() == name)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_empty() { "-" } else { self.name() })
    }
}

impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::named(&text).ok_or_else(|| de::Error::custom(format!("`{text}` are no rights such as rx")))
    }
}

/// A memory type as an entry has it, with what the registers say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// AArch64, stage 1: a slot of MAIR_ELx, its value, and bits 9:8 where these are shareability.
    Mair {
        /// AttrIndx.
        slot: u8,
        /// What the register holds there, if that is known.
        value: Option<u8>,
        /// SH; `None` where the control register decides.
        share: Option<u8>,
    },
    /// AArch64, stage 2: MemAttr, and shareability.
    Stage2 {
        /// MemAttr\[3:0\].
        attribute: u8,
        /// SH; `None` where the control register decides.
        share: Option<u8>,
    },
    /// RISC-V: PBMT.
    Pbmt(u8),
    /// x86: a slot of PAT, and its value.
    Pat {
        /// PAT, PCD, PWT.
        slot: u8,
        /// What the register holds there, if that is known.
        value: Option<u8>,
    },
    /// Extended page tables: the memory type, and whether PAT of the guest is ignored.
    Ept {
        /// Bits 5:3.
        kind: u8,
        /// Bit 6.
        ignore_pat: bool,
    },
    /// Short descriptors of ARMv7, as without TEX remap.
    Short {
        /// TEX, C, B.
        attribute: u8,
        /// S.
        shareable: bool,
    },
    /// LoongArch: MAT.
    Mat(u8),
    /// T-Head: strongly ordered, cacheable, bufferable, shareable, and the secure world's.
    C9xx(u8),
}

/// Normal memory that several CPUs cache coherently.
const INNER: u8 = 3;

impl Memory {
    /// The name of the notation for it, where it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Mair { value, share, .. } => mair_name(value?, share),
            Self::Stage2 { attribute, share } => stage2_name(attribute, share),
            Self::Pbmt(value) => ["inherent", "normal_nc", "device_nGnRnE"].get(usize::from(value)).copied(),
            Self::Pat { value, .. } => x86_name(value?),
            Self::Ept { kind, .. } => x86_name(kind),
            Self::Short { attribute, shareable } => short_name(attribute, shareable),
            Self::C9xx(value) => c9xx_name(value),
            Self::Mat(value) => ["device_nGnRnE", "normal_wb", "normal_nc"].get(usize::from(value)).copied(),
        }
    }

    /// Whether it is what a document calls `name`. A format that cannot tell two names apart takes both.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        let device = name.starts_with("device_");
        match self {
            Self::Mair { .. } => self.name() == Some(name),
            // Allocation hints and tags are the first stage's business.
            Self::Stage2 { .. } => {
                let plain = match name {
                    "normal_wb_ra" | "normal_wb_transient" | "normal_tagged" => "normal_wb",
                    _ => name,
                };
                self.name() == Some(plain)
            }
            // What no override asks for is as the bus has it.
            Self::Pbmt(0) => matches!(name, "inherent" | "normal_wb" | "normal_tagged"),
            Self::Pbmt(2) => device,
            Self::Pat { .. } | Self::Ept { .. } | Self::Mat(_) if device => self.name() == Some("device_nGnRnE"),
            _ => self.name() == Some(name),
        }
    }
}

/// MAIR_ELx (DDI 0487, D19.2): `0b0000dd00` is Device memory; otherwise the nibbles are outer and inner Normal memory.
fn mair_name(value: u8, share: Option<u8>) -> Option<&'static str> {
    let normal = |name| (share.unwrap_or(INNER) == INNER).then_some(name);
    match value {
        0x00 => Some("device_nGnRnE"),
        0x04 => Some("device_nGnRE"),
        0x08 => Some("device_nGRE"),
        0x0c => Some("device_GRE"),
        0x44 => Some("normal_nc"),
        0xbb => normal("normal_wt"),
        0xff if share == Some(0) => Some("normal_wb_nsh"),
        0xff => normal("normal_wb"),
        0xee => normal("normal_wb_ra"),
        0x77 => normal("normal_wb_transient"),
        0xf0 => normal("normal_tagged"),
        _ => None,
    }
}

/// Stage 2 MemAttr with FEAT_S2FWB off (DDI 0487, D8).
fn stage2_name(attribute: u8, share: Option<u8>) -> Option<&'static str> {
    let normal = |name| (share.unwrap_or(INNER) == INNER).then_some(name);
    match attribute {
        0b0000 => Some("device_nGnRnE"),
        0b0001 => Some("device_nGnRE"),
        0b0010 => Some("device_nGRE"),
        0b0011 => Some("device_GRE"),
        0b0101 => Some("normal_nc"),
        0b1010 => normal("normal_wt"),
        0b1111 if share == Some(0) => Some("normal_wb_nsh"),
        0b1111 => normal("normal_wb"),
        _ => None,
    }
}

/// B3.8 of DDI 0406: strongly-ordered memory, Device memory that is shareable, and Normal memory. Of this the names mean the
/// shareable one, which several CPUs cache coherently; uncached it is shared in any case. With the top bit, outer and inner
/// caches have two bits each.
fn short_name(attribute: u8, shareable: bool) -> Option<&'static str> {
    match (attribute, shareable) {
        (0b0_0000, _) => Some("device_nGnRnE"),
        (0b0_0001, _) => Some("device_nGnRE"),
        (0b0_0100 | 0b1_0000, _) => Some("normal_nc"),
        (0b0_0010 | 0b1_1010, true) => Some("normal_wt"),
        (0b0_0011 | 0b1_1111, true) => Some("normal_wb_ra"),
        (0b0_0111 | 0b1_0101, true) => Some("normal_wb"),
        (0b0_0111 | 0b1_0101, false) => Some("normal_wb_nsh"),
        _ => None,
    }
}

/// What Linux writes for memory, memory that is not cached, and devices; a device with B acknowledges writes early.
fn c9xx_name(value: u8) -> Option<&'static str> {
    match value {
        0b0_1110 => Some("normal_wb"),
        0b0_0110 => Some("normal_nc"),
        0b1_0010 => Some("device_nGnRnE"),
        0b1_0100 => Some("device_nGnRE"),
        _ => None,
    }
}

/// Memory types of PAT and EPT (SDM 3A, "Memory Type That Can Be Encoded With PAT"). UC- is not UC: MTRRs turn it into
/// write-combining.
fn x86_name(value: u8) -> Option<&'static str> {
    match value {
        0 => Some("device_nGnRnE"),
        1 => Some("normal_nc"),
        4 => Some("normal_wt"),
        5 => Some("wp"),
        6 => Some("normal_wb"),
        _ => None,
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: Option<u8>| match share {
            Some(0) => ", not shareable",
            Some(2) => ", outer shareable",
            _ => "",
        };
        let text = match (*self, self.name()) {
            (Self::Pat { value: Some(0), .. } | Self::Ept { kind: 0, .. }, _) => "uncacheable".to_owned(),
            (Self::Pat { value: Some(1), .. } | Self::Ept { kind: 1, .. }, _) => "write-combining".to_owned(),
            (Self::Pat { value: Some(7), .. }, _) => "uncached (UC-)".to_owned(),
            (Self::Pbmt(2), _) => "device (IO)".to_owned(),
            (_, Some(name)) => name.to_owned(),
            (Self::Mair { value: Some(value), share: bits, .. }, _) => format!("MAIR {value:#04x}{}", share(bits)),
            (Self::Mair { slot, share: bits, .. }, _) => format!("AttrIndx {slot}{}", share(bits)),
            (Self::Stage2 { attribute, share: bits }, _) => format!("MemAttr {attribute:#06b}{}", share(bits)),
            (Self::Pbmt(value), _) => format!("PBMT {value}"),
            (Self::Pat { slot, value: None }, _) => format!("PAT slot {slot}"),
            (Self::Pat { value: Some(value), .. }, _) => format!("PAT {value:#x}"),
            (Self::Ept { kind, .. }, _) => format!("EPT type {kind}"),
            (Self::Short { attribute, shareable }, _) => {
                format!("TEX, C, B {attribute:#07b}{}", if shareable { "" } else { ", not shareable" })
            }
            (Self::Mat(value), _) => format!("MAT {value}"),
            (Self::C9xx(value), _) => format!("SO, C, B, SH, SEC {value:#07b}"),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_have_one_name_each() {
        for name in ["", "r", "w", "rw", "x", "rx", "wx", "rwx"] {
            assert_eq!(Rights::named(name).expect(name).name(), name);
        }
        assert_eq!(Rights::named("wr"), None);
        assert_eq!(Rights::when(true, false, true), Rights::R.or(Rights::X));
    }

    #[test]
    fn shareability_is_part_of_the_type_where_entries_have_it() {
        let memory = |value, share| Memory::Mair { slot: 1, value: Some(value), share };
        assert!(memory(0xff, Some(3)).is("normal_wb"));
        assert!(!memory(0xff, Some(2)).is("normal_wb"));
        assert!(memory(0xff, Some(0)).is("normal_wb_nsh"));
        assert!(memory(0xff, None).is("normal_wb"));
        assert!(memory(0x04, Some(0)).is("device_nGnRE"));
        assert!(!memory(0x04, Some(0)).is("device_nGnRnE"));
        assert_eq!(Memory::Mair { slot: 1, value: None, share: None }.name(), None);
    }

    #[test]
    fn formats_that_know_fewer_types_take_several_names() {
        assert!(Memory::Pbmt(0).is("normal_wb") && Memory::Pbmt(0).is("inherent"));
        assert!(!Memory::Pbmt(0).is("device_nGnRE") && !Memory::Pbmt(1).is("normal_wb"));
        assert!(Memory::Pbmt(2).is("device_nGnRE"));
        let pat = |value| Memory::Pat { slot: 3, value: Some(value) };
        assert!(pat(0).is("device_nGnRE") && !pat(7).is("device_nGnRE"));
        assert!(pat(6).is("normal_wb") && !pat(6).is("normal_wt"));
    }
}
