//! The independent checker on the image of each machine: it passes, and it finds every change.

mod bits;
mod debugger;
mod dump;
#[cfg(test)]
mod formats;
pub(crate) mod mutate;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::demo;
use crate::machine::{Accelerator, Arch, Mode};
use crate::process::{call, cargo};
use crate::report;
use crate::setup::Toolchain;
use crate::steps::Steps;
use crate::variant::{self, Variant};

/// Features of a firmware that change its map, and what the maps call them.
const MAP_FEATURES: [(&str, &str); 9] = [
    ("sv48", "sv48"),
    ("sv57", "sv57"),
    ("sv39x4", "sv39x4"),
    ("sv48x4", "sv48x4"),
    ("la57", "la57"),
    ("pcid", "pcid"),
    ("pdpe1gb", "pdpe1gb"),
    ("recursive", "self-map"),
    ("moving", "self-map"),
];

/// All steps.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain) {
    for (arch, mode) in Arch::ALL.into_iter().flat_map(|arch| Mode::ALL.map(|mode| (arch, mode))) {
        steps.run(format!("check {arch}, {mode}"), || {
            check(&demo::build(toolchain, arch, mode)?, &report::write(arch, mode)?, &[])
        });
        steps.run(format!("mutations {arch}, {mode}"), || {
            mutate::run(&demo::build(toolchain, arch, mode)?, &report::write(arch, mode)?)
        });
    }
    for arch in Arch::ALL {
        steps.run(format!("check memory of {arch}"), || dump::run(toolchain, arch));
    }
    for variant in variant::ALL.iter().filter(|variant| variant.accelerator == Accelerator::Emulation) {
        steps.run(format!("check {variant}"), || check(&variant.build(toolchain)?, &document(variant)?, &[]));
    }
}

/// Has the checker compare an image with a document.
///
/// # Errors
/// It finds something.
pub(crate) fn check(image: &Path, evidence: &Path, more: &[String]) -> Result<()> {
    call(command(image, evidence).args(more))
}

/// The checker as one starts it.
pub(crate) fn command(image: &Path, evidence: &Path) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "cargo-tablature", "--", "check"]);
    command.arg(image).arg("--evidence").arg(evidence);
    command
}

/// The document of the map of a variant.
fn document(variant: &Variant) -> Result<PathBuf> {
    let is_on = |feature: &str| variant.features.split(',').any(|on| on == feature);
    let features: Vec<String> = MAP_FEATURES
        .iter()
        .filter(|(feature, _)| is_on(feature))
        .map(|(_, map)| format!("example-maps/{map}"))
        .collect();
    let Some(mode) = Mode::ALL.into_iter().find(|mode| is_on(mode.name())) else {
        bail!("{variant} has no mode");
    };
    report::write_with(variant.arch, mode, &features)
}
