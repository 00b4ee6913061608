//! What is mapped against what is declared, region by region.

use std::collections::HashMap;

use super::{Kind, Report, Subject};
use crate::decode::Attributes;
use crate::evidence::{Leaves, Region, RegionKind};
use crate::number::Size;
use crate::rights::Rights;
use crate::scheme::{Family, Scheme};
use crate::walk::{Found, Run, sweep};

/// The regions as the document has them: within the address space, apart from each other, and each one made of its leaves.
pub(super) fn document(subject: &Subject<'_>, report: &mut Report) {
    let regions = &subject.space.regions;
    let mut sorted: Vec<&Region> = regions.iter().collect();
    sorted.sort_by_key(|region| (region.virt, region.size));
    for pair in sorted.windows(2) {
        if pair[0].end() > pair[1].virt.0 {
            let text = format!("regions {} and {} overlap", pair[0].name, pair[1].name);
            report.add(Kind::Document, subject.name(), text);
        }
    }
    for region in regions {
        if let Err(why) = cover(region) {
            report.add(Kind::Document, format!("{}, region {}", subject.name(), region.name), why);
        }
    }
}

/// Whether the leaves of a region map all of it to where it is declared to go, and nothing else.
fn cover(region: &Region) -> Result<(), String> {
    if region.is_empty() {
        return if region.leaves.is_empty() { Ok(()) } else { Err("leaves where nothing may be mapped".to_owned()) };
    }
    let Some(phys) = region.phys else { return Err("it maps no physical address".to_owned()) };
    if region.end() > 1 << 64 || phys.0 + region.size.0 > 1 << 64 {
        return Err("it ends behind the end of the address space".to_owned());
    }
    let mut leaves: Vec<&Leaves> = region.leaves.iter().collect();
    leaves.sort_by_key(|leaves| leaves.virt);
    let mut at = region.virt.0;
    for leaves in leaves {
        if leaves.virt.0 != at || leaves.phys.0.wrapping_sub(phys.0) != at - region.virt.0 {
            return Err(format!("its leaves do not map {at:#x} to where it is declared to go"));
        }
        at =
            leaves.size.0.checked_mul(leaves.count.into()).and_then(|bytes| at.checked_add(bytes)).unwrap_or(u128::MAX);
    }
    if at == region.end() {
        Ok(())
    } else {
        Err(format!("its leaves end at {at:#x}, and it ends at {:#x}", region.end()))
    }
}

/// Some bytes that should be mapped.
struct Expected<'a> {
    start: u128,
    end: u128,
    region: &'a Region,
    leaves: &'a Leaves,
}

fn expected(regions: &[Region]) -> Vec<Expected<'_>> {
    let all = regions.iter().flat_map(|region| region.leaves.iter().map(move |leaves| (region, leaves)));
    let mut list: Vec<_> = all
        .filter_map(|(region, leaves)| {
            let bytes = leaves.size.0.checked_mul(leaves.count.into())?;
            let start = leaves.virt.0;
            Some(Expected { start, end: start.checked_add(bytes)?, region, leaves })
        })
        .collect();
    list.sort_by_key(|expected| expected.start);
    list
}

/// A difference over a range.
#[derive(Clone, PartialEq, Eq)]
struct Difference {
    kind: Kind,
    start: u128,
    end: u128,
    /// Physical address of the first entry; `None` if there is none.
    place: Option<u64>,
    region: String,
    text: String,
}

/// Sweeps over both, and reports where they differ.
pub(super) fn check(subject: &Subject<'_>, found: &Found, report: &mut Report) {
    let expected = expected(&subject.space.regions);
    let mut differences = Differences { subject, list: Vec::new() };
    let declared: Vec<_> = expected.iter().map(|piece| (piece.start, piece.end)).collect();
    let mapped: Vec<_> = found.runs.iter().map(|run| (u128::from(run.first.virt), run.end())).collect();
    sweep(&declared, &mapped, |start, end, piece, run| {
        let run = run.map(|index| &found.runs[index]);
        differences.compare(piece.map(|index| &expected[index]), run, start, end);
    });
    for difference in differences.list {
        let bytes = Size(difference.end - difference.start).roughly();
        let place =
            difference.place.map_or_else(|| format!("virtual {:#x}", difference.start), |phys| subject.place(phys));
        let text = format!(
            "{}, {}, {bytes} at {:#x}: {}",
            subject.name(),
            difference.region,
            difference.start,
            difference.text
        );
        report.add(difference.kind, place, text);
    }
}

