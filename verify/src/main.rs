//! `cargo tablature`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_tablature::cli::run(std::env::args())
}
