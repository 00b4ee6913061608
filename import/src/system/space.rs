//! An address space: what it maps, its tables, its image.

use serde::Deserialize;

use super::Num;

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
