//! Physical memory: resources, and what one region maps of them.

use super::catalogue::Rule;
use super::judge::{Judge, SUPERVISOR};
use crate::layout::shared;
use crate::layout::{Extent, NOWHERE, TOP, find_resource, find_space, pa_bits};
use crate::map::{Kind, Phys, Region, Role};
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// `address-wrap`, `pa-out-of-range` and `resource-overlap` of resources.
    pub(super) const fn resources(&mut self) {
        let bits = pa_bits(self.map);
        let limit = if bits < 64 { 1u128 << bits } else { TOP };
        let mut i = 0;
        while i < self.map.resources.len() {
            let r = self.resource(i as u16);
            let (lo, hi) = (r.base as u128, r.base as u128 + r.size as u128);
            if hi > TOP {
                self.report(Rule::AddressWrap, &[self.who_resource(i as u16)], &[lo, r.size as u128]);
            }
            if r.size > 0 && hi > limit {
                let from = if lo > limit { lo } else { limit };
                self.report(Rule::PaOutOfRange, &[self.who_resource(i as u16)], &[from]);
            }
            if r.within.is_some() {
                self.sticks_out(i as u16);
            }
            i += 1;
        }
        let mut cursor = (0, 0);
        while let Some((a, b)) = self.by_base.pair(&mut cursor) {
            self.resource_overlap(a as u16, b as u16);
        }
    }

    /// `resource-overlap`: a part lies inside its whole.
    const fn sticks_out(&mut self, part: u16) {
        let Some(name) = self.resource(part).within else { return };
        let whole = find_resource(self.map, name);
        if whole == NOWHERE || whole == part || self.resource(part).size == 0 {
            return;
        }
        let (inner, outer) = (self.bytes(part), self.bytes(whole));
        let who = [self.who_resource(part), self.who_resource(whole)];
        if inner.0 < outer.0 {
            self.report(Rule::ResourceOverlap, &who, &[inner.0, outer.0 - inner.0]);
        }
        if inner.1 > outer.1 {
            self.report(Rule::ResourceOverlap, &who, &[outer.1, inner.1 - outer.1]);
        }
    }

    /// `resource-overlap`: resources are disjoint unless one is part of the other.
    const fn resource_overlap(&mut self, a: u16, b: u16) {
        let (a, b) = if a < b { (a, b) } else { (b, a) };
        if let Some((lo, hi)) = shared(self.bytes(a), self.bytes(b))
            && !self.is_within(a, b)
            && !self.is_within(b, a)
        {
            self.report(Rule::ResourceOverlap, &[self.who_resource(a), self.who_resource(b)], &[lo, hi - lo]);
        }
    }

    pub(super) const fn bytes(&self, resource: u16) -> (u128, u128) {
        let r = self.resource(resource);
        (r.base as u128, r.base as u128 + r.size as u128)
    }

    /// Whether `part` is declared within `whole`, directly or through others.
    pub(super) const fn is_within(&self, part: u16, whole: u16) -> bool {
        let (mut at, mut steps) = (part, 0);
        while steps <= self.map.resources.len() {
            let Some(name) = self.resource(at).within else { return false };
            at = find_resource(self.map, name);
            if at == whole {
                return true;
            }
            if at == NOWHERE {
                return false;
            }
            steps += 1;
        }
        false
    }

    /// The outermost resource that `part` is declared within.
    const fn outermost(&self, part: u16) -> u16 {
        let (mut at, mut steps) = (part, 0);
        while let Some(name) = self.resource(at).within
            && steps < self.map.resources.len()
        {
            let next = find_resource(self.map, name);
            if next == NOWHERE {
                return at;
            }
            at = next;
            steps += 1;
        }
        at
    }

    /// What one region maps: declared memory, in one resource, allowed there, and no more than it asked for.
    pub(super) const fn physical(&mut self, i: usize, region: &Region<'a>, e: &Extent) {
        let filled_later = matches!(region.kind, Kind::Window);
        if matches!(region.phys, Phys::None) && !filled_later {
            let same = find_resource(self.map, region.name);
            let hint = if same == NOWHERE { "" } else { self.resource(same).name };
            self.report_hint(Rule::PhysUndeclared, &[self.who(i)], &[], hint);
        }
        if !e.has_phys || e.size == 0 || e.phys + e.size > TOP {
            return;
        }
        let linear = matches!(region.kind, Kind::Linear);
        if e.resource == NOWHERE || linear {
            self.raw_memory(i, e, linear);
        }
        let (mut p, end) = self.by_base.around(e.phys, e.phys + e.size);
        while p < end {
            let index = self.by_base.object(p) as u16;
            if let Some((lo, hi)) = shared((e.phys, e.phys + e.size), self.bytes(index)) {
                self.permission(i, region, index, lo, hi);
            }
            p += 1;
        }
        if region.round.is_some() {
            self.rounding(i, e, e.p_lo, e.phys);
            self.rounding(i, e, e.phys + e.size, e.p_hi);
        }
    }

    /// `phys-undeclared`, `region-straddles-resources`, `window-covers-non-ram`: memory by raw address.
    const fn raw_memory(&mut self, i: usize, e: &Extent, linear: bool) {
        let (mut at, end) = (e.phys, e.phys + e.size);
        let mut before = NOWHERE;
        while at < end {
            let segment = self.segment_of(e, at);
            let length = segment.hi - at;
            at = segment.hi;
            if segment.resource == NOWHERE && e.resource != NOWHERE {
                continue;
            }
            if segment.resource == NOWHERE {
                let rule = if linear { Rule::WindowCoversNonRam } else { Rule::PhysUndeclared };
                self.report(rule, &[self.who(i)], &[segment.lo, length]);
                continue;
            }
            if linear {
                let as_normal = match self.facts[i].memory {
                    Some(memory) => !memory.is_device(),
                    None => false,
                };
                let device = self.resource(segment.resource).memory.is_device();
                if device && (as_normal || e.resource == NOWHERE) {
                    let who = [self.who(i), self.who_resource(segment.resource)];
                    self.report(Rule::WindowCoversNonRam, &who, &[segment.lo, length]);
                }
                continue;
            }
            let top = self.outermost(segment.resource);
            if before != NOWHERE && before != top {
                let who = [self.who(i), self.who_resource(before), self.who_resource(top)];
                self.report(Rule::RegionStraddlesResources, &who, &[segment.lo, length]);
            }
            before = top;
        }
    }

    /// `reserved-memory-mapped`, `owner-violated`, `rights-exceed-resource`.
    const fn permission(&mut self, i: usize, region: &Region<'_>, index: u16, lo: u128, hi: u128) {
        let resource = self.resource(index);
        let space = self.space_of(i);
        if matches!(space.role, Role::Firmware) {
            return;
        }
        let who = [self.who(i), self.who_resource(index)];
        if resource.reserved {
            self.report(Rule::ReservedMemoryMapped, &who, &[lo, hi - lo]);
        }
        if let Some(rights) = resource.rights
            && !rights.contains(self.facts[i].any)
        {
            self.report(Rule::RightsExceedResource, &who, &[]);
        }
        let Some(owner) = resource.owner else { return };
        if matches!(region.kind, Kind::Channel) || same(owner, space.name) {
            return;
        }
        let owning = find_space(self.map, owner);
        let trusts = owning != NOWHERE && self.map.spaces[owning as usize].role.is_supervisor();
        let domain = self.facts[i].domain;
        let kernel_window = domain == SUPERVISOR && matches!(region.kind, Kind::Linear);
        let trusted = trusts && domain == SUPERVISOR;
        if !trusted && !kernel_window && owning != NOWHERE {
            let owner = self.who_space(owning as usize);
            self.report(Rule::OwnerViolated, &[who[0], who[1], owner], &[]);
        }
    }

    /// `rounding-exposes-neighbour`: the bytes `lo..hi` that rounding adds belong to nobody else.
    const fn rounding(&mut self, i: usize, e: &Extent, lo: u128, hi: u128) {
        let (mut p, end) = self.by_base.around(lo, hi);
        while p < end && lo < hi {
            let index = self.by_base.object(p) as u16;
            p += 1;
            let Some((from, to)) = shared((lo, hi), self.bytes(index)) else { continue };
            let mine = if e.resource == NOWHERE { e.holder } else { e.resource };
            let own = mine != NOWHERE && (index == mine || self.is_within(index, mine) || self.is_within(mine, index));
            if !own {
                let who = [self.who(i), self.who_resource(index)];
                self.report(Rule::RoundingExposesNeighbour, &who, &[from, to - from, e.unit as u128]);
            }
        }
    }
}
