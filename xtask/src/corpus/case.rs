//! A case of the corpus: one system of address spaces, as the JSON lines give it.
//!
//! Every field that means something to a map is known here and unknown ones are refused, so that a case is either read
//! completely or said not to be. `boards` builds the same structures from its tables.

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer};

/// An address, a size or a plain number: hexadecimal text, decimal text or a JSON integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Num(pub(crate) u64);

/// The number that `text` writes, with `0x` or in decimal, underscores allowed.
pub(crate) fn number(text: &str) -> Option<u64> {
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

/// One line of the file.
#[derive(Clone, Deserialize, Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) format: String,
    #[serde(default)]
    pub(crate) why: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) spaces: Vec<Space>,
    #[serde(default)]
    pub(crate) channels: Vec<Channel>,
    #[serde(default)]
    pub(crate) isolation: Vec<Isolation>,
    #[serde(default)]
    pub(crate) dma: Vec<Dma>,
    #[serde(default)]
    pub(crate) transitions: Vec<Transition>,
    #[serde(default)]
    pub(crate) options: Options,
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) error: Option<ExpectedError>,
    #[serde(default)]
    pub(crate) warnings: Vec<ExpectedWarning>,
}

/// The verdict a case must get.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    Error,
    Ok,
}

/// What the message of a rejected case must say.
#[derive(Clone, Deserialize, Debug)]
pub(crate) struct ExpectedError {
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) culprits: Vec<String>,
    #[serde(default)]
    pub(crate) numbers: Vec<Written>,
    #[serde(default)]
    pub(crate) also: Vec<String>,
    #[serde(default)]
    pub(crate) all_pairs: Vec<Vec<String>>,
}

/// A warning that an accepted case must get.
#[derive(Clone, Deserialize, Debug)]
pub(crate) struct ExpectedWarning {
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) culprits: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "a warning of rustc has a fixed text, without numbers"))]
    pub(crate) numbers: Vec<Written>,
}

/// A number of a message as the corpus writes it: `0x…` is an address or size, anything else a count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Written(pub(crate) String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            serde_json::Value::Number(value) => Ok(Self(value.to_string())),
            other => Err(serde::de::Error::custom(format!("{other} is no number of a message"))),
        }
    }
}

/// Something on the bus.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) base: Num,
    pub(crate) size: Num,
    pub(crate) memory: String,
    #[serde(default)]
    pub(crate) reserved: bool,
    pub(crate) owner: Option<String>,
    pub(crate) rights: Option<String>,
    pub(crate) within: Option<String>,
}

/// An address space.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Space {
    pub(crate) name: String,
    #[serde(default = "kernel")]
    pub(crate) role: String,
    pub(crate) regions: Vec<Region>,
    pub(crate) format: Option<String>,
    pub(crate) asid: Option<Num>,
    pub(crate) budget: Option<Num>,
    pub(crate) tables: Option<Tables>,
    pub(crate) self_map_slot: Option<Num>,
    pub(crate) image: Option<Image>,
}

fn kernel() -> String {
    "kernel".into()
}

/// Rights: one string, or one per privilege.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(untagged)]
pub(crate) enum RightsText {
    One(String),
    Pair {
        #[serde(rename = "priv")]
        privileged: String,
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
pub(crate) enum Round {
    Unit(Num),
    Word(String),
}

/// A range of virtual addresses.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) virt: Option<Num>,
    pub(crate) size: Num,
    #[serde(default)]
    pub(crate) rights: RightsText,
    #[serde(default)]
    pub(crate) user: bool,
    pub(crate) phys: Option<Num>,
    pub(crate) resource: Option<String>,
    pub(crate) offset: Option<Num>,
    #[serde(default)]
    pub(crate) dynamic: bool,
    pub(crate) channel: Option<String>,
    pub(crate) channel_offset: Option<Num>,
    pub(crate) memory: Option<String>,
    pub(crate) page: Option<Num>,
    /// The largest leaf it allows; no field of the corpus, but of the notation.
    #[serde(skip)]
    pub(crate) page_max: Option<Num>,
    pub(crate) contiguous: Option<Num>,
    pub(crate) round: Option<Round>,
    pub(crate) alias_of: Option<String>,
    #[serde(default)]
    pub(crate) global: bool,
    pub(crate) purpose: Option<String>,
    #[serde(default)]
    pub(crate) bti: bool,
    pub(crate) sw_bits: Option<Num>,
    #[serde(default)]
    pub(crate) raw: Raw,
    #[serde(default)]
    pub(crate) waive: Vec<Waive>,
    pub(crate) guard_below: Option<Num>,
    pub(crate) guard_above: Option<Num>,
    pub(crate) grows: Option<String>,
    pub(crate) worst_case: Option<Num>,
    pub(crate) guards: Option<String>,
    pub(crate) inside: Option<String>,
}

/// Raw fields of an entry.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) pbmt: Option<Num>,
    pub(crate) s2_memattr: Option<Num>,
    #[serde(default)]
    pub(crate) dirty: bool,
}

/// A waiver.
#[derive(Clone, Deserialize, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waive {
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) reason: String,
}

