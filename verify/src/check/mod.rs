//! `check`: is what the image holds what the evidence says?

mod image;
mod isolation;
mod regions;
mod registers;
mod switches;
mod tables;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cli::{self, Dump};
use crate::elf::Image;
use crate::evidence::{Document, Placement, Space};
use crate::memory::PhysicalMemory;
use crate::number::Hex;
use crate::scheme::Scheme;
use crate::walk::{Found, Roots, Walk};

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// The final image, an ELF file.
    image: PathBuf,
    /// The document that says what it must hold.
    #[arg(long, value_name = "MAP.json")]
    evidence: PathBuf,
    /// Memory of the running machine, which covers what the image has.
    #[arg(long, value_name = "FILE@PHYS")]
    dump: Vec<Dump>,
    /// Physical address of the (lower) root of a space whose tables are filled at boot; the space may be left out if there
    /// is one.
    #[arg(long, value_name = "[SPACE=]PHYS")]
    root: Vec<Root>,
}

/// Where the machine filled the tables of a space.
#[derive(Clone, Debug)]
pub struct Root {
    /// The space, or the only one that is filled at boot.
    pub space: Option<String>,
    /// The address that its root register holds.
    pub phys: u64,
}

impl std::str::FromStr for Root {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (space, phys) = match text.split_once('=') {
            Some((space, phys)) => (Some(space.to_owned()), phys),
            None => (None, text),
        };
        let phys = phys.parse::<Hex>()?.address().context("2^64 is no address")?;
        Ok(Self { space, phys })
    }
}

/// Something that is not as the document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// Where: section and address.
    pub place: String,
    /// What is wrong.
    pub text: String,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The document contradicts itself.
    Document,
    /// This program cannot read such tables.
    NotChecked,
    /// The symbol, place, alignment, or number of tables.
    Tables,
    /// The hash of a table, or the number of its entries.
    Hash,
    /// An entry that the manual reserves, or whose table is not there.
    Entry,
    /// Nothing is mapped where something is declared.
    Missing,
    /// Something is mapped where nothing is declared.
    Extra,
    /// Another physical address.
    Address,
    /// Other rights.
    Rights,
    /// Another memory type.
    Memory,
    /// Another size of leaves, or other runs.
    Leaf,
    /// Valid for other address spaces than declared.
    Global,
    /// The first access faults.
    Accessed,
    /// A window that has not all of its tables.
    Window,
    /// A section outside of the regions, with other rights, or loaded elsewhere.
    Section,
    /// A relocation that a loader would have to apply.
    Relocation,
    /// The entry point.
    EntryPoint,
    /// A register that does not go with the tables.
    Register,
    /// A transition whose code, stack or vectors are not mapped.
    Transition,
    /// Frames that isolated spaces share.
    Isolation,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// What a check found, and what it did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was checked, and what could not be.
    pub notes: Vec<String>,
}

impl Report {
    fn add(&mut self, kind: Kind, place: impl Into<String>, text: impl Into<String>) {
        self.findings.push(Finding { kind, place: place.into(), text: text.into() });
    }
}

/// The command.
///
/// # Errors
/// A file cannot be read, or the tables in the image are not finished.
pub fn run(options: &Options) -> Result<ExitCode> {
    let document = Document::read(&options.evidence)?;
    let image = cli::read_image(&options.image)?;
    let name = options.image.display();
    let mut memory = PhysicalMemory::of_image(&image).with_context(|| name.to_string())?;
    for dump in &options.dump {
        memory.add_dump(dump.start, cli::read(&dump.path)?).with_context(|| dump.path.display().to_string())?;
    }
    let machine = Machine { memory: &memory, roots: &options.root, is_dump: !options.dump.is_empty() };
    let report = check(&image, &document, &machine).with_context(|| name.to_string())?;
    for finding in &report.findings {
        println!("{name}: {finding}");
    }
    for note in &report.notes {
        println!("{name}: {note}");
    }
    match report.findings.len() {
        0 => println!("{name}: is as {} says", options.evidence.display()),
        1 => println!("{name}: 1 finding"),
        count => println!("{name}: {count} findings"),
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The memory to look at.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// What it holds.
    pub memory: &'a PhysicalMemory,
    /// Where tables were filled at boot.
    pub roots: &'a [Root],
    /// Whether some of it comes from a running machine, whose CPU sets accessed and dirty bits.
    pub is_dump: bool,
}

/// One space of the check.
struct Subject<'a> {
    image: &'a Image,
    document: &'a Document,
    machine: &'a Machine<'a>,
    space: &'a Space,
    scheme: Scheme,
}