struct Differences<'a> {
    subject: &'a Subject<'a>,
    list: Vec<Difference>,
}

impl Differences<'_> {
    /// Adds one, as more of the last of its kind if it goes on.
    fn add(&mut self, new: Difference) {
        let same = |old: &&mut Difference| old.kind == new.kind && old.region == new.region && old.text == new.text;
        match self.list.iter_mut().rev().take(8).find(same) {
            Some(old) if old.end == new.start => old.end = new.end,
            _ => self.list.push(new),
        }
    }

    fn compare(&mut self, piece: Option<&Expected<'_>>, run: Option<&Run>, start: u128, end: u128) {
        let subject = self.subject;
        let scheme = &subject.scheme;
        let place = run.map(|run| {
            let index = (start - u128::from(run.first.virt)) / u128::from(run.size);
            // Entries of a run may lie in several tables; those of the first are what a reader wants.
            let left = (scheme.table_bytes() - run.first.place % scheme.table_bytes()) / scheme.entry_bytes();
            run.first.place + (index as u64).min(left - 1) * scheme.entry_bytes()
        });
        let region =
            piece.map_or_else(|| whose(&subject.space.regions, start), |piece| format!("region {}", piece.region.name));
        let mut add =
            |kind, text: String| self.add(Difference { kind, start, end, place, region: region.clone(), text });
        match (piece, run) {
            (Some(_), None) => add(Kind::Missing, "declared, and not mapped".to_owned()),
            (None, Some(run)) => {
                let Attributes { privileged, user, .. } = run.first.attributes;
                add(Kind::Extra, format!("mapped ({privileged}/{user}), and not declared"));
            }
            (Some(piece), Some(run)) => {
                for (kind, text) in differing(subject, piece, run, start) {
                    add(kind, text);
                }
            }
            (None, None) => {}
        }
    }
}

/// What an address that nothing maps belongs to.
fn whose(regions: &[Region], at: u128) -> String {
    for region in regions {
        let below = region.guard_below.map_or(0, |guard| guard.0);
        let above = region.guard_above.map_or(0, |guard| guard.0);
        match region.kind {
            RegionKind::Guard if region.contains(at, 1) => return format!("guard {}", region.name),
            RegionKind::Window if region.contains(at, 1) => return format!("window {}", region.name),
            _ if region.contains(at, 1) => return format!("region {}", region.name),
            _ if at < region.virt.0 && region.virt.0 - at <= below => {
                return format!("the guard below {}", region.name);
            }
            _ if at >= region.end() && at - region.end() < above => return format!("the guard above {}", region.name),
            _ => {}
        }
    }
    "outside of every region".to_owned()
}

/// What differs between bytes that are declared and mapped.
fn differing(subject: &Subject<'_>, piece: &Expected<'_>, run: &Run, start: u128) -> Vec<(Kind, String)> {
    let Expected { region, leaves, .. } = piece;
    let attributes = &run.first.attributes;
    let mut list = Vec::new();
    let phys = u128::from(run.first.phys) + (start - u128::from(run.first.virt));
    let declared = leaves.phys.0 + (start - piece.start);
    if phys != declared {
        list.push((Kind::Address, format!("maps {phys:#x}, and is declared to map {declared:#x}")));
    }
    let (privileged, user) = rights(&subject.scheme, region);
    if (attributes.privileged, attributes.user) != (privileged, user) {
        let text = format!(
            "grants {}/{} (privileged/user), and is declared {privileged}/{user}",
            attributes.privileged, attributes.user
        );
        list.push((Kind::Rights, text));
    }
    let memory = memory(subject, region, leaves);
    if !attributes.memory.is(memory) {
        list.push((Kind::Memory, format!("is {}, and is declared {memory}", attributes.memory)));
    }
    let sizes = (leaves.level, leaves.size.0, leaves.run.map_or(0, |run| run.0));
    let found = (run.first.level, u128::from(run.size), u128::from(attributes.run));
    if sizes != found {
        list.push((Kind::Leaf, format!("has leaves of {}, and is declared to have {}", shape(found), shape(sizes))));
    }
    if attributes.global != region.global {
        let text =
            if region.global { "is not global, and is declared to be" } else { "is global, and is not declared to be" };
        list.push((Kind::Global, text.to_owned()));
    }
    let updates = |feature: &String| matches!(feature.as_str(), "svadu" | "hafdbs");
    if !attributes.accessed && !subject.space.format.features.iter().any(updates) {
        list.push((Kind::Accessed, "faults on access: an accessed or dirty bit is clear".to_owned()));
    }
    list
}

