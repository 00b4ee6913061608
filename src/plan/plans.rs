//! The plans of all spaces of a map, made once for rules and tables.

use crate::layout::{Demands, Layout, format_for};
use crate::map::Map;

use super::shape::Counter;
use super::{Shape, Step, Steps};

/// The plans of the first `S` spaces of a map, as far as there is room for their `K` steps.
#[derive(Debug)]
pub struct Plans<const K: usize, const S: usize> {
    steps: [Step; K],
    /// Where the steps of each space end.
    ends: [usize; S],
    shapes: [Shape; S],
    /// How many spaces are planned.
    len: usize,
}

impl<const K: usize, const S: usize> Plans<K, S> {
    /// Those of `map`. Cost: one pass over its regions, and one over the spaces that have no room.
    #[must_use]
    pub const fn of<const R: usize>(map: &Map<'_>, layout: &Layout<R>, demands: &Demands) -> Self {
        let mut plans = Self { steps: [Step::BLANK; K], ends: [0; S], shapes: [Shape::EMPTY; S], len: 0 };
        let mut end = 0;
        while plans.len < S && plans.len < map.spaces.len() {
            let format = format_for(map, &map.spaces[plans.len], demands);
            let mut counter = Counter::new(&format);
            let mut steps = Steps::new(map, layout, plans.len, &format);
            while let Some(step) = steps.step() {
                if end == K {
                    return plans;
                }
                counter.add(&format, &step);
                plans.steps[end] = step;
                end += 1;
            }
            plans.shapes[plans.len] = counter.shape(map.spaces[plans.len].self_map_slot.is_some());
            plans.ends[plans.len] = end;
            plans.len += 1;
        }
        plans
    }

    /// The shapes of the spaces that are planned.
    #[must_use]
    pub const fn shapes(&self) -> &[Shape] {
        self.shapes.split_at(self.len).0
    }

    /// The steps of a space, if it is planned.
    #[must_use]
    pub const fn steps(&self, space: usize) -> Option<&[Step]> {
        if space >= self.len {
            return None;
        }
        let start = if space == 0 { 0 } else { self.ends[space - 1] };
        Some(self.steps.split_at(self.ends[space]).0.split_at(start).1)
    }

    /// The shape of a space, if it is planned.
    #[must_use]
    pub const fn shape(&self, space: usize) -> Option<Shape> {
        if space < self.len { Some(self.shapes[space]) } else { None }
    }
}
