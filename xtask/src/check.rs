//! `cargo xtask check`: formatting, lints, documentation, house rules.

use anyhow::Result;

use crate::house;
use crate::machine::{Arch, Partitions};
use crate::process::{call, cargo};
use crate::setup::{self, Host, Toolchain};
use crate::steps::Steps;

/// The command.
///
/// # Errors
/// A check fails, or a tool is missing that cannot be installed.
pub(crate) fn run() -> Result<()> {
    setup::components(&mut Host)?;
    let toolchain = setup::targets(&mut Host, &Arch::ALL)?;
    let mut steps = Steps::default();
    run_all(&mut steps, toolchain);
    steps.finish()
}

/// Runs every check.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain) {
    steps.run("house rules", house::check);
    steps.run("fmt", || call(cargo().args(["fmt", "--all", "--check"])));
    steps.run("clippy", || {
        call(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    });
    steps.run("clippy of the checker without the library", || {
        let alone = ["clippy", "--package", "cargo-tablature", "--no-default-features", "--all-targets", "--quiet"];
        call(cargo().args(alone).args(["--", "-D", "warnings"]))
    });
    for arch in Arch::ALL {
        steps.run(format!("clippy for {}", arch.target()), || bare_metal(toolchain, arch));
    }
    steps.run("docs", || {
        call(cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
    });
}

/// The library and the firmware, as their own target sees them.
fn bare_metal(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let mut packages = vec!["--quiet", "--package", "tablature", "--package", "codegen", "--package", arch.package()];
    if Partitions::MACHINES.contains(&arch) {
        packages.extend(["--package", Partitions::PACKAGE]);
    }
    packages.extend(match arch {
        Arch::Aarch64 => {
            ["--package", "core-aarch64", "--package", "edit-aarch64", "--package", "peer-aarch64"].as_slice()
        }
        Arch::Riscv64 => &["--package", "core-riscv64"],
        Arch::X86_64 => &["--package", "core-x86_64"],
    });
    if toolchain == Toolchain::Debian {
        println!("Debian's compiler has no clippy: rustc's own lints are checked");
    }
    for features in features(arch) {
        let all = packages.iter().copied().chain(["--features", features]);
        match toolchain {
            Toolchain::Own => call(toolchain.cargo("clippy", arch, &[]).args(all).args(["--", "-D", "warnings"]))?,
            Toolchain::Debian => call(toolchain.cargo("check", arch, &["-Dwarnings"]).args(all))?,
        }
    }
    Ok(())
}

/// The features with which all of a firmware's code is seen by one of the passes.
const fn features(arch: Arch) -> &'static [&'static str] {
    match arch {
        Arch::Aarch64 => &[""],
        Arch::Riscv64 => &["", "virt-riscv64/churn", "virt-riscv64/churn,virt-riscv64/sv48x4"],
        Arch::X86_64 => &["", "q35-x86_64/churn,q35-x86_64/la57,q35-x86_64/pcid,q35-x86_64/pdpe1gb,partitions/pcid"],
    }
}
