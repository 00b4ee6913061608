//! The kernel: partitions in turns, system calls, and what becomes of faults.

use core::cell::UnsafeCell;
use core::fmt::Write as _;

use tablature::space::{Destination, Switcher};

use crate::attempts::{self, Attempt, Fault, Kind};
use crate::machine::system::{control, rogue};
use crate::machine::{self, Console, Context, Timer};
use crate::shared::{self, CONTROL_MARK, FRAME, PAYLOAD, REFUSED, TABLE, call, count, deed, load, mix};

/// A space whose kernel is that of all partitions.
pub(crate) type Family = control::Space;

/// How often `rogue` goes through the list.
const ROUNDS: usize = 3;
/// Turns that each partition must have lost to the timer, and frames that must have arrived, before the end.
const ENOUGH: u64 = 16;
/// Most turns; a partition that does nothing any more is a failure.
const TURNS: u64 = 100_000;

/// Why the kernel was entered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The turn is over.
    Timer,
    /// A system call.
    Call,
    /// An access or an instruction was refused.
    Fault(Fault),
    /// Something else; the number is the machine's.
    Other(u64),
}

/// A partition.
struct Partition {
    context: Context,
    space: Destination<Family>,
    /// Turns that the timer ended.
    preempted: u64,
    counts: [u64; count::KINDS],
}

/// Positions in the table of partitions.
const CONTROL: usize = 0;
const ROGUE: usize = 1;

/// The kernel's state.
pub(crate) struct Rtos {
    partitions: [Partition; 2],
    current: usize,
    switcher: Switcher<Family>,
    console: Console,
    timer: Timer,
    /// Which attempt is next, over all rounds; and the one that is under way.
    next: usize,
    tried: Option<Attempt>,
    switches: u64,
    refused: u64,
    allowed: u64,
    surprises: u64,
    /// How often the memory of `control` was looked at, and how far it had come.
    looks: u64,
    rounds: u64,
}

/// The kernel: in use by whoever handles the one trap there is at a time.
struct Kernel(UnsafeCell<Option<Rtos>>);

// SAFETY: one core, and the kernel is not interrupted.
unsafe impl Sync for Kernel {}

static KERNEL: Kernel = Kernel(UnsafeCell::new(None));

/// Where this core can go: to both partitions.
///
/// # Panics
/// It cannot.
pub(crate) fn spaces(switcher: &mut Switcher<Family>) -> [Destination<Family>; 2] {
    match (switcher.check::<control::Space>(), switcher.check::<rogue::Space>()) {
        (Ok(control), Ok(rogue)) => [control, rogue],
        (Err(error), _) | (_, Err(error)) => panic!("{error}"),
    }
}

/// Starts the partitions.
///
/// # Safety
/// Called once, with the machine's traps leading to [`handle`].
pub(crate) unsafe fn start(
    mut switcher: Switcher<Family>,
    spaces: [Destination<Family>; 2],
    console: Console,
    timer: Timer,
) -> ! {
    switcher.switch(&spaces[CONTROL]);
    let [first, second] = spaces;
    let partition = |space, context| Partition { context, space, preempted: 0, counts: [0; count::KINDS] };
    let rtos = Rtos {
        partitions: [
            partition(first, Context::new(control::code::START, control::stack::END)),
            partition(second, Context::new(rogue::code::START, rogue::stack::END)),
        ],
        current: CONTROL,
        switcher,
        console,
        timer,
        next: 0,
        tried: None,
        switches: 0,
        refused: 0,
        allowed: 0,
        surprises: 0,
        looks: 0,
        rounds: 0,
    };
    // SAFETY: called once, before the first trap.
    let rtos = unsafe { &mut *KERNEL.0.get() }.insert(rtos);
    rtos.say(format_args!("{} attempts, {ROUNDS} times\n", attempts::COUNT));
    rtos.timer.start();
    // SAFETY: the context is that of the partition whose space is live.
    unsafe { machine::resume(&raw mut rtos.partitions[CONTROL].context) }
}

