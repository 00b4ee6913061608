//! Bytes of code that map a page, map a range and unmap a range, compiled for size.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use serde_json::json;

use super::compare::demangled;
use super::{Half, cargo_rustc, is_listed_compiler, linked_at};
use crate::machine::Arch;
use crate::process::{call, target_directory};
use crate::setup::Toolchain;

/// What three functions take.
#[derive(Clone, Copy, Debug)]
struct Size {
    code: u64,
    /// Of it, what `core` adds: panics and formatting above all.
    core: u64,
    constants: u64,
}

/// What is allowed, of what it is by hand.
const MOST: f64 = 1.15;

/// Bytes that ours of pages takes, which it does not exceed again.
const fn kept(arch: Arch) -> u64 {
    match arch {
        Arch::Aarch64 => 2390,
        Arch::Riscv64 => 2050,
        Arch::X86_64 => 2330,
    }
}

/// Whose code it is.
#[derive(Clone, Copy, Debug)]
enum Author {
    Half(Half),
    /// In the notation, for spaces with leaves of any size.
    Largest,
    /// A crate of the field, as a feature of the package that links it, and its version.
    Peer(&'static str, &'static str),
}

/// In the order of the table, by hand and ours first.
const AUTHORS: [Author; 8] = [
    Author::Half(Half::ByHand),
    Author::Half(Half::Notation),
    Author::Largest,
    Author::Peer("x86_64", "0.15"),
    Author::Peer("aarch64-paging", "0.12"),
    Author::Peer("page_table_multiarch", "0.6"),
    Author::Peer("patina_paging", "11"),
    Author::Peer("page-table-generic", "0.9"),
];

impl Author {
    fn name(self) -> String {
        match self {
            Self::Half(Half::ByHand) => "by hand".to_owned(),
            Self::Half(Half::Notation) => "ours, pages".to_owned(),
            Self::Largest => "ours, leaves of any size".to_owned(),
            Self::Peer(name, version) => format!("{name} {version}"),
        }
    }

    /// Whether it has tables of that architecture.
    fn knows(self, arch: Arch) -> bool {
        match self {
            Self::Peer("x86_64", _) => arch == Arch::X86_64,
            Self::Peer("aarch64-paging", _) => arch == Arch::Aarch64,
            Self::Peer("patina_paging", _) => arch != Arch::Riscv64,
            _ => true,
        }
    }

    /// Builds its firmware for size, and measures it.
    fn size(self, toolchain: Toolchain, arch: Arch, directory: &Path) -> Result<Size> {
        let (package, binary, feature) = match self {
            Self::Half(half) => ("codegen", "size", half.feature()),
            Self::Largest => ("codegen", "size", "notation,largest"),
            Self::Peer(name, _) => ("peer-size", "peer-size", name),
        };
        let mut command = cargo_rustc(toolchain, arch, "opt-level=\"z\"", package, directory);
        command.args(["--bin", binary, "--no-default-features", "--features", feature, "--"]);
        if matches!(self, Self::Half(Half::Notation) | Self::Largest) {
            linked_at(&mut command, arch);
        }
        call(&mut command)?;
        measure(&directory.join("build").join(arch.target()).join("release").join(binary))
    }
}

/// Measures everybody on all architectures, prints a table, and writes it to `size.md`. The benchmarks' report takes it
/// and the verdicts from `bench/code_size.json`.
///
/// # Errors
/// Something cannot be built or read, or ours of pages has grown.
pub(crate) fn report(toolchain: Toolchain, directory: &Path) -> Result<()> {
    let names = Arch::ALL.map(Arch::name).join(" | ");
    let mut text = format!("| bytes of code (opt-level z) | {names} |\n|---|{}\n", "---|".repeat(Arch::ALL.len()));
    let (mut verdicts, mut grown) = (Vec::new(), Vec::new());
    let mut by_hand = BTreeMap::new();
    for author in AUTHORS {
        let mut row = format!("| {}", author.name());
        for arch in Arch::ALL {
            if !author.knows(arch) {
                row += " | –";
                continue;
            }
            let Size { code, core, constants } = author.size(toolchain, arch, directory)?;
            let ratio = code as f64 / *by_hand.entry(arch.name()).or_insert(code) as f64;
            let _ = write!(row, " | {code} ({ratio:.2}): {core} of core; {constants} constants");
            if matches!(author, Author::Half(Half::Notation)) {
                verdicts.push(json!([format!("code size on {arch}, of code by hand"), MOST, ratio]));
                if code > kept(arch) {
                    grown.push(format!("{code} bytes on {arch}, {} are allowed", kept(arch)));
                }
            }
        }
        let _ = writeln!(text, "{row} |");
    }
    println!("{text}");
    let part = json!({ "text": format!("## Code size\n\n{HEAD}\n\n{text}"), "verdicts": verdicts });
    let bench = target_directory().join("bench");
    fs::create_dir_all(&bench)?;
    fs::write(bench.join("code_size.json"), part.to_string())?;
    fs::write(directory.join("size.md"), text).context("cannot write size.md")?;
    ensure!(grown.is_empty() || !is_listed_compiler()?, "grown: {}", grown.join("; "));
    Ok(())
}

const HEAD: &str = "Mapping a page, mapping a range and unmapping a range, with all that is linked for it (that of `core` panics \
and formats, where somebody does); in brackets the ratio to code by hand. By hand, \
`x86_64` and ours of pages (`Kind::LARGEST_LEAF`), without large leaves.";

fn measure(path: &Path) -> Result<Size> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = File::parse(bytes.as_slice())?;
    let is_counted = |name: &str| name != "_start" && !name.contains("rust_begin_unwind");
    // Functions that came out equal are one, under several names.
    let code: BTreeMap<u64, (u64, String)> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.name().is_ok_and(is_counted))
        .map(|symbol| (symbol.address(), (symbol.size(), demangled(symbol.name().unwrap_or_default()))))
        .collect();
    let sum = |of: &dyn Fn(&str) -> bool| code.values().filter(|(_, name)| of(name)).map(|(size, _)| size).sum();
    let constants = file
        .sections()
        .filter(|section| section.name().is_ok_and(|name| name == ".rodata"))
        .map(|section| section.size())
        .sum();
    Ok(Size { code: sum(&|_| true), core: sum(&is_of_core), constants })
}

/// Whether a function comes along with the language.
fn is_of_core(name: &str) -> bool {
    name.starts_with("core::")
        || name.starts_with("<core::")
        || name.contains(" as core::fmt::")
        || !name.contains("::") && name.starts_with("mem")
}
