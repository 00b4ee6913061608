//! Single pages that change at random, beside an array of what each of them must be.

use core::fmt::{self, Write};
use core::hint::black_box;

use tablature::edit::{Granted, Kind, Ro, Rw};
use tablature::flush::{Cover, TlbFlush};
use tablature::page::{OwnedFrame, OwnedFrames, Size4K};
use tablature::space::Of;
use tablature::window::{Mapped, Unmapped, Window, WindowRegion};

use super::bench::Bench;
use super::{Counts, PAGE, start};
use crate::{Machine, Width};

/// Pages that change, and frames for them.
const PAGES: usize = 48;
const FRAMES: usize = 32;
/// Other pages that are asked about after each step.
const OTHERS: usize = 3;

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing.
    Full,
    /// Every flush. What is reached by a translation that should be gone is one of the frames.
    NoFlush,
    /// Some pages of the array are not what they must be.
    WrongModel,
}

/// A page in the state that its type says.
enum Held<R: WindowRegion, K> {
    Free(Unmapped<R, K>),
    Rw(Mapped<R, K, Rw>),
    Ro(Mapped<R, K, Ro>),
}

/// What a page must be.
#[derive(Clone, Copy, Debug)]
struct Truth {
    phys: u64,
    writable: bool,
}

/// The pages, and the array.
pub(super) struct Program<'p, R: WindowRegion, K: Kind, M> {
    bench: Bench<'p, R, K, M>,
    held: [Option<Held<R, K>>; PAGES],
    truth: [Option<Truth>; PAGES],
    /// Frames that are free; what was given back last is at `free - 1`.
    frames: [Option<OwnedFrame<Size4K>>; FRAMES],
    free: usize,
    /// What the frames hold, by the number of the frame.
    stamps: [u32; FRAMES],
    first: u64,
    random: u64,
    care: Care,
}

