//! The report.

use std::time::Duration;

use anyhow::Result;

use crate::workload::jobs;
use crate::{count, time};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// What fits in 90 seconds.
    Quick,
    /// What fits in ten minutes.
    Full,
}

/// Measures.
///
/// # Errors
/// Callgrind.
pub fn run(size: Size) -> Result<()> {
    let _ = (size, count::SCALE);
    for m in time::measure(&jobs(1), Duration::from_secs(30), 93) {
        println!("{:12} {:26} {:8.2} {:8.2} {}", m.workload, m.mapper, m.ns, m.ratio, m.samples);
    }
    Ok(())
}
