//! `cargo xtask demo --partitions`: an RTOS with two partitions, one of which tries every forbidden access.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::demo::{counts, start_within};
use crate::machine::{Accelerator, Arch, Partitions};
use crate::process::{Ended, call, capture, target_directory};
use crate::report;
use crate::setup::Toolchain;
use crate::steps::Steps;
use crate::verify;

/// Time after which a machine is taken to hang.
const LIMIT: Duration = Duration::from_secs(120);
/// Fewer attempts on a machine are a list that lost some.
const LEAST: u64 = 3 * 75;

/// Boots the system, and the one whose channel is wrong, on each machine.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain, arches: &[Arch]) {
    for &arch in arches {
        steps.run(format!("partitions {arch}"), || isolated(toolchain, arch));
        steps.run(format!("partitions {arch}, a channel that its receiver may write"), || leaky(toolchain, arch));
    }
}

/// The independent checker on the image of each machine: it passes, and it tells the image whose channel is wrong.
pub(crate) fn check_all(steps: &mut Steps, toolchain: Toolchain, arches: &[Arch]) {
    for &arch in arches {
        steps.run(format!("check partitions {arch}"), || checked(toolchain, arch));
        steps.run(format!("mutations partitions {arch}"), || mutated(toolchain, arch));
    }
}

fn checked(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let evidence = report::write_partitions(arch)?;
    verify::check(&build(toolchain, arch, Partitions::Isolated)?, &evidence, &[])?;
    let leaky = capture(&mut verify::command(&build(toolchain, arch, Partitions::Leaky)?, &evidence), LIMIT)?;
    let place = "space rogue, region link";
    let found = leaky.output.lines().find(|line| line.contains(place) && line.contains("declared r/r"));
    println!("{}", found.with_context(|| format!("nothing is found at {place}:\n{}", leaky.output))?);
    match leaky.status {
        Some(status) if !status.success() => Ok(()),
        _ => bail!("the image whose channel is wrong passes, too"),
    }
}

fn mutated(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let evidence = report::write_partitions(arch)?;
    verify::mutate::run(&build(toolchain, arch, Partitions::Isolated)?, &evidence)
}

/// Every forbidden access is refused, and nobody notices.
///
/// # Errors
/// It cannot be built, or an access is allowed.
fn isolated(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let ended = boot(toolchain, arch, Partitions::Isolated)?;
    print!("{}", ended.output);
    let verdict = Verdict::of(&ended)?;
    println!("{arch}: {} forbidden accesses, each of them refused and counted", verdict.attempts);
    Ok(())
}

/// Writes to the channel are allowed, and everything else is refused.
///
/// # Errors
/// It cannot be built, or the machine does not notice.
fn leaky(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let ended = boot(toolchain, arch, Partitions::Leaky)?;
    let noticed: Vec<_> = ended.output.lines().map(str::trim).filter(|line| line.starts_with('!')).collect();
    noticed.iter().for_each(|line| println!("{line}"));
    is_noticed(&ended, &noticed)?;
    println!("{arch} noticed");
    Ok(())
}

fn is_noticed(ended: &Ended, noticed: &[&str]) -> Result<()> {
    let counted = ended.output.lines().find_map(Verdict::parse).context("no verdict")?;
    let is_channel = |line: &&str| line.starts_with("! write channel, ") && line.ends_with(": ALLOWED");
    let whole = counted.allowed == noticed.len() as u64 && counted.allowed + counted.refused == counted.attempts;
    match ended.status {
        Some(status) if status.success() => bail!("the machine says that all is well"),
        Some(_) if counted.allowed > 0 && whole && noticed.iter().all(is_channel) => Ok(()),
        _ => bail!("not the writes to the channel alone were noticed: {counted:?}"),
    }
}

fn boot(toolchain: Toolchain, arch: Arch, which: Partitions) -> Result<Ended> {
    let image = build(toolchain, arch, which)?;
    start_within(LIMIT, arch, &image, arch.board(Accelerator::Emulation))
}

/// Builds the system, and returns its image.
///
/// # Errors
/// It does not compile or link.
pub(crate) fn build(toolchain: Toolchain, arch: Arch, which: Partitions) -> Result<PathBuf> {
    let mut command = toolchain.cargo("build", arch, &[]);
    command.args(["--quiet", "--release", "--package", Partitions::PACKAGE, "--features", which.features()]);
    call(&mut command)?;
    let built = target_directory().join(arch.target()).join("release").join(Partitions::PACKAGE);
    let image = built.with_file_name(format!("{}-{}.elf", Partitions::PACKAGE, which.name()));
    std::fs::copy(&built, &image).with_context(|| format!("no image at {}", built.display()))?;
    Ok(image)
}

/// What the system says at its end.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    attempts: u64,
    refused: u64,
    allowed: u64,
    surprises: u64,
    alarms: u64,
}

impl Verdict {
    fn parse(line: &str) -> Option<Self> {
        let units = ["attempts", "refused", "allowed", "surprises", "alarms"];
        let [attempts, refused, allowed, surprises, alarms] = counts(line, units)?;
        Some(Self { attempts, refused, allowed, surprises, alarms })
    }

    /// The verdict of a machine on which every access was refused.
    fn of(ended: &Ended) -> Result<Self> {
        let Some(status) = ended.status else { bail!("it did not end within {} s", LIMIT.as_secs()) };
        let verdict = ended.output.lines().find_map(Self::parse).with_context(|| format!("no verdict ({status})"))?;
        let good = verdict.refused == verdict.attempts && verdict.allowed + verdict.surprises + verdict.alarms == 0;
        if !good || verdict.attempts < LEAST || !status.success() {
            bail!("{verdict:?}, {status}");
        }
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    #[cfg(unix)]
    fn ended(output: &str, code: Option<i32>) -> Ended {
        use std::os::unix::process::ExitStatusExt as _;
        let status = code.map(|code| ExitStatus::from_raw(code << 8));
        Ended { output: output.to_owned(), status }
    }

    #[cfg(unix)]
    #[test]
    fn one_access_that_is_allowed_is_a_failure() {
        let good = "264 attempts, 264 refused, 0 allowed, 0 surprises, 0 alarms\r\n";
        assert_eq!(Verdict::of(&ended(good, Some(0))).expect("good").attempts, 264);
        for (bad, code) in [
            (good, Some(1)),
            (good, None),
            ("", Some(0)),
            ("264 attempts, 263 refused, 1 allowed, 0 surprises, 0 alarms", Some(0)),
            ("264 attempts, 264 refused, 0 allowed, 1 surprises, 0 alarms", Some(0)),
            ("264 attempts, 264 refused, 0 allowed, 0 surprises, 1 alarms", Some(0)),
            ("9 attempts, 9 refused, 0 allowed, 0 surprises, 0 alarms", Some(0)),
        ] {
            Verdict::of(&ended(bad, code)).expect_err(bad);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_leak_is_noticed_where_it_is() {
        let verdict = "264 attempts, 263 refused, 1 allowed, 0 surprises, 0 alarms";
        let leak = ["! write channel, last word 0x20301ff8: ALLOWED"];
        is_noticed(&ended(verdict, Some(1)), &leak).expect("noticed");
        is_noticed(&ended(verdict, Some(0)), &leak).expect_err("the status says all is well");
        is_noticed(&ended(verdict, None), &leak).expect_err("it hangs");
        is_noticed(&ended(verdict, Some(1)), &["! write own code 0x1: ALLOWED"]).expect_err("elsewhere");
        is_noticed(&ended(verdict, Some(1)), &[]).expect_err("nowhere");
    }
}
