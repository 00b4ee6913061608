//! `diff`: what differs between two documents, two images, or two dumps.

mod documents;
mod tables;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cli;
use crate::elf;
use crate::number::Hex;
use crate::source::Source;

pub use documents::documents;
pub use tables::tables;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// A document, an image, or a dump.
    a: PathBuf,
    /// Another one of the same kind.
    b: PathBuf,
    /// Physical address of the dumps' first byte.
    #[arg(long)]
    base: Option<Hex>,
    #[command(flatten)]
    source: Source,
}

/// The command: status 1 if there is a difference.
///
/// # Errors
/// A file cannot be read, or the two are not of one kind.
pub fn run(options: &Options) -> Result<ExitCode> {
    let (a, b) = (cli::read(&options.a)?, cli::read(&options.b)?);
    let lines = match (json(&a), json(&b)) {
        (true, true) => documents(&value(&options.a, &a)?, &value(&options.b, &b)?),
        (false, false) => of_tables(options)?,
        _ => bail!("{} and {} are not of one kind", options.a.display(), options.b.display()),
    };
    for line in &lines {
        println!("{line}");
    }
    match lines.len() {
        0 => println!("no difference"),
        1 => println!("1 difference"),
        count => println!("{count} differences"),
    }
    Ok(if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether it starts like a document.
fn json(bytes: &[u8]) -> bool {
    !elf::is_elf(bytes) && bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn value(path: &Path, bytes: &[u8]) -> Result<serde_json::Value> {
    serde_json::from_slice(bytes).with_context(|| format!("{}: this is no document", path.display()))
}

/// The tables of both files.
fn of_tables(options: &Options) -> Result<Vec<String>> {
    let (image_a, memory_a) = cli::read_memory(&options.a, options.base, &[])?;
    let (image_b, memory_b) = cli::read_memory(&options.b, options.base, &[])?;
    let of_a = options.source.tables(image_a.as_ref()).with_context(|| options.a.display().to_string())?;
    let of_b = options.source.tables(image_b.as_ref()).with_context(|| options.b.display().to_string())?;
    let mut lines = Vec::new();
    for a in &of_a {
        let name = a.name.as_ref().map_or_else(String::new, |name| format!("space {name}: "));
        match of_b.iter().find(|b| b.name == a.name) {
            Some(b) => {
                lines.extend(tables((&memory_a, a), (&memory_b, b)).into_iter().map(|line| format!("{name}{line}")))
            }
            None => lines.push(format!("{name}its tables are only in {}", options.a.display())),
        }
    }
    for b in of_b.iter().filter(|b| !of_a.iter().any(|a| a.name == b.name)) {
        let name = b.name.as_deref().unwrap_or_default();
        lines.push(format!("space {name}: its tables are only in {}", options.b.display()));
    }
    Ok(lines)
}
