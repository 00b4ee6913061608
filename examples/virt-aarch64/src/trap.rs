//! Faults that are expected, and others.

use core::sync::atomic::Ordering::Relaxed;

use aarch64_cpu::registers::{ESR_EL1, FAR_EL1, Readable as _};
use aarch64_rt::{ExceptionHandlers, RegisterStateRef, exception_handlers};
use probe::trial::{LANDING, Try, refuse, tried};

/// `SPSR_EL1` of EL1 with its own stack pointer, all exceptions masked.
const AT_EL1: u64 = 0x3c5;

/// Exception classes (Arm ARM DDI 0487, ESR_EL1.EC).
const FETCH_BELOW: u64 = 0x20;
const FETCH: u64 = 0x21;
const ACCESS: u64 = 0x25;

struct Handlers;

exception_handlers!(Handlers);

impl ExceptionHandlers for Handlers {
    extern "C" fn sync_current(mut state: RegisterStateRef) {
        let syndrome = ESR_EL1.get();
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
            _ => panic!("exception {syndrome:#x} at {:#x}, address {:#x}", state.elr, FAR_EL1.get()),
        }
    }

    extern "C" fn sync_lower(mut state: RegisterStateRef) {
        let syndrome = ESR_EL1.get();
        if tried() != Try::User {
            panic!("exception {syndrome:#x} from EL0 at {:#x}", state.elr);
        }
        // The address that was tried is in x0. A refused fetch elsewhere is one of the address returned to.
        let refused = syndrome >> 26 == FETCH_BELOW && state.elr as u64 == state.registers[0];
        if refused {
            refuse(syndrome);
        }
        // SAFETY: the probe goes on behind its `eret`, at the level and on the stack it had.
        let state = unsafe { state.get_mut() };
        state.elr = LANDING.load(Relaxed) as usize;
        state.spsr = AT_EL1;
    }
}
