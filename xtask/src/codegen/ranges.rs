//! What operations on ranges execute for each last-level table, in the notation and by hand.
//!
//! A range is worked on in loops of several functions, so that lists of instructions say little. These are counted one by
//! one while an emulated CPU executes them: for a range of one table, and for one of three.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Half, listing};
use crate::code::Encoding;
use crate::elf::Image;
use crate::machine::Arch;
use crate::process::call;
use crate::setup::Toolchain;
use crate::steps::leave_out;
use crate::trace::{self, Emulator};

/// The operations, as the functions are called in both halves.
const OPERATIONS: [&str; 3] = ["map_range", "protect_range", "unmap_range"];
/// The last-level tables of the ranges, in their order.
const TABLES: [u64; 2] = [1, 3];
/// Pages of one.
const PAGES: u64 = 512;
/// Where the program goes when all is done.
const END: &str = "ranges_end";
/// The listing.
pub(super) const FILE: &str = "ranges.txt";

/// What an operation executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    /// For a range of one table.
    one: u64,
    /// For each table more.
    more: u64,
}

impl Cost {
    /// Of what was executed for the two ranges.
    fn of(executed: [u64; 2]) -> Result<Self> {
        let [one, several] = executed;
        let tables = TABLES[1] - TABLES[0];
        let more = several.checked_sub(one).context("a larger range takes no fewer instructions")?;
        ensure!(
            more >= PAGES * tables / 8,
            "{more} instructions for {tables} tables more: that is no loop over entries"
        );
        Ok(Self { one, more: more / tables })
    }

    fn each(self) -> f64 {
        self.more as f64 / PAGES as f64
    }
}

/// Counts both halves, and compares.
///
/// # Errors
/// A program cannot be built or does not come to its end, or the notation executes more.
pub(super) fn check(toolchain: Toolchain, arch: Arch, directory: &Path, update: bool) -> Result<()> {
    let notation = costs(toolchain, arch, Half::Notation, directory)?;
    let by_hand = costs(toolchain, arch, Half::ByHand, directory)?;
    let (mut text, mut longer) = (HEAD.replace("ARCH", arch.name()), Vec::new());
    for ((name, ours), theirs) in OPERATIONS.iter().zip(&notation).zip(&by_hand) {
        let _ = writeln!(
            text,
            "{name:<14} {:>9} {:>9} {:>10.2} {:>9} {:>9} {:>10.2}",
            ours.one,
            ours.more,
            ours.each(),
            theirs.one,
            theirs.more,
            theirs.each()
        );
        if ours.more > theirs.more {
            longer.push(format!("{name}: {} instructions for each table, {} by hand", ours.more, theirs.more));
        }
    }
    println!("{text}");
    ensure!(longer.is_empty(), "{}", longer.join("; "));
    if !listing::keep_text(arch, FILE, &text, update)? {
        let compiler = listing::compiler()?;
        if listing::is_theirs(&compiler)? {
            bail!("the counts of ranges are others now: `cargo xtask codegen --update`");
        }
        leave_out(format!("the kept counts of ranges of {arch}, which another compiler made than {compiler}"));
    }
    Ok(())
}

const HEAD: &str = "Ranges, ARCH: instructions executed, those of all functions that are called included.
One table is 512 pages that are mapped, made read-only and unmapped; the table is made, too.
The notation finds out first whether it can do all of it; by hand it stops in the middle.

               notation                       by hand
               one table  one more   each page one table  one more   each page
";

/// What the operations of a half execute.
fn costs(toolchain: Toolchain, arch: Arch, half: Half, directory: &Path) -> Result<Vec<Cost>> {
    let path = build(toolchain, arch, half, directory)?;
    let image = Image::read(&path)?;
    let mut counter = Counter::new(arch, half, &image)?;
    trace::run(Emulator::Cpu, arch, &path, &image, |address| counter.see(address))?;
    OPERATIONS.iter().map(|name| counter.cost(name)).collect()
}

