//! What an address space is made of, and whether hardware uses it.

use crate::flush::{Hardware, Maintain, Reach};
use crate::tables::TableMemory;

/// What address spaces of one kind have in common. Each kernel declares its own, and its tokens, pages and frames are of
/// that kind only.
pub trait Kind: Sized + 'static {
    /// The translation regime.
    type Regime: Maintain;
    /// Where tables come from; usually a handle, so that it can be cloned.
    type Memory: TableMemory<Self::Regime>;
    /// What executes the maintenance: the core that runs this, or a recorder.
    type Hardware: Hardware<<Self::Regime as Maintain>::Architecture>;
    /// Who may have translations of such a space cached.
    type Reach: Reach;
}

/// Whether hardware uses a space.
pub trait State: sealed::Sealed {
    /// What a space in this state carries.
    type Hardware<K: Kind>;
}

/// No core uses the tables: edits owe nothing.
#[derive(Clone, Copy, Debug)]
pub enum Offline {}

/// Cores may walk the tables at any time: edits return what they owe.
#[derive(Clone, Copy, Debug)]
pub enum Live {}

impl State for Offline {
    type Hardware<K: Kind> = ();
}

impl State for Live {
    type Hardware<K: Kind> = K::Hardware;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Offline {}
    impl Sealed for super::Live {}
}
