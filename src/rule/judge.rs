//! What all rules share: the map with its sorted ranges, and the way to report.

use super::catalogue::{Class, Rule};
use super::finding::{Culprit, Finding, Findings, MAX_CULPRITS, MAX_NUMBERS};
use crate::attr::{Access, Features, MemoryType, Rights};
use crate::format::{Format, NOT_ENCODABLE};
use crate::layout::{Extent, LIST, Layout, NOWHERE, Segment, bus_type, by_base, features, find_channel, segment};
use crate::layout::{Order, shared};
use crate::map::{Kind, Map, Phys, Region, Resource, Space};
use crate::text::same_spelling;

/// The trust domain of kernel, boot, run and firmware spaces; each other space is its own.
pub(super) const SUPERVISOR: u16 = u16::MAX;
/// No region.
const NOBODY: usize = usize::MAX;
/// Bits that keep the keys of different spaces apart in one order.
const SPACE_SHIFT: u32 = 66;

/// An object to blame, and the region whose waivers count, if it is one.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    culprit: Culprit<'a>,
    region: usize,
}

impl<'a> Who<'a> {
    pub(super) const fn named(name: &'a str, anchor: u16) -> Self {
        Self { culprit: Culprit::named(name, anchor), region: NOBODY }
    }

    pub(super) const fn of(owner: &'a str, name: &'a str, anchor: u16) -> Self {
        Self { culprit: Culprit::of(owner, name, anchor), region: NOBODY }
    }

    pub(super) const fn feature(feature: Features) -> Self {
        Self::of("feature:", feature.first().name(), 0)
    }
}

/// What rules ask about a region again and again.
#[derive(Clone, Copy)]
pub(super) struct Fact {
    /// Rights as the regime of the space understands them.
    pub(super) access: Access,
    /// Rights of either privilege.
    pub(super) any: Rights,
    /// Trust domain: an index of a space, or [`SUPERVISOR`].
    pub(super) domain: u16,
    /// It is mapped and not bad: it takes part in rules about virtual sets.
    pub(super) counts: bool,
    /// The memory type it asks for itself, raw attributes included.
    pub(super) memory: Option<MemoryType>,
    /// The channel it is an end of, or [`NOWHERE`].
    pub(super) channel: u16,
    /// Memory that the tenant of the space reaches.
    pub(super) reach: bool,
    /// It is a guard or a stack.
    pub(super) guards: bool,
}

impl Fact {
    const BLANK: Self = Self {
        access: Access::kernel(Rights::NONE),
        any: Rights::NONE,
        domain: SUPERVISOR,
        counts: false,
        memory: None,
        channel: NOWHERE,
        reach: false,
        guards: false,
    };
}

/// One check.
pub(super) struct Judge<'m, 'a, const R: usize, const N: usize> {
    pub(super) map: &'m Map<'a>,
    pub(super) layout: &'m Layout<R>,
    pub(super) features: Features,
    /// The smallest page of all spaces.
    pub(super) page: u64,
    pub(super) facts: [Fact; R],
    /// Regions that count, by space and virtual start.
    pub(super) by_virt: Order<R>,
    /// Regions that count and have a physical side, by physical start.
    pub(super) by_phys: Order<R>,
    /// Resources by base.
    pub(super) by_base: Order<LIST>,
    /// Values of the memory-type register in use.
    pub(super) register_values: [u64; 4],
    /// Resources that a region surely maps.
    pub(super) resources_used: [bool; LIST],
    /// Bytes that the tables of each space take, as far as they were asked for.
    pub(super) table_bytes: [u128; LIST],
    /// Whether some region is there to write tables, once that was asked.
    pub(super) editors: Option<bool>,
    /// Bit per waiver that suppressed something.
    pub(super) waivers_used: [u64; R],
    pub(super) errors: Findings<'a, N>,
    pub(super) warnings: Findings<'a, N>,
}

impl<'m, 'a, const R: usize, const N: usize> Judge<'m, 'a, R, N> {
    pub(super) const fn new(map: &'m Map<'a>, layout: &'m Layout<R>) -> Self {
        let mut judge = Self {
            map,
            layout,
            features: features(map),
            page: u64::MAX,
            facts: [Fact::BLANK; R],
            by_virt: Order::EMPTY,
            by_phys: Order::EMPTY,
            by_base: by_base(map),
            register_values: [0; 4],
            resources_used: [false; LIST],
            table_bytes: [0; LIST],
            editors: None,
            waivers_used: [0; R],
            errors: Findings::NONE,
            warnings: Findings::NONE,
        };
        judge.learn_spaces();
        judge.learn_regions();
        judge
    }

    const fn learn_spaces(&mut self) {
        let mut s = 0;
        while s < self.map.spaces.len() {
            let page = self.declared_format(s).page_size();
            if page < self.page {
                self.page = page;
            }
            s += 1;
        }
        if self.page == u64::MAX {
            self.page = self.map.format.page_size();
        }
    }

