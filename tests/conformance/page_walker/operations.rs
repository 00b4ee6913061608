//! Its operations in each of its formats, on memory of the test's own: there and back.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use tablature::aarch64::{El1, G4K, G16K, G64K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::read::{CopyError, OutOfReach, PhysicalBytes, QueryError, Rule, Visit, VisitError, Visitor};
use tablature::edit::{Limits, Mapping, Protect, Reader, Reclaim};
use tablature::flush::Maintain;
use tablature::table::Attributes;
use tablature::walk::Fault;
use tablature::{armv7, x86, x86_64};

use crate::kinds::{Space, space};

/// Names what is done in each format.
macro_rules! every_format {
    ($($test:ident)*) => { $(
        #[test]
        fn $test() {
            super::$test::<x86::Legacy32>();
            super::$test::<x86::Pae>();
            super::$test::<x86_64::Level4>();
            super::$test::<x86_64::Level5>();
            super::$test::<armv7::Short>();
            super::$test::<armv7::Lpae>();
            super::$test::<El1<G4K, 39>>();
            super::$test::<El1<G4K, 48>>();
            super::$test::<El1<G16K, 48>>();
            super::$test::<El1<G64K, 48>>();
        }
    )* };
}

mod every {
    use super::*;
    every_format! {
        pages_are_allocated_written_read_and_freed
        ranges_are_mapped_protected_and_unmapped
        copies_cross_pages_and_large_pages
        hooks_are_called_in_order
    }
}

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

const fn attributes(rights: Rights) -> Attributes {
    Attributes::new(Access::kernel(rights), MemoryType::NormalWb).not_global()
}

/// Bytes that were written; all others are 0.
#[derive(Default)]
struct Bytes(BTreeMap<u64, u8>);

