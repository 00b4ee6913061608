//! Tables, and cores that walk them whenever they like and remember what they read.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use tablature::attr::{Access, MemoryType, Rights};
use tablature::flush::{Architecture, Id};
use tablature::format::{Format, Leaf, View};

use super::window::Window;
use crate::common::{Cached, Kind as Sort, OURS};

/// Numbers that are the same for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What an address translates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Absent,
    To { phys: u64, access: Access, memory: MemoryType, global: bool },
}

impl Outcome {
    /// The same for another address of the same leaf.
    pub(crate) const fn at(self, offset: u64) -> Self {
        match self {
            Self::Absent => self,
            Self::To { phys, access, memory, global } => Self::To { phys: phys + offset, access, memory, global },
        }
    }
}

/// What something remembered says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Of a leaf, or of an absent entry: the first byte.
    Leaf(Outcome),
    /// Of a pointer: the table, and its level.
    Table(u64, usize),
}

/// What a core of an architecture may remember, and when it must forget.
pub(crate) struct Setting<A: Architecture> {
    pub(crate) id: Id,
    pub(crate) registers: Vec<(A::Register, u64)>,
    /// Absent entries are remembered.
    pub(crate) absent: bool,
    /// Pointers are.
    pub(crate) pointers: bool,
    /// Two translations of one address to different memory, or with different types, must never meet.
    pub(crate) breaks: bool,
    /// Which of the entries are left after the instructions.
    pub(crate) keeps: Box<Keeps<A>>,
}

pub(crate) type Keeps<A> = dyn Fn(&[<A as Architecture>::Op], &[Cached]) -> Vec<bool>;

/// The tables in memory, and what cores have cached of them.
pub(crate) struct World<A: Architecture> {
    pub(crate) format: &'static Format,
    pub(crate) window: Window,
    pub(crate) setting: Setting<A>,
    pub(crate) root: Option<u64>,
    pub(crate) cached: Vec<(Cached, Says)>,
    /// Cores that use the tables.
    cores: u8,
    tables: BTreeMap<u64, Vec<u64>>,
    free: Vec<u64>,
    /// Instructions since the last time that they were obeyed: a batch counts as one.
    pub(crate) ops: Vec<A::Op>,
    random: Random,
    views: RefCell<HashMap<(usize, u64), View>>,
}

/// Where tables begin: aligned to the largest root.
const TABLES: u64 = 0x100_0000;
/// Entries that fit into what cores cache.
const CAPACITY: usize = if cfg!(miri) { 16 } else { 160 };

impl<A: Architecture> World<A> {
    pub(crate) fn new(format: &'static Format, cores: u8, seed: u64, setting: Setting<A>) -> Self {
        Self {
            format,
            window: Window::of(format),
            setting,
            root: None,
            cached: Vec::new(),
            cores,
            tables: BTreeMap::new(),
            free: Vec::new(),
            ops: Vec::new(),
            random: Random(seed),
            views: RefCell::default(),
        }
    }

    /// The table of an entry, which may be part of several in a row, and the index in that.
    fn place(&self, table: u64, index: usize) -> (u64, usize) {
        let offset = index as u64 * u64::from(self.format.entry_bytes);
        let size = self.format.table_size();
        (table + offset / size * size, (offset % size / u64::from(self.format.entry_bytes)) as usize)
    }

    pub(crate) fn read(&self, table: u64, index: usize) -> Option<u64> {
        let (table, index) = self.place(table, index);
        self.tables.get(&table).map(|table| table[index])
    }

    pub(crate) fn write(&mut self, table: u64, index: usize, word: u64) {
        let (table, index) = self.place(table, index);
        assert_eq!(word >> 1 >> (self.format.entry_bytes * 8 - 1), 0, "{word:#x} is longer than an entry");
        assert!(!self.free.contains(&table), "a store into a table that was given back");
        self.tables.get_mut(&table).expect("a table")[index] = word;
    }

    /// A leaf to where nothing is: a walk of memory that is no table does not go unnoticed.
    fn garbage(&self) -> Vec<u64> {
        let leaf = |access| Leaf {
            address: 0xdead_0000,
            access,
            memory: MemoryType::NormalWb,
            global: false,
            run: 0,
            software: 0,
            guarded: false,
        };
        let [kernel, user] = [Access::kernel(Rights::RWX), Access::user(Rights::RWX)].map(leaf);
        let word = self.format.encode_leaf(0, &kernel).or(self.format.encode_leaf(0, &user)).expect("a page");
        vec![word; (self.format.table_size() / u64::from(self.format.entry_bytes)) as usize]
    }

    /// What was freed last comes first.
    pub(crate) fn allocate(&mut self, tables: usize) -> u64 {
        if tables == 1
            && let Some(table) = self.free.pop()
        {
            return table;
        }
        // Aligned to all of them: only roots are more than one, and they come first.
        let (size, garbage) = (self.format.table_size(), self.garbage());
        let start = TABLES + self.tables.len() as u64 * size;
        for i in 0..tables as u64 {
            self.tables.insert(start + i * size, garbage.clone());
        }
        start
    }

