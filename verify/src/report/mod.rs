//! `report`: a page and pictures from a document, for those who read instead of run.
//!
//! In the order in which they build on each other: [`document`] (all that a document says), [`domain`], [`palette`],
//! [`physical`], [`entries`], [`model`] (what the page is about), [`svg`] (pictures), [`html`] (the page).

pub mod document;
pub mod domain;
pub mod entries;
pub mod html;
pub mod model;
pub mod palette;
pub mod physical;
pub mod svg;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::cli;
use document::Evidence;
use model::Page;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// Documents.
    #[arg(required = true)]
    documents: Vec<PathBuf>,
    /// Where to write: a directory, or the page if this ends in `.html`; beside each document if it is missing.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// A file that is written: its name, and what is in it.
pub type File = (String, String);

/// The command.
///
/// # Errors
/// A document cannot be read or is none, or a file cannot be written.
pub fn run(options: &Options) -> Result<ExitCode> {
    let page = options.output.as_deref().filter(|path| path.extension().is_some_and(|end| end == "html"));
    if page.is_some() && options.documents.len() > 1 {
        bail!("--output names one page, and there are {} documents: name a directory", options.documents.len());
    }
    for document in &options.documents {
        let directory = match (page, &options.output) {
            (Some(page), _) => page.parent().unwrap_or(Path::new("")),
            (None, Some(directory)) => directory,
            (None, None) => document.parent().unwrap_or(Path::new("")),
        };
        let stem = page.unwrap_or(document).file_stem().context("this names no file")?.to_string_lossy();
        let files = files(&stem, &cli::read(document)?).with_context(|| document.display().to_string())?;
        if !directory.as_os_str().is_empty() {
            fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        for (name, content) in files {
            let path = directory.join(name);
            fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All files of a document, their names starting with `stem`: the page, a picture of each space, one of physical memory.
///
/// # Errors
/// The document is none.
pub fn files(stem: &str, document: &[u8]) -> Result<Vec<File>> {
    let evidence = Evidence::parse(document)?;
    let page = Page::of(&evidence);
    let mut files = vec![(format!("{stem}.html"), html::page(&page))];
    for (index, view) in page.spaces.iter().enumerate() {
        let name = plain(&view.space.name);
        let twin = page.spaces[..index].iter().any(|before| plain(&before.space.name).eq_ignore_ascii_case(&name));
        let name = if twin || name == "physical" { format!("{name}-{index}") } else { name };
        files.push((format!("{stem}-{name}.svg"), svg::space(evidence.name(), view).file()));
    }
    files.push((format!("{stem}-physical.svg"), svg::physical(&page).file()));
    Ok(files)
}

/// A name as a part of a file's: nothing in it is a path.
fn plain(name: &str) -> String {
    let keep = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
    name.chars().take(64).map(keep).collect()
}
