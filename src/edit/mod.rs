//! Address spaces at run time: building them offline, and editing them live.

mod active;
mod kind;
#[allow(dead_code, reason = "for the operations and readers that follow")]
mod node;
pub mod read;
mod reading;
mod request;
#[allow(dead_code, reason = "for the operations and readers that follow")]
mod space;

pub use active::{Activate, Active, ActiveError};
pub use kind::{Kind, Live, Offline, State};
pub use read::Reader;
pub use request::{Existing, Limits, Mapping};
pub use space::{AddressSpace, Halves, NewError, OpenError, Roots};
