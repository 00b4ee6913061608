//! A cell in C: the initializer of its structure.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Architecture, Cell, Memory, REGIONS};
use crate::Options;
use crate::c::expand::expand;
use crate::c::init::{Init, initializers};
use crate::c::token::Kind;
use crate::c::unit::{Prelude, Unit};
use crate::c::value::{address, evaluate};

/// What `cell-config.h` defines for memory.
const PRELUDE: Prelude = Prelude {
    fixed: "",
    default: "
#define JAILHOUSE_X86 0
#define JAILHOUSE_ARM 1
#define JAILHOUSE_ARM64 2
#define JAILHOUSE_MEM_READ 0x0001
#define JAILHOUSE_MEM_WRITE 0x0002
#define JAILHOUSE_MEM_EXECUTE 0x0004
#define JAILHOUSE_MEM_DMA 0x0008
#define JAILHOUSE_MEM_IO 0x0010
#define JAILHOUSE_MEM_COMM_REGION 0x0020
#define JAILHOUSE_MEM_LOADABLE 0x0040
#define JAILHOUSE_MEM_ROOTSHARED 0x0080
#define JAILHOUSE_MEM_NO_HUGEPAGES 0x0100
#define JAILHOUSE_MEM_IO_UNALIGNED 0x8000
#define JAILHOUSE_MEM_IO_WIDTH_SHIFT 16
#define JAILHOUSE_MEM_IO_8 (1 << 16)
#define JAILHOUSE_MEM_IO_16 (2 << 16)
#define JAILHOUSE_MEM_IO_32 (4 << 16)
#define JAILHOUSE_MEM_IO_64 (8 << 16)
#define JAILHOUSE_SHMEM_NET_REGION(start, size_, flags_) \\
 { .phys_start = start, .virt_start = start, .size = size_, .flags = JAILHOUSE_MEM_READ | JAILHOUSE_MEM_ROOTSHARED | (flags_) }
#define JAILHOUSE_SHMEM_NET_REGIONS(start, dev_id) \\
 JAILHOUSE_SHMEM_NET_REGION(start, 0x1000, 0), \\
 { 0 }, \\
 JAILHOUSE_SHMEM_NET_REGION((start) + 0x1000, 0x7f000, (dev_id) == 0 ? JAILHOUSE_MEM_WRITE : 0), \\
 JAILHOUSE_SHMEM_NET_REGION((start) + 0x80000, 0x7f000, (dev_id) == 1 ? JAILHOUSE_MEM_WRITE : 0)
",
};
/// Letters of a name that a comment gives.
const NAME: usize = 24;

/// Whether a text is of this kind.
pub(super) fn is(text: &str) -> bool {
    text.contains("jailhouse_cell_desc") || text.contains("jailhouse_system") || text.contains("JAILHOUSE_MEM_")
}

/// Reads a configuration.
///
/// # Errors
/// It has no list of memory, an address is no constant, or it cannot be understood as C.
pub(super) fn read(text: &str, path: &Path, options: &Options) -> Result<Cell> {
    let unit = Unit::of(text, path, PRELUDE, &options.surroundings)?;
    let words = expand(&unit, &unit.words, &[])?;
    let all = initializers(&words)?;
    let found = all.iter().find(|init| init.field("mem_regions").is_some());
    let config = found.with_context(|| format!("{}: no .mem_regions in it{}", path.display(), unit.gaps()))?;
    let head = config.field("header").or_else(|| config.field("cell")).context("neither .header nor .cell in it")?;
    let (mut memory, mut wrong) = (Vec::new(), Vec::new());
    let items: Vec<&Init> = config.field("mem_regions").into_iter().flat_map(Init::items).collect();
    if items.len() > REGIONS {
        bail!("{}: {} regions of memory, and at most {REGIONS} are read", path.display(), items.len());
    }
    for (index, item) in items.into_iter().enumerate() {
        match region(&unit, item, index) {
            Ok(region) => memory.push(region),
            Err(error) => wrong.push(format!("{}: {error:#}", unit.place(item.place()))),
        }
    }
    if !wrong.is_empty() {
        bail!("{}{}", wrong.join("\n  "), unit.gaps());
    }
    let root_cell = head.field("root_cell");
    let name = root_cell.unwrap_or(head).field("name").and_then(Init::words).and_then(|words| words.first());
    let name = name.filter(|word| word.kind == Kind::Text).map(|word| word.text.trim_matches('"').to_owned());
    Ok(Cell {
        name: name.unwrap_or_else(|| crate::stem(path)),
        architecture: architecture(&unit, head, path),
        memory,
        place: unit.place(config.place()),
        root: root(&unit, head)?,
    })
}

/// What only a root cell has: the memory of the hypervisor, and whether there is an IOMMU.
fn root(unit: &Unit, head: &Init) -> Result<Option<(Memory, bool)>> {
    let Some(own) = head.field("hypervisor_memory") else { return Ok(None) };
    let own = Memory { name: "hypervisor_memory".into(), ..region(unit, own, 0)? };
    let platform = head.field("platform_info");
    let places = [platform, platform.and_then(|all| all.field("arm")), platform.and_then(|all| all.field("x86"))];
    Ok(Some((own, places.iter().flatten().any(|place| place.field("iommu_units").is_some()))))
}

/// What the configuration says, or else what its directory or platform says.
fn architecture(unit: &Unit, head: &Init, path: &Path) -> Option<Architecture> {
    let said = head.field("architecture").and_then(Init::words).and_then(|words| evaluate(unit, words).ok());
    let platform = head.field("platform_info");
    let has = |name: &str| platform.is_some_and(|platform| platform.field(name).is_some());
    let under = |name: &str| path.components().any(|part| part.as_os_str() == name);
    match said {
        Some(0) => Some(Architecture::X86),
        Some(1) => Some(Architecture::Arm),
        Some(2) => Some(Architecture::Arm64),
        _ if under("x86") || has("x86") => Some(Architecture::X86),
        _ if under("arm") => Some(Architecture::Arm),
        _ if under("arm64") || has("arm") => Some(Architecture::Arm64),
        _ => None,
    }
}

/// A region: by its fields, or by their order.
fn region(unit: &Unit, init: &Init, index: usize) -> Result<Memory> {
    let number = |name: &str, at: usize| match init.field(name).or_else(|| init.unnamed(at)) {
        Some(value) => {
            let words = value.words().with_context(|| format!(".{name} is no number"))?;
            address(unit, words).with_context(|| format!(".{name}"))
        }
        None => Ok(0),
    };
    let name = init.comment().map(name).filter(|name| !name.is_empty());
    Ok(Memory {
        name: name.unwrap_or_else(|| format!("region_{index}")),
        phys: number("phys_start", 0)?,
        virt: number("virt_start", 1)?,
        size: number("size", 2)?,
        flags: number("flags", 3)?,
        place: unit.place(init.place()),
    })
}

/// The first words of a comment as a name.
fn name(comment: &str) -> String {
    let mut name = String::new();
    let words = comment.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        if !name.is_empty() && name.len() + word.len() > NAME {
            break;
        }
        if !name.is_empty() {
            name.push('_');
        }
        name += &word.to_ascii_lowercase();
    }
    name.truncate(2 * NAME);
    name
}
