//! Every rule of a sound map, once, as `const fn` over plain integers.
//!
//! [`check`] runs all of them over a [`Map`] and its [`Layout`], at compile time and at run time alike. A finding stops
//! at the first cause: a region with a wrong size, a wrap or a misalignment takes no part in the rules about sets.

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

use crate::layout::{Layout, format_of};
use crate::map::Map;
use judge::Judge;

/// Judges a map: its errors without those that are waived, and its warnings.
///
/// `R` is the number of regions and `N` the number of findings of each kind that are kept; [`Findings::total`] counts
/// those beyond.
#[must_use]
pub const fn check<'a, const R: usize, const N: usize>(
    map: &Map<'a>,
    layout: &Layout<R>,
) -> (Findings<'a, N>, Findings<'a, N>) {
    let mut judge = Judge::<R, N>::new(map, layout);
    judge.names();
    judge.references();
    judge.resources();
    judge.registers();
    let mut total = 0;
    let mut s = 0;
    while s < map.spaces.len() {
        let format = format_of(map, &map.spaces[s]);
        judge.space_format(s, &format);
        judge.space_regions(s, &format);
        judge.space_virtual(s);
        total += judge.space_tables(s, &format);
        judge.image(s, &format);
        s += 1;
    }
    judge.va_overlap();
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
