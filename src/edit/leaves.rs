//! A request as the words of its leaves.

use super::error::{BadPhys, MapError};
use super::range::Span;
use super::request::{Limits, Mapping};
use crate::addr::PhysAddr;
use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{Format, Leaf, MAX_LEVELS, NOT_ENCODABLE, clamp};
use crate::table::Attributes;

/// The leaf of `attributes`, apart from its address.
#[inline(always)]
pub(crate) const fn leaf_of(attributes: Attributes, address: u64) -> Leaf {
    Leaf {
        address,
        access: attributes.access,
        memory: attributes.memory,
        global: attributes.global,
        run: 0,
        software: 0,
        guarded: false,
    }
}

/// The flags of leaves with `attributes` at each level; [`NOT_ENCODABLE`] where there is no such leaf.
pub(crate) fn flags_of(format: &Format, features: Features, attributes: Attributes) -> [u64; MAX_LEVELS] {
    let mut flags = [NOT_ENCODABLE; MAX_LEVELS];
    for (level, flags) in flags.iter_mut().enumerate().take(format.levels) {
        *flags = flags_at(format, features, attributes, level);
    }
    flags
}

/// The same of one level: a number, where the compiler knows the attributes.
#[inline(always)]
pub(crate) const fn flags_at(format: &Format, features: Features, attributes: Attributes, level: usize) -> u64 {
    if is_granted(format, features, attributes)
        && format.has_leaf(level, features)
        && let Some(word) = format.leaf_flags(level, &leaf_of(attributes, 0))
    {
        return word;
    }
    NOT_ENCODABLE
}

/// Whether the CPU has what the encoding of `attributes` needs.
#[inline(always)]
pub(crate) const fn is_granted(format: &Format, features: Features, attributes: Attributes) -> bool {
    let memory = attributes.memory;
    let bits = format.memory_bits(0, memory);
    let overrides = format.inherent_memory && bits != format.memory_bits(0, MemoryType::Inherent);
    if overrides && !features.contains(format.memory_override) {
        return false;
    }
    let (gated, feature) = format.memory_gate[0];
    if gated.is(memory) && !features.contains(feature) {
        return false;
    }
    can_withhold(format, features, attributes.access)
}

/// Whether the CPU can keep what `access` does not let execute from being executed.
#[inline(always)]
pub(crate) const fn can_withhold(format: &Format, features: Features, access: Access) -> bool {
    access.any().contains(Rights::X) || features.contains(format.no_execute)
}

/// Physical addresses end here: what the regime's entries can hold on this CPU.
pub(crate) const fn phys_end(format: &Format, features: Features) -> u64 {
    let wide = !format.wide_output.is_empty() && features.contains(format.wide_output);
    let bits = if wide { format.max_output_bits } else { format.output_bits };
    let field = format.address.decode(u64::MAX) | (format.page_size() - 1);
    let end = 1 << bits;
    if field < end { field + 1 } else { end }
}

/// A run that leaves of a level form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunOf {
    /// Its bytes; 0 where there is none.
    pub(crate) size: u64,
    /// The bits of an address that its entries do not have.
    pub(crate) folds: u64,
    /// Flags of its entries.
    pub(crate) flags: u64,
}

impl RunOf {
    const NONE: Self = Self { size: 0, folds: 0, flags: NOT_ENCODABLE };
}

/// Which leaves a range is made of, and what their words are.
///
/// # Invariants
/// 1. Level 0, or the least level with flags, is one that every slot of the range fits.
/// 2. Where a level has flags, all slots of that level that lie in the range fit it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    /// Flags by level; [`NOT_ENCODABLE`] where such leaves are not used.
    pub(crate) flags: [u64; MAX_LEVELS],
    /// The run that leaves of the level form.
    pub(crate) runs: [RunOf; MAX_LEVELS],
    attributes: Attributes,
    /// What is added to an input address.
    pub(crate) offset: u64,
    /// Tables below an entry whose slot is all in the range.
    full: [u64; MAX_LEVELS],
    /// The least level of leaves.
    pub(crate) least: usize,
}

impl Leaves {
    /// Those of `span`, as `request` says; none, where its attributes have no encoding.
    pub(crate) fn of(format: &Format, features: Features, span: Span, request: &Mapping) -> Self {
        let Mapping { attributes, limits, .. } = *request;
        let mut leaves = Self {
            flags: [NOT_ENCODABLE; MAX_LEVELS],
            runs: [RunOf::NONE; MAX_LEVELS],
            attributes,
            offset: request.phys.as_u64().wrapping_sub(span.start),
            full: [0; MAX_LEVELS],
            least: MAX_LEVELS,
        };
        if is_granted(format, features, attributes) {
            leaves.find(format, features, span, limits);
        }
        if limits.runs {
            leaves.find_runs(format, features, limits);
        }
        leaves
    }

    /// Whether some are no larger than `unit`.
    pub(crate) fn check(&self, format: &Format, features: Features, unit: u64) -> Result<(), MapError> {
        if self.least >= format.levels || format.at(self.least).size() > unit {
            return Err(missing(format, features, self.attributes, unit));
        }
        Ok(())
    }

    /// Finds the levels that `limits` and the addresses allow, and counts what lies below the others.
    fn find(&mut self, format: &Format, features: Features, span: Span, limits: Limits) {
        let (largest, mut below) = (limits.largest.max(format.page_size()), 0u64);
        for level in 0..format.levels {
            let size = format.at(level).size();
            if size - 1 > span.last - span.start {
                break;
            }
            let fits = size >= limits.smallest && size <= largest && self.offset & (size - 1) == 0;
            let flags = if fits { self.encoded(format, features, level) } else { NOT_ENCODABLE };
            self.flags[clamp(level)] = flags;
            if flags != NOT_ENCODABLE {
                self.least = self.least.min(level);
                below = 0;
            } else if level > 0 {
                below = below.saturating_mul(1 << format.index_bits(level - 1)).saturating_add(1);
            }
            self.full[clamp(level)] = below;
        }
    }

