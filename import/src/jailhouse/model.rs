//! What cells have while all of them run, as spaces, channels and DMA masters.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Architecture, Cell, DMA, EXECUTE, IO, Memory, READ, WRITE, sharing};
use crate::Options;
use crate::model::{Entry, Model, Origin, Part, resource};
use crate::resources::{identifier, unique};
use crate::system::{self, Channel, Dma, DmaRegion, Isolation, Num, Resource, RightsText};

pub(super) fn model(cells: Vec<Cell>, files: &[(Vec<u8>, &Path)], options: &Options) -> Model {
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
    let iommu = root.is_none_or(|(_, iommu)| *iommu);
    let dma = cells.iter().zip(&shared.cells).filter_map(|(cell, memory)| device(cell, memory, iommu)).collect();
    let guests = cells.iter().zip(shared.cells).map(|(cell, memory)| guest(cell, memory, architecture));
    let mut spaces: Vec<Part> = guests.collect();
    let mut formats = BTreeMap::new();
    if !shared.hypervisor.is_empty() {
        about.push("* The hypervisor writes what all cells only read, at the same addresses.".into());
        let format = if architecture == Architecture::X86 { "x86_64 4-level" } else { "aarch64 4K VA48 EL2" };
        formats.insert("hypervisor".to_owned(), format.to_owned());
        spaces.push(hypervisor(shared.hypervisor, &paths[0], architecture));
    }
    Model {
        name: crate::stem(files[0].1),
        format: options.regime.clone().unwrap_or(usual),
        about,
        resources: root.and_then(|(memory, _)| hypervisor_memory(memory)).into_iter().collect(),
        spaces,
        formats,
        isolation: isolation(&cells, &shared.channels).into_iter().collect(),
        channels: shared.channels,
        dma,
        options: system,
        ..Model::default()
    }
}

/// What a cell sees.
fn guest(cell: &Cell, memory: Vec<(Memory, Option<String>)>, architecture: Architecture) -> Part {
    let entries = memory.into_iter().map(|(memory, channel)| entry(&memory, channel, architecture)).collect();
    let origin = Origin { place: cell.place.clone(), text: format!("cell `{}`", cell.name) };
    Part { name: cell.name.clone(), role: "guest", budget: None, entries, origin }
}

/// Every cell from the others, but for what is shared on purpose.
fn isolation(cells: &[Cell], channels: &[(Channel, Origin)]) -> Option<Isolation> {
    (cells.len() > 1).then(|| Isolation {
        note: Vec::new(),
        spaces: cells.iter().map(|cell| cell.name.clone()).collect(),
        except: channels.iter().map(|(channel, _)| channel.name.clone()).collect(),
    })
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
