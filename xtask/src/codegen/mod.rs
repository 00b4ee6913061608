//! `cargo xtask codegen`: what the compiler makes of the notation, beside what it makes of the same work by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::machine::Arch;
use crate::process::{call, root, target_directory};
use crate::setup::{self, Host, Toolchain};
use crate::steps::{Steps, leave_out};

mod asm;
mod compare;
mod copies;
mod listing;
mod pairs;
mod ranges;
mod size;
mod symbols;

use asm::Assembly;
use compare::Comparison;
use pairs::PAIRS;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Writes the listings anew.
    #[arg(long)]
    update: bool,
    /// Looks at this and nothing else.
    #[arg(long)]
    only: Option<Subject>,
}

/// What the command looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// The code of the pairs.
    Pairs,
    /// What operations on ranges execute.
    Ranges,
    /// What firmware is linked from.
    Symbols,
    /// Bytes of code.
    Size,
}

/// The command.
///
/// # Errors
/// A function in the notation is longer than allowed, or its listing is not the one that is kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let toolchain = setup::targets(&mut Host, &Arch::ALL)?;
    let mut steps = Steps::default();
    let is_asked = |subject| options.only.is_none_or(|only| only == subject);
    for arch in Arch::ALL.into_iter().filter(|_| is_asked(Subject::Pairs)) {
        steps.run(format!("codegen {arch}"), || pairs_of(toolchain, arch, options.update));
    }
    if is_asked(Subject::Ranges) {
        ranges_of_all(&mut steps, toolchain, options.update);
    }
    for arch in Arch::ALL.into_iter().filter(|_| is_asked(Subject::Symbols)) {
        steps.run(format!("symbols {arch}"), || symbols::check(toolchain, arch, &directory()?));
    }
    if is_asked(Subject::Size) {
        steps.run("code size", || size::report(toolchain, &directory()?));
    }
    if options.update {
        steps.run("listings", listing::write_excerpts);
    }
    steps.finish()
}

/// Whether the compiler is the one whose code is listed and counted.
///
/// # Errors
/// It does not say what it is.
pub(crate) fn is_listed_compiler() -> Result<bool> {
    listing::is_theirs(&listing::compiler()?)
}

/// Measures code size.
///
/// # Errors
/// Something cannot be built or read.
pub(crate) fn size(toolchain: Toolchain) -> Result<()> {
    size::report(toolchain, &directory()?)
}

/// Compares every pair on every architecture.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain) {
    for arch in Arch::ALL {
        steps.run(format!("codegen {arch}"), || pairs_of(toolchain, arch, false));
    }
    ranges_of_all(steps, toolchain, false);
    for arch in Arch::ALL {
        steps.run(format!("symbols {arch}"), || symbols::check(toolchain, arch, &directory()?));
    }
    steps.run("codegen, excerpts in the documentation", listing::check_excerpts);
}

/// Counts what ranges execute, where programs of other architectures run.
fn ranges_of_all(steps: &mut Steps, toolchain: Toolchain, update: bool) {
    for arch in Arch::ALL {
        steps.run(format!("ranges {arch}"), || {
            if setup::emulators_of_programs(&mut Host)? {
                ranges::check(toolchain, arch, &directory()?, update)
            } else {
                leave_out(format!("counts of ranges of {arch}: there is no emulator of programs"));
                Ok(())
            }
        });
    }
}

/// One half of the pairs, as a feature of their package.
#[derive(Clone, Copy, Debug)]
enum Half {
    Notation,
    ByHand,
}

impl Half {
    const fn feature(self) -> &'static str {
        match self {
            Self::Notation => "notation",
            Self::ByHand => "by-hand",
        }
    }
}

fn pairs_of(toolchain: Toolchain, arch: Arch, update: bool) -> Result<()> {
    let notation = Assembly::parse(&compile(toolchain, arch, Half::Notation)?, arch);
    let by_hand = Assembly::parse(&compile(toolchain, arch, Half::ByHand)?, arch);
    let mut broken = copies::large(&notation);
    let mut stale = Vec::new();
    for pair in PAIRS {
        let compared = Comparison::of(&notation, &by_hand, pair.name, pair.part)?;
        println!("{:<20} {}", pair.name, compared.verdict());
        if let Err(reason) = pair.judge(arch, &compared) {
            broken.push(format!("{}: {reason}", pair.name));
        }
        if !listing::keep(arch, pair, &compared, update)? {
            stale.push(pair.name);
        }
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("; "));
    }
    if !stale.is_empty() {
        let compiler = listing::compiler()?;
        if listing::is_theirs(&compiler)? {
            bail!("the listings of {} are others now: `cargo xtask codegen --update`", stale.join(", "));
        }
        leave_out(format!("listings of {arch}, which another compiler made than {compiler}"));
    }
    Ok(())
}

/// The assembly of one half.
fn compile(toolchain: Toolchain, arch: Arch, half: Half) -> Result<String> {
    let directory = directory()?;
    let assembly: PathBuf = directory.join(format!("{arch}-{}.s", half.feature()));
    let mut command = cargo_rustc(toolchain, arch, "opt-level=3", "codegen", &directory);
    command.args(["--lib", "--no-default-features", "--features", half.feature()]);
    command.args(["--", "-Cllvm-args=-x86-asm-syntax=intel"]).arg(format!("--emit=asm={}", assembly.display()));
    if !assembly.exists() {
        // Cargo does not know that it is gone.
        let source = fs::File::options().append(true).open(root().join("tests/codegen/src/lib.rs"))?;
        source.set_modified(std::time::SystemTime::now())?;
    }
    call(&mut command)?;
    fs::read_to_string(&assembly).with_context(|| format!("cannot read {}", assembly.display()))
}

/// Where everything is built, apart from what others build in other ways.
fn directory() -> Result<PathBuf> {
    let directory = target_directory().join("codegen");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The compiler on a package, told all that decides about its code.
fn cargo_rustc(toolchain: Toolchain, arch: Arch, level: &str, package: &str, directory: &Path) -> Command {
    let mut command = toolchain.cargo("rustc", arch, &[]);
    for setting in [level, "codegen-units=1", "panic=\"abort\"", "debug=false", "lto=false"] {
        command.args(["--config", &format!("profile.release.{setting}")]);
    }
    command.args(["--quiet", "--release", "--package", package, "--target-dir"]).arg(directory.join("build"));
    command
}

/// Tells the linker where the declared tables of RISC-V are in units of pointers, as the linker scripts of the examples do.
fn linked_at(command: &mut Command, arch: Arch) {
    if arch == Arch::Riscv64 {
        command.arg("-Clink-arg=--defsym=__tablature_board_kernel_q=__tablature_board_kernel>>2");
    }
}