/// Handles a trap of the current partition, and says which context goes on; its space is live then.
///
/// # Safety
/// For the machine's trap handler, after [`start`], with the registers saved in the context that was resumed last.
pub(crate) unsafe fn handle(event: Event) -> *mut Context {
    // SAFETY: a trap is handled when no other is.
    let kernel = unsafe { &mut *KERNEL.0.get() };
    let Some(rtos) = kernel else { panic!("a trap before the first partition") };
    match event {
        Event::Timer => rtos.preempt(),
        Event::Call => rtos.call(),
        Event::Fault(fault) => rtos.fault(fault),
        Event::Other(number) => rtos.surprise(format_args!("trap {number:#x}")),
    }
    &raw mut rtos.partitions[rtos.current].context
}

impl Rtos {
    fn say(&mut self, text: core::fmt::Arguments<'_>) {
        // The console cannot fail.
        let _ = self.console.write_fmt(text);
    }

    fn context(&mut self) -> &mut Context {
        &mut self.partitions[self.current].context
    }

    /// The timer has ended a turn.
    fn preempt(&mut self) {
        self.partitions[self.current].preempted += 1;
        self.timer.rearm();
        if self.current == CONTROL {
            self.look();
        }
        if self.is_over() {
            self.report();
        }
        self.give_turn();
    }

    /// The next partition, in its space.
    fn give_turn(&mut self) {
        self.current = (self.current + 1) % self.partitions.len();
        self.switcher.switch(&self.partitions[self.current].space);
        self.switches += 1;
    }

    fn call(&mut self) {
        let [number, first, second] = self.context().arguments();
        let answer = match number {
            call::YIELD => {
                self.context().answer([0, 0]);
                return self.give_turn();
            }
            call::PRINT => [self.print(first, second), 0],
            call::COUNT if first < count::KINDS as u64 => {
                self.partitions[self.current].counts[first as usize] += 1;
                [0, 0]
            }
            call::NEXT if self.current == ROGUE => self.next(),
            call::DONE if self.current == ROGUE => {
                self.allow();
                [0, 0]
            }
            _ => [REFUSED, 0],
        };
        self.context().answer(answer);
    }

    /// Prints bytes of the partition's own code or data, and no others.
    fn print(&mut self, start: u64, bytes: u64) -> u64 {
        let own = match self.current {
            CONTROL => [(control::code::START, control::code::END), (control::data::START, control::data::END)],
            _ => [(rogue::code::START, rogue::code::END), (rogue::data::START, rogue::data::END)],
        };
        let is_own = start.checked_add(bytes).is_some_and(|end| own.iter().any(|o| o.0 <= start && end <= o.1));
        let tried = self.tried.take_if(|tried| tried.deed == deed::DEPUTY);
        match (is_own, tried) {
            (true, Some(tried)) => self.allowed(tried),
            (false, Some(tried)) => self.refuse(tried, format_args!("by the kernel")),
            (false, None) => self.surprise(format_args!("a print of {start:#x}")),
            (true, None) => {
                for at in start..start + bytes {
                    let byte = core::ptr::with_exposed_provenance::<u8>(at as usize);
                    // SAFETY: the byte is mapped in the space that is live, for the kernel too.
                    let byte = unsafe { byte.read_volatile() };
                    self.say(format_args!("{}", char::from(byte)));
                }
                return 0;
            }
        }
        REFUSED
    }

    /// What `rogue` tries next.
    fn next(&mut self) -> [u64; 2] {
        if let Some(tried) = self.tried.take() {
            self.surprise(format_args!("{} of {} was not tried", tried.verb(), tried.name));
        }
        if self.next == ROUNDS * attempts::COUNT {
            return [deed::END, 0];
        }
        self.tried = Attempt::number(self.next % attempts::COUNT);
        self.next += 1;
        self.tried.map_or([deed::END, 0], |tried| [tried.deed, tried.address])
    }

    /// What was tried has been done.
    fn allow(&mut self) {
        match self.tried.take() {
            Some(tried) => self.allowed(tried),
            None => self.surprise(format_args!("something was done that nobody asked for")),
        }
    }

    fn allowed(&mut self, tried: Attempt) {
        self.allowed += 1;
        self.say(format_args!("! {} {} {:#x}: ALLOWED\n", tried.verb(), tried.name, tried.address));
    }

    fn refuse(&mut self, tried: Attempt, how: core::fmt::Arguments<'_>) {
        self.refused += 1;
        if self.next <= attempts::COUNT {
            let (verb, name, address) = (tried.verb(), tried.name, tried.address);
            self.say(format_args!("  {verb:<10} {name:<26} {address:#018x}  refused: {how}\n"));
        }
    }

