//! The page: all that is to be read is in the HTML; scripts add zoom, search and the choice of a theme.
//!
//! It loads nothing: style and script are inside, and a policy forbids everything else. The script is allowed by its hash,
//! so nothing that a document says would run even if it were not escaped.

mod memory;
mod proofs;
mod spaces;
mod style;
mod tables;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::model::{Page, range, shown};
use super::palette::Class;
use crate::evidence::Tables;
use crate::number::Size;

/// In this order.
const SCRIPT: &str = concat!(
    include_str!("../assets/picture.js"),
    include_str!("../assets/draw.js"),
    include_str!("../assets/search.js"),
    include_str!("../assets/page.js"),
);

/// The page.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let name = shown(page.evidence.name());
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (name) " · memory map" }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                (top(page, &name))
                main {
                    (summary(page))
                    (spaces::sections(page))
                    (memory::physical(page))
                    (memory::resources(page))
                    (memory::channels(page))
                    (memory::devices(page))
                    (proofs::isolation(page))
                    (proofs::requirements(page))
                    (proofs::rules(page))
                    (proofs::waivers(page))
                    (tables::transitions(page))
                    (tables::tables(page))
                    (tables::registers(page))
                    (versions(page))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// What stays in view.
fn top(page: &Page<'_>, name: &str) -> Markup {
    html! {
        header.top {
            h1 { (name) " " (verdict(page.evidence.map.verdict.as_deref().unwrap_or("unknown"))) }
            div.find role="search" hidden {
                input #find type="search" autocomplete="off" spellcheck="false"
                    placeholder="Address in hex, region, requirement, rule  ( / )"
                    aria-label="Search" aria-controls="found";
                button #theme type="button" title="Theme: as the system has it, light, dark" { "◐" }
            }
            div #found role="status" aria-live="polite" hidden {}
            nav aria-label="Sections" {
                @for (id, title) in SECTIONS {
                    @if id != "devices" || !page.evidence.more.devices.is_empty() { a href={ "#" (id) } { (title) } }
                }
            }
        }
    }
}

const SECTIONS: [(&str, &str); 13] = [
    ("spaces", "Spaces"),
    ("physical", "Physical view"),
    ("resources", "Resources"),
    ("channels", "Channels"),
    ("devices", "DMA masters"),
    ("isolation", "Isolation"),
    ("requirements", "Requirements"),
    ("rules", "Rules"),
    ("waivers", "Waivers"),
    ("transitions", "Transitions"),
    ("tables", "Tables"),
    ("registers", "Registers"),
    ("versions", "Versions"),
];

/// A verdict that one sees.
fn verdict(word: &str) -> Markup {
    let class = match word {
        "held" | "proven" => "good",
        "violated" => "bad",
        _ => "mind",
    };
    html! { span class={ "verdict " (class) } { (shown(word)) } }
}

/// The page in numbers.
fn summary(page: &Page<'_>) -> Markup {
    let map = &page.evidence.map;
    let more = &page.evidence.more;
    let sum =
        |part: fn(&Tables) -> u64| map.spaces.iter().map(|space| part(&space.tables)).fold(0, u64::saturating_add);
    let held = more.rules.iter().filter(|rule| rule.verdict == "held").count();
    let verdicts = || {
        let masters = map.dma_isolation.iter().map(|theorem| &theorem.verdict);
        map.isolation.iter().map(|theorem| &theorem.verdict).chain(masters)
    };
    let (proven, pairs) = (verdicts().filter(|verdict| *verdict == "proven").count(), verdicts().count());
    let both = page.physical.iter().filter(|row| row.class(page.evidence) == Class::WriteExecute).count();
    html! {
        p.lead { (shown(&more.format.name)) " · physical addresses of " (map.cpu.pa_bits) " bits"
            @if !map.cpu.features.is_empty() { " · " (shown(&map.cpu.features.join(", "))) } }
        ul.facts {
            (fact("spaces", true, &format!("{} {}", page.spaces.len(), many(page.spaces.len(), "space")),
                &format!("{} {}", page.region_count(), many(page.region_count(), "region"))))
            (fact("tables", true, &format!("{} tables", sum(|tables| tables.count)),
                &Size(sum(|tables| tables.bytes).into()).to_string()))
            (fact("rules", held == more.rules.len(), &format!("{held} of {}", more.rules.len()), "rules held"))
            (fact("waivers", more.waivers.is_empty(), &more.waivers.len().to_string(),
                many(more.waivers.len(), "waiver")))
            @if pairs == 0 { (fact("isolation", true, "no isolation", "claimed")) } @else {
                (fact("isolation", proven == pairs, &format!("{proven} of {pairs}"),
                    "isolated pairs proven"))
            }
            (fact("physical", both == 0, &both.to_string(), "ranges of frames writable and executable"))
        }
    }
}

/// A number that leads to its section.
fn fact(section: &str, is_well: bool, number: &str, what: &str) -> Markup {
    html! { li.mind[!is_well] { a href={ "#" (section) } { b { (number) } " " (what) } } }
}

/// A word for one or several.
fn many(count: usize, word: &'static str) -> &'static str {
    match (count, word) {
        (1, _) => word,
        (_, "space") => "spaces",
        (_, "region") => "regions",
        (_, "rule") => "rules",
        (_, "section") => "sections",
        _ => "waivers",
    }
}

/// A section with its heading.
fn section(id: &str, title: &str, content: Markup) -> Markup {
    html! { section id=(id) { h2 { a href={ "#" (id) } { (title) } } (content) } }
}

/// A table; on a narrow screen its rows are cards, with the headings in the cells.
///
/// It is laid out when it comes into sight; until then its number of rows says about how high it is.
fn table(class: &str, headings: &[&str], rows: Markup) -> Markup {
    let count = rows.0.matches("<tr").count();
    html! {
        div.wide style={ "--rows:" (count) } { table class={ "find-in " (class) } {
            thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
            tbody { (rows) }
        } }
    }
}

/// Who made this, and from what.
fn versions(page: &Page<'_>) -> Markup {
    let generator = &page.evidence.more.generator;
    let policy = &page.evidence.more.policy;
    let asked = |asked: bool| if asked { "yes" } else { "no" };
    section(
        "versions",
        "Versions and policy",
        html! { dl.pairs {
            dt { "tablature" } dd { (shown(&generator.tablature)) }
            dt { "rustc" } dd { (shown(&generator.rustc)) }
            dt { "declared in" } dd { (shown(&generator.package.name)) " " (shown(&generator.package.version)) }
            dt { "evidence" } dd { (shown(&page.evidence.map.schema)) }
            dt { "page" } dd { "cargo-tablature " (env!("CARGO_PKG_VERSION")) }
            dt { "every stack has a guard" } dd { (asked(policy.stack_guards)) }
            dt { "pages only" } dd { (asked(policy.pages_only)) }
            @if let Some(below) = policy.tables_below { dt { "tables lie below" } dd.mono { (below) } }
            @if let Some(pool) = policy.table_pool {
                dt { "tables lie in" } dd.mono { (range(pool.start.0, pool.start.0.saturating_add(pool.size.0))) }
            }
        } },
    )
}