    const fn learn_regions(&mut self) {
        let layout = self.layout;
        let (mut s, mut i) = (0, 0);
        while s < self.map.spaces.len() {
            let space = &self.map.spaces[s];
            let format = self.declared_format(s);
            let domain = if space.role.is_supervisor() { SUPERVISOR } else { s as u16 };
            let count = space.regions.len();
            let mut r = 0;
            while r < count && i < layout.len {
                self.learn_region(i, &space.regions[r], &layout.extents[i], format, domain);
                i += 1;
                r += 1;
            }
            s += 1;
        }
        self.by_virt.sort();
        self.by_phys.sort();
    }

    const fn learn_region(&mut self, i: usize, region: &Region<'a>, e: &Extent, format: &Format, domain: u16) {
        let access = if region.user && !format.user { Access::kernel(region.access.any()) } else { region.access };
        let index = access.index();
        let guard = matches!(region.kind, Kind::Guard);
        let counts = !e.bad && !guard;
        self.facts[i] = Fact {
            access,
            any: Rights::from_bits((index >> 3 | index & 7) as u8),
            domain,
            counts,
            memory: if region.raw_memory.is_none() { region.memory } else { self.own_memory(format, region, e) },
            channel: match region.phys {
                Phys::Channel { channel, .. } => find_channel(self.map, channel),
                _ => NOWHERE,
            },
            reach: counts && e.has_phys && (!format.user || domain == SUPERVISOR || index & 7 != 0),
            guards: guard || matches!(region.kind, Kind::Stack),
        };
        if !counts {
            return;
        }
        let key = (e.space as u128) << SPACE_SHIFT;
        self.by_virt.push(i, key + e.v_lo, key + e.v_hi);
        if e.has_phys {
            self.by_phys.push(i, e.p_lo, e.p_hi);
            self.mark_used(e.holder);
            self.mark_used(e.resource);
        }
    }

    const fn mark_used(&mut self, resource: u16) {
        if (resource as usize) < LIST {
            self.resources_used[resource as usize] = true;
        }
    }

