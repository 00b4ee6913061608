//! The address spaces: a picture of each, and its regions.

use maud::{Markup, PreEscaped, html};

use super::{many, section, table};
use crate::evidence::{ImageBlock, Leaves, Placement, Space};
use crate::number::{Hex, Size};
use crate::report::model::{Page, RegionView, SpaceView, range, shown};
use crate::report::palette::Class;
use crate::report::{entries, svg};

/// Columns of the regions.
pub(super) const REGIONS: [&str; 9] =
    ["region", "addresses", "size", "rights", "memory", "pages", "physical", "requirements", "notes"];
/// Columns of the sections of an image.
pub(super) const SECTIONS: [&str; 4] = ["section", "addresses", "at most", "rights"];

/// A section for each space.
pub(super) fn sections(page: &Page<'_>) -> Markup {
    let intro = html! {
        p.dim { "Rights are those of the privileged level / of the user. Colours say the most that either may do." }
        (legend())
        @if page.spaces.len() > 1 {
            ul.jump { @for view in &page.spaces { li { a href={ "#" (view.id) } { (shown(&view.space.name)) } } } }
        }
    };
    html! {
        (section("spaces", "Address spaces", intro))
        @for view in &page.spaces { (one(page, view)) }
    }
}

/// What colours mean.
fn legend() -> Markup {
    html! { ul.legend { @for class in Class::ALL { li { i class=(class.name()) {} (class.meaning()) } } } }
}

fn one(page: &Page<'_>, view: &SpaceView<'_>) -> Markup {
    let space = view.space;
    html! {
        section.space id=(view.id) {
            h2 { a href={ "#" (view.id) } { "Space " (shown(&space.name)) } }
            p.lead { (facts(space)) }
            (picture(view, page))
            (table("regions", &REGIONS, html! { @for region in &view.regions { (row(space, region)) } }))
            @if let Some(image) = &space.image { (sections_of(image)) }
        }
    }
}

/// What the linker puts into a space.
fn sections_of(image: &ImageBlock) -> Markup {
    let count = image.sections.len();
    let rows = html! { @for section in &image.sections { tr {
        th scope="row" { (shown(&section.name)) }
        td.mono { (range(section.virt.0, section.virt.0.saturating_add(section.size.0))) }
        td { (Size(section.size.0)) }
        td { (section.rights) }
    } } };
    html! {
        details {
            summary { "Image " (shown(&image.name)) ": " (count) " " (many(count, "section")) }
            (table("sections", &SECTIONS, rows))
            @if let Some(entry) = image.entry { p { "Entered at " code { (entry) } "." } }
        }
    }
}

fn facts(space: &Space) -> String {
    let tables = &space.tables;
    let placement = match tables.placement {
        Placement::Linked => "placed by the linker",
        Placement::Placed => "at a declared address",
        Placement::BootFilled => "filled at boot",
    };
    let mut facts = vec![
        shown(&space.role),
        shown(&space.format.name),
        format!("{} {}", space.regions.len(), many(space.regions.len(), "region")),
        format!("{} tables {placement}, {}", tables.count, Size(tables.bytes.into())),
    ];
    facts.extend(tables.budget.map(|budget| format!("{budget} tables allowed")));
    facts.extend(space.asid.map(|asid| format!("ASID {asid}")));
    facts.join(" · ")
}

/// Where scripts draw, with what stands there without them.
fn picture(view: &SpaceView<'_>, page: &Page<'_>) -> Markup {
    let drawing = svg::space(page.evidence.name(), view).inline();
    html! {
        figure.picture data-rows=(view.id) data-name=(shown(&view.space.name))
            data-total=(Hex(view.domain.total)) data-lower=(Hex(view.domain.lower)) {
            div.still { (PreEscaped(drawing)) }
        }
    }
}

fn row(space: &Space, view: &RegionView<'_>) -> Markup {
    let region = view.region;
    html! {
        tr id=(view.id) class={ "region " (view.class.name()) } data-at=(region.virt) data-size=(region.size)
            data-phys=[region.phys] data-below=[region.guard_below] data-above=[region.guard_above] {
            th scope="row" { i class=(view.class.name()) {} span.name { (shown(&region.name)) }
                @if let Some(kind) = view.kind() { " " small { (kind) } } }
            td.mono { (view.range()) }
            td { (Size(region.size.0)) }
            td.rights { @if !matches!(view.class, Class::Guard) { (view.rights()) } }
            td.memory { (region.memory.as_deref().map(shown).unwrap_or_default()) }
            td.pages { @if !region.leaves.is_empty() {
                details { summary { (view.pages()) } ul { @for leaves in &region.leaves { (leaf(space, leaves)) } } }
            } }
            td.mono { @if let Some(phys) = region.phys {
                (phys) @if let Some(resource) = &region.resource { " " small { (shown(resource)) } }
            } }
            td { @for id in &region.requirements { span.tag { (shown(id)) } " " } }
            td { (shown(&view.notes().join(", "))) }
        }
    }
}

/// Leaves, and which entries they are.
pub(super) fn leaf(space: &Space, leaves: &Leaves) -> Markup {
    html! {
        li { code { (leaves.virt) } " → " code { (leaves.phys) } ": "
            (leaves.count) " × " (Size(leaves.size.0)) " at level " (leaves.level)
            @if let Some(run) = leaves.run { ", runs of " (Size(run.0)) }
            @for place in entries::of(space, leaves) {
                "; table " (place.table)
                @if let Some(address) = place.address { " at " code { (address) } }
                @if place.first == place.last { ", entry " (place.first) }
                @else { ", entries " (place.first) "–" (place.last) }
            }
        }
    }
}
