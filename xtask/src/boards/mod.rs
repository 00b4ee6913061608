//! `cargo xtask boards`: maps of shipping boards, written in the notation, compiled, and walked.
//!
//! Reading order: [`data`] reads the tables, [`declare`] makes a declaration of each board, [`emit`]
//! writes them into a crate whose program hands back the tables, [`walk`] reads those as hardware would, [`compare`]
//! says where they differ from the board, [`defects`] asks the rules about known defects.

mod compare;
mod data;
mod declare;
mod defects;
mod emit;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::corpus::scratch::Scratch;
use crate::process::root;
use data::Board;
use declare::{Apart, Declared};

/// The arguments of the command.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// A directory with `maps.tsv` and `effective.tsv`.
    #[arg(default_value_os_t = Arguments::default().directory)]
    directory: PathBuf,
    /// Lists every waiver and not their number by rule alone.
    #[arg(long)]
    waivers: bool,
}

impl Default for Arguments {
    /// The tables that the repository has.
    fn default() -> Self {
        Self { directory: root().join("tests/data/boards"), waivers: false }
    }
}

/// Declares, compiles and walks every map of the directory.
///
/// # Errors
/// The directory cannot be read, the compiler cannot be run, or at least one map is not what it should be.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let boards = data::load(&arguments.directory)?;
    let mut apart = BTreeMap::<String, Vec<&str>>::new();
    let mut declared = Vec::new();
    let mut wrong = 0;
    for board in &boards.boards {
        match declare::declare(board) {
            Ok(declaration) => declared.push((board, declaration)),
            Err(Apart::Regime(regime)) => apart.entry(regime).or_default().push(&board.id),
            Err(Apart::Unable(reason)) => {
                println!("mismatch: {}: {reason}", board.id);
                wrong += 1;
            }
        }
    }
    wrong += compile_and_compare(&declared)?;
    tell(&declared, arguments.waivers);
    defects::tell(&boards);
    for (regime, names) in &apart {
        println!("{} maps counted apart, no such regime yet ({regime}): {}", names.len(), names.join(", "));
    }
    let regions: usize = declared.iter().map(|(board, _)| board.runs.len()).sum();
    println!("{} maps, {regions} regions, {wrong} mismatches", declared.len());
    if wrong == 0 { Ok(()) } else { bail!("{wrong} mismatches in the boards") }
}

/// Compiles the declarations, runs the program for their tables, and prints each mismatch.
fn compile_and_compare(declared: &[(&Board, Declared)]) -> Result<usize> {
    let scratch = Scratch::new("boards")?;
    let mut wrong = 0;
    let mut modules = Vec::new();
    for (board, declaration) in declared {
        match emit::module(declaration) {
            Ok(text) => modules.push((*board, declaration, text)),
            Err(reason) => {
                println!("mismatch: {}: the notation cannot express {reason}", board.id);
                wrong += 1;
            }
        }
    }
    wrong += compile(&scratch, &mut modules)?;
    let output = program(&scratch)?;
    let dumps = emit::parse(&output.stdout).map_err(anyhow::Error::msg).context("the program of the boards")?;
    let mut dumps: BTreeMap<String, emit::Dump> = dumps.into_iter().map(|dump| (dump.name.clone(), dump)).collect();
    for (board, declaration, _) in &modules {
        let list = match dumps.remove(&declaration.case.id) {
            Some(dump) => compare::mismatches(board, declaration, &dump),
            None => vec!["the program wrote no tables".into()],
        };
        wrong += list.len();
        for problem in list {
            println!("mismatch: {}: {problem}", board.id);
        }
    }
    Ok(wrong)
}

/// Builds the crate; a map that rustc refuses is a mismatch, and taken out, so that the others can be compared.
fn compile(scratch: &Scratch, modules: &mut Vec<(&Board, &Declared, String)>) -> Result<usize> {
    let mut wrong = 0;
    loop {
        let files = modules.iter().map(|(_, declaration, text)| (declaration.case.id.as_str(), text.as_str()));
        let pairs: Vec<(&Board, &Declared)> = modules.iter().map(|(board, declared, _)| (*board, *declared)).collect();
        scratch.write("main.rs", emit::HEAD, files, &emit::program(&pairs))?;
        let outcome = scratch.run("build")?;
        if outcome.success {
            return Ok(wrong);
        }
        let before = modules.len();
        modules.retain(|(board, declaration, _)| {
            let reports = outcome.reports.get(&declaration.case.id);
            let error = reports.and_then(|reports| reports.iter().find(|report| report.is_error));
            if let Some(error) = error {
                println!("mismatch: {}: rustc: {}", board.id, error.text.trim_end());
                wrong += 1;
            }
            error.is_none()
        });
        if modules.len() == before {
            bail!("the boards do not build:\n{}", outcome.strays.join("\n"));
        }
    }
}

fn program(scratch: &Scratch) -> Result<Output> {
    let output = scratch.cargo(&["run", "--quiet"]).stdin(Stdio::null()).output().context("cargo cannot be run")?;
    if !output.status.success() {
        bail!("the program of the boards failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output)
}

/// What the real maps do against the rules.
fn tell(declared: &[(&Board, Declared)], each: bool) {
    let mut rules = BTreeMap::<&str, (usize, usize)>::new();
    for (board, declaration) in declared {
        let mut of_board = BTreeMap::<&str, usize>::new();
        for (rule, region) in &declaration.waived {
            *of_board.entry(rule).or_default() += 1;
            if each {
                println!("waived: {}: {rule} at {region}", board.id);
            }
        }
        for (rule, count) in of_board {
            let (regions, maps) = rules.entry(rule).or_default();
            (*regions, *maps) = (*regions + count, *maps + 1);
        }
        for change in &declaration.repaired {
            println!("changed: {}: {change}", board.id);
        }
    }
    for (rule, (regions, maps)) in rules {
        println!("waived: {rule} at {regions} regions of {maps} maps");
    }
}
