//! Physical memory: who sees it, what it is, through what spaces speak to each other, and what DMA masters reach.

use maud::{Markup, PreEscaped, html};

use super::{section, table};
use crate::number::{Hex, Size};
use crate::report::domain::Domain;
use crate::report::model::{Page, range, rights, shown};
use crate::report::palette::Class;
use crate::report::physical::{Cell, Interval};
use crate::report::svg;

/// Columns of the resources.
pub(super) const RESOURCES: [&str; 5] = ["resource", "addresses", "size", "memory", "limits"];
/// Columns of the channels.
pub(super) const CHANNELS: [&str; 5] = ["channel", "addresses", "size", "direction", "ends"];
/// Columns of the DMA masters.
pub(super) const DEVICES: [&str; 5] = ["master", "window", "frames", "rights", "path"];
/// Columns of the physical view before those of the spaces.
pub(super) const INTERVALS: [&str; 4] = ["frames", "size", "what", "memory"];

/// Spaces that have a column each; more stand below each other in one, where they can be read.
const MOST_COLUMNS: usize = 16;

/// Who sees which frames.
pub(super) fn physical(page: &Page<'_>) -> Markup {
    let names = page.spaces.iter().map(|view| shown(&view.space.name));
    let masters = (!page.evidence.more.devices.is_empty()).then(|| "DMA".to_owned());
    let spaces = if page.spaces.len() > MOST_COLUMNS { vec!["seen by".to_owned()] } else { names.collect() };
    let heads: Vec<String> = INTERVALS.iter().map(|&head| head.to_owned()).chain(spaces).chain(masters).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows = html! { @for (index, row) in page.physical.iter().enumerate() { (interval(page, index, row, &heads)) } };
    let total = Domain::up_to(page.physical.last().map_or(0, |last| last.end)).total;
    let content = html! {
        p.dim { "Each row is the same from its first to its last byte; what stands in it is the union of all aliases. "
            "Frames between the rows are named nowhere in the declaration." }
        p { (verdict(page)) }
        @if page.physical.is_empty() { p { "No frame is declared." } } @else {
            figure.picture data-rows="physical" data-name="physical memory" data-total=(Hex(total)) data-lower=(Hex(total)) {
                div.still { (PreEscaped(svg::physical(page).inline())) }
            }
            (table("frames", &heads, rows))
        }
    };
    section("physical", "Physical view", content)
}

/// What this page finds by itself, whatever the document's rules say.
fn verdict(page: &Page<'_>) -> Markup {
    let both = page.physical.iter().filter(|row| row.class(page.evidence) == Class::WriteExecute).count();
    let mixed = page.physical.iter().filter(|row| row.memory(page.evidence).len() > 1).count();
    html! {
        @if both == 0 { "No frame is writable through one alias and executable through another. " }
        @else { b.bad { (both) " rows are writable and executable. " } }
        @if mixed == 0 { "No frame has two memory types." } @else { b.bad { (mixed) " rows have two memory types." } }
    }
}

fn interval(page: &Page<'_>, index: usize, row: &Interval, heads: &[&str]) -> Markup {
    let class = row.class(page.evidence).name();
    let memory: Vec<&str> = row.memory(page.evidence).into_iter().collect();
    let what = shown(&row.what(page.evidence).join(", "));
    html! {
        tr id={ "p" (index) } class={ "region " (class) }
            data-at=(Hex(row.start)) data-size=(Hex(row.end - row.start)) {
            th.mono scope="row" { i class=(class) {} (range(row.start, row.end)) }
            td { (Size(row.end - row.start)) }
            td.name { (what) }
            td.memory { (shown(&memory.join(", "))) }
            @if page.spaces.len() > MOST_COLUMNS {
                td data-label="seen by" { @for cell in &row.cells {
                    div { (shown(&page.spaces[cell.space].space.name)) " " (seen(page, cell)) }
                } }
            } @else {
                @for view in 0..page.spaces.len() {
                    @match row.cells.iter().find(|cell| cell.space == view) {
                        Some(cell) => td data-label=(heads[INTERVALS.len() + view]) { (seen(page, cell)) },
                        None => td {},
                    }
                }
            }
            @if !page.evidence.more.devices.is_empty() {
                td data-label="DMA" { @for master in &row.masters { (reached(page, *master)) } }
            }
        }
    }
}

