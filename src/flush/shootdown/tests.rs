//! Threads stand for cores, and what each executes is written down.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::vec::Vec;

use super::*;
use crate::flush::toy::{Op, Ram, Toy, ToyCore};
use crate::flush::{EveryCore, Hardware, TlbFlush};
use crate::riscv::Sv39;

/// A kind whose cores write down everything.
struct Logged;

impl Kind for Logged {
    type Regime = Toy<false>;
    type Memory = Ram<Sv39>;
    type Hardware = Log;
    type Reach = EveryCore;
}

#[derive(Default)]
struct Log(Vec<Op>);

impl Hardware<ToyCore> for Log {
    fn read(&mut self, _: u8) -> u64 {
        0
    }

    unsafe fn execute(&mut self, op: Op) {
        self.0.push(op);
    }
}

/// All cores but those in the list use the space, and look into their mailboxes by themselves.
struct Polling<'a>(&'a [usize]);

// SAFETY: the cores in the list have nothing cached, as there are no caches.
unsafe impl Interrupts for Polling<'_> {
    fn uses(&mut self, core: usize) -> bool {
        !self.0.contains(&core)
    }

    fn interrupt(&mut self, _: usize) {}
}

fn page(number: u64) -> Scope {
    let start = number << 12;
    Scope { duty: Duty::LEAF, extent: Extent::Range { start, last: start | 0xfff, stride: 12 }, id: Id::One(4) }
}

fn shoot<const CORES: usize>(boxes: &Mailboxes<Logged, CORES>, core: usize, idle: &[usize], log: &mut Log, at: u64) {
    // SAFETY: each thread has its own number, and one way at a time.
    let mut others = unsafe { boxes.from(core, Polling(idle)) }.expect("a mailbox");
    let token = TlbFlush::<Logged, u64>::new(page(at), at);
    assert_eq!(token.shootdown(log, &mut others), at);
}

#[test]
fn every_scope_survives_the_mailbox() {
    let request = Request::new();
    let ids = [Id::Every, Id::One(0), Id::One(0xffff)];
    let extents = [
        Extent::Nowhere,
        Extent::Everywhere,
        Extent::Range { start: 0, last: u64::MAX, stride: 12 },
        Extent::Range { start: 0xffff_8000_1234_5000, last: 0xffff_8000_1234_5fff, stride: 12 },
        Extent::Range { start: 0, last: (1 << 48) - 1, stride: 48 },
    ];
    for (id, extent) in ids.into_iter().flat_map(|id| extents.map(|extent| (id, extent))) {
        for duty in [Duty::NONE, Duty::PUBLISH, Duty::LEAF, Duty::WALK, Duty::WALK.broken()] {
            let scope = Scope { duty, extent, id };
            assert_ne!(request.write(&scope), 0);
            assert_eq!(request.read(), scope);
        }
    }
}

/// A mixture of two requests never makes a loop that runs backwards or for ever.
#[test]
fn torn_requests_are_harmless() {
    let mut words = encode(&page(9));
    words[0] = u32::MAX;
    words[1] = 7;
    assert_eq!(decode(words).extent, Extent::Everywhere);
    assert!(decode([u32::MAX; 6]).bounded(8).steps() <= 8);
}

#[test]
fn a_shootdown_returns_after_every_core_has_executed_it() {
    static BOXES: Mailboxes<Counted, 3> = Mailboxes::new();
    static EXECUTED: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

    struct Counted;
    impl Kind for Counted {
        type Regime = Toy<false>;
        type Memory = Ram<Sv39>;
        type Hardware = Counter;
        type Reach = EveryCore;
    }

    struct Counter(usize);
    impl Hardware<ToyCore> for Counter {
        fn read(&mut self, _: u8) -> u64 {
            0
        }

        unsafe fn execute(&mut self, op: Op) {
            assert!(matches!(op, Op::Barrier | Op::Page(0x5000, Id::One(4), false)));
            EXECUTED[self.0].fetch_add(1, Relaxed);
        }
    }

    std::thread::scope(|threads| {
        for core in 1..3 {
            // SAFETY: this thread is that core.
            threads.spawn(move || while unsafe { BOXES.serve(core, &mut Counter(core)) } == 0 {});
        }
        // SAFETY: this thread is core 0.
        let mut others = unsafe { BOXES.from(0, Polling(&[])) }.expect("a mailbox");
        let token = TlbFlush::<Counted, u8>::new(page(5), 3);
        assert_eq!(token.shootdown(&mut Counter(0), &mut others), 3);
        // Relaxed: that the answers are seen is what orders it.
        assert!(EXECUTED.iter().all(|count| count.load(Relaxed) == 2));
    });
}

