//! A map of what each cell translates to, and of who has each piece of memory; and what must hold of what cores have
//! cached.

use std::cell::RefCell;
use std::ops::Range;

use tablature::flush::Architecture;
use tablature::table::Attributes;

use super::program::How;
use super::window::{CELLS, SLOTS};
use super::world::{Outcome, Says, World};

/// Who has a piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Nobody,
    /// It is mapped in a cell.
    Cell(usize),
    /// It was, and what took it away is not flushed.
    Token(usize),
}

/// What the operations have said, without tables.
pub(crate) struct Model {
    /// Of the first byte of each cell.
    pub(crate) map: Vec<Outcome>,
    pub(crate) owners: Vec<Owner>,
    /// Cells of which tokens wait, and how many.
    unsettled: Vec<usize>,
}

/// What a cell is to be mapped to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) blocks: usize,
    pub(crate) attributes: Attributes,
}

impl Model {
    pub(crate) fn new<A: Architecture>(world: &World<A>) -> Self {
        Self {
            map: vec![Outcome::Absent; world.window.cells()],
            owners: vec![Owner::Nobody; world.window.frames()],
            unsettled: vec![0; world.window.cells()],
        }
    }

    pub(crate) fn is_absent(&self, cells: Range<usize>) -> bool {
        self.map[cells].iter().all(|outcome| *outcome == Outcome::Absent)
    }

    pub(crate) fn is_mapped(&self, cells: Range<usize>) -> bool {
        self.map[cells].iter().all(|outcome| *outcome != Outcome::Absent)
    }

    /// Memory that nobody has, or the same cell already: some blocks on.
    pub(crate) fn find<A: Architecture>(&self, world: &World<A>, cells: Range<usize>, how: How) -> Option<usize> {
        let moves = world.window.moves();
        let fits = |blocks: usize| {
            cells.clone().all(|cell| match self.owners[world.window.frame(cell, blocks)] {
                Owner::Nobody => true,
                Owner::Cell(of) => of == cell,
                Owner::Token(_) => false,
            })
        };
        (0..moves).map(|i| (usize::from(how.block) + i) % moves).find(|&blocks| fits(blocks))
    }

    /// The cell has this outcome now. The memory that it had belongs to the token then.
    fn set<A: Architecture>(&mut self, world: &World<A>, cell: usize, outcome: Outcome, freed: &mut Vec<usize>) {
        let frame = |outcome| match outcome {
            Outcome::To { phys, .. } => Some(world.window.frame_of(phys).expect("memory that was mapped")),
            Outcome::Absent => None,
        };
        let (old, new) = (frame(self.map[cell]), frame(outcome));
        if old != new {
            if let Some(old) = old {
                self.owners[old] = Owner::Token(cell);
                freed.push(old);
            }
            if let Some(new) = new {
                assert_eq!(self.owners[new], Owner::Nobody, "memory is given out twice");
                self.owners[new] = Owner::Cell(cell);
            }
        }
        self.map[cell] = outcome;
    }

    pub(crate) fn map<A: Architecture>(&mut self, world: &World<A>, cells: Range<usize>, to: Target) -> Vec<usize> {
        let mut freed = Vec::new();
        for cell in cells {
            let Attributes { access, memory, global } = to.attributes;
            let phys = world.window.phys(world.window.frame(cell, to.blocks));
            self.set(world, cell, Outcome::To { phys, access, memory, global }, &mut freed);
        }
        freed
    }

    /// Unless the operation was refused.
    pub(crate) fn map_if<A: Architecture>(
        &mut self,
        done: bool,
        world: &RefCell<World<A>>,
        cells: Range<usize>,
        to: Target,
    ) -> Vec<usize> {
        if done { self.map(&world.borrow(), cells, to) } else { Vec::new() }
    }

    pub(crate) fn unmap<A: Architecture>(&mut self, world: &World<A>, cells: Range<usize>) -> Vec<usize> {
        let mut freed = Vec::new();
        for cell in cells {
            self.set(world, cell, Outcome::Absent, &mut freed);
        }
        freed
    }

    pub(crate) fn protect(&mut self, cells: Range<usize>, to: Attributes) {
        for outcome in &mut self.map[cells] {
            if let Outcome::To { access, memory, global, .. } = outcome {
                (*access, *memory, *global) = (to.access, to.memory, to.global);
            }
        }
    }

