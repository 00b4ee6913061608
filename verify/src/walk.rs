//! Everything that a root reaches.

use crate::decode::{Attributes, Limits, Place, Word};
use crate::memory::PhysicalMemory;
use crate::scheme::{Halves, Scheme};

/// Entries that one walk reads at most. A map whose tables are 1 GiB in size has as many.
pub const MOST_ENTRIES: u64 = 1 << 27;

/// Where the roots are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// That of the lower half, or the only one.
    pub lower: Option<u64>,
    /// That of the upper half, where roots are split.
    pub upper: Option<u64>,
}

/// One leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Where it maps.
    pub virt: u64,
    /// What it maps.
    pub phys: u64,
    /// Its level; 0 is that of pages.
    pub level: usize,
    /// Physical address of the entry.
    pub place: u64,
    /// What it grants.
    pub attributes: Attributes,
}

/// What a walk meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    /// A leaf.
    Leaf(Leaf),
    /// A table, before anything below it.
    Table {
        /// The first address that it translates.
        virt: u64,
        /// Its level.
        level: usize,
        /// Its physical address.
        phys: u64,
    },
    /// An entry that points to a table which the walk came through: a recursive slot.
    Loop {
        /// The first address that it would translate.
        virt: u64,
        /// Level of the entry.
        level: usize,
        /// Physical address of the entry.
        place: u64,
        /// The table that it points to.
        phys: u64,
    },
    /// What cannot be, or cannot be read.
    Fault(Fault),
}

/// What cannot be, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first address that depends on it.
    pub virt: u64,
    /// Level of the entry.
    pub level: usize,
    /// Physical address of the entry, or of the root.
    pub place: u64,
    /// What is wrong.
    pub why: String,
}

/// A table that the walk is in.
#[derive(Debug)]
struct Frame {
    phys: u64,
    level: usize,
    index: u64,
    entries: u64,
    /// What the first entry translates, before it is extended.
    start: u64,
    limits: Limits,
}

/// All leaves and tables below some roots, in the order of their addresses.
#[derive(Debug)]
pub struct Walk<'a> {
    memory: &'a PhysicalMemory,
    scheme: Scheme,
    /// Roots not entered yet, the last one first, with the address at which each starts.
    roots: Vec<(u64, u64)>,
    /// The way to the current entry.
    stack: Vec<Frame>,
    /// Entries that may still be read.
    budget: u64,
}

impl<'a> Walk<'a> {
    /// A walk of tables of this kind.
    #[must_use]
    pub fn new(memory: &'a PhysicalMemory, scheme: Scheme, roots: Roots) -> Self {
        let upper = roots.upper.filter(|_| scheme.halves() == Halves::Split).map(|root| (root, scheme.upper_start()));
        let roots = upper.into_iter().chain(roots.lower.map(|root| (root, 0))).collect();
        Self { memory, scheme, roots, stack: Vec::new(), budget: MOST_ENTRIES }
    }

    /// The same, where another number of entries is read at most.
    #[must_use]
    pub fn bounded(memory: &'a PhysicalMemory, scheme: Scheme, roots: Roots, entries: u64) -> Self {
        Self { budget: entries, ..Self::new(memory, scheme, roots) }
    }

    /// Enters a table, if it can be read.
    fn enter(&mut self, phys: u64, level: usize, start: u64, place: u64, limits: Limits) -> Visit {
        let virt = self.scheme.extended(start);
        let entries = self.scheme.entries(level);
        if !self.memory.holds(phys, entries * self.scheme.entry_bytes()) {
            let why = format!("the table at the physical address {phys:#x} is not in {}", self.memory.about());
            return Visit::Fault(Fault { virt, level, place, why });
        }
        let (index, entries) = if level + 1 == self.scheme.levels { self.scheme.reached(start) } else { (0, entries) };
        self.stack.push(Frame { phys, level, index, entries, start, limits });
        Visit::Table { virt, level, phys }
    }

    /// The next entry of the innermost table that has one left.
    fn advance(&mut self) -> Option<(Place, u64, u64)> {
        while self.stack.last().is_some_and(|frame| frame.index == frame.entries) {
            self.stack.pop();
        }
        let shift = |level| self.scheme.shift(level);
        let frame = self.stack.last_mut()?;
        let index = frame.index;
        frame.index += 1;
        let place = frame.phys + index * self.scheme.entry_bytes();
        let start = frame.start | index << shift(frame.level);
        Some((Place { level: frame.level, index, limits: frame.limits }, place, start))
    }

