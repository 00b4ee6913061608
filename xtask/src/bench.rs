//! `cargo xtask bench`: the library beside others, in `target/bench/report.md`.

use anyhow::Result;

use crate::codegen;
use crate::machine::Arch;
use crate::process::{call, cargo};
use crate::setup::{self, Host};

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// In less than 90 seconds: fewer rounds, counts of what has a budget; the rest as it was last measured.
    #[arg(long)]
    quick: bool,
    /// Fails if a budget of instructions is missed. These are exact; times never fail.
    #[arg(long)]
    strict: bool,
}

/// The command.
///
/// # Errors
/// Something cannot be measured, or a budget is missed and that counts.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::valgrind(&mut Host)?;
    if !options.quick {
        codegen::size(setup::targets(&mut Host, &Arch::ALL)?)?;
        call(&mut benchmark("const_eval"))?;
    }
    let mut field = benchmark("field");
    field.args(options.quick.then_some("--quick")).args(options.strict.then_some("--strict"));
    call(&mut field)
}

fn benchmark(name: &str) -> std::process::Command {
    let mut command = cargo();
    command.args(["bench", "--quiet", "--package", "benches", "--bench", name, "--"]);
    command
}
