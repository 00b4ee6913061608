//! What boots cost: the instructions that an emulated machine executes until its map translates.

use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::code::Encoding;
use crate::code::path::INSTALL;
use crate::demo;
use crate::elf::Image;
use crate::machine::{Accelerator, Arch, Mode};
use crate::process::{call, target_directory};
use crate::setup::Toolchain;
use crate::trace::{self, Emulator};

/// The function that fills the tables.
const FILL: &str = "fill_map";
/// The feature of a firmware whose map has this many leaves more, in tables that are there without them, too.
const MORE: (&str, u64) = ("more", 128);
/// The firmware whose tables another crate fills.
const PEER: &str = "peer-aarch64";

/// What fills the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// This library, in that mode.
    Own(Mode),
    /// `aarch64-paging`, at boot.
    Peer,
}

impl Maker {
    const fn name(self) -> &'static str {
        match self {
            Self::Own(mode) => mode.name(),
            Self::Peer => "aarch64-paging 0.12, at boot",
        }
    }

    /// Those that there are for a machine.
    fn of(arch: Arch) -> impl Iterator<Item = Self> {
        Mode::ALL.into_iter().map(Self::Own).chain((arch == Arch::Aarch64).then_some(Self::Peer))
    }

    /// Builds the firmware, with more leaves or not.
    fn build(self, toolchain: Toolchain, arch: Arch, more: Option<&str>) -> Result<PathBuf> {
        match self {
            Self::Own(mode) => {
                let features = [Some(mode.name()), more].into_iter().flatten().collect::<Vec<_>>().join(",");
                demo::build_with(toolchain, arch, &features)
            }
            Self::Peer => {
                let mut command = toolchain.cargo("build", arch, &[]);
                command.args(["--quiet", "--release", "--package", PEER]);
                command.args(more.map(|feature| format!("--features={feature}")));
                call(&mut command)?;
                Ok(target_directory().join(arch.target()).join("release").join(PEER))
            }
        }
    }
}

/// Instructions, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    /// From the entry of the image on, without the other two.
    start: u64,
    /// That fill tables.
    fill: u64,
    /// That check the CPU, see to caches, and write registers.
    install: u64,
    /// Of these, such that clean a line of a cache.
    cleaned: u64,
}

impl Count {
    const fn all(self) -> u64 {
        self.start + self.fill + self.install
    }
}

/// Counts on all machines, prints a table, and leaves it with the verdicts for the benchmarks' report.
///
/// # Errors
/// A firmware cannot be built or does not boot, or its map is not the declared one.
pub(crate) fn report(toolchain: Toolchain) -> Result<()> {
    let mut text = HEAD.to_owned();
    let mut verdicts = Vec::new();
    for (arch, maker) in Arch::ALL.into_iter().flat_map(|arch| Maker::of(arch).map(move |maker| (arch, maker))) {
        let path = maker.build(toolchain, arch, None)?;
        if maker == Maker::Peer {
            testified(arch, &path)?;
        }
        let count = counted(arch, maker, &path)?;
        let more = counted(arch, maker, &maker.build(toolchain, arch, Some(MORE.0))?)?;
        let added = more.all().abs_diff(count.all());
        let name = maker.name();
        let Count { start, fill, install, cleaned } = count;
        let each = added as f64 / MORE.1 as f64;
        let _ = writeln!(
            text,
            "| {arch} | {name} | {} | {start} | {fill} | {install} | {cleaned} | {each:.1} |",
            count.all()
        );
        if matches!(maker, Maker::Own(mode) if mode.is_static()) {
            let what = format!("static map, {arch}, {name}: instructions at boot for {} leaves more", MORE.1);
            verdicts.push(json!([what, 0.0, added as f64, true]));
        }
    }
    println!("{text}");
    let folder = target_directory().join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("boot.json"), json!({ "text": text, "verdicts": verdicts }).to_string())
        .context("cannot write boot.json")
}

const HEAD: &str = "## Boot\n\nInstructions that QEMU executes from the entry of the image to the one from which on the map translates, counted one \
by one: on AArch64 that sets SCTLR_EL1.M, on RISC-V that writes `satp`, on x86-64 that sets CR0.PG; there, what is filled \
at boot is filled under finished tables, until CR3 is written. Start-up includes reading the device tree on RISC-V. \
`install` of this library looks at what the CPU has (on x86-64 behind CR0.PG) and, on AArch64, cleans the cache lines \
of the tables, which a table more adds 64 to; `aarch64-paging` does neither, and leaves it to the loader that its tables \
are zeroed. All have the same map: the MMU confirms it. The last column is what 128 pages more cost, in a table that is \
there anyway.\n\n\
| machine | tables | instructions | start-up | filling | installation | of it cache lines | for each leaf more |\n\
|---|---|---|---|---|---|---|---|\n";

/// Whether the MMU confirms the declared map.
fn testified(arch: Arch, path: &Path) -> Result<()> {
    let ended = demo::start_within(demo::BOOT_LIMIT, arch, path, arch.board(Accelerator::Emulation))?;
    demo::Verdict::of(arch, &ended).map(|_| ()).with_context(|| ended.output.clone())
}

/// Counts while a firmware boots.
fn counted(arch: Arch, maker: Maker, path: &Path) -> Result<Count> {
    let image = Image::read(path)?;
    let mut counter = Counter::new(arch, maker, &image)?;
    trace::run(Emulator::Machine, arch, path, &image, |address| counter.see(address))?;
    println!("{arch}, {}: {:?}", maker.name(), counter.count);
    Ok(counter.count)
}

