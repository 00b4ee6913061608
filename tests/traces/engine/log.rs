//! Tables and a core that write what happens to them into one list.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use tablature::addr::PhysAddr;
use tablature::edit::Kind;
use tablature::flush::{Architecture, Hardware, Maintain, Reach};
use tablature::regime::Regime;
use tablature::tables::{EntryAt, TableAccess, TableMemory};

/// What new tables are full of.
pub(crate) const POISON: u64 = 0xdead_beef_dead_beef;

pub(crate) type Op<R> = <<R as Maintain>::Architecture as Architecture>::Op;
pub(crate) type Registers<R> = Vec<(<<R as Maintain>::Architecture as Architecture>::Register, u64)>;

/// A word that became another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Physical address of the entry.
    pub(crate) at: u64,
    /// First byte of its table.
    pub(crate) table: u64,
    pub(crate) old: u64,
    pub(crate) new: u64,
    /// By an atomic exchange.
    pub(crate) exchanged: bool,
}

/// One step, in program order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step<O> {
    Store(Written),
    Op(O),
    Allocate(u64),
    Free(u64),
    /// The operation returned its token; what follows is the flush of it.
    Token,
}

/// Tables by address: how many in a row, and their words.
pub(crate) type Image = BTreeMap<u64, (usize, Vec<u64>)>;

struct State<O> {
    image: Image,
    next: u64,
    left: usize,
    steps: Vec<Step<O>>,
}

/// A handle to the tables and the list.
pub(crate) struct Tables<R: Maintain>(Rc<RefCell<State<Op<R>>>>);

impl<R: Maintain> Clone for Tables<R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<R: Maintain> Tables<R> {
    pub(crate) fn new() -> Self {
        let state = State { image: Image::new(), next: 0x10_0000, left: usize::MAX, steps: Vec::new() };
        Self(Rc::new(RefCell::new(state)))
    }

    /// Everything that happened since the last call.
    pub(crate) fn take(&self) -> Vec<Step<Op<R>>> {
        std::mem::take(&mut self.0.borrow_mut().steps)
    }

    pub(crate) fn image(&self) -> Image {
        self.0.borrow().image.clone()
    }

    /// Leaves memory for that many tables more.
    pub(crate) fn limit(&self, tables: usize) {
        self.0.borrow_mut().left = tables;
    }

    fn note(&self, step: Step<Op<R>>) {
        self.0.borrow_mut().steps.push(step);
    }

    fn write(&self, entry: EntryAt, new: u64, exchanged: bool) {
        let format = &<R as Regime>::FORMAT;
        assert_eq!(new & !format.entry_mask(), 0, "a word that does not fit its entry");
        let at = entry.table.as_u64() + entry.index as u64 * u64::from(format.entry_bytes);
        let mut state = self.0.borrow_mut();
        let (&first, (_, words)) = state.image.range_mut(..=at).next_back().expect("a table");
        let word = &mut words[((at - first) / u64::from(format.entry_bytes)) as usize];
        let old = std::mem::replace(word, new);
        state.steps.push(Step::Store(Written { at, table: first, old, new, exchanged }));
    }
}

/// The word at `at`.
pub(crate) fn word_at(image: &Image, bytes: u32, at: u64) -> Option<u64> {
    let (&first, (_, words)) = image.range(..=at).next_back()?;
    words.get(usize::try_from((at - first) / u64::from(bytes)).ok()?).copied()
}

// SAFETY: words of a `Vec` are read and written whole.
unsafe impl<R: Maintain> TableAccess<R> for Tables<R> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let bytes = R::FORMAT.entry_bytes;
        word_at(&self.0.borrow().image, bytes, entry.table.as_u64() + entry.index as u64 * u64::from(bytes))
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        self.write(entry, word, false);
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let now = TableAccess::<R>::load(self, entry).expect("an entry");
        if now != current {
            return Err(now);
        }
        self.write(entry, new, true);
        Ok(())
    }
}

// SAFETY: every block has an address of its own, aligned to its size, and is in no other's hands until it is removed.
unsafe impl<R: Maintain> TableMemory<R> for Tables<R> {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        let mut state = self.0.borrow_mut();
        state.left = state.left.checked_sub(tables)?;
        let bytes = R::FORMAT.table_size() * tables as u64;
        let at = state.next.next_multiple_of(bytes);
        state.next = at + bytes;
        let words = (bytes / u64::from(R::FORMAT.entry_bytes)) as usize;
        state.image.insert(at, (tables, vec![POISON & R::FORMAT.entry_mask(); words]));
        state.steps.push(Step::Allocate(at));
        Some(PhysAddr::new(at))
    }

    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        let mut state = self.0.borrow_mut();
        let (had, _) = state.image.remove(&table.as_u64()).expect("a table is given back once");
        assert_eq!(had, tables, "tables are given back as they were taken");
        state.left = state.left.saturating_add(tables);
        state.steps.push(Step::Free(table.as_u64()));
    }
}

/// A core with registers.
pub(crate) struct Core<R: Maintain> {
    tables: Tables<R>,
    registers: Registers<R>,
}

impl<R: Maintain> Core<R> {
    pub(crate) fn new(tables: Tables<R>, registers: Registers<R>) -> Self {
        Self { tables, registers }
    }

    /// Writes down that the operation has returned.
    pub(crate) fn token(&self) {
        self.tables.note(Step::Token);
    }
}

impl<R: Maintain> Hardware<R::Architecture> for Core<R> {
    fn read(&mut self, register: <R::Architecture as Architecture>::Register) -> u64 {
        self.registers.iter().find(|(of, _)| *of == register).map_or(0, |(_, value)| *value)
    }

    unsafe fn execute(&mut self, op: Op<R>) {
        if let Some((register, value)) = <R::Architecture as Architecture>::written(op) {
            for slot in self.registers.iter_mut().filter(|(of, _)| *of == register) {
                slot.1 = value;
            }
        }
        self.tables.note(Step::Op(op));
    }
}

/// Spaces of `R` that are used by `C`.
pub(crate) struct On<R, C>(PhantomData<(R, C)>);

impl<R: Maintain, C: Reach> Kind for On<R, C> {
    type Regime = R;
    type Memory = Tables<R>;
    type Hardware = Core<R>;
    type Reach = C;
}

impl<R: Maintain> fmt::Debug for Core<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.registers)
    }
}

impl<R: Maintain> fmt::Debug for Tables<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}
