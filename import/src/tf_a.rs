//! The memory map of a Trusted Firmware-A platform: its lists of `MAP_REGION` and calls of `mmap_add_region`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::Options;
use crate::c::expand::expand;
use crate::c::find::{Call, calls};
use crate::c::token::{Token, written};
use crate::c::unit::{Prelude, Unit};
use crate::c::value::{self, address};
use crate::model::{self, Entry, Imported, Model, Origin, Overlap, Part};
use crate::system::{self, Num, RightsText};

/// Macros of an entry.
const ENTRIES: [&str; 7] = [
    "MAP_REGION",
    "MAP_REGION_FLAT",
    "MAP_REGION2",
    "MAP_REGION_FLAT2",
    "MAP_REGION_FULL_SPEC",
    "MAP_REGION_ALLOC_VA",
    "REGION_DEFAULT_GRANULARITY",
];
/// Functions that add one.
const ADDERS: [&str; 2] = ["mmap_add_region", "mmap_add_dynamic_region"];

/// What `xlat_tables_v2.h` and `utils_def.h` define.
const PRELUDE: Prelude = Prelude {
    fixed: "
#define MT_DEVICE 0
#define MT_NON_CACHEABLE 1
#define MT_MEMORY 2
#define MT_RO 0
#define MT_RW (1 << 3)
#define MT_SECURE 0
#define MT_NS (1 << 4)
#define MT_EXECUTE 0
#define MT_EXECUTE_NEVER (1 << 5)
#define MT_USER (1 << 6)
#define MT_PRIVILEGED 0
#define MT_CODE (MT_MEMORY | MT_RO | MT_EXECUTE)
#define MT_RO_DATA (MT_MEMORY | MT_RO | MT_EXECUTE_NEVER)
#define MT_RW_DATA (MT_MEMORY | MT_RW | MT_EXECUTE_NEVER)
#define U(x) (x)
#define UL(x) (x)
#define ULL(x) (x)
#define L(x) (x)
#define LL(x) (x)
",
    default: "
#define REGION_DEFAULT_GRANULARITY 0
#define UINT64_C(x) (x)
#define BIT(n) (1 << (n))
#define BIT_32(n) (1 << (n))
#define BIT_64(n) (1 << (n))
#define SIZE_K(n) ((n) << 10)
#define SIZE_M(n) ((n) << 20)
#define SIZE_G(n) ((n) << 30)
#define SZ_4K 0x1000
#define SZ_8K 0x2000
#define SZ_16K 0x4000
#define SZ_32K 0x8000
#define SZ_64K 0x10000
#define SZ_128K 0x20000
#define SZ_256K 0x40000
#define SZ_512K 0x80000
#define SZ_1M 0x100000
#define SZ_2M 0x200000
#define SZ_4M 0x400000
#define SZ_8M 0x800000
#define SZ_16M 0x1000000
#define SZ_32M 0x2000000
#define SZ_64M 0x4000000
#define SZ_128M 0x8000000
#define SZ_256M 0x10000000
#define SZ_512M 0x20000000
#define SZ_1G 0x40000000
#define PAGE_SIZE 0x1000
#define PAGE_SIZE_MASK (PAGE_SIZE - 1)
",
};

/// Whether a text is of this kind.
pub(crate) fn is(text: &str) -> bool {
    ENTRIES.iter().chain(&ADDERS).any(|name| text.contains(name))
}

/// Reads a platform's source.
///
/// # Errors
/// It has no regions, one has no constant address, or it cannot be understood as C.
pub(crate) fn import(text: &str, path: &Path, options: &Options) -> Result<Imported> {
    let unit = Unit::of(text, path, PRELUDE, &options.surroundings)?;
    let opaque: Vec<&str> = ENTRIES.iter().chain(&ADDERS).copied().collect();
    let words = expand(&unit, &unit.words, &opaque)?;
    let mut entries = Vec::new();
    let (mut wrong, mut remarks) = (Vec::new(), Vec::new());
    for call in calls(&words, &opaque)? {
        let place = unit.place(call.place);
        match entry(&unit, &call) {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => {}
            Err(error) if ADDERS.contains(&&*call.name) => {
                remarks.push(format!(
                    "{place}: left out, it is known at run time only: {} ({error:#})",
                    written(&call.words)
                ));
            }
            Err(error) => wrong.push(format!("{place}: {}: {error:#}", written(&call.words))),
        }
    }
    if !wrong.is_empty() {
        bail!("{}{}", wrong.join("\n  "), unit.gaps());
    }
    if entries.is_empty() {
        bail!("{}: no region of TF-A in it{}", path.display(), unit.gaps());
    }
    let mut imported = describe(&unit, path, entries, options).build()?;
    imported.remarks.splice(0..0, remarks);
    Ok(imported)
}

