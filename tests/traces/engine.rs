//! Every transition of a live space, as it happens: stores to tables, barriers and invalidations in one list, in program
//! order. The lists stand in `golden/engine-*.txt`, beside what the manual says; and each is judged without them, too.

mod families;
mod judge;
mod log;
mod lost;
mod script;
mod text;

use std::collections::BTreeMap;

use tablature::attr::Features;
use tablature::edit::{AddressSpace, Halves, Live, Offline};
use tablature::flush::{Change, DutyRule, Id, Maintain, Reach};
use tablature::page::{HasLeaf, PageSize};

use self::judge::{Breaks, Judge, Lost, Seat, seats};
use self::log::{Core, Image, On, Op, Registers, Step, Tables};
use self::script::{Ground, Transition, failures, transitions};
use crate::golden::{Golden, duty};

/// A regime on a CPU.
struct Setting<'a, R: Maintain> {
    id: Id,
    registers: Registers<R>,
    breaks: Breaks,
    step: &'a dyn Fn(Op<R>) -> String,
    /// Whether these operations, all of them completed, drop what was cached.
    drops: &'a dyn Fn(&[Op<R>], Lost) -> bool,
}

/// One file in the making.
struct Family(Golden);

/// The line of the regime's obligations for a change.
fn rule<R: Maintain>(change: Change) -> &'static DutyRule {
    let fits = |rule: &&DutyRule| rule.change == change && R::FEATURES.contains(rule.given);
    R::DUTIES.iter().find(fits).expect("a line for each change")
}

impl Family {
    fn new(name: &'static str, about: &str) -> Self {
        let mut golden = Golden::new(name, about);
        golden.line("# Level 0 is the last. Rights are the kernel's and the user's.");
        golden.line("# What the walk remembers of a pointer goes with any one address that it is used for (DDI 0487 \"TLBI VAE1\",");
        golden.line(
            "# SDM \"Recommended Invalidation\"): a table that goes owes its pages, and one address if it had none.",
        );
        Self(golden)
    }

    /// All transitions of one regime, in the lower half, and in the upper one where there is one.
    fn regime<R, C, P, B>(mut self, about: &str, setting: &Setting<'_, R>) -> Self
    where
        R: Maintain + HasLeaf<P> + HasLeaf<B>,
        C: Reach,
        P: PageSize,
        B: PageSize,
    {
        let lower = Ground { virt: 0x4000_0000, global: false };
        let upper = R::FORMAT.upper_start().map(|start| Ground { virt: start + 0x4000_0000, global: true });
        for ground in [Some(lower), upper].into_iter().flatten() {
            let half = if ground.global { "upper half, global pages" } else { "lower half" };
            let reach = if C::EVERY_CORE { "every core" } else { "one core" };
            let id = setting.id;
            self.0.heading(&format!("{}{about}, {half}, {id:x?}, {reach}", R::FORMAT.name));
            for transition in transitions::<R, C, P, B>() {
                self.transition(&transition, ground, setting);
            }
            for transition in failures::<R, C>() {
                let Some(run) = run(&transition, ground, setting) else {
                    panic!("{} is not refused", transition.title)
                };
                assert!(run.steps.is_empty(), "{}: {:x?}", transition.title, run.steps);
                assert_eq!(run.before, run.after, "{}", transition.title);
                self.0.trace(transition.title, [""; 0]);
            }
        }
        self
    }

    fn transition<R: Maintain, C: Reach>(
        &mut self,
        transition: &Transition<R, C>,
        ground: Ground,
        setting: &Setting<'_, R>,
    ) {
        let Some(run) = run(transition, ground, setting) else {
            return self.0.line(format_args!("{}: there is no such thing here\n", transition.title));
        };
        let judge = Judge::<R> {
            image: run.before,
            seats: run.seats.clone(),
            steps: &run.steps,
            breaks: setting.breaks,
            drops: setting.drops,
        };
        judge.judge();
        let levels = text::levels::<R>(&run.seats, &run.steps);
        self.0.trace(transition.title, text::lines::<R>(&run.steps, &levels, setting.step));
        for change in transition.changes {
            let rule = rule::<R>(*change);
            self.0.line(format_args!("    # {change:?} owes {}: {}", duty(rule.duty), rule.manual));
        }
        self.0.line("");
    }

    fn finish(self) {
        self.0.finish();
    }
}

/// What happened.
struct Run<R: Maintain> {
    before: Image,
    after: Image,
    seats: BTreeMap<u64, Seat>,
    steps: Vec<Step<Op<R>>>,
}

/// A space before a transition, with an empty list.
fn ready<R: Maintain, C: Reach>(
    transition: &Transition<R, C>,
    ground: Ground,
    setting: &Setting<'_, R>,
) -> (AddressSpace<On<R, C>, Live>, Tables<R>) {
    let tables = Tables::<R>::new();
    let halves = if ground.global { Halves::Both } else { Halves::Lower };
    let space = AddressSpace::<On<R, C>, Offline>::new(tables.clone(), halves).expect("roots");
    let mut space = space.with_id(setting.id);
    (transition.before)(&mut space, ground);
    tables.take();
    // SAFETY: no hardware uses these tables.
    (unsafe { space.assume_live(Core::new(tables.clone(), setting.registers.clone())) }, tables)
}

/// One transition; `None` where the regime has no such thing.
fn run<R: Maintain, C: Reach>(
    transition: &Transition<R, C>,
    ground: Ground,
    setting: &Setting<'_, R>,
) -> Option<Run<R>> {
    let (mut space, tables) = ready(transition, ground, setting);
    let before = tables.image();
    let format = &R::FORMAT;
    let mut seated = BTreeMap::new();
    for (root, base) in [(space.roots().lower, 0), (space.roots().upper, format.upper_start().unwrap_or(0))] {
        if let Some(root) = root {
            seats::<R>(&before, root, Seat { level: format.levels - 1, base }, &mut seated);
        }
    }
    let done = (transition.edit)(&mut space, ground);
    done.then(|| Run { before, after: tables.image(), seats: seated, steps: tables.take() })
}

/// For CPUs with features.
const fn with(features: &[Features]) -> u64 {
    let (mut bits, mut i) = (0, 0);
    while i < features.len() {
        bits |= features[i].bits();
        i += 1;
    }
    bits
}
