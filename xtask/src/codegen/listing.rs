//! Listings: both halves of a pair side by side, kept as documentation.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::asm::Line;
use super::compare::{Body, Comparison, is_of_the_system};
use super::pairs::{Pair, Part};
use crate::machine::Arch;
use crate::process::root;

/// Where they are.
const DIRECTORY: &str = "tests/codegen/listings";
/// What the documentation shows of them on all architectures: where, and which.
const EXCERPTS: [(&str, &str); 5] = [
    ("src/window/listings.md", "window_map.txt"),
    ("src/flush/listings.md", "flush_page.txt"),
    ("src/space/listings.md", "install_system.txt"),
    ("src/edit/listings.md", "cursor_map.txt"),
    ("src/edit/ranges.md", super::ranges::FILE),
];
/// Width of the left column.
const WIDTH: usize = 52;

/// Whether the listing that is kept is this one; with `update` it becomes it.
///
/// # Errors
/// It cannot be written.
pub(crate) fn keep(arch: Arch, pair: &Pair, compared: &Comparison, update: bool) -> Result<bool> {
    let whole = side_by_side(arch, pair, compared, Part::All);
    let mut is_kept = keep_text(arch, &format!("{}.txt", pair.name), &whole, update)?;
    if pair.part == Part::System {
        let part = side_by_side(arch, pair, compared, Part::System);
        is_kept &= keep_text(arch, &format!("{}_system.txt", pair.name), &part, update)?;
    }
    Ok(is_kept)
}

/// Whether the file that is kept says this; with `update` it does then.
///
/// # Errors
/// It cannot be written.
pub(crate) fn keep_text(arch: Arch, file: &str, text: &str, update: bool) -> Result<bool> {
    let path = root().join(DIRECTORY).join(arch.name()).join(file);
    if update {
        fs::create_dir_all(path.parent().context("a directory")?)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        fs::write(compiler_file(), compiler()? + "\n")?;
        return Ok(true);
    }
    Ok(fs::read_to_string(&path).is_ok_and(|kept| kept == text))
}

/// The compiler in use.
///
/// # Errors
/// It cannot be asked.
pub(crate) fn compiler() -> Result<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").output().context("cannot start rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether that compiler made the listings.
///
/// # Errors
/// Nobody wrote down which did.
pub(crate) fn is_theirs(compiler: &str) -> Result<bool> {
    let kept = fs::read_to_string(compiler_file()).context("`cargo xtask codegen --update` writes the listings")?;
    Ok(kept.trim() == compiler)
}

fn compiler_file() -> PathBuf {
    root().join(DIRECTORY).join("compiler.txt")
}

/// Both, line by line, or the instructions that are compared.
fn side_by_side(arch: Arch, pair: &Pair, compared: &Comparison, part: Part) -> String {
    let lines =
        |body: &Body| -> Vec<String> { body.lines.iter().filter(|line| is_in(line, part)).map(shown).collect() };
    let (left, right) = (lines(&compared.notation), lines(&compared.by_hand));
    let mut text = format!("{}, {arch}: {}.\n{}\n\n", pair.name, pair.what, compared.verdict());
    let _ = writeln!(text, "{:<WIDTH$}by hand", "notation");
    let _ = writeln!(text, "{:<WIDTH$}-------", "--------");
    for row in 0..left.len().max(right.len()) {
        let (ours, theirs) = (left.get(row), right.get(row));
        let line = format!("{:<WIDTH$}{}", ours.map_or("", String::as_str), theirs.map_or("", String::as_str));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn is_in(line: &Line, part: Part) -> bool {
    part == Part::All || matches!(line, Line::Instruction(text) if is_of_the_system(text))
}

fn shown(line: &Line) -> String {
    match line {
        Line::Label(label) => format!("{label}:"),
        Line::Instruction(text) => {
            let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
            format!("    {mnemonic:<7} {operands}").trim_end().to_owned() + " "
        }
    }
}

/// What is shown of a listing.
fn excerpt(file: &str) -> Result<String> {
    let mut text = String::new();
    for arch in Arch::ALL {
        let path = root().join(DIRECTORY).join(arch.name()).join(file);
        let listing = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (_, table) = listing.split_once("\n\n").context("a listing has a heading")?;
        let _ = writeln!(text, "{arch}:\n\n```text\n{table}```\n");
    }
    Ok(text.trim_end().to_owned() + "\n")
}

/// Writes the files of the documentation.
///
/// # Errors
/// One cannot be written.
pub(crate) fn write_excerpts() -> Result<()> {
    EXCERPTS.iter().try_for_each(|(shown, file)| {
        fs::write(root().join(shown), excerpt(file)?).with_context(|| format!("cannot write {shown}"))
    })
}

/// The documentation shows what the listings say.
///
/// # Errors
/// It does not.
pub(crate) fn check_excerpts() -> Result<()> {
    EXCERPTS.iter().try_for_each(|(shown, file)| {
        if fs::read_to_string(root().join(shown)).ok() != Some(excerpt(file)?) {
            bail!("{shown} is not what the listings say: `cargo xtask codegen --update`");
        }
        Ok(())
    })
}
