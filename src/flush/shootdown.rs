//! Flushes on cores that the instructions of this one do not reach.

use core::array;
use core::fmt;
use core::hint::spin_loop;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicU32, fence};

use super::change::Duty;
use super::hardware::{Maintain, OneCore, meet};
use super::scope::{Extent, Id, Scope};
use crate::edit::{Brand, Kind};

/// What executes a flush on all cores: [`Mailboxes`], firmware, or a broadcast of the machine's own.
///
/// # Safety
/// When `everywhere` returns, this core and every other that may have anything of the scope cached have executed
/// [`Maintain::sequence`] for it.
///
/// One of a kind whose spaces get a [`Brand`] is implemented for `Brand<'_, K>`, too, as [`Others`] is.
pub unsafe trait Interprocessor<K: Kind> {
    /// Executes what `scope` asks for on this core, which is `hardware`, and on all others.
    fn everywhere(&mut self, scope: &Scope, hardware: &mut K::Hardware);
}

/// Interrupts between cores.
///
/// # Safety
/// A core for which `uses` is false has nothing of the kind's spaces cached. Before it uses one again it makes `uses` true,
/// executes a full barrier (a sequentially consistent fence, and what walks of the architecture wait for), and flushes.
pub unsafe trait Interrupts {
    /// Whether the core may have translations cached.
    fn uses(&mut self, core: usize) -> bool;

    /// Makes the core call [`Mailboxes::serve`] soon.
    fn interrupt(&mut self, core: usize);
}

/// Where up to `CORES` cores leave each other requests to flush.
///
/// A core that wants a flush leaves its scope, interrupts the others, and waits until each has executed the sequence and
/// said so. While it waits it serves what others ask of it, so cores that want one at the same time do not wait for each
/// other for ever, even with interrupts off.
pub struct Mailboxes<K: Kind, const CORES: usize> {
    /// What each core wants.
    wanted: [Request; CORES],
    /// The number of the request that `open[core][by]` has not executed yet; 0 if there is none.
    open: [[AtomicU32; CORES]; CORES],
    kind: PhantomData<fn() -> K>,
}

/// A scope in words, and the number of the request.
struct Request {
    number: AtomicU32,
    words: [AtomicU32; 6],
}

/// One core, and how it reaches the others.
pub struct Others<'a, K: Kind, I: Interrupts, const CORES: usize> {
    mailboxes: &'a Mailboxes<K, CORES>,
    /// What this core wants.
    wanted: &'a Request,
    core: usize,
    interrupts: I,
}

impl<K: Kind, const CORES: usize> Mailboxes<K, CORES> {
    /// Nobody wants anything.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            wanted: [const { Request::new() }; CORES],
            open: [const { [const { AtomicU32::new(0) }; CORES] }; CORES],
            kind: PhantomData,
        }
    }

    /// The way from core `core` to the others; `None` if there is no mailbox for it.
    ///
    /// # Safety
    /// `core` is the number of the core that uses this, and it uses one at a time: not from an interrupt while a
    /// shootdown of the same core waits.
    pub unsafe fn from<I: Interrupts>(&self, core: usize, interrupts: I) -> Option<Others<'_, K, I, CORES>> {
        let wanted = self.wanted.get(core)?;
        Some(Others { mailboxes: self, wanted, core, interrupts })
    }

    /// Executes what others have asked of core `core`, and says so to them; how many requests that were.
    ///
    /// For the handler of the interrupt. May be called at any time, also inside itself.
    ///
    /// # Safety
    /// `core` is the number of the core that runs this, and `hardware` is that core.
    pub unsafe fn serve(&self, core: usize, hardware: &mut K::Hardware) -> usize {
        let Some(open) = self.open.get(core) else { return 0 };
        let mut served = 0;
        for (open, wanted) in open.iter().zip(&self.wanted) {
            let number = open.load(Acquire);
            if number == 0 {
                continue;
            }
            meet::<K, OneCore>(&wanted.read(), hardware);
            // An interrupt may have served this one in between, and its owner asked for the next; that stays open.
            if open.compare_exchange(number, 0, Release, Relaxed).is_ok() {
                served += 1;
            }
        }
        served
    }
}

impl<K: Kind, const CORES: usize> Default for Mailboxes<K, CORES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind, const CORES: usize> fmt::Debug for Mailboxes<K, CORES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailboxes of {CORES} cores")
    }
}

impl<K: Kind, I: Interrupts, const CORES: usize> fmt::Debug for Others<'_, K, I, CORES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, from core {}", self.mailboxes, self.core)
    }
}

