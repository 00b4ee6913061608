//! What the declaration proves: isolation, requirements, rules, and what was waived.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{many, section, spaces, table, verdict};
use crate::evidence::{Common, DmaTheorem, Theorem};
use crate::number::Size;
use crate::report::model::{Page, RegionView, SpaceView, range, shown};

/// Columns of the theorems.
pub(super) const THEOREMS: [&str; 4] = ["spaces", "verdict", "pages each reaches", "what both reach"];
/// Columns of the theorems about DMA masters.
pub(super) const MASTERS: [&str; 4] = ["master and other", "verdict", "pages each reaches", "what both reach"];
/// Columns of the requirements.
pub(super) const REQUIREMENTS: [&str; 4] = ["requirement", "region", "addresses and rights", "entries"];
/// Columns of the rules.
pub(super) const RULES: [&str; 5] = ["rule", "verdict", "statement", "class", "reference"];
/// Columns of the waivers.
pub(super) const WAIVERS: [&str; 4] = ["region", "rule", "reason", "needed"];

/// Pairs of spaces that share nothing but channels.
pub(super) fn isolation(page: &Page<'_>) -> Markup {
    let theorems = &page.evidence.map.isolation;
    let masters = &page.evidence.map.dma_isolation;
    let rows = html! { @for theorem in theorems { (pair(theorem)) } };
    let master_rows = html! { @for theorem in masters { (master(theorem)) } };
    let content = html! {
        @if theorems.is_empty() { p.dim { "No isolation is claimed." } } @else {
            p.dim { "Theorem: no frame is reached by both spaces of a pair, except the channels listed with it." }
            (table("theorems", &THEOREMS, rows))
        }
        @if !masters.is_empty() {
            h3 { "DMA masters" }
            p.dim { "Theorem: no frame is reached by a master and by what its owner is isolated from, except the channels \
                listed with it." }
            (table("masters", &MASTERS, master_rows))
        }
    };
    section("isolation", "Isolation", content)
}

fn pair(theorem: &Theorem) -> Markup {
    html! { tr {
        th scope="row" { (shown(&theorem.a)) " ∥ " (shown(&theorem.b)) }
        td { (verdict(&theorem.verdict)) }
        td { (shown(&theorem.a)) " " (theorem.frames_a) ", " (shown(&theorem.b)) " " (theorem.frames_b) }
        td { (in_common(&theorem.common)) }
    } }
}

fn master(theorem: &DmaTheorem) -> Markup {
    let other = theorem.other_device.as_ref().or(theorem.space.as_ref()).map(|name| shown(name)).unwrap_or_default();
    html! { tr {
        th scope="row" {
            (shown(&theorem.device)) " of " (shown(&theorem.owner)) " ∥ "
            @if theorem.other_device.is_some() { "master " }
            (other)
        }
        td { (verdict(&theorem.verdict)) }
        td { (shown(&theorem.device)) " " (theorem.frames) ", " (other) " " (theorem.frames_other) }
        td { (in_common(&theorem.common)) }
    } }
}

fn in_common(common: &[Common]) -> Markup {
    html! { @if common.is_empty() { "nothing" } @else { ul { @for common in common { li {
        @match &common.channel {
            Some(channel) => { "channel " (shown(channel)) },
            None => b.bad { "no channel" },
        }
        ": " code { (range(common.start.0, common.start.0.saturating_add(common.size.0))) }
        ", " (Size(common.size.0))
    } } } } }
}

/// Which regions and entries a requirement has.
pub(super) fn requirements(page: &Page<'_>) -> Markup {
    let mut matrix: BTreeMap<&str, Vec<(&SpaceView<'_>, &RegionView<'_>)>> = BTreeMap::new();
    let mut without = 0;
    for view in &page.spaces {
        for region in &view.regions {
            without += usize::from(region.region.requirements.is_empty());
            for id in &region.region.requirements {
                matrix.entry(id).or_default().push((view, region));
            }
        }
    }
    let rows = html! { @for (id, regions) in &matrix { @for (view, region) in regions { tr {
        th scope="row" { (shown(id)) }
        td { a href={ "#" (region.id) } { (shown(&view.space.name)) "." (shown(&region.region.name)) } }
        td { span.mono { (region.range()) } br; (region.rights()) " "
            (region.region.memory.as_deref().map(shown).unwrap_or_default()) }
        td { @if region.region.leaves.is_empty() { "none" } @else {
            ul { @for leaves in &region.region.leaves { (spaces::leaf(view.space, leaves)) } }
        } }
    } } } };
    let content = html! {
        @if matrix.is_empty() { p.dim { "No region names a requirement." } } @else {
            (table("requirements", &REQUIREMENTS, rows))
            @if without > 0 { p.dim { (without) " of " (page.region_count()) " regions name none." } }
        }
    };
    section("requirements", "Requirements", content)
}

/// Every rule that was applied.
pub(super) fn rules(page: &Page<'_>) -> Markup {
    let mut rules: Vec<_> = page.evidence.more.rules.iter().collect();
    let rank = |verdict: &str| ["violated", "warned", "waived"].iter().position(|known| *known == verdict).unwrap_or(3);
    rules.sort_by_key(|rule| rank(&rule.verdict));
    let rows = html! { @for rule in &rules { tr {
        th.mono scope="row" { (shown(&rule.id)) }
        td { (verdict(&rule.verdict)) }
        td { (shown(&rule.statement)) @if !rule.findings.is_empty() {
            ul { @for finding in &rule.findings { li { (shown(finding)) } } }
        } }
        td { (shown(&rule.class)) br; small { (shown(&rule.basis)) } }
        td { small { (shown(&rule.reference)) } }
    } } };
    let content = html! {
        p.dim { (rules.len()) " " (many(rules.len(), "rule")) " applied; those that did not simply hold come first." }
        (table("rules", &RULES, rows))
    };
    section("rules", "Rules", content)
}

/// Exceptions, each with its reason.
pub(super) fn waivers(page: &Page<'_>) -> Markup {
    let waivers = &page.evidence.more.waivers;
    let link = |name: &str| {
        let id = name.split_once('.').and_then(|(space, region)| page.find(space, region));
        html! { @match id { Some(id) => a href={ "#" (id) } { (shown(name)) }, None => (shown(name)) } }
    };
    let rows = html! { @for waiver in waivers { tr {
        th scope="row" { (link(&waiver.region)) }
        td.mono { (shown(&waiver.rule)) }
        td { (shown(&waiver.reason)) }
        td { (if waiver.used { "yes" } else { "no: nothing breaks the rule" }) }
    } } };
    let content = html! {
        @if waivers.is_empty() { p.dim { "Nothing is waived." } } @else { (table("waivers", &WAIVERS, rows)) }
    };
    section("waivers", "Waivers", content)
}
