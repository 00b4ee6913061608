//! Builds, boots, tests and measures tablature: `cargo xtask demo`, `cargo xtask test`, `cargo xtask check`.

mod bench;
mod boards;
mod boot;
mod check;
mod code;
mod codegen;
mod corpus;
mod demo;
mod draw;
mod edit;
mod elf;
mod house;
mod links;
mod machine;
mod maps;
mod partitions;
mod process;
mod report;
mod setup;
mod steps;
mod tables;
mod test;
mod trace;
mod variant;
mod verify;
mod windows;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, boots, tests and measures tablature. Each command does its own set-up.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Boots the example firmware in QEMU and shows its map.
    Demo(demo::Options),
    /// Boots firmware of every regime, which edits its live tables.
    Edit(edit::Options),
    /// Runs every test there is.
    Test(test::Options),
    /// Every case of a corpus of right and wrong maps through the compiler.
    Corpus(corpus::Arguments),
    /// Maps of shipping boards: written in the notation, compiled, and walked.
    Boards(boards::Arguments),
    /// The notation beside the same by hand, instruction by instruction.
    Codegen(codegen::Options),
    /// What the maps of the examples prove, as documents, pages and pictures.
    Report(report::Options),
    /// Measures the library beside others, and judges the project's budgets.
    Bench(bench::Options),
    /// Formatting, lints, documentation and house rules.
    Check,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Edit(options) => edit::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Corpus(arguments) => corpus::run(&arguments),
        Command::Boards(arguments) => boards::run(&arguments),
        Command::Codegen(options) => codegen::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Check => check::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
