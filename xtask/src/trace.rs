//! Which instructions an emulated machine executes, one by one.

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::elf::Image;
use crate::machine::{Accelerator, Arch};
use crate::process::shown;

/// Time after which a machine is taken to hang.
const LIMIT: Duration = Duration::from_secs(60);

/// What runs an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emulator {
    /// A machine with memory and devices, whose firmware the image is.
    Machine,
    /// A CPU alone: the image is its program.
    Cpu,
}

impl Emulator {
    /// Its command, up to the image.
    fn command(self, arch: Arch) -> Result<Command> {
        let mut command = Command::new(self.program(arch));
        if self == Self::Machine {
            command.args(arch.qemu_arguments(arch.board(Accelerator::Emulation)));
        }
        command.args(self.one_by_one(arch)?);
        Ok(command)
    }

    const fn program(self, arch: Arch) -> &'static str {
        match self {
            Self::Machine => arch.qemu(),
            Self::Cpu => arch.qemu_of_programs(),
        }
    }

    /// The option to translate and log single instructions: since 8.1 a machine's is one of the accelerator.
    fn one_by_one(self, arch: Arch) -> Result<&'static [&'static str]> {
        let output = Command::new(self.program(arch)).arg("--version").output().context("cannot start the emulator")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().find_map(version).with_context(|| format!("no version in {text:?}"))?;
        Ok(match self {
            _ if version < (8, 1) => &["-singlestep"],
            Self::Machine => &["-accel", "tcg,one-insn-per-tb=on"],
            Self::Cpu => &["-one-insn-per-tb"],
        })
    }
}

/// Runs an image on an emulator's own CPU, and shows `see` the address of every instruction of the image that is
/// executed, in their order, until it breaks. Repeated string instructions are shown once for each round.
///
/// # Errors
/// The emulator cannot be started, or ends before.
pub(crate) fn run(
    emulator: Emulator,
    arch: Arch,
    path: &Path,
    image: &Image,
    mut see: impl FnMut(u64) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut command = emulator.command(arch)?;
    command.args(["-d", "exec,nochain", "-dfilter", &filter(image)]);
    command.args((emulator == Emulator::Machine).then_some("-kernel"));
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    println!("$ {}", shown(&command));
    let mut machine = command.spawn().context("cannot start the emulator")?;
    let log = machine.stderr.take().context("the emulator has a standard error")?;
    let machine = Arc::new(Mutex::new(machine));
    let (ended, end) = mpsc::channel();
    let watchdog = thread::spawn({
        let machine = Arc::clone(&machine);
        move || end.recv_timeout(LIMIT).is_err_and(|error| error == mpsc::RecvTimeoutError::Timeout && stop(&machine))
    });
    let seen = follow(BufReader::new(log), &mut see);
    let _ = ended.send(());
    stop(&machine);
    if watchdog.join().unwrap_or(false) {
        bail!("{arch} did not come to the end within {} s", LIMIT.as_secs());
    }
    seen
}

/// Ends the machine; whether it was there to end.
fn stop(machine: &Mutex<Child>) -> bool {
    let mut machine = machine.lock().unwrap_or_else(PoisonError::into_inner);
    let killed = machine.kill().is_ok();
    machine.wait().is_ok() && killed
}

fn follow(mut log: impl BufRead, see: &mut impl FnMut(u64) -> Result<ControlFlow<()>>) -> Result<()> {
    let (mut line, mut last) = (String::new(), String::new());
    let mut next = None;
    while log.read_line(&mut line).context("cannot read the emulator's log")? > 0 {
        if let Some(address) = executed(&line) {
            if let Some(before) = next.replace(address)
                && see(before)?.is_break()
            {
                return Ok(());
            }
        } else if line.starts_with("Stopped execution") {
            // The emulator was asked for something else just then, and comes back.
            next = None;
        } else {
            last.clone_from(&line);
        }
        line.clear();
    }
    bail!("the emulator ended before: {}", last.trim())
}

/// The address in a line of the log: `Trace CPU: HOST [BASE/ADDRESS/FLAGS/FLAGS] SYMBOL`.
fn executed(line: &str) -> Option<u64> {
    let address = line.strip_prefix("Trace ")?.split('/').nth(1)?;
    u64::from_str_radix(address, 16).ok()
}

/// All addresses of the image's code, virtual and physical.
fn filter(image: &Image) -> String {
    let ranges =
        image.code().flat_map(|code| [code.virt, code.phys].map(|start| format!("{start:#x}+{:#x}", code.size)));
    ranges.collect::<Vec<_>>().join(",")
}

fn version(word: &str) -> Option<(u32, u32)> {
    let mut numbers = word.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As QEMU 7.2 writes it: of the second instruction, twice, for the first time it was stopped before it.
    const LOG: &str = "Trace 0: 0x7fe2c8000100 [0000000000004000/0000000040200000/00000121/ff000201] \n\
                       Linking TBs 0x7f01 index 0 -> 0x7f02\n\
                       Trace 0: 0x7fe2c8000280 [0000000000004000/ffffffff80200004/00000121/ff000201] _start\n\
                       Stopped execution of TB chain before 0x7fe2c8000280 [ffffffff80200004] _start\n\
                       Trace 0: 0x7fe2c8000280 [0000000000004000/ffffffff80200004/00000121/ff000201] _start\n\
                       Trace 0: 0x7fe2c80003c0 [0000000000004000/ffffffff80200008/00000121/ff000201] _start\n";

    #[test]
    fn what_was_executed_is_read_once_and_in_order_until_the_end() {
        let mut seen = Vec::new();
        let mut see_two = |at| {
            seen.push(at);
            Ok(if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        follow(LOG.as_bytes(), &mut see_two).expect("the end is there");
        assert_eq!(seen, [0x4020_0000, 0xffff_ffff_8020_0004]);
        follow(LOG.as_bytes(), &mut |_| Ok(ControlFlow::Continue(()))).expect_err("there is no end");
    }

    #[test]
    fn versions_are_read() {
        let find = |text: &str| text.split_whitespace().find_map(version);
        assert_eq!(find("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"), Some((7, 2)));
        assert_eq!(find("QEMU emulator version 10.0.2"), Some((10, 0)));
    }
}
