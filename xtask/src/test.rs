//! `cargo xtask test`: every test there is.

use anyhow::Result;

use crate::check;
use crate::machine::Arch;
use crate::process::{call, cargo};
use crate::setup::{self, Host};
use crate::steps::Steps;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// The command.
///
/// # Errors
/// A step fails.
pub(crate) fn run(_: &Options) -> Result<()> {
    setup::components(&mut Host)?;
    let toolchain = setup::targets(&mut Host, &Arch::ALL)?;
    setup::emulators(&mut Host, &Arch::ALL)?;
    let mut steps = Steps::default();
    check::run_all(&mut steps, toolchain);
    steps.run("host tests", || call(cargo().args(["test", "--workspace", "--quiet"])));
    for arch in Arch::ALL {
        steps.run(format!("library for {}", arch.target()), || {
            call(toolchain.cargo("build", arch, &[]).args(["--quiet", "--package", "tablature"]))
        });
    }
    steps.finish()
}
