//! From a map to finished tables, in constant evaluation or at boot: the same plan either way.
//!
//! ```text
//! Map ── Layout ── Step, Step, … ── Shape ── slots
//!         where     runs of equal     how many    the words, in the image
//!                   leaves            tables      or in memory of the caller
//! ```
//!
//! * [`Steps`] cuts the regions of one space, in ascending order, into runs of leaves of one size.
//! * [`Shape`] counts the tables that the steps need, level by level. Tables are numbered root first, then level by
//!   level, and within a level by address: the leaf tables of any virtual range are contiguous.
//! * [`fill`] writes the words into slots, in one pass, because the steps ascend and no table is visited twice.

mod fill;
mod plans;
mod sequence;
mod shape;
mod slot;
mod step;
mod window;

pub use fill::{Base, fill, self_map};
pub use plans::Plans;
pub use shape::{Shape, tables};
pub use slot::{AlignOf, Alignment, Slot, TableSet};
pub(crate) use step::is_global;
pub use step::{Step, Steps, collect, count};
pub(crate) use window::{declared_bus, window_flags, window_memory};
