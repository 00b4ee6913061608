//! The field side by side: times, instructions, verdicts.

use anyhow::Result;
use benches::workload::{Check, jobs};
use benches::{count, report};
use clap::Parser;

/// Sizes of the test are divided by this.
const SMALL: u64 = 64;

#[derive(Parser)]
struct Arguments {
    /// Runs every workload once, small, and walks its tables.
    #[arg(long)]
    test: bool,
    /// Counts the instructions of a workload of a mapper.
    #[arg(long, num_args = 2, value_names = ["WORKLOAD", "MAPPER"])]
    count: Vec<String>,
    /// Runs a workload of a mapper: what is counted.
    #[arg(long, num_args = 2, value_names = ["WORKLOAD", "MAPPER"], hide = true)]
    run: Vec<String>,
    /// Fewer rounds, and fewer counts.
    #[arg(long)]
    quick: bool,
    /// What cargo says.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let [workload, mapper] = &arguments.run[..] {
        return count::run(&jobs(count::SCALE), workload, mapper);
    }
    if let [workload, mapper] = &arguments.count[..] {
        println!("{:.2}", count::count(&jobs(count::SCALE), workload, mapper)?);
        return Ok(());
    }
    if arguments.test {
        let ran = jobs(SMALL).iter().filter(|job| (job.run)(Check::Tables).is_some()).count();
        println!("{ran} workloads leave the tables that they should");
        return Ok(());
    }
    report::run(if arguments.quick { report::Size::Quick } else { report::Size::Full })
}
