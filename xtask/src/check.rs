//! `cargo xtask check`: formatting, lints, documentation, house rules.

use anyhow::Result;

use crate::house;
use crate::machine::Arch;
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
    for arch in Arch::ALL {
        steps.run(format!("clippy for {}", arch.target()), || bare_metal(toolchain, arch));
    }
    steps.run("docs", || {
        call(cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
    });
}

/// The library and the firmware, as their own target sees them.
fn bare_metal(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let mut packages = vec!["--quiet", "--package", "tablature", "--package", arch.package()];
    if arch == Arch::Aarch64 {
        packages.extend(["--package", "core-aarch64", "--package", "edit-aarch64"]);
    }
    match toolchain {
        Toolchain::Own => call(toolchain.cargo("clippy", arch, &[]).args(&packages).args(["--", "-D", "warnings"])),
        Toolchain::Debian => {
            println!("Debian's compiler has no clippy: rustc's own lints are checked");
            call(toolchain.cargo("check", arch, &["-Dwarnings"]).args(&packages))
        }
    }
}
