//! What a map costs the compiler, by number of regions and by number of leaf entries.
//!
//! Each figure is the least processor time of several runs of rustc, less that over a crate that only names the library.
//! What a map costs in all is divided by differences:
//!
//! * *expansion*: rustc stops behind it if nothing but a list of dependencies is asked for;
//! * *rules*: laying the map out and judging it by every rule, once more, in a crate of its own that has the declared map as
//!   a dependency; less the same crate where these constants belong to a type that nobody uses, so that they are compiled and
//!   not evaluated;
//! * *rest*: names, types and lifetimes of what the macro makes, and the tables.
//!
//! Systems of isolated partitions are built, too, with their tables.
//!
//! The budgets are those of the project. Time fails no test. What is found goes into the report, too.

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
    let (mut text, mut verdicts) = (head(&bench), Vec::new());
    by_regions(&bench, &mut text, &mut verdicts)?;
    by_leaves(&bench, &mut text, &mut verdicts)?;
    by_spaces(&bench, &mut text, &mut verdicts)?;
    println!("{text}");
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("const_eval.json"), json!({ "text": text, "verdicts": verdicts }).to_string())?;
    Ok(())
}

fn head(bench: &Bench) -> String {
    format!(
        "## Const evaluation\n\nMilliseconds of rustc's processor time, least of {RUNS} runs, beyond a crate without a map ({:.0} \
         ms, {:.0} MiB); and its memory in all. *Expansion* is the macro's, *rules* is laying the map out and judging it, *rest* \
         is the compiler's work on what the macro makes, and the tables.\n",
        bench.base.millis, bench.base.mib
    )
}

/// What a compilation takes.
#[derive(Clone, Copy)]
struct Cost {
    millis: f64,
    mib: f64,
}

/// A budget: what, at most, is.
type Verdict = (String, f64, f64);

fn by_regions(bench: &Bench, text: &mut String, verdicts: &mut Vec<Verdict>) -> Result<()> {
    text.push_str("\n| regions | ms | expansion | rules | rest | ms for each | MiB |\n|---|---|---|---|---|---|---|\n");
    let (mut all, mut rules) = (Vec::new(), Vec::new());
    for n in [12, 100, 300, 1000] {
        let source = regions(n);
        let whole = bench.beyond(bench.cost("map", &source, Stop::Never)?);
        let expansion = bench.expansion(&source)?;
        let judged = bench.rules()?;
        let rest = whole.millis - expansion - judged;
        let each = whole.millis / n as f64;
        let _ = writeln!(
            text,
            "| {n} | {:.0} | {expansion:.0} | {judged:.0} | {rest:.0} | {each:.2} | {:.0} |",
            whole.millis, whole.mib
        );
        if n == 12 {
            verdicts.push(("const eval: ms that a boot map of 12 regions adds".to_owned(), 100.0, whole.millis));
        }
        if n == 300 {
            let what = format!("const eval: ms of checks for 300 regions (in all {:.0})", whole.millis);
            verdicts.push((what, 200.0, judged));
        }
        all.push((n as f64, whole.millis));
        rules.push((n as f64, judged));
    }
    line(text, verdicts, "all of it, for each region", &all);
    line(text, verdicts, "the rules, for each region", &rules);
    Ok(())
}

fn by_leaves(bench: &Bench, text: &mut String, verdicts: &mut Vec<Verdict>) -> Result<()> {
    text.push_str("\n| leaf entries | ms | ms for 1,000 | MiB |\n|---|---|---|---|\n");
    // One region alone, with one leaf.
    let least = bench.cost("map", &pages(1), Stop::Never)?;
    let mut points = Vec::new();
    for n in [1_000, 10_000, 100_000, 300_000, 1_000_000] {
        let Cost { millis, mib } = bench.cost("map", &pages(n), Stop::Never)?;
        let millis = millis - least.millis;
        let _ = writeln!(text, "| {n} | {millis:.1} | {:.3} | {mib:.0} |", millis * 1000.0 / n as f64);
        points.push((n as f64, millis));
    }
    let slope = line(text, verdicts, "each leaf entry", &points);
    verdicts.push(("const eval: ms for 1,000 leaf entries".to_owned(), 0.5, slope * 1000.0));
    Ok(())
}

