//! `cargo xtask edit`: boots firmware that edits live tables of every regime at random.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::demo::{BOOT_LIMIT, counts};
use crate::machine::Arch;
use crate::process::{Ended, call, capture, shown, target_directory};
use crate::setup::{self, Host, Toolchain};
use crate::steps::{Steps, leave_out};
use crate::{report, variant, verify};

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the regimes whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

/// The firmware of AArch64 that edits.
const PACKAGE: &str = "edit-aarch64";

/// Edits of each regime, and the number that the random program follows from.
pub(crate) const STEPS: u64 = 100_000;
const SEED: u64 = 3;
/// Edits without flushes: one regime of each kind has to notice.
const CARELESS_STEPS: u64 = 1000;
const CARELESS: [&str; 5] = ["el1_4k_39", "vhe_16k_48", "el2_64k_48", "el3_4k_39", "stage2_4k_40"];

/// Regimes whose tables are changed, for the checker to find: each granule, 52 bits, both stages.
const MUTATED: [&str; 6] = ["el1_4k_52", "vhe_16k_48", "el2_64k_52", "el3_16k_52", "stage2_4k_48", "stage2_64k_52"];

/// A regime of AArch64, and the machine whose core starts at its Exception level.
pub(crate) struct Guest {
    name: &'static str,
    machine: &'static str,
}

/// All of them.
pub(crate) const ALL: &[Guest] = &[
    el1("el1_4k_39"),
    el1("el1_4k_48"),
    el1("el1_4k_52"),
    el1("el1_16k_39"),
    el1("el1_16k_48"),
    el1("el1_16k_52"),
    el1("el1_64k_39"),
    el1("el1_64k_48"),
    el1("el1_64k_52"),
    el2("vhe_4k_39"),
    el2("vhe_4k_48"),
    el2("vhe_4k_52"),
    el2("vhe_16k_39"),
    el2("vhe_16k_48"),
    el2("vhe_16k_52"),
    el2("vhe_64k_39"),
    el2("vhe_64k_48"),
    el2("vhe_64k_52"),
    el2("el2_4k_39"),
    el2("el2_4k_48"),
    el2("el2_4k_52"),
    el2("el2_16k_39"),
    el2("el2_16k_48"),
    el2("el2_16k_52"),
    el2("el2_64k_39"),
    el2("el2_64k_48"),
    el2("el2_64k_52"),
    el3("el3_4k_39"),
    el3("el3_4k_48"),
    el3("el3_4k_52"),
    el3("el3_16k_39"),
    el3("el3_16k_48"),
    el3("el3_16k_52"),
    el3("el3_64k_39"),
    el3("el3_64k_48"),
    el3("el3_64k_52"),
    el2("stage2_4k_40"),
    el2("stage2_4k_48"),
    el2("stage2_4k_52"),
    el2("stage2_16k_40"),
    el2("stage2_16k_48"),
    el2("stage2_16k_51"),
    el2("stage2_64k_40"),
    el2("stage2_64k_48"),
    el2("stage2_64k_52"),
];

/// What no guest runs.
const LACKING: &str =
    "aarch64, stage 2 of 16 KiB pages and 52 bits (51 run): QEMU 7.2 faults where it starts at level 0";
/// The guest in whose place it is.
const WITH_LACKING: &str = "stage2_16k_51";

const fn el1(name: &'static str) -> Guest {
    Guest { name, machine: "virt" }
}

const fn el2(name: &'static str) -> Guest {
    Guest { name, machine: "virt,virtualization=on" }
}

const fn el3(name: &'static str) -> Guest {
    Guest { name, machine: "virt,secure=on" }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", Arch::Aarch64, self.name)
    }
}

/// The command.
///
/// # Errors
/// Something is missing that cannot be installed, or a machine contradicts.
pub(crate) fn run(options: &Options) -> Result<()> {
    let toolchain = setup::targets(&mut Host, &Arch::ALL)?;
    setup::emulators(&mut Host, &Arch::ALL)?;
    let mut steps = Steps::only(&options.only);
    run_all(&mut steps, toolchain);
    steps.finish()
}

/// Runs every regime.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain) {
    for pair in ALL.chunks(2) {
        let names = pair.iter().map(|guest| guest.name).collect::<Vec<_>>().join(" and ");
        steps.run(format!("edit {}, {names}", Arch::Aarch64), || {
            if pair.iter().any(|guest| guest.name == WITH_LACKING) {
                leave_out(LACKING.to_owned());
            }
            let image = build(toolchain)?;
            side_by_side(pair, |guest| edit(&image, guest))
        });
    }
    for guest in ALL.iter().filter(|guest| CARELESS.contains(&guest.name)) {
        steps.run(format!("edit {guest}, careless"), || careless(&build(toolchain)?, guest));
    }
    for pair in variant::ALL.chunks(2) {
        let names = pair.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        steps.run(format!("edit {names}"), || {
            // One after the other, for all are built to the same place.
            let images =
                pair.iter().map(|variant| Ok((variant, variant.build(toolchain)?))).collect::<Result<Vec<_>>>()?;
            side_by_side(&images, |(variant, image)| variant.edit(image))
        });
    }
}

