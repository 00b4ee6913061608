//! The report.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::budget::{Verdict, verdicts};
use crate::chart::{distinct, draw};
use crate::count;
use crate::obligations;
use crate::time::{Measured, measure};
use crate::workload::jobs;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// What fits in 90 seconds.
    Quick,
    /// What fits in ten minutes.
    Full,
}

impl Size {
    const fn times(self) -> Duration {
        Duration::from_secs(match self {
            Self::Quick => 20,
            Self::Full => 150,
        })
    }

    fn counts(self, one: &Measured) -> bool {
        let window = one.workload.starts_with("window");
        let shown = one.workload.starts_with('W') && ["raw", "ours"].contains(&one.mapper);
        match self {
            Self::Quick => window || shown,
            Self::Full => !one.workload.starts_with('2'),
        }
    }
}

/// Whether a broken budget of instructions is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It is.
    Fails,
    /// It is said.
    IsSaid,
}

/// Where reports are written.
#[must_use]
pub fn folder() -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from(root).join("target"), PathBuf::from);
    target.join("bench")
}

/// Measures, and writes `report.md`, `report.json` and `report.svg`. What other programs left there for it is a part of it.
///
/// # Errors
/// Callgrind, a file, or a budget.
pub fn run(size: Size, missed: Missed) -> Result<()> {
    let mut measured = measure(&jobs(1), size.times(), 93);
    count::all(measured.iter_mut().filter(|one| size.counts(one)))?;
    let mut verdicts = verdicts(&measured);
    verdicts.push(obligations::verdict());
    let parts: Vec<_> = ["boot", "const_eval", "code_size"].into_iter().filter_map(part).collect();
    for (_, more) in &parts {
        verdicts.extend(more.iter().cloned());
    }
    let mut text = markdown(&measured, &verdicts);
    parts.iter().for_each(|(part, _)| text.push_str(part));
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("report.md"), &text)?;
    let all = json!({ "measured": measured, "verdicts": verdicts });
    std::fs::write(folder.join("report.json"), serde_json::to_string_pretty(&all)?)?;
    draw(&measured, &folder.join("report.svg"))?;
    println!("{text}\nwritten to {}", folder.display());
    let broken = |one: &&Verdict| !one.holds();
    let broken: Vec<_> = verdicts.iter().filter(broken).map(|one| format!("{}: {:.2}", one.what, one.is)).collect();
    if missed == Missed::Fails && !broken.is_empty() {
        bail!("budgets of instructions that held are broken: {}", broken.join("; "));
    }
    Ok(())
}

/// What another program measured: `NAME.json` in the folder, `{ "text": markdown, "verdicts": [[what, budget, is, exact]] }`.
fn part(name: &str) -> Option<(String, Vec<Verdict>)> {
    let file = std::fs::read_to_string(folder().join(name).with_extension("json")).ok()?;
    let value: Value = serde_json::from_str(&file).ok()?;
    let of = |one: &Value| {
        let verdict = Verdict::new(one[0].as_str()?, one[1].as_f64()?, one[2].as_f64()?);
        Some(Verdict { exact: one[3].as_bool().unwrap_or(false), ..verdict })
    };
    let verdicts = value["verdicts"].as_array()?.iter().filter_map(of).collect();
    Some((format!("\n{}", value["text"].as_str()?), verdicts))
}

fn markdown(measured: &[Measured], verdicts: &[Verdict]) -> String {
    let (field, more): (Vec<_>, Vec<_>) = measured.iter().partition(|one| one.workload.starts_with('W'));
    let rounds = measured.iter().map(|one| one.samples);
    let mut text = format!(
        "# Benchmarks\n\nOn {}, tables in ordinary memory, nothing cached by an MMU. Medians of {} to {} rounds; in each, all \
         mappers take turns. Every result was walked independently.\n\n## Summary\n\nFor each leaf; in brackets the ratio to `raw`.\n\n{}\n## Budgets\n\n| budget | at most | measured | |\n|---|---|---|---|\n",
        machine(),
        rounds.clone().min().unwrap_or(0),
        rounds.max().unwrap_or(0),
        summary(&field),
    );
    for one in verdicts {
        let _ = writeln!(text, "| {} | {} | {:.2} | {} |", one.what, one.budget, one.is, one.word());
    }
    text.push_str(
        "\nObligations are those of pages and ranges of live spaces on four kinds of cores; `cargo xtask test` looks at more of them.\n\n## Time\n\nNanoseconds for each leaf, and the ratio to `raw`.\n\n",
    );
    table(&mut text, &field, |one| Some(format!("{:.2} ({:.2})", one.ns, one.ratio)));
    text.push_str("\n## Instructions\n\nFor each leaf, by callgrind, at a quarter of the size.\n\n");
    table(&mut text, &field, |one| one.instructions.map(|count| format!("{count:.1}")));
    text.push_str("\n## Windows, splits, reclaim, growth\n\n");
    table(&mut text, &more, |one| {
        let count = one.instructions.map_or(String::new(), |count| format!(", {count:.1} instructions"));
        Some(format!("{:.2} ns ({:.2}){count}", one.ns, one.ratio))
    });
    text
}

/// The table that the README shows.
fn summary(field: &[&Measured]) -> String {
    let mut text =
        "| workload | raw | ours | best peer | instructions, raw | ours |\n|---|---|---|---|---|---|\n".to_owned();
    for row in field.chunk_by(|a, b| a.workload == b.workload) {
        let find = |name| row.iter().find(|one| one.mapper == name);
        let (Some(raw), Some(ours)) = (find("raw"), find("ours")) else { continue };
        let peers = row.iter().filter(|one| !one.mapper.starts_with("raw") && one.mapper != "ours");
        let best = peers.min_by(|a, b| a.ns.total_cmp(&b.ns));
        let best = best.map_or("–".to_owned(), |one| format!("{} {:.2} ns ({:.2})", one.mapper, one.ns, one.ratio));
        let count = |one: &Measured| one.instructions.map_or("–".to_owned(), |count| format!("{count:.1}"));
        let name = format!("{}: {}", raw.workload, raw.what);
        let _ = writeln!(
            text,
            "| {name} | {:.2} ns | {:.2} ns ({:.2}) | {best} | {} | {} |",
            raw.ns,
            ours.ns,
            ours.ratio,
            count(raw),
            count(ours)
        );
    }
    text
}

fn table(text: &mut String, list: &[&Measured], cell: impl Fn(&Measured) -> Option<String>) {
    let mappers = distinct(list.iter().map(|one| one.mapper));
    let _ = writeln!(text, "| workload | {} |\n|---|{}", mappers.join(" | "), "---|".repeat(mappers.len()));
    for row in list.chunk_by(|a, b| a.workload == b.workload) {
        let cells = mappers.iter().map(|mapper| {
            row.iter().find(|one| one.mapper == *mapper).and_then(|one| cell(one)).unwrap_or_else(|| "–".to_owned())
        });
        let _ = writeln!(text, "| {}: {} | {} |", row[0].workload, row[0].what, cells.collect::<Vec<_>>().join(" | "));
    }
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    model.unwrap_or("an unknown processor").to_owned()
}
