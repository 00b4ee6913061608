//! What every importer makes of its file, and the [`System`] that comes of it.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::nest;
use crate::resources::{identifier, unique};
use crate::system::{Channel, Dma, Isolation, Num, Options, Region, Resource, RightsText, Space, System};

/// Most ranges of one import.
const ENTRIES: usize = 4096;

/// Where something comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// `FILE:LINE`, or a file and what in it.
    pub place: String,
    /// What stands there.
    pub text: String,
}

impl Origin {
    /// As a line of comment.
    pub(crate) fn note(&self) -> String {
        format!("{}: {}", self.place, self.text)
    }
}

/// Memory that several map, each with whether it writes: from the first that does, or else from `outside`.
pub(crate) fn channel(
    origin: &Origin,
    name: String,
    [phys, size]: [u64; 2],
    ends: &[(String, bool)],
    outside: &str,
) -> (Channel, Origin) {
    let from = ends.iter().find(|(_, writes)| *writes).map_or(outside, |(name, _)| name).to_owned();
    let to = ends.iter().map(|(name, _)| name).filter(|name| **name != from).cloned().collect();
    let writers = ends.iter().filter(|(_, writes)| *writes).count();
    let channel = Channel {
        note: vec![origin.note()],
        name,
        phys: Some(Num(phys)),
        resource: None,
        offset: None,
        size: Num(size),
        from,
        to,
        direction: if writers > 1 { "two_way" } else { "one_way" }.into(),
    };
    (channel, origin.clone())
}

/// A mapped range.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Entry {
    /// What it is called there; made an identifier later.
    pub(crate) name: String,
    pub(crate) virt: u64,
    pub(crate) phys: u64,
    pub(crate) size: u64,
    pub(crate) rights: RightsText,
    pub(crate) user: bool,
    /// Its memory type, by the names of [`memory`](crate::resources::memory).
    pub(crate) memory: &'static str,
    /// The size of its leaves, or the most that is.
    pub(crate) page: Option<u64>,
    pub(crate) page_max: Option<u64>,
    /// The resource of [`Model::resources`] that it maps, and from which byte on; otherwise one is derived.
    pub(crate) resource: Option<String>,
    pub(crate) offset: u64,
    /// The channel that it is an end of.
    pub(crate) channel: Option<String>,
    pub(crate) origin: Origin,
    /// More lines of comment.
    pub(crate) notes: Vec<String>,
}

impl Entry {
    /// Whether the range is one: not empty, and it does not wrap.
    pub(crate) fn is_range(&self) -> bool {
        self.size > 0 && self.virt.checked_add(self.size - 1).is_some() && self.phys.checked_add(self.size).is_some()
    }
}

/// What wins where entries of a space overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Overlap {
    /// Nothing: it is a mistake.
    #[default]
    Mistake,
    /// The entry that lies inside the other.
    Inner,
}

/// An address space.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    /// Tables that there are for it.
    pub(crate) budget: Option<u64>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) origin: Origin,
}

/// A file as an importer understands it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) format: String,
    /// What it is and what was assumed, in lines.
    pub(crate) about: Vec<String>,
    /// What is known to be on the bus.
    pub(crate) resources: Vec<(Resource, Origin)>,
    pub(crate) spaces: Vec<Part>,
    /// Regimes of spaces that have another one.
    pub(crate) formats: BTreeMap<String, String>,
    pub(crate) channels: Vec<(Channel, Origin)>,
    pub(crate) isolation: Vec<Isolation>,
    pub(crate) dma: Vec<(Dma, Origin)>,
    pub(crate) options: Options,
    pub(crate) overlap: Overlap,
}

/// Where things come from, by owner (a space, a device, or nothing) and name.
pub type Origins = BTreeMap<(String, String), Origin>;

/// A system, and where its parts come from.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The system.
    pub system: System,
    /// Where its parts come from.
    pub origins: Origins,
    /// What is odd about the file but breaks no rule.
    pub remarks: Vec<String>,
}

impl Model {
    /// The system: names made identifiers, overlaps resolved as the source does, resources derived where none are known.
    ///
    /// # Errors
    /// More entries than anyone writes.
    pub(crate) fn build(mut self) -> Result<Imported> {
        let count: usize = self.spaces.iter().map(|space| space.entries.len()).sum();
        if count > ENTRIES || self.resources.len() > ENTRIES {
            bail!("{} ranges, and at most {ENTRIES} are imported", count.max(self.resources.len()));
        }
        let mut remarks = Vec::new();
        for space in &mut self.spaces {
            let mut taken = BTreeMap::new();
            for entry in &mut space.entries {
                entry.name = unique(&identifier(&entry.name), &mut taken);
            }
            if self.overlap == Overlap::Inner {
                nest::resolve(space, &mut taken, &mut remarks);
            }
        }
        let mut origins = BTreeMap::new();
        let regions = self.assemble(&mut origins)?;
        let mut spaces = Vec::new();
        for (part, regions) in self.spaces.iter().zip(regions) {
            origins.insert((String::new(), part.name.clone()), part.origin.clone());
            spaces.push(space(part, regions, self.formats.get(&part.name).cloned()));
        }
        self.trace(&mut origins);
        let system = System {
            id: self.name,
            format: self.format,
            why: self.about.join("\n"),
            resources: self.resources.into_iter().map(|(resource, _)| resource).collect(),
            spaces,
            channels: self.channels.into_iter().map(|(channel, _)| channel).collect(),
            isolation: self.isolation,
            dma: self.dma.into_iter().map(|(device, _)| device).collect(),
            transitions: Vec::new(),
            options: self.options,
        };
        Ok(Imported { system, origins, remarks })
    }

    /// Notes where everything but regions and spaces comes from.
    fn trace(&self, origins: &mut Origins) {
        let mut of = |owner: &str, name: &str, origin: &Origin| {
            origins.insert((owner.to_owned(), name.to_owned()), origin.clone());
        };
        self.resources.iter().for_each(|(resource, origin)| of("", &resource.name, origin));
        self.channels.iter().for_each(|(channel, origin)| of("", &channel.name, origin));
        for (device, origin) in &self.dma {
            of("", &device.device, origin);
            device.regions.iter().for_each(|window| of(&device.device, &window.name, origin));
        }
    }
}

fn space(part: &Part, regions: Vec<Region>, format: Option<String>) -> Space {
    Space {
        note: if part.origin.place.is_empty() { Vec::new() } else { vec![part.origin.note()] },
        name: part.name.clone(),
        role: part.role.into(),
        regions,
        format,
        asid: None,
        budget: part.budget.map(Num),
        tables: None,
        self_map_slot: None,
        image: None,
    }
}

/// The bits of virtual address that entries need: at least `least`, at most 48.
pub(crate) fn bits(entries: &[Entry], least: u32) -> u32 {
    let last = entries.iter().map(|entry| entry.virt.saturating_add(entry.size.saturating_sub(1))).max().unwrap_or(0);
    (u64::BITS - last.leading_zeros()).clamp(least, 48)
}

/// A resource of normal memory, or what else is said.
pub(crate) fn resource(name: &str, base: u64, size: u64, memory: &str, origin: &Origin) -> (Resource, Origin) {
    let resource = Resource {
        note: vec![origin.note()],
        name: name.into(),
        base: Num(base),
        size: Num(size),
        memory: memory.into(),
        reserved: false,
        owner: None,
        rights: None,
        within: None,
    };
    (resource, origin.clone())
}
