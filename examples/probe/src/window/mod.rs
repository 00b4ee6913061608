//! Has the hardware confirm what the pages of a window are, while they are mapped, protected and unmapped.
//!
//! [`testify`] first goes through everything that a page can become, and a run of all pages; then it changes single pages
//! at random, beside an array of what each of them must be. Frames are also seen through another mapping of the program,
//! and one that was just given back is given out next: a translation that should be gone shows as the wrong word, or as an
//! access that does not fault.
//!
//! Two programs must fail: one that leaves out the flushes, and one whose array is wrong.

mod bench;
mod random;
mod tour;

use core::fmt::{self, Write};

use tablature::addr::PhysAddr;
use tablature::edit::Kind;
use tablature::page::{Frame, OwnedFrame, OwnedFrames, Size4K};
use tablature::space::{Installed, Of};
use tablature::window::{Window, WindowRegion};

use crate::Machine;
use bench::Bench;
use random::{Care, Program};

/// Steps of the program that has to be right, and of those that must not be.
const STEPS: u32 = 1000;
const FEWER: u32 = 300;

/// The physical memory that pages of the window go to.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The first of as many frames as the window has pages.
    pub frames: u64,
    /// Where the program sees them beside the window.
    pub frames_seen_at: u64,
    /// A page of device registers.
    pub device: u64,
    /// Where the program sees it beside the window.
    pub device_seen_at: u64,
    /// A register in it that always has the same value, which is not 0: bytes into the page.
    pub register: u64,
}

/// Whether a translation that nobody flushed is there long enough to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// It is.
    Stays,
    /// One cannot tell.
    MayGo,
}

/// Whether the hardware confirms each change of the pages of `window`. Writes a line of numbers, and one for each program
/// that had to be contradicted.
///
/// # Errors
/// Those of `out`.
///
/// # Safety
/// The frames are RAM that nobody else uses, the register may be read at any time, and both are where `site` says.
pub unsafe fn testify<R, K, M>(
    (machine, out): (&mut M, &mut dyn Write),
    live: &Installed<R::Space>,
    (window, hardware): (Window<R, K>, K::Hardware),
    (site, stale): (&Site, Stale),
) -> Result<bool, fmt::Error>
where
    R: WindowRegion<Size = Size4K>,
    K: Kind<Regime = Of<R::Space>>,
    M: Machine,
{
    let pages = window.len();
    let frame = |phys: u64| Frame::containing(PhysAddr::new(phys));
    // SAFETY: as the caller promises; the program below gives them out once more only when this has ended.
    let frames = unsafe { OwnedFrames::assume(frame(site.frames), pages) };
    // SAFETY: as the caller promises.
    let device = unsafe { OwnedFrame::assume(frame(site.device)) };
    let mut bench = Bench::new(live, hardware, machine, *site);
    let toured = bench.tour(window, (frames, device), out)?;
    let mut good = toured.is_some();
    if let Some((window, frames)) = toured {
        let mut program = Program::new(bench, window, frames);
        program.run(STEPS, Care::Full, out)?;
        let counts = program.counts();
        good &= counts.mismatches == 0 && counts.steps > STEPS / 2 && counts.checks > counts.steps;
        writeln!(out, "window {}: {counts}", R::REGION.name)?;
        let others = [(Care::NoFlush, "without flushes"), (Care::WrongModel, "beside a wrong model")];
        for (care, what) in others.into_iter().skip(usize::from(stale == Stale::MayGo)) {
            let before = program.counts().mismatches;
            program.run(FEWER, care, &mut Silence)?;
            let times = program.counts().mismatches - before;
            good &= times > 0;
            let verdict = if times > 0 { "noticed" } else { "NOT NOTICED" };
            writeln!(out, "window {}, {FEWER} steps {what}: {verdict}, {times} times", R::REGION.name)?;
        }
    }
    Ok(good)
}

/// What was done, and found.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Changes of a page, or a run.
    steps: u32,
    /// Answers of the hardware.
    checks: u32,
    /// Of them, those that contradict.
    mismatches: u32,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps, {} checks, {} mismatches", self.steps, self.checks, self.mismatches)
    }
}

/// Takes everything, and shows nothing.
struct Silence;

impl Write for Silence {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// Bytes of a page.
const PAGE: u64 = 4096;

/// Where the region starts.
const fn start<R: WindowRegion>() -> u64 {
    R::EXTENT.virt as u64
}
