//! `cargo xtask demo`: builds and boots the firmware of each machine, and shows what happened.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::machine::{Accelerator, Arch, Mode};
use crate::process::{Ended, call, capture, target_directory};
use crate::setup::{self, Host, Toolchain};
use crate::steps::Steps;

/// Time after which a machine is taken to hang.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this machine.
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// How the tables come to be.
    #[arg(long, value_enum, default_value = "linked")]
    mode: Mode,
}

/// The command.
///
/// # Errors
/// Something is missing that cannot be installed, or a machine does not confirm its map.
pub(crate) fn run(options: &Options) -> Result<()> {
    let arches = options.arch.map_or_else(|| Arch::ALL.to_vec(), |arch| vec![arch]);
    let toolchain = setup::targets(&mut Host, &arches)?;
    setup::emulators(&mut Host, &arches)?;
    let mut steps = Steps::default();
    for arch in arches {
        steps.run(format!("{arch}, {} tables", options.mode), || boot(toolchain, arch, options.mode));
    }
    steps.finish()
}

/// Builds, boots and shows one machine.
///
/// # Errors
/// It cannot be built, or it does not confirm its map.
pub(crate) fn boot(toolchain: Toolchain, arch: Arch, mode: Mode) -> Result<()> {
    let image = build(toolchain, arch, mode)?;
    let ended = start(arch, &image)?;
    print!("{}", ended.output);
    let verdict = Verdict::of(arch, &ended)?;
    println!("{arch}: the hardware confirms {} regions with {} probes", verdict.regions, verdict.probes);
    Ok(())
}

/// Builds a firmware and returns its image.
///
/// # Errors
/// It does not compile or link.
pub(crate) fn build(toolchain: Toolchain, arch: Arch, mode: Mode) -> Result<PathBuf> {
    let mut command = toolchain.cargo("build", arch, &[]);
    command.args(["--quiet", "--release", "--package", arch.package()]);
    command.args(["--no-default-features", "--features", mode.name()]);
    call(&mut command)?;
    let built = target_directory().join(arch.target()).join("release").join(arch.package());
    let image = built.with_file_name(format!("{}-{mode}.elf", arch.package()));
    std::fs::copy(&built, &image).with_context(|| format!("no image at {}", built.display()))?;
    Ok(image)
}

/// Boots an image until it ends by itself or by the time-out.
///
/// # Errors
/// The emulator cannot be started.
pub(crate) fn start(arch: Arch, image: &Path) -> Result<Ended> {
    let mut command = Command::new(arch.qemu());
    command.args(arch.qemu_arguments(accelerator(arch)?)).arg("-kernel").arg(image);
    println!("$ {}", crate::process::shown(&command));
    capture(&mut command, BOOT_LIMIT)
}

/// KVM for x86-64 where it works, emulation elsewhere.
fn accelerator(arch: Arch) -> Result<Accelerator> {
    if arch != Arch::X86_64 || !cfg!(target_arch = "x86_64") {
        return Ok(Accelerator::Emulation);
    }
    // The monitor reads end of file and quits, if the accelerator has come up.
    let mut probe = Command::new(arch.qemu());
    probe.args("-accel kvm -M none -nodefaults -display none -S -monitor stdio".split(' '));
    let ended = capture(&mut probe, Duration::from_secs(10))?;
    if ended.status.is_some_and(|status| status.success()) {
        println!("KVM works: {arch} runs on this machine's own MMU");
        return Ok(Accelerator::Kvm);
    }
    println!(
        "KVM does not work here, so {arch} is emulated: {}",
        ended.output.lines().last().unwrap_or("no reason given")
    );
    Ok(Accelerator::Emulation)
}

/// What the firmware says at its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Regions of the map.
    pub(crate) regions: u64,
    /// Probes made.
    pub(crate) probes: u64,
}

impl Verdict {
    /// The verdict of a machine that ended well.
    ///
    /// # Errors
    /// It did not: it hung, its exit status is wrong, it counted mismatches, or it probed nothing.
    pub(crate) fn of(arch: Arch, ended: &Ended) -> Result<Self> {
        let Some(status) = ended.status else {
            bail!("{arch} did not end within {} s", BOOT_LIMIT.as_secs());
        };
        let (regions, probes, mismatches) = ended
            .output
            .lines()
            .rev()
            .find_map(counts)
            .with_context(|| format!("{arch} printed no verdict ({status})"))?;
        if mismatches != 0 {
            bail!("{arch}: {mismatches} mismatches");
        }
        if !status.success() {
            bail!("{arch} says 0 mismatches, but ended with {status}");
        }
        if regions == 0 || probes == 0 {
            bail!("{arch} probed nothing");
        }
        Ok(Self { regions, probes })
    }
}

/// `N regions, M probes, K mismatches`.
fn counts(line: &str) -> Option<(u64, u64, u64)> {
    let mut words = line.trim().split([' ', ',']).filter(|word| !word.is_empty());
    let mut number = |unit: &str| {
        let value = words.next()?.parse().ok()?;
        (words.next()? == unit).then_some(value)
    };
    Some((number("regions")?, number("probes")?, number("mismatches")?))
}
