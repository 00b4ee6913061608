//! What a map costs the compiler, by number of regions and by number of leaf entries.
//!
//! Each figure is the least processor time of several runs of rustc over one declaration, less that of the smallest. The
//! budgets are those of the project: at most 0.5 ms for 1,000 leaf entries, at most 0.1 s for a boot map of 12 regions,
//! and cost that grows linearly. Time is printed and judged here, and fails no test.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use benches::fit;
use nix::sys::resource::{UsageWho, getrusage};

const RUNS: usize = 5;

fn main() -> Result<()> {
    let bench = Bench::prepare()?;
    let base = bench.time(&regions(1))?;
    println!("const evaluation (least of {RUNS} runs; one region alone: {:.0} ms)\n", millis(base));

    println!("{:>9} {:>10} {:>15}", "regions", "ms", "ms per region");
    let mut points = Vec::new();
    for n in [12, 100, 300, 1000] {
        let cost = millis(bench.time(&regions(n))?) - millis(base);
        println!("{n:>9} {cost:>10.1} {:>15.3}", cost / n as f64);
        points.push((n as f64, cost));
    }
    linear(&points);
    verdict("a boot map of 12 regions", points[0].1, 100.0);

    println!("\n{:>9} {:>10} {:>15}", "entries", "ms", "ms per 1,000");
    let mut points = Vec::new();
    for n in [1_000, 10_000, 100_000, 300_000, 1_000_000] {
        let cost = millis(bench.time(&pages(n))?) - millis(base);
        println!("{n:>9} {cost:>10.1} {:>15.3}", cost * 1000.0 / n as f64);
        points.push((n as f64, cost));
    }
    linear(&points);
    let (_, slope, _) = fit(&points);
    verdict("1,000 leaf entries", slope * 1000.0, 0.5);
    Ok(())
}

fn linear(points: &[(f64, f64)]) {
    let (_, _, explained) = fit(points);
    println!("a straight line explains {:.1} % of it", explained * 100.0);
}

fn verdict(what: &str, cost: f64, budget: f64) {
    let word = if cost <= budget { "within" } else { "OVER" };
    println!("{what}: {cost:.2} ms, {word} the budget of {budget} ms");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Processor time of all child processes that have ended.
fn processor_time() -> Result<Duration> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?.user_time();
    Ok(Duration::new(u64::try_from(used.tv_sec())?, u32::try_from(used.tv_usec())? * 1000))
}

/// A kernel of `n` regions of 64 KiB with gaps between them.
fn regions(n: u64) -> String {
    let mut text = head(n * 272 + 1024);
    for i in 0..n {
        let at = i * 0x4_4000;
        let _ = writeln!(text, "r{i} (rw) : {:#x} => dram + {at:#x}, 64 KiB;", 0xffff_ff80_0000_0000 + at);
    }
    text + "} }"
}

/// One region of `n` pages that no block fits.
fn pages(n: u64) -> String {
    let bytes = n * 0x1000;
    let mut text = head(bytes / 1024 + 4096);
    let _ = writeln!(text, "pages (rw) : 0xffff_ff80_0000_0000 => dram + 0x1000, {bytes:#x};");
    text + "} }"
}

fn head(kib: u64) -> String {
    // The tables lie in memory of their own.
    format!(
        "tablature::memory_map! {{ pub mod m for aarch64::El1<G4K, 39>;
         physical {{ dram : 0x4000_0000, {kib} KiB, normal; pool : 0x80_0000_0000, 64 MiB, normal; }}
         space kernel {{ tables at pool;\n"
    )
}

/// The library, compiled, and a place for declarations.
struct Bench {
    folder: PathBuf,
    library: String,
}

impl Bench {
    fn prepare() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
        let folder = root.join("target/const-eval");
        std::fs::create_dir_all(&folder)?;
        let output = Command::new(env!("CARGO"))
            .args(["check", "--package", "tablature", "--message-format=json", "--target-dir"])
            .arg(&folder)
            .current_dir(root)
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let messages = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let library = messages
            .filter(|message| message["target"]["name"] == "tablature" && message["reason"] == "compiler-artifact")
            .find_map(|message| message["filenames"][0].as_str().map(str::to_owned))
            .context("cargo built no library")?;
        Ok(Self { folder, library })
    }

    /// The least time that rustc takes over `source`.
    fn time(&self, source: &str) -> Result<Duration> {
        let file = self.folder.join("map.rs");
        std::fs::write(&file, source)?;
        let mut least = Duration::MAX;
        for _ in 0..RUNS {
            let start = processor_time()?;
            let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
                .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-Awarnings", "-L"])
                .arg(self.folder.join("debug/deps"))
                .arg(format!("--extern=tablature={}", self.library))
                .arg("-o")
                .arg(self.folder.join("map.rmeta"))
                .arg(&file)
                .output()?;
            if !output.status.success() {
                bail!("rustc refused the map:\n{}", String::from_utf8_lossy(&output.stderr));
            }
            least = least.min(processor_time()? - start);
        }
        Ok(least)
    }
}