/// Systems of partitions: rustc up to metadata (`cargo check`), and up to machine code without optimization.
fn by_spaces(bench: &Bench, text: &mut String, verdicts: &mut Vec<Verdict>) -> Result<()> {
    text.push_str(
        "\n| isolated partitions | regions in each | ms to check | ms to build | MiB |\n|---|---|---|---|---|\n",
    );
    for n in [4, 16, 64] {
        let source = partitions(n, 64);
        let checked = bench.beyond(bench.cost("map", &source, Stop::Never)?);
        let built = bench.beyond(bench.cost("map", &source, Stop::Built)?);
        let _ = writeln!(text, "| {n} | 64 | {:.0} | {:.0} | {:.0} |", checked.millis, built.millis, built.mib);
        if n == 64 {
            verdicts.push(("const eval: ms to build 64 partitions of 64 regions".to_owned(), 5000.0, built.millis));
        }
    }
    Ok(())
}

/// The line through the points: its slope. Costs may grow by as much each time, or by less: what no line explains is held
/// against them where the end is steeper than the line.
fn line(text: &mut String, verdicts: &mut Vec<Verdict>, what: &str, points: &[(f64, f64)]) -> f64 {
    let (_, slope, explained) = fit(points);
    let percent = explained * 100.0;
    let end = match points {
        [.., (x, y), (last_x, last_y)] => (last_y - y) / (last_x - x),
        _ => slope,
    };
    let (bend, faster) = if end > slope { ("steeper", 100.0 - percent) } else { ("flatter", 0.0) };
    let _ = writeln!(
        text,
        "\nA straight line explains {percent:.2} % of {what}: {:.3} ms for 1,000. The end is {bend}: {:.3} ms.",
        slope * 1000.0,
        end * 1000.0
    );
    verdicts.push((format!("const eval, {what}: % of growth beyond a straight line"), 2.0, faster));
    slope
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
    let mut text = opening(n * 272 + 1024);
    for i in 0..n {
        let at = i * 0x4_4000;
        let _ = writeln!(text, "r{i} (rw) : {:#x} => dram + {at:#x}, 64 KiB;", 0xffff_ff80_0000_0000 + at);
    }
    text + "} }"
}

/// One region of `n` pages that no block fits.
fn pages(n: u64) -> String {
    let bytes = n * 0x1000;
    let mut text = opening(bytes / 1024 + 4096);
    let _ = writeln!(text, "pages (rw) : 0xffff_ff80_0000_0000 => dram + 0x1000, {bytes:#x};");
    text + "} }"
}

/// `spaces` partitions of `regions` regions of 16 KiB, isolated from each other.
fn partitions(spaces: u64, regions: u64) -> String {
    let mut text = format!(
        "tablature::memory_map! {{ pub mod m for aarch64::El1<G4K, 39>;
         cpu {{ features = [asid16]; }}
         physical {{ dram : 0x4000_0000, {} KiB, normal; }}\n",
        spaces * regions * 16
    );
    for space in 0..spaces {
        let _ = writeln!(text, "space p{space} (user) {{ asid {}; tables in dram;", space + 1);
        for region in 0..regions {
            let rights = ["rx", "r", "rw"][(region % 3) as usize];
            let (at, phys) = (0x10_0000 + region * 0x8000, (space * regions + region) * 0x4000);
            let _ = writeln!(text, "r{region} ({rights}) : {at:#x} => dram + {phys:#x}, 16 KiB;");
        }
        text.push_str("}\n");
    }
    let names: Vec<String> = (0..spaces).map(|space| format!("p{space}")).collect();
    let _ = writeln!(text, "isolate {}; }}", names.join(", "));
    text
}