#[test]
fn cores_that_shoot_at_each_other_all_come_back() {
    const CORES: usize = 3;
    const ROUNDS: u64 = if cfg!(miri) { 3 } else { 20 };
    static BOXES: Mailboxes<Logged, CORES> = Mailboxes::new();
    static DONE: AtomicUsize = AtomicUsize::new(0);
    let logs: Vec<Log> = std::thread::scope(|threads| {
        let run = |core: usize| {
            let mut log = Log::default();
            for round in 0..ROUNDS {
                shoot(&BOXES, core, &[], &mut log, core as u64 * ROUNDS + round);
            }
            DONE.fetch_add(1, SeqCst);
            while DONE.load(SeqCst) < CORES {
                // SAFETY: this thread is that core.
                unsafe { BOXES.serve(core, &mut log) };
                std::thread::yield_now();
            }
            log
        };
        let threads: Vec<_> = (0..CORES).map(|core| threads.spawn(move || run(core))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    for log in logs {
        let mut seen: Vec<u64> = log
            .0
            .iter()
            .filter_map(|op| match op {
                Op::Page(page, Id::One(4), false) => Some(page >> 12),
                _ => None,
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..CORES as u64 * ROUNDS).collect::<Vec<_>>());
    }
}

#[test]
fn who_does_not_use_the_space_is_not_asked() {
    static BOXES: Mailboxes<Logged, 2> = Mailboxes::new();
    let mut log = Log::default();
    shoot(&BOXES, 0, &[1], &mut log, 5);
    // SAFETY: this thread stands for that core.
    assert_eq!(unsafe { BOXES.serve(1, &mut log) }, 0);
    // SAFETY: there is no such core, and that is noticed.
    assert!(unsafe { BOXES.from(2, Polling(&[])) }.is_none());
    // SAFETY: there is no such core, and that is noticed.
    assert_eq!(unsafe { BOXES.serve(2, &mut log) }, 0);
}

/// A request that an interrupt served inside `serve`, and the next one behind it: the next one stays open.
#[test]
fn serving_inside_serving_closes_no_request_that_was_not_executed() {
    static BOXES: Mailboxes<Nested, 2> = Mailboxes::new();
    static ASKED: AtomicBool = AtomicBool::new(false);

    struct Nested;
    impl Kind for Nested {
        type Regime = Toy<false>;
        type Memory = Ram<Sv39>;
        type Hardware = Interrupted;
        type Reach = EveryCore;
    }

    /// Core 1, which an interrupt catches at the first instruction of a request.
    struct Interrupted(Vec<Op>);
    impl Hardware<ToyCore> for Interrupted {
        fn read(&mut self, _: u8) -> u64 {
            0
        }

        unsafe fn execute(&mut self, op: Op) {
            if !ASKED.swap(true, SeqCst) {
                // SAFETY: this stands for the handler on the same core.
                unsafe { BOXES.serve(1, self) };
                // The owner sees the answer, and wants the next page.
                let number = BOXES.wanted[0].write(&page(6));
                BOXES.open[1][0].store(number, SeqCst);
            }
            self.0.push(op);
        }
    }

    let number = BOXES.wanted[0].write(&page(5));
    BOXES.open[1][0].store(number, SeqCst);
    let mut core = Interrupted(Vec::new());
    // SAFETY: this thread stands for that core.
    assert_eq!(unsafe { BOXES.serve(1, &mut core) }, 0);
    assert_ne!(BOXES.open[1][0].load(SeqCst), 0);
    // SAFETY: this thread stands for that core.
    assert_eq!(unsafe { BOXES.serve(1, &mut core) }, 1);
    assert!(core.0.contains(&Op::Page(0x6000, Id::One(4), false)));
    assert_eq!(BOXES.open[1][0].load(SeqCst), 0);
}
