//! `cargo xtask demo`: builds and boots the firmware of each machine, and shows what happened.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::code::path;
use crate::draw;
use crate::elf::Image;
use crate::machine::{Accelerator, Arch, Mode, Partitions};
use crate::maps;
use crate::partitions;
use crate::process::{Ended, call, capture, converse, target_directory};
use crate::setup::{self, Host, Toolchain};
use crate::steps::Steps;
use crate::tables::Tables;
use crate::windows;

/// Time after which a machine is taken to hang.
pub(crate) const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this machine.
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// How the tables come to be.
    #[arg(long, value_enum, default_value = "linked")]
    mode: Mode,
    /// Boot an image with one right too many in its tables: the machine must notice.
    #[arg(long)]
    flip: bool,
    /// Boot an RTOS with two partitions, one of which tries every forbidden access.
    #[arg(long, conflicts_with_all = ["flip", "mode"])]
    partitions: bool,
}

/// The command.
///
/// # Errors
/// Something is missing that cannot be installed, or a machine does not confirm its map.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mode = options.mode;
    if options.flip && !mode.is_static() {
        bail!("boot-filled tables are no bytes of the image, so none can be flipped in it");
    }
    let arches = options.arch.map_or_else(|| Arch::ALL.to_vec(), |arch| vec![arch]);
    let toolchain = setup::targets(&mut Host, &arches)?;
    setup::emulators(&mut Host, &arches)?;
    let mut steps = Steps::default();
    if options.partitions {
        let arches: Vec<_> = arches.into_iter().filter(|arch| Partitions::MACHINES.contains(arch)).collect();
        partitions::run_all(&mut steps, toolchain, &arches);
        return steps.finish();
    }
    for arch in arches {
        if options.flip {
            steps.run(format!("{arch}, {mode} tables, one right flipped"), || flipped(toolchain, arch, mode));
        } else {
            steps.run(format!("{arch}, {mode} tables"), || boot(toolchain, arch, mode));
        }
    }
    steps.finish()
}

/// Builds, shows and boots one machine.
///
/// # Errors
/// It cannot be built, its tables are not what was planned, or it does not confirm its map.
pub(crate) fn boot(toolchain: Toolchain, arch: Arch, mode: Mode) -> Result<()> {
    let path = build(toolchain, arch, mode)?;
    show(arch, mode, &Image::read(&path)?)?;
    let accelerator = accelerator(arch)?;
    let ended = start(arch, &path, arch.board(accelerator))?;
    confirmed(arch, &ended, accelerator)
}

/// Whether a machine confirmed its map, and the pages of its window.
fn confirmed(arch: Arch, ended: &Ended, accelerator: Accelerator) -> Result<()> {
    print!("{}", ended.output);
    let verdict = Verdict::of(arch, ended)?;
    println!("{arch}: the hardware confirms {} regions with {} probes", verdict.regions, verdict.probes);
    let window = windows::verdict(&ended.output, accelerator)?;
    println!("{arch}: the hardware confirms {} changes of a window with {} checks", window.steps, window.checks);
    Ok(())
}

/// Shows the map, the tables and what installing them costs.
fn show(arch: Arch, mode: Mode, image: &Image) -> Result<()> {
    let declaration = maps::declaration(arch);
    let tables = if mode.is_static() {
        let tables = Tables::in_image(&declaration, image)?;
        let plan = Tables::planned(&declaration, tables.base());
        if let Some((place, planned, found)) = plan.difference(&tables) {
            bail!("the word at {place:#x} is {found:#x} in the image and {planned:#x} by the plan");
        }
        tables
    } else {
        Tables::planned(&declaration, 0)
    };
    println!("\n{}", draw::drawing(&declaration, &tables));
    let bytes = declaration.table_bytes();
    let count = bytes / declaration.format.table_size();
    match mode {
        Mode::BootFilled => println!("tables: {count}, {bytes} bytes, filled at boot"),
        _ => println!("tables: {count}, {bytes} bytes, finished in the image at {:#x}", tables.base()),
    }
    println!("install: {} instructions\n", path::count_install(image, arch)?);
    Ok(())
}

/// Adds one right to the finished tables of an image, and boots it.
///
/// # Errors
/// The machine does not notice, or names another region.
pub(crate) fn flipped(toolchain: Toolchain, arch: Arch, mode: Mode) -> Result<()> {
    let path = build(toolchain, arch, mode)?;
    let mut image = Image::read(&path)?;
    let declaration = maps::declaration(arch);
    let flip = Tables::in_image(&declaration, &image)?.flipped_right()?;
    println!("{}: the entry for {:#x} changes from {:#x} to {:#x}", flip.region, flip.virt, flip.word, flip.changed);
    image.set_word(flip.place, flip.changed)?;
    let path = path.with_extension("flipped.elf");
    std::fs::write(&path, image.bytes())?;
    let ended = start(arch, &path, arch.board(accelerator(arch)?))?;
    print!("{}", ended.output);
    noticed(arch, &ended, &flip.region)
}

