//! Programs on a regime, beside the model.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Limits, Live, Mapping, Protect, Reclaim};
use tablature::flush::{Batch, Id, Maintain, Reach, TlbFlush};
use tablature::format::{Format, Leaf, View};
use tablature::page::{HasLeaf, Page, PageSize};
use tablature::regime::Regime;
use tablature::table::Attributes;
use tablature::tables::Tables;

use super::leaf::single;
use super::machine::{Machine, Speculating};
use super::model::{Model, Target};
use super::program::{Cells, How, Leaves, Op, Program, Then};
use super::window::{CELLS, SLOTS};
use super::world::{Setting, World};

/// What tokens own, all in one type.
pub(super) struct Released<R: Maintain, C: Reach> {
    pub(super) tables: Vec<Tables<Speculating<R, C>>>,
    pub(super) frames: Vec<usize>,
    pub(super) cells: Vec<Range<usize>>,
}

pub(super) type Token<R, C, T> = TlbFlush<Speculating<R, C>, T>;
pub(super) type Held<R, C> = Token<R, C, Released<R, C>>;

/// The same obligation with something else in it.
pub(super) fn swap<R: Maintain, C: Reach, T, U>(token: Token<R, C, T>, with: impl FnOnce(T) -> U) -> Token<R, C, U> {
    let scope = token.scope();
    // SAFETY: what was released is inside the next token at once.
    let released = unsafe { token.assume_flushed() };
    TlbFlush::new(scope, with(released))
}

/// A space with pages of size `P` and large ones of size `L`, and all that watches it.
pub(super) struct Run<R: Maintain, C: Reach, P, L> {
    pub(super) space: AddressSpace<Speculating<R, C>, Live>,
    pub(super) world: Rc<RefCell<World<R::Architecture>>>,
    pub(super) model: Model,
    held: Vec<Held<R, C>>,
    /// What is asked for, and what entries can say of it.
    pub(super) kinds: Vec<(Attributes, Attributes)>,
    sizes: std::marker::PhantomData<(P, L)>,
}

/// What the operations can ask for.
fn kinds(format: &Format, id: Id) -> Vec<(Attributes, Attributes)> {
    let mut kinds = Vec::new();
    let access = |rights| if format.user_required { Access::user(rights) } else { Access::kernel(rights) };
    for (rights, memory) in [
        (Rights::RWX, MemoryType::NormalWb),
        (Rights::RX, MemoryType::NormalWb),
        (Rights::RWX, MemoryType::DeviceNgnrne),
    ] {
        for global in [false, true] {
            let leaf = Leaf { address: 0, access: access(rights), memory, global, run: 0, software: 0, guarded: false };
            let lacks = memory != MemoryType::NormalWb && !format.memory_override.is_empty();
            if lacks || (global && id != Id::Every) {
                continue;
            }
            if let (Some(word), Some(_)) = (format.encode_leaf(0, &leaf), format.encode_leaf(1, &leaf))
                && let View::Leaf(seen) = format.view(0, word)
            {
                let asked = Attributes { access: leaf.access, memory, global };
                kinds.push((asked, Attributes { access: seen.access, memory: seen.memory, global: seen.global }));
            }
        }
    }
    kinds
}

