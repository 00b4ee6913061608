//! Walks, recursive slots, audits.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::edit::Reader;
use tablature::edit::read::{Audit, AuditError, RangeError, Rewriter, Visit, VisitError, Visitor, rewrite};
use tablature::format::View;
use tablature::regime::Regime;
use tablature::tables::{EntryAt, TableAccess};
use tablature::walk::Fault;

use crate::machine::*;

/// Writes down what it is called with: hook, level, index, address.
#[derive(Default)]
struct Trace {
    calls: Vec<(&'static str, usize, usize, u64)>,
    stop_after: Option<usize>,
}

impl Trace {
    fn note(&mut self, hook: &'static str, at: &Visit) -> ControlFlow<usize> {
        self.calls.push((hook, at.level, at.index, at.virt.as_u64()));
        match self.stop_after {
            Some(limit) if self.calls.len() == limit => ControlFlow::Break(limit),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Visitor for Trace {
    type Stop = usize;

    fn entry(&mut self, at: &Visit) -> ControlFlow<usize> {
        self.note("entry", at)
    }

    fn hole(&mut self, at: &Visit) -> ControlFlow<usize> {
        self.note("hole", at)
    }

    fn post(&mut self, at: &Visit) -> ControlFlow<usize> {
        self.note("post", at)
    }
}

#[test]
fn hooks_are_called_before_at_holes_and_behind() {
    let mut tables = Tables::new(&LEVEL4);
    tables.leaf(0x20_1000, 0x4000_1000, 12, false);
    tables.leaf(0x40_0000, 0x4000_0000, 21, false);
    let reader = tables.reader::<tablature::x86_64::Level4>();
    let mut trace = Trace::default();
    reader.walk(VirtAddr::new(0x20_0fff), 0x80_1000 - 0x20_0fff, &mut trace).expect("a walk");
    let head = [
        ("entry", 3, 0, 0),
        ("entry", 2, 0, 0),
        ("entry", 1, 1, 0x20_0000),
        ("entry", 0, 0, 0x20_0000),
        ("hole", 0, 0, 0x20_0000),
        ("entry", 0, 1, 0x20_1000),
        ("entry", 0, 2, 0x20_2000),
        ("hole", 0, 2, 0x20_2000),
    ];
    assert_eq!(trace.calls[..8], head);
    let tail = [
        ("post", 1, 1, 0x20_0000),
        ("entry", 1, 2, 0x40_0000),
        ("entry", 1, 3, 0x60_0000),
        ("hole", 1, 3, 0x60_0000),
        ("entry", 1, 4, 0x80_0000),
        ("hole", 1, 4, 0x80_0000),
        ("post", 2, 0, 0),
        ("post", 3, 0, 0),
    ];
    assert_eq!(trace.calls[trace.calls.len() - 8..], tail);
    // All 512 pages of one table, holes but for one.
    assert_eq!(trace.calls.len(), 3 + 512 + 511 + 8);
}

/// As page_table_multiarch has it: a visit on each level.
pub(crate) fn one_page_is_one_visit_on_each_level<R: Regime>(machine: &'static Machine) {
    let mut tables = Tables::new(machine);
    tables.map(0, machine.phys, machine.page(), false);
    let reader = tables.reader::<R>();
    let mut trace = Trace::default();
    reader.walk(VirtAddr::new(0), machine.page(), &mut trace).expect("a walk");
    let levels = machine.shifts.len();
    let entries = trace.calls.iter().filter(|call| call.0 == "entry").count();
    assert_eq!((entries, trace.calls.len()), (levels, 2 * levels - 1), "{}", R::FORMAT.name);
    let order: Vec<_> = trace.calls.iter().map(|call| (call.0, call.1)).collect();
    let down = (0..levels).rev().map(|level| ("entry", level));
    let up = (1..levels).map(|level| ("post", level));
    assert_eq!(order, down.chain(up).collect::<Vec<_>>(), "{}", R::FORMAT.name);
}

/// The last page of the address space is walked once, and the walk ends.
pub(crate) fn walks_end_at_the_top<R: Regime>(machine: &'static Machine) {
    let tables = Tables::new(machine);
    let reader = tables.reader::<R>();
    let page = machine.page();
    let top = if machine.upper.is_some() { u64::MAX } else { machine.lower_last() };
    let mut trace = Trace::default();
    reader.walk(VirtAddr::new(top - (page - 1)), page, &mut trace).expect("a walk");
    assert_eq!(trace.calls.len(), 2, "{}", R::FORMAT.name);
    let behind = reader.walk(VirtAddr::new(top), 2, &mut trace);
    assert_eq!(behind, Err(VisitError::Range(RangeError::PastTop { virt: VirtAddr::new(top), size: 2 })));
}

#[test]
fn a_visitor_ends_its_walk() {
    let mut tables = Tables::new(&SV39);
    tables.map(0, 0x4000_0000, 0x4000, false);
    let reader = tables.reader::<tablature::riscv::Sv39>();
    let mut trace = Trace { stop_after: Some(5), ..Trace::default() };
    assert_eq!(reader.walk(VirtAddr::new(0), 0x4000, &mut trace), Err(VisitError::Stopped(5)));
    assert_eq!(trace.calls.len(), 5);
    assert_eq!(trace.calls[4], ("entry", 0, 2, 0x2000));
}

/// Slot 510 of the root points to the root.
fn recursive() -> Tables {
    let mut tables = Tables::new(&LEVEL4);
    tables.map(0x1000, 0x4000_1000, 0x2000, false);
    let root = tables.roots.lower.expect("a root");
    let slot = tables.place(0xffff_ff00_0000_0000, 39);
    tables.set(slot, root | 3);
    tables
}

#[test]
fn recursive_slots_translate_and_are_no_data() {
    let tables = recursive();
    let reader = tables.reader::<tablature::x86_64::Level4>();
    // The window that shows the root itself.
    let root = tables.roots.lower.map(PhysAddr::new);
    assert_eq!(reader.translate(VirtAddr::new(0xffff_ff7f_bfdf_e000)).ok(), root);
    let regions: Vec<_> = reader.regions(VirtAddr::new(0)).map(|region| (region.virt.as_u64(), region.size)).collect();
    assert_eq!(regions, [(0x1000, 0x2000)]);
    let text = reader.dump().by_entry().to_string();
    assert!(text.contains("510") && text.contains("recursive: the table at 0x1000000"), "{text}");
    let audit = reader.audit(48, 100).expect("in order");
    assert_eq!(audit, Audit { tables: 4, leaves: [2, 0, 0, 0, 0, 0], recursive: 1, shared: 0 });
}

/// A table that points to itself from the middle of the tree ends no walk in a loop, and is no data.
#[test]
fn a_cycle_below_the_root_is_not_entered() {
    let mut tables = Tables::new(&SV39);
    tables.map(0, 0x4000_0000, 0x1000, false);
    // The leaf table has no pointers, so the cycle is the middle table's.
    let place = tables.place(0x20_0000, 21);
    tables.set(place, (place & !0xfff) >> 2 | 1);
    let reader = tables.reader::<tablature::riscv::Sv39>();
    assert_eq!(reader.leaves(VirtAddr::new(0)).count(), 1);
    assert_eq!(reader.audit(56, 3).map(|audit| audit.recursive), Ok(1));
}

#[test]
fn audits_name_what_is_not_in_order() {
    type Sv39 = tablature::riscv::Sv39;
    let tables = |word: u64| {
        let mut tables = Tables::new(&SV39);
        tables.map(0, 0x4000_0000, 0x1000, false);
        let place = tables.place(0x40_0000, 21);
        tables.set(place, word);
        tables
    };
    let audit = |word, bits, limit| tables(word).reader::<Sv39>().audit(bits, limit);
    let virt = VirtAddr::new(0x40_0000);
    assert_eq!(audit(0, 56, 3), Ok(Audit { tables: 3, leaves: [1, 0, 0, 0, 0, 0], recursive: 0, shared: 0 }));
    assert_eq!(audit(0, 56, 2), Err(AuditError::TooManyTables { limit: 2 }));
    // Writable and not readable.
    assert_eq!(audit(0x1000_00c5, 56, 3), Err(AuditError::Reserved { virt, level: 1, word: 0x1000_00c5 }));
    let far = 1 << 40;
    assert_eq!(audit(far >> 2 | 0xc7, 40, 3), Err(AuditError::TooFarUp { virt, phys: PhysAddr::new(far) }));
    assert_eq!(audit(far >> 2 | 0xc7, 41, 3).map(|audit| audit.leaves[1]), Ok(1));
    assert_eq!(audit(0x8000_0000 >> 2 | 1, 56, 4), Err(AuditError::NoTable { table: PhysAddr::new(0x8000_0000) }));
    // 1 GiB pages are a feature.
    let mut large = Tables::new(&LEVEL4);
    large.leaf(0x4000_0000, 0x4000_0000, 30, false);
    let seen = large.reader::<tablature::x86_64::Level4>().audit(48, 10);
    assert_eq!(seen, Err(AuditError::NoSuchLeaf { virt: VirtAddr::new(0x4000_0000), size: 1 << 30 }));
}

/// All zeros are absent, never a large leaf, at every level; and a word without rights is no page.
#[test]
fn nothing_is_mapped_by_words_without_meaning() {
    for level in 0..3 {
        let format = <tablature::aarch64::El1<tablature::aarch64::G4K, 39> as Regime>::FORMAT;
        assert_eq!(format.view(level, 0), View::Absent);
    }
    let mut tables = Tables::new(&SV39);
    let place = tables.place(0, 12);
    tables.set(place, 0x1000_0001);
    let reader = tables.reader::<tablature::riscv::Sv39>();
    let seen = reader.translate(VirtAddr::new(0));
    assert_eq!(seen, Err(Fault::Reserved { level: 0, word: 0x1000_0001 }));
}

/// Tables that can be written.
struct Writable<'a>(&'a RefCell<BTreeMap<u64, u64>>);

// SAFETY: one map holds every word, and gives back what was stored last.
unsafe impl<R: Regime> TableAccess<R> for Writable<'_> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let address = entry.table.as_u64() + entry.index as u64 * u64::from(R::FORMAT.entry_bytes);
        Some(self.0.borrow().get(&address).copied().unwrap_or(0))
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        let address = entry.table.as_u64() + entry.index as u64 * u64::from(R::FORMAT.entry_bytes);
        self.0.borrow_mut().insert(address, word);
    }

