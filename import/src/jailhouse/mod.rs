//! Cells of the Jailhouse hypervisor: a root cell and others, in C or as the hypervisor reads them.
//!
//! [`source`] and [`binary`] read a [`Cell`], [`sharing`] says who sees what while all cells run.

mod binary;
mod sharing;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use crate::Options;
use crate::model::{Entry, Imported, Model, Origin, Part, resource};
use crate::resources::{identifier, unique};
use crate::system::{self, Dma, DmaRegion, Isolation, Num, Resource, RightsText};

const READ: u64 = 1;
const WRITE: u64 = 2;
const EXECUTE: u64 = 4;
const DMA: u64 = 8;
const IO: u64 = 0x10;
const COMM_REGION: u64 = 0x20;
const ROOTSHARED: u64 = 0x80;
/// Flags by name, for messages.
const FLAGS: [(&str, u64); 8] = [
    ("READ", READ),
    ("WRITE", WRITE),
    ("EXECUTE", EXECUTE),
    ("DMA", DMA),
    ("IO", IO),
    ("COMM_REGION", COMM_REGION),
    ("LOADABLE", 0x40),
    ("ROOTSHARED", ROOTSHARED),
];
/// Most regions of a cell.
const REGIONS: usize = 4096;
/// Bytes of a page.
const PAGE: u64 = 0x1000;

/// What a cell is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Architecture {
    X86,
    Arm,
    Arm64,
}

/// A region of memory as the hypervisor has it.
#[derive(Clone, PartialEq, Debug, Default)]
struct Memory {
    name: String,
    phys: u64,
    virt: u64,
    size: u64,
    flags: u64,
    place: String,
}

impl Memory {
    fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    fn origin(&self) -> Origin {
        let flags: Vec<&str> = FLAGS.iter().filter(|(_, flag)| self.has(*flag)).map(|(name, _)| *name).collect();
        Origin { place: self.place.clone(), text: format!("region `{}`: {}", self.name, flags.join(" | ")) }
    }

    /// The first address behind it.
    fn end(&self) -> u64 {
        self.phys.saturating_add(self.size)
    }
}

/// A cell.
#[derive(Clone, PartialEq, Debug, Default)]
struct Cell {
    name: String,
    architecture: Option<Architecture>,
    memory: Vec<Memory>,
    place: String,
    /// What only the configuration of a system says: memory of the hypervisor, and whether there is an IOMMU.
    root: Option<(Memory, bool)>,
}

/// Whether bytes are of this kind.
pub(crate) fn is(bytes: &[u8], text: &str) -> bool {
    binary::is(bytes) || source::is(text)
}

/// Reads the cells of one system.
///
/// # Errors
/// One cannot be understood, or there are two root cells.
pub(crate) fn import(files: &[(Vec<u8>, &Path)], options: &Options) -> Result<Imported> {
    let mut cells = Vec::new();
    let mut taken = BTreeMap::new();
    let _ = unique("hypervisor", &mut taken);
    for (bytes, path) in files {
        let mut cell = if binary::is(bytes) {
            binary::read(bytes, path)?
        } else {
            source::read(&String::from_utf8_lossy(bytes), path, options)?
        };
        cell.name = unique(&identifier(&cell.name), &mut taken);
        cells.push(cell);
    }
    if cells.iter().filter(|cell| cell.root.is_some()).count() > 1 {
        bail!("two root cells");
    }
    let mut remarks = Vec::new();
    for cell in &mut cells {
        leave_out(cell, &mut remarks);
    }
    let mut imported = model(cells, files, options).build()?;
    imported.remarks.splice(0..0, remarks);
    Ok(imported)
}

/// Takes out what is in no table: placeholders, communication regions, and devices smaller than a page, which are trapped.
fn leave_out(cell: &mut Cell, remarks: &mut Vec<String>) {
    cell.memory.retain(|memory| {
        let partial = memory.virt % PAGE != 0 || memory.size % PAGE != 0;
        let reason = match () {
            () if memory.size == 0 && memory.flags == 0 => return false,
            () if memory.has(COMM_REGION) => "the page is the hypervisor's",
            () if partial && memory.has(IO) => "less than a page is emulated, not mapped",
            () => return true,
        };
        remarks.push(format!("{}: `{}` of `{}` is left out: {reason}", memory.place, memory.name, cell.name));
        false
    });
}