/// Whether a machine noticed that `region` is not as declared.
fn noticed(arch: Arch, ended: &Ended, region: &str) -> Result<()> {
    let Some(status) = ended.status else {
        bail!("{arch} did not end within {} s", BOOT_LIMIT.as_secs());
    };
    let [.., mismatches] =
        ended.output.lines().rev().find_map(probes).with_context(|| format!("{arch} printed no verdict ({status})"))?;
    if mismatches == 0 || status.success() {
        bail!("{arch} did not notice that {region} has one right too many: {mismatches} mismatches, {status}");
    }
    if !ended
        .output
        .lines()
        .any(|line| line.trim().strip_prefix("! ").and_then(|rest| rest.split(' ').next()) == Some(region))
    {
        bail!("{arch} counted {mismatches} mismatches, none in {region}");
    }
    println!("{arch} noticed: {mismatches} mismatches, {status}");
    Ok(())
}

/// Builds a firmware and returns its image.
///
/// # Errors
/// It does not compile or link.
pub(crate) fn build(toolchain: Toolchain, arch: Arch, mode: Mode) -> Result<PathBuf> {
    build_with(toolchain, arch, mode.name())
}

/// The same with these features.
///
/// # Errors
/// It does not compile or link.
pub(crate) fn build_with(toolchain: Toolchain, arch: Arch, features: &str) -> Result<PathBuf> {
    let mut command = toolchain.cargo("build", arch, &[]);
    command.args(["--quiet", "--release", "--package", arch.package()]);
    command.args(["--no-default-features", "--features", features]);
    call(&mut command)?;
    let built = target_directory().join(arch.target()).join("release").join(arch.package());
    let image = built.with_file_name(format!("{}-{}.elf", arch.package(), features.replace(',', "-")));
    std::fs::copy(&built, &image).with_context(|| format!("no image at {}", built.display()))?;
    Ok(image)
}

/// Boots an image on a board until it ends by itself or by the time-out.
///
/// # Errors
/// The emulator cannot be started.
fn start(arch: Arch, image: &Path, board: &'static str) -> Result<Ended> {
    start_within(BOOT_LIMIT, arch, image, board)
}

/// The same with another time-out.
///
/// # Errors
/// The emulator cannot be started.
pub(crate) fn start_within(limit: Duration, arch: Arch, image: &Path, board: &'static str) -> Result<Ended> {
    let mut command = Command::new(arch.qemu());
    command.args(arch.qemu_arguments(board)).arg("-kernel").arg(image);
    println!("$ {}", crate::process::shown(&command));
    capture(&mut command, limit)
}

/// KVM for x86-64 where it works, emulation elsewhere.
pub(crate) fn accelerator(arch: Arch) -> Result<Accelerator> {
    if arch != Arch::X86_64 || !cfg!(target_arch = "x86_64") {
        return Ok(Accelerator::Emulation);
    }
    // The monitor quits, if the accelerator has come up.
    let mut probe = Command::new(arch.qemu());
    probe.args("-accel kvm -M none -nodefaults -display none -S -monitor stdio".split(' '));
    let ended = converse(&mut probe, "quit\n", Duration::from_secs(10))?;
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
        let [regions, probes, mismatches] = ended
            .output
            .lines()
            .rev()
            .find_map(probes)
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

/// The numbers of a line that is a list of numbers with these units.
pub(crate) fn counts<const N: usize>(line: &str, units: [&str; N]) -> Option<[u64; N]> {
    let mut words = line.trim().split([' ', ',']).filter(|word| !word.is_empty());
    let mut numbers = [0; N];
    for (number, unit) in numbers.iter_mut().zip(units) {
        *number = words.next()?.parse().ok()?;
        if words.next()? != unit {
            return None;
        }
    }
    Some(numbers)
}

/// `N regions, M probes, K mismatches`.
fn probes(line: &str) -> Option<[u64; 3]> {
    counts(line, ["regions", "probes", "mismatches"])
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
    fn only_a_whole_success_is_one() {
        let good = "text ok\r\n18 regions, 2034 probes, 0 mismatches\r\n";
        let verdict = |output, code| Verdict::of(Arch::Riscv64, &ended(output, code));
        assert_eq!(verdict(good, Some(0)).expect("good"), Verdict { regions: 18, probes: 2034 });
        verdict(good, Some(1)).expect_err("the status counts");
        verdict(good, None).expect_err("it hangs");
        verdict("18 regions, 2034 probes, 1 mismatches", Some(0)).expect_err("a mismatch");
        verdict("0 regions, 0 probes, 0 mismatches", Some(0)).expect_err("nothing probed");
        verdict("18 regions", Some(0)).expect_err("no verdict");
    }

    #[cfg(unix)]
    #[test]
    fn a_flip_is_noticed_where_it_was_made() {
        let text = "  ! rodata 0x1000: Write is allowed\n3 regions, 9 probes, 2 mismatches\n";
        noticed(Arch::Aarch64, &ended(text, Some(1)), "rodata").expect("noticed");
        noticed(Arch::Aarch64, &ended(text, Some(0)), "rodata").expect_err("the status says all is well");
        noticed(Arch::Aarch64, &ended(text, Some(1)), "text").expect_err("another region");
        noticed(Arch::Aarch64, &ended("3 regions, 9 probes, 0 mismatches\n", Some(0)), "rodata")
            .expect_err("unnoticed");
    }
}
