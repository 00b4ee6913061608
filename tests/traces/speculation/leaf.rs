//! Operations on one leaf, of either size, by the space and by a cursor.

use std::fmt::Debug;
use std::ops::Range;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::edit::{Cursor, Live, MapError, Protect};
use tablature::flush::{Maintain, Reach};
use tablature::page::{Frame, HasLeaf, Page, PageSize};
use tablature::table::Attributes;
use tablature::tables::Tables;

use super::machine::Speculating;
use super::model::{Model, Target};
use super::program::{How, One};
use super::run::{Held, Run, Token, join, swap};
use super::window::{CELLS, SINGLES, SLOTS};
use super::world::Outcome;

/// A cell of one page.
pub(super) fn single(number: u8) -> usize {
    let number = usize::from(number) % (SINGLES.len() * SLOTS);
    number / SINGLES.len() * CELLS + SINGLES[number % SINGLES.len()]
}

/// A mapping that was decided on.
#[derive(Clone, Copy)]
struct Plan<S: PageSize> {
    frame: Frame<S>,
    asked: Attributes,
    target: Target,
}

impl<R, C: Reach, P: PageSize, L: PageSize> Run<R, C, P, L>
where
    R: Maintain + HasLeaf<P> + HasLeaf<L>,
{
    /// Whether a leaf of the size is there.
    fn has_leaf<S: PageSize>(&self, cell: usize) -> bool {
        let world = self.world.borrow();
        let (outcome, level) = world.truth(world.window.virt(cell));
        outcome != Outcome::Absent && world.format.level[level].size() == S::BYTES
    }

    fn plan<S: PageSize>(&self, cells: &Range<usize>, how: How) -> Option<Plan<S>> {
        let blocks = self.find(cells, how)?;
        let (asked, attributes) = self.kind(how.kind);
        let frame = Frame::containing(self.phys(cells.start, blocks));
        Some(Plan { frame, asked, target: Target { blocks, attributes } })
    }

    pub(super) fn one<S: PageSize>(&mut self, cells: Range<usize>, what: One) -> Option<Held<R, C>>
    where
        R: HasLeaf<S>,
    {
        let page = Page::<S>::containing(self.virt(cells.start));
        let there = self.has_leaf::<S>(cells.start);
        match what {
            One::Map(how) => {
                let plan = self.plan(&cells, how)?;
                // SAFETY: nothing is mapped in earnest.
                let token = unsafe { self.space.map_page(page, plan.frame, plan.asked) };
                self.mapped(token, cells, plan, Some)
            }
            One::Unmap => {
                // SAFETY: nothing is mapped in earnest.
                let token = unsafe { self.space.unmap_page(page) };
                assert_eq!(token.is_ok(), there, "{token:?}");
                let token = swap(token.ok()?, |(frame, _)| frame);
                Some(self.unmapped(token, cells))
            }
            One::Protect { kind } => {
                let (asked, attributes) = self.kind(kind);
                // SAFETY: nothing is mapped in earnest.
                let token = unsafe { self.space.protect_page(page, &Protect::all(asked)) };
                assert_eq!(token.is_ok(), there, "{token:?}");
                let token = token.ok()?;
                self.model.protect(cells.clone(), attributes);
                Some(self.hold(token, &Model::around(cells), Vec::new(), |()| None))
            }
            One::Remap(how) => {
                let plan = self.plan(&cells, how)?;
                // SAFETY: nothing is mapped in earnest.
                let token = unsafe { self.space.remap_page(page, plan.frame, plan.asked) };
                assert_eq!(token.is_ok(), there, "{token:?}");
                let token = token.ok()?;
                let frames = self.model.map(&self.world.borrow(), cells.clone(), plan.target);
                Some(self.hold(token, &Model::around(cells), frames, |_| None))
            }
            One::Break(how) => self.break_and_make(page, cells, how),
        }
    }

    /// What the model makes of a mapping over nothing.
    fn mapped<S: PageSize, T>(
        &mut self,
        token: Result<Token<R, C, T>, MapError>,
        cells: Range<usize>,
        plan: Plan<S>,
        tables: impl FnOnce(T) -> Option<Tables<Speculating<R, C>>>,
    ) -> Option<Held<R, C>> {
        assert_eq!(token.is_ok(), self.model.is_absent(cells.clone()), "{token:?}");
        let token = token.ok()?;
        let frames = self.model.map(&self.world.borrow(), cells.clone(), plan.target);
        Some(self.hold(token, &Model::around(cells), frames, tables))
    }

    /// The token owns the frame that the model knows.
    fn unmapped<S: PageSize>(&mut self, token: Token<R, C, Frame<S>>, cells: Range<usize>) -> Held<R, C> {
        let frames = self.model.unmap(&self.world.borrow(), cells.clone());
        let expected = self.world.borrow().window.phys(frames[0]);
        self.hold(token, &Model::around(cells), frames, |frame| {
            assert_eq!(frame.start().as_u64(), expected, "another frame comes out");
            None
        })
    }

    fn break_and_make<S: PageSize>(&mut self, page: Page<S>, cells: Range<usize>, how: How) -> Option<Held<R, C>>
    where
        R: HasLeaf<S>,
    {
        let (there, around) = (self.has_leaf::<S>(cells.start), Model::around(cells.clone()));
        let (asked, attributes) = self.kind(how.kind);
        // SAFETY: nothing is mapped in earnest.
        let broken = unsafe { self.space.break_page(page) };
        assert_eq!(broken.is_ok(), there, "{broken:?}");
        let cleared = broken.ok()?.flush();
        // The memory that was mapped there is free from here on.
        let frames = self.model.unmap(&self.world.borrow(), cells.clone());
        self.model.owe(around.clone());
        self.model.settle(around.clone(), frames);
        let blocks = self.model.find(&self.world.borrow(), cells.clone(), how)?;
        let window = self.world.borrow().window;
        let frame = Frame::containing(PhysAddr::new(window.phys(window.frame(cells.start, blocks))));
        // SAFETY: nothing is mapped in earnest.
        let token = unsafe { cleared.make(frame, asked) }.expect("it is absent");
        let frames = self.model.map(&self.world.borrow(), cells, Target { blocks, attributes });
        Some(self.hold(token, &around, frames, |()| None))
    }

    /// One operation on pages side by side, with one cursor.
    pub(super) fn cursor(&mut self, first: u8, count: u8, what: One) -> Option<Held<R, C>> {
        let cells: Vec<_> = (0..count).map(|i| single(first.wrapping_add(i))).collect();
        let tokens = match what {
            One::Map(how) | One::Remap(how) | One::Break(how) => self.map_by_cursor(&cells, how),
            One::Unmap => self.unmap_by_cursor(&cells),
            One::Protect { kind } => self.protect_by_cursor(&cells, kind),
        };
        tokens.into_iter().reduce(join)
    }

    fn page(&self, cell: usize) -> Page<P> {
        Page::containing(self.virt(cell))
    }

    fn map_by_cursor(&mut self, cells: &[usize], how: How) -> Vec<Held<R, C>> {
        let plan = |&cell: &usize| Some((cell, self.page(cell), self.plan::<P>(&(cell..cell + 1), how)?));
        let plans: Vec<_> = cells.iter().filter_map(plan).collect();
        let mut cursor = self.space.cursor(VirtAddr::new(0));
        let map = |(cell, page, plan): (usize, _, Plan<P>)| {
            // SAFETY: nothing is mapped in earnest.
            (cell, plan, unsafe { cursor.map(page, plan.frame, plan.asked) })
        };
        let done: Vec<_> = plans.into_iter().map(map).collect();
        let hold = |(cell, plan, token)| self.mapped(token, cell..cell + 1, plan, |()| None);
        done.into_iter().filter_map(hold).collect()
    }

    /// Those of `cells` where a page is, and what the cursor gives there.
    fn by_cursor<T, E: Debug>(
        &mut self,
        cells: &[usize],
        mut run: impl FnMut(&mut Cursor<'_, Speculating<R, C>, Live>, Page<P>) -> Result<T, E>,
    ) -> Vec<(usize, T)> {
        let all: Vec<_> = cells.iter().map(|&cell| (cell, self.page(cell), self.has_leaf::<P>(cell))).collect();
        let mut cursor = self.space.cursor(VirtAddr::new(0));
        let run = |(cell, page, there)| {
            let done = run(&mut cursor, page);
            assert_eq!(done.is_ok(), there, "{:?}", done.err());
            Some((cell, done.ok()?))
        };
        all.into_iter().filter_map(run).collect()
    }

    fn unmap_by_cursor(&mut self, cells: &[usize]) -> Vec<Held<R, C>> {
        // SAFETY: nothing is mapped in earnest.
        let done = self.by_cursor(cells, |cursor, page| unsafe { cursor.unmap(page) });
        done.into_iter().map(|(cell, token)| self.unmapped(token, cell..cell + 1)).collect()
    }

    fn protect_by_cursor(&mut self, cells: &[usize], kind: u8) -> Vec<Held<R, C>> {
        let (asked, attributes) = self.kind(kind);
        // SAFETY: nothing is mapped in earnest.
        let done = self.by_cursor(cells, |cursor, page| unsafe { cursor.protect(page, &Protect::all(asked)) });
        let hold = |(cell, token)| {
            self.model.protect(cell..cell + 1, attributes);
            self.hold(token, &Model::around(cell..cell + 1), Vec::new(), |()| None)
        };
        done.into_iter().map(hold).collect()
    }
}
