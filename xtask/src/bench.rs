//! `cargo xtask bench`: the library beside others, in `target/bench/report.md`.

use anyhow::Result;
use clap::ValueEnum;

use crate::boot;
use crate::codegen;
use crate::machine::Arch;
use crate::process::{call, cargo};
use crate::setup::{self, Host};
use crate::steps::leave_out;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// In less than 90 seconds: fewer rounds, instructions of raw and ours alone; the rest as it was last measured.
    #[arg(long)]
    quick: bool,
    /// Fails if a budget of instructions is missed that was met before. These are exact; times never fail.
    #[arg(long)]
    strict: bool,
    /// Only this; the report comes with the field.
    #[arg(long, value_enum, conflicts_with = "quick")]
    only: Option<Part>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Instructions from reset to a live map, on the emulated machines.
    Boot,
    /// Bytes of code.
    CodeSize,
    /// What a declaration costs the compiler.
    ConstEval,
    /// Times and instructions beside others, and the report.
    Field,
}

/// Whether every budget of instructions that held still holds.
///
/// # Errors
/// One does not, or something cannot be measured.
pub(crate) fn budgets() -> Result<()> {
    if !setup::has_valgrind(&Host) {
        leave_out("budgets of instructions: valgrind does not run on this system".to_owned());
        return Ok(());
    }
    let strict = codegen::is_listed_compiler()?;
    if !strict {
        leave_out("verdicts on budgets of instructions: they are those of another compiler".to_owned());
    }
    run(&Options { quick: true, strict, only: None })
}

/// The command.
///
/// # Errors
/// Something cannot be measured, or a budget is missed and that counts.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wants = |part| options.only.map_or(part == Part::Field || !options.quick, |only| only == part);
    if wants(Part::Boot) || options.quick {
        setup::emulators(&mut Host, &Arch::ALL)?;
        boot::report(setup::targets(&mut Host, &Arch::ALL)?)?;
    }
    if wants(Part::CodeSize) {
        codegen::size(setup::targets(&mut Host, &Arch::ALL)?)?;
    }
    if wants(Part::ConstEval) {
        call(&mut benchmark("const_eval"))?;
    }
    if wants(Part::Field) {
        setup::valgrind(&mut Host)?;
        let mut field = benchmark("field");
        field.args(options.quick.then_some("--quick")).args(options.strict.then_some("--strict"));
        call(&mut field)?;
    }
    Ok(())
}

fn benchmark(name: &str) -> std::process::Command {
    let mut command = cargo();
    command.args(["bench", "--quiet", "--package", "benches", "--bench", name, "--"]);
    command
}