impl<'p, R, K, M> Program<'p, R, K, M>
where
    R: WindowRegion<Size = Size4K>,
    K: Kind<Regime = Of<R::Space>>,
    M: Machine,
{
    /// Some pages of the window lie on both sides of the end of a table, if it starts so far before it.
    pub(super) fn new(bench: Bench<'p, R, K, M>, mut window: Window<R, K>, mut frames: OwnedFrames<Size4K>) -> Self {
        let first = frames.first().start().as_u64();
        let _ = window.take_run(Self::skipped());
        let mut program = Self {
            bench,
            held: [const { None }; PAGES],
            truth: [None; PAGES],
            frames: [const { None }; FRAMES],
            free: FRAMES,
            stamps: [0; FRAMES],
            first,
            random: 4,
            care: Care::Full,
        };
        // Loops that stay loops: a page of code without a return cannot be probed.
        program.held.iter_mut().take(black_box(PAGES)).for_each(|held| *held = window.next_page().map(Held::Free));
        program.frames.iter_mut().take(black_box(FRAMES)).for_each(|frame| *frame = frames.next_frame());
        program
    }

    /// Pages in front of those that change: half of the latter lie in the next table.
    fn skipped() -> usize {
        let before_border = (start::<R>().wrapping_neg() / PAGE % 512) as usize;
        before_border.saturating_sub(PAGES / 2)
    }

    pub(super) const fn counts(&self) -> Counts {
        self.bench.counts
    }

    /// So many steps; then every page is unmapped, and nothing of it is cached.
    pub(super) fn run(&mut self, steps: u32, care: Care, out: &mut dyn Write) -> fmt::Result {
        self.care = care;
        for _ in 0..steps {
            self.step(out)?;
        }
        self.care = Care::Full;
        self.settle();
        if care == Care::Full {
            let pages = self.virt(0);
            self.bench.gone(pages, PAGES, out)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn step(&mut self, out: &mut dyn Write) -> fmt::Result {
        let at = self.below(PAGES);
        let Some(held) = self.held[at].take() else { return Ok(()) };
        // So that there is something to flush; what it must be was checked when the page last changed.
        let _ = self.bench.machine.read(self.virt(at), Width::Word);
        let choice = self.below(4);
        let held = match held {
            Held::Free(page) => self.map(at, page),
            Held::Rw(page) if choice == 0 => self.write(at, page, out)?,
            Held::Rw(page) if choice == 1 => {
                self.tell(at, false);
                Held::Ro(self.meet(page.protect(Ro)))
            }
            Held::Ro(page) if choice <= 1 => {
                self.tell(at, true);
                Held::Rw(self.meet(page.protect(Rw)))
            }
            Held::Rw(page) => self.unmap(at, page),
            Held::Ro(page) => self.unmap(at, page),
        };
        self.held[at] = Some(held);
        self.examine(at, out)?;
        (0..OTHERS).try_for_each(|_| {
            let other = self.below(PAGES);
            self.examine(other, out)
        })
    }

    /// Maps the frame that was given back last, with a new word in it; nothing if there is none.
    fn map(&mut self, at: usize, page: Unmapped<R, K>) -> Held<R, K> {
        let Some(frame) = self.free.checked_sub(1).and_then(|last| self.frames[last].take()) else {
            return Held::Free(page);
        };
        self.free -= 1;
        let phys = frame.frame().start().as_u64();
        let stamp = self.next() as u32;
        self.stamps[self.number(phys)] = stamp;
        self.bench.put(phys, stamp);
        self.truth[at] = Some(Truth { phys, writable: true });
        Held::Rw(self.meet(page.map(frame, Rw)))
    }

    /// Writes by the handle, unless what it says may not be what the hardware does.
    fn write(&mut self, at: usize, mut page: Mapped<R, K, Rw>, out: &mut dyn Write) -> Result<Held<R, K>, fmt::Error> {
        if self.care == Care::NoFlush {
            return Ok(Held::Rw(page));
        }
        let (virt, phys, stamp) = (self.virt(at), page.frame().start().as_u64(), self.next() as u32);
        self.stamps[self.number(phys)] = stamp;
        let written = page.write(self.bench.live, 0, stamp).map(|()| 1);
        self.bench.same((virt, "a write of the handle"), written, 1, out)?;
        let seen = self.bench.look(phys);
        self.bench.same((virt, "the other mapping"), Some(seen), stamp, out)?;
        Ok(Held::Rw(page))
    }

    fn unmap<A: Granted>(&mut self, at: usize, page: Mapped<R, K, A>) -> Held<R, K> {
        let (page, frame) = self.meet(page.unmap());
        // A wrong model misses this.
        if self.care != Care::WrongModel {
            self.truth[at] = None;
        }
        self.frames[self.free] = Some(frame);
        self.free += 1;
        Held::Free(page)
    }

    /// Does what a change owes, or does not.
    fn meet<T, C: Cover>(&mut self, token: TlbFlush<K, T, C>) -> T {
        if self.care == Care::NoFlush {
            // SAFETY: it is not. What stays cached goes to frames of this program, which uses them by no reference; before
            // it ends it flushes all pages.
            return unsafe { token.assume_flushed() };
        }
        self.bench.meet(token)
    }

    fn tell(&mut self, at: usize, writable: bool) {
        if let Some(truth) = &mut self.truth[at] {
            truth.writable = writable;
        }
    }

    /// A page is what the array says.
    fn examine(&mut self, at: usize, out: &mut dyn Write) -> fmt::Result {
        let (virt, truth) = (self.virt(at), self.truth[at]);
        let word = truth.map(|truth| self.stamps[self.number(truth.phys)]);
        self.bench.load(virt, word, out)?;
        self.bench.store(virt, truth.is_some_and(|truth| truth.writable), out)
    }

    /// Unmaps every page; and once more all of them, for one that was not mapped may be cached.
    fn settle(&mut self) {
        for at in 0..2 * PAGES {
            let held = match self.held[at % PAGES].take() {
                Some(Held::Free(page)) if at >= PAGES => Some(self.map(at % PAGES, page)),
                held => held,
            };
            self.held[at % PAGES] = held.map(|held| match held {
                Held::Rw(page) => self.unmap(at % PAGES, page),
                Held::Ro(page) => self.unmap(at % PAGES, page),
                Held::Free(page) => Held::Free(page),
            });
        }
        self.truth = [None; PAGES];
    }

    fn number(&self, phys: u64) -> usize {
        ((phys - self.first) / PAGE) as usize % FRAMES
    }

    fn virt(&self, page: usize) -> u64 {
        start::<R>() + (Self::skipped() + page) as u64 * PAGE
    }

    /// The next number, which is the same in every run.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}
