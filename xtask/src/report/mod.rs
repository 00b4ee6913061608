//! `cargo xtask report`: what each example proves, as documents in `target/report`, each with its page and pictures.

mod act;
mod browse;
mod browser;
mod look;
mod page;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::machine::{Arch, Mode};
use crate::maps;
use crate::process::{cargo, shown, target_directory};
use crate::steps::Steps;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this machine.
    #[arg(long, value_enum)]
    arch: Option<Arch>,
}

/// The command.
///
/// # Errors
/// A document cannot be made.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    let arches = options.arch.map_or_else(|| Arch::ALL.to_vec(), |arch| vec![arch]);
    run_all(&mut steps, &arches);
    steps.finish()
}

/// A map that has DMA masters and waivers, of AArch64.
const GATEWAY: &str = "gateway";

/// A step for each document, with its page.
pub(crate) fn run_all(steps: &mut Steps, arches: &[Arch]) {
    // By mode first: each is another build.
    for (mode, arch) in Mode::ALL.into_iter().flat_map(|mode| arches.iter().map(move |arch| (mode, *arch))) {
        steps.run(format!("evidence {arch}, {mode}"), || {
            let document = write(arch, mode)?;
            println!("{}", document.display());
            page::write(&document)
        });
    }
    for &arch in arches {
        steps.run(format!("evidence partitions {arch}"), || {
            let document = write_partitions(arch)?;
            println!("{}", document.display());
            page::write(&document)
        });
    }
    if arches.contains(&Arch::Aarch64) {
        steps.run(format!("evidence {GATEWAY}"), || {
            let document = write_map(GATEWAY)?;
            println!("{}", document.display());
            page::write(&document)
        });
    }
}

/// A step for each page that is looked at in a browser.
pub(crate) fn browse_all(steps: &mut Steps, arches: &[Arch]) {
    browse::run_all(steps, arches);
}

/// The document of a map.
fn document(name: &str, mode: Mode, features: &[String]) -> PathBuf {
    let more: String = features.iter().map(|feature| format!("-{}", feature.replace('/', "-"))).collect();
    target_directory().join("report").join(format!("{name}-{mode}{more}.json"))
}

/// Writes the document of the map of a machine, by a program of the host that has the map.
///
/// # Errors
/// The program cannot be built, it fails, or the document cannot be written.
pub(crate) fn write(arch: Arch, mode: Mode) -> Result<PathBuf> {
    write_with(arch, mode, &[])
}

/// The same with more features of packages.
///
/// # Errors
/// The program cannot be built, it fails, or the document cannot be written.
pub(crate) fn write_with(arch: Arch, mode: Mode, features: &[String]) -> Result<PathBuf> {
    write_of(maps::declaration(arch).map_name(), mode, features)
}

/// Writes the document of the partitions of a machine.
///
/// # Errors
/// The program cannot be built, it fails, or the document cannot be written.
pub(crate) fn write_partitions(arch: Arch) -> Result<PathBuf> {
    // Their tables are where they are declared, whatever the mode of the other maps.
    write_of(&format!("partitions_{arch}"), Mode::Placed, &[])
}

/// Writes the document of a map that is no machine's: of a regime of `edit-aarch64`, or [`GATEWAY`].
///
/// # Errors
/// The program cannot be built, it fails, or the document cannot be written.
pub(crate) fn write_map(name: &str) -> Result<PathBuf> {
    write_of(name, Mode::Linked, &[])
}

fn write_of(name: &str, mode: Mode, features: &[String]) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "example-evidence", "--no-default-features", "--features"]);
    let all = [&[mode.name().to_owned()], features].concat().join(",");
    command.args([&all, "--", name]);
    let line = shown(&command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let path = document(name, mode, features);
    let directory = path.parent().context("a file lies in a directory")?;
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    fs::write(&path, output.stdout).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
