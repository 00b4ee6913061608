//! The field side by side: times, instructions, verdicts.

use std::time::Duration;

use anyhow::Result;
use benches::time::measure;
use benches::workload::jobs;
use benches::{count, report};
use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// Counts the instructions of a workload of a mapper.
    #[arg(long, num_args = 2, value_names = ["WORKLOAD", "MAPPER"])]
    count: Vec<String>,
    /// Measures the times of all mappers for one workload.
    #[arg(long, value_name = "WORKLOAD")]
    time: Option<String>,
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
    if let Some(workload) = &arguments.time {
        let jobs: Vec<_> = jobs(1).into_iter().filter(|job| job.workload == workload).collect();
        for measured in measure(&jobs, Duration::from_secs(4), 100_000) {
            println!("{:24} {:8.2} ns ({:.3})", measured.mapper, measured.ns, measured.ratio);
        }
        return Ok(());
    }
    let size = if arguments.quick { report::Size::Quick } else { report::Size::Full };
    report::run(size, if arguments.strict { report::Missed::Fails } else { report::Missed::IsSaid })
}