    /// Flags at `level`, whether or not such leaves are used; [`NOT_ENCODABLE`] where there are none.
    pub(crate) fn encoded(&self, format: &Format, features: Features, level: usize) -> u64 {
        if !format.has_leaf(level, features) {
            return NOT_ENCODABLE;
        }
        format.leaf_flags(level, &leaf_of(self.attributes, 0)).unwrap_or(NOT_ENCODABLE)
    }

    fn find_runs(&mut self, format: &Format, features: Features, limits: Limits) {
        for run in format.runs {
            let fits = run.size != 0 && run.size <= limits.largest && features.contains(run.feature);
            let leaf = Leaf { run: run.size, ..leaf_of(self.attributes, 0) };
            if fits
                && self.offset & (run.size - 1) == 0
                && self.has(run.level)
                && let Some(flags) = format.leaf_flags(run.level, &leaf)
            {
                let folds = if run.fold { run.size - 1 } else { 0 };
                self.runs[clamp(run.level)] = RunOf { size: run.size, folds, flags };
            }
        }
    }

    /// The same without runs.
    pub(crate) const fn without_runs(&self) -> Self {
        Self { runs: [RunOf::NONE; MAX_LEVELS], ..*self }
    }

    /// Whether leaves of `level` are used.
    #[inline(always)]
    pub(crate) const fn has(&self, level: usize) -> bool {
        self.flags[clamp(level)] != NOT_ENCODABLE
    }

    /// Tables that `part` of one slot of `level` needs below its entry.
    pub(crate) fn tables_in(&self, format: &Format, level: usize, part: Span) -> u64 {
        if part.is_whole(format.at(level).shift) {
            return self.full[clamp(level)];
        }
        if level <= self.least { 0 } else { 1 + self.tables_below(format, level - 1, part) }
    }

    /// Tables that `span` needs below the entries of a table of `level`.
    pub(crate) fn tables_below(&self, format: &Format, level: usize, span: Span) -> u64 {
        if level == 0 {
            return 0;
        }
        let shift = format.at(level).shift;
        let first = span.first_part(shift);
        let mut tables = self.tables_in(format, level, first);
        if let Some(rest) = span.behind(first) {
            let last = Span { start: (rest.last >> shift << shift).max(rest.start), last: rest.last };
            tables += ((last.start - rest.start) >> shift) * self.full[clamp(level)];
            tables += self.tables_in(format, level, last);
        }
        tables
    }
}

/// Whether what `span` is mapped to is a multiple of `unit`, and lies before `end`, where entries reach.
#[inline(always)]
pub(crate) const fn check_phys(end: u64, span: Span, phys: PhysAddr, unit: u64) -> Result<(), MapError> {
    if phys.as_u64() & (unit - 1) != 0 {
        return Err(MapError::UnalignedPhys(BadPhys { phys, bound: unit }));
    }
    if span.last - span.start >= end.saturating_sub(phys.as_u64()) {
        return Err(MapError::PhysOutOfRange(BadPhys { phys, bound: end }));
    }
    Ok(())
}

/// What addresses and sizes must be multiples of.
pub(crate) const fn unit_of(format: &Format, limits: Limits) -> u64 {
    if limits.smallest <= format.page_size() {
        return format.page_size();
    }
    match limits.smallest.checked_next_power_of_two() {
        Some(unit) => unit,
        None => 1 << 63,
    }
}

/// Why no level has leaves: the CPU lacks a feature, or the format an encoding.
pub(crate) fn missing(format: &Format, features: Features, attributes: Attributes, unit: u64) -> MapError {
    let leaf = leaf_of(attributes, 0);
    if !is_granted(format, features, attributes) {
        return MapError::NotEncodable(attributes);
    }
    for level in 0..format.levels {
        if format.at(level).size() == unit {
            if let crate::format::LeafForm::With(feature) = format.at(level).form
                && !features.contains(feature)
            {
                return MapError::NoSuchLeaf(feature);
            }
            if format.leaf_flags(level, &leaf).is_some() {
                return MapError::NoSuchLeaf(Features::NONE);
            }
        }
    }
    MapError::NotEncodable(attributes)
}

/// Tables that are needed to cut `part` out of a leaf of `level`.
pub(crate) fn tables_to_cut(format: &Format, level: usize, part: Span) -> u64 {
    if level == 0 || part.is_whole(format.at(level).shift) {
        return 0;
    }
    let below = format.at(level - 1).shift;
    let first = part.first_part(below);
    let mut tables = 1 + tables_to_cut(format, level - 1, first);
    if let Some(rest) = part.behind(first) {
        let last = Span { start: (rest.last >> below << below).max(rest.start), last: rest.last };
        tables += tables_to_cut(format, level - 1, last);
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regime::Regime;
    use crate::x86_64::Level4;

    /// The check of entries with rights as types: a change of such an entry has an encoding.
    #[test]
    fn without_a_bit_against_it_everything_executes() {
        let format = &<Level4 as Regime>::FORMAT;
        let (read, execute) = (Access::kernel(Rights::R), Access::kernel(Rights::RX));
        assert!(can_withhold(format, Features::NX, read));
        assert!(!can_withhold(format, Features::NONE, read));
        assert!(can_withhold(format, Features::NONE, execute));
    }
}
