//! A regime, a core and a memory for tests of what does not depend on an architecture.

use core::marker::PhantomData;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

use proptest::prelude::ProptestConfig;

use super::{Architecture, Change, Duty, DutyRule, Extent, Hardware, Id, Maintain, Reach, Recorder, Scope};
use crate::addr::PhysAddr;
use crate::attr::Features;
use crate::edit::Kind;
use crate::format::Format;
use crate::regime::Regime;
use crate::riscv::Sv39;
use crate::tables::{EntryAt, TableAccess, TableMemory};

/// How much is tried: less under an interpreter, and there are no files for what failed there.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() }
}

/// The tables of `R` under the maintenance of the toy.
pub(crate) struct Toy<const BROADCASTS: bool, R = Sv39>(PhantomData<R>);

impl<const BROADCASTS: bool, R: Regime> Regime for Toy<BROADCASTS, R> {
    const FORMAT: Format = R::FORMAT;
    type PageShift = R::PageShift;
    type IndexBits = R::IndexBits;
}

/// The core of the toy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToyCore {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Barrier,
    Page(u64, Id, bool),
    All(Id, bool),
}

impl Architecture for ToyCore {
    type Op = Op;
    type Register = u8;
}

const RULES: [DutyRule; 12] = {
    let rule = DutyRule { change: Change::Map, given: Features::NONE, duty: Duty::PUBLISH, manual: "of the toy" };
    let mut all = [rule; 12];
    let mut i = 1;
    while i < 12 {
        all[i] = DutyRule { change: Change::ALL[i], duty: Duty::WALK, ..rule };
        i += 1;
    }
    all
};

impl<const BROADCASTS: bool, R: Regime> Maintain for Toy<BROADCASTS, R> {
    type Architecture = ToyCore;
    const DUTIES: &'static [DutyRule] = &RULES;
    const BROADCAST_FEATURE: Option<Features> = if BROADCASTS { Some(Features::NONE) } else { None };
    const MANY: u64 = 8;

    fn sequence_with<H: Hardware<ToyCore>>(_: Features, scope: &Scope, every_core: bool, hardware: &mut H) {
        if scope.duty.is_none() {
            return;
        }
        // SAFETY: a barrier is always sound.
        unsafe { hardware.execute(Op::Barrier) };
        if !scope.duty.leaf {
            return;
        }
        match scope.extent {
            Extent::Nowhere => {}
            Extent::Range { start, last, stride } => {
                for step in 0..=(last - start) >> stride {
                    // SAFETY: an invalidation is always sound.
                    unsafe { hardware.execute(Op::Page(start + (step << stride), scope.id, every_core)) };
                }
            }
            Extent::Everywhere => {
                // SAFETY: an invalidation is always sound.
                unsafe { hardware.execute(Op::All(scope.id, every_core)) };
            }
        }
    }
}

/// A kind of spaces for tests: how far instructions reach, and who uses the space.
pub(crate) struct ToyKind<const BROADCASTS: bool, U: Reach, R = Sv39>(PhantomData<(U, R)>);

impl<const BROADCASTS: bool, U: Reach, R: Regime> Kind for ToyKind<BROADCASTS, U, R> {
    type Regime = Toy<BROADCASTS, R>;
    type Memory = Ram<R>;
    type Hardware = Recorder<ToyCore, 64>;
    type Reach = U;
}

/// What a [`Ram`] holds.
struct Cells {
    next: u64,
    tables: BTreeMap<u64, (usize, Vec<u64>)>,
}

/// Memory that notices when something is freed twice, or used behind its end.
#[derive(Clone)]
pub(crate) struct Ram<R> {
    cells: Rc<RefCell<Cells>>,
    of: PhantomData<R>,
}

impl<R: Regime> Ram<R> {
    pub(crate) fn new(from: u64) -> Self {
        Self { cells: Rc::new(RefCell::new(Cells { next: from, tables: BTreeMap::new() })), of: PhantomData }
    }

    pub(crate) fn used(&self) -> usize {
        self.cells.borrow().tables.values().map(|(tables, _)| tables).sum()
    }
}

// SAFETY: the words are in vectors, and read back as they were written.
unsafe impl<const BROADCASTS: bool, R: Regime> TableAccess<Toy<BROADCASTS, R>> for Ram<R> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let cells = self.cells.borrow();
        let (start, (_, words)) = cells.tables.range(..=entry.table.as_u64()).next_back()?;
        let skip = (entry.table.as_u64() - start) / u64::from(R::FORMAT.entry_bytes);
        words.get(skip as usize + entry.index).copied()
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        let mut cells = self.cells.borrow_mut();
        let (start, (_, words)) = cells.tables.range_mut(..=entry.table.as_u64()).next_back().expect("a table");
        let skip = (entry.table.as_u64() - start) / u64::from(R::FORMAT.entry_bytes);
        words[skip as usize + entry.index] = word;
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let was = TableAccess::<Toy<BROADCASTS, R>>::load(self, entry).expect("a table");
        if was != current {
            return Err(was);
        }
        // SAFETY: as the caller promises.
        unsafe { TableAccess::<Toy<BROADCASTS, R>>::store(self, entry, new) };
        Ok(())
    }
}

// SAFETY: each table is a vector of its own.
unsafe impl<const BROADCASTS: bool, R: Regime> TableMemory<Toy<BROADCASTS, R>> for Ram<R> {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        let bytes = R::FORMAT.table_size() * tables as u64;
        let mut cells = self.cells.borrow_mut();
        let start = cells.next.next_multiple_of(bytes);
        cells.next = start + bytes;
        let words = vec![0xdead_beef_dead_beef; (bytes / u64::from(R::FORMAT.entry_bytes)) as usize];
        cells.tables.insert(start, (tables, words));
        Some(PhysAddr::new(start))
    }

    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        let (was, _) = self.cells.borrow_mut().tables.remove(&table.as_u64()).expect("a table that is in use");
        assert_eq!(was, tables, "freed as what it was allocated");
    }
}