    fn visit(&mut self, entry: &Place, place: u64, start: u64) -> Option<Visit> {
        let virt = self.scheme.extended(start);
        let level = entry.level;
        let fault = |why: String| Some(Visit::Fault(Fault { virt, level, place, why }));
        let Some(word) = self.memory.word(place, self.scheme.entry_bytes()) else {
            return fault("the entry cannot be read".to_owned());
        };
        match self.scheme.decode(entry, word) {
            Word::Absent => None,
            Word::Reserved(why) => fault(format!("the entry {word:#x} is reserved: {why}")),
            Word::Leaf { phys, attributes } => Some(Visit::Leaf(Leaf { virt, phys, level, place, attributes })),
            Word::Table { phys, .. } if self.stack.iter().any(|frame| frame.phys == phys) => {
                Some(Visit::Loop { virt, level, place, phys })
            }
            Word::Table { phys, limits } => Some(self.enter(phys, level - 1, start, place, entry.limits.and(limits))),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        loop {
            let Some((entry, place, start)) = self.advance() else {
                let (root, start) = self.roots.pop()?;
                return Some(self.enter(root, self.scheme.levels - 1, start, root, Limits::NONE));
            };
            if self.budget == 0 {
                self.stack.clear();
                self.roots.clear();
                let why = "there are more entries than a walk reads: tables are reached again and again".to_owned();
                return Some(Visit::Fault(Fault { virt: self.scheme.extended(start), level: entry.level, place, why }));
            }
            self.budget -= 1;
            if let Some(visit) = self.visit(&entry, place, start) {
                return Some(visit);
            }
        }
    }
}

/// Leaves that follow each other in both address spaces and are equal otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub first: Leaf,
    /// Bytes of each.
    pub size: u64,
    /// How many there are.
    pub count: u64,
}

impl Run {
    /// Bytes of all.
    #[must_use]
    pub const fn bytes(&self) -> u128 {
        self.size as u128 * self.count as u128
    }

    /// First address behind them.
    #[must_use]
    pub const fn end(&self) -> u128 {
        self.first.virt as u128 + self.bytes()
    }

    /// Whether it is aligned to the runs (contiguous bit, NAPOT) that its entries are marked to form, and is all of them.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        let run = self.first.attributes.run;
        run == 0 || self.first.virt % run == 0 && self.first.phys % run == 0 && self.bytes() % run as u128 == 0
    }

    /// Whether `leaf` comes next.
    fn goes_on_with(&self, leaf: &Leaf) -> bool {
        u128::from(leaf.virt) == self.end()
            && u128::from(leaf.phys) == u128::from(self.first.phys) + self.bytes()
            && leaf.level == self.first.level
            && leaf.attributes == self.first.attributes
    }
}

/// Goes over two sorted lists of ranges (start, end), and hands on each range in which nothing begins or ends, with the
/// indices of what is there in the one and in the other.
pub fn sweep(
    one: &[(u128, u128)],
    other: &[(u128, u128)],
    mut visit: impl FnMut(u128, u128, Option<usize>, Option<usize>),
) {
    let (mut a, mut b, mut at) = (0, 0, 0);
    while a < one.len() || b < other.len() {
        let ranges = [one.get(a).copied(), other.get(b).copied()];
        let all = || ranges.into_iter().flatten();
        let start = all().map(|(start, _)| start.max(at)).min().unwrap_or(at);
        // The next place where either begins or ends.
        let end = all().map(|(from, to)| if from <= start { to } else { from }).min().unwrap_or(at);
        let is_here = |range: Option<(u128, u128)>| range.is_some_and(|(from, to)| from <= start && start < to);
        if end > start {
            visit(start, end, is_here(ranges[0]).then_some(a), is_here(ranges[1]).then_some(b));
        }
        at = end.max(at);
        a += usize::from(ranges[0].is_some_and(|(_, to)| to <= at));
        b += usize::from(ranges[1].is_some_and(|(_, to)| to <= at));
    }
}

/// What a walk found, as a whole.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Maximal runs of equal leaves, in the order of their addresses.
    pub runs: Vec<Run>,
    /// Each table: the first address that it translates, level, physical address.
    pub tables: Vec<(u64, usize, u64)>,
    /// Entries that point to a table above them: address, level, place of the entry, table.
    pub loops: Vec<(u64, usize, u64, u64)>,
    /// What cannot be.
    pub faults: Vec<Fault>,
}

/// Faults that are kept of one walk.
const MOST_FAULTS: usize = 1000;

