//! `cargo xtask corpus`: every case of a corpus file through the compiler.
//!
//! Reading order: [`case`] is a line of the file, `notation` of the importers writes it as a declaration, [`scratch`]
//! compiles all of them as modules of one crate, [`judge`] compares what rustc said with what the case expects.

mod case;
#[cfg(test)]
mod evidence;
mod judge;
#[cfg(test)]
mod rules;
pub(crate) mod scratch;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tablature::rule::Finding;

use case::{Case, Line};
use judge::{Report, Verdict};
use scratch::{Outcome, Scratch};
use tablature_import::{notation, twin};

use crate::process::root;

/// The arguments of the command.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Files of cases, one JSON object per line.
    #[arg(default_values_os_t = [root().join("tests/data/corpus.jsonl")])]
    files: Vec<PathBuf>,
    /// Judge by the rules at run time and compile nothing.
    #[arg(long)]
    run_time: bool,
}

/// A case on its way through the compiler.
struct Entry {
    module: String,
    line: Line,
    /// The declaration, or what cannot be expressed.
    text: Result<String, String>,
    reports: Vec<Report>,
}

impl Arguments {
    /// Every file that the repository has.
    pub(crate) fn all() -> Self {
        let files = ["corpus.jsonl", "corpus_notation.jsonl"].map(|name| root().join("tests/data").join(name));
        Self { files: files.into(), run_time: false }
    }
}

/// Compiles and judges every case of the files.
///
/// # Errors
/// A file cannot be read, the compiler cannot be run, or at least one case is wrong.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut lines = Vec::new();
    for file in &arguments.files {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        lines.extend(case::read(&text).with_context(|| file.display().to_string())?);
    }
    let mut entries: Vec<Entry> = lines.into_iter().enumerate().map(entry).collect();
    if arguments.run_time {
        for entry in &mut entries {
            if let (Ok(_), Ok(case)) = (&entry.text, &entry.line.case) {
                match reports(case) {
                    Ok(reports) => entry.reports = reports,
                    Err(reason) => entry.text = Err(reason),
                }
            }
        }
    } else {
        compile(&mut entries)?;
    }
    conclude(&entries)
}

fn entry((index, line): (usize, Line)) -> Entry {
    let tail: String =
        line.id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    // The name of the map, too, because tables are exported under it.
    let module = format!("c{index:03}_{}", tail.trim_matches('_'));
    let text = match &line.case {
        Ok(case) => notation::declaration(case, &module),
        Err(reason) => Err(reason.clone()),
    };
    Entry { module, line, text, reports: Vec::new() }
}

/// `cargo check` until everything the compiler has to say is said, then `cargo build` for what it accepted.
///
/// An error that is no rule's (a syntax error, an unknown type) may keep the compiler from judging the other modules, so
/// such modules are taken out and the rest is checked again.
fn compile(entries: &mut [Entry]) -> Result<()> {
    let scratch = Scratch::new("corpus")?;
    let rules = twin::rules();
    let mut done = vec![false; entries.len()];
    loop {
        let outcome = check(&scratch, entries, &done)?;
        let mut hindered = false;
        for (entry, done) in entries.iter_mut().zip(&mut done) {
            if *done || entry.text.is_err() {
                continue;
            }
            entry.reports = outcome.reports.get(&entry.module).cloned().unwrap_or_default();
            let no_rule = |report: &Report| report.is_error && judge::rule_of(&report.text, &rules).is_none();
            if entry.reports.iter().any(no_rule) {
                (*done, hindered) = (true, true);
            }
        }
        if !hindered {
            break;
        }
    }
    let rejected: Vec<bool> = entries.iter().map(|entry| entry.reports.iter().any(|report| report.is_error)).collect();
    write(&scratch, entries, &rejected)?;
    let mut outcome = scratch.run("build")?;
    complain(&outcome)?;
    for entry in entries.iter_mut() {
        let late = outcome.reports.remove(&entry.module).unwrap_or_default();
        entry.reports.extend(late.into_iter().filter(|report| report.is_error));
    }
    Ok(())
}

/// What the rules say of a case at run time; or why it cannot be a value.
fn reports(case: &Case) -> Result<Vec<Report>, String> {
    let found = twin::findings(&twin::map(case)?)?;
    let report =
        |is_error: bool, finding: &Finding<'_>| Report { is_error, text: finding.to_string(), underlined: vec![] };
    let errors = found.errors.iter().map(|finding| report(true, finding));
    Ok(errors.chain(found.warnings.iter().map(|finding| report(false, finding))).collect())
}

fn check(scratch: &Scratch, entries: &[Entry], leave_out: &[bool]) -> Result<Outcome> {
    write(scratch, entries, leave_out)?;
    let outcome = scratch.run("check")?;
    complain(&outcome)?;
    Ok(outcome)
}

fn write(scratch: &Scratch, entries: &[Entry], leave_out: &[bool]) -> Result<()> {
    let modules = entries.iter().zip(leave_out).filter(|(_, out)| !**out);
    let modules = modules.filter_map(|(entry, _)| Some((entry.module.as_str(), entry.text.as_deref().ok()?)));
    scratch.write("lib.rs", "//! Generated from a corpus of memory maps.\n#![no_std]\n\n", modules, "")
}

/// An error outside every case means that nothing can be concluded.
fn complain(outcome: &Outcome) -> Result<()> {
    match outcome.strays.first() {
        Some(stray) => bail!("{} errors outside the cases, the first:\n{stray}", outcome.strays.len()),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Tally {
    rejected: usize,
    accepted: usize,
    wrong: usize,
    inexpressible: usize,
}

impl Tally {
    fn line(&self) -> String {
        let mut line =
            format!("{} errors rejected, {} valid accepted, {} wrong", self.rejected, self.accepted, self.wrong);
        if self.inexpressible > 0 {
            line += &format!(", {} not expressible", self.inexpressible);
        }
        line
    }
}

fn conclude(entries: &[Entry]) -> Result<()> {
    let rules = twin::rules();
    let mut tallies = BTreeMap::<&str, Tally>::new();
    let mut all = Tally::default();
    for entry in entries {
        let kind = if entry.line.spaces > 1 { "several spaces" } else { "one space" };
        let tally = tallies.entry(kind).or_default();
        let verdict = match (&entry.text, &entry.line.case) {
            (Err(reason), _) | (_, Err(reason)) => Err(reason),
            (Ok(_), Ok(case)) => Ok(judge::judge(case, &entry.reports, &rules)),
        };
        for tally in [tally, &mut all] {
            match &verdict {
                Ok(Verdict::Rejected) => tally.rejected += 1,
                Ok(Verdict::Accepted) => tally.accepted += 1,
                Ok(Verdict::Wrong { .. }) => tally.wrong += 1,
                Err(_) => tally.inexpressible += 1,
            }
        }
        match verdict {
            Ok(Verdict::Wrong { expected, got }) => {
                println!("wrong: {} ({kind})\n    expected: {expected}\n    got: {got}", entry.line.id);
            }
            Err(reason) => println!("not expressible: {} ({kind}): {reason}", entry.line.id),
            Ok(_) => {}
        }
    }
    for (kind, tally) in &tallies {
        println!("{kind}: {}", tally.line());
    }
    println!("{}", all.line());
    match all.wrong {
        0 => Ok(()),
        wrong => bail!("{wrong} cases of the corpus are wrong"),
    }
}
