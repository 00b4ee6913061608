//! `cargo xtask check`: formatting, lints, documentation.

use anyhow::Result;

use crate::process::{call, cargo};
use crate::steps::Steps;

/// Runs every check.
///
/// # Errors
/// One of them fails.
pub(crate) fn run_all(steps: &mut Steps) {
    steps.run("fmt", || call(cargo().args(["fmt", "--all", "--check"])));
    steps.run("clippy", || {
        call(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    });
    steps.run("docs", || {
        call(cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
    });
}

/// The command.
///
/// # Errors
/// A check fails.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    run_all(&mut steps);
    steps.finish()
}
