//! Address spaces at run time: building them offline, and editing them live.

mod active;
mod broken;
mod change;
mod cursor;
mod entry;
mod error;
mod kind;
mod leaves;
mod ledger;
mod live;
mod map;
mod node;
mod offline;
mod open;
mod page;
mod protect;
mod range;
pub mod read;
mod reading;
mod request;
mod resize;
mod rights;
mod scatter;
mod share;
#[allow(dead_code, reason = "for the readers that follow")]
mod space;
mod tree;
mod unmap;

pub use active::{Activate, Active, ActiveError};
pub use broken::{Broken, Cleared};
pub use cursor::Cursor;
pub use entry::{AtCursor, Entry, EntryError, EntryPlace, Mapped, NotMapped, Unmapped};
pub use error::{BadPhys, MapError, Offender, PromoteError, ProtectError, RemapError, SplitError, UnmapError};
pub use kind::{Kind, Live, Offline, State};
pub use open::{NotActivated, OpenActiveError};
pub use protect::Protect;
pub use range::RangeError;
pub use read::Reader;
pub use request::{Existing, Limits, Mapping, Reclaim};
pub use rights::{AnyRights, CanRead, CanWrite, Granted, Ro, Rw, Rx, User};
pub use share::{PinError, Returned, ShareError, StillShared};
pub use space::{AddressSpace, Halves, NewError, OpenError, Roots};
