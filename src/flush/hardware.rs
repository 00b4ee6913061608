//! The hardware as a trait: real instructions, or a recorder.

use core::fmt::Debug;

use super::change::DutyRule;
use super::scope::Scope;
use crate::regime::Regime;

/// An instruction set, as far as translation needs it.
pub trait Architecture: 'static {
    /// One instruction with its operands: a barrier, an invalidation, a register write.
    type Op: Copy + PartialEq + Debug;
    /// A register that can be read.
    type Register: Copy + PartialEq + Debug;
}

/// What executes the operations of an architecture: the core that runs this, or a recorder.
pub trait Hardware<A: Architecture> {
    /// Reads a register.
    fn read(&mut self, register: A::Register) -> u64;

    /// Executes one instruction.
    ///
    /// # Safety
    /// Invalidations and barriers are always sound. For a register write: the code, stack and data in use stay mapped.
    unsafe fn execute(&mut self, op: A::Op);
}

/// How many cores use a space.
pub trait Reach: 'static {
    /// Whether others than the one that flushes may hold translations of it.
    const EVERY_CORE: bool;
}

/// The space is used by the core that edits it, and no other.
#[derive(Clone, Copy, Debug)]
pub enum OneCore {}

/// Any core may use the space.
#[derive(Clone, Copy, Debug)]
pub enum EveryCore {}

impl Reach for OneCore {
    const EVERY_CORE: bool = false;
}

impl Reach for EveryCore {
    const EVERY_CORE: bool = true;
}

/// A regime whose translations are cached: what changes owe, and how that is done.
pub trait Maintain: Regime {
    /// Whose instructions.
    type Architecture: Architecture;
    /// What each change owes; the first line that fits counts, and for each change there is one that needs no feature.
    const DUTIES: &'static [DutyRule];
    /// Whether the instructions of this core reach all others (Inner Shareable invalidations, INVLPGB).
    const BROADCASTS: bool;
    /// More invalidations than this by address are replaced by one of everything.
    const MANY: u64;

    /// Executes, in order, what `scope` asks for: for the core that runs this, and with `every_core` for all of them
    /// where [`Maintain::BROADCASTS`]. Nothing for a scope that owes nothing.
    fn sequence<H: Hardware<Self::Architecture>>(scope: &Scope, every_core: bool, hardware: &mut H);
}
