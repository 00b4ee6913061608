//! What a page shows of a document and the checker has no use for.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::evidence::{Document, Format, Named};
use crate::number::Hex;
use crate::rights::Rights;

/// A whole document.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What the checker reads, too.
    pub map: Document,
    /// Everything else.
    pub more: More,
}

/// The part that only a page shows.
#[derive(Clone, Debug, Deserialize)]
pub struct More {
    /// Who made it.
    pub generator: Generator,
    /// The format of all spaces that name no other.
    pub format: Format,
    /// What was asked for beyond the architecture.
    pub policy: Policy,
    /// DMA masters.
    pub devices: Vec<Device>,
    /// How one space follows another.
    pub transitions: Vec<Transition>,
    /// The rules and what came of them.
    pub rules: Vec<Rule>,
    /// Exceptions with their reasons.
    pub waivers: Vec<Waiver>,
}

/// Who made a document.
#[derive(Clone, Debug, Deserialize)]
pub struct Generator {
    /// Version of the library.
    pub tablature: String,
    /// What the compiler says of itself.
    pub rustc: String,
    /// The crate that declares the map.
    #[serde(rename = "crate")]
    pub package: Package,
}

/// A crate.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was asked for beyond the architecture.
#[derive(Clone, Debug, Deserialize)]
pub struct Policy {
    /// Every stack has a guard.
    pub stack_guards: bool,
    /// No leaf is larger than a page.
    pub pages_only: bool,
    /// All tables lie below.
    pub tables_below: Option<Hex>,
    /// All tables lie within.
    pub table_pool: Option<Range>,
}

/// Some bytes.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Range {
    /// The first.
    pub start: Hex,
    /// How many.
    pub size: Hex,
}

/// A DMA master.
#[derive(Clone, Debug, Deserialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// The space that drives it.
    pub owner: String,
    /// Whether an IOMMU stands between it and memory.
    pub iommu: bool,
    /// Whether it sees what caches hold.
    pub coherent: bool,
    /// Bits of its addresses.
    pub addr_bits: Option<u32>,
    /// What it reaches.
    pub windows: Vec<DmaWindow>,
}

/// What a DMA master reaches.
#[derive(Clone, Debug, Deserialize)]
pub struct DmaWindow {
    /// Its name.
    pub name: String,
    /// Where the master has it.
    pub iova: Hex,
    /// Physical address.
    pub start: Hex,
    /// Bytes.
    pub size: Hex,
    /// What it may do there.
    pub rights: Rights,
}

/// How one space follows another.
#[derive(Clone, Debug, Deserialize)]
pub struct Transition {
    /// Its name.
    pub name: String,
    /// The space that ends; none where the MMU was off.
    pub from: Option<String>,
    /// The space that begins.
    pub to: String,
    /// Whether the same tables change.
    pub in_place: bool,
    /// Registers that differ.
    pub registers: Vec<String>,
    /// What must be invalidated.
    pub flush: String,
    /// Whether an entry must be invalid in between.
    pub break_before_make: bool,
    /// Where the code is.
    pub pc: Option<Hex>,
    /// Where the stack is.
    pub sp: Option<Hex>,
    /// Where the vectors are.
    pub vectors: Option<Hex>,
}

/// A rule and what came of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// Its identifier.
    pub id: String,
    /// What it says.
    pub statement: String,
    /// Who asks for it.
    pub basis: String,
    /// What breaking it is.
    pub class: String,
    /// Where it is written.
    pub reference: String,
    /// What came of it.
    pub verdict: String,
    /// What was found.
    #[serde(default)]
    pub findings: Vec<String>,
}

/// An exception with its reason.
#[derive(Clone, Debug, Deserialize)]
pub struct Waiver {
    /// `space.region`.
    pub region: String,
    /// The rule.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Whether anything needed it.
    pub used: bool,
}

impl Evidence {
    /// A document in these bytes.
    ///
    /// # Errors
    /// It is none, of another version, or contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let map = Document::parse(bytes)?;
        let more = serde_json::from_slice(bytes).context("this document is incomplete")?;
        Ok(Self { map, more })
    }

    /// The map's name.
    #[must_use]
    pub fn name(&self) -> &str {
        let Named { name } = &self.map.map;
        name
    }
}
