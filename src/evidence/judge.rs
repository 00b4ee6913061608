//! The rules, run over a map of any size.
//!
//! Layout and judge have room for a number of regions that is fixed when they are compiled. Three sizes serve all maps; the
//! first one that holds all regions and all findings counts.

use std::borrow::ToOwned as _;
use std::string::{String, ToString as _};
use std::thread;
use std::vec::Vec;

use super::document::{Rule as Row, Waiver};
use super::{Error, Verdict};
use crate::layout::{Extent, Layout, count_regions, format_of};
use crate::map::{self, Map, Region, Space};
use crate::plan::{Step, Steps};
use crate::rule::{Basis, Class, Finding, Findings, Rule, check};

/// Most regions that indices of 16 bits name.
pub(super) const MOST_REGIONS: usize = 65_535;
/// Most findings of a kind that are kept.
pub(super) const MOST_FINDINGS: usize = 8192;

/// What was found.
struct Found {
    rule: Rule,
    text: String,
    /// Owner and name.
    culprits: Vec<(String, String)>,
}

impl Found {
    fn of(finding: &Finding<'_>) -> Self {
        let culprits = finding.culprits[..finding.culprit_count].iter();
        Self {
            rule: finding.rule,
            text: finding.to_string(),
            culprits: culprits.map(|culprit| (culprit.owner.to_owned(), culprit.name.to_owned())).collect(),
        }
    }
}

/// A map with everything that rules and planner say about it.
pub(super) struct Judged {
    /// Where its regions lie, in the order of declaration, space by space.
    extents: Vec<Extent>,
    /// The plan of each space; none where a rule is broken.
    plans: Option<Vec<Vec<Step>>>,
    errors: Vec<Found>,
    warnings: Vec<Found>,
    waived: Vec<Found>,
    /// Space, index of the region, index of the waiver.
    used: Vec<(usize, usize, usize)>,
}

/// The judge with room for a number of regions, and how many findings it has if they are too many.
type Size = fn(&Map<'_>) -> Result<Judged, usize>;

impl Judged {
    pub(super) fn of(map: &Map<'_>) -> Result<Self, Error> {
        let regions = count_regions(map);
        let sizes: [(usize, usize, Size); 3] = [
            (128, 1 << 24, judge::<128, 64>),
            (4096, 1 << 28, judge::<4096, 1024>),
            (MOST_REGIONS, 1 << 30, judge::<MOST_REGIONS, MOST_FINDINGS>),
        ];
        let mut error = Error::TooManyRegions { regions };
        for (most, stack, judge) in sizes {
            if regions > most {
                continue;
            }
            match in_thread(stack, || judge(map))? {
                Ok(judged) => return Ok(judged),
                Err(findings) => error = Error::TooManyFindings { findings },
            }
        }
        Err(error)
    }

    /// Where the regions of a space lie.
    pub(super) fn extents(&self, space: usize) -> impl Iterator<Item = &Extent> {
        self.extents.iter().filter(move |extent| usize::from(extent.space) == space)
    }

    /// The plan of a space, unless a rule is broken.
    pub(super) fn plan(&self, space: usize) -> Option<&[Step]> {
        self.plans.as_ref().map(|plans| plans[space].as_slice())
    }

    pub(super) fn verdict(&self) -> Verdict {
        let worst = Rule::ALL.iter().map(|rule| self.verdict_of(*rule));
        worst.max().unwrap_or(Verdict::Kept)
    }

    fn verdict_of(&self, rule: Rule) -> Verdict {
        let has = |list: &[Found]| list.iter().any(|found| found.rule == rule);
        match (has(&self.errors), has(&self.waived), has(&self.warnings)) {
            (true, ..) => Verdict::Violated,
            (_, true, _) => Verdict::Waived,
            (.., true) => Verdict::Warned,
            _ => Verdict::Kept,
        }
    }

    /// Every rule, and how the map keeps it.
    pub(super) fn rules(&self) -> Vec<Row> {
        let row = |rule: &Rule| {
            let (info, verdict) = (rule.info(), self.verdict_of(*rule));
            let list = match verdict {
                Verdict::Kept => &[][..],
                Verdict::Warned => &self.warnings,
                Verdict::Waived => &self.waived,
                Verdict::Violated => &self.errors,
            };
            Row {
                id: info.id,
                statement: info.statement,
                basis: match info.basis {
                    Basis::Architecture => "architecture",
                    Basis::Declaration => "declaration",
                    Basis::Policy => "policy",
                },
                class: match info.class {
                    Class::Hard => "hard-error",
                    Class::Waivable => "waivable-error",
                    Class::Warning => "warning",
                },
                reference: info.reference,
                verdict: verdict.name(),
                findings: list.iter().filter(|found| found.rule == *rule).map(|found| found.text.clone()).collect(),
            }
        };
        Rule::ALL.iter().map(row).collect()
    }

    /// Every waiver, and whether it suppresses something.
    pub(super) fn waivers(&self, map: &Map<'_>) -> Vec<Waiver> {
        let mut list = Vec::new();
        for (s, space) in map.spaces.iter().enumerate() {
            for (r, region) in space.regions.iter().enumerate() {
                list.extend(region.waivers.iter().enumerate().map(|(w, waiver)| Waiver {
                    region: std::format!("{}.{}", space.name, region.name),
                    rule: Rule::named(waiver.rule).map_or_else(|| waiver.rule.into(), |rule| rule.id().into()),
                    reason: waiver.reason.into(),
                    used: self.used.contains(&(s, r, w)),
                }));
            }
        }
        list
    }
}

/// Everything is by value on the stack, which is too much for a thread of the usual size.
fn in_thread<T: Send>(stack: usize, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(stack).spawn_scoped(scope, work).map_err(Error::Thread)?;
        spawned.join().map_err(|panic| std::panic::resume_unwind(panic))
    })
}

