//! Memory for tables that watches its users.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;

use tablature::addr::PhysAddr;
use tablature::format::View;
use tablature::regime::Regime;
use tablature::tables::{EntryAt, Place, TableAccess, TableMemory};

/// What new tables are full of.
const POISON: u64 = 0xdead_beef_dead_beef;

#[derive(Debug)]
struct State {
    blocks: BTreeMap<u64, (usize, Vec<u64>)>,
    next: u64,
    left: usize,
    loads: Cell<usize>,
    /// Bits that hardware flips in an entry just before the next exchange of it.
    race: Option<(u64, u64)>,
}

/// A handle to memory: tables come from it in any order, are full of poison, and are given back exactly once.
#[derive(Debug)]
pub(crate) struct Arena<R>(Rc<RefCell<State>>, PhantomData<R>);

impl<R> Clone for Arena<R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0), PhantomData)
    }
}

impl<R: Regime> Arena<R> {
    /// Memory for that many tables.
    pub(crate) fn new(tables: usize) -> Self {
        let state = State { blocks: BTreeMap::new(), next: 0x10_0000, left: tables, loads: Cell::new(0), race: None };
        Self(Rc::new(RefCell::new(state)), PhantomData)
    }

    /// Tables in use.
    pub(crate) fn used(&self) -> usize {
        self.0.borrow().blocks.values().map(|(tables, _)| tables).sum()
    }

    /// Leaves memory for that many more.
    pub(crate) fn limit(&self, tables: usize) {
        self.0.borrow_mut().left = tables;
    }

    /// All words of all tables.
    pub(crate) fn image(&self) -> Vec<(u64, Vec<u64>)> {
        self.0.borrow().blocks.iter().map(|(&at, (_, words))| (at, words.clone())).collect()
    }

    /// Loads so far.
    pub(crate) fn loads(&self) -> usize {
        self.0.borrow().loads.get()
    }

    /// Lets hardware flip `bits` in the entry at `address` just before it is exchanged next.
    pub(crate) fn race(&self, address: u64, bits: u64) {
        self.0.borrow_mut().race = Some((address, bits));
    }

    /// Whether hardware flipped the bits that [`race`](Self::race) asked for.
    pub(crate) fn has_raced(&self) -> bool {
        self.0.borrow().race.is_none()
    }

    /// A table that is linked holds nothing but what was written to it.
    fn check_link(&self, entry: EntryAt, word: u64) {
        let Place::Linked { level, .. } = entry.place else { return };
        if let View::Table { address } = R::FORMAT.view(level, word) {
            for index in 0..1 << R::FORMAT.index_bits(level - 1) {
                let word = self.entry(address + (index << R::FORMAT.entry_bytes.trailing_zeros())).expect("a table");
                assert_ne!(word, POISON & R::FORMAT.entry_mask(), "a table is linked before it is filled");
                if let View::Table { address } = R::FORMAT.view(level - 1, word) {
                    assert!(self.entry(address).is_some(), "a table that leads nowhere");
                }
            }
        }
    }

    /// The entry at a physical address.
    pub(crate) fn entry(&self, address: u64) -> Option<u64> {
        let state = self.0.borrow();
        let (&at, (_, words)) = state.blocks.range(..=address).next_back()?;
        words.get(usize::try_from((address - at) / u64::from(R::FORMAT.entry_bytes)).ok()?).copied()
    }

    /// Changes an entry behind the back of the space, as hardware does.
    pub(crate) fn poke(&self, address: u64, change: impl FnOnce(u64) -> u64) {
        let mut state = self.0.borrow_mut();
        let (&at, (_, words)) = state.blocks.range_mut(..=address).next_back().expect("a table");
        let word = &mut words[usize::try_from((address - at) / u64::from(R::FORMAT.entry_bytes)).expect("index")];
        *word = change(*word);
    }
}

// SAFETY: words of a `Vec` are read and written whole.
unsafe impl<R: Regime> TableAccess<R> for Arena<R> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let state = self.0.borrow();
        state.loads.set(state.loads.get() + 1);
        let (&at, (_, words)) = state.blocks.range(..=entry.table.as_u64()).next_back()?;
        let first = usize::try_from((entry.table.as_u64() - at) / u64::from(R::FORMAT.entry_bytes)).ok()?;
        words.get(first + entry.index).copied()
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        assert_eq!(word & !R::FORMAT.entry_mask(), 0, "a word that does not fit its entry");
        let address = entry.table.as_u64() + entry.index as u64 * u64::from(R::FORMAT.entry_bytes);
        self.check_link(entry, word);
        self.poke(address, |_| word);
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let address = entry.table.as_u64() + entry.index as u64 * u64::from(R::FORMAT.entry_bytes);
        let race = self.0.borrow().race;
        if let Some((at, bits)) = race
            && at == address
        {
            self.poke(address, |word| word ^ bits);
            self.0.borrow_mut().race = None;
        }
        let now = self.load(entry).expect("an entry");
        if now != current {
            return Err(now);
        }
        // SAFETY: passed on to the caller.
        unsafe { self.store(entry, new) };
        Ok(())
    }
}

// SAFETY: every block has an address of its own, aligned to its size, and is in no other's hands until it is removed.
unsafe impl<R: Regime> TableMemory<R> for Arena<R> {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        let mut state = self.0.borrow_mut();
        if state.left < tables {
            return None;
        }
        state.left -= tables;
        let bytes = R::FORMAT.table_size() * tables as u64;
        let at = state.next.next_multiple_of(bytes);
        state.next = at + bytes;
        let words = (bytes / u64::from(R::FORMAT.entry_bytes)) as usize;
        state.blocks.insert(at, (tables, vec![POISON & R::FORMAT.entry_mask(); words]));
        Some(PhysAddr::new(at))
    }

    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        let mut state = self.0.borrow_mut();
        let (had, _) = state.blocks.remove(&table.as_u64()).expect("a table is given back once");
        assert_eq!(had, tables, "tables are given back as they were taken");
        state.left += tables;
    }
}
