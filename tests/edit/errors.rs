//! An error owes nothing: it comes before the first change. Random edits of live spaces that fail anywhere.

use proptest::prelude::*;
use tablature::aarch64::{El1, G4K, Stage2};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{Limits, Live, Protect, Reclaim};
use tablature::flush::{Maintain, TlbFlush};
use tablature::page::{Frame, HasLeaf, Page, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::Sv39;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{G, K, M, On, Space, attributes, live, mapping, space};

/// What is to be done, in units of pages from [`START`] on.
#[derive(Clone, Debug)]
struct Trial {
    operation: u8,
    page: u64,
    pages: u64,
    rights: Rights,
    tables: usize,
}

/// In the first half of the 8 MiB from here on another table is the root's than in the second.
const START: u64 = G - 4 * M;
/// A run of large leaves, in pages from [`START`] on.
const RUN: u64 = (3 * G - START) / (4 * K);

fn trials() -> impl Strategy<Value = Vec<Trial>> {
    let rights = prop::sample::select(vec![Rights::R, Rights::RW, Rights::RX, Rights::W, Rights::NONE]);
    let page = prop_oneof![
        0u64..2048,
        (0u64..4).prop_map(|block| block * 512),
        Just(2048u64 << 30),
        Just(RUN + 5),
        Just(RUN + 512)
    ];
    let pages = prop_oneof![0u64..8, Just(512u64), 0u64..2048, Just(1 << 40)];
    let trial = (0u8..12, page, pages, rights, 0usize..4).prop_map(|(operation, page, pages, rights, tables)| Trial {
        operation,
        page,
        pages,
        rights,
        tables,
    });
    prop::collection::vec(trial, 1..40)
}

/// Executes what is owed; whether the operation failed.
fn settled<R: Maintain, T, E>(space: &mut Space<R, Live>, done: Result<TlbFlush<On<R>, T>, E>) -> bool {
    match done {
        Ok(token) => {
            // Tables that it owns leak, which the memory of the next trial does not feel.
            std::mem::forget(space.flush(token));
            false
        }
        Err(_) => true,
    }
}

/// Does one thing. Whether it failed.
fn attempt<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>>(space: &mut Space<R, Live>, trial: &Trial) -> bool {
    let (at, size) = (START + trial.page * 4 * K, trial.pages * 4 * K);
    let virt = VirtAddr::new(at);
    let runs = Limits { runs: true, ..Limits::ANY };
    let request = mapping(at, at ^ (4 * M), size, trial.rights).limited(runs);
    let access = Protect::access(Access::kernel(trial.rights));
    let (small, large) = (Page::<Size4K>::containing(virt), Page::<Size2M>::containing(virt));
    let frame = Frame::containing(PhysAddr::new(64 * M));
    let with = attributes(trial.rights);
    macro_rules! run {
        ($operation:expr) => {{
            // SAFETY: no hardware uses tables in an arena.
            let done = unsafe { $operation };
            settled(space, done)
        }};
    }
    match trial.operation {
        0 => run!(space.map(&request)),
        1 => run!(space.map(&request.replacing())),
        2 => run!(space.unmap(virt, size, Reclaim::Free)),
        3 => run!(space.unmap(virt, size, Reclaim::Keep)),
        4 => run!(space.protect(virt, size, &access)),
        5 => run!(space.protect(virt, size, &Protect::memory(MemoryType::NormalNc))),
        6 => run!(space.remap_page(small, frame, with)),
        7 => run!(space.unmap_page(large)),
        8 => run!(space.protect_page(large, &access)),
        9 => run!(space.split::<Size4K>(virt)),
        10 => run!(space.promote::<Size2M>(large)),
        _ => {
            let odd = |page: VirtAddr| PhysAddr::new(page.as_u64() / (8 * K) * (8 * K));
            run!(space.map_with(virt, size, with, runs, odd))
        }
    }
}

fn check<R: Maintain + HasLeaf<Size4K> + HasLeaf<Size2M>>(trials: &[Trial]) -> Result<(), TestCaseError> {
    let (mut space, arena): (_, Arena<R>) = space::<R>(16);
    let runs = Limits { runs: true, ..Limits::ANY };
    space.map(&mapping(START, START + 0x1000, 4 * M, Rights::RW)).expect("map");
    space.map(&mapping(G, 4 * M, 3 * M, Rights::RW)).expect("map");
    space.map(&mapping(3 * G, 3 * G, 32 * M, Rights::RW).limited(runs)).expect("map");
    let mut space = live(space);
    for trial in trials {
        arena.limit(trial.tables);
        space.hardware().clear();
        let before = (arena.image(), arena.used());
        if attempt(&mut space, trial) {
            prop_assert_eq!(space.hardware().executed(), 0, "{:?}", trial);
            prop_assert!((arena.image(), arena.used()) == before, "{:?}", trial);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_operation_that_fails_anywhere_changed_nothing_and_owes_nothing(trials in trials()) {
        check::<Level4>(&trials)?;
        check::<El1<G4K, 39>>(&trials)?;
        check::<Stage2<G4K, 40>>(&trials)?;
        check::<With<El1<G4K, 39>, { Features::BBML2.bits() }>>(&trials)?;
        check::<Sv39>(&trials)?;
        check::<With<Sv39, { Features::SVNAPOT.bits() }>>(&trials)?;
    }
}
