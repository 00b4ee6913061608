//! Physical memory that two regions share: rights, types, aliases, stacks, isolation.

use super::catalogue::Rule;
use super::judge::Judge;
use crate::attr::Rights;
use crate::layout::{find_channel, pages, place, shared};
use crate::map::{Kind, Region};
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about pairs of regions with common physical memory.
    pub(super) const fn shared_memory(&mut self) {
        let mut cursor = (0, 0);
        while let Some((a, b)) = self.by_phys.pair(&mut cursor) {
            self.pair(if a < b { a } else { b }, if a < b { b } else { a });
        }
        self.memory_type_table_full();
    }

    const fn pair(&mut self, a: usize, b: usize) {
        let layout = self.layout;
        let (x, y) = (&layout.extents[a], &layout.extents[b]);
        let Some((lo, hi)) = shared((x.p_lo, x.p_hi), (y.p_lo, y.p_hi)) else { return };
        self.wx_alias(a, b, lo, hi);
        self.memory_type_mismatch(a, b, lo, hi);
        if x.space == y.space {
            self.alias_undeclared(a, b, lo, hi);
            return;
        }
        if self.facts[a].domain != self.facts[b].domain && !(self.is_kernels(a) && self.is_kernels(b)) {
            self.stack_shared(a, b, lo, hi);
        }
        if self.facts[a].reach && self.facts[b].reach {
            self.isolation_violated(a, b, lo, hi);
        }
    }

    /// `wx-alias`: nobody writes what somebody executes.
    const fn wx_alias(&mut self, a: usize, b: usize, lo: u128, hi: u128) {
        let (x, y) = (self.facts[a].any, self.facts[b].any);
        if x.contains(Rights::W) && y.contains(Rights::X) {
            self.report(Rule::WxAlias, &[self.who(a), self.who(b)], &[lo, hi - lo]);
        } else if y.contains(Rights::W) && x.contains(Rights::X) {
            self.report(Rule::WxAlias, &[self.who(b), self.who(a)], &[lo, hi - lo]);
        }
    }

    /// `memory-type-mismatch`, byte by byte (DDI 0487 B2.8; SDM 3A 12.12.4; RISC-V Svpbmt).
    const fn memory_type_mismatch(&mut self, a: usize, b: usize, lo: u128, hi: u128) {
        if self.facts[a].memory.is_none() && self.facts[b].memory.is_none() {
            return;
        }
        let layout = self.layout;
        let (x, y) = (&layout.extents[a], &layout.extents[b]);
        let Some(bytes) = shared((x.phys, x.phys + x.size), (y.phys, y.phys + y.size)) else { return };
        let Some((mut at, end)) = shared(bytes, (lo, hi)) else { return };
        let (mut first, mut last) = (0, 0);
        while at < end {
            let segment = self.segment(at, end);
            if let (Some(t), Some(u)) = (self.type_at(a, &segment), self.type_at(b, &segment))
                && !t.is(u)
            {
                if last == 0 {
                    first = segment.lo;
                }
                last = segment.hi;
            }
            at = segment.hi;
        }
        if last > 0 {
            self.report(Rule::MemoryTypeMismatch, &[self.who(a), self.who(b)], &[first, last - first]);
        }
    }

    /// `alias-undeclared`: a second map of a page says so.
    const fn alias_undeclared(&mut self, a: usize, b: usize, lo: u128, hi: u128) {
        let (x, y) = (self.region(a), self.region(b));
        let linear = matches!(x.kind, Kind::Linear) || matches!(y.kind, Kind::Linear);
        let common = match (x.alias_of, y.alias_of) {
            (Some(one), Some(other)) => same(one, other),
            _ => false,
        };
        if !linear && !common && !is_alias_of(x, y) && !is_alias_of(y, x) {
            self.report(Rule::AliasUndeclared, &[self.who(a), self.who(b)], &[lo, hi - lo]);
        }
    }

    /// `stack-shared`: a stack belongs to one domain.
    const fn stack_shared(&mut self, a: usize, b: usize, lo: u128, hi: u128) {
        if matches!(self.region(a).kind, Kind::Stack) && !self.is_kernel_window(b) {
            self.report(Rule::StackShared, &[self.who(a), self.who(b)], &[lo, hi - lo]);
        } else if matches!(self.region(b).kind, Kind::Stack) && !self.is_kernel_window(a) {
            self.report(Rule::StackShared, &[self.who(b), self.who(a)], &[lo, hi - lo]);
        }
    }

    /// Whether the kernel alone has a region, be it in the space of a partition: the stack on which it handles what
    /// interrupts the partition, for one.
    const fn is_kernels(&self, i: usize) -> bool {
        self.facts[i].access.user.is_empty() && self.declared_format(self.layout.extents[i].space as usize).user
    }

    /// `isolation-violated`: isolated spaces share the excepted channels and nothing else.
    const fn isolation_violated(&mut self, a: usize, b: usize, lo: u128, hi: u128) {
        if self.are_isolated(self.space_of(a).name, self.space_of(b).name, lo, hi) {
            self.report(Rule::IsolationViolated, &[self.who(a), self.who(b)], &[lo, hi - lo]);
        }
    }

    /// Whether two spaces must not share `lo..hi`.
    pub(super) const fn are_isolated(&self, s: &str, t: &str, lo: u128, hi: u128) -> bool {
        let map = self.map;
        let mut i = 0;
        while i < map.isolation.len() {
            let isolation = &map.isolation[i];
            let both = names(isolation.spaces, s) && names(isolation.spaces, t) && !same(s, t);
            if both && !self.is_excepted(isolation.except, lo, hi) {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Whether `lo..hi` lies in the pages of one of the channels.
    const fn is_excepted(&self, channels: &[&str], lo: u128, hi: u128) -> bool {
        let mut i = 0;
        while i < channels.len() {
            let at = find_channel(self.map, channels[i]) as usize;
            if at < self.map.channels.len()
                && let Some((first, end)) = self.channel_pages(at)
                && first <= lo
                && hi <= end
            {
                return true;
            }
            i += 1;
        }
        false
    }

    /// The pages that the bytes of a channel lie in.
    pub(super) const fn channel_pages(&self, channel: usize) -> Option<(u128, u128)> {
        let declared = &self.map.channels[channel];
        match place(self.map, declared.phys).0 {
            Some(start) => Some(self.pages(start, declared.size)),
            None => None,
        }
    }

    /// The pages, of the smallest size in the map, that a range of bytes lies in.
    pub(super) const fn pages(&self, start: u128, size: u64) -> (u128, u128) {
        pages(start, size, self.page as u128)
    }

    /// Whether a space takes part in an isolation.
    pub(super) const fn is_isolated(&self, space: &str) -> bool {
        let mut i = 0;
        while i < self.map.isolation.len() {
            if names(self.map.isolation[i].spaces, space) {
                return true;
            }
            i += 1;
        }
        false
    }
}

const fn is_alias_of(alias: &Region<'_>, original: &Region<'_>) -> bool {
    match alias.alias_of {
        Some(name) => same(name, original.name),
        None => false,
    }
}

pub(super) const fn names(list: &[&str], name: &str) -> bool {
    let mut i = 0;
    while i < list.len() {
        if same(list[i], name) {
            return true;
        }
        i += 1;
    }
    false
}
