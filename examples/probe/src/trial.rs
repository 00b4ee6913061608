//! Trying what may fault: what the probe and the handler of faults say to each other.
//!
//! [`attempt`] announces what it tries. The handler asks with [`tried`] whether the fault is an expected one, tells with
//! [`refuse`] that the try was refused, and sees to it that the program goes on behind it.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::machine::Fault;

/// What the running code is about to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Try {
    /// Nothing: every fault is an error.
    Nothing,
    /// A load or store, which is skipped where it faults.
    Data,
    /// A call, which returns where it faults.
    Call,
    /// A jump to user mode, which always ends in a fault.
    User,
}

/// The [`Try`] as a number.
static TRIES: AtomicU64 = AtomicU64::new(Try::Nothing as u64);
/// The syndrome of the fault that was caught, plus one; 0 for none.
static CAUGHT: AtomicU64 = AtomicU64::new(0);
/// Where to go on after the excursion to user mode.
pub static LANDING: AtomicU64 = AtomicU64::new(0);

/// Runs `body`, which tries `what` once: its value, or the fault behind the syndrome.
///
/// # Errors
/// The fault, if the try was refused.
pub fn attempt<T>(what: Try, fault: impl FnOnce(u64) -> Fault, body: impl FnOnce() -> T) -> Result<T, Fault> {
    CAUGHT.store(0, Relaxed);
    TRIES.store(what as u64, Relaxed);
    let value = body();
    TRIES.store(Try::Nothing as u64, Relaxed);
    match CAUGHT.load(Relaxed).checked_sub(1) {
        None => Ok(value),
        Some(syndrome) => Err(fault(syndrome)),
    }
}

/// What is being tried, for the handler of faults.
#[must_use]
pub fn tried() -> Try {
    let tries = TRIES.load(Relaxed);
    let known = [Try::Data, Try::Call, Try::User].into_iter().find(|&what| what as u64 == tries);
    known.unwrap_or(Try::Nothing)
}

/// Says that the try was refused, and by what; `syndrome` is less than `u64::MAX`.
pub fn refuse(syndrome: u64) {
    CAUGHT.store(syndrome.wrapping_add(1), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::{Fault, Try, attempt, refuse, tried};

    #[test]
    fn a_try_is_announced_and_its_refusal_reported() {
        for what in [Try::Data, Try::Call, Try::User] {
            assert_eq!(attempt(what, Fault::Other, tried), Ok(what));
            assert_eq!(attempt(what, Fault::Other, || refuse(0)), Err(Fault::Other(0)));
            assert_eq!(attempt(what, Fault::Other, || refuse(7)), Err(Fault::Other(7)));
            assert_eq!((attempt(what, Fault::Other, || 5), tried()), (Ok(5), Try::Nothing));
        }
    }
}
