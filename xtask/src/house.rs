//! House rules that no lint knows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::process::root;

/// Lines that a file may have.
const MOST_LINES: usize = 600;
/// Lines above an `unsafe` in which its proof may start.
const PROOF_LINES: usize = 12;
/// Directories that hold no source of ours.
const FOREIGN: [&str; 3] = ["target", ".git", "data"];

/// Checks every Rust source of the workspace.
///
/// # Errors
/// A rule is broken; each place was printed.
pub(crate) fn check() -> Result<()> {
    let files = sources(root())?;
    let mut broken = 0;
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(root()).unwrap_or(file);
        for complaint in complaints(name, &text) {
            println!("{}{complaint}", name.display());
            broken += 1;
        }
    }
    println!("{} files, {broken} complaints", files.len());
    if broken > 0 || files.is_empty() {
        bail!("{broken} places break a house rule, in {} files", files.len());
    }
    Ok(())
}

/// Rust sources under `directory`.
fn sources(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            if !FOREIGN.iter().any(|foreign| name == *foreign) {
                found.extend(sources(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// What is wrong with a file: `:LINE: TEXT`.
fn complaints(name: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > MOST_LINES {
        found.push(format!(": {} lines, {MOST_LINES} are allowed", lines.len()));
    }
    let is_library = name.starts_with("src");
    let may_name_machines = !is_library || name.file_name().is_some_and(|file| file == "insn.rs");
    for (index, line) in lines.iter().enumerate() {
        let mut complain = |text: &str| found.push(format!(":{}: {text}", index + 1));
        let code = line.split("//").next().unwrap_or_default();
        if !may_name_machines && (code.contains("asm!") || code.contains("target_arch")) {
            complain("asm! and target_arch belong into insn.rs");
        }
        if [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")].iter().any(|word| has_word(line, word)) {
            complain("unfinished work is an issue, not a comment");
        }
        // In a message, a brace is doubled.
        let block = code.replace("{{", "").contains(concat!("unsafe", " {"));
        let is_unsafe = block || code.contains(concat!("unsafe", " impl "));
        if is_unsafe && !has_proof(&lines[..=index]) {
            complain("no SAFETY proof above this");
        }
    }
    found
}

/// Whether `word` stands alone in `line`.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|part| part == word)
}

/// Whether a proof stands in or shortly above the last of `lines`.
fn has_proof(lines: &[&str]) -> bool {
    lines.iter().rev().take(PROOF_LINES).any(|line| line.contains("SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: &str) -> Vec<String> {
        complaints(Path::new(name), text)
    }

    #[test]
    fn machine_names_belong_into_one_file_of_the_library() {
        let text = concat!("core::arch::as", "m!(\"nop\");\n// asm! in a comment\n");
        assert_eq!(of("src/arch/riscv/install.rs", text), [":1: asm! and target_arch belong into insn.rs"]);
        assert!(of("src/arch/riscv/insn.rs", text).is_empty());
        assert!(of("examples/boot/src/main.rs", text).is_empty());
    }

    #[test]
    fn unfinished_work_is_found_as_a_word() {
        assert_eq!(of("a.rs", concat!("fn a() {}\n// TO", "DO: more\n")).len(), 1);
        assert!(of("a.rs", concat!("// MASTO", "DON\n")).is_empty());
    }

    #[test]
    fn an_unsafe_block_needs_its_proof() {
        let block = concat!("let a = unsafe", " { b() };\n");
        assert_eq!(of("a.rs", block), [":1: no SAFETY proof above this"]);
        assert!(of("a.rs", concat!("note = \"`unsafe", " {{ b() }}`\"\n")).is_empty());
        assert!(of("a.rs", &format!("// SAFETY: b has no conditions.\n{block}")).is_empty());
    }

    #[test]
    fn long_files_are_found() {
        assert!(of("a.rs", &"\n".repeat(600)).is_empty());
        assert_eq!(of("a.rs", &"\n".repeat(601)), [": 601 lines, 600 are allowed"]);
    }
}