    unsafe fn exchange(&mut self, _: EntryAt, _: u64, _: u64) -> Result<(), u64> {
        unreachable!("walks store")
    }
}

/// Fills holes with pages, and takes tables out after them.
struct Mapper(bool);

impl Rewriter for Mapper {
    type Stop = ();

    fn entry(&mut self, _: &Visit, _: &mut u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn hole(&mut self, at: &Visit, word: &mut u64) -> ControlFlow<()> {
        if at.level == 0 && self.0 {
            *word = (0x5000_0000 + at.virt.as_u64()) >> 2 | 0xc7;
        }
        ControlFlow::Continue(())
    }

    fn post(&mut self, _: &Visit, word: &mut u64) -> ControlFlow<()> {
        if !self.0 {
            *word = 0;
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn a_rewriter_fills_holes_and_takes_tables_out() {
    type Sv39 = tablature::riscv::Sv39;
    let mut tables = Tables::new(&SV39);
    tables.map(0x1000, 0x4000_0000, 0x1000, false);
    let range = (VirtAddr::new(0), 0x3000);
    let mut access = Writable(&tables.words);
    // SAFETY: the test's own tables, which no hardware uses.
    unsafe { rewrite::<Sv39, _, _>(tables.roots, &mut access, range, &mut Mapper(true)) }.expect("a walk");
    let at = |virt| tables.reader::<Sv39>().translate(VirtAddr::new(virt)).map(PhysAddr::as_u64);
    assert_eq!((at(0), at(0x1000), at(0x2000)), (Ok(0x5000_0000), Ok(0x4000_0000), Ok(0x5000_2000)));
    assert_eq!(at(0x3000), Err(Fault::Absent { level: 0 }));
    // SAFETY: as above.
    unsafe { rewrite::<Sv39, _, _>(tables.roots, &mut access, range, &mut Mapper(false)) }.expect("a walk");
    assert_eq!(at(0), Err(Fault::Absent { level: 2 }));
}

/// An error of the reader's own, kept where the closure puts it.
#[test]
fn a_reader_keeps_its_own_errors() {
    let trouble = std::cell::Cell::new(None);
    let read = |address: PhysAddr| {
        trouble.set(Some(address));
        None
    };
    let roots = tablature::edit::Roots { lower: Some(0x8000), upper: None };
    let reader = Reader::<tablature::riscv::Sv39, _>::new(roots, &read);
    assert_eq!(reader.translate(VirtAddr::new(0x4000_0000)), Err(Fault::NoTable { address: 0x8008 }));
    assert_eq!(trouble.get(), Some(PhysAddr::new(0x8008)));
}

mod every {
    use crate::machine::every_machine;
    every_machine! { one_page_is_one_visit_on_each_level walks_end_at_the_top }
}
