//! A model of what the cores have cached judges who gets which identifier.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::flush::toy::{ToyCore, ToyKind};
use crate::flush::{EveryCore, Recorder};

type All = ToyKind<true, EveryCore>;
const CORES: usize = 2;

/// Cores with caches: what each has under an identifier, and which space it runs.
#[derive(Default)]
struct Machine {
    cached: [BTreeMap<u16, usize>; CORES],
    runs: [Option<(u16, usize)>; CORES],
}

impl Machine {
    /// The walker of a running space caches at any time.
    fn walk(&mut self) {
        for core in 0..CORES {
            if let Some((id, space)) = self.runs[core] {
                let was = self.cached[core].insert(id, space);
                assert!(was.is_none_or(|was| was == space), "core {core} finds space {was:?} under {id}, not {space}");
            }
        }
    }

    fn flush(&mut self) {
        self.cached = Default::default();
        self.walk();
    }

    fn activate(&mut self, core: usize, space: usize, id: Id) {
        let Id::One(id) = id else { panic!("a space has one identifier") };
        // What is walked with the old space in the registers and the new one announced.
        self.walk();
        self.runs[core] = Some((id, space));
        self.walk();
        for (other, runs) in self.runs.iter().enumerate() {
            if let Some((other_id, other_space)) = *runs {
                assert_eq!(other_id == id, other_space == space, "cores {core} and {other}");
            }
        }
    }
}

/// Enters a space; `meanwhile` happens when the identifier is known and not in the registers yet.
fn enter_while(
    ids: &Identifiers<All, CORES>,
    machine: &RefCell<Machine>,
    (core, space): (usize, usize),
    tag: &mut Tag,
    meanwhile: impl FnOnce(),
) {
    let flush = |token: TlbFlush<All, Rolled>| {
        machine.borrow_mut().flush();
        token.flush(&mut Recorder::<ToyCore, 64>::new())
    };
    let activate = |id| {
        meanwhile();
        machine.borrow_mut().activate(core, space, id);
        id
    };
    assert!(matches!(ids.enter(core, tag, flush, activate), Some(Id::One(1..=7))));
}

fn enter(ids: &Identifiers<All, CORES>, machine: &RefCell<Machine>, core: usize, space: usize, tag: &mut Tag) {
    enter_while(ids, machine, (core, space), tag, || ());
}

proptest! {
    #![proptest_config(crate::flush::toy::config())]

    /// Any order of switches and of cores that go idle, with more spaces than identifiers, one core slower than the
    /// other and caught in the middle of a switch: no core ever finds what another space left behind, no two running
    /// spaces share an identifier, and none has two.
    #[test]
    fn no_space_finds_what_another_left(
        steps in prop::collection::vec((0usize..24, 0usize..12, prop::collection::vec(0usize..10, 0..12)), 0..300),
    ) {
        let ids = Identifiers::<All, CORES>::new(1, 3).expect("seven identifiers for two cores");
        let machine = RefCell::new(Machine::default());
        let tags: Vec<RefCell<Tag>> = (0..10).map(|_| RefCell::default()).collect();
        for (core, space, others) in steps {
            let core = usize::from(core != 0);
            let Some(tag) = tags.get(space) else {
                machine.borrow_mut().runs[core] = None;
                ids.leave(core);
                continue;
            };
            enter_while(&ids, &machine, (core, space), &mut tag.borrow_mut(), || {
                for other in others.into_iter().filter(|other| core == 0 && *other != space) {
                    enter(&ids, &machine, 1, other, &mut tags[other].borrow_mut());
                }
            });
        }
    }
}

#[test]
fn who_runs_keeps_its_identifier_through_a_roll_over() {
    let ids = Identifiers::<All, CORES>::new(1, 3).expect("seven identifiers for two cores");
    let machine = RefCell::new(Machine::default());
    let mut runner = Tag::new();
    enter(&ids, &machine, 0, 99, &mut runner);
    let first = machine.borrow().runs[0];
    for space in 0..50 {
        enter(&ids, &machine, 1, space, &mut Tag::new());
        assert_eq!(machine.borrow().runs[0], first);
    }
    assert!(ids.rolls() > 5);
    enter(&ids, &machine, 1, 99, &mut runner);
    assert_eq!(machine.borrow().runs[1], first);
    // Carried by core 1 alone now, through another generation.
    ids.leave(0);
    machine.borrow_mut().runs[0] = None;
    for space in 100..150 {
        enter(&ids, &machine, 0, space, &mut Tag::new());
    }
    enter(&ids, &machine, 0, 99, &mut runner);
    assert_eq!(machine.borrow().runs[0], first);
}

