//! Arithmetic of one region: sums, alignment, ranges.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::format::Format;
use crate::layout::{Extent, NOWHERE, TOP};
use crate::map::{Kind, Phys, Region, Virt};

/// What was found of a format and of regions of the space that were sound.
struct Known {
    /// Bit per pair of rights.
    access: u64,
    /// Bit per memory type that resources had; bit 31 stays clear.
    memory: u32,
    /// End of the lower half, or of the only range.
    lower_end: u128,
    /// Not executing needs a feature that the CPU lacks.
    no_execute_missing: bool,
    /// All regions have to do with privileges.
    privileges: bool,
}

impl Known {
    const fn new<const R: usize, const N: usize>(judge: &Judge<'_, '_, R, N>, format: &Format) -> Self {
        Self {
            access: 0,
            memory: 0,
            lower_end: 1 << format.range_bits,
            no_execute_missing: !judge.features.contains(format.no_execute),
            privileges: format.user_required || !judge.map.cpu.parents.is_empty(),
        }
    }
}

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about one region of a space.
    pub(super) const fn space_regions(&mut self, s: usize, format: &Format) {
        let (mut i, end) = self.extents_of(s);
        let layout = self.layout;
        let mut known = Known::new(self, format);
        while i < end {
            let (region, e) = (self.region(i), &layout.extents[i]);
            if e.bad {
                self.address_wrap(i, region, e);
                self.region_exceeds_resource(i, region, e);
                self.alignment(i, region, e, format.page_size() as u128);
            }
            if matches!(region.kind, Kind::Identity) {
                self.identity_not_equal(i, region, e);
            }
            if e.bad || e.virt + e.size > known.lower_end {
                self.virtual_range(i, e, format);
            }
            if matches!(region.kind, Kind::Guard) {
                self.guard_with_backing(i, region);
            } else {
                self.mapped_region(i, region, e, format, &mut known);
            }
            i += 1;
        }
    }

    /// The rules about a region that maps something. What `known` says of another region with the same rights or type
    /// is not asked again.
    const fn mapped_region(&mut self, i: usize, region: &Region<'a>, e: &Extent, format: &Format, known: &mut Known) {
        let fact = self.facts[i];
        if e.v_lo == 0 {
            self.null_page_mapped(i, e, format);
        }
        if known.access >> fact.access.index() & 1 == 0 && self.rights(i, region, format) {
            known.access |= 1 << fact.access.index();
        }
        if !e.is_plain || region.round.is_some() || matches!(region.kind, Kind::Linear | Kind::Window) {
            self.physical(i, region, e);
        } else {
            let resource = self.resource(e.holder);
            if resource.reserved || resource.owner.is_some() || resource.rights.is_some() {
                self.physical(i, region, e);
            }
        }
        let memory = if e.is_plain { self.resource(e.holder).memory as usize } else { 31 };
        let natural = fact.counts && fact.memory.is_none();
        if !natural || known.memory >> memory & 1 == 0 {
            let clean = self.memory(i, region, e, format);
            if clean && natural && e.is_plain && !self.resource(e.holder).memory.is_device() {
                known.memory |= 1 << memory;
            }
        }
        if region.raw_memory.is_some() || region.dirty || region.software.is_some() {
            self.raw_attributes(i, region, format);
        }
        let sizes = region.page.is_some() || region.contiguous.is_some() || region.round.is_some();
        if sizes || region.bti || known.no_execute_missing {
            self.leaves(i, region, e, format);
        }
        if fact.access.index() & 7 != 0 || region.user || known.privileges {
            self.privileges(i, region, e, format);
        }
        if fact.guards {
            self.stack(i, region, e);
        }
    }

    /// `address-wrap`: no base + size, offset + size or base - guard leaves 0..2^64.
    const fn address_wrap(&mut self, i: usize, region: &Region<'_>, e: &Extent) {
        match region.phys {
            _ if matches!(region.kind, Kind::Guard) => {}
            Phys::At(_) if e.phys + e.size > TOP => self.report(Rule::AddressWrap, &[self.who(i)], &[e.phys, e.size]),
            Phys::In { offset, .. } if e.resource != NOWHERE && offset as u128 + e.size > TOP => {
                self.report(Rule::AddressWrap, &[self.who(i)], &[offset as u128, e.size]);
            }
            _ => {}
        }
        if !e.has_virt {
            return;
        }
        if e.virt + e.size > TOP {
            self.report(Rule::AddressWrap, &[self.who(i)], &[e.virt, e.size]);
        }
    }

    /// `address-wrap` of the guards of a stack.
    pub(super) const fn guard_wrap(&mut self, i: usize, region: &Region<'_>, e: &Extent) {
        if e.has_virt {
            let (below, above) = (region.guard_below as u128, region.guard_above as u128);
            if e.virt < below {
                self.report(Rule::AddressWrap, &[self.who(i)], &[e.virt, below]);
            }
            if above > 0 && e.virt + e.size <= TOP && e.virt + e.size + above > TOP {
                self.report(Rule::AddressWrap, &[self.who(i)], &[e.virt + e.size, above]);
            }
        }
    }

    /// `identity-not-equal`: both sides of an identity region are equal.
    const fn identity_not_equal(&mut self, i: usize, region: &Region<'_>, e: &Extent) {
        if let (Kind::Identity, Virt::At(_)) = (region.kind, region.virt)
            && e.has_phys
            && e.virt != e.phys
        {
            self.report(Rule::IdentityNotEqual, &[self.who(i)], &[e.virt, e.phys]);
        }
    }

    /// `region-exceeds-resource`: offset + size fit the resource.
    const fn region_exceeds_resource(&mut self, i: usize, region: &Region<'_>, e: &Extent) {
        if let Phys::In { offset, .. } = region.phys
            && e.resource != NOWHERE
        {
            let (end, has) = (offset as u128 + e.size, self.resource(e.resource).size as u128);
            if has > 0 && end > has {
                let who = [self.who(i), self.who_resource(e.resource)];
                self.report(Rule::RegionExceedsResource, &who, &[end % TOP, has]);
            }
        }
    }

    /// `va-unaligned`, `pa-unaligned`, `size-unaligned`: a leaf holds no offset below the page (DDI 0487 D8; RISC-V
    /// privileged, Sv39 PTE; SDM 3A 4.5).
    const fn alignment(&mut self, i: usize, region: &Region<'_>, e: &Extent, page: u128) {
        if region.round.is_some() {
            if e.has_phys && e.has_virt && (e.virt + TOP - e.phys) % e.unit as u128 != 0 {
                self.report(Rule::PaUnaligned, &[self.who(i)], &[e.phys, page]);
            }
            return;
        }
        if e.size == 0 {
            return;
        }
        if e.has_virt && e.virt % page != 0 {
            self.report(Rule::VaUnaligned, &[self.who(i)], &[e.virt, page]);
        }
        if e.has_phys && e.phys % page != 0 {
            self.report(Rule::PaUnaligned, &[self.who(i)], &[e.phys, page]);
        }
        if e.size % page != 0 {
            self.report(Rule::SizeUnaligned, &[self.who(i)], &[e.size, page]);
        }
    }

    /// `va-not-canonical`, `crosses-canonical-hole`, `va-out-of-range`: the region lies in a range that the format
    /// translates (SDM 1 3.3.7.1; RISC-V privileged, Sv39 sign extension; DDI 0487 D8 TxSZ).
    const fn virtual_range(&mut self, i: usize, e: &Extent, format: &Format) {
        if !e.has_virt || e.size == 0 || e.virt + e.size > TOP {
            return;
        }
        let (first, last) = (e.virt, e.virt + e.size - 1);
        let half = 1u128 << format.range_bits;
        if !format.upper_half {
            if last >= half {
                let from = if first > half { first } else { half };
                self.report(Rule::VaOutOfRange, &[self.who(i)], &[from, half]);
            }
            return;
        }
        let upper = TOP - half;
        if first >= half && first < upper {
            self.report(Rule::VaNotCanonical, &[self.who(i)], &[first, half, upper]);
        } else if (first < half) != (last < half) || (last >= half && last < upper) {
            self.report(Rule::CrossesCanonicalHole, &[self.who(i)], &[half]);
        }
    }

    /// `null-page-mapped`: page 0 of a stage 1 space stays free.
    const fn null_page_mapped(&mut self, i: usize, e: &Extent, format: &Format) {
        if e.has_virt && e.size > 0 && e.v_lo == 0 && !format.guest {
            self.report(Rule::NullPageMapped, &[self.who(i)], &[0, format.page_size() as u128]);
        }
    }

    /// `guard-with-backing`: a guard maps nothing.
    const fn guard_with_backing(&mut self, i: usize, region: &Region<'a>) {
        match region.phys {
            Phys::None => {}
            Phys::In { resource, .. } => {
                self.report(Rule::GuardWithBacking, &[self.who(i), Who::named(resource, 0)], &[]);
            }
            Phys::Channel { channel, .. } => {
                self.report(Rule::GuardWithBacking, &[self.who(i), Who::named(channel, 0)], &[]);
            }
            Phys::At(_) => self.report(Rule::GuardWithBacking, &[self.who(i)], &[]),
        }
    }
}
