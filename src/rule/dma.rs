//! DMA masters and the memory they reach.

use super::catalogue::Rule;
use super::judge::{Judge, SUPERVISOR, Who};
use crate::attr::{MemoryType, Rights};
use crate::layout::LIST;
use crate::layout::{NOWHERE, TOP, place};
use crate::layout::{Order, pages, shared};
use crate::map::{Device, DmaWindow, Phys};
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about DMA masters, each in turn.
    pub(super) const fn devices(&mut self) {
        let devices: &'a [Device<'a>] = self.map.devices;
        let mut d = 0;
        while d < devices.len() {
            let mut w = 0;
            while w < devices[d].windows.len() {
                self.window_numbers(d, w, &devices[d].windows[w]);
                self.window_writes_code(d, w, &devices[d].windows[w]);
                w += 1;
            }
            if let Some((owner, space)) = self.space_named(devices[d].owner) {
                if !devices[d].iommu && self.is_isolated(space.name) {
                    let who = [Who::named(devices[d].name, devices[d].anchor), self.who_space(owner)];
                    self.report(Rule::DmaUnprotected, &who, &[]);
                }
                self.windows_overlap(d, &devices[d], owner);
                self.windows(d, &devices[d], owner);
            }
            d += 1;
        }
    }

    /// `address-wrap` and `region-exceeds-resource` of a window.
    const fn window_numbers(&mut self, d: usize, w: usize, window: &DmaWindow<'_>) {
        let (iova, size) = (window.iova as u128, window.size as u128);
        let (phys, resource) = place(self.map, window.phys);
        if iova + size > TOP {
            self.report(Rule::AddressWrap, &[self.who_window(d, w)], &[iova, size]);
        }
        if let (Some(phys), Phys::At(_)) = (phys, window.phys)
            && phys + size > TOP
        {
            self.report(Rule::AddressWrap, &[self.who_window(d, w)], &[phys, size]);
        }
        if let Phys::In { offset, .. } = window.phys
            && resource != NOWHERE
        {
            let (end, has) = (offset as u128 + size, self.resource(resource).size as u128);
            if has > 0 && end > has {
                let who = [self.who_window(d, w), self.who_resource(resource)];
                self.report(Rule::RegionExceedsResource, &who, &[end % TOP, has]);
            }
        }
    }

    /// The pages of physical memory that a window reaches.
    const fn window_pages(&self, window: &DmaWindow<'_>) -> Option<(u128, u128)> {
        match place(self.map, window.phys).0 {
            Some(start) => Some(self.pages(start, window.size)),
            None => None,
        }
    }

    /// `wx-alias`: a device does not write what a CPU executes.
    const fn window_writes_code(&mut self, d: usize, w: usize, window: &DmaWindow<'_>) {
        let Some((lo, hi)) = self.window_pages(window) else { return };
        if !window.rights.contains(Rights::W) {
            return;
        }
        let (mut p, end) = self.by_phys.around(lo, hi);
        while p < end {
            let i = self.by_phys.object(p);
            if let Some((from, to)) = self.phys_meets(i, lo, hi)
                && self.facts[i].any.contains(Rights::X)
            {
                self.report(Rule::WxAlias, &[self.who_window(d, w), self.who(i)], &[from, to - from]);
            }
            p += 1;
        }
    }

    /// `va-overlap` of the device addresses of one device.
    const fn windows_overlap(&mut self, d: usize, device: &Device<'_>, owner: usize) {
        let page = self.declared_format(owner).page_size() as u128;
        let mut order = Order::<LIST>::EMPTY;
        let mut w = 0;
        while w < device.windows.len() {
            let (lo, hi) = device_pages(&device.windows[w], page);
            order.push(w, lo, hi);
            w += 1;
        }
        order.sort();
        let mut cursor = (0, 0);
        while let Some((a, b)) = order.pair(&mut cursor) {
            let (x, y) = (device_pages(&device.windows[a], page), device_pages(&device.windows[b], page));
            if let Some((lo, hi)) = shared(x, y) {
                let (first, second) = if a < b { (a, b) } else { (b, a) };
                let who = [self.who_window(d, first), self.who_window(d, second)];
                self.report(Rule::VaOverlap, &who, &[lo, hi - lo]);
            }
        }
    }

    /// `dma-rights`, `dma-address-width`, `dma-reaches-foreign`, `dma-incoherent`.
    const fn windows(&mut self, d: usize, device: &Device<'_>, owner: usize) {
        let mut w = 0;
        while w < device.windows.len() {
            let window = &device.windows[w];
            let end = window.iova as u128 + window.size as u128;
            if window.rights.contains(Rights::X) {
                self.report(Rule::DmaRights, &[self.who_window(d, w)], &[]);
            }
            if let Some(bits) = device.addr_bits
                && bits > 0
                && bits < 64
                && end > 1 << bits
            {
                self.report(Rule::DmaAddressWidth, &[self.who_window(d, w)], &[end, bits as u128]);
            }
            if let Some(pages) = self.window_pages(window) {
                let before = self.errors.total;
                self.window_reach(d, w, device, owner, pages);
                // Memory that another maps is the first cause; what follows is about memory that no CPU shares.
                if self.errors.total == before {
                    self.window_of_another(d, w, device, pages);
                    if !matches!(window.phys, Phys::Channel { .. }) {
                        self.window_owner(d, w, owner, pages);
                    }
                }
            }
            w += 1;
        }
    }

    const fn window_reach(&mut self, d: usize, w: usize, device: &Device<'_>, owner: usize, pages: (u128, u128)) {
        let layout = self.layout;
        let (mut p, end) = self.by_phys.around(pages.0, pages.1);
        while p < end {
            let i = self.by_phys.object(p);
            p += 1;
            let Some((lo, hi)) = self.phys_meets(i, pages.0, pages.1) else { continue };
            let who = [self.who_window(d, w), self.who(i)];
            if layout.extents[i].space as usize == owner {
                if !device.coherent && is_cacheable(self.first_type(i)) {
                    self.report(Rule::DmaIncoherent, &who, &[]);
                }
            } else if self.facts[i].domain != SUPERVISOR && !self.owner_reaches(owner, lo, hi) {
                self.report(Rule::DmaReachesForeign, &who, &[lo, hi - lo]);
            }
        }
    }

    /// `dma-reaches-foreign` of memory that is in a window of a device behind it in the declaration, whose owner is isolated
    /// from this one's.
    const fn window_of_another(&mut self, d: usize, w: usize, device: &Device<'_>, pages: (u128, u128)) {
        let devices: &'a [Device<'a>] = self.map.devices;
        let mut e = d + 1;
        while e < devices.len() {
            let mut v = 0;
            while v < devices[e].windows.len() {
                if let Some(others) = self.window_pages(&devices[e].windows[v])
                    && let Some((lo, hi)) = shared(pages, others)
                    && self.are_isolated(device.owner, devices[e].owner, lo, hi)
                {
                    let who = [self.who_window(d, w), self.who_window(e, v)];
                    self.report(Rule::DmaReachesForeign, &who, &[lo, hi - lo]);
                }
                v += 1;
            }
            e += 1;
        }
    }

    /// `owner-violated` of a window.
    const fn window_owner(&mut self, d: usize, w: usize, owner: usize, pages: (u128, u128)) {
        let spaces = self.map.spaces;
        let (mut p, end) = self.by_base.around(pages.0, pages.1);
        while p < end {
            let index = self.by_base.object(p) as u16;
            let resource = self.resource(index);
            let bytes = (resource.base as u128, resource.base as u128 + resource.size as u128);
            if let Some(name) = resource.owner
                && let Some((owning, space)) = self.space_named(name)
                && owning != owner
                && !(space.role.is_supervisor() && spaces[owner].role.is_supervisor())
                && shared(bytes, pages).is_some()
            {
                let who = [self.who_window(d, w), self.who_resource(index), self.who_space(owning)];
                self.report(Rule::OwnerViolated, &who, &[]);
            }
            p += 1;
        }
    }

    /// Whether one region of the space reaches all of `lo..hi`.
    const fn owner_reaches(&self, owner: usize, lo: u128, hi: u128) -> bool {
        let (mut p, end) = self.by_phys.around(lo, hi);
        while p < end {
            let i = self.by_phys.object(p);
            let e = &self.layout.extents[i];
            if e.space as usize == owner && self.facts[i].reach && e.p_lo <= lo && hi <= e.p_hi {
                return true;
            }
            p += 1;
        }
        false
    }

    /// Reports every DMA window that meets the pool `lo..hi`.
    pub(super) const fn windows_over(&mut self, rule: Rule, pool: Who<'a>, lo: u128, hi: u128) {
        let map = self.map;
        let mut d = 0;
        while d < map.devices.len() {
            let mut w = 0;
            while w < map.devices[d].windows.len() {
                if let Some(pages) = self.window_pages(&map.devices[d].windows[w])
                    && let Some((from, to)) = shared((lo, hi), pages)
                {
                    self.report(rule, &[self.who_window(d, w), pool], &[from, to - from]);
                }
                w += 1;
            }
            d += 1;
        }
    }

    /// Whether something refers to the resource of that name.
    pub(super) const fn windows_use(&self, resource: &str) -> bool {
        let mut d = 0;
        while d < self.map.devices.len() {
            let mut w = 0;
            while w < self.map.devices[d].windows.len() {
                if let Phys::In { resource: name, .. } = self.map.devices[d].windows[w].phys
                    && same(name, resource)
                {
                    return true;
                }
                w += 1;
            }
            d += 1;
        }
        false
    }
}

const fn device_pages(window: &DmaWindow<'_>, page: u128) -> (u128, u128) {
    pages(window.iova as u128, window.size, page)
}

/// Whether a CPU keeps the memory in its caches.
const fn is_cacheable(memory: Option<MemoryType>) -> bool {
    match memory {
        Some(memory) => !memory.is_device() && !memory.is(MemoryType::NormalNc) && !memory.is(MemoryType::Inherent),
        None => false,
    }
}
