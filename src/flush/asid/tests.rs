//! A model of what the cores have cached judges who gets which identifier.

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

fn enter(ids: &Identifiers<All, CORES>, machine: &mut Machine, core: usize, space: usize, tag: &mut Tag) {
    let mut flushes = 0;
    let cell = core::cell::RefCell::new(machine);
    let id = ids.enter(
        core,
        tag,
        |token| {
            flushes += 1;
            cell.borrow_mut().flush();
            token.flush(&mut Recorder::<ToyCore, 64>::new())
        },
        |id| {
            cell.borrow_mut().activate(core, space, id);
            id
        },
    );
    assert!(matches!(id, Some(Id::One(1..=7))) && flushes < 2);
}

proptest! {
    /// Any order of switches and of cores that go idle, with more spaces than identifiers: no core ever finds what
    /// another space left behind, and no two running spaces share an identifier.
    #[test]
    fn no_space_finds_what_another_left(steps in prop::collection::vec((0..CORES, 0usize..12), 0..200)) {
        let ids = Identifiers::<All, CORES>::new(1, 3).expect("seven identifiers for two cores");
        let mut machine = Machine::default();
        let mut tags: Vec<Tag> = (0..10).map(|_| Tag::new()).collect();
        for (core, space) in steps {
            match tags.get_mut(space) {
                Some(tag) => enter(&ids, &mut machine, core, space, tag),
                None => {
                    machine.runs[core] = None;
                    ids.leave(core);
                }
            }
        }
    }
}

#[test]
fn who_runs_keeps_its_identifier_through_a_roll_over() {
    let ids = Identifiers::<All, CORES>::new(1, 3).expect("seven identifiers for two cores");
    let mut machine = Machine::default();
    let mut runner = Tag::new();
    enter(&ids, &mut machine, 0, 99, &mut runner);
    let first = machine.runs[0];
    for space in 0..50 {
        enter(&ids, &mut machine, 1, space, &mut Tag::new());
        assert_eq!(machine.runs[0], first);
    }
    assert!(ids.rolls() > 5);
    enter(&ids, &mut machine, 1, 99, &mut runner);
    assert_eq!(machine.runs[1], first);
    // Carried by core 1 alone now, through another generation.
    ids.leave(0);
    machine.runs[0] = None;
    for space in 100..150 {
        enter(&ids, &mut machine, 0, space, &mut Tag::new());
    }
    enter(&ids, &mut machine, 0, 99, &mut runner);
    assert_eq!(machine.runs[0], first);
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
