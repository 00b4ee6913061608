//! What an expansion may name. Not part of the API.

mod number;
mod verdict;

pub use core;

pub use tablature_macros::memory_map;

use crate::attr::{Access, Rights};
pub use crate::format::Format;
pub use crate::layout::{Demands, Extent, Layout, format_for};
pub use crate::map::*;
pub use crate::plan::{
    AlignOf, Base, Plans, Shape, Slot, Step, TableSet, collect as collect_steps, count as count_steps,
};
pub use crate::space::declare::{
    Filled, Origin, alignment, check_plan, extents_of, image, link_delta, placed_at, slots,
};
pub use crate::space::device::{Taken, position, rivals};
pub use crate::window::declare::all_pages;

pub use number::{Number, Value, number, small};
pub use verdict::{Verdict, blamed, refuse, refuse_behind, refuse_rest, verdict, warning};

/// A region, as far as nearly every one is declared.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "each field of a record less is one statement less for each region")]
pub const fn region<'a>(
    anchor: u16,
    name: &'a str,
    kind: Kind,
    privileged: u8,
    user: u8,
    virt: Virt<'a>,
    size: Option<u64>,
    phys: Phys<'a>,
) -> Region<'a> {
    let access = Access { privileged: Rights::from_bits(privileged), user: Rights::from_bits(user) };
    Region { anchor, name, kind, virt, access, size, phys, ..Region::BLANK }
}

/// A region at an address that maps a part of a resource.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "each field of a record less is one statement less for each region")]
pub const fn region_in<'a>(
    anchor: u16,
    name: &'a str,
    kind: Kind,
    privileged: u8,
    user: u8,
    virt: u64,
    size: u64,
    resource: &'a str,
    offset: u64,
) -> Region<'a> {
    let access = Access { privileged: Rights::from_bits(privileged), user: Rights::from_bits(user) };
    let (virt, phys) = (Virt::At(virt), Phys::In { resource, offset });
    Region { anchor, name, kind, virt, access, size: Some(size), phys, ..Region::BLANK }
}

/// The rules, for a map whose plans are made.
#[must_use]
pub const fn check<const R: usize, const N: usize, const K: usize, const S: usize>(
    map: &Map<'static>,
    layout: &Layout<R>,
    demands: &Demands,
    plans: &Plans<K, S>,
) -> (crate::rule::Findings<'static, N>, crate::rule::Findings<'static, N>) {
    crate::rule::check_planned(map, layout, demands, plans.shapes())
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
