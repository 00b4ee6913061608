//! Physical memory: each interval, and what each space may do with it.

use svg::node::element::Group;

use super::space::ratio;
use super::{Picture, STRIP, TOP, fitting, legend, line, rectangle, text};
use crate::number::Size;
use crate::report::domain::Domain;
use crate::report::model::{Page, range, rights};
use crate::report::palette::Class;
use crate::report::physical::{Cell, Interval};

/// Height of an interval and of a gap.
const ROW: f64 = 30.0;
const GAP: f64 = 18.0;
/// Left edges of the columns: addresses, what lies there, the first space; and the width of a space.
const RANGE: f64 = 96.0;
const WHAT: f64 = 300.0;
const CELLS: f64 = 480.0;
const CELL: f64 = 104.0;

const SUBTITLE: &str = "Who sees which frames, and how: privileged / user, over all aliases. \
    The strip is to scale, gaps between rows are collapsed.";

/// The picture of the physical memory of a map.
#[must_use]
pub fn physical(page: &Page<'_>) -> Picture {
    let title = format!("{}: physical memory", page.evidence.name());
    let columns = page.spaces.len() as f64 + f64::from(u8::from(!page.evidence.more.devices.is_empty()));
    let width = (CELLS + CELL * columns + 16.0).max(980.0);
    let places = places(&page.physical);
    let bottom = places.last().map_or(TOP + ROW, |(y, _)| y + ROW).max(TOP + 160.0);
    let domain = Domain::up_to(page.physical.last().map_or(0, |last| last.end));
    let mut content = Group::new()
        .set("class", "drawing")
        .add(text(STRIP.0, 26.0, "title", &title))
        .add(text(STRIP.0, 46.0, "dim", SUBTITLE))
        .add(heads(page))
        .add(legend(bottom + 26.0));
    for (y, gap) in &places {
        let Some(row) = page.physical.get(*gap) else { continue };
        content = content.add(tick(domain, page, row, *y, bottom)).add(interval(page, row, *y));
    }
    for pair in page.physical.windows(2).zip(&places) {
        let ([above, below], (y, _)) = (pair.0, pair.1) else { continue };
        if below.start > above.end {
            let words = format!("{} of which nothing is said", Size(below.start - above.end).roughly());
            content = content.add(text(RANGE, y + ROW + 13.0, "dim", &words));
        }
    }
    content = content.add(rectangle(STRIP.0, TOP, STRIP.1, bottom - TOP).set("class", "frame"));
    Picture { content, width, height: bottom + 44.0, title }
}

/// The upper edge of each interval, and its index.
fn places(rows: &[Interval]) -> Vec<(f64, usize)> {
    let mut y = TOP + 6.0;
    let mut places = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let is_apart =
            index.checked_sub(1).and_then(|before| rows.get(before)).is_some_and(|above| above.end < row.start);
        y += if is_apart { GAP } else { 0.0 };
        places.push((y, index));
        y += ROW;
    }
    places
}

/// The names of the columns.
fn heads(page: &Page<'_>) -> Group {
    let mut group = Group::new();
    let names = page.spaces.iter().map(|view| view.space.name.as_str());
    let masters = (!page.evidence.more.devices.is_empty()).then_some("DMA");
    for (index, name) in names.chain(masters).enumerate() {
        group = group.add(text(CELLS + CELL * index as f64 + 4.0, TOP - 4.0, "name", &fitting(name, CELL - 8.0)));
    }
    group
}

fn tick(domain: Domain, page: &Page<'_>, row: &Interval, y: f64, bottom: f64) -> Group {
    let place = |address: u128| TOP + (bottom - TOP) * ratio(address, domain.total);
    let (from, height) = (place(row.start).min(bottom - 1.0), (place(row.end) - place(row.start)).max(1.0));
    Group::new().add(rectangle(STRIP.0, from, STRIP.1, height).set("class", row.class(page.evidence).name())).add(line(
        "lead",
        (STRIP.0 + STRIP.1, from + height / 2.0),
        (RANGE - 6.0, y + ROW / 2.0),
    ))
}

fn interval(page: &Page<'_>, row: &Interval, y: f64) -> Group {
    let size = Size(row.end - row.start).to_string();
    let mut group = Group::new()
        .add(text(RANGE, y + 13.0, "mono", &range(row.start, row.end)))
        .add(text(RANGE, y + 26.0, "dim", &size))
        .add(text(WHAT, y + 13.0, "", &fitting(&row.what(page.evidence).join(", "), CELLS - WHAT - 8.0)));
    let memory: Vec<&str> = row.memory(page.evidence).into_iter().collect();
    group = group.add(text(WHAT, y + 26.0, "dim", &memory.join(", ")));
    for cell in &row.cells {
        group = group.add(seen(page, cell, y));
    }
    if !row.masters.is_empty() {
        let devices = &page.evidence.more.devices;
        let names = row
            .masters
            .iter()
            .map(|(device, window)| format!("{} {}", devices[*device].name, devices[*device].windows[*window].rights));
        let x = CELLS + CELL * page.spaces.len() as f64;
        group = group.add(text(x + 4.0, y + 19.0, "", &fitting(&names.collect::<Vec<_>>().join(", "), CELL - 8.0)));
    }
    group
}

fn seen(page: &Page<'_>, cell: &Cell, y: f64) -> Group {
    let regions = &page.evidence.map.spaces[cell.space].regions;
    let memory = cell.regions.iter().find_map(|at| regions[*at].memory.as_deref());
    let names: Vec<&str> = cell.regions.iter().map(|at| regions[*at].name.as_str()).collect();
    let x = CELLS + CELL * cell.space as f64;
    Group::new()
        .add(rectangle(x, y + 1.0, CELL - 3.0, ROW - 2.0).set("class", Class::granted(cell.rights(), memory).name()))
        .add(text(x + 6.0, y + 13.0, "name in", &rights(cell.privileged, cell.user)))
        .add(text(x + 6.0, y + 25.0, "in", &fitting(&names.join(", "), CELL - 12.0)))
}
