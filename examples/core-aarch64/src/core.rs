//! What the MMU says about the translation that this code runs under.

use core::marker::PhantomData;

use probe::trial::{Try, attempt};
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};

use crate::access::{call, load_byte, load_word, run_as_user, store_byte, store_word};
use crate::ask::Level;

/// `ret`.
pub const RETURN: u32 = 0xd65f_03c0;
/// `udf #0`.
pub(crate) const UNDEFINED: u32 = 0;

/// The core this runs on, at level `L`.
pub struct Core<L> {
    /// An address in a guard: whatever is loaded or stored relative to it faults.
    guard: u64,
    level: PhantomData<L>,
}

impl<L: Level> Core<L> {
    /// The core, where nothing is mapped at `guard` and 32 KiB behind it.
    #[must_use]
    pub const fn new(guard: u64) -> Self {
        Self { guard, level: PhantomData }
    }
}

/// What PAR_EL1 says about `virt`.
pub(crate) fn walk(answer: u64, virt: u64) -> Walk {
    if answer & 1 == 0 { Walk::To(answer & 0x000f_ffff_ffff_f000 | virt & 0xfff) } else { Walk::Nowhere }
}

impl<L: Level> Machine for Core<L> {
    const WALKS: bool = true;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        let virt = spot.virt;
        if let Some(answer) = L::ask(virt, right, who) {
            return walk(answer, virt);
        }
        if !L::HAS_USER || who == Who::Kernel {
            // `execute` tries what the kernel may execute.
            return Walk::Silent;
        }
        match attempt(Try::User, refusal, || run_as_user(virt, self.guard)) {
            Ok(()) => Walk::Same,
            Err(_) => Walk::Nowhere,
        }
    }

    fn memory(&mut self, virt: u64) -> Option<u8> {
        let answer = L::ask(virt, Right::Read, Who::Kernel)?;
        if answer & 1 == 0 { Some((answer >> 56) as u8) } else { None }
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        attempt(Try::Data, refusal, || width.pick(load_byte, load_word)(virt))
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        attempt(Try::Data, refusal, || width.pick(store_byte, store_word)(virt))
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        attempt(Try::Call, refusal, || call(virt, self.guard))
    }

    fn is_harmless(&self, word: u32) -> bool {
        word == RETURN || word == UNDEFINED || is_sure_to_fault(word)
    }
}

/// Whether `word` is a load or store that faults when [`call`] calls it: LDR and STR with unsigned offset, whose base is
/// a register that points into a guard (Arm ARM DDI 0487, C4.1.94).
const fn is_sure_to_fault(word: u32) -> bool {
    let is_access = word & 0x3b00_0000 == 0x3900_0000;
    let is_prefetch = word & 0xffc0_0000 == 0xf980_0000;
    let base = word >> 5 & 31;
    is_access && !is_prefetch && base != 16 && base < 29
}

/// The fault behind a syndrome (ESR_ELx.ISS.DFSC and IFSC, Arm ARM DDI 0487).
pub(crate) fn refusal(syndrome: u64) -> Fault {
    // A translation fault of level -1, which 52-bit addresses have.
    if syndrome & 0x3f == 0x2b {
        return Fault::Unmapped;
    }
    match syndrome & 0x3c {
        0x04 => Fault::Unmapped,
        0x0c => Fault::Denied,
        _ => Fault::Other(syndrome),
    }
}