// SAFETY: it returns when no request of this core is open on a core that may have something cached, and `serve` closes a
// request behind the sequence.
unsafe impl<K: Kind, I: Interrupts, const CORES: usize> Interprocessor<K> for Others<'_, K, I, CORES> {
    fn everywhere(&mut self, scope: &Scope, hardware: &mut K::Hardware) {
        if scope.duty.is_none() {
            return;
        }
        let scope = scope.bounded(K::Regime::MANY);
        let number = self.wanted.write(&scope);
        // A core that is not asked, because it says only afterwards that it uses the tables, walks what is stored by now.
        fence(SeqCst);
        let asked: [bool; CORES] = array::from_fn(|core| core != self.core && self.interrupts.uses(core));
        let (boxes, me) = (self.mailboxes.open.iter().zip(asked).enumerate(), self.core);
        // Where each core that is asked looks for requests of this one.
        let open = boxes.filter_map(|(core, (from, asked))| Some((core, from.get(me).filter(|_| asked)?)));
        for (core, open) in open.clone() {
            // What was written to the tables before is visible to who sees the number.
            open.store(number, Release);
            self.interrupts.interrupt(core);
        }
        meet::<K, OneCore>(&scope, hardware);
        while open.clone().any(|(_, open)| open.load(Acquire) != 0) {
            // SAFETY: this is that core, as the constructor was promised.
            unsafe { self.mailboxes.serve(self.core, hardware) };
            spin_loop();
        }
    }
}

// SAFETY: a branded space is one of the kind, with the same hardware.
unsafe impl<K: Kind, I: Interrupts, const CORES: usize> Interprocessor<Brand<'_, K>> for Others<'_, K, I, CORES> {
    fn everywhere(&mut self, scope: &Scope, hardware: &mut K::Hardware) {
        Interprocessor::<K>::everywhere(self, scope, hardware);
    }
}

impl Request {
    const fn new() -> Self {
        Self { number: AtomicU32::new(0), words: [const { AtomicU32::new(0) }; 6] }
    }

    /// Writes a new request, when none is open; its number, which is not 0.
    fn write(&self, scope: &Scope) -> u32 {
        for (word, value) in self.words.iter().zip(encode(scope)) {
            word.store(value, Relaxed);
        }
        let number = self.number.load(Relaxed).wrapping_add(1).max(1);
        self.number.store(number, Relaxed);
        number
    }

    /// The scope. A reader that was interrupted, and whose request was served meanwhile, may see a mixture of this one
    /// and the next; it executes what does no harm, and does not close the next.
    fn read(&self) -> Scope {
        decode(self.words.each_ref().map(|word| word.load(Relaxed)))
    }
}

const NOWHERE: u32 = 0;
const RANGE: u32 = 1;
const EVERYWHERE: u32 = 2;

/// Words 0 to 3 are the range; 4 the identifier, with bit 16 for one; 5 the duty, the extent and the stride.
fn encode(scope: &Scope) -> [u32; 6] {
    let (sort, start, last, stride) = match scope.extent {
        Extent::Nowhere => (NOWHERE, 0, 0, 0),
        Extent::Range { start, last, stride } => (RANGE, start, last, stride),
        Extent::Everywhere => (EVERYWHERE, 0, 0, 0),
    };
    let id = match scope.id {
        Id::Every => 0,
        Id::One(id) => 1 << 16 | u32::from(id),
    };
    let Duty { before_make, publish, leaf, walk } = scope.duty;
    let duty = u32::from(before_make) | u32::from(publish) << 1 | u32::from(leaf) << 2 | u32::from(walk) << 3;
    [start as u32, (start >> 32) as u32, last as u32, (last >> 32) as u32, id, duty | sort << 8 | stride << 16]
}

fn decode(words: [u32; 6]) -> Scope {
    let wide = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let (start, last, stride) = (wide(words[0], words[1]), wide(words[2], words[3]), words[5] >> 16 & 63);
    let extent = match words[5] >> 8 & 3 {
        NOWHERE => Extent::Nowhere,
        RANGE if start <= last => Extent::Range { start, last, stride },
        _ => Extent::Everywhere,
    };
    let id = if words[4] >> 16 & 1 == 1 { Id::One(words[4] as u16) } else { Id::Every };
    let bit = |n: u32| words[5] >> n & 1 == 1;
    Scope { duty: Duty { before_make: bit(0), publish: bit(1), leaf: bit(2), walk: bit(3) }, extent, id }
}

#[cfg(test)]
mod tests;