impl<R, C: Reach, P: PageSize, L: PageSize> Run<R, C, P, L>
where
    R: Maintain + HasLeaf<P> + HasLeaf<L>,
{
    fn new(setting: Setting<R::Architecture>, seed: u64) -> Self {
        let (id, format) = (setting.id, const { &<R as Regime>::FORMAT });
        let world = Rc::new(RefCell::new(World::new(format, 1 + u8::from(C::EVERY_CORE), seed, setting)));
        let space = AddressSpace::<Speculating<R, C>>::new(Machine(world.clone()), Halves::Lower).expect("memory");
        world.borrow_mut().root = space.roots().lower;
        // SAFETY: there is no hardware.
        let space = unsafe { space.with_id(id).assume_live(Machine(world.clone())) };
        let model = Model::new(&world.borrow());
        let kinds = kinds(format, id);
        Self { space, world, model, held: Vec::new(), kinds, sizes: std::marker::PhantomData }
    }

    pub(super) fn kind(&self, kind: u8) -> (Attributes, Attributes) {
        self.kinds[usize::from(kind) % self.kinds.len()]
    }

    fn range(&self, cells: Cells) -> Range<usize> {
        let all = SLOTS * CELLS;
        // A whole slot.
        if cells.count == u8::MAX {
            let slot = usize::from(cells.first / 64) % SLOTS;
            return slot * CELLS..(slot + 1) * CELLS;
        }
        let first = usize::from(cells.first) % all;
        first..(first + 1 + usize::from(cells.count)).min(all)
    }

    pub(super) fn virt(&self, cell: usize) -> VirtAddr {
        VirtAddr::new(self.world.borrow().window.virt(cell))
    }

    fn bytes(&self, cells: &Range<usize>) -> u64 {
        let window = self.world.borrow().window;
        cells.clone().map(|cell| window.bytes(cell)).sum()
    }

    pub(super) fn phys(&self, cell: usize, blocks: usize) -> PhysAddr {
        let window = self.world.borrow().window;
        PhysAddr::new(window.phys(window.frame(cell, blocks)))
    }

    pub(super) fn find(&self, cells: &Range<usize>, how: How) -> Option<usize> {
        self.model.find(&self.world.borrow(), cells.clone(), how)
    }

    /// The model owes and keeps what the token says.
    pub(super) fn hold<T>(
        &mut self,
        token: Token<R, C, T>,
        cells: &Range<usize>,
        frames: Vec<usize>,
        tables: impl FnOnce(T) -> Option<Tables<Speculating<R, C>>>,
    ) -> Held<R, C> {
        self.model.owe(cells.clone());
        swap(token, |released| Released {
            tables: tables(released).into_iter().collect(),
            frames,
            cells: vec![cells.clone()],
        })
    }

    fn step(&mut self, op: Op) -> Option<Held<R, C>> {
        match op {
            Op::Map { cells, how } => self.map(self.range(cells), how, false),
            Op::Replace { cells, how } => self.map(self.range(cells), how, true),
            Op::Unmap { cells } => self.unmap(self.range(cells), Reclaim::Keep),
            Op::Reclaim { cells } => self.unmap(self.range(cells), Reclaim::Free),
            Op::Protect { cells, kind } => self.protect(self.range(cells), kind),
            Op::Split { cell } => self.split(usize::from(cell) % (SLOTS * CELLS)),
            Op::Promote { slot } => self.promote(usize::from(slot) % SLOTS),
            Op::Page { single: cell, what } => {
                let cell = single(cell);
                self.one::<P>(cell..cell + 1, what)
            }
            Op::Large { slot, what } => {
                let slot = usize::from(slot) % SLOTS;
                self.one::<L>(slot * CELLS..(slot + 1) * CELLS, what)
            }
            Op::Cursor { single, count, what } => self.cursor(single, count, what),
        }
    }

    fn map(&mut self, cells: Range<usize>, how: How, replace: bool) -> Option<Held<R, C>> {
        let blocks = self.find(&cells, how)?;
        let (asked, attributes) = self.kind(how.kind);
        let limits = match how.leaves {
            Leaves::Any => Limits::ANY,
            Leaves::Pages => Limits::PAGES,
            Leaves::Runs => Limits { runs: true, ..Limits::ANY },
        };
        let request = Mapping::new(self.virt(cells.start), self.phys(cells.start, blocks), self.bytes(&cells), asked);
        let request = if replace { request.replacing() } else { request }.limited(limits);
        let expected = replace || self.model.is_absent(cells.clone());
        // SAFETY: nothing is mapped in earnest.
        let token = unsafe { self.space.map(&request) };
        assert_eq!(token.is_ok(), expected, "{token:?}");
        let frames = self.model.map_if(token.is_ok(), &self.world, cells.clone(), Target { blocks, attributes });
        Some(self.hold(token.ok()?, &Model::around(cells), frames, Some))
    }

    fn unmap(&mut self, cells: Range<usize>, reclaim: Reclaim) -> Option<Held<R, C>> {
        // SAFETY: nothing is mapped in earnest.
        let token = unsafe { self.space.unmap(self.virt(cells.start), self.bytes(&cells), reclaim) };
        let token = token.expect("holes are no error");
        let frames = self.model.unmap(&self.world.borrow(), cells.clone());
        // Tables above may go, too.
        let around = if reclaim == Reclaim::Free { 0..SLOTS * CELLS } else { Model::around(cells) };
        Some(self.hold(token, &around, frames, Some))
    }

    fn protect(&mut self, cells: Range<usize>, kind: u8) -> Option<Held<R, C>> {
        let (asked, attributes) = self.kind(kind);
        // SAFETY: nothing is mapped in earnest.
        let token = unsafe { self.space.protect(self.virt(cells.start), self.bytes(&cells), &Protect::all(asked)) };
        assert_eq!(token.is_ok(), self.model.is_mapped(cells.clone()), "{token:?}");
        let token = token.ok()?;
        self.model.protect(cells.clone(), attributes);
        Some(self.hold(token, &Model::around(cells), Vec::new(), |()| None))
    }

    fn split(&mut self, cell: usize) -> Option<Held<R, C>> {
        // SAFETY: nothing is mapped in earnest.
        let token = unsafe { self.space.split::<P>(self.virt(cell)) };
        assert_eq!(token.is_ok(), self.model.is_mapped(cell..cell + 1), "{token:?}");
        let token = token.ok()?;
        assert_eq!(self.world.borrow().truth(self.virt(cell).as_u64()).1, 0, "a page");
        Some(self.hold(token, &Model::around(cell..cell + 1), Vec::new(), |()| None))
    }

    fn promote(&mut self, slot: usize) -> Option<Held<R, C>> {
        let cells = slot * CELLS..(slot + 1) * CELLS;
        // SAFETY: nothing is mapped in earnest.
        let token = unsafe { self.space.promote::<L>(Page::containing(self.virt(cells.start))) };
        assert_eq!(token.is_ok(), self.model.is_uniform(&self.world.borrow(), slot), "{token:?}");
        let token = token.ok()?;
        assert_eq!(self.world.borrow().truth(self.virt(cells.start).as_u64()).1, 1, "a large leaf");
        Some(self.hold(token, &cells, Vec::new(), Some))
    }

    fn finish(&mut self, token: Held<R, C>) {
        let released = self.space.flush(token);
        self.settle(released);
    }

    fn settle(&mut self, released: Released<R, C>) {
        let Released { tables, frames, cells } = released;
        for tables in tables {
            tables.free(self.space.memory_mut());
        }
        let mut frames = Some(frames);
        for cells in cells {
            self.model.settle(cells, frames.take().unwrap_or_default());
        }
    }

    fn then(&mut self, token: Option<Held<R, C>>, then: Then) {
        match then {
            Then::Flush => token.into_iter().for_each(|token| self.finish(token)),
            Then::Keep => self.held.extend(token),
            Then::Join => {
                self.held.extend(token);
                if let Some(all) = std::mem::take(&mut self.held).into_iter().reduce(join) {
                    self.finish(all);
                }
            }
            Then::Batch => {
                self.held.extend(token);
                let (mut batch, mut done) = (Batch::<Speculating<R, C>, 3, Released<R, C>>::new(), Vec::new());
                for token in std::mem::take(&mut self.held) {
                    batch.put(token, self.space.hardware(), |released| done.push(released));
                }
                done.extend(batch.flush(self.space.hardware()));
                done.into_iter().for_each(|released| self.settle(released));
            }
        }
    }

    fn check(&self) {
        let mut world = self.world.borrow_mut();
        self.model.check_tables(&world);
        self.model.check_cached(&mut world);
    }

    /// Everything is flushed, and every table comes back.
    fn end(mut self) {
        for token in std::mem::take(&mut self.held) {
            self.finish(token);
            self.check();
        }
        // SAFETY: cores stop before the tables are given back.
        let (token, mut hardware) = unsafe { self.space.retire() };
        self.world.borrow_mut().root = None;
        let offline = token.flush(&mut hardware);
        self.world.borrow_mut().obey();
        assert_eq!(self.world.borrow().cached, [], "what is left of a space that retired");
        offline.free();
        assert_eq!(self.world.borrow().tables_in_use(), 0, "tables that were lost");
    }
}

pub(super) fn join<R: Maintain, C: Reach>(one: Held<R, C>, other: Held<R, C>) -> Held<R, C> {
    swap(one.join(other), |(mut one, other)| {
        one.tables.extend(other.tables);
        one.frames.extend(other.frames);
        one.cells.extend(other.cells);
        one
    })
}

/// Runs a program on regime `R`, whose pages and large leaves have these sizes, on the cores of `C`.
pub(crate) fn run<R, C: Reach, P: PageSize, L: PageSize>(program: &Program, setting: Setting<R::Architecture>)
where
    R: Maintain + HasLeaf<P> + HasLeaf<L>,
{
    let mut run = Run::<R, C, P, L>::new(setting, program.seed);
    for step in &program.steps {
        run.world.borrow_mut().speculate();
        let token = run.step(step.op);
        // An interpreter looks once a step.
        if cfg!(not(miri)) {
            run.check();
        }
        run.then(token, step.then);
        run.check();
    }
    run.end();
}