fn seen(page: &Page<'_>, cell: &Cell) -> Markup {
    let regions = &page.evidence.map.spaces[cell.space].regions;
    let memory = cell.regions.iter().find_map(|at| regions[*at].memory.as_deref());
    html! {
        @let class = Class::granted(cell.rights(), memory).name();
        @let space = shown(&page.spaces[cell.space].space.name);
        span class={ "seen " (class) } data-space=(space) { (rights(cell.privileged, cell.user)) }
        @for at in &cell.regions { " " a href={ "#" (Page::region_id(cell.space, *at)) } { (shown(&regions[*at].name)) } }
    }
}

fn reached(page: &Page<'_>, (device, window): (usize, usize)) -> Markup {
    let device = &page.evidence.more.devices[device];
    html! { span.tag { (shown(&device.name)) " " (device.windows[window].rights) } " " }
}

/// What there is on the bus.
pub(super) fn resources(page: &Page<'_>) -> Markup {
    let limits = |resource: &crate::evidence::Resource| {
        let mut limits = Vec::new();
        limits.extend(resource.reserved.then(|| "reserved: nobody maps it".to_owned()));
        limits.extend(resource.owner.as_ref().map(|owner| format!("only {owner} maps it")));
        limits.extend(resource.rights.map(|rights| format!("at most {rights}")));
        limits.extend(resource.within.as_ref().map(|within| format!("part of {within}")));
        shown(&limits.join(", "))
    };
    let rows = html! { @for resource in &page.evidence.map.resources { tr {
        th scope="row" { (shown(&resource.name)) }
        td.mono { (range(resource.start.0, resource.start.0.saturating_add(resource.size.0))) }
        td { (Size(resource.size.0)) }
        td { (shown(&resource.memory)) }
        td { (limits(resource)) }
    } } };
    section("resources", "Resources", table("resources", &RESOURCES, rows))
}

/// What spaces share on purpose.
pub(super) fn channels(page: &Page<'_>) -> Markup {
    let channels = &page.evidence.map.channels;
    let rows = html! { @for channel in channels { tr {
        th scope="row" { (shown(&channel.name)) }
        td.mono { (range(channel.start.0, channel.start.0.saturating_add(channel.size.0))) }
        td { (Size(channel.size.0)) }
        td { (shown(&channel.from)) (if channel.two_way { " ⇄ " } else { " → " }) (shown(&channel.to.join(", "))) }
        td { ul { @for end in &channel.ends { li {
            @match page.find(&end.space, &end.region) {
                Some(id) => a href={ "#" (id) } { (shown(&end.space)) "." (shown(&end.region)) },
                None => { (shown(&end.space)) "." (shown(&end.region)) }
            }
            " " (end.rights) " at " code { (end.virt) }
        } } } }
    } } };
    let content = if channels.is_empty() {
        html! { p.dim { "None is declared." } }
    } else {
        table("channels", &CHANNELS, rows)
    };
    section("channels", "Channels", content)
}

/// What DMA masters reach.
pub(super) fn devices(page: &Page<'_>) -> Markup {
    let devices = &page.evidence.more.devices;
    let path = |device: &super::super::document::Device| {
        let mut path = vec![if device.iommu { "behind an IOMMU" } else { "no IOMMU" }.to_owned()];
        path.push(if device.coherent { "coherent" } else { "not coherent" }.to_owned());
        path.push(format!("driven by {}", device.owner));
        path.extend(device.addr_bits.map(|bits| format!("{bits} address bits")));
        shown(&path.join(", "))
    };
    let rows = html! { @for device in devices {
        @if device.windows.is_empty() {
            tr { th scope="row" { (shown(&device.name)) } td { "none" } td {} td {} td { (path(device)) } }
        }
        @for window in &device.windows { tr {
            th scope="row" { (shown(&device.name)) }
            td { (shown(&window.name)) " at " code { (window.iova) } }
            td.mono { (range(window.start.0, window.start.0.saturating_add(window.size.0))) }
            td { (window.rights) }
            td { (path(device)) }
        } }
    } };
    html! { @if !devices.is_empty() { (section("devices", "DMA masters", table("devices", &DEVICES, rows))) } }
}