fn describe(unit: &Unit, path: &Path, entries: Vec<Entry>, options: &Options) -> Model {
    let mut about = vec![format!("Imported from {} (TF-A).", path.display()), String::new(), "Assumed:".into()];
    let defined = |name: &str| {
        let found = unit.macros.get(name)?;
        let value = value::evaluate(unit, &found.body).ok()?;
        u128::try_from(value).ok()
    };
    let width = |name: &str| defined(name).filter(|size| size.is_power_of_two()).map(u128::ilog2);
    let format = options.regime.clone().unwrap_or_else(|| {
        about.push("* EL3, as in BL1 and BL31; `--regime` says otherwise.".into());
        let bits = width("PLAT_VIRT_ADDR_SPACE_SIZE").unwrap_or_else(|| {
            let bits = model::bits(&entries, 32);
            about.push(format!("* {bits} bits of virtual address, for PLAT_VIRT_ADDR_SPACE_SIZE is not known."));
            bits
        });
        format!("aarch64 4K VA{bits} EL3")
    });
    let pa_bits = width("PLAT_PHY_ADDR_SPACE_SIZE").unwrap_or_else(|| {
        about.push("* 48 bits of physical address, for PLAT_PHY_ADDR_SPACE_SIZE is not known.".into());
        48
    });
    about.push("* Where one region lies inside another, the inner one holds, as the library of TF-A has it.".into());
    about.push("* Secure and non-secure physical addresses are one space; the bus may have two.".into());
    if !unit.unknown.is_empty() {
        let names: Vec<&str> = unit.unknown.iter().take(12).map(String::as_str).collect();
        about.push(format!("* Not defined, so parts are left out: {}.", names.join(", ")));
    }
    // The root is not among those that the constant counts.
    let budget =
        defined("MAX_XLAT_TABLES").and_then(|count| u64::try_from(count).ok()).map(|count| count.saturating_add(1));
    if budget.is_some() {
        about.push("* MAX_XLAT_TABLES and the root are all tables there are.".into());
    }
    let options = system::Options { pa_bits: Some(Num(pa_bits.into())), ..system::Options::default() };
    let space = Part { name: "firmware".into(), role: "firmware", budget, entries, origin: Origin::default() };
    let name = crate::stem(path);
    Model { name, format, about, spaces: vec![space], options, overlap: Overlap::Inner, ..Model::default() }
}

/// The region that a call adds, if it is one.
fn entry(unit: &Unit, call: &Call) -> Result<Option<Entry>> {
    let arguments = &call.arguments;
    let at = |index: usize| arguments.get(index).map(Vec::as_slice).context("an argument is missing");
    let (pa, va, size, attributes, granularity) = match (&*call.name, arguments.len()) {
        ("MAP_REGION" | "mmap_add_region" | "mmap_add_dynamic_region", 4) => (at(0)?, at(1)?, at(2)?, at(3)?, None),
        ("MAP_REGION_FLAT", 3) => (at(0)?, at(0)?, at(1)?, at(2)?, None),
        ("MAP_REGION2" | "MAP_REGION_FULL_SPEC", 5) => (at(0)?, at(1)?, at(2)?, at(3)?, Some(at(4)?)),
        ("MAP_REGION_FLAT2", 4) => (at(0)?, at(0)?, at(1)?, at(2)?, Some(at(3)?)),
        ("MAP_REGION_ALLOC_VA", _) => bail!("the virtual address is chosen at run time"),
        ("REGION_DEFAULT_GRANULARITY", _) => return Ok(None),
        (name, count) => bail!("{name} with {count} arguments"),
    };
    let attributes = address(unit, attributes)?;
    let page = granularity.map(|words| address(unit, words)).transpose()?.filter(|size| *size > 0);
    let (rights, memory) = attribute(attributes)?;
    Ok(Some(Entry {
        name: name(call, pa),
        virt: address(unit, va)?,
        phys: address(unit, pa)?,
        size: address(unit, size)?,
        rights: RightsText::One(rights.into()),
        user: attributes & (1 << 6) != 0,
        memory,
        page_max: page,
        origin: Origin { place: unit.place(call.place), text: text(call) },
        notes: vec![if attributes & (1 << 4) == 0 { "secure" } else { "non-secure" }.into()],
        ..Entry::default()
    }))
}

/// What stands in the file: the macro, if it is one.
fn text(call: &Call) -> String {
    let written = written(&call.words);
    match &call.from {
        Some(from) => format!("{from}, {written}"),
        None => written,
    }
}

/// The rights and the memory type: what is writable or a device is never executable, whatever the attributes say.
fn attribute(bits: u64) -> Result<(&'static str, &'static str)> {
    let memory = match bits & 7 {
        0 => "device-nGnRE",
        1 => "normal-nc",
        2 => "normal-wb",
        other => bail!("there is no memory type {other}"),
    };
    let rights = match (bits & (1 << 3) != 0, bits & (1 << 5) != 0 || bits & 7 == 0) {
        (true, _) => "rw",
        (false, true) => "r",
        (false, false) => "rx",
    };
    Ok((rights, memory))
}

/// A name: of the macro that stands for the region, or of its address.
fn name(call: &Call, pa: &[Token]) -> String {
    let base = pa.iter().find_map(Token::name);
    let name = call.from.as_deref().or(base).unwrap_or("region");
    crate::plain_name(name)
}
