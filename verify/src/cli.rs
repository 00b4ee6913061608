//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use crate::check;
use crate::diff;
use crate::elf::{self, Image};
#[cfg(feature = "import")]
use crate::import;
use crate::memory::PhysicalMemory;
use crate::number::Hex;
use crate::report;
use crate::show;

/// Reads page tables in images and memory dumps, with a decoder of its own.
#[derive(Debug, Parser)]
#[command(name = "cargo tablature", bin_name = "cargo tablature", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares the page tables, sections and relocations of a final image with the evidence of its map.
    Check(check::Options),
    /// Draws the page tables of an image or of a memory dump, whoever made them.
    Show(show::Options),
    /// Says what differs between two documents, or between the tables of two images or dumps.
    Diff(diff::Options),
    /// Writes a page and pictures of what a map is and proves.
    Report(report::Options),
    /// Writes the map of another system as a declaration, and lists what of it breaks a rule.
    #[cfg(feature = "import")]
    Import(import::Options),
}

/// `FILE@PHYS`: a dump, and the physical address of its first byte.
#[derive(Clone, Debug)]
pub struct Dump {
    /// The file.
    pub path: PathBuf,
    /// Where its first byte was.
    pub start: u64,
}

impl std::str::FromStr for Dump {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (path, start) = text.rsplit_once('@').with_context(|| format!("`{text}` is not FILE@ADDRESS"))?;
        let start = start.parse::<Hex>()?.address().with_context(|| format!("`{start}` is no address"))?;
        Ok(Self { path: path.into(), start })
    }
}

/// A file's bytes.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// An image.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_image(path: &Path) -> Result<Image> {
    Image::parse(read(path)?).with_context(|| path.display().to_string())
}

/// An image, if the file is one, and what is in physical memory: what it loads, or the file as a dump at `base`, and below
/// that the dumps.
///
/// # Errors
/// A file cannot be read or contradicts itself.
pub fn read_memory(path: &Path, base: Option<Hex>, dumps: &[Dump]) -> Result<(Option<Image>, PhysicalMemory)> {
    let bytes = read(path)?;
    let name = || path.display().to_string();
    let (image, mut memory) = if elf::is_elf(&bytes) {
        let image = Image::parse(bytes).with_context(name)?;
        let memory = PhysicalMemory::of_image(&image).with_context(name)?;
        (Some(image), memory)
    } else {
        let base = base.with_context(|| format!("{} is no ELF file: say by --base where the dump was", name()))?;
        let base = base.address().context("--base is no address")?;
        let mut memory = PhysicalMemory::default();
        memory.add_dump(base, bytes).with_context(name)?;
        (None, memory)
    };
    for dump in dumps {
        memory.add_dump(dump.start, read(&dump.path)?).with_context(|| dump.path.display().to_string())?;
    }
    Ok((image, memory))
}

/// Runs the command that the arguments ask for. cargo passes the name of the subcommand as the first one.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|argument| argument == "tablature") {
        arguments.remove(1);
    }
    let done = match Arguments::parse_from(arguments).command {
        Command::Check(options) => check::run(&options),
        Command::Show(options) => show::run(&options),
        Command::Diff(options) => diff::run(&options),
        Command::Report(options) => report::run(&options),
        #[cfg(feature = "import")]
        Command::Import(options) => import::run(&options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