/// What the tables of a space map.
struct Walked<'a> {
    space: &'a Space,
    scheme: Scheme,
    found: Found,
}

impl Subject<'_> {
    /// A physical address as section and link address, for messages.
    fn place(&self, phys: u64) -> String {
        place(self.image, phys)
    }

    /// What messages about the space start with.
    fn name(&self) -> String {
        format!("space {}", self.space.name)
    }
}

/// A physical address as section, link address, and itself.
fn place(image: &Image, phys: u64) -> String {
    let inside = |section: &&crate::elf::Section| {
        section.phys.and_then(|start| phys.checked_sub(start)).is_some_and(|offset| offset < section.size)
    };
    match image.sections.iter().find(inside) {
        Some(section) => {
            let virt = section.virt + (phys - section.phys.unwrap_or(phys));
            format!("{} at {virt:#x} (physical {phys:#x})", section.name)
        }
        None => format!("physical {phys:#x}"),
    }
}

/// Compares an image, and what memory holds, with a document.
///
/// # Errors
/// The tables in the image are not finished: a loader would have to relocate them.
pub fn check(image: &Image, document: &Document, machine: &Machine<'_>) -> Result<Report> {
    let mut report = Report::default();
    for root in machine.roots {
        let Some(name) = &root.space else { continue };
        document.space(name).context("--root")?;
    }
    if document.verdict.as_deref() == Some("violated") {
        report.add(Kind::Document, format!("map {}", document.map.name), "it breaks a rule, by its document");
    }
    let mut walked = Vec::new();
    for space in &document.spaces {
        match document.scheme(space)? {
            Some(scheme) => {
                let subject = Subject { image, document, machine, space, scheme };
                let found = one_space(&subject, &mut report)?;
                walked.extend(found.map(|found| Walked { space, scheme, found }));
            }
            None => {
                let text = format!("no decoder here reads {} ({})", space.format.scheme, space.format.name);
                report.add(Kind::NotChecked, format!("space {}", space.name), text);
            }
        }
    }
    isolation::check(document, &walked, &mut report);
    switches::check(image, document, &walked, &mut report);
    image::check(image, document, &mut report);
    Ok(report)
}

/// What the walk of a space found, if its tables are there.
fn one_space(subject: &Subject<'_>, report: &mut Report) -> Result<Option<Found>> {
    regions::document(subject, report);
    let Some(base) = tables::base(subject, report)? else {
        return Ok(None);
    };
    let tables = &subject.space.tables;
    let root = |index: Option<u64>| base.checked_add(index?.checked_mul(subject.scheme.table_bytes())?);
    let roots = Roots { lower: root(tables.lower_root), upper: root(tables.upper_root) };
    let found = Found::by(Walk::new(subject.machine.memory, subject.scheme, roots));
    for fault in &found.faults {
        let text = format!("{}, {:#x}, level {}: {}", subject.name(), fault.virt, fault.level, fault.why);
        report.add(Kind::Entry, subject.place(fault.place), text);
    }
    tables::check(subject, base, roots, &found, report);
    regions::check(subject, &found, report);
    regions::windows(subject, &found, report);
    regions::guards(subject, &found, report);
    registers::check(subject, roots, report);
    let leaves: u64 = found.runs.iter().map(|run| run.count).sum();
    report.notes.push(format!(
        "{}: {} tables at {base:#x}, {} regions, {leaves} leaves in {} runs: compared with the document",
        subject.name(),
        found.tables.len(),
        subject.space.regions.len(),
        found.runs.len(),
    ));
    Ok(Some(found))
}

/// Where the machine filled the tables of a space.
fn boot_root(subject: &Subject<'_>) -> Result<Option<u64>> {
    let Subject { space, document, machine, .. } = subject;
    let filled = document.spaces.iter().filter(|space| space.tables.placement == Placement::BootFilled).count();
    let own = |root: &&Root| match &root.space {
        Some(name) => *name == space.name,
        None => space.tables.placement == Placement::BootFilled,
    };
    if filled > 1 && machine.roots.iter().any(|root| root.space.is_none()) {
        bail!("--root: say which space: {filled} spaces are filled at boot");
    }
    Ok(machine.roots.iter().find(own).map(|root| root.phys))
}
