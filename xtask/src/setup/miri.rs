//! Miri: the interpreter that finds undefined behaviour, in the nightly toolchain.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::Environment;
use crate::process::root;

const INSTALL: [&str; 10] =
    ["rustup", "toolchain", "install", "nightly", "--profile", "minimal", "-c", "miri", "-c", "rust-src"];
const PRESENT: [&str; 6] = ["rustup", "run", "nightly", "cargo", "miri", "--version"];

/// Makes sure that Miri is there.
///
/// # Errors
/// It is not; the text says what to type.
pub(crate) fn miri(environment: &mut dyn Environment) -> Result<()> {
    if environment.has_program("rustup") {
        if environment.run(&PRESENT) {
            return Ok(());
        }
        println!("Miri is missing");
        if environment.run(&INSTALL) {
            return Ok(());
        }
    }
    bail!("no Miri: `{}`", INSTALL.join(" "));
}

/// `cargo miri test`, with the host's clock and files hidden from the program.
pub(crate) fn test(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "miri", "test"]).args(arguments);
    // What cargo exports to its programs names the stable toolchain.
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    command.current_dir(root()).stdin(Stdio::null());
    command
}
