//! Hardware that only writes down what it is asked to do.

use core::fmt;
use core::mem::MaybeUninit;
use core::slice;

use super::hardware::{Architecture, Hardware};

/// Hardware for tests: it executes nothing, and tells afterwards what it was to execute.
///
/// It holds `N` operations and the values of as many registers; more operations are counted and not held. A register
/// holds what was written to it last, as long as there is a place for it.
pub struct Recorder<A: Architecture, const N: usize> {
    /// The first `min(executed, N)` are initialized.
    ops: [MaybeUninit<A::Op>; N],
    executed: usize,
    registers: [Option<(A::Register, u64)>; N],
}

impl<A: Architecture, const N: usize> Recorder<A, N> {
    /// One that has recorded nothing and whose registers are 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { ops: [const { MaybeUninit::uninit() }; N], executed: 0, registers: [const { None }; N] }
    }

    /// The same with `value` in `register`.
    ///
    /// # Panics
    /// If `N` other registers have a value.
    #[must_use]
    pub fn with(mut self, register: A::Register, value: u64) -> Self {
        let place = self.registers.iter_mut().find(|slot| slot.is_none_or(|(of, _)| of == register));
        *place.expect("a recorder holds the values of N registers") = Some((register, value));
        self
    }

    /// What was executed, first to last.
    #[must_use]
    pub const fn ops(&self) -> &[A::Op] {
        let held = if self.executed < N { self.executed } else { N };
        // SAFETY: the first `held` operations are initialized, and borrowed for as long as `self` is.
        unsafe { slice::from_raw_parts(self.ops.as_ptr().cast(), held) }
    }

    /// How many operations were executed, those that are not held included.
    #[must_use]
    pub const fn executed(&self) -> usize {
        self.executed
    }

    /// Forgets what was executed.
    pub const fn clear(&mut self) {
        self.executed = 0;
    }
}

impl<A: Architecture, const N: usize> Default for Recorder<A, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Architecture, const N: usize> fmt::Debug for Recorder<A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ops()).finish()
    }
}

impl<A: Architecture, const N: usize> Hardware<A> for Recorder<A, N> {
    fn read(&mut self, register: A::Register) -> u64 {
        self.registers.iter().flatten().find(|(of, _)| *of == register).map_or(0, |(_, value)| *value)
    }

    unsafe fn execute(&mut self, op: A::Op) {
        if let Some((register, value)) = A::written(op)
            && let Some(place) = self.registers.iter_mut().find(|slot| slot.is_none_or(|(of, _)| of == register))
        {
            *place = Some((register, value));
        }
        if let Some(place) = self.ops.get_mut(self.executed) {
            place.write(op);
        }
        self.executed += 1;
    }
}