fn model(cells: Vec<Cell>, files: &[(Vec<u8>, &Path)], options: &Options) -> Model {
    let paths: Vec<String> = files.iter().map(|(_, path)| path.display().to_string()).collect();
    let mut about = vec![format!("Imported from {} (Jailhouse).", paths.join(", ")), String::new(), "Assumed:".into()];
    let architecture = cells.iter().find_map(|cell| cell.architecture).unwrap_or_else(|| {
        about.push("* AArch64, for no cell says what it is for.".into());
        Architecture::Arm64
    });
    about.push("* All cells run: the root cell has lost what others have and do not share with it.".into());
    about.push("* Every cell is isolated from the others but for what both ends have with ROOTSHARED.".into());
    let (usual, system) = platform(&cells, architecture, &mut about);
    let root = cells.iter().find_map(|cell| cell.root.as_ref());
    if root.is_none() {
        about.push("* DMA goes through an IOMMU, for no root cell is there to say so.".into());
    }
    let shared = sharing::of(&cells);
    let (mut spaces, mut dma) = (Vec::new(), Vec::new());
    for (cell, memory) in cells.iter().zip(shared.cells) {
        dma.extend(device(cell, &memory, root.is_none_or(|(_, iommu)| *iommu)));
        let entries = memory.into_iter().map(|(memory, channel)| entry(&memory, channel, architecture)).collect();
        let origin = Origin { place: cell.place.clone(), text: format!("cell `{}`", cell.name) };
        spaces.push(Part { name: cell.name.clone(), role: "guest", budget: None, entries, origin });
    }
    let mut formats = BTreeMap::new();
    if !shared.hypervisor.is_empty() {
        about.push("* The hypervisor writes what all cells only read, at the same addresses.".into());
        let format = if architecture == Architecture::X86 { "x86_64 4-level" } else { "aarch64 4K VA48 EL2" };
        formats.insert("hypervisor".to_owned(), format.to_owned());
        spaces.push(hypervisor(shared.hypervisor, &paths[0], architecture));
    }
    let isolation = Isolation {
        note: Vec::new(),
        spaces: cells.iter().map(|cell| cell.name.clone()).collect(),
        except: shared.channels.iter().map(|(channel, _)| channel.name.clone()).collect(),
    };
    Model {
        name: crate::stem(files[0].1),
        format: options.regime.clone().unwrap_or(usual),
        about,
        resources: root.and_then(|(memory, _)| hypervisor_memory(memory)).into_iter().collect(),
        spaces,
        formats,
        channels: shared.channels,
        isolation: if cells.len() > 1 { vec![isolation] } else { Vec::new() },
        dma,
        options: system,
        ..Model::default()
    }
}

/// The hypervisor, as far as it shares memory with cells.
fn hypervisor(memory: Vec<(Memory, String)>, path: &str, architecture: Architecture) -> Part {
    let entries = memory.into_iter().map(|(memory, channel)| entry(&memory, Some(channel), architecture));
    let origin = Origin { place: path.to_owned(), text: "the hypervisor, for what it shares".into() };
    Part { name: "hypervisor".into(), role: "kernel", budget: None, entries: entries.collect(), origin }
}

/// The regime of the cells, and what it offers.
fn platform(cells: &[Cell], architecture: Architecture, about: &mut Vec<String>) -> (String, system::Options) {
    let mut options = system::Options::default();
    let format = match architecture {
        Architecture::X86 => {
            about.push("* Pages of 2 MiB and 1 GiB in the extended page tables.".into());
            options.features = Some(vec!["ept_2m".into(), "ept_1g".into()]);
            return ("x86_64 ept".to_owned(), options);
        }
        Architecture::Arm => {
            options.pa_bits = Some(Num(40));
            "armv7 4K IPA40 S2".to_owned()
        }
        Architecture::Arm64 => {
            let ends = cells.iter().flat_map(|cell| &cell.memory).map(|memory| memory.virt.saturating_add(memory.size));
            let bits = (u64::BITS - ends.max().unwrap_or(0).leading_zeros()).clamp(40, 48);
            options.pa_bits = Some(Num(48));
            format!("aarch64 4K IPA{bits} S2")
        }
    };
    about.push(format!("* {} bits of physical address.", options.pa_bits.unwrap_or_default().0));
    (format, options)
}

/// The memory that no cell may have.
fn hypervisor_memory(memory: &Memory) -> Option<(Resource, Origin)> {
    let origin = Origin { place: memory.place.clone(), text: "the memory of the hypervisor".into() };
    let (mut own, origin) = resource("hypervisor_memory", memory.phys, memory.size, "normal_wb", &origin);
    own.reserved = true;
    (memory.size > 0).then_some((own, origin))
}

fn rights(flags: u64) -> String {
    let letters = [(READ, 'r'), (WRITE, 'w'), (EXECUTE, 'x')];
    letters.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, letter)| *letter).collect()
}

fn entry(memory: &Memory, channel: Option<String>, architecture: Architecture) -> Entry {
    let device = if architecture == Architecture::X86 { "uc" } else { "device-nGnRE" };
    Entry {
        name: memory.name.clone(),
        virt: memory.virt,
        phys: memory.phys,
        size: memory.size,
        rights: RightsText::One(rights(memory.flags)),
        memory: if memory.has(IO) { device } else { "normal-wb" },
        channel,
        origin: memory.origin(),
        ..Entry::default()
    }
}

/// The DMA masters of a cell, which reach what it lets them, at the same addresses as the cell itself.
fn device(cell: &Cell, memory: &[(Memory, Option<String>)], iommu: bool) -> Option<(Dma, Origin)> {
    let mut taken = BTreeMap::new();
    let reached = memory.iter().filter(|(memory, channel)| memory.has(DMA) && channel.is_none());
    let regions: Vec<DmaRegion> = reached
        .map(|(memory, _)| DmaRegion {
            name: unique(&identifier(&memory.name), &mut taken),
            iova: Num(memory.virt),
            phys: Some(Num(memory.phys)),
            resource: None,
            offset: None,
            size: Num(memory.size),
            rights: rights(memory.flags & (READ | WRITE)),
        })
        .collect();
    let origin = Origin { place: cell.place.clone(), text: format!("the DMA masters of cell `{}`", cell.name) };
    let dma = Dma {
        device: format!("{}_dma", cell.name),
        owner: cell.name.clone(),
        iommu,
        regions,
        addr_bits: None,
        coherent: None,
    };
    (!dma.regions.is_empty()).then_some((dma, origin))
}