fn build(toolchain: Toolchain, arch: Arch, half: Half, directory: &Path) -> Result<PathBuf> {
    let mut command = super::cargo_rustc(toolchain, arch, "opt-level=3", "codegen", directory);
    command.args(["--bin", "ranges", "--no-default-features", "--features", half.feature(), "--"]);
    command.arg("-Crelocation-model=static");
    if matches!(half, Half::Notation) {
        super::linked_at(&mut command, arch);
    }
    call(&mut command)?;
    Ok(directory.join("build").join(arch.target()).join("release/ranges"))
}

/// Counts what is executed between the entry of an operation and its return.
struct Counter<'a> {
    image: &'a Image,
    arch: Arch,
    /// Operations by where they start.
    starts: BTreeMap<u64, &'static str>,
    end: u64,
    /// The operation that runs, and where it returns to.
    inside: Option<(&'static str, u64)>,
    last: u64,
    executed: BTreeMap<&'static str, Vec<u64>>,
}

impl<'a> Counter<'a> {
    fn new(arch: Arch, half: Half, image: &'a Image) -> Result<Self> {
        let prefix = half.feature().replace('-', "_");
        let start = |name: &&'static str| Ok((image.symbol(&format!("{prefix}_{name}"))?.address, *name));
        let starts = OPERATIONS.iter().map(start).collect::<Result<_>>()?;
        let (end, executed) = (image.symbol(END)?.address, BTreeMap::new());
        Ok(Self { image, arch, starts, end, inside: None, last: 0, executed })
    }

    fn see(&mut self, address: u64) -> Result<ControlFlow<()>> {
        if address == self.end {
            return Ok(ControlFlow::Break(()));
        }
        match (self.inside, self.starts.get(&address)) {
            (Some((_, end)), _) if address == end => self.inside = None,
            (None, Some(name)) => {
                let call = Encoding::of(self.arch).decode(self.image, self.last);
                let length = call.context("an operation is called from outside of the code")?.length;
                self.inside = Some((name, self.last + length));
                self.executed.entry(name).or_default().push(0);
            }
            _ => {}
        }
        self.last = address;
        if let Some((name, _)) = self.inside
            && let Some(count) = self.executed.get_mut(name).and_then(|counts| counts.last_mut())
        {
            *count += 1;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn cost(&self, name: &str) -> Result<Cost> {
        match self.executed.get(name).map(Vec::as_slice) {
            Some([one, several]) => Cost::of([*one, *several]),
            other => bail!("{name} ran {} times, not once for each range", other.map_or(0, <[u64]>::len)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bl map; bl map; b end; map: nop; ret; protect, unmap, end: nop`.
    const CODE: [u32; 8] =
        [0x9400_0003, 0x9400_0002, 0x1400_0005, 0xd503_201f, 0xd65f_03c0, 0xd503_201f, 0xd503_201f, 0xd503_201f];

    fn image() -> Image {
        let bytes: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
        let symbols = [
            ("notation_map_range", 0x100c),
            ("notation_protect_range", 0x1014),
            ("notation_unmap_range", 0x1018),
            (END, 0x101c),
        ];
        Image::flat(0x1000, &bytes, &symbols)
    }

    #[test]
    fn what_runs_between_call_and_return_counts_for_each_call() {
        let image = image();
        let mut counter = Counter::new(Arch::Aarch64, Half::Notation, &image).expect("the symbols are there");
        let nops = |count: usize| vec![0x100c; count];
        let ran = [&[0x1000][..], &nops(1), &[0x1010, 0x1004], &nops(2048), &[0x1010, 0x1008], &[0x101c]].concat();
        let ends: Vec<bool> = ran.iter().map(|at| counter.see(*at).expect("code").is_break()).collect();
        assert_eq!(ends.iter().position(|end| *end), Some(ran.len() - 1));
        assert_eq!(counter.cost("map_range").expect("it ran twice"), Cost { one: 2, more: 1023 });
        counter.cost("unmap_range").expect_err("it did not run");
    }

    #[test]
    fn what_is_no_loop_over_entries_is_no_cost() {
        Cost::of([100, 90]).expect_err("fewer");
        Cost::of([100, 110]).expect_err("hardly more");
        assert_eq!(Cost::of([100, 100 + 1024]).expect("a loop"), Cost { one: 100, more: 512 });
    }
}