    /// A partition faults: `rogue` as it should, at the address and in the way that its attempt must. It starts anew.
    fn fault(&mut self, fault: Fault) {
        let at = self.context().program_counter();
        match self.tried.take() {
            Some(tried) if self.current == ROGUE && tried.expected() == Some(fault) => {
                let how = match fault.kind {
                    Kind::Read => "fault of a load",
                    Kind::Write => "fault of a store",
                    Kind::Execute => "fault of a fetch",
                    Kind::Refused => "fault of the instruction",
                };
                self.refuse(tried, format_args!("{how}"));
            }
            Some(tried) => {
                self.surprise(format_args!("{} of {}: {fault:x?} at {at:#x}", tried.verb(), tried.name));
            }
            None => self.surprise(format_args!("{fault:x?} at {at:#x}")),
        }
        if self.current == CONTROL {
            self.report();
        }
        *self.context() = Context::new(rogue::code::START, rogue::stack::END);
    }

    fn surprise(&mut self, what: core::fmt::Arguments<'_>) {
        self.surprises += 1;
        let name = ["control", "rogue"][self.current];
        self.say(format_args!("! {name}: {what}\n"));
        if self.surprises > ENOUGH {
            self.report();
        }
    }

    /// Looks at the memory of `control`, whose space is live: all as it left it, and further than before.
    fn look(&mut self) {
        // SAFETY: mapped in the space that is live, for the kernel too; here and below.
        let word = |address| unsafe { load(address) };
        let (rounds, finished) =
            (word(control::data::START + shared::data::ROUNDS), word(control::data::START + shared::data::FINISHED));
        if rounds == 0 {
            return;
        }
        self.looks += 1;
        let table = control::data::START + shared::data::TABLE;
        if let Some(i) = (0..TABLE).find(|i| word(table + 8 * i) != mix(*i)) {
            self.surprise(format_args!("word {i} of its table was changed"));
        }
        if word(control::scratch::START) != CONTROL_MARK {
            self.surprise(format_args!("its scratch page was changed"));
        }
        let before = core::mem::replace(&mut self.rounds, rounds);
        if rounds < before {
            self.surprise(format_args!("it went back from round {before} to {rounds}"));
        }
        // The frame that was finished last: the next one is in the other.
        let frame = control::link::START + finished % 2 * FRAME;
        let bad = |i: &u64| word(frame + 8 + 8 * i) != mix(finished ^ *i << 32);
        if word(frame) != 2 * finished || (0..PAYLOAD).any(|i| bad(&i)) {
            self.surprise(format_args!("frame {finished} was changed"));
        }
    }

    fn is_over(&self) -> bool {
        let [control, rogue] = &self.partitions;
        let frames = rogue.counts[count::FRAME as usize];
        let done = self.next == ROUNDS * attempts::COUNT && self.tried.is_none();
        let enough = [control.preempted, rogue.preempted, frames, self.looks].iter().all(|n| *n >= ENOUGH);
        done && enough || self.switches > TURNS
    }

    /// Says how it went, and ends.
    fn report(&mut self) -> ! {
        let [control, rogue] = &self.partitions;
        let (alarms, frames, bad) = (
            control.counts[count::ALARM as usize] + rogue.counts[count::ALARM as usize],
            rogue.counts[count::FRAME as usize],
            rogue.counts[count::BAD_FRAME as usize],
        );
        let (control, rogue) = (control.preempted, rogue.preempted);
        let (looks, rounds, switches) = (self.looks, self.rounds, self.switches);
        let (tried, refused, allowed, surprises) = (self.next, self.refused, self.allowed, self.surprises);
        self.say(format_args!("control: {rounds} rounds, preempted {control} times, looked at {looks} times\n"));
        self.say(format_args!("rogue: {frames} frames received, {bad} bad, preempted {rogue} times\n"));
        self.say(format_args!("{switches} switches between the spaces\n"));
        self.say(format_args!(
            "{tried} attempts, {refused} refused, {allowed} allowed, {surprises} surprises, {alarms} alarms\n"
        ));
        let whole = tried == ROUNDS * attempts::COUNT && refused == tried as u64;
        let good = whole && allowed + surprises + alarms + bad == 0 && frames >= ENOUGH && looks >= ENOUGH;
        machine::exit(u32::from(!good))
    }
}
