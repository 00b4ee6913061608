//! Identifiers of address spaces (ASID, VMID, PCID), of which there are fewer than spaces.

use core::fmt;
use core::marker::PhantomData;

use super::change::Duty;
use super::scope::{Extent, Id, Scope};
use super::token::TlbFlush;
use crate::edit::Kind;
use crate::tables::Shared;

/// Gives spaces their identifiers, on up to `CORES` cores.
///
/// Identifiers are given out one after the other. When they are used up a new generation begins: everything cached is
/// flushed, and spaces get new ones as they are entered. Those that run on some core at that moment keep theirs, so that a
/// space has one identifier, wherever it runs. No list of spaces is needed, and no memory.
///
/// A step takes as long as two looks at each core's record, under a lock; so no core enters it from an interrupt that may
/// have interrupted itself there.
pub struct Identifiers<K: Kind, const CORES: usize> {
    state: Shared<State<CORES>>,
    kind: PhantomData<fn() -> K>,
}

/// The identifier that a space has, if it has one; it belongs to the space.
#[derive(Debug, Default)]
pub struct Tag(Label);

/// That everything was flushed for the roll-over to a generation: the way to have one is the flush.
#[derive(Debug)]
#[must_use = "the identifiers of the generation are not in use before this is handed back"]
pub struct Rolled {
    generation: u64,
}

/// An identifier and the generation it was given out in; generation 0 is that of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Label {
    generation: u64,
    id: u16,
}

/// # Invariants
/// 1. No two spaces have tags of the current generation with one identifier: it is below `next` or carried, once.
/// 2. What a core may have in its registers is in its record, `running` or `entering`.
struct State<const CORES: usize> {
    generation: u64,
    /// The generation whose identifiers may be used without another flush.
    flushed: u64,
    /// The identifier to be given out next; above `last` when they are used up.
    next: u32,
    first: u32,
    last: u32,
    cores: [Record; CORES],
    /// What the cores had at the last roll-over.
    carried: [Record; CORES],
}

/// What a core has in its registers, and what it will have soon.
#[derive(Clone, Copy, Default)]
struct Record {
    running: Label,
    entering: Label,
}

impl Tag {
    /// No identifier yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Label::NONE)
    }
}

impl Label {
    const NONE: Self = Self { generation: 0, id: 0 };
}

impl Record {
    const NONE: Self = Self { running: Label::NONE, entering: Label::NONE };

    const fn labels(&mut self) -> [&mut Label; 2] {
        [&mut self.running, &mut self.entering]
    }

    const fn has(&self, id: u32) -> bool {
        (self.running.generation != 0 && self.running.id as u32 == id)
            || (self.entering.generation != 0 && self.entering.id as u32 == id)
    }
}

impl<K: Kind, const CORES: usize> Identifiers<K, CORES> {
    /// Identifiers from `first` on (those below belong to the kernel) of `bits` bits; `None` if these are more than 16
    /// bits, or too few identifiers: two for each core, and one.
    #[must_use]
    pub const fn new(first: u16, bits: u32) -> Option<Self> {
        if bits > 16 || (1 << bits) < first as u64 + 2 * CORES as u64 + 1 {
            return None;
        }
        let state = State {
            generation: 1,
            flushed: 1,
            next: first as u32,
            first: first as u32,
            last: (1 << bits) - 1,
            cores: [Record::NONE; CORES],
            carried: [Record::NONE; CORES],
        };
        Some(Self { state: Shared::new(state), kind: PhantomData })
    }

    /// Switches core `core`, which runs this, to the space with `tag`; `None` if there is no such core.
    ///
    /// `activate` gets the identifier, and writes it to the registers together with the root. Before that `flush` is
    /// called where identifiers were used up: it flushes the token, on all cores, and gives back what comes out of it.
    /// Whatever was cached under the identifier is gone when `activate` is called. The space in `activate` is the one of
    /// the tag, and flushes of it name the identifier that the tag got last.
    pub fn enter<T>(
        &self,
        core: usize,
        tag: &mut Tag,
        flush: impl FnOnce(TlbFlush<K, Rolled>) -> Rolled,
        activate: impl FnOnce(Id) -> T,
    ) -> Option<T> {
        let (label, owed) = self.state.with(|state| state.begin(core, &mut tag.0))?;
        if let Some(rolled) = owed {
            let everything = Scope { duty: Duty::WALK, extent: Extent::Everywhere, id: Id::Every };
            let rolled = flush(TlbFlush::new(everything, rolled));
            self.state.with(|state| state.flushed = state.flushed.max(rolled.generation));
        }
        let result = activate(Id::One(label.id));
        self.state.with(|state| {
            if let Some(record) = state.cores.get_mut(core) {
                record.running = record.entering;
            }
        });
        Some(result)
    }

    /// Core `core` runs none of the spaces any more, and has none in its registers.
    pub fn leave(&self, core: usize) {
        self.state.with(|state| {
            if let Some(record) = state.cores.get_mut(core) {
                *record = Record::NONE;
            }
        });
    }

    /// How many generations there were before this one.
    #[must_use]
    pub fn rolls(&self) -> u64 {
        self.state.with(|state| state.generation - 1)
    }
}

impl<const CORES: usize> State<CORES> {
    /// The label for the space, up to date, and what is owed before it is used.
    fn begin(&mut self, core: usize, label: &mut Label) -> Option<(Label, Option<Rolled>)> {
        if core >= CORES {
            return None;
        }
        if label.generation != self.generation {
            match self.carry(*label) {
                Some(same) => *label = same,
                None => *label = self.give(),
            }
        }
        self.cores.get_mut(core)?.entering = *label;
        let owed = (self.flushed < self.generation).then_some(Rolled { generation: self.generation });
        Some((*label, owed))
    }

    /// The label of a space that ran somewhere when the generation began, which has the same identifier in this one.
    fn carry(&mut self, old: Label) -> Option<Label> {
        let new = Label { generation: self.generation, id: old.id };
        let mut found = false;
        for label in self.carried.iter_mut().flat_map(Record::labels) {
            if *label == old && old.generation != 0 {
                *label = new;
                found = true;
            }
        }
        if !found {
            return None;
        }
        // Cores that run it still know it by its old label.
        for label in self.cores.iter_mut().flat_map(Record::labels).filter(|label| **label == old) {
            *label = new;
        }
        Some(new)
    }

    /// A new label, of a new generation where this one is used up.
    fn give(&mut self) -> Label {
        self.skip();
        if self.next > self.last {
            self.generation += 1;
            self.next = self.first;
            self.carried = self.cores;
            self.skip();
        }
        let label = Label { generation: self.generation, id: self.next as u16 };
        self.next += 1;
        label
    }

    /// Passes over identifiers that were carried into this generation.
    fn skip(&mut self) {
        while self.carried.iter().any(|record| record.has(self.next)) {
            self.next += 1;
        }
    }
}

impl<K: Kind, const CORES: usize> fmt::Debug for Identifiers<K, CORES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifiers for {CORES} cores")
    }
}

#[cfg(test)]
mod tests;
