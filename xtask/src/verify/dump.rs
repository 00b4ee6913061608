//! Tables that a running machine filled: it is stopped once they are live, its memory saved, and checked.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_tablature::elf::Image;
use cargo_tablature::evidence::{Document, Placement};

use super::check;
use super::debugger::Debugger;
use crate::demo;
use crate::machine::{Accelerator, Arch, Mode};
use crate::process::shown;
use crate::report;
use crate::setup::Toolchain;

/// The function whose return means that the tables are live.
const INSTALL: &str = "install_map";

/// A machine that ends when this does.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Boots, stops, saves and checks; and checks once more with an entry less.
///
/// # Errors
/// The machine does not get there, or the checker is wrong.
pub(super) fn run(toolchain: Toolchain, arch: Arch) -> Result<()> {
    let path = demo::build(toolchain, arch, Mode::BootFilled)?;
    let evidence = report::write(arch, Mode::BootFilled)?;
    let (image, document) = (Image::parse(fs::read(&path)?)?, Document::read(&evidence)?);
    let is_filled = |space: &&cargo_tablature::evidence::Space| space.tables.placement == Placement::BootFilled;
    let space = document.spaces.iter().find(is_filled).context("no space is filled at boot")?;
    let pool = space.regions.iter().find(|region| region.name == "table_pool").context("no region of tables")?;
    let start = pool.phys.and_then(|phys| phys.address()).context("no address")?;
    let dump = path.with_extension("dump");
    save(arch, &path, &image, start, pool.size.0, &dump)?;

    let root = start + space.tables.lower_root.unwrap_or(0) * space.format.granule;
    let more = |dump: &Path| {
        let dump = format!("{}@{start:#x}", dump.display());
        ["--dump".to_owned(), dump, "--root".to_owned(), format!("{}={root:#x}", space.name)]
    };
    check(&path, &evidence, &more(&dump))?;

    let mut bytes = fs::read(&dump)?;
    let first = bytes.iter().position(|byte| *byte != 0).context("the dump is empty")? / 8 * 8;
    bytes[first..first + 8].fill(0);
    let mutant = path.with_extension("changed.dump");
    fs::write(&mutant, bytes)?;
    if check(&path, &evidence, &more(&mutant)).is_ok() {
        bail!("an entry is missing in {}, and the checker did not notice", mutant.display());
    }
    Ok(())
}

/// Runs an image until its tables are live, and saves a range of its memory.
fn save(arch: Arch, path: &Path, image: &Image, start: u64, size: u128, dump: &Path) -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new(arch.qemu());
    command.args(arch.qemu_arguments(arch.board(Accelerator::Emulation))).arg("-kernel").arg(path);
    command.args(["-S", "-gdb", &format!("tcp:127.0.0.1:{port}")]);
    println!("$ {}", shown(&command));
    let machine = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let _machine = Machine(machine.with_context(|| format!("cannot start {}", arch.qemu()))?);
    let mut debugger = Debugger::connect(port)?;

    let symbol = image.symbol(INSTALL).with_context(|| format!("no symbol {INSTALL}"))?;
    let at = match arch {
        // The others get there with the MMU off.
        Arch::X86_64 => symbol.virt,
        _ => image.physical(symbol.virt).context("the symbol is in no segment")?,
    };
    debugger.run_to(at)?;
    let back = match arch {
        Arch::Aarch64 => debugger.register(30)?,
        Arch::Riscv64 => debugger.register(1)?,
        Arch::X86_64 => {
            let stack = debugger.register(7)?;
            debugger.word(stack)?
        }
    };
    debugger.run_to(back)?;
    // What an earlier run left would do as well.
    let _ = fs::remove_file(dump);
    debugger.monitor(&format!("pmemsave {start:#x} {size:#x} \"{}\"", dump.display()))?;
    let saved = fs::metadata(dump).with_context(|| format!("the machine saved nothing in {}", dump.display()))?.len();
    ensure!(u128::from(saved) == size, "the machine saved {saved} bytes of {size}");
    println!("stopped at {back:#x}, behind {INSTALL}: {size:#x} bytes at {start:#x} saved");
    Ok(())
}
