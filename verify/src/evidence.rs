//! The evidence of a declared map, as far as a checker needs it. What is not read here is none of its business; fields that
//! later versions add are ignored.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::cli;
use crate::number::Hex;
use crate::rights::Rights;
use crate::scheme::{Family, Permissions, Scheme};

/// What a document must say of itself.
const SCHEMA: &str = "tablature-evidence/1";

/// A document.
#[derive(Clone, Debug, Deserialize)]
pub struct Document {
    /// Its version.
    pub schema: String,
    /// The map.
    pub map: Named,
    /// The CPU.
    pub cpu: Cpu,
    /// What exists on the bus.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// The address spaces.
    pub spaces: Vec<Space>,
    /// The worst verdict of a rule.
    pub verdict: Option<String>,
    /// Memory that spaces share on purpose.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Which spaces share nothing else.
    #[serde(default)]
    pub isolation: Vec<Theorem>,
    /// Which DMA masters reach nothing of others.
    #[serde(default)]
    pub dma_isolation: Vec<DmaTheorem>,
    /// How one space follows another.
    #[serde(default)]
    pub transitions: Vec<Transition>,
}

/// Memory that spaces share on purpose.
#[derive(Clone, Debug, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Physical address.
    pub start: Hex,
    /// Bytes.
    pub size: Hex,
    /// The space that sends.
    #[serde(default)]
    pub from: String,
    /// The spaces that receive.
    #[serde(default)]
    pub to: Vec<String>,
    /// Whether receivers send, too.
    #[serde(default)]
    pub two_way: bool,
    /// Where it is mapped.
    #[serde(default)]
    pub ends: Vec<End>,
}

/// A channel as a space has it.
#[derive(Clone, Debug, Deserialize)]
pub struct End {
    /// The space.
    pub space: String,
    /// The region.
    pub region: String,
    /// Where it starts.
    pub virt: Hex,
    /// Its rights.
    pub rights: Rights,
}

/// Two spaces that share nothing but channels.
#[derive(Clone, Debug, Deserialize)]
pub struct Theorem {
    /// The one.
    pub a: String,
    /// The other.
    pub b: String,
    /// Whether it holds.
    pub verdict: String,
    /// Pages that the one reaches.
    pub frames_a: u64,
    /// Pages that the other reaches.
    pub frames_b: u64,
    /// What both reach.
    pub common: Vec<Common>,
}

/// What a DMA master and a space, or another master, reach in common.
#[derive(Clone, Debug, Deserialize)]
pub struct DmaTheorem {
    /// The master.
    pub device: String,
    /// The space that it works for.
    pub owner: String,
    /// What it is compared with, if that is a space.
    pub space: Option<String>,
    /// What it is compared with, if that is a master.
    pub other_device: Option<String>,
    /// Whether it holds.
    pub verdict: String,
    /// Pages that the master reaches.
    pub frames: u64,
    /// Pages that the other reaches.
    pub frames_other: u64,
    /// What both reach.
    pub common: Vec<Common>,
}

/// Frames that two spaces reach.
#[derive(Clone, Debug, Deserialize)]
pub struct Common {
    /// The channel that they belong to.
    pub channel: Option<String>,
    /// Physical address.
    pub start: Hex,
    /// Bytes.
    pub size: Hex,
}

/// How one space follows another.
#[derive(Clone, Debug, Deserialize)]
pub struct Transition {
    /// Its name.
    pub name: String,
    /// The space before; none where the MMU was off.
    pub from: Option<String>,
    /// The space after.
    pub to: String,
    /// Address of the code that switches.
    pub pc: Option<Hex>,
    /// The stack pointer.
    pub sp: Option<Hex>,
    /// Address of the exception vectors.
    pub vectors: Option<Hex>,
}

