//! Times: interleaved, medians.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::workload::{Check, Job};

/// What was measured of one workload and mapper.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The workload.
    pub workload: &'static str,
    /// What it does.
    pub what: &'static str,
    /// The mapper.
    pub mapper: &'static str,
    /// Leaves that costs are divided by.
    pub leaves: u64,
    /// Median nanoseconds for each leaf.
    pub ns: f64,
    /// Median of the ratios to what ran first in the same round: `raw`, or the store.
    pub ratio: f64,
    /// Instructions for each leaf.
    pub instructions: Option<f64>,
    /// Rounds.
    pub samples: usize,
}

/// Runs `jobs` round by round, each round all mappers of a workload one after the other, for `budget` or `most` rounds.
#[must_use]
pub fn measure(jobs: &[Job], budget: Duration, most: usize) -> Vec<Measured> {
    let workloads = jobs.chunk_by(|a, b| a.workload == b.workload);
    let share = budget / workloads.clone().count() as u32;
    workloads.flat_map(|jobs| together(jobs, share, most)).collect()
}

/// All mappers of one workload.
fn together(jobs: &[Job], budget: Duration, most: usize) -> Vec<Measured> {
    // The first run of each is looked at, and warms up.
    let able: Vec<&Job> = jobs.iter().filter(|job| (job.run)(Check::Tables).is_some()).collect();
    let start = Instant::now();
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    while rounds.len() < most && (rounds.len() < 3 || start.elapsed() < budget) {
        let mut round = vec![0.0; able.len()];
        // Who goes first changes from round to round.
        for turn in 0..able.len() {
            let who = (turn + rounds.len()) % able.len();
            round[who] = (able[who].run)(Check::Answer).expect("it could the first time");
        }
        rounds.push(round);
    }
    let of = |(who, job): (usize, &&Job)| Measured {
        workload: job.workload,
        what: job.what,
        mapper: job.mapper,
        leaves: job.leaves,
        ns: median(rounds.iter().map(|round| round[who])) * 1e9 / job.leaves as f64,
        ratio: median(rounds.iter().map(|round| round[who] / round[0])),
        instructions: None,
        samples: rounds.len(),
    };
    able.iter().enumerate().map(of).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
