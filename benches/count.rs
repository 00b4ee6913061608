//! Instructions, counted by callgrind: this program runs itself under it, for one workload of one mapper.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::workload::{Check, Job};

/// Sizes are divided by this.
pub const SCALE: u64 = 4;

/// Runs one job, in the process that callgrind looks at; what it could not do it did not run.
///
/// # Errors
/// There is none of that name.
pub fn run(jobs: &[Job], workload: &str, mapper: &str) -> Result<()> {
    find(jobs, workload, mapper)?.run.as_ref()(Check::Answer).context("it cannot do that")?;
    Ok(())
}

fn find<'a>(jobs: &'a [Job], workload: &str, mapper: &str) -> Result<&'a Job> {
    jobs.iter()
        .find(|job| job.workload == workload && job.mapper == mapper)
        .with_context(|| format!("no workload {workload:?} of {mapper:?}"))
}

/// Instructions for each leaf, of the workload alone.
///
/// # Errors
/// Callgrind cannot be run, or it counted nothing.
pub fn count(jobs: &[Job], workload: &str, mapper: &str) -> Result<f64> {
    let job = find(jobs, workload, mapper)?;
    let name = format!("callgrind.{}", [workload, mapper].join(".").replace(' ', "_"));
    let file = std::env::temp_dir().join(format!("{name}.{}", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*workload*measured*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["--run", workload, mapper])
        .stdout(Stdio::null())
        .output()
        .context("valgrind")?;
    if !output.status.success() {
        bail!("{workload} of {mapper}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let total = total(&file)?;
    std::fs::remove_file(&file)?;
    Ok(total as f64 / job.leaves as f64)
}

fn total(file: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")));
    match line.context("callgrind says no total")?.trim().parse()? {
        0 => bail!("callgrind counted nothing"),
        total => Ok(total),
    }
}