/// Something on the bus.
#[derive(Clone, Debug, Deserialize)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// First byte.
    pub start: Hex,
    /// Bytes.
    pub size: Hex,
    /// The memory type that it has by itself.
    pub memory: String,
    /// Whether no space may map it.
    #[serde(default)]
    pub reserved: bool,
    /// The only space that may map it.
    pub owner: Option<String>,
    /// The most that a space may do with it.
    pub rights: Option<Rights>,
    /// The resource that it is a part of.
    pub within: Option<String>,
}

/// Something with a name.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
}

/// What the map says of the CPU.
#[derive(Clone, Debug, Deserialize)]
pub struct Cpu {
    /// Bits of a physical address.
    #[serde(default)]
    pub pa_bits: u32,
    /// Bytes of MAIR_ELx.
    pub mair: Option<Vec<Hex>>,
    /// Bytes of IA32_PAT.
    pub pat: Option<Vec<Hex>>,
    /// Optional features.
    #[serde(default)]
    pub features: Vec<String>,
}

/// The format of a space's tables.
#[derive(Clone, Debug, Deserialize)]
pub struct Format {
    /// Its name.
    pub name: String,
    /// Which decoder reads it.
    pub scheme: String,
    /// Bytes of the smallest leaf.
    pub granule: u64,
    /// Bits of an input address.
    pub input_bits: u32,
    /// Levels of tables.
    pub levels: usize,
    /// Bytes of an entry.
    pub entry_bytes: u64,
    /// Tables that make one root.
    pub root_tables: u64,
    /// Whether addresses come in two halves.
    #[serde(default)]
    pub two_halves: bool,
    /// Whether each half has a root.
    #[serde(default)]
    pub split_roots: bool,
    /// Optional features of the CPU.
    #[serde(default)]
    pub features: Vec<String>,
}

/// A register that the installation writes.
#[derive(Clone, Debug, Deserialize)]
pub struct Register {
    /// As the manual names it.
    pub name: String,
    /// Its value.
    pub value: Hex,
    /// Bits that the map decides about; all if it is missing.
    pub mask: Option<Hex>,
}

/// An address space.
#[derive(Clone, Debug, Deserialize)]
pub struct Space {
    /// Its name.
    pub name: String,
    /// Whose it is.
    #[serde(default)]
    pub role: String,
    /// What kind of tables it has.
    pub format: Format,
    /// The tables.
    pub tables: Tables,
    /// What the installation writes.
    #[serde(default)]
    pub registers: Vec<Register>,
    /// What is mapped, and what is not.
    pub regions: Vec<Region>,
    /// What the linker puts where.
    pub image: Option<ImageBlock>,
    /// The identifier that its entries in the TLB have.
    pub asid: Option<u64>,
}

/// How the tables come to be.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// In the image, where the linker puts them.
    Linked,
    /// In the image, where they are declared.
    Placed,
    /// In memory, filled when the machine starts.
    BootFilled,
}

/// The tables of a space.
#[derive(Clone, Debug, Deserialize)]
pub struct Tables {
    /// How they come to be.
    pub placement: Placement,
    /// How many there are.
    pub count: u64,
    /// Bytes of all.
    pub bytes: u64,
    /// Each of them.
    pub list: Vec<Table>,
    /// How many are allowed.
    pub budget: Option<u64>,
    /// Symbol of the first.
    pub symbol: Option<String>,
    /// Physical address of the first, where it is declared.
    pub start: Option<Hex>,
    /// Link address of the first, where it is declared.
    pub virt: Option<Hex>,
    /// Index of the root of the lower half, or of the only one.
    pub lower_root: Option<u64>,
    /// Index of the root of the upper half.
    pub upper_root: Option<u64>,
    /// Entry of the root that points back to it.
    pub self_map_slot: Option<u64>,
}

/// A table.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    /// Where it is, in units of one table from the first.
    pub index: u64,
    /// Its level.
    pub level: usize,
    /// The first address that it translates.
    pub virt: Hex,
    /// Of its entries.
    pub sha256: String,
    /// Entries that are not absent.
    pub entries: u64,
}

