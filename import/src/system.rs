//! A system of address spaces as data: what [`notation`](crate::notation) writes and [`twin`](crate::twin) judges.
//!
//! The fields are those of the library's `map`, owned and with text where the library has a type. Every one is known and
//! unknown ones are refused, so that what is read from JSON is either read completely or said not to be.

use serde::{Deserialize, Deserializer};

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

/// An address space.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Lines of comment above it in the declaration.
    #[serde(skip)]
    pub note: Vec<String>,
    /// Its name.
    pub name: String,
    /// What it is for: `kernel`, `partition`, `guest` and their like.
    #[serde(default = "kernel")]
    pub role: String,
    /// What it maps.
    pub regions: Vec<Region>,
    /// Its regime, where it is not that of the system.
    pub format: Option<String>,
    /// Its address-space identifier.
    pub asid: Option<Num>,
    /// The most tables it may have.
    pub budget: Option<Num>,
    /// Where they lie.
    pub tables: Option<Tables>,
    /// The slot of its root that maps the tables themselves.
    pub self_map_slot: Option<Num>,
    /// The program in it.
    pub image: Option<Image>,
}

fn kernel() -> String {
    "kernel".into()
}

/// Rights: one string, or one per privilege.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(untagged)]
pub enum RightsText {
    /// Of the kernel, or of the user if the region says so.
    One(String),
    /// Of both.
    Pair {
        /// Of the privileged level.
        #[serde(rename = "priv")]
        privileged: String,
        /// Of the user.
        user: String,
    },
}

impl Default for RightsText {
    fn default() -> Self {
        Self::One(String::new())
    }
}

/// A whole granule or a unit in bytes.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(untagged)]
pub enum Round {
    /// Bytes.
    Unit(Num),
    /// `page`.
    Word(String),
}

/// A range of virtual addresses.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Lines of comment above it in the declaration.
    #[serde(skip)]
    pub note: Vec<String>,
    /// Its name.
    pub name: String,
    /// `map`, `identity`, `window`, `stack`, `guard` or `channel`.
    pub kind: String,
    /// Its first virtual address.
    pub virt: Option<Num>,
    /// Its bytes.
    pub size: Num,
    /// Its rights.
    #[serde(default)]
    pub rights: RightsText,
    /// Whether the rights are those of the user.
    #[serde(default)]
    pub user: bool,
    /// Its first physical address.
    pub phys: Option<Num>,
    /// Or the resource behind it,
    pub resource: Option<String>,
    /// and how many bytes into that.
    pub offset: Option<Num>,
    /// Whether its pages are mapped at run time.
    #[serde(default)]
    pub dynamic: bool,
    /// Or the channel behind it,
    pub channel: Option<String>,
    /// and how many bytes into that.
    pub channel_offset: Option<Num>,
    /// Its memory type, where it is not that of the resource.
    pub memory: Option<String>,
    /// The size of its leaves.
    pub page: Option<Num>,
    /// The largest leaf it allows; no field of the corpus, but of the notation.
    #[serde(skip)]
    pub page_max: Option<Num>,
    /// The size of its contiguous runs.
    pub contiguous: Option<Num>,
    /// What its ends are rounded to.
    pub round: Option<Round>,
    /// The region whose memory it maps once more.
    pub alias_of: Option<String>,
    /// Whether it is in all spaces.
    #[serde(default)]
    pub global: bool,
    /// `tables`, if it maps the page tables.
    pub purpose: Option<String>,
    /// Whether branches in it are guarded.
    #[serde(default)]
    pub bti: bool,
    /// Bits for software.
    pub sw_bits: Option<Num>,
    /// Fields as they stand in the entry.
    #[serde(default)]
    pub raw: Raw,
    /// The rules that it may break.
    #[serde(default)]
    pub waive: Vec<Waive>,
    /// Bytes of the guard below a stack.
    pub guard_below: Option<Num>,
    /// Bytes of the guard above it.
    pub guard_above: Option<Num>,
    /// Where a stack grows: `down` or `up`.
    pub grows: Option<String>,
    /// The most that a stack needs.
    pub worst_case: Option<Num>,
    /// The stack that a guard is for.
    pub guards: Option<String>,
    /// The region that a guard is cut out of.
    pub inside: Option<String>,
}

/// Raw fields of an entry.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// The field PBMT of RISC-V.
    pub pbmt: Option<Num>,
    /// The field MemAttr of stage 2.
    pub s2_memattr: Option<Num>,
    /// Whether the dirty bit is set.
    #[serde(default)]
    pub dirty: bool,
}

/// A waiver.
#[derive(Clone, Deserialize, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Waive {
    /// The rule.
    pub rule: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Where the tables of a space lie.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// Their first address.
    pub phys: Option<Num>,
    /// Or the resource they lie in,
    pub resource: Option<String>,
    /// and how many bytes into that.
    pub offset: Option<Num>,
    /// Bytes there are for them.
    pub size: Num,
    /// Whether hardware updates accessed and dirty bits.
    #[serde(default)]
    pub hw_ad: bool,
    /// Whether those are set from the start.
    #[serde(default)]
    pub preset_ad: bool,
    /// Whether they are edited at run time.
    #[serde(default)]
    pub runtime_edit: bool,
}

/// The image of a space.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// Where it starts.
    pub entry: Option<Num>,
    /// Its sections.
    #[serde(default)]
    pub sections: Vec<Section>,
}

/// A section of an image.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it is linked.
    pub virt: Num,
    /// Its bytes.
    pub size: Num,
    /// Its rights.
    pub rights: String,
    /// Where it is loaded.
    pub lma: Option<Num>,
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

/// What holds for the whole system.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Bits of a physical address.
    pub pa_bits: Option<Num>,
    /// Optional features that the map may use.
    pub features: Option<Vec<String>>,
    /// Granules that the CPU offers.
    pub granules: Option<Vec<String>>,
    /// Modes that it offers.
    pub satp_modes: Option<Vec<String>>,
    /// Whether stacks need guards.
    #[serde(default)]
    pub require_stack_guards: bool,
    /// `largest` or `pages_only`.
    pub leaf_policy: Option<String>,
    /// The level of the root.
    pub start_level: Option<i32>,
    /// The limit of table addresses.
    pub tables_below: Option<Num>,
    /// The pool of all tables.
    pub table_pool: Option<Pool>,
    /// The register MAIR.
    pub mair: Option<Vec<Num>>,
    /// The register PAT.
    pub pat: Option<Vec<Num>>,
    /// The ranges of MTRR.
    #[serde(default)]
    pub mtrr: Vec<Range>,
    /// The ranges of PMP.
    #[serde(default)]
    pub pmp: Vec<Range>,
    /// Restrictions at table entries.
    #[serde(default)]
    pub parents: Vec<Parent>,
}

/// The pool of all tables.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Its first address.
    pub phys: Option<Num>,
    /// Or the resource it lies in,
    pub resource: Option<String>,
    /// and how many bytes into that.
    pub offset: Option<Num>,
    /// Its bytes.
    pub size: Num,
}

/// A range of MTRR or PMP.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Its name.
    pub name: String,
    /// Its first address.
    pub base: Num,
    /// Its bytes.
    pub size: Num,
    /// The type, of MTRR.
    #[serde(rename = "type")]
    pub memory: Option<String>,
    /// The rights, of PMP.
    pub rights: Option<String>,
}

/// A restriction at a table entry.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its name.
    pub name: String,
    /// The space it is in.
    pub space: String,
    /// Its first virtual address.
    pub virt: Num,
    /// Its bytes.
    pub size: Num,
    /// `user`, `write` or `exec`.
    pub deny: Vec<String>,
}
