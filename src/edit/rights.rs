//! Rights as types: what may be done through a mapping.

use crate::attr::{Access, Rights};

/// Rights that a mapping has.
#[diagnostic::on_unimplemented(
    message = "a mapping with `{Self}` is not known to be this program's",
    label = "it was found, and may be in use",
    note = "`found.assume::<Rw>()`, which is unsafe, takes it over if nobody else uses it; `Ro`, `Rw`, `Rx` and `User` are rights"
)]
pub trait Granted: 'static {
    /// Them.
    const ACCESS: Access;
}

/// Rights with which the kernel reads.
#[diagnostic::on_unimplemented(
    message = "memory that is mapped with `{Self}` cannot be read",
    label = "this mapping grants no reads",
    note = "map the page with `Ro`, `Rw` or `Rx`, or call `protect` first"
)]
pub trait CanRead: Granted + sealed::Sealed {}

/// Rights with which the kernel writes.
#[diagnostic::on_unimplemented(
    message = "memory that is mapped with `{Self}` cannot be written",
    label = "this mapping grants no writes",
    note = "map the page with `Rw`, or call `protect(Rw)` first and flush what that owes"
)]
pub trait CanWrite: CanRead {}

/// Whatever rights the entry that was found grants.
#[derive(Clone, Copy, Debug)]
pub struct AnyRights;

macro_rules! markers {
    ($($(#[$doc:meta])* $name:ident = $rights:ident $(: $can:ident)*;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Granted for $name {
            const ACCESS: Access = Access::kernel(Rights::$rights);
        }

        impl Granted for User<$name> {
            const ACCESS: Access = Access::user(Rights::$rights);
        }

        impl sealed::Sealed for $name {}

        $( impl $can for $name {} )*
    )* };
}

markers! {
    /// The kernel reads.
    Ro = R : CanRead;
    /// The kernel reads and writes.
    Rw = RW : CanRead : CanWrite;
    /// The kernel reads and executes.
    Rx = RX : CanRead;
    /// The kernel does all of it: for the CPU that cannot keep data from being executed, and for what a map waives.
    Rwx = RWX : CanRead : CanWrite;
}

/// The rights `A` are the user's. What the kernel may do there depends on what it allows itself (PAN, SMAP, SUM), so that
/// such a mapping gives no access by itself.
#[derive(Clone, Copy, Debug)]
pub struct User<A>(pub A);

/// What can be done through a mapping is known of these rights alone: who says more of others would read what is not there.
mod sealed {
    pub trait Sealed {}
}