impl PhysicalBytes for Bytes {
    fn read(&self, phys: PhysAddr, bytes: &mut [u8]) -> Result<(), OutOfReach> {
        for (at, byte) in (phys.as_u64()..).zip(bytes) {
            *byte = self.0.get(&at).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn write(&mut self, phys: PhysAddr, bytes: &[u8]) -> Result<(), OutOfReach> {
        self.0.extend((phys.as_u64()..).zip(bytes.iter().copied()));
        Ok(())
    }
}

/// Frames in descending order, so that no two pages follow each other.
struct Frames {
    page: u64,
    next: u64,
    used: BTreeSet<u64>,
}

impl Frames {
    fn allocate(&mut self) -> u64 {
        self.next -= self.page;
        assert!(self.used.insert(self.next));
        self.next
    }
}

/// `allocate_range`: a frame for each page.
fn allocate_range<R: Maintain>(space: &mut Space<R>, frames: &mut Frames, start: u64, size: u64) {
    let list: Vec<u64> = (0..size / frames.page).map(|_| frames.allocate()).collect();
    let to = |at: VirtAddr| PhysAddr::new(list[((at.as_u64() - start) / R::FORMAT.page_size()) as usize]);
    space.map_with(virt(start), size, attributes(Rights::RWX), Limits::PAGES, to).expect("mapped");
}

/// `free_range`: the pages go back to the allocator, and empty tables to theirs.
fn free_range<R: Maintain>(space: &mut Space<R>, frames: &mut Frames, start: u64, size: u64) {
    let leaves = space.leaves(virt(start)).take_while(|leaf| leaf.virt.as_u64() < start + size);
    let gone: Vec<u64> = leaves.map(|leaf| leaf.leaf.address).collect();
    space.unmap(virt(start), size, Reclaim::Free).expect("mapped");
    assert!(gone.iter().all(|frame| frames.used.remove(frame)));
}

fn pages_are_allocated_written_read_and_freed<R: Maintain>() {
    let (page, large) = (R::FORMAT.page_size(), R::FORMAT.level[1].size());
    let (mut space, arena) = space::<R>(64);
    let roots = arena.used();
    let mut frames = Frames { page, next: 64 * page, used: BTreeSet::new() };
    let start = large - 2 * page;
    allocate_range(&mut space, &mut frames, start, 5 * page);
    let mut memory = Bytes::default();
    let text: Vec<u8> = (0..3 * page).map(|at| (at % 251) as u8).collect();
    space.copy_in(virt(start + page / 2), &text, Rule::Mapped, &mut memory).expect("mapped");
    let mut back = vec![0; text.len()];
    space.copy_out(virt(start + page / 2), &mut back, Rule::Mapped, &memory).expect("mapped");
    assert!(back == text, "{}", R::FORMAT.name);
    // The first half of the first page is where its frame is, and so on backwards.
    assert_eq!(memory.0.first_key_value().map(|(at, _)| *at), Some(60 * page), "{}", R::FORMAT.name);
    let error = space.copy_out(virt(start + 3 * page), &mut back, Rule::Mapped, &memory);
    let hole = start + 5 * page;
    assert!(matches!(error, Err(CopyError::Fault { at, .. }) if at == virt(hole)), "{error:?}");
    free_range(&mut space, &mut frames, start, 5 * page);
    assert_eq!((frames.used.len(), arena.used()), (0, roots), "{}", R::FORMAT.name);
    assert!(matches!(space.translate(virt(start)), Err(Fault::Absent { .. })));
    space.free();
}

fn ranges_are_mapped_protected_and_unmapped<R: Maintain>() {
    let (page, large) = (R::FORMAT.page_size(), R::FORMAT.level[1].size());
    let (mut space, arena) = space::<R>(64);
    let roots = arena.used();
    let (start, size) = (large - page, large + 2 * page);
    let request = Mapping::new(virt(start), PhysAddr::new(start), size, attributes(Rights::RWX));
    space.map(&request).expect("mapped");
    let sizes: Vec<u64> = space.leaves(virt(0)).map(|leaf| leaf.size).collect();
    assert_eq!(sizes, [page, large, page], "{}", R::FORMAT.name);
    space.protect(virt(start), size, &Protect::access(Access::kernel(Rights::RX))).expect("mapped");
    let all = space.query(virt(start), size).expect("uniform");
    assert_eq!((all.phys, all.attributes.access), (Some(PhysAddr::new(start)), Access::kernel(Rights::RX)));
    let denied = space.copy_in(virt(start), &[1], Rule::Privileged, &mut Bytes::default());
    assert!(matches!(denied, Err(CopyError::Denied { .. })), "{denied:?}");
    // Out of the middle of the large page: it is split, and the rest stays.
    space.unmap(virt(large + 3 * page), page, Reclaim::Free).expect("mapped");
    assert_eq!(space.query(virt(large + 3 * page), page), Err(QueryError::NotMapped));
    assert_eq!(space.translate(virt(large + 4 * page)), Ok(PhysAddr::new(large + 4 * page)));
    space.unmap(virt(start), size, Reclaim::Free).expect("holes are fine");
    assert_eq!(arena.used(), roots, "{}", R::FORMAT.name);
    assert_eq!(space.free().used(), 0, "{}", R::FORMAT.name);
}

fn copies_cross_pages_and_large_pages<R: Maintain>() {
    let (page, large) = (R::FORMAT.page_size(), R::FORMAT.level[1].size());
    let (mut space, _) = space::<R>(64);
    for (start, phys, size) in [(large - page, 3 * page, page), (large, 4 * large, large), (2 * large, 9 * page, page)]
    {
        let request = Mapping::new(virt(start), PhysAddr::new(phys), size, attributes(Rights::RWX));
        space.map(&request).expect("mapped");
    }
    let mut memory = Bytes::default();
    space.copy_in(virt(large - 2), b"abcd", Rule::Mapped, &mut memory).expect("a page, a large page");
    space.copy_in(virt(2 * large - 2), b"efgh", Rule::Mapped, &mut memory).expect("a large page, a page");
    let first = [(4 * page - 2, b'a'), (4 * page - 1, b'b'), (4 * large, b'c'), (4 * large + 1, b'd')];
    let second = [(5 * large - 2, b'e'), (5 * large - 1, b'f'), (9 * page, b'g'), (9 * page + 1, b'h')];
    assert_eq!(memory.0, first.into_iter().chain(second).collect(), "{}", R::FORMAT.name);
    let mut back = [0; 2];
    assert_eq!(space.copy_out(virt(2 * large - 1), &mut back, Rule::Mapped, &memory), Ok(()));
    assert_eq!(&back, b"fg");
    let across = space.copy_in(virt(2 * large + page - 1), b"xy", Rule::Mapped, &mut memory);
    assert!(matches!(across, Err(CopyError::Fault { fault: Fault::Absent { level: 0 }, .. })), "{across:?}");
    space.free();
}

/// Which hook, at which level.
#[derive(Default)]
struct Trace(Vec<(&'static str, usize)>);

/// An error of the visitor's own ends the walk.
#[derive(Debug, PartialEq, Eq)]
struct TooMuch;

impl Trace {
    fn note(&mut self, hook: &'static str, at: &Visit) -> ControlFlow<TooMuch> {
        self.0.push((hook, at.level));
        if self.0.len() > 64 { ControlFlow::Break(TooMuch) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Trace {
    type Stop = TooMuch;

    fn entry(&mut self, at: &Visit) -> ControlFlow<TooMuch> {
        self.note("pre", at)
    }

    fn hole(&mut self, at: &Visit) -> ControlFlow<TooMuch> {
        self.note("hole", at)
    }

    fn post(&mut self, at: &Visit) -> ControlFlow<TooMuch> {
        self.note("post", at)
    }
}

/// Before, at a hole, what is below, after.
fn hooks_are_called_in_order<R: Maintain>() {
    let page = R::FORMAT.page_size();
    let (mut space, _) = space::<R>(64);
    let request = Mapping::new(virt(page), PhysAddr::new(0), page, attributes(Rights::RWX));
    space.map(&request).expect("mapped");
    let mut trace = Trace::default();
    space.walk(virt(0), 2 * page, &mut trace).expect("a walk");
    let above = 1..R::FORMAT.levels;
    let down = above.clone().rev().map(|level| ("pre", level));
    let pages = [("pre", 0), ("hole", 0), ("pre", 0)];
    let expected: Vec<_> = down.chain(pages).chain(above.map(|level| ("post", level))).collect();
    assert_eq!(trace.0, expected, "{}", R::FORMAT.name);
    assert_eq!(space.walk(virt(0), 100 * page, &mut trace), Err(VisitError::Stopped(TooMuch)));
    space.free();
}

/// Tables of which only an image exists: a dump, a guest, a GPU. An error of the reader's own is kept where it arose.
#[test]
fn tables_of_an_image_are_read_with_errors_of_its_own() {
    let (mut made, arena) = space::<El1<G16K, 48>>(8);
    let request = Mapping::new(virt(0x4000), PhysAddr::new(0x8_0000), 0x4000, attributes(Rights::RW));
    made.map(&request).expect("mapped");
    let image: BTreeMap<u64, Vec<u64>> = arena.image().into_iter().collect();
    let (roots, failed) = (made.into_roots().0, Cell::new(None));
    let read = |at: PhysAddr| {
        let (table, words) = image.range(..=at.as_u64()).next_back()?;
        let word = words.get(((at.as_u64() - table) / 8) as usize).copied();
        failed.set(if word.is_none() { Some("the dump ends here") } else { failed.get() });
        word
    };
    let reader = Reader::<El1<G16K, 48>, _>::new(roots, &read);
    assert_eq!(reader.translate(virt(0x4321)), Ok(PhysAddr::new(0x8_0321)));
    assert_eq!(failed.get(), None);
    let beyond = tablature::edit::Roots { lower: Some(0x1000_0000), ..roots };
    let reader = Reader::<El1<G16K, 48>, _>::new(beyond, &read);
    assert!(matches!(reader.translate(virt(0x4321)), Err(Fault::NoTable { .. })));
    assert_eq!(failed.get(), Some("the dump ends here"));
}
