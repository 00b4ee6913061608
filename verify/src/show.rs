//! `show`: page tables in the terminal.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::cli::{self, Dump};
use crate::number::{Hex, Size};
use crate::scheme::Scheme;
use crate::source::{Source, Tables};
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
    source: Source,
    /// Also draw the tables, each below the one that points to it.
    #[arg(long)]
    tables: bool,
}

/// The command.
///
/// # Errors
/// Files cannot be read, or nobody said what to look at.
pub fn run(options: &Options) -> Result<ExitCode> {
    let (image, memory) = cli::read_memory(&options.file, options.base, &options.dump)?;
    let mut is_well = true;
    for Tables { name, scheme, roots } in options.source.tables(image.as_ref())? {
        let found = Found::by(Walk::new(&memory, scheme, roots));
        if let Some(name) = name {
            println!("space {name}");
        }
        print!("{}", drawing(&scheme, roots, &found));
        if options.tables {
            print!("{}", tree(&scheme, &found));
        }
        is_well &= found.faults.is_empty();
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
        Size(mapped).roughly(),
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
