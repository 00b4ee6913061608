//! Transitions, classified: which registers differ, what must be invalidated, and whether live entries are broken first.

use std::string::String;
use std::vec::Vec;

use super::document::Transition;
use super::hex::Hex;
use super::judge::Judged;
use super::spaces::registers;
use crate::arch::evidence::Register;
use crate::format::{Format, View};
use crate::layout::{features, format_of};
use crate::map::{self, Map};
use crate::plan::Step;

pub(super) fn of(map: &Map<'_>, judged: &Judged) -> Vec<Transition> {
    map.transitions.iter().map(|transition| one(map, judged, transition)).collect()
}

fn one(map: &Map<'_>, judged: &Judged, transition: &map::Transition<'_>) -> Transition {
    let index = |name| map.spaces.iter().position(|space| space.name == name);
    let to = index(transition.to);
    let from = transition.from.and_then(index);
    let pair = from.zip(to).map(|(from, to)| Pair::of(map, judged, (from, to), transition.in_place));
    let registers = match &pair {
        Some(pair) => pair.registers(),
        None => {
            to.map_or_else(Vec::new, |to| registers(map, judged, to).iter().map(|register| register.name).collect())
        }
    };
    Transition {
        name: transition.name.into(),
        from: transition.from.map(String::from),
        to: transition.to.into(),
        in_place: transition.in_place,
        registers,
        flush: pair.as_ref().map_or(Flush::All, Pair::flush).name(),
        break_before_make: pair.is_some_and(|pair| pair.is_broken_first()),
        pc: transition.pc.map(Hex::from),
        sp: transition.sp.map(Hex::from),
        vectors: transition.vectors.map(Hex::from),
    }
}

/// What is invalidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    None,
    AddressSpace,
    All,
}

impl Flush {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AddressSpace => "address-space",
            Self::All => "all",
        }
    }
}

/// The map before and the map after.
struct Pair {
    format: Format,
    registers: [Vec<Register>; 2],
    /// ASID, VMID or PCID.
    identifiers: [Option<u32>; 2],
    /// What of the old translations does not hold any more; `None` where a rule is broken, and nobody knows.
    changes: Option<Changes>,
    in_place: bool,
}

impl Pair {
    fn of(map: &Map<'_>, judged: &Judged, (from, to): (usize, usize), in_place: bool) -> Self {
        let [old, format] = [from, to].map(|space| format_of(map, &map.spaces[space]));
        let is_resize_free = !format.free_resize.is_empty() && features(map).contains(format.free_resize);
        let plans = judged.plan(from).zip(judged.plan(to)).filter(|_| old.name == format.name);
        Self {
            registers: [from, to].map(|space| registers(map, judged, space)),
            identifiers: [from, to].map(|space| map.spaces[space].asid),
            changes: plans.map(|(old, new)| Changes::of(&format, old, new, is_resize_free)),
            in_place,
            format,
        }
    }

    /// Those that the new map writes and that differ. Roots differ, unless the one root is edited.
    fn registers(&self) -> Vec<&'static str> {
        let [old, new] = &self.registers;
        let differs = |register: &&Register| {
            let before = old.iter().find(|before| before.name == register.name);
            let other_root = !self.in_place && (register.is_root || before.is_some_and(|before| before.is_root));
            // Bits that the new map leaves alone may be anything.
            let is_same = |before: &Register| {
                before.mask & register.mask == register.mask && (before.value ^ register.value) & register.mask == 0
            };
            other_root || !(before.is_some_and(is_same) || self.in_place && register.is_root)
        };
        new.iter().filter(differs).map(|register| register.name).collect()
    }

    /// What must be invalidated: everything, if registers that say how tables are read differ, or if translations that are
    /// valid in every address space do not hold any more.
    fn flush(&self) -> Flush {
        let Some(changes) = self.changes else { return Flush::All };
        let is_root =
            |name: &str| self.registers.iter().flatten().any(|register| register.name == name && register.is_root);
        if changes.global || self.registers().iter().any(|name| !is_root(name)) {
            return Flush::All;
        }
        let others = match self.identifiers {
            _ if self.in_place => changes.local,
            // Entries of the other identifier are not used.
            [Some(old), Some(new)] => old == new,
            _ => true,
        };
        match (others, self.format.asid_bits.0) {
            (false, _) => Flush::None,
            (true, 0) => Flush::All,
            (true, _) => Flush::AddressSpace,
        }
    }

    /// Whether live entries have to be removed, and the removal be seen by all, before others take their place.
    fn is_broken_first(&self) -> bool {
        self.in_place && self.format.break_before_make && self.changes.is_none_or(|changes| changes.rewrites)
    }
}

/// What of the old translations does not hold any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Changes {
    /// Translations of one address space.
    local: bool,
    /// Translations that are valid in every address space.
    global: bool,
    /// A valid entry gets another output address, type, size or scope without being absent in between.
    rewrites: bool,
}

impl Changes {
    /// Both plans ascend, so that one pass over both finds all pairs of runs that meet.
    fn of(format: &Format, old: &[Step], new: &[Step], is_resize_free: bool) -> Self {
        let mut changes = Self::default();
        let mut first = 0;
        for step in old.iter().filter(|step| step.flags != 0) {
            let (lo, hi) = bytes(format, step);
            while new.get(first).is_some_and(|new| bytes(format, new).1 <= lo) {
                first += 1;
            }
            let mut kept = 0;
            for other in new[first..].iter().take_while(|new| bytes(format, new).0 < hi) {
                let (from, to) = bytes(format, other);
                let (from, to) = (from.max(lo), to.min(hi));
                if other.flags == 0 || from >= to {
                    continue;
                }
                if is_same(format, step, other, from) {
                    kept += to - from;
                } else {
                    changes.rewrites |= is_rewrite(format, step, other, from, is_resize_free);
                }
            }
            if kept < hi - lo {
                *(if is_global(format, step) { &mut changes.global } else { &mut changes.local }) = true;
            }
        }
        changes
    }
}

/// First address and end of a run.
fn bytes(format: &Format, step: &Step) -> (u128, u128) {
    let size = u128::from(step.count) << format.level[step.level].shift;
    (step.virt.into(), u128::from(step.virt) + size)
}

/// The output of a run at an address.
fn output(step: &Step, at: u128) -> u128 {
    u128::from(step.phys) + (at - u128::from(step.virt))
}

fn is_same(format: &Format, a: &Step, b: &Step, at: u128) -> bool {
    let is_equal = a.level == b.level && a.flags == b.flags && a.fold == b.fold;
    is_equal && output(a, at) == output(b, at) && format.level[a.level].shift == format.level[b.level].shift
}

fn is_global(format: &Format, step: &Step) -> bool {
    matches!(format.view(step.level, step.flags), View::Leaf(leaf) if leaf.global) && format.asid_bits.0 != 0
}

/// DDI 0487 D8 "Using break-before-make": another output, type or shareability, size, or scope. Rights alone may change.
fn is_rewrite(format: &Format, a: &Step, b: &Step, at: u128, is_resize_free: bool) -> bool {
    let (View::Leaf(x), View::Leaf(y)) = (format.view(a.level, a.flags), format.view(b.level, b.flags)) else {
        return true;
    };
    let is_resized = a.level != b.level || x.run != y.run;
    output(a, at) != output(b, at) || x.memory != y.memory || x.global != y.global || is_resized && !is_resize_free
}