fn shape((level, size, run): (usize, u128, u128)) -> String {
    let runs = if run == 0 { String::new() } else { format!(" in runs of {}", Size(run)) };
    format!("{} (level {level}){runs}", Size(size))
}

/// The declared rights as the tables can say them. Tables of guests have one set; where one bit makes a page the user's
/// (RISC-V, x86), the privileged level reads and writes what the user does, and whether it executes is not said by tables.
fn rights(scheme: &Scheme, region: &Region) -> (Rights, Rights) {
    let any = region.privileged.or(region.user);
    let is_users = scheme.family.has_user_bit() && !region.user.is_empty();
    match () {
        () if scheme.family.is_guest() => (any, any),
        () if is_users => (region.user.data(), region.user),
        () => (region.privileged, region.user),
    }
}

/// The declared memory type as the tables can say it: those of RISC-V say how it differs from what the bus has, but for those
/// of T-Head.
fn memory<'a>(subject: &Subject<'_>, region: &'a Region, leaves: &'a Leaves) -> &'a str {
    let declared = leaves.memory.as_deref().or(region.memory.as_deref());
    let is_override = subject.scheme.family.is_riscv() && subject.scheme.family != Family::Sv39C9xx;
    let asked = if is_override { subject.document.override_at(leaves.phys.0, declared) } else { declared };
    asked.unwrap_or("inherent")
}

/// Each window has all of its last tables, side by side.
pub(super) fn windows(subject: &Subject<'_>, found: &Found, report: &mut Report) {
    let scheme = &subject.scheme;
    if scheme.levels < 2 {
        return;
    }
    let last: HashMap<u128, u64> = found
        .tables
        .iter()
        .filter(|(_, level, _)| *level == 0)
        .map(|(virt, _, phys)| (u128::from(*virt), *phys))
        .collect();
    let step = u128::from(scheme.leaf_bytes(1));
    for region in subject.space.regions.iter().filter(|region| region.kind == RegionKind::Window && region.size.0 != 0)
    {
        let first = region.virt.0 / step;
        let count = (region.end() - 1) / step - first + 1;
        let mut add = |text: String| {
            report.add(Kind::Window, format!("{}, window {}", subject.name(), region.name), text);
        };
        if count > last.len() as u128 {
            add(format!("it needs {count} tables, and the roots reach {} of the last level", last.len()));
            continue;
        }
        let mut before: Option<u64> = None;
        for virt in (first..first + count).map(|index| index * step) {
            let Some(phys) = last.get(&virt) else {
                add(format!("there is no table for {virt:#x}"));
                break;
            };
            if before.is_some_and(|before| before.checked_add(scheme.table_bytes()) != Some(*phys)) {
                add(format!("the table for {virt:#x} at {phys:#x} does not lie behind the one before"));
                break;
            }
            before = Some(*phys);
        }
    }
}

/// Nothing is mapped in the guards beside a region, also not what another region declares.
pub(super) fn guards(subject: &Subject<'_>, found: &Found, report: &mut Report) {
    for region in &subject.space.regions {
        let below = region.guard_below.map(|size| (region.virt.0.saturating_sub(size.0), region.virt.0, "below"));
        let above = region.guard_above.map(|size| (region.end(), region.end().saturating_add(size.0), "above"));
        for (start, end, side) in below.into_iter().chain(above) {
            let inside = |run: &&Run| u128::from(run.first.virt) < end && start < run.end();
            if let Some(run) = found.runs.iter().find(inside) {
                let at = start.max(run.first.virt.into());
                let text = format!("{}, the guard {side} {} is mapped at {at:#x}", subject.name(), region.name);
                report.add(Kind::Extra, subject.place(run.first.place), text);
            }
        }
    }
}
