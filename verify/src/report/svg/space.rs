//! An address space: at the left to scale, at the right every region, with the gaps between them written out.

use svg::node::element::Group;

use super::{Picture, STRIP, TOP, fitting, legend, line, rectangle, text};
use crate::number::Size;
use crate::report::domain::Domain;
use crate::report::model::{RegionView, SpaceView};

const WIDTH: f64 = 980.0;
/// Left edge and width of a region's box.
const BOX: (f64, f64) = (96.0, 190.0);
/// Height of a region and of a gap.
const ROW: f64 = 38.0;
const GAP: f64 = 20.0;

/// The picture of a space of that map.
#[must_use]
pub fn space(map: &str, view: &SpaceView<'_>) -> Picture {
    let title = format!("{map}: space {}", view.space.name);
    let layout = layout(view);
    let bottom = layout.last().map_or(TOP + GAP, Row::bottom).max(TOP + 160.0);
    let mut content = Group::new()
        .set("class", "drawing")
        .add(text(STRIP.0, 26.0, "title", &title))
        .add(text(STRIP.0, 46.0, "dim", &subtitle(view)))
        .add(legend(bottom + 26.0));
    for row in &layout {
        content = match row {
            Row::Gap { y, size } => content.add(gap(*y, *size)),
            Row::Region { y, view: region } => {
                content.add(tick(view.domain, region, *y, bottom)).add(region_row(region, *y))
            }
        };
    }
    content = content.add(rectangle(STRIP.0, TOP, STRIP.1, bottom - TOP).set("class", "frame"));
    if view.domain.has_hole() {
        let y = TOP + (bottom - TOP) * ratio(view.domain.lower, view.domain.total);
        content = content.add(line("gap", (STRIP.0 - 6.0, y), (STRIP.0 + STRIP.1 + 6.0, y)));
    }
    Picture { content, width: WIDTH, height: bottom + 44.0, title }
}

fn subtitle(view: &SpaceView<'_>) -> String {
    let hole = if view.domain.has_hole() { " in two halves" } else { "" };
    format!(
        "{}, {} of addresses{hole}. The strip at the left is to scale; at the right every region, gaps collapsed.",
        view.space.format.name,
        Size(view.domain.total)
    )
}

/// What stands below each other.
enum Row<'a> {
    Region { y: f64, view: &'a RegionView<'a> },
    Gap { y: f64, size: u128 },
}

impl Row<'_> {
    fn bottom(&self) -> f64 {
        match self {
            Self::Region { y, .. } => y + ROW,
            Self::Gap { y, .. } => y + GAP,
        }
    }
}

fn layout<'a>(view: &'a SpaceView<'a>) -> Vec<Row<'a>> {
    let domain = view.domain;
    let mut rows: Vec<Row<'a>> = Vec::new();
    let (mut end, mut y) = (0, TOP);
    let gap = |rows: &mut Vec<Row<'a>>, y: &mut f64, from: u128, to: u128| {
        // Between the halves there is no address, and so no gap.
        let middle = domain.lower.clamp(from, to.max(from));
        for size in [middle - from, to.saturating_sub(middle)].into_iter().filter(|size| *size > 0) {
            rows.push(Row::Gap { y: *y, size });
            *y += GAP;
        }
    };
    for region in &view.regions {
        gap(&mut rows, &mut y, end, domain.position(region.region.virt.0));
        rows.push(Row::Region { y, view: region });
        y += ROW;
        end = end.max(domain.position(region.region.end()));
    }
    gap(&mut rows, &mut y, end, domain.total);
    rows
}

/// The region in the strip, at its place, and a line to its box.
fn tick(domain: Domain, view: &RegionView<'_>, y: f64, bottom: f64) -> Group {
    let place = |address: u128| TOP + (bottom - TOP) * ratio(domain.position(address), domain.total);
    let (from, to) = (place(view.region.virt.0).min(bottom - 1.0), place(view.region.end()));
    let height = (to - from).max(1.0);
    Group::new().add(rectangle(STRIP.0, from, STRIP.1, height).set("class", view.class.name())).add(line(
        "lead",
        (STRIP.0 + STRIP.1, from + height / 2.0),
        (BOX.0, y + ROW / 2.0),
    ))
}

fn region_row(view: &RegionView<'_>, y: f64) -> Group {
    let region = view.region;
    let mut facts = vec![Size(region.size.0).to_string()];
    facts.extend(view.kind().map(str::to_owned));
    if !region.is_empty() {
        facts.push(view.rights());
    }
    facts.extend(region.memory.clone());
    if !region.leaves.is_empty() {
        facts.push(view.pages());
    }
    facts.extend(region.phys.map(|phys| format!("→ {phys}")));
    facts.extend(region.requirements.iter().cloned());
    Group::new()
        .set("data-id", view.id.as_str())
        .add(rectangle(BOX.0, y + 1.0, BOX.1, ROW - 2.0).set("class", view.class.name()))
        .add(text(BOX.0 + 10.0, y + ROW / 2.0 + 4.0, "name in", &fitting(&region.name, BOX.1 - 20.0)))
        .add(text(BOX.0 + BOX.1 + 14.0, y + 15.0, "mono", &view.range()))
        .add(text(BOX.0 + BOX.1 + 14.0, y + 31.0, "dim", &facts.join(" · ")))
}

fn gap(y: f64, size: u128) -> Group {
    let words = format!("{} not mapped", Size(size).roughly());
    Group::new().add(line("gap", (BOX.0 + 6.0, y + 2.0), (BOX.0 + 6.0, y + GAP - 2.0))).add(text(
        BOX.0 + 16.0,
        y + 14.0,
        "dim",
        &words,
    ))
}

/// How far down.
pub(super) fn ratio(part: u128, whole: u128) -> f64 {
    part as f64 / whole.max(1) as f64
}