    pub(crate) fn give_back(&mut self, table: u64, tables: usize) {
        self.obey();
        let garbage = self.garbage();
        for i in 0..tables as u64 {
            let table = table + i * self.format.table_size();
            let walkers = self.cached.iter().find(|(_, says)| matches!(says, Says::Table(to, _) if *to == table));
            assert_eq!(walkers, None, "the table at {table:#x} comes back, and a core may still walk it");
            assert!(!self.free.contains(&table), "the table at {table:#x} comes back twice");
            self.tables.insert(table, garbage.clone()).expect("what comes back was given out");
            self.free.push(table);
        }
    }

    pub(crate) fn tables_in_use(&self) -> usize {
        self.tables.len() - self.free.len()
    }

    fn view(&self, level: usize, word: u64) -> View {
        *self.views.borrow_mut().entry((level, word)).or_insert_with(|| self.format.view(level, word))
    }

    /// The root, and its level.
    pub(crate) fn top(&self) -> Option<(u64, usize)> {
        self.root.map(|root| (root, self.format.levels - 1))
    }

    /// Follows `virt` from a table at a level, and shows what is read on the way. Where it ended, too.
    pub(crate) fn walk(
        &self,
        virt: u64,
        (mut table, mut level): (u64, usize),
        mut see: impl FnMut(Cached, Says),
    ) -> (Outcome, usize) {
        loop {
            let word = self.read(table, self.format.index(virt, level)).expect("a walk of memory that is no table");
            let cached = |kind, bytes: u64, global| {
                let start = virt & !(bytes - 1);
                Cached { kind, start, bytes, id: OURS, global, core: 0 }
            };
            let bytes = self.format.level[level].size();
            match self.view(level, word) {
                View::Table { address } if level > 0 => {
                    see(cached(Sort::Pointer, bytes, false), Says::Table(address, level - 1));
                    (table, level) = (address, level - 1);
                }
                View::Leaf(Leaf { address, access, memory, global, run, .. }) => {
                    // Any entry of a run stands for all of it.
                    let bytes = bytes.max(run);
                    let first = Outcome::To { phys: address & !(bytes - 1), access, memory, global };
                    see(cached(Sort::Leaf, bytes, global), Says::Leaf(first));
                    return (first.at(virt & (bytes - 1)), level);
                }
                View::Absent => {
                    // A handler that walks for the core enters pages, whichever level had nothing.
                    let bytes = if self.setting.pointers { bytes } else { self.format.page_size() };
                    see(cached(Sort::Leaf, bytes, false), Says::Leaf(Outcome::Absent));
                    return (Outcome::Absent, level);
                }
                other => panic!("{other:?} at {virt:#x}, level {level}"),
            }
        }
    }

    /// What the tables say.
    pub(crate) fn truth(&self, virt: u64) -> (Outcome, usize) {
        self.walk(virt, self.top().expect("a root"), |_, _| {})
    }

    /// Walks random addresses, from the root or from where a remembered pointer leads.
    pub(crate) fn speculate(&mut self) {
        let Some(top) = self.top() else { return };
        let core = self.random.below(u64::from(self.cores)) as u8;
        let cell = self.random.below(self.window.cells() as u64) as usize;
        let page = self.random.below(self.window.bytes(cell) / self.window.page);
        let virt = self.window.virt(cell) + page * self.window.page;
        let mut starts = vec![top];
        for (entry, says) in &self.cached {
            if let Says::Table(table, level) = *says
                && entry.core == core
                && entry.covers(virt)
            {
                starts.push((table, level));
            }
        }
        let start = starts[self.random.below(starts.len() as u64) as usize];
        let mut seen = Vec::new();
        self.walk(virt, start, |entry, says| seen.push((Cached { core, ..entry }, says)));
        seen.retain(|(_, says)| match says {
            Says::Table(..) => self.setting.pointers,
            Says::Leaf(outcome) => self.setting.absent || *outcome != Outcome::Absent,
        });
        for entry in seen {
            if !self.cached.contains(&entry) {
                self.cached.push(entry);
            }
        }
        let excess = self.cached.len().saturating_sub(CAPACITY);
        self.cached.drain(..excess);
    }

    /// Now and then, for stores that are many.
    pub(crate) fn speculate_rarely(&mut self) {
        if self.random.below(if cfg!(miri) { 128 } else { 16 }) == 0 {
            self.speculate();
        }
    }

    /// Obeys the instructions that are left to obey.
    pub(crate) fn obey(&mut self) {
        let ops = std::mem::take(&mut self.ops);
        if ops.is_empty() || self.cached.is_empty() {
            return;
        }
        let entries: Vec<_> = self.cached.iter().map(|(entry, _)| *entry).collect();
        let mut kept = (self.setting.keeps)(&ops, &entries).into_iter();
        self.cached.retain(|_| kept.next() == Some(true));
    }
}
