//! The physical view: each interval of physical memory that is the same from end to end, and who sees it how, over the
//! union of all aliases in all spaces and of what DMA masters reach.

use std::collections::BTreeSet;

use super::document::Evidence;
use super::palette::Class;
use crate::evidence::{Leaves, Region, Space};
use crate::number::Hex;
use crate::rights::Rights;

/// Bytes that differ in nothing that a document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The first.
    pub start: u128,
    /// The first one behind.
    pub end: u128,
    /// Indices of the resources that hold it.
    pub resources: Vec<usize>,
    /// Indices of the spaces whose tables it holds.
    pub tables: Vec<usize>,
    /// Indices of the channels that it belongs to.
    pub channels: Vec<usize>,
    /// What each space that sees it may do.
    pub cells: Vec<Cell>,
    /// Indices of DMA masters and of their windows.
    pub masters: Vec<(usize, usize)>,
}

/// What a space may do with an interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Index of the space.
    pub space: usize,
    /// Rights of the privileged level, over all aliases.
    pub privileged: Rights,
    /// Rights of the user, over all aliases.
    pub user: Rights,
    /// Indices of the regions that map it.
    pub regions: Vec<usize>,
}

/// Something that starts and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Resource(usize),
    Tables(usize),
    Channel(usize),
    Region(usize, usize),
    Master(usize, usize),
}

/// All intervals about which a document says something, in the order of their addresses.
#[must_use]
pub fn intervals(evidence: &Evidence) -> Vec<Interval> {
    let parts = parts(evidence);
    let mut events: Vec<(u128, bool, Part)> = Vec::with_capacity(parts.len() * 2);
    for (part, start, end) in parts.into_iter().filter(|(_, start, end)| start < end) {
        events.push((start, true, part));
        events.push((end, false, part));
    }
    events.sort_unstable();
    // A region may have the same frames twice.
    let mut active: std::collections::BTreeMap<Part, usize> = std::collections::BTreeMap::new();
    let mut found: Vec<Interval> = Vec::new();
    for (index, (at, starts, part)) in events.iter().enumerate() {
        let count = active.entry(*part).or_default();
        *count = if *starts { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            active.remove(part);
        }
        let Some((next, ..)) = events.get(index + 1) else { break };
        if next > at && !active.is_empty() {
            push(&mut found, interval(evidence, *at, *next, active.keys()));
        }
    }
    found
}

/// Appends an interval, or lengthens the last one if it is the same.
fn push(found: &mut Vec<Interval>, next: Interval) {
    if let Some(last) = found.last_mut() {
        let same = Interval { start: last.start, end: last.end, ..next.clone() };
        if last.end == next.start && *last == same {
            last.end = next.end;
            return;
        }
    }
    found.push(next);
}

fn parts(evidence: &Evidence) -> Vec<(Part, u128, u128)> {
    let map = &evidence.map;
    let mut parts = Vec::new();
    let mut add = |part, start: Hex, size: u128| parts.push((part, start.0, start.0.saturating_add(size)));
    for (index, resource) in map.resources.iter().enumerate() {
        add(Part::Resource(index), resource.start, resource.size.0);
    }
    for (index, channel) in map.channels.iter().enumerate() {
        add(Part::Channel(index), channel.start, channel.size.0);
    }
    for (index, device) in evidence.more.devices.iter().enumerate() {
        for (at, window) in device.windows.iter().enumerate() {
            add(Part::Master(index, at), window.start, window.size.0);
        }
    }
    for (index, space) in map.spaces.iter().enumerate() {
        if let Some(start) = space.tables.start {
            add(Part::Tables(index), start, space.tables.bytes.into());
        }
        for (at, region) in space.regions.iter().enumerate().filter(|(_, region)| !region.is_empty()) {
            for (start, size) in extents(region) {
                add(Part::Region(index, at), start, size);
            }
        }
    }
    parts
}

/// What a region maps: as its leaves say, or as it is declared where there are none.
fn extents(region: &Region) -> Vec<(Hex, u128)> {
    let bytes = |leaves: &Leaves| leaves.size.0.saturating_mul(leaves.count.into());
    match region.phys {
        Some(phys) if region.leaves.is_empty() => vec![(phys, region.size.0)],
        _ => region.leaves.iter().map(|leaves| (leaves.phys, bytes(leaves))).collect(),
    }
}

fn interval<'a>(evidence: &Evidence, start: u128, end: u128, parts: impl Iterator<Item = &'a Part>) -> Interval {
    let mut new = Interval { start, end, ..Interval::default() };
    for part in parts {
        match *part {
            Part::Resource(index) => new.resources.push(index),
            Part::Tables(index) => new.tables.push(index),
            Part::Channel(index) => new.channels.push(index),
            Part::Master(device, window) => new.masters.push((device, window)),
            Part::Region(space, region) => see(&mut new.cells, &evidence.map.spaces[space], space, region),
        }
    }
    new
}

/// Adds what a region grants to the cell of its space.
fn see(cells: &mut Vec<Cell>, space: &Space, index: usize, region: usize) {
    if cells.last().is_none_or(|cell| cell.space != index) {
        cells.push(Cell { space: index, ..Cell::default() });
    }
    if let (Some(cell), Some(granted)) = (cells.last_mut(), space.regions.get(region)) {
        cell.privileged = cell.privileged.or(granted.privileged);
        cell.user = cell.user.or(granted.user);
        cell.regions.push(region);
    }
}

impl Cell {
    /// Rights of both levels.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.privileged.or(self.user)
    }
}

impl Interval {
    /// What anybody may do with it, DMA masters included.
    #[must_use]
    pub fn rights(&self, evidence: &Evidence) -> Rights {
        let spaces = self.cells.iter().map(Cell::rights);
        let window = |(device, window): &(usize, usize)| evidence.more.devices[*device].windows[*window].rights;
        spaces.chain(self.masters.iter().map(window)).fold(Rights::NONE, Rights::or)
    }

    /// The memory types that spaces see it with.
    #[must_use]
    pub fn memory<'a>(&self, evidence: &'a Evidence) -> BTreeSet<&'a str> {
        let regions = |cell: &'_ Cell| {
            let space = &evidence.map.spaces[cell.space];
            cell.regions.iter().filter_map(|at| space.regions[*at].memory.as_deref()).collect::<Vec<_>>()
        };
        self.cells.iter().flat_map(regions).collect()
    }

    /// How it is drawn.
    #[must_use]
    pub fn class(&self, evidence: &Evidence) -> Class {
        let memory = self.memory(evidence);
        Class::granted(self.rights(evidence), memory.first().copied())
    }

    /// What lies there: the innermost resource, a channel, tables.
    #[must_use]
    pub fn what(&self, evidence: &Evidence) -> Vec<String> {
        let map = &evidence.map;
        let holds = |index: &usize| {
            map.resources.iter().any(|inner| inner.within.as_ref() == Some(&map.resources[*index].name))
        };
        let inner = |index: &&usize| !(holds(index) && self.resources.len() > 1);
        let mut what: Vec<String> =
            self.resources.iter().filter(inner).map(|index| map.resources[*index].name.clone()).collect();
        what.extend(self.channels.iter().map(|index| format!("channel {}", map.channels[*index].name)));
        what.extend(self.tables.iter().map(|index| format!("tables of {}", map.spaces[*index].name)));
        what
    }
}
