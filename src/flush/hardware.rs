//! The hardware as a trait: real instructions, or a recorder.

use core::fmt::Debug;

use super::addresses::Addresses;
use super::change::{Duty, DutyRule};
use super::scope::{Id, Scope};
use crate::attr::Features;
use crate::edit::Kind;
use crate::regime::{Regime, With};

/// An instruction set, as far as translation needs it.
pub trait Architecture: 'static {
    /// One instruction with its operands: a barrier, an invalidation, a register write.
    type Op: Copy + PartialEq + Debug;
    /// A register that can be read.
    type Register: Copy + PartialEq + Debug;

    /// The register that `op` writes, and its value, if that is what it does: a recorder reads it back.
    fn written(op: Self::Op) -> Option<(Self::Register, u64)> {
        let _ = op;
        None
    }
}

/// What executes the operations of an architecture: the core that runs this, or a recorder.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not execute instructions of `{A}`",
    label = "no hardware of that architecture",
    note = "`ThisCpu` is hardware where the code is compiled for that architecture; tests have a recorder"
)]
pub trait Hardware<A: Architecture> {
    /// Reads a register.
    fn read(&mut self, register: A::Register) -> u64;

    /// Executes one instruction.
    ///
    /// # Safety
    /// Invalidations and barriers are always sound. For a register write: the code, stack and data in use stay mapped.
    unsafe fn execute(&mut self, op: A::Op);
}

/// The core that runs this. It is the [`Hardware`] of the architecture that the code is compiled for, at the privilege that
/// its instructions ask for.
///
/// A sequence is several instructions of one core: who is preempted while a core flushes, and goes on elsewhere, has
/// flushed neither. So is who returns to another address space than the one that was in the registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThisCpu;

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
    /// The feature with which the instructions of this core reach all others: [`Features::NONE`] where they always do
    /// (Inner Shareable invalidations), `None` where they never do.
    const BROADCAST_FEATURE: Option<Features>;
    /// Whether the instructions of this core reach all others.
    const BROADCASTS: bool = match Self::BROADCAST_FEATURE {
        Some(feature) => Self::FEATURES.contains(feature),
        None => false,
    };
    /// Whether a leaf of another size, made in place without break-before-make, may leave both cached so that invalidation
    /// by address is not sure to find them: then [`Change::Split`](super::Change::Split), `Promote` and `Contiguous` owe the
    /// invalidation of [`Extent::Everywhere`](super::Extent::Everywhere) for [`Id::Every`](super::Id::Every).
    const RESIZES_HIDE: bool = false;
    /// More invalidations than this by address are replaced by one of everything.
    const MANY: u64;

    /// Executes, in order, what `scope` asks for on a CPU with `features`: for the core that runs this, and with
    /// `every_core` for all of them where [`Maintain::BROADCASTS`]. Nothing for a scope that owes nothing.
    fn sequence_with<H: Hardware<Self::Architecture>>(
        features: Features,
        scope: &Scope,
        every_core: bool,
        hardware: &mut H,
    );

    /// The same for leaves of the page size, at least one, whose scope is `duty` in `id`.
    #[doc(hidden)]
    #[inline(always)]
    fn pages_with<H: Hardware<Self::Architecture>>(
        features: Features,
        leaves: Addresses,
        duty: Duty,
        id: Id,
        every_core: bool,
        hardware: &mut H,
    ) {
        Self::sequence_with(features, &leaves.scope(duty, id).bounded(Self::MANY), every_core, hardware);
    }

    /// The same on the CPU of this regime.
    #[inline(always)]
    fn sequence<H: Hardware<Self::Architecture>>(scope: &Scope, every_core: bool, hardware: &mut H) {
        Self::sequence_with(Self::FEATURES, scope, every_core, hardware);
    }
}

/// Executes what is owed in a space of the kind `K`, as far as `W` reaches: the one copy of the sequence for scopes that no
/// type knows.
#[inline(never)]
pub(crate) fn meet<K: Kind, W: Reach>(scope: &Scope, hardware: &mut K::Hardware) {
    K::Regime::sequence(&scope.bounded(K::Regime::MANY), W::EVERY_CORE, hardware);
}

/// What changes owe follows from [`Regime::FEATURES`], and how it is done from the features too.
impl<R: Maintain, const FEATURES: u64> Maintain for With<R, FEATURES> {
    type Architecture = R::Architecture;
    const DUTIES: &'static [DutyRule] = R::DUTIES;
    const BROADCAST_FEATURE: Option<Features> = R::BROADCAST_FEATURE;
    const RESIZES_HIDE: bool = R::RESIZES_HIDE;
    const MANY: u64 = R::MANY;

    #[inline(always)]
    fn sequence_with<H: Hardware<Self::Architecture>>(
        features: Features,
        scope: &Scope,
        every_core: bool,
        hardware: &mut H,
    ) {
        R::sequence_with(features, scope, every_core, hardware);
    }

    #[inline(always)]
    fn pages_with<H: Hardware<Self::Architecture>>(
        features: Features,
        leaves: Addresses,
        duty: Duty,
        id: Id,
        every_core: bool,
        hardware: &mut H,
    ) {
        R::pages_with(features, leaves, duty, id, every_core, hardware);
    }
}
