//! Warnings: what is declared and does nothing, or costs more than it must.

use super::catalogue::Rule;
use super::judge::Judge;
use super::names::has_reason;
use crate::attr::MemoryType;
use crate::format::Format;
use crate::layout::LIST;
use crate::map::{Kind, LeafPolicy, Phys};
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The warnings that no other rule's pass gives.
    pub(super) const fn waste(&mut self) {
        let mut r = 0;
        while r < self.map.resources.len() {
            if !self.is_used(r as u16) {
                self.report(Rule::UnusedResource, &[self.who_resource(r as u16)], &[]);
            }
            r += 1;
        }
        let mut s = 0;
        while s < self.map.spaces.len() {
            let format = self.declared_format(s);
            self.leaf_incongruent(s, format);
            s += 1;
        }
        self.waiver_unused();
    }

    /// `unused-resource`: whether a region meets it, or something names it or a part of it.
    const fn is_used(&self, index: u16) -> bool {
        let resource = self.resource(index);
        if resource.reserved || resource.size == 0 || ((index as usize) < LIST && self.resources_used[index as usize]) {
            return true;
        }
        let (lo, hi) = (resource.base as u128, resource.base as u128 + resource.size as u128);
        let (mut p, end) = self.by_phys.around(lo, hi);
        while p < end {
            if self.phys_meets(self.by_phys.object(p), lo, hi).is_some() {
                return true;
            }
            p += 1;
        }
        if self.is_named(resource.name) || self.has_window_of(resource.memory) {
            return true;
        }
        let mut part = 0;
        while part < self.map.resources.len() {
            if let Some(whole) = self.map.resources[part].within
                && same(whole, resource.name)
                && self.is_named(self.map.resources[part].name)
            {
                return true;
            }
            part += 1;
        }
        false
    }

    /// Whether a window says that its pages go to memory of this type.
    const fn has_window_of(&self, memory: MemoryType) -> bool {
        let mut i = 0;
        while i < self.layout.len {
            if let (Kind::Window, Some(said)) = (self.region(i).kind, self.region(i).memory)
                && said.is(memory)
            {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Whether a region, channel, window or pool names the resource.
    const fn is_named(&self, name: &str) -> bool {
        let mut i = 0;
        while i < self.layout.len {
            if is_in(self.region(i).phys, name) {
                return true;
            }
            i += 1;
        }
        i = 0;
        while i < self.map.channels.len() {
            if is_in(self.map.channels[i].phys, name) {
                return true;
            }
            i += 1;
        }
        i = 0;
        while i < self.map.spaces.len() {
            if let Some(tables) = &self.map.spaces[i].tables
                && is_in(tables.phys, name)
            {
                return true;
            }
            i += 1;
        }
        match &self.map.policy.table_pool {
            Some(pool) if is_in(pool.phys, name) => true,
            _ => self.windows_use(name),
        }
    }

    /// `leaf-incongruent`: a large region that can use no block.
    const fn leaf_incongruent(&mut self, s: usize, format: &Format) {
        let Some(block) = self.smallest_block(format) else { return };
        if matches!(self.map.policy.leaves, LeafPolicy::PagesOnly) {
            return;
        }
        let layout = self.layout;
        let (mut i, end) = self.extents_of(s);
        while i < end {
            let e = &layout.extents[i];
            if e.size < 2 * block {
                i += 1;
                continue;
            }
            let region = self.region(i);
            let allowed = match region.page_max {
                Some(most) => most as u128 >= block,
                None => true,
            };
            if self.facts[i].counts && e.has_phys && region.page.is_none() && allowed && e.size >= 2 * block {
                let ahead = (e.phys + block - e.virt % block) % block;
                if ahead != 0 {
                    self.report(Rule::LeafIncongruent, &[self.who(i)], &[ahead, block]);
                }
            }
            i += 1;
        }
    }

    /// Bytes of the smallest leaf above a page.
    const fn smallest_block(&self, format: &Format) -> Option<u128> {
        let mut level = 1;
        while level < format.level.len() {
            if format.level[level].shift > 0 && format.has_leaf(level, self.features) {
                return Some(format.level[level].size() as u128);
            }
            level += 1;
        }
        None
    }

    /// `waiver-unused`: a valid waiver that suppressed nothing.
    const fn waiver_unused(&mut self) {
        let mut i = 0;
        while i < self.layout.len {
            let waivers = self.region(i).waivers;
            let mut w = 0;
            while w < waivers.len() {
                let valid = match Rule::named(waivers[w].rule) {
                    Some(rule) => rule.is_waivable() && has_reason(&waivers[w]),
                    None => false,
                };
                if valid && self.waivers_used[i] >> (w % 64) & 1 == 0 {
                    self.report(Rule::WaiverUnused, &[self.who(i)], &[]);
                }
                w += 1;
            }
            i += 1;
        }
    }
}

const fn is_in(phys: Phys<'_>, name: &str) -> bool {
    match phys {
        Phys::In { resource, .. } => same(resource, name),
        Phys::None | Phys::At(_) | Phys::Channel { .. } => false,
    }
}
