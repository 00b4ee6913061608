//! How many tables there are, and which is which.

use crate::format::{Format, MAX_LEVELS};
use crate::layout::{Layout, format_of};
use crate::map::Map;

use super::step::{Step, Steps};

/// The tables of a space: roots first, then level by level down to the leaf tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Tables at each level below the root.
    pub count: [usize; MAX_LEVELS],
    /// Whether the lower range has a root (where one root serves both halves, this one).
    pub lower: bool,
    /// Whether the upper range has a root of its own.
    pub upper: bool,
    /// Tables that one root occupies.
    pub root_tables: usize,
    /// Lookup levels.
    pub levels: usize,
}

impl Shape {
    /// A shape without tables.
    pub const EMPTY: Self = Self { count: [0; MAX_LEVELS], lower: false, upper: false, root_tables: 0, levels: 0 };

    /// The shape of a space.
    #[must_use]
    pub const fn of<const R: usize>(map: &Map<'_>, layout: &Layout<R>, space: usize, format: &Format) -> Self {
        let mut counter = Counter::new(format);
        let mut steps = Steps::bare(map, layout, space, format);
        while let Some(step) = steps.step() {
            counter.add(format, &step);
        }
        counter.shape(map.spaces[space].self_map_slot.is_some())
    }

    /// The shape of a list of ascending steps; a recursive root entry needs a root even where there is no step.
    #[must_use]
    pub const fn of_steps(steps: &[Step], format: &Format, self_map: bool) -> Self {
        let mut counter = Counter::new(format);
        let mut i = 0;
        while i < steps.len() {
            counter.add(format, &steps[i]);
            i += 1;
        }
        counter.shape(self_map)
    }

    /// All tables, each page of a concatenated root counted; `usize::MAX` where there are too many for a `usize`.
    #[must_use]
    pub const fn tables(&self) -> usize {
        self.first(0).saturating_add(self.count[0])
    }

    /// Number of the first table at `level`, which is below the root.
    #[must_use]
    pub const fn first(&self, level: usize) -> usize {
        let mut n = self.root_tables.saturating_mul(self.lower as usize + self.upper as usize);
        let mut l = self.levels.saturating_sub(1);
        while l > level + 1 {
            l -= 1;
            n = n.saturating_add(self.count[l]);
        }
        n
    }

    /// Number of the first table of the root of the range that `upper` names.
    #[must_use]
    pub const fn root(&self, upper: bool) -> usize {
        if upper && self.upper && self.lower { self.root_tables } else { 0 }
    }
}

/// Counts tables while steps go by.
pub(super) struct Counter {
    shape: Shape,
    /// Which table of each level the last step ended in.
    last: [Option<u64>; MAX_LEVELS],
}

impl Counter {
    pub(super) const fn new(format: &Format) -> Self {
        let shape = Shape { root_tables: format.root_tables() as usize, levels: format.levels, ..Shape::EMPTY };
        Self { shape, last: [None; MAX_LEVELS] }
    }

    /// What was counted; a recursive root entry needs a root even where there is no step.
    pub(super) const fn shape(self, self_map: bool) -> Shape {
        Shape { lower: self.shape.lower | self_map, ..self.shape }
    }

    pub(super) const fn add(&mut self, format: &Format, step: &Step) {
        if format.split_roots && format.is_upper(step.virt) {
            self.shape.upper = true;
        } else {
            self.shape.lower = true;
        }
        let end = step.virt.wrapping_add((step.count << format.level[step.level].shift).wrapping_sub(1));
        let mut level = step.level;
        while level + 1 < format.levels {
            let shift = format.level[level + 1].shift;
            let (first, last) = (step.virt >> shift, end >> shift);
            let seen = matches!(self.last[level], Some(key) if key == first);
            self.shape.count[level] = self.shape.count[level].saturating_add(tables_between(first, last, seen));
            self.last[level] = Some(last);
            level += 1;
        }
    }
}

/// How many tables have the keys `first` to `last`, without the first one where it was `seen` before.
const fn tables_between(first: u64, last: u64, seen: bool) -> usize {
    let n = last.saturating_sub(first).saturating_add(!seen as u64);
    // Where pointers have 32 bits, the tables of a 64-bit format may be more than any memory there holds.
    if n > usize::MAX as u64 { usize::MAX } else { n as usize }
}

/// The exact number of tables of a space, roots included.
#[must_use]
pub const fn tables<const R: usize>(map: &Map<'_>, layout: &Layout<R>, space: usize) -> usize {
    let format = format_of(map, &map.spaces[space]);
    Shape::of(map, layout, space, &format).tables()
}
