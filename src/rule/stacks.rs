//! Stacks and their guards.

use super::catalogue::Rule;
use super::judge::Judge;
use crate::attr::Rights;
use crate::layout::shared;
use crate::layout::{Extent, NOWHERE, TOP};
use crate::map::{Kind, Region};
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// `stack-not-plain-ram`, `stack-too-small`, `stack-without-guard`.
    pub(super) const fn stack(&mut self, i: usize, region: &Region<'_>, e: &Extent) {
        if !matches!(region.kind, Kind::Stack) {
            return;
        }
        self.guard_wrap(i, region, e);
        if !self.facts[i].any.is(Rights::RW) && region.bad_rights.is_empty() {
            self.report(Rule::StackNotPlainRam, &[self.who(i)], &[]);
        }
        if let Some(worst) = region.worst_case
            && worst as u128 > e.size
        {
            self.report(Rule::StackTooSmall, &[self.who(i)], &[worst as u128, e.size]);
        }
        if self.map.policy.stack_guards && !self.is_guarded(i, region, e) {
            self.report(Rule::StackWithoutGuard, &[self.who(i)], &[e.virt]);
        }
    }

    /// Whether a guard lies where the stack grows to: an implied one, or one that names the stack and touches it.
    const fn is_guarded(&self, i: usize, region: &Region<'_>, e: &Extent) -> bool {
        let implied = if region.grows_up { region.guard_above } else { region.guard_below };
        if implied > 0 {
            return true;
        }
        let (mut g, end) = self.extents_of(e.space as usize);
        while g < end {
            let (guard, at) = (self.region(g), &self.layout.extents[g]);
            if matches!(guard.kind, Kind::Guard)
                && g != i
                && let Some(stack) = guard.guards
                && same(stack, region.name)
            {
                let touches = if region.grows_up { at.virt == e.virt + e.size } else { at.virt + at.size == e.virt };
                if touches {
                    return true;
                }
            }
            g += 1;
        }
        false
    }

    /// The rules about guards of a space: `guard-overlap`, `guard-inside-leaf`, `guard-not-adjacent`.
    pub(super) const fn guards(&mut self, s: usize) {
        let (mut i, end) = self.extents_of(s);
        let layout = self.layout;
        while i < end {
            if !self.facts[i].guards {
                i += 1;
                continue;
            }
            let (region, e) = (self.region(i), &layout.extents[i]);
            if matches!(region.kind, Kind::Guard) {
                self.guard_not_adjacent(i, s, region, e);
                if !e.bad {
                    self.guard_range(i, s, e.v_lo, e.v_hi);
                }
            } else if matches!(region.kind, Kind::Stack) && !e.bad {
                let (below, above) = (region.guard_below as u128, region.guard_above as u128);
                if below > 0 && e.virt >= below {
                    self.guard_range(i, s, e.virt - below, e.virt);
                }
                if above > 0 && e.virt + e.size + above <= TOP {
                    self.guard_range(i, s, e.virt + e.size, e.virt + e.size + above);
                }
            }
            i += 1;
        }
    }

    /// `guard-overlap`, `guard-inside-leaf`: nothing but the region it is cut from meets the guard.
    const fn guard_range(&mut self, guard: usize, s: usize, lo: u128, hi: u128) {
        let layout = self.layout;
        if let Some(own) = self.self_map(s)
            && let Some((from, to)) = shared((lo, hi), own)
        {
            self.report(Rule::GuardOverlap, &[self.who_self_map(s), self.who(guard)], &[from, to - from]);
        }
        let (mut p, end) = self.virt_around(s, lo, hi);
        while p < end {
            let i = self.by_virt.object(p);
            let e = &layout.extents[i];
            p += 1;
            if i == guard || e.space as usize != s {
                continue;
            }
            let Some((from, to)) = shared((lo, hi), (e.v_lo, e.v_hi)) else { continue };
            let whole = from == lo && to == hi;
            match self.region(guard).inside {
                Some(inside) if whole && same(inside, self.region(i).name) => self.guard_inside_leaf(guard, i, lo, hi),
                _ => self.report(Rule::GuardOverlap, &[self.who(i), self.who(guard)], &[from, to - from]),
            }
        }
    }

    /// `guard-inside-leaf`: a leaf is present or not, and so is a run of them; there is no half of one.
    const fn guard_inside_leaf(&mut self, guard: usize, i: usize, lo: u128, hi: u128) {
        let start = self.layout.extents[i].virt;
        let units = [self.region(i).page, self.region(i).contiguous];
        let mut k = 0;
        while k < units.len() {
            if let Some(unit) = units[k]
                && unit > 0
                && ((lo + TOP - start) % unit as u128 != 0 || (hi + TOP - start) % unit as u128 != 0)
            {
                return self.report(Rule::GuardInsideLeaf, &[self.who(guard), self.who(i)], &[lo, unit as u128]);
            }
            k += 1;
        }
    }

    /// `guard-not-adjacent`: the guard ends where its stack starts, or starts where it ends.
    const fn guard_not_adjacent(&mut self, i: usize, s: usize, region: &Region<'_>, e: &Extent) {
        let Some(name) = region.guards else { return };
        let stack = self.find(s, name);
        if stack == NOWHERE {
            return;
        }
        let at = &self.layout.extents[stack as usize];
        if e.has_virt && at.has_virt && e.virt + e.size != at.virt && e.virt != at.virt + at.size {
            let who = [self.who(i), self.who(stack as usize)];
            self.report(Rule::GuardNotAdjacent, &who, &[e.virt + e.size, at.virt]);
        }
    }
}
