//! Address spaces at run time: building them offline, and editing them live.

mod kind;
mod request;

pub use kind::{Kind, Live, Offline, State};
pub use request::{Existing, Limits, Mapping};