/// Until somebody has flushed, everybody who gets an identifier of the new generation flushes.
#[test]
fn a_roll_over_in_the_middle_of_another_switch_flushes_both() {
    let ids = Identifiers::<All, CORES>::new(1, 3).expect("seven identifiers for two cores");
    for _ in 0..7 {
        ids.enter(0, &mut Tag::new(), |_| panic!("no roll-over yet"), |_| ());
    }
    let mut core = Recorder::<ToyCore, 64>::new();
    let mut inner = 0;
    ids.enter(
        0,
        &mut Tag::new(),
        |token| {
            ids.enter(
                1,
                &mut Tag::new(),
                |token| {
                    inner += 1;
                    token.flush(&mut Recorder::new())
                },
                |_| (),
            );
            token.flush(&mut core)
        },
        |_| (),
    );
    assert_eq!((inner, core.executed()), (1, 2));
    ids.enter(1, &mut Tag::new(), |_| panic!("both have flushed"), |_| ());
}

#[test]
fn reserved_identifiers_are_never_given_out_and_all_others_are() {
    let ids = Identifiers::<All, 1>::new(3, 4).expect("thirteen identifiers for a core");
    let mut seen = vec![0; 16];
    for _ in 0..13 {
        let Some(Id::One(id)) = ids.enter(0, &mut Tag::new(), |_| panic!("no roll-over"), |id| id) else {
            panic!("an identifier")
        };
        seen[usize::from(id)] += 1;
    }
    assert_eq!(seen, [[0; 3].as_slice(), &[1; 13]].concat());
    assert_eq!(ids.enter(1, &mut Tag::new(), |_| panic!("no such core"), |id| id), None);
}

#[test]
fn too_few_identifiers_are_refused() {
    assert!(Identifiers::<All, 2>::new(1, 2).is_none());
    assert!(Identifiers::<All, 2>::new(3, 3).is_some());
    assert!(Identifiers::<All, 2>::new(4, 3).is_none());
    assert!(Identifiers::<All, 2>::new(0, 17).is_none());
    assert!(Identifiers::<All, 2>::new(1, 16).is_some());
}

#[test]
fn cores_that_allocate_at_the_same_time_never_share() {
    let ids = Identifiers::<All, 3>::new(1, 4).expect("fifteen identifiers for three cores");
    let running = [const { core::sync::atomic::AtomicU32::new(0) }; 3];
    std::thread::scope(|threads| {
        for core in 0..3 {
            let (ids, running) = (&ids, &running);
            threads.spawn(move || {
                let rounds = if cfg!(miri) { 10 } else { 300 };
                let mut tags: Vec<Tag> = (0..7).map(|_| Tag::new()).collect();
                for round in 0..rounds {
                    let id = ids.enter(core, &mut tags[round % 7], |token| token.flush(&mut Recorder::new()), |id| id);
                    let Some(Id::One(id)) = id else { panic!("an identifier") };
                    use core::sync::atomic::Ordering::SeqCst;
                    running[core].store(u32::from(id), SeqCst);
                    let shared = (0..3).any(|other| other != core && running[other].load(SeqCst) == u32::from(id));
                    assert!(!shared);
                    running[core].store(0, SeqCst);
                }
            });
        }
    });
}

#[test]
fn what_edits_owe_names_the_identifier_that_was_given_last() {
    use crate::addr::{PhysAddr, VirtAddr};
    use crate::attr::{Access, MemoryType, Rights};
    use crate::edit::{AddressSpace, Halves, Mapping, Reclaim};
    use crate::flush::toy::Ram;
    use crate::table::Attributes;

    let data = Attributes::new(Access::user(Rights::RW), MemoryType::NormalWb).not_global();
    let ids = Identifiers::<All, CORES>::new(1, 3).expect("seven identifiers for two cores");
    let mut space = AddressSpace::<All>::new(Ram::new(0x8000_0000), Halves::Lower).expect("memory for a root");
    let request = Mapping::new(VirtAddr::new(0x1000), PhysAddr::new(0x9000_0000), 0x1000, data);
    space.map(&request).expect("nothing is mapped");
    // SAFETY: no core walks these tables.
    let mut space = unsafe { space.assume_live(Recorder::new()) };
    let mut tag = Tag::new();
    ids.enter(1, &mut Tag::new(), |_| panic!("no roll-over"), |_| ());
    // SAFETY: no core walks these tables.
    ids.enter(0, &mut tag, |_| panic!("no roll-over"), |id| unsafe { space.retag(id) });
    // SAFETY: no core walks these tables.
    let token = unsafe { space.unmap(VirtAddr::new(0x1000), 0x1000, Reclaim::Keep) }.expect("it is mapped");
    assert_eq!(token.scope().id, Id::One(2));
    space.reclaim(token);
}
