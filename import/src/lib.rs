//! Memory maps of other systems: as declarations of [`tablature`], and as findings of its rules.
//!
//! [`import`] reads a file of one of the formats of [`Format`]. What comes of it is a [`system`] of address spaces as
//! data, with the place where each part comes from: [`Imported::declaration`] writes it in the notation, and
//! [`Imported::findings`] lists what breaks a rule.
//!
//! * [`system`]: a system of address spaces as data;
//! * [`notation`]: the same as a declaration;
//! * [`twin`]: the same as a value that the rules judge, with the regimes by name in [`formats`];
//! * [`resources`]: what exists on the bus, read off a map.
//!
//! # Invariants
//! Input is never trusted: whatever a file holds, what comes of it is an error, a finding or a declaration, in bounded
//! time and memory.

pub mod formats;
pub mod notation;
pub mod resources;
pub mod system;
pub mod twin;

mod assemble;
mod c;
mod dtb;
mod jailhouse;
mod lint;
mod microkit;
mod model;
mod nest;
mod tf_a;
mod zephyr;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

pub use c::unit::Surroundings;
pub use lint::Finding;
pub use model::{Imported, Origin, Origins};

/// Most bytes of a file.
const BYTES: u64 = 64 << 20;

/// A format that can be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A device tree blob.
    Dtb,
    /// C with `MAP_REGION` of Trusted Firmware-A.
    TfA,
    /// C with `MMU_REGION_ENTRY` of Zephyr.
    Zephyr,
    /// A system description of Microkit.
    Microkit,
    /// Cells of Jailhouse, in C or binary.
    Jailhouse,
}

impl Format {
    /// All, by name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("dtb", Self::Dtb),
        ("tf-a", Self::TfA),
        ("zephyr", Self::Zephyr),
        ("microkit", Self::Microkit),
        ("jailhouse", Self::Jailhouse),
    ];

    /// The format that the bytes look like.
    #[must_use]
    pub fn guess(bytes: &[u8]) -> Option<Self> {
        if dtb::is(bytes) {
            return Some(Self::Dtb);
        }
        let text = String::from_utf8_lossy(bytes);
        if tf_a::is(&text) {
            return Some(Self::TfA);
        }
        if jailhouse::is(bytes, &text) {
            return Some(Self::Jailhouse);
        }
        if microkit::is(&text) {
            return Some(Self::Microkit);
        }
        if zephyr::is(&text) {
            return Some(Self::Zephyr);
        }
        None
    }
}

impl FromStr for Format {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        found.map(|(_, format)| *format).with_context(|| format!("no format `{name}`; there are {}", names()))
    }
}

/// How to read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format; guessed from the content without one.
    pub from: Option<Format>,
    /// What a file in C needs.
    pub surroundings: Surroundings,
    /// The regime, as [`formats::named`] knows it; what is usual for the format without one.
    pub regime: Option<String>,
    /// Where memory is: start and size.
    pub ram: Option<(u64, u64)>,
    /// The name of the module; that of the file without one.
    pub name: Option<String>,
}

/// Reads one file, or several cells of one system.
///
/// # Errors
/// A file cannot be read or understood: the message says where.
pub fn import(files: &[PathBuf], options: &Options) -> Result<Imported> {
    if let Some(regime) = &options.regime {
        formats::named(regime).map_err(anyhow::Error::msg)?;
    }
    let mut read = Vec::new();
    for file in files {
        read.push((load(file)?, file.as_path()));
    }
    import_bytes(&read, options)
}

/// The same of files that are read already.
///
/// # Errors
/// See [`import`].
pub fn import_bytes(files: &[(Vec<u8>, &Path)], options: &Options) -> Result<Imported> {
    let Some(((bytes, path), rest)) = files.split_first() else { bail!("no file") };
    let guessed =
        || Format::guess(bytes).with_context(|| format!("{}: no format that is known: say --from", path.display()));
    let format = options.from.map_or_else(guessed, Ok)?;
    if !rest.is_empty() && format != Format::Jailhouse {
        bail!("only cells of Jailhouse are several files of one system");
    }
    let text = || String::from_utf8_lossy(bytes);
    let mut imported = match format {
        Format::TfA => tf_a::import(&text(), path, options)?,
        Format::Jailhouse => jailhouse::import(files, options)?,
        Format::Zephyr => zephyr::import(&text(), path, options)?,
        Format::Microkit => microkit::import(&text(), path, options)?,
        Format::Dtb => dtb::import(bytes, path, options)?,
    };
    if let Some(name) = &options.name {
        imported.system.id = resources::identifier(name);
    }
    Ok(imported)
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let name = || format!("cannot read {}", path.display());
    let size = std::fs::metadata(path).with_context(name)?.len();
    if size > BYTES {
        bail!("{} has {size:#x} bytes, and at most {BYTES:#x} are read", path.display());
    }
    std::fs::read(path).with_context(name)
}

/// A name for the module of a file.
fn stem(path: &Path) -> String {
    resources::identifier(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// The name of a thing from that of its constant: `PLAT_UART0_BASE` is `plat_uart0`.
fn plain_name(constant: &str) -> String {
    let name = constant.to_ascii_lowercase().replace("map_", "");
    let ends = ["_base", "_addr", "_address", "_start", "_paddr", "_phys", "_pa", "_map", "_mmap"];
    let short = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    resources::identifier(short.trim_matches('_'))
}
