//! The regimes of the RISC-V and the x86-64 machine, whose live tables are edited at random.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::demo;
use crate::edit::{STEPS, Verdict};
use crate::machine::{Accelerator, Arch};
use crate::setup::Toolchain;
use crate::steps::leave_out;
use crate::windows;

/// A regime: what the firmware is built with, and the CPU that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// The machine.
    pub(crate) arch: Arch,
    /// Its name.
    pub(crate) name: &'static str,
    /// Cargo features of the firmware.
    pub(crate) features: &'static str,
    /// Machine and CPU, as arguments of the emulator.
    pub(crate) board: &'static str,
    /// What executes it. Where KVM works but the host's CPU lacks the regime, that is said and nothing else.
    pub(crate) accelerator: Accelerator,
}

const RISCV: &str = "-M virt -cpu rv64,svnapot=on,svpbmt=on,svinval=on";
const RISCV_GUEST: &str = "-M virt -cpu rv64,svnapot=on,svpbmt=on,svinval=on,h=on";
const X86: &str = "-M q35 -accel tcg -cpu max";
/// QEMU's own x86 CPU has the registers of PCIDs and does not offer them: it drops all translations where a tag would
/// have kept some.
const X86_PCID: &str = "-M q35 -accel tcg -cpu max,pcid=on,x-force-features=on";
/// With a number of steps in RAM: where the host is itself a guest that lacks VMX, KVM emulates ring 0 one instruction at a
/// time, and a step takes 10 ms.
const X86_HOST: &str = "-M q35 -accel kvm -cpu host -device loader,addr=0x07fff000,data=1000,data-len=4";
const HOST_STEPS: u64 = 1000;

/// All of them.
pub(crate) const ALL: &[Variant] = &[
    emulated(Arch::Riscv64, "Sv39", "linked,churn", RISCV),
    emulated(Arch::Riscv64, "Sv48", "linked,churn,sv48", RISCV),
    emulated(Arch::Riscv64, "Sv57", "linked,churn,sv57", RISCV),
    emulated(Arch::Riscv64, "Sv39x4", "linked,churn,sv39x4", RISCV_GUEST),
    emulated(Arch::Riscv64, "Sv48x4", "linked,churn,sv48x4", RISCV_GUEST),
    emulated(Arch::X86_64, "4 levels", "linked,churn", X86),
    emulated(Arch::X86_64, "4 levels, 1 GiB", "linked,churn,pdpe1gb", X86),
    emulated(Arch::X86_64, "4 levels, PCID", "linked,churn,pcid", X86_PCID),
    emulated(Arch::X86_64, "5 levels", "linked,churn,la57", X86),
    emulated(Arch::X86_64, "5 levels, PCID, 1 GiB", "linked,churn,la57,pcid,pdpe1gb", X86_PCID),
    emulated(Arch::X86_64, "4 levels, recursive slot", "linked,recursive", X86),
    emulated(Arch::X86_64, "4 levels, moving page", "linked,moving", X86),
    on_host("4 levels", "linked,churn"),
    on_host("4 levels, PCID", "linked,churn,pcid"),
    on_host("4 levels, 1 GiB", "linked,churn,pdpe1gb"),
];

/// Time after which a machine is taken to hang.
const LIMIT: Duration = Duration::from_secs(600);
/// What a firmware says of a CPU that its map is not for.
const LACKING: &str = "failure: the CPU lacks ";

impl Variant {
    /// Builds the firmware, and returns its image.
    ///
    /// # Errors
    /// It cannot be built.
    pub(crate) fn build(&self, toolchain: Toolchain) -> Result<PathBuf> {
        demo::build_with(toolchain, self.arch, self.features)
    }

    /// Boots the firmware: it has the hardware confirm its map, and then edits it.
    ///
    /// # Errors
    /// The hardware contradicts.
    pub(crate) fn edit(&self, image: &Path) -> Result<()> {
        let on_host = self.accelerator == Accelerator::Kvm;
        if on_host && demo::accelerator(self.arch)? != Accelerator::Kvm {
            leave_out(format!("{self}: KVM does not work here"));
            return Ok(());
        }
        let ended = demo::start_within(LIMIT, self.arch, image, self.board)?;
        if on_host && ended.output.contains(LACKING) {
            let reason = ended.output.lines().find(|line| line.contains(LACKING)).unwrap_or(LACKING);
            leave_out(format!("{self}: {}", reason.trim()));
            return Ok(());
        }
        print!("{}", ended.output);
        demo::Verdict::of(self.arch, &ended)?;
        windows::verdict(&ended.output, self.accelerator)?;
        let all = sum(&ended.output, if on_host { HOST_STEPS } else { STEPS })?;
        println!("{self}: {} steps, {} checks, {} mismatches", all.steps, all.checks, all.mismatches);
        Ok(())
    }
}

/// The sum over all programs, each of which has at least `least` steps.
///
/// # Errors
/// There is none, one was shorter, or there are mismatches.
fn sum(output: &str, least: u64) -> Result<Verdict> {
    let edits = output.lines().filter_map(|line| Verdict::parse(line.strip_prefix("edit ")?.split_once(": ")?.1));
    let (mut steps, mut checks, mut mismatches) = (0, 0, 0);
    let mut shortest = None;
    for edit in edits {
        shortest = Some(shortest.map_or(edit.steps, |least: u64| least.min(edit.steps)));
        steps += edit.steps;
        checks += edit.checks;
        mismatches += edit.mismatches;
    }
    let shortest = shortest.context("nothing was edited")?;
    if mismatches != 0 || shortest < least {
        bail!("{shortest} of {least} steps, {mismatches} mismatches");
    }
    Ok(Verdict { steps, checks, mismatches })
}

const fn emulated(arch: Arch, name: &'static str, features: &'static str, board: &'static str) -> Variant {
    Variant { arch, name, features, board, accelerator: Accelerator::Emulation }
}

const fn on_host(name: &'static str, features: &'static str) -> Variant {
    Variant { arch: Arch::X86_64, name, features, board: X86_HOST, accelerator: Accelerator::Kvm }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.accelerator == Accelerator::Kvm { ", KVM" } else { "" };
        write!(f, "{}, {}{how}", self.arch, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, sum};

    #[test]
    fn every_program_counts_and_is_whole() {
        let good = "18 regions, 9 probes, 0 mismatches\r\nedit Sv39: 100 steps, 700 checks, 0 mismatches\r\n";
        let more = format!(
            "{good}edit Sv39, 1 GiB: 120 steps, 90 checks, 0 mismatches\nedit Sv39, 9 steps without flushes: noticed, 7 times\n"
        );
        assert_eq!(sum(&more, 100).expect("good"), Verdict { steps: 220, checks: 790, mismatches: 0 });
        sum(&more, 101).expect_err("too short");
        sum(&more.replace("120 steps", "99 steps"), 100).expect_err("too short");
        sum("18 regions, 9 probes, 0 mismatches", 0).expect_err("nothing");
        sum(&format!("{good}edit Sv39: 9 steps, 9 checks, 1 mismatches"), 100).expect_err("a mismatch");
    }
}