/// What a region is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum RegionKind {
    /// Memory.
    Map,
    /// Memory at its own address.
    Identity,
    /// A linear map.
    Linear,
    /// Pages that are mapped at run time.
    Window,
    /// A stack.
    Stack,
    /// Nothing, for ever.
    Guard,
    /// An end of a channel.
    Channel,
}

/// A region.
#[derive(Clone, Debug, Deserialize)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: RegionKind,
    /// Where it starts.
    pub virt: Hex,
    /// Bytes.
    pub size: Hex,
    /// Rights of the privileged level.
    pub privileged: Rights,
    /// Rights of the user.
    pub user: Rights,
    /// Valid for every address space.
    pub global: bool,
    /// Its leaves.
    pub leaves: Vec<Leaves>,
    /// What it maps.
    pub phys: Option<Hex>,
    /// The resource that holds it.
    pub resource: Option<String>,
    /// The memory type.
    pub memory: Option<String>,
    /// Bytes of the lower guard.
    pub guard_below: Option<Hex>,
    /// Bytes of the upper guard.
    pub guard_above: Option<Hex>,
    /// Identifiers of the requirements that ask for it.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// The channel that it is an end of.
    pub channel: Option<String>,
    /// The region that maps the same memory.
    pub alias_of: Option<String>,
    /// Whether tables are written through it.
    #[serde(default)]
    pub edits_tables: bool,
}

impl Region {
    /// First address behind it.
    #[must_use]
    pub fn end(&self) -> u128 {
        self.virt.0.saturating_add(self.size.0)
    }

    /// Whether these bytes lie in it.
    #[must_use]
    pub fn contains(&self, start: u128, size: u128) -> bool {
        self.virt.0 <= start && start + size <= self.end()
    }

    /// Whether nothing is mapped in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.kind, RegionKind::Guard | RegionKind::Window)
    }
}

/// Leaves that follow each other.
#[derive(Clone, Debug, Deserialize)]
pub struct Leaves {
    /// Where the first one maps.
    pub virt: Hex,
    /// What it maps.
    pub phys: Hex,
    /// Level of all.
    pub level: usize,
    /// Bytes of each.
    pub size: Hex,
    /// How many there are.
    pub count: u64,
    /// Bytes of the runs that they form.
    pub run: Option<Hex>,
    /// Their memory type, where it is not that of the region.
    pub memory: Option<String>,
}

/// What the linker puts where.
#[derive(Clone, Debug, Deserialize)]
pub struct ImageBlock {
    /// Its name.
    pub name: String,
    /// Sections.
    pub sections: Vec<SectionBlock>,
    /// Where it is entered.
    pub entry: Option<Hex>,
}

