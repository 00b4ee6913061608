//! A program that is linked by its map (`tests/linked`): where its map says, or not at all.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, elf};
use tablature::space::{Declared, DeclaredRegion};

use crate::machine::Arch;
use crate::process::{Ended, capture, shown, target_directory};
use crate::setup::Toolchain;
use crate::steps::{Steps, leave_out};

/// That of the program.
#[path = "../../tests/linked/src/map.rs"]
mod map;

/// Time after which a link is taken to hang.
const LIMIT: Duration = Duration::from_secs(300);

/// Features of the program that keep it from being linked, with what the linker has to name.
const REFUSED: [(&str, &[&str]); 10] = [
    ("text", &["kernel.text", ".text outgrows kernel.text, which has 0x1000 bytes"]),
    ("rodata", &["kernel.rodata", ".rodata outgrows kernel.rodata, which has 0x1000 bytes"]),
    ("data", &["kernel.data", ".data outgrows kernel.data, which has 0x1000 bytes"]),
    ("bss", &["kernel.data.bss", ".bss outgrows kernel.data.bss, which has 0x1000 bytes"]),
    ("pool", &["kernel.table_pool", ".tables outgrows kernel.table_pool, which has 0x10000 bytes"]),
    ("orphan", &["kernel.rodata", "overflowed"]),
    ("stolen", &["the tables of kernel do not lie in the region kernel.table_pool"]),
    ("unaligned", &[".text does not start at 0xffffffff80200000: its contents ask for a larger alignment"]),
    ("max", &["__text_size is above its max, the 0x1000 bytes of the region kernel.text"]),
    ("entry", &["_start, the entry point of the image firmware, is not at 0xffffffff80200000"]),
];

/// A linker, and how rustc is told to use it.
#[derive(Clone, Copy)]
struct Linker {
    name: &'static str,
    flags: &'static [&'static str],
}

/// The one that comes with rustc.
const LLD: Linker = Linker { name: "lld", flags: &[] };

/// GNU ld for the machine, if there is one.
fn gnu(arch: Arch, toolchain: Toolchain) -> Option<Linker> {
    let linkers: &[(&str, &[&str])] = match arch {
        Arch::Aarch64 => &[
            ("aarch64-linux-gnu-ld.bfd", &["-Clinker=aarch64-linux-gnu-ld.bfd", "-Clinker-flavor=ld"]),
            ("aarch64-none-elf-ld", &["-Clinker=aarch64-none-elf-ld", "-Clinker-flavor=ld"]),
        ],
        Arch::Riscv64 => &[
            ("riscv64-linux-gnu-ld.bfd", &["-Clinker=riscv64-linux-gnu-ld.bfd", "-Clinker-flavor=ld"]),
            ("riscv64-unknown-elf-ld", &["-Clinker=riscv64-unknown-elf-ld", "-Clinker-flavor=ld"]),
        ],
        Arch::X86_64 => &[("x86_64-linux-gnu-ld.bfd", &["-Clinker=x86_64-linux-gnu-ld.bfd", "-Clinker-flavor=ld"])],
    };
    let found = linkers.iter().find(|(name, _)| which::which(name).is_ok());
    found.filter(|_| toolchain == Toolchain::Own).map(|&(name, flags)| Linker { name, flags })
}

/// All steps, with lld and, where it is there, GNU ld.
pub(crate) fn run_all(steps: &mut Steps, toolchain: Toolchain) {
    for arch in Arch::ALL {
        let gnu = gnu(arch, toolchain);
        if gnu.is_none() {
            steps.run(format!("link {arch}, GNU ld"), || {
                leave_out(format!("links for {arch} by GNU ld, which is not here"));
                Ok(())
            });
        }
        for linker in [Some(LLD), gnu].into_iter().flatten() {
            let by = format!("{arch}, {}", linker.name);
            steps.run(format!("link as declared {by}"), || as_declared(toolchain, arch, linker));
            for (feature, reasons) in REFUSED {
                steps.run(format!("link refused {by}: {feature}"), || {
                    refused(link(toolchain, arch, linker, &[], feature)?, reasons)
                });
            }
            steps.run(format!("link refused {by}: position-independent"), || {
                let flags = ["-Crelocation-model=pic", "-Clink-arg=-pie", "-Clink-arg=-znotext"];
                refused(link(toolchain, arch, linker, &flags, "")?, &["position-independent link"])
            });
        }
    }
}

/// Builds the program with a feature, and all that it depends on with the flags.
fn link(toolchain: Toolchain, arch: Arch, linker: Linker, flags: &[&str], feature: &str) -> Result<Ended> {
    let mut command: Command = toolchain.cargo("rustc", arch, flags);
    command.args(["--quiet", "--release", "--package", "linked", "--bin", "linked", "--features", feature, "--"]);
    command.args(linker.flags);
    println!("$ {}", shown(&command));
    capture(&mut command, LIMIT)
}

fn refused(ended: Ended, reasons: &[&str]) -> Result<()> {
    let status = ended.status.with_context(|| format!("the link did not end within {} s", LIMIT.as_secs()))?;
    ensure!(!status.success(), "the link succeeded");
    for reason in reasons {
        let line = ended.output.lines().find(|line| line.contains(reason));
        println!("{}", line.with_context(|| format!("`{reason}` is not said:\n{}", ended.output))?.trim());
    }
    Ok(())
}