impl Found {
    /// Walks to the end.
    #[must_use]
    pub fn by(walk: Walk<'_>) -> Self {
        let scheme = walk.scheme;
        let mut found = Self::default();
        for visit in walk {
            match visit {
                Visit::Leaf(leaf) => match found.runs.last_mut() {
                    Some(run) if run.goes_on_with(&leaf) => run.count += 1,
                    _ => found.runs.push(Run { first: leaf, size: scheme.leaf_bytes(leaf.level), count: 1 }),
                },
                Visit::Table { virt, level, phys } => found.tables.push((virt, level, phys)),
                Visit::Loop { virt, level, place, phys } => found.loops.push((virt, level, place, phys)),
                Visit::Fault(fault) if found.faults.len() < MOST_FAULTS => found.faults.push(fault),
                Visit::Fault(_) => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Family;

    const BASE: u64 = 0x8000_0000;

    /// Tables of one page each from `BASE` on: number, index, word.
    fn memory(tables: usize, words: &[(usize, usize, u64)]) -> PhysicalMemory {
        let mut bytes = vec![0; tables << 12];
        for (table, index, word) in words {
            let at = (table << 12) + index * 8;
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        let mut memory = PhysicalMemory::default();
        memory.add_dump(BASE, bytes).expect("fits");
        memory
    }

    fn table(number: u64) -> u64 {
        (BASE + (number << 12)) >> 2 | 1
    }

    fn sv39(memory: &PhysicalMemory) -> Found {
        let scheme = Scheme::new(Family::Sv39, 12, None).expect("exists");
        Found::by(Walk::new(memory, scheme, Roots { lower: Some(BASE), upper: None }))
    }

    #[test]
    fn equal_leaves_are_one_run_across_tables() {
        let leaf = |page: u64| page << 10 | 0xcf;
        let mut words = vec![(0, 2, table(1)), (1, 0, table(2)), (1, 1, table(3))];
        words.extend((0..1024).map(|page| (2 + page / 512, page % 512, leaf(0x100 + page as u64))));
        let found = sv39(&memory(4, &words));
        assert_eq!(found.runs.len(), 1);
        let run = found.runs[0];
        assert_eq!((run.first.virt, run.first.phys, run.size, run.count), (0x8000_0000, 0x10_0000, 0x1000, 1024));
        assert_eq!(found.tables.len(), 4);
        assert!(found.faults.is_empty() && found.loops.is_empty());
    }

    #[test]
    fn a_difference_ends_a_run() {
        let words = [
            (0, 0, table(1)),
            (1, 0, table(2)),
            (2, 0, 0x100 << 10 | 0xcf),
            (2, 1, 0x101 << 10 | 0xc7),
            (2, 2, 0x103 << 10 | 0xc7),
            (2, 4, 0x105 << 10 | 0xc7),
        ];
        assert_eq!(sv39(&memory(3, &words)).runs.len(), 4, "rights, address, gap");
    }

    #[test]
    fn a_cycle_is_reported_once_and_not_entered() {
        let words = [(0, 0, table(1)), (1, 5, table(0)), (1, 6, table(1)), (0, 511, table(0))];
        let found = sv39(&memory(2, &words));
        assert_eq!(found.loops.len(), 3);
        assert_eq!(found.tables.len(), 2);
        assert_eq!(found.loops[2].0, 0xffff_ffff_c000_0000);
    }

    /// Each table points to the next one in each of its entries: 512 to the power of 4 ways.
    #[test]
    fn a_walk_ends_though_tables_are_shared_without_end() {
        let scheme = Scheme::new(Family::Level5, 12, None).expect("exists");
        let words: Vec<_> = (0..4)
            .flat_map(|table| (0..512).map(move |index| (table, index, (BASE + ((table as u64 + 1) << 12)) | 7)))
            .collect();
        let memory = memory(5, &words);
        let walk = Walk::bounded(&memory, scheme, Roots { lower: Some(BASE), upper: None }, 100_000);
        let found = Found::by(walk);
        assert_eq!(found.faults.len(), 1);
        assert!(found.faults[0].why.contains("again and again"));
    }

    #[test]
    fn tables_that_are_not_there_are_faults() {
        let found = sv39(&memory(1, &[(0, 1, table(7)), (0, 2, 0x8000_0000_0000_00cf)]));
        assert_eq!(found.faults.len(), 2);
        assert!(found.faults[0].why.contains("0x80007000"), "{}", found.faults[0].why);
        assert!(found.faults[1].why.contains("reserved"), "{}", found.faults[1].why);
        let scheme = Scheme::new(Family::Sv39, 12, None).expect("exists");
        let memory = PhysicalMemory::default();
        let nowhere = Walk::new(&memory, scheme, Roots { lower: Some(0), upper: None });
        assert_eq!(Found::by(nowhere).faults.len(), 1);
    }

    #[test]
    fn split_roots_each_have_their_half() {
        let scheme = Scheme::new(Family::El1, 12, Some(39)).expect("exists");
        let memory = memory(2, &[(0, 1, 0x4000_0701), (1, 1, 0x8000_0701)]);
        let walk = Walk::new(&memory, scheme, Roots { lower: Some(BASE), upper: Some(BASE + 0x1000) });
        let found = Found::by(walk);
        let starts: Vec<_> = found.runs.iter().map(|run| (run.first.virt, run.first.phys)).collect();
        assert_eq!(starts, [(0x4000_0000, 0x4000_0000), (0xffff_ff80_4000_0000, 0x8000_0000)]);
    }

    #[test]
    fn a_run_of_contiguous_entries_is_whole_or_not() {
        let words = |count: u64| {
            let mut words = vec![(0, 0, BASE + 0x1003), (1, 0, BASE + 0x2003)];
            words.extend((0..count).map(|page| (2, page as usize, page << 12 | 0x703 | 1 << 52)));
            words
        };
        let scheme = Scheme::new(Family::El1, 12, Some(39)).expect("exists");
        let whole = |count| {
            let memory = memory(3, &words(count));
            Found::by(Walk::new(&memory, scheme, Roots { lower: Some(BASE), upper: None })).runs[0].is_whole()
        };
        assert!(whole(16) && whole(32));
        assert!(!whole(15) && !whole(17));
    }
}