/// The independent checker on the image with the tables of every regime: it passes, and it finds every change.
pub(crate) fn check_all(steps: &mut Steps, toolchain: Toolchain) {
    steps.run(format!("check {PACKAGE}, every regime"), || {
        let image = build(toolchain)?;
        ALL.iter().try_for_each(|guest| verify::check(&image, &report::write_map(guest.name)?, &[]))
    });
    for name in MUTATED {
        steps.run(format!("mutations {PACKAGE}, {name}"), || {
            verify::mutate::run(&build(toolchain)?, &report::write_map(name)?)
        });
    }
}

/// Runs several machines at a time. Each has one core, and so does half of any machine that this runs on.
fn side_by_side<T: Sync>(machines: &[T], run: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let ended = thread::scope(|scope| {
        let running = machines.iter().map(|machine| scope.spawn(|| run(machine))).collect::<Vec<_>>();
        running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    ended.into_iter().try_for_each(|result| result.unwrap_or_else(|_| bail!("the thread panicked")))
}

/// Builds the firmware, which has all regimes, and returns its image.
fn build(toolchain: Toolchain) -> Result<PathBuf> {
    let arch = Arch::Aarch64;
    call(toolchain.cargo("build", arch, &[]).args(["--quiet", "--release", "--package", PACKAGE]))?;
    let image = target_directory().join(arch.target()).join("release").join(PACKAGE);
    if image.exists() { Ok(image) } else { bail!("no image at {}", image.display()) }
}

/// Boots one regime, and has it make `STEPS` edits.
fn edit(image: &Path, guest: &Guest) -> Result<()> {
    let ended = boot(image, guest, &format!("{}:{STEPS}:{SEED}", guest.name))?;
    print!("{}", ended.output);
    let verdict = Verdict::of(&ended)?;
    if verdict.steps != STEPS || verdict.mismatches != 0 {
        bail!("{} of {STEPS} steps, {} mismatches", verdict.steps, verdict.mismatches);
    }
    match ended.status {
        Some(status) if status.success() => Ok(()),
        _ => bail!("0 mismatches, but it did not end well"),
    }
}

/// Boots one regime without meeting what edits owe: the emulated MMU goes on with what it has cached, and that must show.
fn careless(image: &Path, guest: &Guest) -> Result<()> {
    let ended = boot(image, guest, &format!("{}:{CARELESS_STEPS}:{SEED}:careless", guest.name))?;
    let verdict = Verdict::of(&ended)?;
    println!("{} of {} answers are wrong without flushes", verdict.mismatches, verdict.checks);
    if verdict.mismatches == 0 || ended.status.is_some_and(|status| status.success()) {
        bail!("nobody noticed that nothing was flushed");
    }
    Ok(())
}

fn boot(image: &Path, guest: &Guest, order: &str) -> Result<Ended> {
    let mut command = Command::new(Arch::Aarch64.qemu());
    command.args(["-M", guest.machine]).args("-cpu max -m 4G -nic none -nographic -semihosting-config".split(' '));
    command.arg(format!("enable=on,target=native,arg={order}")).arg("-kernel").arg(image);
    println!("$ {}", shown(&command));
    capture(&mut command, BOOT_LIMIT)
}

/// What the firmware says last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) steps: u64,
    pub(crate) checks: u64,
    pub(crate) mismatches: u64,
}

impl Verdict {
    /// # Errors
    /// There is none.
    fn of(ended: &Ended) -> Result<Self> {
        ended.output.lines().rev().find_map(Self::parse).context("no line `N steps, M checks, K mismatches`")
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let [steps, checks, mismatches] = counts(line, ["steps", "checks", "mismatches"])?;
        Some(Self { steps, checks, mismatches })
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn the_verdict_is_three_numbers_with_their_units() {
        let verdict = Verdict { steps: 100_000, checks: 7, mismatches: 1 };
        assert_eq!(Verdict::parse("100000 steps, 7 checks, 1 mismatches\r"), Some(verdict));
        assert_eq!(Verdict::parse("9 regions, 7 probes, 1 mismatches"), None);
        assert_eq!(Verdict::parse("100000 steps"), None);
    }
}
