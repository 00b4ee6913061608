//! `import`: the map of another system as a declaration, and what of it breaks a rule. The only part of this package that
//! needs the library, and only with the feature `import`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tablature_import::{Format, Surroundings};

use crate::number::Hex;

/// Arguments of the command.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The file; several cells of Jailhouse are one system.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Its format: dtb, tf-a, zephyr, microkit or jailhouse. Guessed from the content without it.
    #[arg(long)]
    from: Option<Format>,
    /// Where the declaration goes; standard output without it.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// The regime, such as `aarch64 4K VA39 EL1`, `aarch64 4K IPA40 S2`, `sv39` or `x86_64 ept`.
    #[arg(long)]
    regime: Option<String>,
    /// The name of the module; that of the file without it.
    #[arg(long)]
    name: Option<String>,
    /// Memory, as START,SIZE.
    #[arg(long, value_parser = range)]
    ram: Option<(u64, u64)>,
    /// A directory of headers.
    #[arg(short = 'I', value_name = "DIRECTORY")]
    include: Vec<PathBuf>,
    /// A constant: NAME=VALUE, or a call such as `DT_REG_ADDR(DT_NODELABEL(uart0))=0x9000000`.
    #[arg(short = 'D', value_name = "NAME=VALUE")]
    define: Vec<String>,
}

fn range(text: &str) -> Result<(u64, u64)> {
    let (start, size) = text.split_once(',').context("START,SIZE")?;
    let number = |text: &str| text.trim().parse::<Hex>()?.address().with_context(|| format!("`{text}` is no address"));
    Ok((number(start)?, number(size)?))
}

/// Runs the command.
///
/// # Errors
/// The input cannot be read or understood, or the output cannot be written.
pub fn run(options: &Options) -> Result<ExitCode> {
    let how = tablature_import::Options {
        from: options.from,
        surroundings: Surroundings { include: options.include.clone(), define: options.define.clone() },
        regime: options.regime.clone(),
        ram: options.ram,
        name: options.name.clone(),
    };
    let imported = tablature_import::import(&options.files, &how)?;
    let declaration = imported.declaration().map_err(anyhow::Error::msg).context("the notation cannot express it")?;
    match &options.output {
        Some(path) => fs::write(path, &declaration).with_context(|| format!("cannot write {}", path.display()))?,
        None => print!("{declaration}"),
    }
    let findings = imported.findings().map_err(anyhow::Error::msg)?;
    imported.remarks.iter().for_each(|remark| eprintln!("remark: {remark}"));
    findings.iter().for_each(|finding| eprintln!("{finding}"));
    let errors = findings.iter().filter(|finding| finding.is_error).count();
    let regions: usize = imported.system.spaces.iter().map(|space| space.regions.len()).sum();
    eprintln!(
        "{} spaces, {regions} regions, {errors} errors, {} warnings",
        imported.system.spaces.len(),
        findings.len() - errors
    );
    Ok(ExitCode::from(u8::from(errors > 0)))
}
