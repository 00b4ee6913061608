//! What holds for the whole system.

use serde::Deserialize;

use super::Num;

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
