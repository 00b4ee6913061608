//! What an expansion may name. Not part of the API.

mod number;
mod verdict;

pub use core;

pub use tablature_macros::memory_map;

pub use crate::format::Format;
pub use crate::layout::{Demands, Extent, Layout, format_for};
pub use crate::map::*;
pub use crate::plan::{AlignOf, Base, Shape, Slot, Step, TableSet, collect as collect_steps, count as count_steps};
pub use crate::space::declare::{
    Filled, Origin, alignment, check_plan, extents_of, image, link_delta, placed_at, slots,
};
pub use crate::space::device::{Taken, position, rivals};
pub use crate::window::declare::all_pages;

pub use number::{Number, Value, number, small};
pub use verdict::{Verdict, blamed, refuse, refuse_behind, refuse_rest, verdict, warning};

/// A region, as far as nearly every one is declared.
#[must_use]
pub const fn region<'a>(
    anchor: u16,
    name: &'a str,
    kind: Kind,
    virt: Virt<'a>,
    access: crate::attr::Access,
    size: Option<u64>,
    phys: Phys<'a>,
) -> Region<'a> {
    Region { anchor, name, kind, virt, access, size, phys, ..Region::BLANK }
}

/// A declaration, made where the user's paths resolve.
pub trait Declaration {
    /// The declaration as data.
    const MAP: Map<'static>;
}

/// The regime of a space, named where the user's paths resolve.
pub trait InRegime {
    /// The regime.
    type Regime: crate::regime::Regime;
    /// Its format.
    const FORMAT: Format = <Self::Regime as crate::regime::Regime>::FORMAT;
}

/// Stands for the map in place of a space's index.
pub const WHOLE_MAP: usize = usize::MAX;

/// The names that a declaration may use for its regimes without importing them.
pub mod regimes {
    pub use crate::aarch64::{self, G4K, G16K, G64K};
    pub use crate::{armv7, loongarch64, riscv, x86, x86_64};
}
