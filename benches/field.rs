//! The field side by side: times, instructions, verdicts.

use anyhow::Result;
use benches::{count, report};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// Counts the instructions of a workload of a mapper.
    #[arg(long, num_args = 2, value_names = ["WORKLOAD", "MAPPER"])]
    count: Vec<String>,
    /// Runs a workload of a mapper: what is counted.
    #[arg(long, num_args = 2, value_names = ["WORKLOAD", "MAPPER"], hide = true)]
    run: Vec<String>,
    /// Fewer rounds, and fewer counts.
    #[arg(long)]
    quick: bool,
    /// Fails if a budget of instructions is missed.
    #[arg(long)]
    strict: bool,
    /// What cargo says.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let [workload, mapper] = &arguments.run[..] {
        return count::run(workload, mapper);
    }
    if let [workload, mapper] = &arguments.count[..] {
        println!("{:.2}", count::count(workload, mapper)?);
        return Ok(());
    }
    let size = if arguments.quick { report::Size::Quick } else { report::Size::Full };
    report::run(size, if arguments.strict { report::Missed::Fails } else { report::Missed::IsSaid })
}
