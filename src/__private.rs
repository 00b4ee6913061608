//! What an expansion may name. Not part of the API.

pub use crate::format::Format;
pub use crate::layout::{Extent, Layout, format_of};
pub use crate::map::*;
pub use crate::plan::{AlignOf, Base, Shape, Slot, Step, TableSet, collect as collect_steps, count as count_steps};
pub use crate::space::declare::{Filled, Origin, alignment, extents_of, image, link_delta, placed_at, slots};

/// The names that a declaration may use for its regimes without importing them.
pub mod regimes {
    pub use crate::aarch64::{self, G4K, G16K, G64K};
    pub use crate::{riscv, x86_64};
}