/// What is being executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What comes before the image.
    Before,
    Start,
    /// Until it returns to that address.
    Fill(u64),
    Install,
}

/// Counts instructions as they come. Addresses are physical ones.
struct Counter<'a> {
    image: &'a Image,
    arch: Arch,
    maker: Maker,
    entry: u64,
    fill: Option<u64>,
    install: u64,
    part: Part,
    last: u64,
    count: Count,
}

impl<'a> Counter<'a> {
    fn new(arch: Arch, maker: Maker, image: &'a Image) -> Result<Self> {
        let place = |address| image.physical(address).context("a function lies outside the image");
        let install = place(image.symbol(INSTALL)?.address)?;
        let is_filled = !matches!(maker, Maker::Own(mode) if mode.is_static());
        let fill = if is_filled { Some(place(image.symbol(FILL)?.address)?) } else { None };
        let (part, count) = (Part::Before, Count::default());
        Ok(Self { image, arch, maker, entry: place(image.entry())?, fill, install, part, last: 0, count })
    }

    fn see(&mut self, address: u64) -> Result<ControlFlow<()>> {
        let address = self.image.physical(address).context("an address lies outside the image")?;
        self.part = match self.part {
            Part::Before if address == self.entry => Part::Start,
            Part::Start if Some(address) == self.fill => Part::Fill(self.behind(self.last)?),
            Part::Start if address == self.install => Part::Install,
            Part::Fill(end) if address == end => Part::Start,
            part => part,
        };
        self.last = address;
        match self.part {
            Part::Before => return Ok(ControlFlow::Continue(())),
            Part::Start => self.count.start += 1,
            Part::Fill(_) => self.count.fill += 1,
            Part::Install => self.count.install += 1,
        }
        self.count.cleaned += u64::from(self.cleans(address));
        if !self.puts_into_force(address) {
            return Ok(ControlFlow::Continue(()));
        }
        match (self.fill, self.count.fill) {
            (Some(_), 0) => bail!("nothing was filled before the map is in force"),
            _ => Ok(ControlFlow::Break(())),
        }
    }

    /// Where a call returns to.
    fn behind(&self, call: u64) -> Result<u64> {
        let call_length =
            Encoding::of(self.arch).decode(self.image, call).context("a call lies outside the code")?.length;
        Ok(call + call_length)
    }

    /// Whether it is the instruction behind which the map translates.
    fn puts_into_force(&self, address: u64) -> bool {
        let writes =
            |encoding: Encoding| encoding.decode(self.image, address).is_some_and(|code| code.writes_mmu_control);
        match (self.arch, self.maker) {
            (Arch::X86_64, Maker::Own(Mode::BootFilled)) => self.part == Part::Install && self.writes_cr3(address),
            // Paging is switched on in 32-bit mode.
            (Arch::X86_64, _) => writes(Encoding::X86),
            _ => self.part == Part::Install && writes(Encoding::of(self.arch)),
        }
    }

    /// MOV to CR3 (SDM 2B, 4.3).
    fn writes_cr3(&self, address: u64) -> bool {
        matches!(self.image.code_at(address), Some([0x0f, 0x22, register, ..]) if register & 0xf8 == 0xd8)
    }

    /// DC CIVAC (Arm ARM DDI 0487, C5.3).
    fn cleans(&self, address: u64) -> bool {
        let word = self.image.code_at(address).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes));
        self.arch == Arch::Aarch64 && word.is_some_and(|word| word & !31 == 0xd50b_7e20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `b +16; bl fill_map; bl install_map; b .; install: dc civac x0; msr sctlr_el1, x0; fill: nop; ret`.
    const CODE: [u32; 8] =
        [0x1400_0001, 0x9400_0005, 0x9400_0002, 0x1400_0000, 0xd50b_7e20, 0xd518_1000, 0xd503_201f, 0xd65f_03c0];

    fn image() -> Image {
        let bytes: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
        Image::flat(0x1000, &bytes, &[(INSTALL, 0x1010), (FILL, 0x1018)])
    }

    fn count(maker: Maker, addresses: &[u64]) -> Result<Count> {
        let image = image();
        let mut counter = Counter::new(Arch::Aarch64, maker, &image)?;
        for address in addresses {
            if counter.see(*address)?.is_break() {
                return Ok(counter.count);
            }
        }
        bail!("no end")
    }

    #[test]
    fn instructions_count_where_they_belong_up_to_the_last() {
        let filled = [0x1000, 0x1004, 0x1018, 0x101c, 0x1008, 0x1010, 0x1014, 0x100c];
        let expected = Count { start: 3, fill: 2, install: 2, cleaned: 1 };
        assert_eq!(count(Maker::Peer, &filled).expect("the end is there"), expected);
        assert_eq!(count(Maker::Own(Mode::BootFilled), &filled).expect("the end is there"), expected);
        let finished = [0x1000, 0x1008, 0x1010, 0x1014];
        let expected = Count { start: 2, fill: 0, install: 2, cleaned: 1 };
        assert_eq!(count(Maker::Own(Mode::Linked), &finished).expect("the end is there"), expected);
    }

    #[test]
    fn what_comes_before_the_image_counts_nothing_and_what_is_missing_is_an_error() {
        let (before, rest) = ([0x1014, 0x1010], [0x1000, 0x1008, 0x1010, 0x1014]);
        let all = [&before[..], &rest].concat();
        assert_eq!(count(Maker::Own(Mode::Linked), &all).expect("the end is there").all(), 4);
        count(Maker::Peer, &rest).expect_err("nothing was filled");
        count(Maker::Own(Mode::Linked), &rest[..3]).expect_err("no end");
    }
}
