//! What a map costs the compiler, by number of regions and by number of leaf entries.
//!
//! Each figure is the least processor time of several runs of rustc over one declaration, less that of the smallest. The
//! budgets are those of the project: at most 0.5 ms for 1,000 leaf entries, at most 0.1 s for a boot map of 12 regions,
//! and cost that grows linearly. Time fails no test. What is found goes into the report, too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use benches::fit;
use benches::report::folder;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::json;

const RUNS: usize = 3;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [measure, rustc, rest @ ..] = &arguments[..]
        && measure == "--measure"
    {
        return one(rustc, rest);
    }
    let bench = Bench::prepare()?;
    let base = bench.cost(&regions(1))?;
    let mut text = format!("## Const evaluation\n\nProcessor time of rustc, least of {RUNS} runs, beyond that of one ");
    let _ = writeln!(text, "region alone ({:.0} ms, {:.0} MiB); and its memory in all.", base.millis, base.mib);
    let (few, _) = series(&mut text, "regions", &[12, 100, 300, 1000], |n| bench.cost(&regions(n)), base)?;
    let sizes = [1_000, 10_000, 100_000, 300_000, 1_000_000];
    let (_, slope) = series(&mut text, "leaf entries", &sizes, |n| bench.cost(&pages(n)), base)?;
    let verdicts = json!([
        ["const eval: ms that a boot map of 12 regions adds", 100.0, few[0].1],
        ["const eval: ms of rustc in all for 300 regions, where the budget is for checks", 200.0, few[2].1],
        ["const eval: ms for 1,000 leaf entries", 0.5, slope * 1000.0],
    ]);
    println!("{text}");
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("const_eval.json"), json!({ "text": text, "verdicts": verdicts }).to_string())?;
    Ok(())
}

/// What a compilation takes.
#[derive(Clone, Copy)]
struct Cost {
    millis: f64,
    mib: f64,
}

/// One series as a table: its points, and the slope of the line through them.
fn series(
    text: &mut String,
    what: &str,
    sizes: &[u64],
    cost: impl Fn(u64) -> Result<Cost>,
    base: Cost,
) -> Result<(Vec<(f64, f64)>, f64)> {
    let _ = writeln!(text, "\n| {what} | ms | ms per 1,000 | MiB |\n|---|---|---|---|");
    let mut points = Vec::new();
    for &n in sizes {
        let Cost { millis, mib } = cost(n)?;
        let millis = millis - base.millis;
        let _ = writeln!(text, "| {n} | {millis:.1} | {:.3} | {mib:.0} |", millis * 1000.0 / n as f64);
        points.push((n as f64, millis));
    }
    let (_, slope, explained) = fit(&points);
    let _ = writeln!(
        text,
        "\nA straight line of {:.3} ms per 1,000 explains {:.1} % of it.",
        slope * 1000.0,
        explained * 100.0
    );
    Ok((points, slope))
}

/// Runs rustc, and prints what it took: microseconds, KiB. In a process of its own, for the system adds children up.
fn one(rustc: &str, arguments: &[String]) -> Result<()> {
    let output = Command::new(rustc).args(arguments).output()?;
    if !output.status.success() {
        bail!("rustc refused the map:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    println!("{} {}", used.user_time().tv_sec() * 1_000_000 + used.user_time().tv_usec(), used.max_rss());
    Ok(())
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

    /// What rustc takes over `source`: the least time.
    fn cost(&self, source: &str) -> Result<Cost> {
        let file = self.folder.join("map.rs");
        std::fs::write(&file, source)?;
        let mut least = Cost { millis: f64::MAX, mib: f64::MAX };
        for _ in 0..RUNS {
            let output = Command::new(std::env::current_exe()?)
                .arg("--measure")
                .arg(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
                .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-Awarnings", "-L"])
                .arg(self.folder.join("debug/deps"))
                .arg(format!("--extern=tablature={}", self.library))
                .arg("-o")
                .arg(self.folder.join("map.rmeta"))
                .arg(&file)
                .output()?;
            if !output.status.success() {
                bail!("{}", String::from_utf8_lossy(&output.stderr));
            }
            let text = String::from_utf8(output.stdout)?;
            let (micros, kib) = text.trim().split_once(' ').context("two numbers")?;
            least.millis = least.millis.min(micros.parse::<f64>()? / 1000.0);
            least.mib = least.mib.min(kib.parse::<f64>()? / 1024.0);
        }
        Ok(least)
    }
}
