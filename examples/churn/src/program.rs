//! The random program.

use core::fmt::Write;

use tablature::attr::MemoryType;
use tablature::format::Format;

use crate::ground::Ground;
use crate::model::{Frame, Model, Page, Target};
use crate::random::Random;
use crate::subject::{Emptied, Leaves, Range, Refused, Subject};
use crate::{Bench, Report, examine};

/// Pages that most edits are about, at most.
const FEW: usize = 16;
/// Pages of a long range that are asked about between its ends.
const SAMPLES: usize = 2;
/// Pages asked about that the step has nothing to do with.
const OTHERS: usize = 2;

/// Memory for the model.
pub struct Storage<'a> {
    /// As many as [`Ground::pages`].
    pub pages: &'a mut [Page],
    /// As many as [`Ground::frame_count`].
    pub frames: &'a mut [Frame],
}

/// Runs `steps` steps of the program that follows from `seed`.
///
/// Nothing is mapped in the arenas before, and nothing is mapped there afterwards.
///
/// # Safety
/// The arenas are part of the space behind `subject`, and nothing but this program uses them; nobody uses the frames, which
/// `bench` can store to. Pages of the space may get all the rights and types of `ground`.
pub unsafe fn run<S: Subject, B: Bench>(
    (ground, format): (&Ground<'_>, &Format),
    storage: Storage<'_>,
    (subject, bench): (&mut S, &mut B),
    out: &mut dyn Write,
    (seed, steps): (u64, u32),
) -> Report {
    let model = Model::new(storage);
    let (random, report) = (Random::new(seed), Report::default());
    let memory_codes = format.memory_register.value;
    let mut program =
        Program { ground, model, subject, bench, out, random, report, memory_codes, op: "", last_block: 0 };
    for frame in 0..ground.frame_count() {
        program.bench.store(ground.phys(frame) + examine::CODE, B::RETURN);
    }
    while program.report.steps < steps {
        program.step();
        program.report.steps += 1;
    }
    program.clear();
    program.report
}

/// The program while it runs.
pub(crate) struct Program<'p, 'g, S, B> {
    pub(crate) ground: &'p Ground<'g>,
    pub(crate) model: Model<'p>,
    pub(crate) subject: &'p mut S,
    pub(crate) bench: &'p mut B,
    pub(crate) out: &'p mut dyn Write,
    pub(crate) random: Random,
    pub(crate) report: Report,
    /// The encodings of the memory types.
    pub(crate) memory_codes: [u16; MemoryType::COUNT],
    /// What the step does.
    pub(crate) op: &'static str,
    /// The first page of the block that was mapped last.
    last_block: usize,
}

/// A range of pages.
#[derive(Clone, Copy)]
struct Pages {
    first: usize,
    count: usize,
}

impl<S: Subject, B: Bench> Program<'_, '_, S, B> {
    fn step(&mut self) {
        let touched = match self.random.below(100) {
            0..20 => self.map(),
            20..28 => self.map_each(),
            28..36 => self.map_page(),
            36..43 => self.map_block(),
            43..53 => self.unmap(),
            53..61 => self.unmap_page(),
            61..73 => self.protect(),
            73..85 => self.remap_page(),
            85..90 => self.split(),
            90..97 => self.promote(),
            97..99 => self.nonsense(),
            _ => self.empty_arena(),
        };
        self.examine_around(touched);
    }

    /// Loads from the ends of a range before it is edited, so that there is something to forget.
    fn touch_ends(&mut self, Pages { first, count }: Pages) {
        self.touch(first);
        if count > 1 {
            self.touch(first + count - 1);
        }
    }

    /// Asks about the ends of a range, their neighbours, some pages between and some elsewhere.
    fn examine_around(&mut self, Pages { first, count }: Pages) {
        let mut pages = [first; 4 + SAMPLES + OTHERS];
        let mut asked = 1;
        let mut ask = |page| {
            pages[asked] = page;
            asked += 1;
        };
        if count > 1 {
            ask(first + count - 1);
        }
        if count > 2 {
            for _ in 0..SAMPLES {
                ask(first + 1 + self.random.below(count - 2));
            }
        }
        if first > 0 {
            ask(first - 1);
        }
        if first + count < self.ground.pages() {
            ask(first + count);
        }
        for _ in 0..OTHERS {
            ask(self.random.below(self.ground.pages()));
        }
        self.examine(&pages[..asked]);
    }

    /// Some pages in a row, mostly where a block begins.
    fn somewhere(&mut self) -> Pages {
        let count = 1 + self.random.below(FEW);
        let (arena, block) = (self.ground.pages_of_arena(), self.ground.pages_of_block());
        let start = self.random.below(self.ground.arenas.len()) * arena;
        let near = if self.random.once_in(4) {
            self.random.below(arena)
        } else {
            (self.random.below(self.ground.arena_blocks + 1) * block + self.random.below(4 * FEW))
                .saturating_sub(2 * FEW)
        };
        Pages { first: start + near.min(arena - count), count }
    }

    /// Whether an edit is about a whole block, once in `cases`; less often where that is many pages.
    fn on_whole(&mut self, cases: usize) -> bool {
        self.random.once_in(cases * self.ground.pages_of_block().div_ceil(512))
    }

    /// A page; mostly one that is mapped.
    fn some_page(&mut self) -> Pages {
        let mut pages = self.somewhere();
        for _ in 0..8 {
            if self.model.target(pages.first).is_some() {
                break;
            }
            pages = self.somewhere();
        }
        Pages { count: 1, ..pages }
    }

    /// A whole block; often the one that was mapped last.
    fn some_block(&mut self) -> Pages {
        let block = self.ground.pages_of_block();
        if self.random.once_in(2) {
            return Pages { first: self.last_block, count: block };
        }
        let first = self.random.below(self.ground.pages() / block) * block;
        Pages { first, count: block }
    }

    /// A target with other rights than any before, from `frame` on.
    fn target(&mut self, frame: usize) -> Target {
        Target {
            frame: frame as u32,
            access: self.random.below(self.ground.accesses.len()) as u8,
            memory: if self.random.once_in(4) { self.random.below(self.ground.types.len()) as u8 } else { 0 },
        }
    }

    fn leaves(&mut self) -> Leaves {
        self.random.pick(&[Leaves::Pages, Leaves::Largest, Leaves::Largest, Leaves::Runs]).unwrap_or(Leaves::Pages)
    }

    fn range(&self, pages: Pages, target: Target) -> Range {
        let ground = self.ground;
        Range {
            virt: ground.virt(pages.first),
            phys: ground.phys(target.frame as usize),
            size: pages.count as u64 * ground.page,
            access: ground.accesses.get(usize::from(target.access)).copied().unwrap_or_default(),
            memory: ground.types.get(usize::from(target.memory)).copied().unwrap_or(MemoryType::NormalWb),
        }
    }

    /// Gives out a frame and stamps it.
    fn stamp(&mut self, frame: u32) {
        let stamp = self.model.take(frame);
        let phys = self.ground.phys(frame as usize);
        self.bench.store(phys, stamp);
        self.bench.store(phys + self.ground.page - 4, !stamp);
    }

    /// Changes what a page should translate to.
    ///
    /// The instruction in the frame it had is stored once more. Emulators keep translated code by virtual address, and drop
    /// that of one page where an invalidation covers a larger leaf; a store drops it in any case. What the emulated TLB has
    /// cached stays, so that a forgotten flush still shows.
    fn set(&mut self, page: usize, target: Option<Target>) {
        if let Some(old) = self.model.set(page, target) {
            self.bench.store(self.ground.phys(old.frame as usize) + examine::CODE, B::RETURN);
        }
    }

    /// Compares the outcome of an edit with what should have come of it. Whether the edit was done.
    ///
    /// No memory for tables is no mismatch where tables may be needed; whoever says so must have changed nothing.
    fn outcome<T>(&mut self, pages: Pages, found: Result<T, Refused>, expected: Result<(), Refused>) -> Option<T> {
        self.report.checks += 1;
        let (good, done) = match (found, expected) {
            (Ok(value), Ok(())) => (true, Some(value)),
            (Ok(value), Err(_)) => (false, Some(value)),
            (Err(found), Err(expected)) => (found == expected, None),
            (Err(found), Ok(())) => (found == Refused::Exhausted, None),
        };
        let refused = done.is_none();
        self.report.refused += u32::from(refused);
        if !good {
            let virt = self.ground.virt(pages.first);
            self.wrong(virt, "outcome", format_args!("refused: {refused}, expected {expected:?}"));
        }
        done
    }

    fn map(&mut self) -> Pages {
        let pages = self.somewhere();
        self.map_range(pages)
    }

    fn map_block(&mut self) -> Pages {
        if !self.on_whole(1) {
            return self.map();
        }
        let pages = self.some_block();
        self.last_block = pages.first;
        self.map_range(pages)
    }

    fn map_range(&mut self, pages: Pages) -> Pages {
        let frames = if pages.count == self.ground.pages_of_block() {
            self.model.free_block(self.ground, &mut self.random)
        } else {
            self.model.free_run(pages.count, &mut self.random)
        };
        let Some(frame) = frames else {
            self.op = "no frames";
            return pages;
        };
        let (target, leaves) = (self.target(frame), self.leaves());
        let range = self.range(pages, target);
        // Stamped before they are mapped: stamps are stored by another way than the space under test.
        for i in 0..pages.count {
            self.stamp(target.frame + i as u32);
        }
        self.touch_ends(pages);
        let vacant = self.model.is_vacant(pages.first, pages.count);
        let (found, expected) = if self.random.once_in(2) {
            self.op = "replace";
            (self.subject.replace(&range, leaves), Ok(()))
        } else {
            self.op = "map";
            (self.subject.map(&range, leaves), if vacant { Ok(()) } else { Err(Refused::Occupied) })
        };
        let done = self.outcome(pages, found, expected).is_some();
        for i in 0..pages.count {
            let target = Target { frame: target.frame + i as u32, ..target };
            if done {
                self.set(pages.first + i, Some(target));
            } else {
                self.model.give_back(target.frame);
            }
        }
        pages
    }

    fn map_each(&mut self) -> Pages {
        self.op = "map each";
        let mut pages = self.somewhere();
        let (mut frames, mut addresses) = ([0; FEW], [0; FEW]);
        let mut count = 0;
        while let Some(frame) = self.model.free_run(1, &mut self.random).filter(|_| count < pages.count) {
            self.stamp(frame as u32);
            (frames[count], addresses[count]) = (frame as u32, self.ground.phys(frame));
            count += 1;
        }
        pages.count = count.max(1);
        let target = self.target(0);
        let range = Range { size: count as u64 * self.ground.page, ..self.range(pages, target) };
        if count == 0 {
            return pages;
        }
        let vacant = self.model.is_vacant(pages.first, count);
        self.touch_ends(pages);
        let found = self.subject.map_each(&range, &addresses[..count]);
        let done = self.outcome(pages, found, if vacant { Ok(()) } else { Err(Refused::Occupied) }).is_some();
        for (i, &frame) in frames[..count].iter().enumerate() {
            if done {
                self.set(pages.first + i, Some(Target { frame, ..target }));
            } else {
                self.model.give_back(frame);
            }
        }
        pages
    }

    fn map_page(&mut self) -> Pages {
        self.op = "map page";
        let pages = Pages { count: 1, ..self.somewhere() };
        let Some(frame) = self.model.free_run(1, &mut self.random) else {
            return pages;
        };
        let target = self.target(frame);
        self.stamp(target.frame);
        let vacant = self.model.is_vacant(pages.first, 1);
        self.touch_ends(pages);
        let found = self.subject.map_page(&self.range(pages, target));
        if self.outcome(pages, found, if vacant { Ok(()) } else { Err(Refused::Occupied) }).is_some() {
            self.set(pages.first, Some(target));
        } else {
            self.model.give_back(target.frame);
        }
        pages
    }

    fn unmap(&mut self) -> Pages {
        self.op = "unmap";
        let pages = if self.on_whole(8) { self.some_block() } else { self.somewhere() };
        self.unmap_range(pages)
    }

    fn empty_arena(&mut self) -> Pages {
        if !self.on_whole(1) {
            return self.unmap();
        }
        self.op = "unmap all";
        let arena = self.ground.pages_of_arena();
        let first = self.random.below(self.ground.arenas.len()) * arena;
        self.unmap_range(Pages { first, count: arena })
    }

    fn unmap_range(&mut self, pages: Pages) -> Pages {
        let tables = if self.random.once_in(2) { Emptied::Kept } else { Emptied::Freed };
        let size = pages.count as u64 * self.ground.page;
        self.touch_ends(pages);
        let found = self.subject.unmap(self.ground.virt(pages.first), size, tables);
        if self.outcome(pages, found, Ok(())).is_some() {
            for page in pages.first..pages.first + pages.count {
                self.set(page, None);
            }
        }
        pages
    }

    fn unmap_page(&mut self) -> Pages {
        self.op = "unmap page";
        let pages = self.some_page();
        self.touch_ends(pages);
        let found = self.subject.unmap_page(self.ground.virt(pages.first));
        let done = self.page_outcome(pages, found);
        if done {
            self.set(pages.first, None);
        }
        pages
    }

    /// The outcome of an edit of one page, which gives back the frame that was there. Whether it was done.
    fn page_outcome(&mut self, pages: Pages, found: Result<u64, Refused>) -> bool {
        let Some(old) = self.model.target(pages.first) else {
            return self.outcome(pages, found, Err(Refused::Vacant)).is_some();
        };
        // A page that could be part of a larger leaf may be one.
        let block = self.ground.pages_of_block();
        let could_be_large = self.model.is_even(pages.first / block * block, block);
        let expected = if found == Err(Refused::OtherLevel) && could_be_large { found.map(|_| ()) } else { Ok(()) };
        let Some(phys) = self.outcome(pages, found, expected) else {
            return false;
        };
        if phys != self.ground.phys(old.frame as usize) {
            let virt = self.ground.virt(pages.first);
            self.wrong(virt, "released", format_args!("the frame at {phys:#x}, mapped {old:?}"));
        }
        true
    }

    fn protect(&mut self) -> Pages {
        self.op = "protect";
        let mut pages = if self.on_whole(16) { self.some_block() } else { self.some_page() };
        if pages.count == 1 && !self.random.once_in(8) {
            // As many as are mapped; otherwise a hole is likely, and the edit is refused.
            let room = self.ground.pages_of_arena() - pages.first % self.ground.pages_of_arena();
            let full = |count: &usize| self.model.is_full(pages.first, *count);
            pages.count = (1..=room.min(FEW)).take_while(full).last().unwrap_or(1);
        }
        let full = self.model.is_full(pages.first, pages.count);
        let target = self.target(0);
        self.touch_ends(pages);
        let found = self.subject.protect(&self.range(pages, target));
        if self.outcome(pages, found, if full { Ok(()) } else { Err(Refused::Vacant) }).is_some() {
            for page in pages.first..pages.first + pages.count {
                let changed = self.model.target(page).map(|old| Target { frame: old.frame, ..target });
                self.set(page, changed);
            }
        }
        pages
    }

    fn remap_page(&mut self) -> Pages {
        self.op = "remap page";
        let pages = self.some_page();
        let Some(frame) = self.model.free_run(1, &mut self.random) else {
            return pages;
        };
        let target = self.target(frame);
        self.stamp(target.frame);
        self.touch_ends(pages);
        let found = self.subject.remap_page(&self.range(pages, target));
        if self.page_outcome(pages, found) {
            self.set(pages.first, Some(target));
        } else {
            self.model.give_back(target.frame);
        }
        pages
    }

    /// Sees to it that a page is a leaf of its own.
    fn split(&mut self) -> Pages {
        self.op = "split";
        let pages = if self.random.once_in(2) { Pages { count: 1, ..self.some_block() } } else { self.some_page() };
        let mapped = self.model.target(pages.first).is_some();
        self.touch_ends(pages);
        let found = self.subject.split(self.ground.virt(pages.first));
        let _ = self.outcome(pages, found, if mapped { Ok(()) } else { Err(Refused::Vacant) });
        pages
    }

    /// Sees to it that a block is one leaf, which works if its pages could be one.
    fn promote(&mut self) -> Pages {
        self.op = "promote";
        let pages = self.some_block();
        let even = self.model.is_even(pages.first, pages.count);
        self.touch_ends(pages);
        let found = self.subject.promote(self.ground.virt(pages.first));
        let expected = match found {
            _ if even => Ok(()),
            Err(why @ (Refused::Vacant | Refused::Uneven)) => Err(why),
            _ => Err(Refused::Uneven),
        };
        let done = self.outcome(pages, found, expected).is_some();
        self.report.promoted += u32::from(done);
        pages
    }

    /// A request that makes no sense.
    fn nonsense(&mut self) -> Pages {
        self.op = "nonsense";
        let pages = self.somewhere();
        let target = self.target(0);
        let good = self.range(pages, target);
        let bad = match self.random.below(4) {
            0 => Range { virt: good.virt + 1, ..good },
            1 => Range { size: good.size - 1, ..good },
            2 => Range { size: 0, ..good },
            _ => Range { phys: good.phys + 8, ..good },
        };
        let found = self.subject.replace(&bad, Leaves::Largest);
        let _ = self.outcome(pages, found, Err(Refused::Invalid));
        pages
    }

    /// Unmaps everything, so that every table can be freed.
    fn clear(&mut self) {
        self.op = "end";
        for arena in 0..self.ground.arenas.len() {
            let count = self.ground.pages_of_arena();
            let pages = Pages { first: arena * count, count };
            let (virt, size) = (self.ground.virt(pages.first), count as u64 * self.ground.page);
            let found = self.subject.unmap(virt, size, Emptied::Freed);
            let _ = self.outcome(pages, found, Ok(()));
            for page in pages.first..pages.first + count {
                self.set(page, None);
            }
            self.examine_around(pages);
        }
    }
}
