//! What firmware is linked from that uses the run-time interface in release: no panic, no formatting.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SectionKind, SymbolKind};

use super::compare::{demangled, last_two};
use crate::machine::Arch;
use crate::process::call;
use crate::setup::Toolchain;

/// What must not be linked.
const FORBIDDEN: [&str; 4] = ["core::panicking", "core::fmt", "core::str", "rust_begin_unwind"];

/// Links the firmware, and looks.
///
/// # Errors
/// Something forbidden is there; the text says who calls it.
pub(crate) fn check(toolchain: Toolchain, arch: Arch, directory: &Path) -> Result<()> {
    LEVELS.iter().try_for_each(|level| check_at(level, toolchain, arch, directory))
}

/// Compiled to be fast, and to be small.
const LEVELS: [&str; 2] = ["opt-level=3", "opt-level=\"z\""];

fn check_at(level: &str, toolchain: Toolchain, arch: Arch, directory: &Path) -> Result<()> {
    let mut command = super::cargo_rustc(toolchain, arch, level, "codegen", directory);
    command.args(["--bin", "firmware", "--no-default-features", "--features", "notation", "--"]);
    command.arg("-Clink-arg=--emit-relocs");
    super::linked_at(&mut command, arch);
    call(&mut command)?;
    let path = directory.join("build").join(arch.target()).join("release/firmware");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let linked = Linked::read(&bytes)?;
    println!("{} functions at {level}", linked.functions.len());
    if !linked.functions.values().any(|function| function.name == "_start") {
        bail!("the firmware does not start");
    }
    let found = linked.forbidden();
    for (name, callers) in &found {
        println!("{name}, which {} refers to", callers.join(", "));
    }
    if found.is_empty() { Ok(()) } else { bail!("{} functions are linked that are not to be", found.len()) }
}

/// Functions of an image and who refers to them.
struct Linked {
    functions: BTreeMap<u64, Function>,
    /// From the address of a function to those that it refers to.
    calls: BTreeMap<u64, BTreeSet<u64>>,
}

struct Function {
    name: String,
    size: u64,
}

impl Linked {
    fn read(bytes: &[u8]) -> Result<Self> {
        let file = File::parse(bytes)?;
        let functions: BTreeMap<u64, Function> = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .map(|symbol| {
                let name = demangled(symbol.name().unwrap_or_default());
                (symbol.address(), Function { name, size: symbol.size() })
            })
            .collect();
        let mut linked = Self { functions, calls: BTreeMap::new() };
        let mut relocations = 0;
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            for (at, relocation) in section.relocations() {
                relocations += 1;
                let RelocationTarget::Symbol(index) = relocation.target() else { continue };
                let symbol = file.symbol_by_index(index)?;
                // A section and an addend, or the function itself.
                let offset = if symbol.kind() == SymbolKind::Section { relocation.addend() } else { 0 };
                let target = symbol.address().wrapping_add_signed(offset);
                if let (Some(from), Some(to)) = (linked.around(at), linked.around(target))
                    && from != to
                {
                    linked.calls.entry(from).or_default().insert(to);
                }
            }
        }
        if relocations == 0 {
            bail!("the linker left no relocations: it is not known who calls whom");
        }
        Ok(linked)
    }

    /// The function that an address is in.
    fn around(&self, address: u64) -> Option<u64> {
        let (start, function) = self.functions.range(..=address).next_back()?;
        (address - start < function.size).then_some(*start)
    }

    /// What must not be there and who refers to it, as far as that is not forbidden itself.
    fn forbidden(&self) -> Vec<(String, Vec<String>)> {
        let is_bad = |name: &str| FORBIDDEN.iter().any(|bad| name.contains(bad));
        let mut found = Vec::new();
        for (start, function) in self.functions.iter().filter(|(_, function)| is_bad(&function.name)) {
            let callers = self.calls.iter().filter(|(_, targets)| targets.contains(start));
            let names = callers.map(|(from, _)| self.functions[from].name.as_str()).filter(|name| !is_bad(name));
            found.push((function.name.clone(), names.map(last_two).collect()));
        }
        found
    }
}
