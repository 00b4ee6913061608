//! What an address space is made of, and whether hardware uses it.

use super::ledger::{Ledger, Owed, Unused};
use super::share::Borders;
use super::unseen::Unseen;
use crate::flush::{Hardware, Id, Maintain, Reach, Scope, TlbFlush};
use crate::tables::TableMemory;

/// What address spaces of one kind have in common. Each kernel declares its own, and its tokens, pages and frames are of
/// that kind only. [`Brand`](super::Brand) tells the spaces of a kind apart.
///
/// The simplest one: a kernel on one core, with sixteen tables in its image.
///
/// ```
/// use tablature::edit::Kind;
/// use tablature::flush::{OneCore, Recorder};
/// use tablature::riscv::{RiscV, Sv39};
/// use tablature::tables::{Pool, Table4K};
///
/// enum Kernel {}
///
/// impl Kind for Kernel {
///     type Regime = Sv39;
///     type Memory = Pool<Table4K, 16>;
///     type Hardware = Recorder<RiscV, 16>; // `ThisCpu` on the machine
///     type Reach = OneCore;
/// }
/// ```
///
/// Beside a declared map the regime is [`Of`](crate::space::Of) its space, which has the same features and memory types. A
/// CPU that can do more than the regime assumes is [`With`](crate::regime::With) that. [`EveryCore`](crate::flush::EveryCore)
/// says that others have translations cached, too.
pub trait Kind: Sized {
    /// The translation regime.
    type Regime: Maintain;
    /// Where tables come from; usually a handle, so that it can be cloned.
    type Memory: TableMemory<Self::Regime> + 'static;
    /// What executes the maintenance: the core that runs this, or a recorder.
    type Hardware: Hardware<<Self::Regime as Maintain>::Architecture> + 'static;
    /// Who may have translations of such a space cached.
    type Reach: Reach;

    /// Bytes of the largest leaf that spaces of the kind have, runs included.
    ///
    /// A kernel whose spaces consist of pages says so here, and links no code for larger leaves: they are neither made nor
    /// split, and requests are taken as if their [`Limits`](super::Limits) said the same. Tables that a space is opened with
    /// have no larger ones, either: what meets a larger leaf is refused, and a run is not told from single leaves.
    const LARGEST_LEAF: u64 = u64::MAX;

    #[doc(hidden)]
    const BRANDED: bool = false;
}

/// Whether hardware uses a space.
pub trait State: sealed::Sealed {
    /// What a space in this state carries.
    type Hardware<K: Kind>;
    /// What an operation returns that gives `T`: that, or the token that owns it.
    type Owes<K: Kind, T>;
    #[doc(hidden)]
    type Ledger<'h, K: Kind>: Ledger<K>;

    #[doc(hidden)]
    fn ledger<'h, K: Kind>(
        hardware: &'h mut Self::Hardware<K>,
        unseen: &'h mut Unseen,
        id: Id,
        borders: &'h Borders,
    ) -> Self::Ledger<'h, K>;
    #[doc(hidden)]
    fn owes<K: Kind, T>(scope: Scope, value: T) -> Self::Owes<K, T>;
    #[doc(hidden)]
    fn same<A: Kind, B: Kind<Hardware = A::Hardware>>(hardware: Self::Hardware<A>) -> Self::Hardware<B>;
}

/// No core uses the tables: edits owe nothing.
#[derive(Clone, Copy, Debug)]
pub enum Offline {}

/// Cores may walk the tables at any time: edits return what they owe.
#[derive(Clone, Copy, Debug)]
pub enum Live {}

impl State for Offline {
    type Hardware<K: Kind> = ();
    type Owes<K: Kind, T> = T;
    type Ledger<'h, K: Kind> = Unused;

    #[inline(always)]
    fn ledger<'h, K: Kind>((): &'h mut (), _: &'h mut Unseen, _: Id, _: &'h Borders) -> Unused {
        Unused
    }

    #[inline(always)]
    fn owes<K: Kind, T>(_: Scope, value: T) -> T {
        value
    }

    #[inline(always)]
    fn same<A: Kind, B: Kind<Hardware = A::Hardware>>((): ()) {}
}

impl State for Live {
    type Hardware<K: Kind> = K::Hardware;
    type Owes<K: Kind, T> = TlbFlush<K, T>;
    type Ledger<'h, K: Kind> = Owed<'h, K>;

    #[inline(always)]
    fn ledger<'h, K: Kind>(
        hardware: &'h mut K::Hardware,
        unseen: &'h mut Unseen,
        id: Id,
        borders: &'h Borders,
    ) -> Owed<'h, K> {
        Owed::new(hardware, unseen, id, borders)
    }

    #[inline(always)]
    fn owes<K: Kind, T>(scope: Scope, value: T) -> TlbFlush<K, T> {
        TlbFlush::new(scope, value)
    }

    #[inline(always)]
    fn same<A: Kind, B: Kind<Hardware = A::Hardware>>(hardware: A::Hardware) -> B::Hardware {
        hardware
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Offline {}
    impl Sealed for super::Live {}
}
