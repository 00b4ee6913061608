//! The document as data, field by field as `schema/evidence-1.schema.json` has it.

use std::string::String;
use std::vec::Vec;

use serde::Serialize;

use super::hex::Hex;

/// The whole.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) schema: &'static str,
    pub(super) generator: Generator,
    pub(super) map: Named,
    pub(super) verdict: &'static str,
    pub(super) format: Format,
    pub(super) cpu: Cpu,
    pub(super) policy: Policy,
    pub(super) resources: Vec<Resource>,
    pub(super) spaces: Vec<Space>,
    pub(super) channels: Vec<Channel>,
    pub(super) devices: Vec<Device>,
    pub(super) transitions: Vec<Transition>,
    pub(super) isolation: Vec<Theorem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dma_isolation: Vec<DmaTheorem>,
    pub(super) rules: Vec<Rule>,
    pub(super) waivers: Vec<Waiver>,
}

#[derive(Debug, Serialize)]
pub(super) struct Generator {
    pub(super) tablature: &'static str,
    pub(super) rustc: String,
    #[serde(rename = "crate")]
    pub(super) package: Package,
}

#[derive(Debug, Serialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Format {
    pub(super) name: String,
    pub(super) architecture: &'static str,
    pub(super) scheme: &'static str,
    pub(super) granule: u64,
    pub(super) input_bits: u32,
    pub(super) levels: usize,
    pub(super) entry_bytes: u32,
    pub(super) root_tables: u32,
    pub(super) two_halves: bool,
    pub(super) split_roots: bool,
    pub(super) features: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Cpu {
    pub(super) pa_bits: u32,
    pub(super) features: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_level: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mair: Option<Vec<Hex>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pat: Option<Vec<Hex>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Policy {
    pub(super) stack_guards: bool,
    pub(super) pages_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tables_below: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) table_pool: Option<Range>,
}

#[derive(Debug, Serialize)]
pub(super) struct Range {
    pub(super) start: Hex,
    pub(super) size: Hex,
}

#[derive(Debug, Serialize)]
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) start: Hex,
    pub(super) size: Hex,
    pub(super) memory: &'static str,
    pub(super) reserved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rights: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) within: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Space {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asid: Option<u32>,
    pub(super) tables: Tables,
    pub(super) registers: Vec<Register>,
    pub(super) regions: Vec<Region>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<Image>,
}

#[derive(Debug, Serialize)]
pub(super) struct Tables {
    pub(super) placement: &'static str,
    pub(super) count: usize,
    pub(super) bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) budget: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) symbol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) virt: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lower_root: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upper_root: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) self_map_slot: Option<u32>,
    pub(super) list: Vec<Table>,
}

#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub(super) index: usize,
    pub(super) level: usize,
    pub(super) virt: Hex,
    pub(super) sha256: String,
    pub(super) entries: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tables: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Register {
    pub(super) name: &'static str,
    pub(super) value: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mask: Option<Hex>,
}

#[derive(Debug, Serialize)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) virt: Hex,
    pub(super) size: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phys: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<String>,
    pub(super) privileged: &'static str,
    pub(super) user: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<&'static str>,
    pub(super) global: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) guard_below: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) guard_above: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alias_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edits_tables: Option<bool>,
    pub(super) requirements: Vec<String>,
    pub(super) leaves: Vec<Leaves>,
}

#[derive(Debug, Serialize)]
pub(super) struct Leaves {
    pub(super) virt: Hex,
    pub(super) phys: Hex,
    pub(super) level: usize,
    pub(super) size: Hex,
    pub(super) count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Image {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entry: Option<Hex>,
    pub(super) sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) virt: Hex,
    pub(super) size: Hex,
    pub(super) rights: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load: Option<Hex>,
}

#[derive(Debug, Serialize)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) start: Hex,
    pub(super) size: Hex,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) two_way: bool,
    pub(super) ends: Vec<End>,
}

#[derive(Debug, Serialize)]
pub(super) struct End {
    pub(super) space: String,
    pub(super) region: String,
    pub(super) virt: Hex,
    pub(super) rights: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) iommu: bool,
    pub(super) coherent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) addr_bits: Option<u32>,
    pub(super) windows: Vec<Window>,
}

#[derive(Debug, Serialize)]
pub(super) struct Window {
    pub(super) name: String,
    pub(super) iova: Hex,
    pub(super) start: Hex,
    pub(super) size: Hex,
    pub(super) rights: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Transition {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) in_place: bool,
    pub(super) registers: Vec<&'static str>,
    pub(super) flush: &'static str,
    pub(super) break_before_make: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pc: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sp: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vectors: Option<Hex>,
}

#[derive(Debug, Serialize)]
pub(super) struct Theorem {
    pub(super) a: String,
    pub(super) b: String,
    pub(super) verdict: &'static str,
    pub(super) frames_a: u64,
    pub(super) frames_b: u64,
    pub(super) common: Vec<Common>,
}

#[derive(Debug, Serialize)]
pub(super) struct DmaTheorem {
    pub(super) device: String,
    pub(super) owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) space: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) other_device: Option<String>,
    pub(super) verdict: &'static str,
    pub(super) frames: u64,
    pub(super) frames_other: u64,
    pub(super) common: Vec<Common>,
}

#[derive(Debug, Serialize)]
pub(super) struct Common {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<String>,
    pub(super) start: Hex,
    pub(super) size: Hex,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) statement: &'static str,
    pub(super) basis: &'static str,
    pub(super) class: &'static str,
    pub(super) reference: &'static str,
    pub(super) verdict: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) findings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Waiver {
    pub(super) region: String,
    pub(super) rule: String,
    pub(super) reason: String,
    pub(super) used: bool,
}