    /// The format of a space as it is declared, before the CPU block shapes it.
    pub(super) const fn declared_format(&self, space: usize) -> &'m Format {
        match &self.map.spaces[space].format {
            Some(format) => format,
            None => &self.map.format,
        }
    }

    pub(super) const fn region(&self, i: usize) -> &'a Region<'a> {
        let e = &self.layout.extents[i];
        let regions: &'a [Region<'a>] = self.map.spaces[e.space as usize].regions;
        &regions[e.region as usize]
    }

    pub(super) const fn space_of(&self, i: usize) -> &'a Space<'a> {
        let spaces: &'a [Space<'a>] = self.map.spaces;
        &spaces[self.layout.extents[i].space as usize]
    }

    pub(super) const fn resource(&self, index: u16) -> &'a Resource<'a> {
        let resources: &'a [Resource<'a>] = self.map.resources;
        &resources[index as usize]
    }

    /// The extents of a space: first, end.
    pub(super) const fn extents_of(&self, space: usize) -> (usize, usize) {
        let (mut first, mut s) = (0, 0);
        while s < space {
            first += self.map.spaces[s].regions.len();
            s += 1;
        }
        let end = first + self.map.spaces[space].regions.len();
        (
            if first < self.layout.len { first } else { self.layout.len },
            if end < self.layout.len { end } else { self.layout.len },
        )
    }

    /// The extent of the region of that name, or [`NOWHERE`].
    pub(super) const fn find(&self, space: usize, name: &str) -> u16 {
        let r = crate::layout::find_region(&self.map.spaces[space], name);
        let at = self.extents_of(space).0 + r as usize;
        if r == NOWHERE || at >= self.layout.len { NOWHERE } else { at as u16 }
    }

    /// Positions in `by_virt` among which the regions of a space that meet `lo..hi` are.
    pub(super) const fn virt_around(&self, space: usize, lo: u128, hi: u128) -> (usize, usize) {
        let key = (space as u128) << SPACE_SHIFT;
        self.by_virt.around(key + lo, key + hi)
    }

    /// The mapped region of a space that holds a virtual address.
    pub(super) const fn holder(&self, space: usize, address: u128) -> Option<usize> {
        let (mut p, end) = self.virt_around(space, address, address + 1);
        while p < end {
            let i = self.by_virt.object(p);
            let e = &self.layout.extents[i];
            let here = e.space as usize == space && e.v_lo <= address && address < e.v_hi;
            if here && !matches!(self.region(i).kind, Kind::Window) {
                return Some(i);
            }
            p += 1;
        }
        None
    }

    /// The physical address behind a virtual one of a region.
    pub(super) const fn behind(&self, i: usize, address: u128) -> u128 {
        let e = &self.layout.extents[i];
        e.p_lo + (address - e.v_lo)
    }

    /// A linear map that only a kernel uses: it may alias whatever it covers.
    pub(super) const fn is_kernel_window(&self, i: usize) -> bool {
        let fact = &self.facts[i];
        matches!(self.region(i).kind, Kind::Linear) && fact.domain == SUPERVISOR && fact.access.user.is_empty()
    }

    /// The bytes from `at` to the next border of a resource, `end` at the latest.
    pub(super) const fn segment(&self, at: u128, end: u128) -> Segment {
        segment(self.map, &self.by_base, at, end)
    }

    /// The bytes of a region from `at` to the next border of a resource.
    pub(super) const fn segment_of(&self, e: &Extent, at: u128) -> Segment {
        let end = e.phys + e.size;
        if e.uniform { Segment { lo: at, hi: end, resource: e.holder } } else { self.segment(at, end) }
    }

    /// The memory type of a region at a segment.
    pub(super) const fn type_at(&self, i: usize, segment: &Segment) -> Option<MemoryType> {
        match self.facts[i].memory {
            Some(memory) => Some(memory),
            None if segment.resource == NOWHERE => None,
            None => Some(self.resource(segment.resource).memory),
        }
    }

    /// The memory type of a region at its first byte.
    pub(super) const fn first_type(&self, i: usize) -> Option<MemoryType> {
        let e = &self.layout.extents[i];
        if !e.has_phys || e.size == 0 {
            return None;
        }
        self.type_at(i, &self.segment_of(e, e.phys))
    }

    /// The first object that starts at or behind the physical range `lo..hi` and really meets it.
    pub(super) const fn phys_meets(&self, i: usize, lo: u128, hi: u128) -> Option<(u128, u128)> {
        let e = &self.layout.extents[i];
        shared((e.p_lo, e.p_hi), (lo, hi))
    }

    pub(super) const fn who(&self, i: usize) -> Who<'a> {
        let region = self.region(i);
        Who { culprit: Culprit::of(self.space_of(i).name, region.name, region.anchor), region: i }
    }

    pub(super) const fn who_resource(&self, index: u16) -> Who<'a> {
        let resource = self.resource(index);
        Who::named(resource.name, resource.anchor)
    }

    pub(super) const fn who_space(&self, space: usize) -> Who<'a> {
        let spaces: &'a [Space<'a>] = self.map.spaces;
        Who::named(spaces[space].name, spaces[space].anchor)
    }

    pub(super) const fn report(&mut self, rule: Rule, who: &[Who<'a>], numbers: &[u128]) {
        self.report_hint(rule, who, numbers, "");
    }

    /// Reports a finding unless a culprit waives it.
    pub(super) const fn report_hint(&mut self, rule: Rule, who: &[Who<'a>], numbers: &[u128], hint: &'a str) {
        let mut finding = Finding::new(rule);
        finding.hint = hint;
        while finding.culprit_count < who.len() && finding.culprit_count < MAX_CULPRITS {
            let one = &who[finding.culprit_count];
            if one.region != NOBODY && self.waives(one.region, rule) {
                return;
            }
            finding.culprits[finding.culprit_count] = one.culprit;
            finding.culprit_count += 1;
        }
        while finding.number_count < numbers.len() && finding.number_count < MAX_NUMBERS {
            finding.numbers[finding.number_count] = numbers[finding.number_count];
            finding.number_count += 1;
        }
        match rule.info().class {
            Class::Warning => self.warnings.add(finding),
            Class::Hard | Class::Waivable => self.errors.add(finding),
        }
    }

    const fn waives(&mut self, i: usize, rule: Rule) -> bool {
        if !rule.is_waivable() {
            return false;
        }
        let waivers = self.region(i).waivers;
        let (mut waived, mut w) = (false, 0);
        while w < waivers.len() {
            if same_spelling(waivers[w].rule, rule.id()) && super::names::has_reason(&waivers[w]) {
                self.waivers_used[i] |= 1 << (w % 64);
                waived = true;
            }
            w += 1;
        }
        waived
    }

    /// The memory type that a region with raw attributes asks for: by those, by name, or not at all.
    const fn own_memory(&self, format: &Format, region: &Region<'_>, e: &Extent) -> Option<MemoryType> {
        let raw = match region.raw_memory {
            Some(raw) if raw != 0 && format.inherent_memory => raw << format.raw_memory.shift,
            Some(0) if format.inherent_memory && e.uniform && e.holder != NOWHERE => {
                return Some(bus_type(self.map, self.resource(e.holder)));
            }
            _ => return region.memory,
        };
        let mut t = 1;
        while t < MemoryType::COUNT {
            if format.memory[0][t] == raw && raw != NOT_ENCODABLE {
                return Some(MemoryType::ALL[t]);
            }
            t += 1;
        }
        region.memory
    }
}