    /// Whether one leaf could translate the slot.
    pub(crate) fn is_uniform<A: Architecture>(&self, world: &World<A>, slot: usize) -> bool {
        let first = self.map[slot * CELLS];
        let Outcome::To { phys, .. } = first else { return false };
        let start = world.window.virt(slot * CELLS);
        let cells = slot * CELLS..(slot + 1) * CELLS;
        phys % world.window.large == 0
            && cells.into_iter().all(|cell| self.map[cell] == first.at(world.window.virt(cell) - start))
    }

    /// Slots that hold the cells: what their tokens may be about.
    pub(crate) fn around(cells: Range<usize>) -> Range<usize> {
        cells.start / CELLS * CELLS..cells.end.div_ceil(CELLS).min(SLOTS) * CELLS
    }

    pub(crate) fn owe(&mut self, cells: Range<usize>) {
        self.unsettled[cells].iter_mut().for_each(|count| *count += 1);
    }

    /// A token of these cells was flushed, and gave this memory back.
    pub(crate) fn settle(&mut self, cells: Range<usize>, frames: Vec<usize>) {
        self.unsettled[cells].iter_mut().for_each(|count| *count -= 1);
        for frame in frames {
            assert!(matches!(self.owners[frame], Owner::Token(_)), "memory came back that had not been given up");
            self.owners[frame] = Owner::Nobody;
        }
    }

    /// The tables say what the operations said.
    pub(crate) fn check_tables<A: Architecture>(&self, world: &World<A>) {
        for (cell, &outcome) in self.map.iter().enumerate() {
            let (start, bytes) = (world.window.virt(cell), world.window.bytes(cell));
            let middle = bytes / 2 / world.window.page * world.window.page;
            for offset in [0, middle, bytes - world.window.page] {
                let said = world.truth(start + offset).0;
                let expected = if outcome == Outcome::Absent { outcome } else { outcome.at(offset) };
                assert_eq!(said, expected, "the tables at {:#x}", start + offset);
                if bytes == world.window.page {
                    break;
                }
            }
        }
    }

    /// Nothing that is cached is stale, where nothing is owed; and nowhere is anything cached of memory that somebody else
    /// may have.
    pub(crate) fn check_cached<A: Architecture>(&self, world: &mut World<A>) {
        world.obey();
        for (entry, says) in &world.cached {
            for cell in world.window.meets(entry.start, entry.bytes) {
                let first = entry.start.max(world.window.virt(cell));
                let behind = (entry.start + entry.bytes).min(world.window.virt(cell) + world.window.bytes(cell));
                for virt in [first, behind - world.window.page] {
                    let said = match *says {
                        Says::Leaf(Outcome::Absent) => Outcome::Absent,
                        Says::Leaf(outcome) => outcome.at(virt - entry.start),
                        Says::Table(table, level) => world.walk(virt, (table, level), |_, _| {}).0,
                    };
                    if let Err(wrong) = self.judge(world, cell, virt, said) {
                        let truth = self.map[cell];
                        panic!("{virt:#x}: {wrong}: {entry:x?} says {says:x?}, so {said:x?}; the cell has {truth:x?}");
                    }
                }
            }
        }
    }

    fn judge<A: Architecture>(&self, world: &World<A>, cell: usize, virt: u64, said: Outcome) -> Result<(), &str> {
        let truth = self.map[cell].at(virt - world.window.virt(cell));
        if said == truth {
            return Ok(());
        }
        if let Outcome::To { phys, .. } = said {
            let Some(frame) = world.window.frame_of(phys) else { return Err("no memory at all") };
            if !matches!(self.owners[frame], Owner::Cell(of) | Owner::Token(of) if of == cell) {
                return Err("memory of somebody else");
            }
        }
        if self.unsettled[cell] == 0 {
            return Err("stale");
        }
        let clash = match (said, truth) {
            (
                Outcome::To { phys, memory, global, .. },
                Outcome::To { phys: now, memory: as_now, global: is_now, .. },
            ) => (phys, memory, global) != (now, as_now, is_now),
            _ => false,
        };
        if world.setting.breaks && clash { Err("not broken before it was made") } else { Ok(()) }
    }
}
