//! Sets of virtual addresses: what a space occupies twice, and what all spaces must have alike.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::format::shows_pointers;
use crate::layout::TOP;
use crate::layout::shared;
use crate::map::Kind;
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// `va-overlap` with a recursive slot, `reserved-encoding` of one, and the rules about guards of a space.
    pub(super) const fn space_virtual(&mut self, s: usize) {
        if self.map.spaces[s].self_map_slot.is_some() {
            self.self_map_overlap(s);
        }
        self.guards(s);
    }

    /// `va-overlap`: one entry holds one leaf (DDI 0487 D8; RISC-V privileged, Sv39 PTE; SDM 3A 4.5).
    pub(super) const fn va_overlap(&mut self) {
        let layout = self.layout;
        let mut cursor = (0, 0);
        while let Some((a, b)) = self.by_virt.pair(&mut cursor) {
            let (x, y) = (&layout.extents[a], &layout.extents[b]);
            if x.space == y.space
                && let Some((lo, hi)) = shared((x.v_lo, x.v_hi), (y.v_lo, y.v_hi))
            {
                let (first, second) = if a < b { (a, b) } else { (b, a) };
                self.report(Rule::VaOverlap, &[self.who(first), self.who(second)], &[lo, hi - lo]);
            }
        }
    }

    /// The range that a recursive slot of the root occupies.
    pub(super) const fn self_map(&self, s: usize) -> Option<(u128, u128)> {
        let Some(slot) = self.map.spaces[s].self_map_slot else { return None };
        let format = self.declared_format(s);
        let shift = format.level[format.levels - 1].shift;
        let start = (slot as u128) << shift;
        let half = 1u128 << format.range_bits;
        let base = if format.upper_half && start >= half { TOP - 2 * half + start } else { start };
        Some((base, base + (1 << shift)))
    }

    pub(super) const fn who_self_map(&self, s: usize) -> Who<'a> {
        Who::of(self.map.spaces[s].name, "self_map", self.map.spaces[s].anchor)
    }

    const fn self_map_overlap(&mut self, s: usize) {
        let layout = self.layout;
        let Some(own) = self.self_map(s) else { return };
        if !shows_pointers(self.declared_format(s)) {
            self.report(Rule::ReservedEncoding, &[self.who_self_map(s)], &[]);
        }
        let slots = self.declared_format(s).root_bits();
        if let Some(slot) = self.map.spaces[s].self_map_slot
            && slot as u64 >= 1 << slots
        {
            let end = (own.1 - own.0) << slots;
            return self.report(Rule::VaOutOfRange, &[self.who_self_map(s)], &[own.0, end]);
        }
        let (mut p, end) = self.virt_around(s, own.0, own.1);
        while p < end {
            let i = self.by_virt.object(p);
            let e = &layout.extents[i];
            if e.space as usize == s
                && let Some((lo, hi)) = shared((e.v_lo, e.v_hi), own)
            {
                self.report(Rule::VaOverlap, &[self.who(i), self.who_self_map(s)], &[lo, hi - lo]);
            }
            p += 1;
        }
    }

    /// `global-mapping-differs`: a global translation serves every address space (RISC-V privileged, G bit; DDI 0487
    /// D8 nG; SDM 3A 4.10.2.4).
    pub(super) const fn globals(&mut self) {
        let spaces = self.map.spaces.len();
        let mut i = 0;
        while i < self.layout.len && spaces > 1 {
            let e = &self.layout.extents[i];
            if self.region(i).global && !e.bad {
                let mut other = 0;
                while other < spaces {
                    let name = self.declared_format(other).name;
                    if other != e.space as usize && same(name, self.declared_format(e.space as usize).name) {
                        self.global_in(i, other);
                    }
                    other += 1;
                }
            }
            i += 1;
        }
    }

    const fn global_in(&mut self, i: usize, other: usize) {
        let layout = self.layout;
        let e = &layout.extents[i];
        let (mut p, end) = self.virt_around(other, e.v_lo, e.v_hi);
        let mut found = false;
        while p < end {
            let j = self.by_virt.object(p);
            let x = &layout.extents[j];
            p += 1;
            if x.space as usize != other || !x.meets(e) {
                continue;
            }
            found = true;
            if !self.is_same_mapping(i, j) {
                self.report(Rule::GlobalMappingDiffers, &[self.who(i), self.who(j)], &[e.virt, e.size]);
            }
        }
        if !found {
            self.report(Rule::GlobalMappingDiffers, &[self.who(i), self.who_space(other)], &[e.virt, e.size]);
        }
    }

    const fn is_same_mapping(&self, i: usize, j: usize) -> bool {
        let (a, b) = (&self.layout.extents[i], &self.layout.extents[j]);
        let (x, y) = (self.facts[i].access, self.facts[j].access);
        let same_type = match (self.first_type(i), self.first_type(j)) {
            (Some(x), Some(y)) => x.is(y),
            (None, None) => true,
            _ => false,
        };
        let guard = matches!(self.region(j).kind, Kind::Guard);
        !guard
            && same_type
            && a.virt == b.virt
            && a.size == b.size
            && a.has_phys == b.has_phys
            && a.phys == b.phys
            && x.privileged.is(y.privileged)
            && x.user.is(y.user)
    }
}
