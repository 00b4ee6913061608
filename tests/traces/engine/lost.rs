//! Tokens that are lost: nothing is flushed, and what they owned does not come back to where tables come from.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Limits, Live, Mapping, Reclaim};
use tablature::flush::{EveryCore, TlbFlush};
use tablature::table::Attributes;

use super::log::{Core, On, Step, Tables};

type Arm = El1<G4K, 39>;
type Kind = On<Arm, EveryCore>;
type Owned = tablature::tables::Tables<Kind>;

const START: VirtAddr = VirtAddr::new(0x4000_0000);

/// A live space with three pages, and its tables.
fn space() -> (AddressSpace<Kind, Live>, Tables<Arm>) {
    let tables = Tables::<Arm>::new();
    let mut space = AddressSpace::<Kind>::new(tables.clone(), Halves::Lower).expect("a root");
    let data = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
    let request = Mapping::new(START, PhysAddr::new(0x8000_0000), 0x3000, data).limited(Limits::PAGES);
    space.map(&request).expect("pages");
    tables.take();
    // SAFETY: no hardware uses these tables.
    (unsafe { space.assume_live(Core::new(tables.clone(), Vec::new())) }, tables)
}

/// Unmaps all, with the tables, and loses the token.
fn check(lose: fn(TlbFlush<Kind, Owned>)) {
    let (mut space, tables) = space();
    let before: Vec<u64> = tables.image().into_keys().collect();
    // SAFETY: no hardware uses these tables.
    let token = unsafe { space.unmap(START, 0x3000, Reclaim::Free) }.expect("a range");
    lose(token);
    let steps = tables.take();
    assert!(steps.iter().all(|step| matches!(step, Step::Store(_))), "{steps:x?}");
    assert_eq!(tables.image().into_keys().collect::<Vec<_>>(), before, "a table came back unflushed");
    // What is mapped next gets other tables.
    let again = Mapping::new(
        START,
        PhysAddr::new(0x9000_0000),
        0x1000,
        Attributes::new(Access::kernel(Rights::R), MemoryType::NormalWb),
    );
    // SAFETY: as above.
    let token = unsafe { space.map(&again) }.expect("a page");
    let fresh =
        tables.take().iter().filter(|step| matches!(step, Step::Allocate(table) if !before.contains(table))).count();
    assert_eq!(fresh, 2);
    space.reclaim(token);
}

#[test]
fn what_a_forgotten_token_owned_does_not_come_back() {
    check(mem::forget);
}

#[test]
fn what_a_dropped_token_owned_does_not_come_back() {
    check(drop);
}

#[test]
fn what_a_token_owned_that_was_lost_to_a_panic_does_not_come_back() {
    check(|token| {
        let lost = catch_unwind(AssertUnwindSafe(|| {
            let _token = token;
            panic!("with a token in hand");
        }));
        assert!(lost.is_err());
    });
}
