//! A document as a page wants it: regions in the order of their addresses, with identifiers, texts and colours.

use super::document::Evidence;
use super::domain::Domain;
use super::palette::Class;
use super::physical::{self, Interval};
use crate::evidence::{Leaves, Region, RegionKind, Space};
use crate::number::Size;
use crate::rights::Rights;

/// A document, ready to be drawn.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The document.
    pub evidence: &'a Evidence,
    /// Its spaces.
    pub spaces: Vec<SpaceView<'a>>,
    /// Its physical memory.
    pub physical: Vec<Interval>,
}

/// A space, ready to be drawn.
#[derive(Clone, Debug)]
pub struct SpaceView<'a> {
    /// The space.
    pub space: &'a Space,
    /// Its identifier in the page.
    pub id: String,
    /// The addresses that its picture shows.
    pub domain: Domain,
    /// Its regions in the order of their addresses.
    pub regions: Vec<RegionView<'a>>,
}

/// A region, ready to be drawn.
#[derive(Clone, Debug)]
pub struct RegionView<'a> {
    /// The region.
    pub region: &'a Region,
    /// Its identifier in the page.
    pub id: String,
    /// Its colour.
    pub class: Class,
}

impl<'a> Page<'a> {
    /// The page of a document.
    #[must_use]
    pub fn of(evidence: &'a Evidence) -> Self {
        let spaces = evidence.map.spaces.iter().enumerate();
        Self {
            evidence,
            spaces: spaces.map(|(index, space)| SpaceView::of(space, index)).collect(),
            physical: physical::intervals(evidence),
        }
    }

    /// How many regions there are.
    #[must_use]
    pub fn region_count(&self) -> usize {
        self.spaces.iter().map(|space| space.regions.len()).sum()
    }

    /// The identifier of a region in the page, by the indices that a document has.
    #[must_use]
    pub fn region_id(space: usize, region: usize) -> String {
        format!("s{space}-r{region}")
    }

    /// The identifier of a region, by its names.
    #[must_use]
    pub fn find(&self, space: &str, region: &str) -> Option<String> {
        let (index, space) = self.evidence.map.spaces.iter().enumerate().find(|(_, found)| found.name == space)?;
        let at = space.regions.iter().position(|found| found.name == region)?;
        Some(Self::region_id(index, at))
    }
}

impl<'a> SpaceView<'a> {
    fn of(space: &'a Space, index: usize) -> Self {
        let domain = Domain::of(space);
        let view = |(at, region): (usize, &'a Region)| RegionView {
            region,
            id: Page::region_id(index, at),
            class: Class::of(region),
        };
        let mut regions: Vec<_> = space.regions.iter().enumerate().map(view).collect();
        regions.sort_by_key(|view| domain.position(view.region.virt.0));
        Self { space, id: format!("s{index}"), domain, regions }
    }
}

impl RegionView<'_> {
    /// What it is beyond memory that is mapped.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        match self.region.kind {
            RegionKind::Map => None,
            RegionKind::Identity => Some("identity"),
            RegionKind::Linear => Some("linear"),
            RegionKind::Window => Some("window"),
            RegionKind::Stack => Some("stack"),
            RegionKind::Guard => Some("guard"),
            RegionKind::Channel => Some("channel"),
        }
    }

    /// Rights of both levels: `rx / -`.
    #[must_use]
    pub fn rights(&self) -> String {
        rights(self.region.privileged, self.region.user)
    }

    /// The addresses, without the one behind it: `0x1000 – 0x1fff`.
    #[must_use]
    pub fn range(&self) -> String {
        range(self.region.virt.0, self.region.end())
    }

    /// Page sizes: `12 × 4 KiB + 63 × 2 MiB`.
    #[must_use]
    pub fn pages(&self) -> String {
        pages(&self.region.leaves)
    }

    /// Everything else that is to be said of it.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let region = self.region;
        let guard = |bytes: Option<crate::number::Hex>, side: &str| {
            bytes.filter(|bytes| bytes.0 > 0).map(|bytes| format!("guard of {} {side}", Size(bytes.0)))
        };
        [
            region.alias_of.as_ref().map(|name| format!("alias of {name}")),
            region.channel.as_ref().map(|name| format!("end of channel {name}")),
            guard(region.guard_below, "below"),
            guard(region.guard_above, "above"),
            region.edits_tables.then(|| "tables are edited through it".to_owned()),
            region.global.then(|| "global".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// `rx / -`.
#[must_use]
pub fn rights(privileged: Rights, user: Rights) -> String {
    format!("{privileged} / {user}")
}

/// `0x1000 – 0x1fff`.
#[must_use]
pub fn range(start: u128, end: u128) -> String {
    if end <= start { format!("{start:#x}") } else { format!("{start:#x} – {:#x}", end - 1) }
}

/// How many leaves of which size.
fn pages(leaves: &[Leaves]) -> String {
    let mut sums: Vec<(u128, Option<u128>, u128)> = Vec::new();
    for leaves in leaves {
        let (size, run) = (leaves.size.0, leaves.run.map(|run| run.0));
        match sums.iter_mut().find(|sum| (sum.0, sum.1) == (size, run)) {
            Some(sum) => sum.2 += u128::from(leaves.count),
            None => sums.push((size, run, leaves.count.into())),
        }
    }
    sums.sort_unstable();
    let text = |(size, run, count): &(u128, Option<u128>, u128)| {
        let run = run.map_or_else(String::new, |run| format!(" in runs of {}", Size(run)));
        format!("{count} × {}{run}", Size(*size))
    };
    sums.iter().map(text).collect::<Vec<_>>().join(" + ")
}

/// A name as it is shown: what would not be seen, or would change how the rest is read, is written out.
#[must_use]
pub fn shown(name: &str) -> String {
    let hides = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(letter, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let write = |letter: char| if hides(letter) { letter.escape_unicode().to_string() } else { letter.to_string() };
    name.chars().map(write).collect()
}
