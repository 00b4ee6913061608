//! `cargo xtask test`: every test there is.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::bench;
use crate::boards;
use crate::check;
use crate::code::path;
use crate::codegen;
use crate::corpus;
use crate::demo;
use crate::edit;
use crate::elf::Image;
use crate::links;
use crate::machine::{Arch, Mode, Partitions};
use crate::maps;
use crate::partitions;
use crate::process::{call, capture, cargo, shown};
use crate::report;
use crate::setup::{self, Host, Toolchain};
use crate::steps::Steps;
use crate::tables::Tables;
use crate::verify;

/// Time after which a link is taken to hang.
const LINK_LIMIT: Duration = Duration::from_secs(300);

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the steps whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// The command.
///
/// # Errors
/// A step fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::components(&mut Host)?;
    let toolchain = setup::targets(&mut Host, &Arch::ALL)?;
    setup::emulators(&mut Host, &Arch::ALL)?;
    let mut steps = Steps::only(&options.only);
    check::run_all(&mut steps, toolchain);
    steps.run("host tests", || call(cargo().args(["test", "--workspace", "--quiet"])));
    steps.run("Miri", miri);
    steps.run("corpus", || corpus::run(&corpus::Arguments::all()));
    steps.run("boards", || boards::run(&boards::Arguments::default()));
    for arch in Arch::ALL {
        steps.run(format!("library for {}", arch.target()), || {
            call(toolchain.cargo("build", arch, &[]).args(["--quiet", "--package", "tablature"]))
        });
    }
    codegen::run_all(&mut steps, toolchain);
    report::run_all(&mut steps, &Arch::ALL);
    report::browse_all(&mut steps, &Arch::ALL);
    for (arch, mode) in Arch::ALL.into_iter().flat_map(|arch| Mode::ALL.map(|mode| (arch, mode))) {
        steps.run(format!("boot {arch}, {mode}"), || demo::boot(toolchain, arch, mode));
        if mode.is_static() {
            steps.run(format!("flipped right {arch}, {mode}"), || demo::flipped(toolchain, arch, mode));
            steps.run(format!("no loop before the MMU {arch}, {mode}"), || no_loop(toolchain, arch, mode));
        }
    }
    partitions::run_all(&mut steps, toolchain, Partitions::MACHINES);
    partitions::check_all(&mut steps, toolchain, Partitions::MACHINES);
    verify::run_all(&mut steps, toolchain);
    edit::check_all(&mut steps, toolchain);
    edit::run_all(&mut steps, toolchain);
    steps.run("budgets of instructions", bench::budgets);
    for arch in Arch::ALL {
        steps.run(format!("position-independent link refused {arch}"), || refused_link(toolchain, arch));
    }
    links::run_all(&mut steps, toolchain);
    steps.finish()
}

/// The library's own tests of memory for tables, of tokens and of editing under the interpreter, and edits through the
/// public interface, also beside cores that speculate.
fn miri() -> Result<()> {
    setup::miri(&mut Host)?;
    let modules = ["edit::", "flush::", "tables::", "table::", "space::"];
    call(setup::miri_test(&["--package", "tablature", "--lib", "--quiet", "--"]).args(modules))?;
    call(&mut setup::miri_test(&["--package", "tablature", "--test", "user_regime", "--quiet"]))?;
    let tiny = ["--package", "tablature", "--test", "traces", "--quiet", "--", "speculation::tiny"];
    call(&mut setup::miri_test(&tiny))
}

/// Nothing loops over tables between reset and MMU-on.
fn no_loop(toolchain: Toolchain, arch: Arch, mode: Mode) -> Result<()> {
    let image = Image::read(&demo::build(toolchain, arch, mode)?)?;
    let declaration = maps::declaration(arch);
    let tables = Tables::in_image(&declaration, &image)?.base();
    let proof = path::prove(&image, arch, &(tables..tables + declaration.table_bytes()))?;
    println!(
        "{} instructions before the installation, {} in it; loops: {} touch no memory, {} read other memory, {} clear it",
        proof.before, proof.install, proof.loops, proof.readers, proof.clears
    );
    Ok(())
}

/// An image that is linked position-independent is refused, and the text says why.
fn refused_link(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let mut command =
        toolchain.cargo("build", arch, &["-Crelocation-model=pic", "-Clink-arg=-pie", "-Clink-arg=-znotext"]);
    command.args(["--quiet", "--release", "--package", arch.package()]);
    println!("$ {}", shown(&command));
    let ended = capture(&mut command, LINK_LIMIT)?;
    match ended.status {
        None => bail!("the link did not end within {} s", LINK_LIMIT.as_secs()),
        Some(status) if status.success() => bail!("the link succeeded"),
        Some(_) => {}
    }
    let reason = ended.output.lines().find(|line| line.contains("position-independent"));
    println!("{}", reason.with_context(|| format!("it failed for another reason:\n{}", ended.output))?.trim());
    Ok(())
}
