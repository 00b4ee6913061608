//! Cells of the Jailhouse hypervisor: a root cell and others, in C or as the hypervisor reads them.
//!
//! [`source`] and [`binary`] read a [`Cell`], [`sharing`] says who sees what while all cells run, [`model`] what that comes to.

mod binary;
mod model;
mod sharing;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use crate::Options;
use crate::model::{Imported, Origin};
use crate::resources::{identifier, unique};

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
    let mut imported = model::model(cells, files, options).build()?;
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