/// A section.
#[derive(Clone, Debug, Deserialize)]
pub struct SectionBlock {
    /// Its name.
    pub name: String,
    /// Where it is linked.
    pub virt: Hex,
    /// The most bytes it may have.
    pub size: Hex,
    /// Its rights.
    pub rights: Rights,
    /// Where it is loaded.
    pub load: Option<Hex>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// It cannot be read, or is none of this version.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&cli::read(path)?).with_context(|| path.display().to_string())
    }

    /// A document in these bytes.
    ///
    /// # Errors
    /// It is none of this version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            schema: String,
        }
        let version: Version = serde_json::from_slice(bytes).context("this is no evidence document")?;
        if version.schema != SCHEMA {
            bail!("this is a document of version `{}`, and not of {SCHEMA}", version.schema);
        }
        let document: Self = serde_json::from_slice(bytes).context("this is no evidence document")?;
        for space in &document.spaces {
            document.scheme(space).with_context(|| format!("space {}", space.name))?;
        }
        Ok(document)
    }

    /// The memory type `asked` for at a physical address, where the bus has another one there; `None` if that is the same.
    #[must_use]
    pub fn override_at<'a>(&self, phys: u128, asked: Option<&'a str>) -> Option<&'a str> {
        asked.filter(|memory| self.bus_type(phys) != Some(memory))
    }

    /// What the bus has at a physical address: the type of the smallest resource there, or, of a part of memory, that of
    /// the outermost memory it is declared to be in.
    fn bus_type(&self, phys: u128) -> Option<&str> {
        let holds = |resource: &&Resource| phys >= resource.start.0 && phys - resource.start.0 < resource.size.0;
        let mut resource = self.resources.iter().filter(holds).min_by_key(|resource| resource.size.0)?;
        for _ in &self.resources {
            let outer = resource.within.as_ref().and_then(|name| self.resources.iter().find(|it| it.name == *name));
            let is_device = |resource: &Resource| resource.memory.starts_with("device");
            match outer {
                Some(outer) if !is_device(resource) && !is_device(outer) => resource = outer,
                _ => break,
            }
        }
        Some(&resource.memory)
    }

    /// The space of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn space(&self, name: &str) -> Result<&Space> {
        let found = self.spaces.iter().find(|space| space.name == name);
        found.with_context(|| format!("the document has no space {name}"))
    }

    /// What decodes the tables of a space, if this program can.
    ///
    /// # Errors
    /// The document contradicts itself about it.
    pub fn scheme(&self, space: &Space) -> Result<Option<Scheme>> {
        let format = &space.format;
        let Some(family) = Family::named(&format.scheme) else {
            return Ok(None);
        };
        if !format.granule.is_power_of_two() {
            bail!("{} is no size of a page", format.granule);
        }
        let mut scheme = Scheme::new(family, format.granule.trailing_zeros(), Some(format.input_bits))?;
        // At stage 2, SL0 of the control register may ask for a deeper walk.
        if matches!(family, Family::Stage2 | Family::LpaeStage2)
            && format.levels == scheme.levels + 1
            && scheme.shift(scheme.levels) < format.input_bits
        {
            scheme.levels += 1;
        }
        let said = (format.levels, format.entry_bytes, format.root_tables.max(1));
        let computed = (scheme.levels, scheme.entry_bytes(), scheme.root_tables());
        if said != computed {
            bail!(
                "{scheme} has {computed:?} levels, bytes of an entry, and tables of a root, and the document says {said:?}"
            );
        }
        scheme.wide = space.wide(&self.cpu, family);
        let pair = || {
            let [low, high] = ["0", "1"].map(|half| ["MAIR", "HMAIR"].map(|name| format!("{name}{half}")));
            let value = |names: [String; 2]| names.iter().find_map(|name| space.register(name));
            Some(value(low)? | value(high)? << 32)
        };
        scheme.mair = space.register("MAIR_").or_else(pair).or(packed(self.cpu.mair.as_deref()));
        let user = space.register("PIRE0_").unwrap_or(0);
        scheme.permissions = space.register("PIR_").map(|privileged| Permissions { privileged, user });
        scheme.pat = space.register("IA32_PAT").or(space.register("PAT")).or(packed(self.cpu.pat.as_deref()));
        Ok(Some(scheme))
    }
}

/// The register whose bytes these are, the lowest first.
fn packed(bytes: Option<&[Hex]>) -> Option<u64> {
    let bytes = bytes?;
    let byte = |index: usize| bytes.get(index).map_or(0, |byte| (byte.0 & 0xff) as u8);
    Some(u64::from_le_bytes(std::array::from_fn(byte)))
}

impl Space {
    fn register(&self, prefix: &str) -> Option<u64> {
        self.registers.iter().find(|register| register.name.to_uppercase().starts_with(prefix))?.value.address()
    }

    /// Whether descriptors have 52-bit addresses: the control register says it, or else the features.
    fn wide(&self, cpu: &Cpu, family: Family) -> bool {
        let shift = match family {
            Family::El1 | Family::El20 => 59,
            _ => 32,
        };
        match self.register("TCR_").or(self.register("VTCR_")) {
            Some(control) if family.is_aarch64() => control >> shift & 1 == 1,
            _ => self.format.features.iter().chain(&cpu.features).any(|feature| feature == "lpa2"),
        }
    }
}