fn as_declared(toolchain: Toolchain, arch: Arch, linker: Linker) -> Result<()> {
    let ended = link(toolchain, arch, linker, &[], "")?;
    ensure!(ended.status.is_some_and(|status| status.success()), "the link failed:\n{}", ended.output);
    let path: PathBuf = target_directory().join(arch.target()).join("release/linked");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let image = Linked::parse(&bytes)?;
    match arch {
        Arch::Aarch64 => {
            use map::board_aarch64::kernel;
            image.is::<kernel::text, kernel::rodata, kernel::data, kernel::table_pool, kernel::stack>()
        }
        Arch::Riscv64 => {
            use map::board_riscv64::kernel;
            image.is::<kernel::text, kernel::rodata, kernel::data, kernel::table_pool, kernel::stack>()
        }
        Arch::X86_64 => {
            use map::board_x86_64::kernel;
            image.is::<kernel::text, kernel::rodata, kernel::data, kernel::table_pool, kernel::stack>()
        }
    }
}

/// An executable.
struct Linked<'a> {
    file: ElfFile64<'a, Endianness>,
}

/// Link address, load address and bytes.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    virt: u64,
    phys: u64,
    size: u64,
}

impl<'a> Linked<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self { file: ElfFile64::parse(bytes)? })
    }

    /// Everything lies where the regions are, which have to be those of the program.
    fn is<Text, Rodata, Data, Pool, Stack>(&self) -> Result<()>
    where
        Text: DeclaredRegion,
        Rodata: DeclaredRegion,
        Data: DeclaredRegion,
        Pool: DeclaredRegion,
        Stack: DeclaredRegion,
    {
        self.lies::<Text>(".text", 0)?;
        self.lies::<Rodata>(".rodata", 0)?;
        self.lies::<Data>(".data", 0)?;
        self.lies::<Data>(".bss", 0x1000)?;
        self.lies::<Pool>(".tables", 0)?;
        self.lies::<Stack>(".stack", 0)?;
        ensure!(self.section(".stack")?.size == place::<Stack>().size, "the stack is not all of its region");
        let rodata = place::<Rodata>();
        for name in [".note.own", ".odd"] {
            let found = self.section(name)?;
            ensure!(found.virt - rodata.virt < rodata.size, "{name} is at {:#x}, outside {rodata:x?}", found.virt);
            ensure!(found.phys.wrapping_sub(found.virt) == rodata.phys.wrapping_sub(rodata.virt), "{name}: {found:x?}");
        }
        ensure!(self.file.entry() == place::<Text>().virt, "the entry point is {:#x}", self.file.entry());
        let symbol =
            format!("__tablature_{}_{}", <Text::Space as Declared>::MAP.name, <Text::Space as Declared>::SPACE.name);
        ensure!(self.symbol(&symbol)? == place::<Pool>().virt, "the tables are at {:#x}", self.symbol(&symbol)?);
        let quarter = self.symbol(&format!("{symbol}_q"));
        ensure!(quarter.is_err() || quarter? == place::<Pool>().virt >> 2, "the shifted symbol is another one's");
        for (what, value) in ends::<Data>() {
            let name = format!("{symbol}_data_{what}");
            ensure!(self.symbol(&name)? == value, "{name} is {:#x}", self.symbol(&name)?);
        }
        Ok(())
    }

    /// A section starts so many bytes into a region.
    fn lies<R: DeclaredRegion>(&self, name: &str, offset: u64) -> Result<()> {
        let (found, region) = (self.section(name)?, place::<R>());
        println!("{name}: {found:x?}");
        ensure!(found.virt == region.virt + offset, "{name} is not {offset:#x} bytes into {region:x?}");
        ensure!(
            found.phys == region.phys + offset,
            "{name} is loaded elsewhere than {offset:#x} bytes into {region:x?}"
        );
        ensure!(offset + found.size <= region.size, "{name} is larger than {region:x?}");
        ensure!(found.size > 0, "{name} is empty, which proves nothing");
        Ok(())
    }

    fn section(&self, name: &str) -> Result<Place> {
        let section = self.file.section_by_name(name).with_context(|| format!("there is no {name}"))?;
        let (virt, size, endian) = (section.address(), section.size(), self.file.endian());
        for header in self.file.elf_program_headers() {
            let start = header.p_vaddr(endian);
            if header.p_type(endian) == elf::PT_LOAD && virt >= start && virt - start < header.p_memsz(endian) {
                return Ok(Place { virt, phys: header.p_paddr(endian) + (virt - start), size });
            }
        }
        bail!("no segment has {name}")
    }

    fn symbol(&self, name: &str) -> Result<u64> {
        let found = self.file.symbols().find(|symbol| symbol.name() == Ok(name));
        Ok(found.with_context(|| format!("there is no symbol {name}"))?.address())
    }
}

/// Where a region is declared.
fn place<R: DeclaredRegion>() -> Place {
    let extent = &<R::Space as Declared>::EXTENTS[R::INDEX];
    Place { virt: extent.virt as u64, phys: extent.phys as u64, size: extent.size as u64 }
}

/// What the symbols of a region say.
fn ends<R: DeclaredRegion>() -> [(&'static str, u64); 4] {
    let Place { virt, phys, size } = place::<R>();
    [("start", virt), ("end", virt + size), ("size", size), ("phys", phys)]
}
