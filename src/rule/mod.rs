//! Every rule of a sound map, once, as `const fn` over plain integers.
//!
//! [`check`] runs all of them over a [`Map`] and its [`Layout`], at compile time and at run time alike. A finding stops
//! at the first cause: a region with a wrong size, a wrap or a misalignment takes no part in the rules about sets.
//!
//! A map that is known only at run time, from a device tree or from firmware, is built as data and judged like any
//! other:
//!
//! ```
//! use tablature::aarch64::{El1, G4K};
//! use tablature::attr::{Access, MemoryType, Rights};
//! use tablature::layout::Layout;
//! use tablature::map::{Cpu, Map, Phys, Policy, Region, Resource, Space, Virt};
//! use tablature::regime::Regime;
//! use tablature::rule::{Rule, check};
//!
//! let memory = MemoryType::DeviceNgnre;
//! let resources = [Resource { name: "uart", base: 0x0900_0000, size: 0x1000, memory, ..Resource::BLANK }];
//! let regions = [Region {
//!     name: "uart",
//!     virt: Virt::At(0xffff_ff80_0900_0000),
//!     phys: Phys::In { resource: "uart", offset: 0 },
//!     access: Access::kernel(Rights::RX),
//!     ..Region::BLANK
//! }];
//! let spaces = [Space { name: "kernel", regions: &regions, ..Space::BLANK }];
//! let map = Map {
//!     name: "board",
//!     anchor: 0,
//!     format: El1::<G4K, 39>::FORMAT,
//!     cpu: Cpu::BLANK,
//!     policy: Policy::BLANK,
//!     resources: &resources,
//!     spaces: &spaces,
//!     channels: &[],
//!     isolation: &[],
//!     devices: &[],
//!     transitions: &[],
//! };
//!
//! // Room for 64 regions, and for 16 findings of each kind.
//! let layout = Layout::<64>::of(&map);
//! let (errors, warnings) = check::<64, 16>(&map, &layout);
//! assert!(errors.has(Rule::DeviceExecutable) && errors.total == 1 && warnings.is_empty());
//! assert!(errors.as_slice()[0].to_string().starts_with(
//!     "device-executable: `kernel.uart` is executable, but `uart` behind it is a device"
//! ));
//! ```

mod catalogue;
mod channels;
mod dma;
mod finding;
mod image;
mod isolation;
mod judge;
mod levels;
mod memory;
mod names;
mod numbers;
mod phys;
mod rights;
mod stacks;
mod tables;
#[cfg(test)]
mod tests;
mod transitions;
mod virt;
mod warning;
mod waste;

pub use catalogue::{Basis, Class, Info, Rule};
pub use finding::{Culprit, Finding, Findings, MAX_CULPRITS, MAX_NUMBERS, MESSAGE, fail};
pub use warning::{NoWarning, Warning, warning_code};

use crate::layout::{Demands, Layout, count_regions, format_for};
use crate::map::Map;
use crate::plan::Shape;
use judge::Judge;

/// Judges a map: its errors without those that are waived, and its warnings.
///
/// `R` is the most regions there can be and `N` the number of findings of each kind that are kept; [`Findings::total`]
/// counts those beyond. A map of more than `R` regions is not judged, and so not sound: the errors count the regions
/// that are too many in their `total`, and list nothing.
#[must_use]
pub const fn check<'a, const R: usize, const N: usize>(
    map: &Map<'a>,
    layout: &Layout<R>,
) -> (Findings<'a, N>, Findings<'a, N>) {
    check_planned(map, layout, &Demands::of(map), &[])
}

/// The same for a map whose first spaces have these shapes.
pub(crate) const fn check_planned<'a, const R: usize, const N: usize>(
    map: &Map<'a>,
    layout: &Layout<R>,
    demands: &Demands,
    shapes: &[Shape],
) -> (Findings<'a, N>, Findings<'a, N>) {
    let regions = count_regions(map);
    if layout.len < regions {
        let mut errors = Findings::NONE;
        errors.total = regions - layout.len;
        return (errors, Findings::NONE);
    }
    let mut judge = Judge::<R, N>::new(map, layout);
    judge.names();
    judge.references();
    judge.resources();
    judge.registers();
    judge.va_overlap();
    let mut total = 0;
    let mut s = 0;
    while s < map.spaces.len() {
        let format = format_for(map, &map.spaces[s], demands);
        judge.space_format(s, &format);
        judge.space_regions(s, &format);
        judge.space_virtual(s);
        total += judge.space_tables(s, &format, shapes);
        judge.image(s, &format);
        s += 1;
    }
    judge.identifiers();
    judge.globals();
    judge.shared_memory();
    judge.channels();
    judge.pools(total);
    judge.devices();
    judge.transitions();
    judge.waste();
    (judge.errors, judge.warnings)
}
