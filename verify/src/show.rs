//! `show`: page tables in the terminal.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cli::{self, Dump, Kind};
use crate::elf::Image;
use crate::number::{Hex, Size};
use crate::scheme::{Halves, Scheme};
use crate::walk::{Found, Roots, Run, Walk};

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// An ELF file or a memory dump.
    file: PathBuf,
    /// Physical address of a dump's first byte.
    #[arg(long)]
    base: Option<Hex>,
    /// More memory, which covers what the file has.
    #[arg(long, value_name = "FILE@PHYS")]
    dump: Vec<Dump>,
    #[command(flatten)]
    kind: Kind,
    /// Physical address of the root, or of that of the lower half.
    #[arg(long)]
    root: Option<Hex>,
    /// Physical address of the upper half's root.
    #[arg(long)]
    upper_root: Option<Hex>,
    /// The symbol of an image where the root is.
    #[arg(long)]
    symbol: Option<String>,
    /// Also draw the tables, each below the one that points to it.
    #[arg(long)]
    tables: bool,
}

/// The command.
///
/// # Errors
/// Files cannot be read, or nobody said what to look at.
pub fn run(options: &Options) -> Result<ExitCode> {
    let scheme = options.kind.scheme()?;
    let (image, memory) = cli::read_memory(&options.file, options.base, &options.dump)?;
    let roots = roots(options, &scheme, image.as_ref())?;
    let found = Found::by(Walk::new(&memory, scheme, roots));
    print!("{}", drawing(&scheme, roots, &found));
    if options.tables {
        print!("{}", tree(&scheme, &found));
    }
    Ok(if found.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn roots(options: &Options, scheme: &Scheme, image: Option<&Image>) -> Result<Roots> {
    let address = |hex: Option<Hex>| hex.map(|hex| hex.address().context("2^64 is no address")).transpose();
    let (mut lower, upper) = (address(options.root)?, address(options.upper_root)?);
    if lower.is_none() && upper.is_none() {
        let image = image.context("where is the root? say it by --root")?;
        let name = match &options.symbol {
            Some(name) => name,
            None => only_tables(image)?,
        };
        let symbol = image.symbol(name).with_context(|| format!("the image has no symbol {name}"))?;
        let phys = image.physical(symbol.virt);
        lower = Some(phys.with_context(|| format!("{name} at {:#x} is in no segment", symbol.virt))?);
    }
    if upper.is_some() && scheme.halves() != Halves::Split {
        bail!("{scheme} has one root");
    }
    Ok(Roots { lower, upper })
}

/// The symbol of the only declared tables.
fn only_tables(image: &Image) -> Result<&str> {
    let is_object = |name: &str| name.starts_with("__tablature_") && !name.ends_with("_q");
    let names: Vec<&str> =
        image.symbols.iter().map(|symbol| symbol.name.as_str()).filter(|name| is_object(name)).collect();
    match names.as_slice() {
        [] => bail!("where is the root? say it by --root or --symbol"),
        [name] => Ok(name),
        names => bail!("the image has several tables, name one by --symbol: {}", names.join(", ")),
    }
}

/// Letters that a bar has at most.
const BAR: u32 = 16;

/// Everything that is mapped, one line for each run of leaves.
#[must_use]
pub fn drawing(scheme: &Scheme, roots: Roots, found: &Found) -> String {
    let mut text = format!("{scheme}\n");
    for (name, root) in [("root", roots.lower), ("root of the upper half", roots.upper)] {
        if let Some(root) = root {
            let _ = writeln!(text, "{name} at {root:#x}");
        }
    }
    let most = found.runs.iter().map(|run| magnitude(run.bytes())).max().unwrap_or(1);
    let mut end = None;
    for run in &found.runs {
        let start = u128::from(run.first.virt);
        if let Some(end) = end.filter(|end| *end < start) {
            let _ = writeln!(text, "  {:18} · {}", "", Size(start - end).roughly());
        }
        end = Some(run.end());
        let _ = writeln!(text, "{}", line(run, most));
    }
    for (virt, level, place, phys) in &found.loops {
        let _ = writeln!(
            text,
            "  {virt:#018x} ↺ the entry of level {level} at {place:#x} points back to the table at {phys:#x}"
        );
    }
    for fault in &found.faults {
        let _ =
            writeln!(text, "! {:#018x} level {}, entry at {:#x}: {}", fault.virt, fault.level, fault.place, fault.why);
    }
    let mapped: u128 = found.runs.iter().map(Run::bytes).sum();
    let _ = writeln!(
        text,
        "{} mapped by {} in {} tables",
        Size(mapped),
        plural(leaves(found), "leaf", "leaves"),
        found.tables.len()
    );
    text
}

fn leaves(found: &Found) -> u64 {
    found.runs.iter().map(|run| run.count).sum()
}

/// `1 leaf`, `2 leaves`.
fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// log2, which is what a bar shows: sizes differ by factors of millions.
const fn magnitude(bytes: u128) -> u32 {
    128 - bytes.leading_zeros()
}

fn line(run: &Run, most: u32) -> String {
    let attributes = &run.first.attributes;
    let bar = "█".repeat((magnitude(run.bytes()) * BAR).div_ceil(most) as usize);
    let mut text = format!(
        "  {:#018x} ┃ {bar:16} {:>10} → {:#014x}  {:3}/{:3}  {:14}  {} × {}",
        run.first.virt,
        Size(run.bytes()).to_string(),
        run.first.phys,
        attributes.privileged,
        attributes.user,
        attributes.memory,
        run.count,
        Size(run.size.into()),
    );
    if attributes.run != 0 {
        let _ = write!(text, ", runs of {}", Size(attributes.run.into()));
    }
    for (is_so, note) in [
        (!run.is_whole(), ", which are not whole"),
        (attributes.global, ", global"),
        (!attributes.accessed, ", faults until a bit is set (accessed, dirty)"),
    ] {
        text.push_str(if is_so { note } else { "" });
    }
    text
}

/// The tables, each below the one that points to it.
#[must_use]
pub fn tree(scheme: &Scheme, found: &Found) -> String {
    let mut text = String::new();
    for (virt, level, phys) in &found.tables {
        let depth = scheme.levels - 1 - level;
        let branch = if depth == 0 { "■ ".to_owned() } else { format!("{}└ ", "│ ".repeat(depth - 1)) };
        let covers = u128::from(scheme.leaf_bytes(*level)) * u128::from(scheme.entries(*level));
        let _ = writeln!(text, "  {branch}table at {phys:#x}, level {level}: {virt:#018x}, {}", Size(covers));
    }
    text
}
