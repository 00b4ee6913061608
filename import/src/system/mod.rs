//! A system of address spaces as data: what [`notation`](crate::notation) writes and [`twin`](crate::twin) judges.
//!
//! The fields are those of the library's `map`, owned and with text where the library has a type. Every one is known and
//! unknown ones are refused, so that what is read from JSON is either read completely or said not to be.

mod options;
mod space;

use serde::{Deserialize, Deserializer};

pub use options::{Options, Parent, Pool, Range};
pub use space::{Image, Raw, Region, RightsText, Round, Section, Space, Tables, Waive};

/// An address, a size or a plain number: hexadecimal text, decimal text or a JSON integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Num(
    /// Its value.
    pub u64,
);

/// The number that `text` writes, with `0x` or in decimal, underscores allowed.
pub fn number(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Integer(u64),
            Text(String),
        }
        match Form::deserialize(from)? {
            Form::Integer(value) => Ok(Self(value)),
            Form::Text(text) => match number(&text) {
                Some(value) => Ok(Self(value)),
                None => Err(serde::de::Error::custom(format!("`{text}` is no 64-bit number"))),
            },
        }
    }
}

/// A system of address spaces.
#[derive(Clone, Deserialize, Debug)]
pub struct System {
    /// Its name; a module is named by who writes the declaration.
    pub id: String,
    /// The regime: `aarch64 4K VA39 EL1`, `sv39`, `x86_64 4-level` and their like (see [`formats`](crate::formats)).
    pub format: String,
    /// What it is, in lines: the docs of the declaration.
    #[serde(default)]
    pub why: String,
    /// What is on the bus.
    pub resources: Vec<Resource>,
    /// The address spaces.
    pub spaces: Vec<Space>,
    /// What they share on purpose.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// What shares nothing.
    #[serde(default)]
    pub isolation: Vec<Isolation>,
    /// The DMA masters.
    #[serde(default)]
    pub dma: Vec<Dma>,
    /// The switches.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// What holds for all of it.
    #[serde(default)]
    pub options: Options,
}

/// Something on the bus.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Lines of comment above it in the declaration.
    #[serde(skip)]
    pub note: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its first address.
    pub base: Num,
    /// Its bytes.
    pub size: Num,
    /// Its memory type, as the notation names it.
    pub memory: String,
    /// Whether nobody may map it.
    #[serde(default)]
    pub reserved: bool,
    /// The only space that may map it.
    pub owner: Option<String>,
    /// The most rights that a map of it may have.
    pub rights: Option<String>,
    /// The resource it is a part of.
    pub within: Option<String>,
}

/// Memory shared on purpose.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Lines of comment above it in the declaration.
    #[serde(skip)]
    pub note: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its first address.
    pub phys: Option<Num>,
    /// Or the resource it lies in,
    pub resource: Option<String>,
    /// and how many bytes into that.
    pub offset: Option<Num>,
    /// Its bytes.
    pub size: Num,
    /// Who sends.
    pub from: String,
    /// Who receives.
    pub to: Vec<String>,
    /// `one_way` or `two_way`.
    #[serde(default = "one_way")]
    pub direction: String,
}

fn one_way() -> String {
    "one_way".into()
}

/// Spaces that share nothing.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// Lines of comment above it in the declaration.
    #[serde(skip)]
    pub note: Vec<String>,
    /// The spaces.
    pub spaces: Vec<String>,
    /// The channels that they may share all the same.
    #[serde(default)]
    pub except: Vec<String>,
}

/// A DMA master.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Dma {
    /// Its name.
    pub device: String,
    /// The space that drives it.
    pub owner: String,
    /// Whether it sits behind an IOMMU.
    pub iommu: bool,
    /// What it reaches.
    #[serde(default)]
    pub regions: Vec<DmaRegion>,
    /// The width of its addresses.
    pub addr_bits: Option<Num>,
    /// Whether it sees the caches.
    pub coherent: Option<bool>,
}

/// What a DMA master reaches.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct DmaRegion {
    /// Its name.
    pub name: String,
    /// Its first address for the device.
    pub iova: Num,
    /// Its first physical address.
    pub phys: Option<Num>,
    /// Or the resource behind it,
    pub resource: Option<String>,
    /// and how many bytes into that.
    pub offset: Option<Num>,
    /// Its bytes.
    pub size: Num,
    /// Its rights.
    pub rights: String,
}

/// A switch of maps.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Its name.
    pub name: String,
    /// The space before it; none while the MMU is off.
    pub from: Option<String>,
    /// The space after it.
    pub to: String,
    /// Where the code runs.
    pub pc: Option<Num>,
    /// Where the stack is.
    pub sp: Option<Num>,
    /// Where the vectors are.
    pub vectors: Option<Num>,
    /// Whether live tables are changed.
    #[serde(default)]
    pub in_place: bool,
    /// Whether by break before make.
    #[serde(default)]
    pub bbm: bool,
}
