//! Faults that are expected, and others.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use aarch64_cpu::registers::{ESR_EL1, FAR_EL1, Readable as _};
use aarch64_rt::{ExceptionHandlers, RegisterStateRef, exception_handlers};

/// `SPSR_EL1` of EL1 with its own stack pointer, all exceptions masked.
const AT_EL1: u64 = 0x3c5;

/// What the running code is about to try, one of the constants below.
static TRIES: AtomicU64 = AtomicU64::new(NOTHING);
/// `ESR_EL1` of the fault that was caught; 0 for none.
static CAUGHT: AtomicU64 = AtomicU64::new(0);
/// Where to go on after the excursion to EL0.
pub(crate) static LANDING: AtomicU64 = AtomicU64::new(0);

/// Every exception is an error.
const NOTHING: u64 = 0;
/// A load or store, which is skipped where it faults.
pub(crate) const DATA: u64 = 1;
/// A call, which returns where it faults.
pub(crate) const CALL: u64 = 2;
/// A jump to EL0, which always ends in an exception.
pub(crate) const USER: u64 = 3;

/// Exception classes (Arm ARM DDI 0487, ESR_EL1.EC).
const FETCH_BELOW: u64 = 0x20;
const FETCH: u64 = 0x21;
const ACCESS: u64 = 0x25;

/// Runs `body`, which tries `what` once, and returns the syndrome of the fault; 0 for none.
pub(crate) fn caught(what: u64, body: impl FnOnce()) -> u64 {
    CAUGHT.store(0, Relaxed);
    TRIES.store(what, Relaxed);
    body();
    TRIES.store(NOTHING, Relaxed);
    CAUGHT.load(Relaxed)
}

struct Handlers;

exception_handlers!(Handlers);

impl ExceptionHandlers for Handlers {
    extern "C" fn sync_current(mut state: RegisterStateRef) {
        let syndrome = ESR_EL1.get();
        let class = syndrome >> 26;
        match (TRIES.load(Relaxed), class) {
            (DATA, ACCESS) => {
                CAUGHT.store(syndrome, Relaxed);
                // SAFETY: the instruction is the load or store of a probe, which takes CAUGHT for its answer.
                let state = unsafe { state.get_mut() };
                state.elr += 4;
            }
            (CALL, _) => {
                // Whatever else than a refused fetch was raised by an instruction that was fetched.
                CAUGHT.store(if class == FETCH { syndrome } else { 0 }, Relaxed);
                // SAFETY: the instruction was reached by the call of a probe; x30 holds the return address, and the
                // field for it is called `sp`.
                let state = unsafe { state.get_mut() };
                state.elr = state.sp as usize;
            }
            _ => panic!("exception {syndrome:#x} at {:#x}, address {:#x}", state.elr, FAR_EL1.get()),
        }
    }

    extern "C" fn sync_lower(mut state: RegisterStateRef) {
        let syndrome = ESR_EL1.get();
        if TRIES.load(Relaxed) != USER {
            panic!("exception {syndrome:#x} from EL0 at {:#x}", state.elr);
        }
        // The address that was tried is in x0. A refused fetch elsewhere is one of the address returned to.
        let refused = syndrome >> 26 == FETCH_BELOW && state.elr as u64 == state.registers[0];
        CAUGHT.store(if refused { syndrome } else { 0 }, Relaxed);
        // SAFETY: the probe goes on behind its `eret`, at the level and on the stack it had.
        let state = unsafe { state.get_mut() };
        state.elr = LANDING.load(Relaxed) as usize;
        state.spsr = AT_EL1;
    }
}
