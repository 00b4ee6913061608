//! `cargo xtask edit`: boots firmware that edits live tables of every regime at random.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::demo::{BOOT_LIMIT, Verdict};
use crate::machine::Arch;
use crate::process::{Ended, call, capture, shown, target_directory};
use crate::setup::{self, Host, Toolchain};
use crate::steps::Steps;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the regimes whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// The firmware of AArch64 that edits.
const PACKAGE: &str = "edit-aarch64";

/// A regime of AArch64, and the machine whose core starts at its Exception level.
pub(crate) struct Guest {
    name: &'static str,
    machine: &'static str,
}

/// All of them.
pub(crate) const ALL: &[Guest] = &[
    el1("el1_4k_39"),
    el1("el1_4k_48"),
    el1("el1_4k_52"),
    el1("el1_16k_39"),
    el1("el1_16k_48"),
    el1("el1_16k_52"),
    el1("el1_64k_39"),
    el1("el1_64k_48"),
    el1("el1_64k_52"),
    el2("vhe_4k_39"),
    el2("vhe_4k_52"),
    el2("vhe_16k_48"),
    el2("vhe_64k_48"),
    el2("el2_4k_39"),
    el2("el2_4k_52"),
    el2("el2_16k_48"),
    el2("el2_64k_48"),
    el3("el3_4k_39"),
    el3("el3_4k_52"),
    el3("el3_16k_48"),
    el3("el3_64k_48"),
    el2("stage2_4k_40"),
    el2("stage2_4k_52"),
    el2("stage2_16k_48"),
    el2("stage2_64k_48"),
];

const fn el1(name: &'static str) -> Guest {
    Guest { name, machine: "virt" }
}

const fn el2(name: &'static str) -> Guest {
    Guest { name, machine: "virt,virtualization=on" }
}

const fn el3(name: &'static str) -> Guest {
    Guest { name, machine: "virt,secure=on" }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", Arch::Aarch64, self.name)
    }
}

/// The command.
///
/// # Errors
/// Something is missing that cannot be installed, or a machine contradicts.
pub(crate) fn run(options: &Options) -> Result<()> {
    let toolchain = setup::targets(&mut Host, &[Arch::Aarch64])?;
    setup::emulators(&mut Host, &[Arch::Aarch64])?;
    let mut steps = Steps::only(&options.only);
    run_all(&mut steps, toolchain);
    steps.finish()
}

/// Runs every regime.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain) {
    for guest in ALL {
        steps.run(format!("edit {guest}"), || edit(&build(toolchain)?, guest));
    }
}

/// Builds the firmware, which has all regimes, and returns its image.
fn build(toolchain: Toolchain) -> Result<PathBuf> {
    let arch = Arch::Aarch64;
    call(toolchain.cargo("build", arch, &[]).args(["--quiet", "--release", "--package", PACKAGE]))?;
    let image = target_directory().join(arch.target()).join("release").join(PACKAGE);
    if image.exists() { Ok(image) } else { bail!("no image at {}", image.display()) }
}

/// Boots one regime.
fn edit(image: &Path, guest: &Guest) -> Result<()> {
    let mut command = Command::new(Arch::Aarch64.qemu());
    command.args(["-M", guest.machine]).args("-cpu max -m 4G -nic none -nographic -semihosting-config".split(' '));
    command.arg(format!("enable=on,target=native,arg={}", guest.name)).arg("-kernel").arg(image);
    println!("$ {}", shown(&command));
    judge(&capture(&mut command, BOOT_LIMIT)?)
}

/// Whether the hardware confirmed the map.
fn judge(ended: &Ended) -> Result<()> {
    print!("{}", ended.output);
    Verdict::of(Arch::Aarch64, ended).map(|_| ()).context("the map was not confirmed")
}