/// A map of `R` regions at most; the number of findings, if there are more than `N` of a kind.
fn judge<const R: usize, const N: usize>(map: &Map<'_>) -> Result<Judged, usize> {
    let layout = Layout::<R>::of(map);
    let (errors, warnings) = found(&check::<R, N>(map, &layout))?;
    let waived = waived::<R, N>(map, &errors, &warnings)?;
    let plans = errors.is_empty().then(|| (0..map.spaces.len()).map(|space| plan(map, &layout, space)).collect());
    let used = waived.iter().filter_map(|found| used(map, found)).collect();
    Ok(Judged { extents: layout.extents[..layout.len].to_vec(), plans, errors, warnings, waived, used })
}

fn found<const N: usize>(findings: &(Findings<'_, N>, Findings<'_, N>)) -> Result<(Vec<Found>, Vec<Found>), usize> {
    let list = |findings: &Findings<'_, N>| match findings.total {
        total if total > N => Err(total),
        _ => Ok(findings.as_slice().iter().map(Found::of).collect()),
    };
    Ok((list(&findings.0)?, list(&findings.1)?))
}

/// What is found in addition if nobody waives anything.
fn waived<'m, const R: usize, const N: usize>(
    map: &Map<'m>,
    errors: &[Found],
    warnings: &[Found],
) -> Result<Vec<Found>, usize> {
    let strict = |space: &Space<'m>| -> Vec<Region<'m>> {
        space.regions.iter().map(|region| Region { waivers: &[], ..*region }).collect()
    };
    let regions: Vec<Vec<_>> = map.spaces.iter().map(strict).collect();
    if map.spaces.iter().all(|space| space.regions.iter().all(|region| region.waivers.is_empty())) {
        return Ok(Vec::new());
    }
    let spaces: Vec<_> = map.spaces.iter().zip(&regions).map(|(space, regions)| Space { regions, ..*space }).collect();
    let map = Map { spaces: &spaces, ..*map };
    let (strict_errors, strict_warnings) = found(&check::<R, N>(&map, &Layout::<R>::of(&map)))?;
    let is_new = |found: &Found| errors.iter().chain(warnings).all(|known| known.text != found.text);
    Ok(strict_errors.into_iter().chain(strict_warnings).filter(is_new).collect())
}

/// The waiver that suppresses a finding: that of the first culprit that has one.
fn used(map: &Map<'_>, found: &Found) -> Option<(usize, usize, usize)> {
    found.culprits.iter().find_map(|(owner, name)| {
        let s = map.spaces.iter().position(|space| space.name == *owner)?;
        let r = map.spaces[s].regions.iter().position(|region| region.name == *name)?;
        let waives =
            |waiver: &map::Waiver<'_>| Rule::named(waiver.rule) == Some(found.rule) && !waiver.reason.trim().is_empty();
        map.spaces[s].regions[r].waivers.iter().position(waives).map(|w| (s, r, w))
    })
}

/// The runs of leaves of a space of a sound map.
fn plan<const R: usize>(map: &Map<'_>, layout: &Layout<R>, space: usize) -> Vec<Step> {
    let format = format_of(map, &map.spaces[space]);
    let mut steps = Steps::new(map, layout, space, &format);
    std::iter::from_fn(|| steps.step()).collect()
}
