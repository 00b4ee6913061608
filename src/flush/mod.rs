//! Obligations: what a change of live tables owes before anything it released may be used again.
//!
//! A [`Change`] is what happened to one entry. Each regime has a table of [`DutyRule`]s, which says what that change owes
//! on that architecture with those features: a [`Duty`]. The editor of a live space collects duties into a [`Scope`], and
//! hands it out as a [`TlbFlush`], which owns what the change released and gives it back only for the exact sequence of
//! operations that the architecture asks for.

mod asid;
mod batch;
mod change;
mod cover;
mod hardware;
mod recorder;
mod scope;
mod shootdown;
mod token;
#[cfg(test)]
pub(crate) mod toy;

pub use asid::{Identifiers, Rolled, Tag};
pub use batch::Batch;
pub use change::{Change, Duty, DutyRule, covers_every_change, duty};
pub use cover::{Cover, Fixed, OnePage, Place, Span, Whole};
pub use hardware::{Architecture, EveryCore, Hardware, Maintain, OneCore, Reach, ThisCpu};
pub use recorder::Recorder;
pub use scope::{Extent, Id, Scope};
pub use shootdown::{Interprocessor, Interrupts, Mailboxes, Others};
pub use token::TlbFlush;