/// Where the tables of a space lie.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tables {
    pub(crate) phys: Option<Num>,
    pub(crate) resource: Option<String>,
    pub(crate) offset: Option<Num>,
    pub(crate) size: Num,
    #[serde(default)]
    pub(crate) hw_ad: bool,
    #[serde(default)]
    pub(crate) preset_ad: bool,
    #[serde(default)]
    pub(crate) runtime_edit: bool,
}

/// The image of a space.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) entry: Option<Num>,
    #[serde(default)]
    pub(crate) sections: Vec<Section>,
}

/// A section of an image.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) virt: Num,
    pub(crate) size: Num,
    pub(crate) rights: String,
    pub(crate) lma: Option<Num>,
}

/// Memory shared on purpose.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) phys: Option<Num>,
    pub(crate) resource: Option<String>,
    pub(crate) offset: Option<Num>,
    pub(crate) size: Num,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    #[serde(default = "one_way")]
    pub(crate) direction: String,
}

fn one_way() -> String {
    "one_way".into()
}

/// Spaces that share nothing.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Isolation {
    pub(crate) spaces: Vec<String>,
    #[serde(default)]
    pub(crate) except: Vec<String>,
}

/// A DMA master.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dma {
    pub(crate) device: String,
    pub(crate) owner: String,
    pub(crate) iommu: bool,
    #[serde(default)]
    pub(crate) regions: Vec<DmaRegion>,
    pub(crate) addr_bits: Option<Num>,
    pub(crate) coherent: Option<bool>,
}

/// What a DMA master reaches.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct DmaRegion {
    pub(crate) name: String,
    pub(crate) iova: Num,
    pub(crate) phys: Option<Num>,
    pub(crate) resource: Option<String>,
    pub(crate) offset: Option<Num>,
    pub(crate) size: Num,
    pub(crate) rights: String,
}

/// A switch of maps.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transition {
    pub(crate) name: String,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) pc: Option<Num>,
    pub(crate) sp: Option<Num>,
    pub(crate) vectors: Option<Num>,
    #[serde(default)]
    pub(crate) in_place: bool,
    #[serde(default)]
    pub(crate) bbm: bool,
}

/// What holds for the whole system.
#[derive(Clone, Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) pa_bits: Option<Num>,
    pub(crate) features: Option<Vec<String>>,
    pub(crate) granules: Option<Vec<String>>,
    pub(crate) satp_modes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) require_stack_guards: bool,
    pub(crate) leaf_policy: Option<String>,
    pub(crate) start_level: Option<i32>,
    pub(crate) tables_below: Option<Num>,
    pub(crate) table_pool: Option<Pool>,
    pub(crate) mair: Option<Vec<Num>>,
    pub(crate) pat: Option<Vec<Num>>,
    #[serde(default)]
    pub(crate) mtrr: Vec<Range>,
    #[serde(default)]
    pub(crate) pmp: Vec<Range>,
    #[serde(default)]
    pub(crate) parents: Vec<Parent>,
}

/// The pool of all tables.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    pub(crate) phys: Option<Num>,
    pub(crate) resource: Option<String>,
    pub(crate) offset: Option<Num>,
    pub(crate) size: Num,
}

/// A range of MTRR or PMP.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    pub(crate) name: String,
    pub(crate) base: Num,
    pub(crate) size: Num,
    #[serde(rename = "type")]
    pub(crate) memory: Option<String>,
    pub(crate) rights: Option<String>,
}

/// A restriction at a table entry.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parent {
    pub(crate) name: String,
    pub(crate) space: String,
    pub(crate) virt: Num,
    pub(crate) size: Num,
    pub(crate) deny: Vec<String>,
}

/// The fields of a case: what makes the map, the verdict, and what is said about the case.
const FIELDS: [&str; 19] = [
    "id",
    "format",
    "resources",
    "spaces",
    "channels",
    "isolation",
    "dma",
    "transitions",
    "options",
    "expect",
    "error",
    "warnings",
    "why",
    "category",
    "reference",
    "severity",
    "difficulty",
    "tier",
    "twin",
];

/// A line of the file: its id, and the case or why it cannot be read.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) spaces: usize,
    pub(crate) case: Result<Case, String>,
}

/// Reads a file of cases.
///
/// # Errors
/// A line that is no JSON object or has no `id`. A case with a field that this program does not know is not an error: it
/// is handed back as unreadable, with the field's name.
pub(crate) fn read(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let value: serde_json::Value =
            serde_json::from_str(line).with_context(|| format!("line {number} is not JSON"))?;
        let id = value["id"].as_str().with_context(|| format!("line {number} has no `id`"))?.to_owned();
        let spaces = value["spaces"].as_array().map_or(0, Vec::len);
        lines.push(Line { id, spaces, case: understand(value) });
    }
    Ok(lines)
}

fn understand(value: serde_json::Value) -> Result<Case, String> {
    let fields = value.as_object().into_iter().flat_map(|object| object.keys());
    if let Some(strange) = fields.into_iter().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(format!("unknown field `{strange}`"));
    }
    let case: Case = serde_json::from_value(value).map_err(|error| error.to_string())?;
    match (case.expect, &case.error) {
        (Expect::Error, None) => Err("it expects an error and names none".into()),
        _ => Ok(case),
    }
}
