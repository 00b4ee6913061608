//! Instructions, counted by callgrind: this program runs itself under it, for one workload of one mapper.

use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::time::Measured;
use crate::workload::{Check, Job, jobs};

/// Sizes are divided by this.
pub const SCALE: u64 = 4;

/// Runs one job, in the process that callgrind looks at.
///
/// # Errors
/// There is none of that name, or the mapper cannot do it.
pub fn run(workload: &str, mapper: &str) -> Result<()> {
    find(workload, mapper)?.run.as_ref()(Check::Answer).context("it cannot do that")?;
    Ok(())
}

fn find(workload: &str, mapper: &str) -> Result<Job> {
    jobs(SCALE)
        .into_iter()
        .find(|job| job.workload == workload && job.mapper == mapper)
        .with_context(|| format!("no workload {workload:?} of {mapper:?}"))
}

/// Counts the instructions of all of these, several at a time: counts are exact.
///
/// # Errors
/// As for [`count`].
pub fn all<'a>(list: impl Iterator<Item = &'a mut Measured> + Send) -> Result<()> {
    let (list, workers) = (Mutex::new(list), std::thread::available_parallelism().map_or(1, NonZero::get));
    let work = || -> Result<()> {
        loop {
            let next = list.lock().ok().and_then(|mut list| list.next());
            let Some(one) = next else { return Ok(()) };
            one.instructions = Some(count(one.workload, one.mapper)?);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })
}

/// Instructions for each leaf, of the workload alone.
///
/// # Errors
/// Callgrind cannot be run, or it counted nothing.
pub fn count(workload: &str, mapper: &str) -> Result<f64> {
    let leaves = find(workload, mapper)?.leaves;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("callgrind");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*workload*measured*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["--run", workload, mapper])
        // Of `rep stosb`, which clears tables, callgrind would count every byte.
        .env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_stosb_threshold=1000000")
        .stdout(Stdio::null())
        .output()
        .context("valgrind")?;
    if !output.status.success() {
        bail!("{workload} of {mapper}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(total(&file)? as f64 / leaves as f64)
}

fn total(file: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")));
    match line.context("callgrind says no total")?.trim().parse()? {
        0 => bail!("callgrind counted nothing"),
        total => Ok(total),
    }
}