fn opening(kib: u64) -> String {
    // The tables lie in memory of their own.
    format!(
        "tablature::memory_map! {{ pub mod m for aarch64::El1<G4K, 39>;
         physical {{ dram : 0x4000_0000, {kib} KiB, normal; pool : 0x80_0000_0000, 64 MiB, normal; }}
         space kernel {{ tables at pool;\n"
    )
}

/// Lays out and judges the map of another crate, if anybody uses `Later`.
const RULES: &str = "use decl::m::MAP;
use tablature::layout::{Layout, count_regions};
use tablature::rule::{Findings, check};
pub struct Later<const N: usize>;
impl<const N: usize> Later<N> {
    const LAYOUT: Layout<{ count_regions(MAP) }> = Layout::of(MAP);
    const CHECKED: &'static (Findings<'static, 128>, Findings<'static, 128>) = &check(MAP, &Self::LAYOUT);
    pub const SOUND: () = assert!(Self::CHECKED.0.is_empty());
}
";

/// Where rustc stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Behind the expansion of macros.
    Expanded,
    /// With metadata.
    Never,
    /// With machine code.
    Built,
}

/// The library, compiled, and a place for declarations.
struct Bench {
    folder: PathBuf,
    library: String,
    /// A crate without a map.
    base: Cost,
}

impl Bench {
    fn prepare() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
        let folder = root.join("target/const-eval");
        std::fs::create_dir_all(&folder)?;
        let output = Command::new(env!("CARGO"))
            .args(["build", "--package", "tablature", "--message-format=json", "--target-dir"])
            .arg(&folder)
            .current_dir(root)
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let messages = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let library = messages
            .filter(|message| message["target"]["name"] == "tablature" && message["reason"] == "compiler-artifact")
            .find_map(|message| message["filenames"][0].as_str().map(str::to_owned))
            .context("cargo built no library")?;
        let nothing = Cost { millis: 0.0, mib: 0.0 };
        let mut bench = Self { folder, library, base: nothing };
        bench.base = bench.cost("base", "use tablature as _;", Stop::Never)?;
        Ok(bench)
    }

    fn beyond(&self, cost: Cost) -> Cost {
        Cost { millis: cost.millis - self.base.millis, ..cost }
    }

    /// Milliseconds until the macro of `source` is expanded.
    fn expansion(&self, source: &str) -> Result<f64> {
        let nothing = self.cost("base", "use tablature as _;", Stop::Expanded)?;
        Ok(self.cost("expanded", source, Stop::Expanded)?.millis - nothing.millis)
    }

    /// Milliseconds for the rules, of the map that was compiled last.
    fn rules(&self) -> Result<f64> {
        let unused = self.cost("rules", RULES, Stop::Never)?;
        let used = self.cost("rules", &format!("{RULES}const _: () = Later::<0>::SOUND;\n"), Stop::Never)?;
        Ok(used.millis - unused.millis)
    }

    /// What rustc takes over `source`: the least time.
    fn cost(&self, name: &str, source: &str, stop: Stop) -> Result<Cost> {
        let file = self.folder.join(name).with_extension("rs");
        std::fs::write(&file, source)?;
        let mut least = Cost { millis: f64::MAX, mib: f64::MAX };
        for _ in 0..RUNS {
            let output = self.command(name, stop).arg(&file).output()?;
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

    fn command(&self, name: &str, stop: Stop) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap_or_default());
        command.arg("--measure").arg(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
        let (emit, output) = match stop {
            Stop::Expanded => ("dep-info", self.folder.join(format!("{name}.d"))),
            Stop::Never => ("metadata", self.folder.join(format!("lib{name}.rmeta"))),
            Stop::Built => ("obj", self.folder.join(format!("{name}.o"))),
        };
        command.args(["--edition=2024", "--crate-type=lib", "-Awarnings", "--crate-name", name, "-L"]);
        command.arg(self.folder.join("debug/deps")).arg(format!("--emit={emit}")).arg("-o").arg(output);
        command.arg(format!("--extern=tablature={}", self.library));
        if name == "rules" {
            command.arg(format!("--extern=decl={}", self.folder.join("libmap.rmeta").display()));
        }
        command
    }
}
