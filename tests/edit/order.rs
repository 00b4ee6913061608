//! Break-before-make, seen by the hardware: when it is asked to invalidate, the entries are absent.

use std::cell::RefCell;
use std::rc::Rc;

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Live, Protect};
use tablature::flush::{Architecture, Hardware, OneCore};
use tablature::page::{Frame, Page, Size2M, Size4K};
use tablature::walk::walk;

use crate::arena::Arena;
use crate::kinds::{K, M, attributes, mapping};

type Arm = El1<G4K, 39>;

/// Where the watched pages went at each operation; `None` while they are not mapped.
type Seen = Rc<RefCell<Vec<Vec<Option<u64>>>>>;

/// Hardware that looks at the tables whenever it is asked for something.
struct Watch {
    arena: Arena<Arm>,
    root: u64,
    pages: Vec<u64>,
    seen: Seen,
}

impl<A: Architecture> Hardware<A> for Watch {
    fn read(&mut self, _: A::Register) -> u64 {
        0
    }

    unsafe fn execute(&mut self, _: A::Op) {
        let format = &<Arm as tablature::regime::Regime>::FORMAT;
        let look = |&page: &u64| {
            walk(format, Some(self.root), None, page, |at| self.arena.entry(at)).ok().map(|found| found.address)
        };
        self.seen.borrow_mut().push(self.pages.iter().map(look).collect());
    }
}

struct Watched;

impl Kind for Watched {
    type Regime = Arm;
    type Memory = Arena<Arm>;
    type Hardware = Watch;
    type Reach = OneCore;
}

/// A live space with one range mapped, and what its hardware sees of some pages.
fn watched(virt: u64, phys: u64, size: u64, pages: &[u64]) -> (AddressSpace<Watched, Live>, Seen) {
    let arena = Arena::new(16);
    let mut space = AddressSpace::<Watched>::new(arena.clone(), Halves::Lower).expect("a root");
    space.map(&mapping(virt, phys, size, Rights::RW)).expect("map");
    let (seen, root) = (Seen::default(), space.roots().lower.expect("a root"));
    let watch = Watch { arena, root, pages: pages.to_vec(), seen: Rc::clone(&seen) };
    // SAFETY: no hardware uses tables in an arena.
    (unsafe { space.assume_live(watch) }, seen)
}

/// All that was seen until now, each once; and forgets it.
fn take(seen: &Seen) -> Vec<Vec<Option<u64>>> {
    let mut all = seen.take();
    all.dedup();
    all
}

#[test]
fn a_page_is_absent_while_its_old_place_is_flushed() {
    let (mut space, seen) = watched(0x5000, 0x9000, 8 * K, &[0x5000, 0x6000]);
    let frame = Frame::<Size4K>::containing(PhysAddr::new(0xf000));
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.remap_page(Page::containing(VirtAddr::new(0x5000)), frame, attributes(Rights::RW)) };
    assert_eq!(take(&seen), [[None, Some(0xa000)]]);
    space.flush(token.expect("mapped"));
    assert_eq!(take(&seen), [[Some(0xf000), Some(0xa000)]]);
}

#[test]
fn pages_of_another_type_are_absent_together_and_come_back_where_they_were() {
    let (mut space, seen) = watched(0x5000, 0x9000, 8 * K, &[0x5000, 0x6000]);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.protect(VirtAddr::new(0x5000), 8 * K, &Protect::memory(MemoryType::NormalNc)) };
    assert_eq!(take(&seen), [[None, None]]);
    space.flush(token.expect("mapped"));
    assert_eq!(take(&seen), [[Some(0x9000), Some(0xa000)]]);
}

#[test]
fn a_block_is_absent_before_it_is_a_table_and_a_table_before_it_is_a_block() {
    let inside = 2 * M + 0x7000;
    let (mut space, seen) = watched(2 * M, 4 * M, 2 * M, &[2 * M, inside]);
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.split::<Size4K>(VirtAddr::new(inside)) }.expect("mapped");
    assert_eq!(take(&seen), [[None, None]]);
    space.flush(token);
    assert_eq!(take(&seen), [[Some(4 * M), Some(4 * M + 0x7000)]]);
    // SAFETY: as above.
    let token = unsafe { space.promote::<Size2M>(Page::containing(VirtAddr::new(2 * M))) }.expect("equal leaves");
    assert_eq!(take(&seen), [[None, None]]);
    space.reclaim(token);
    assert_eq!(take(&seen), [[Some(4 * M), Some(4 * M + 0x7000)]]);
}

#[test]
fn rights_change_while_the_page_stays_mapped() {
    let (mut space, seen) = watched(0x5000, 0x9000, 4 * K, &[0x5000]);
    let read = Protect::access(tablature::attr::Access::kernel(Rights::R));
    // SAFETY: no hardware uses tables in an arena.
    let token = unsafe { space.protect(VirtAddr::new(0x5000), 4 * K, &read) }.expect("mapped");
    assert!(take(&seen).is_empty());
    space.flush(token);
    assert_eq!(take(&seen), [[Some(0x9000)]]);
}
