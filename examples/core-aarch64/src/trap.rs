//! Faults that are expected, and others.

use core::sync::atomic::Ordering::Relaxed;

use aarch64_cpu::registers::{CurrentEL, ESR_EL1, ESR_EL2, ESR_EL3, FAR_EL1, FAR_EL2, FAR_EL3, Readable as _};
use aarch64_rt::{ExceptionHandlers, RegisterStateRef, exception_handlers};
use probe::trial::{LANDING, Try, refuse, tried};

/// `SPSR_ELx` without the level: its own stack pointer, all exceptions masked.
const MASKED: u64 = 0x3c1;

/// Exception classes (Arm ARM DDI 0487, ESR_ELx.EC).
const CALL: u64 = 0x16;
const FETCH_BELOW: u64 = 0x20;
const FETCH: u64 = 0x21;
const ACCESS_BELOW: u64 = 0x24;
const ACCESS: u64 = 0x25;

struct Handlers;

exception_handlers!(Handlers);

/// Has this level's exceptions come here.
pub fn init() {
    aarch64_rt::set_exception_vector();
}

/// Syndrome and address of the exception, in the registers of the level that this runs at.
fn cause() -> (u64, u64) {
    match level() {
        1 => (ESR_EL1.get(), FAR_EL1.get()),
        2 => (ESR_EL2.get(), FAR_EL2.get()),
        _ => (ESR_EL3.get(), FAR_EL3.get()),
    }
}

fn level() -> u64 {
    CurrentEL.read(CurrentEL::EL)
}

impl ExceptionHandlers for Handlers {
    extern "C" fn sync_current(mut state: RegisterStateRef) {
        let (syndrome, address) = cause();
        let class = syndrome >> 26;
        match (tried(), class) {
            (Try::Data, ACCESS) => {
                refuse(syndrome);
                // SAFETY: the instruction is the load or store of a probe, which knows that it was refused.
                let state = unsafe { state.get_mut() };
                state.elr += 4;
            }
            (Try::Call, _) => {
                // Whatever else than a refused fetch was raised by an instruction that was fetched.
                if class == FETCH {
                    refuse(syndrome);
                }
                // SAFETY: the instruction was reached by the call of a probe; x30 holds the return address, and the
                // field for it is called `sp`.
                let state = unsafe { state.get_mut() };
                state.elr = state.sp as usize;
            }
            _ => panic!("exception {syndrome:#x} at {:#x}, address {address:#x}", state.elr),
        }
    }

    extern "C" fn sync_lower(mut state: RegisterStateRef) {
        let (syndrome, address) = cause();
        let refused = match (tried(), syndrome >> 26) {
            // The address that was tried is in x0. A refused fetch elsewhere is one of the address returned to.
            (Try::User, class) => class == FETCH_BELOW && state.elr as u64 == state.registers[0],
            // A guest's load or store, and the end of one.
            (Try::Data, ACCESS_BELOW) => true,
            (Try::Data, CALL) => false,
            _ => panic!("exception {syndrome:#x} from below at {:#x}, address {address:#x}", state.elr),
        };
        if refused {
            refuse(syndrome);
        }
        // SAFETY: the probe goes on behind its `eret`, at the level and on the stack it had.
        let state = unsafe { state.get_mut() };
        state.elr = LANDING.load(Relaxed) as usize;
        state.spsr = MASKED | level() << 2;
    }
}
