//! Bytes of code that map a page, map a range and unmap a range, compiled for size.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use serde_json::json;

use super::{Half, cargo_rustc, linked_at};
use crate::machine::Arch;
use crate::process::{call, target_directory};
use crate::setup::Toolchain;

/// What a half takes.
#[derive(Clone, Copy, Debug)]
struct Size {
    code: u64,
    constants: u64,
}

/// What is allowed, of what it is by hand.
const MOST: f64 = 1.15;

/// Measures both halves on all architectures, prints a table, and writes it to `size.md`. The benchmarks' report takes it
/// and the verdicts from `bench/code_size.json`.
///
/// # Errors
/// Something cannot be built or read.
pub(crate) fn report(toolchain: Toolchain, directory: &Path) -> Result<()> {
    let mut text = "| bytes (opt-level z) | notation | by hand | ratio |\n|---|---|---|---|\n".to_owned();
    let mut verdicts = Vec::new();
    for arch in Arch::ALL {
        let notation = of(toolchain, arch, Half::Notation, directory)?;
        let by_hand = of(toolchain, arch, Half::ByHand, directory)?;
        let ratio = notation.code as f64 / by_hand.code.max(1) as f64;
        verdicts.push(json!([format!("code size on {arch}, of code by hand"), MOST, ratio]));
        let _ = writeln!(
            text,
            "| {arch} | {} code, {} constants | {} code, {} constants | {ratio:.2} |",
            notation.code, notation.constants, by_hand.code, by_hand.constants
        );
    }
    println!("{text}");
    let part = json!({ "text": format!("## Code size\n\n{text}"), "verdicts": verdicts });
    let bench = target_directory().join("bench");
    fs::create_dir_all(&bench)?;
    fs::write(bench.join("code_size.json"), part.to_string())?;
    fs::write(directory.join("size.md"), text).context("cannot write size.md")
}

fn of(toolchain: Toolchain, arch: Arch, half: Half, directory: &Path) -> Result<Size> {
    let mut command = cargo_rustc(toolchain, arch, "opt-level=\"z\"", directory);
    command.args(["--bin", "size", "--no-default-features", "--features", half.feature(), "--"]);
    if matches!(half, Half::Notation) {
        linked_at(&mut command, arch);
    }
    call(&mut command)?;
    let path = directory.join("build").join(arch.target()).join("release/size");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = File::parse(bytes.as_slice())?;
    let is_counted = |name: &str| name != "_start" && !name.contains("rust_begin_unwind");
    // Functions that came out equal are one, under several names.
    let code: BTreeMap<u64, u64> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.name().is_ok_and(is_counted))
        .map(|symbol| (symbol.address(), symbol.size()))
        .collect();
    let code = code.values().sum();
    let constants = file
        .sections()
        .filter(|section| section.name().is_ok_and(|name| name == ".rodata"))
        .map(|section| section.size())
        .sum();
    Ok(Size { code, constants })
}
