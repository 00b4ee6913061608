//! Switches from one map to another.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::attr::Rights;
use crate::layout::shared;
use crate::map::{Kind, Transition};

/// Bytes below the top of a live full-descending stack that the next push may write.
const PUSH: u128 = 16;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about switches, each in turn.
    pub(super) const fn transitions(&mut self) {
        let transitions: &'a [Transition<'a>] = self.map.transitions;
        let mut t = 0;
        while t < transitions.len() {
            self.transition(&transitions[t]);
            t += 1;
        }
    }

    const fn transition(&mut self, t: &'a Transition<'a>) {
        let who = Who::named(t.name, t.anchor);
        let Some((to, _)) = self.space_named(t.to) else { return };
        let from = match t.from {
            Some(name) => match self.space_named(name) {
                Some((from, _)) => Some(from),
                None => return,
            },
            None => None,
        };
        if let Some(pc) = t.pc {
            self.switch_pc(who, from, to, pc as u128);
        }
        if let Some(sp) = t.sp
            && sp as u128 >= PUSH
        {
            self.switch_sp(who, from, to, sp as u128 - PUSH);
        }
        if let Some(vectors) = t.vectors {
            self.switch_vectors(who, to, vectors as u128);
        }
        if let Some(from) = from
            && t.in_place
            && !t.bbm
        {
            self.bbm_required(from, to);
        }
    }

    /// `switch-pc-unmapped`, `switch-pc-moves`: the next instruction is fetched through the new map.
    const fn switch_pc(&mut self, who: Who<'a>, from: Option<usize>, to: usize, pc: u128) {
        let Some(new) = self.holder(to, pc) else {
            return self.report(Rule::SwitchPcUnmapped, &[who, self.who_space(to)], &[pc]);
        };
        if !self.facts[new].access.privileged.contains(Rights::X) {
            return self.report(Rule::SwitchPcUnmapped, &[who, self.who(new)], &[pc]);
        }
        let after = self.behind(new, pc);
        let Some(from) = from else {
            if after != pc {
                self.report(Rule::SwitchPcMoves, &[who, self.who(new)], &[pc, after]);
            }
            return;
        };
        let Some(old) = self.holder(from, pc) else {
            return self.report(Rule::SwitchPcUnmapped, &[who, self.who_space(from)], &[pc]);
        };
        let before = self.behind(old, pc);
        if before != after {
            let pages = [self.page_of(before), self.page_of(after)];
            self.report(Rule::SwitchPcMoves, &[who, self.who(old), self.who(new)], &pages);
        }
    }

    /// `switch-sp-unmapped`: what was pushed is still there, and more can be pushed.
    const fn switch_sp(&mut self, who: Who<'a>, from: Option<usize>, to: usize, sp: u128) {
        let Some(new) = self.holder(to, sp) else {
            return self.report(Rule::SwitchSpUnmapped, &[who, self.who_space(to)], &[sp]);
        };
        if !self.facts[new].access.privileged.contains(Rights::W) {
            return self.report(Rule::SwitchSpUnmapped, &[who, self.who(new)], &[sp]);
        }
        if let Some(from) = from
            && let Some(old) = self.holder(from, sp)
            && self.behind(old, sp) != self.behind(new, sp)
        {
            let pages = [self.page_of(self.behind(old, sp)), self.page_of(self.behind(new, sp))];
            self.report(Rule::SwitchSpUnmapped, &[who, self.who(old), self.who(new)], &pages);
        }
    }

    /// `switch-vectors-unmapped`: the next exception finds its vector (DDI 0487 VBAR_ELx; RISC-V privileged, stvec).
    const fn switch_vectors(&mut self, who: Who<'a>, to: usize, vectors: u128) {
        let executable = match self.holder(to, vectors) {
            Some(i) => self.facts[i].access.privileged.contains(Rights::X),
            None => false,
        };
        if !executable {
            self.report(Rule::SwitchVectorsUnmapped, &[who, self.who_space(to)], &[vectors]);
        }
    }

    const fn page_of(&self, address: u128) -> u128 {
        address - address % self.page as u128
    }

    /// `bbm-required` (DDI 0487 D8): a live change of output, type or size first removes the entry.
    const fn bbm_required(&mut self, from: usize, to: usize) {
        let format = self.declared_format(to);
        if !format.break_before_make {
            return;
        }
        let resize = !format.free_resize.is_empty() && self.features.contains(format.free_resize);
        let layout = self.layout;
        let (mut old, end) = self.extents_of(from);
        while old < end {
            let x = &layout.extents[old];
            let (mut p, last) = self.virt_around(to, x.v_lo, x.v_hi);
            while p < last && self.facts[old].counts && x.has_phys {
                let new = self.by_virt.object(p);
                let y = &layout.extents[new];
                if y.space as usize == to
                    && y.has_phys
                    && let Some((lo, hi)) = shared((x.v_lo, x.v_hi), (y.v_lo, y.v_hi))
                    && self.changes(old, new, lo, resize)
                {
                    self.report(Rule::BbmRequired, &[self.who(old), self.who(new)], &[lo, hi - lo]);
                }
                p += 1;
            }
            old += 1;
        }
    }

    /// Whether the same address changes its output, its type or, where that is not free, its leaves.
    const fn changes(&self, old: usize, new: usize, at: u128, resize: bool) -> bool {
        let (x, y) = (self.region(old), self.region(new));
        let retyped = match (self.first_type(old), self.first_type(new)) {
            (Some(a), Some(b)) => !a.is(b),
            (None, None) => false,
            _ => true,
        };
        let resized = !is_same(x.page, y.page) || !is_same(x.contiguous, y.contiguous);
        let guard = matches!(x.kind, Kind::Guard) || matches!(y.kind, Kind::Guard);
        !guard && (self.behind(old, at) != self.behind(new, at) || retyped || (resized && !resize))
    }
}

const fn is_same(a: Option<u64>, b: Option<u64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (None, None) => true,
        _ => false,
    }
}
