//! What a description says, as spaces, resources and channels.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use super::{Description, Domain, Memory};
use crate::Options;
use crate::model::{self, Entry, Model, Origin, Part, resource};
use crate::resources::identifier;
use crate::system::{self, Channel, Isolation, Num, Resource, RightsText};

/// Bytes of a page, unless the description says otherwise.
const PAGE: u64 = 0x1000;
/// Memory, where nobody says where it is.
const RAM: (u64, u64) = (0x6000_0000, 0x4000_0000);
/// The regime, where nobody says another.
const FORMAT: &str = "aarch64 4K VA48 EL1";

impl Description<'_> {
    pub(super) fn model(self, options: &Options) -> Result<Model> {
        let (path, known) = (self.path, options.ram.is_some());
        let format = options.regime.clone().unwrap_or_else(|| FORMAT.into());
        let ram = options.ram.unwrap_or(RAM);
        let places = self.allocate(ram)?;
        let resources = self.resources(&places, ram, known);
        let channels = self.shared(&places);
        let mut spaces: Vec<Part> =
            self.domains.iter().map(|domain| self.part(domain, &channels, &places, &format)).collect();
        spaces.extend(self.loader(&channels, &places));
        let isolation = Isolation {
            note: Vec::new(),
            spaces: self.domains.iter().map(|domain| identifier(&domain.name)).collect(),
            except: channels.iter().map(|(channel, _)| channel.name.clone()).collect(),
        };
        let guests = self.domains.iter().filter(|domain| domain.is_guest);
        let formats = guests.map(|domain| (identifier(&domain.name), guest_of(&format).to_owned())).collect();
        Ok(Model {
            name: crate::stem(path),
            about: about(path, options),
            resources,
            spaces,
            formats,
            channels,
            isolation: if self.domains.len() > 1 { vec![isolation] } else { Vec::new() },
            options: system::Options { features: features(&format), ..system::Options::default() },
            format,
            ..Model::default()
        })
    }

    /// What there is on the bus: memory if it is mapped, and each region.
    fn resources(&self, places: &[u64], ram: (u64, u64), known: bool) -> Vec<(Resource, Origin)> {
        let inside =
            |start: u64, size: u64| start >= ram.0 && start.saturating_add(size) <= ram.0.saturating_add(ram.1);
        let is_device = |memory: &Memory| {
            let mut maps = self.domains.iter().flat_map(|domain| &domain.maps).filter(|map| map.memory == memory.name);
            let uncached = maps.any(|map| !map.cached);
            memory.phys.is_some_and(|phys| if known { !inside(phys, memory.size) } else { uncached })
        };
        let mut resources = Vec::new();
        for (memory, phys) in self.memory.iter().zip(places) {
            let kind = if is_device(memory) { "device_nGnRnE" } else { "normal_wb" };
            let (mut one, origin) = resource(&identifier(&memory.name), *phys, memory.size, kind, &memory.origin);
            if memory.phys.is_none() {
                one.note.push("its place is assumed".into());
            }
            one.within = inside(*phys, memory.size).then(|| "ram".to_owned());
            resources.push((one, origin));
        }
        if resources.iter().any(|(one, _)| one.within.is_some()) {
            let origin = Origin { place: self.path.display().to_string(), text: "memory".into() };
            resources.insert(0, resource("ram", ram.0, ram.1, "normal_wb", &origin));
        }
        resources
    }

    /// Where each region lies: those with an address there, the others where there is room.
    fn allocate(&self, (start, size): (u64, u64)) -> Result<Vec<u64>> {
        let fixed = self.memory.iter().filter_map(|memory| Some((memory.phys?, memory.size)));
        let mut fixed: Vec<(u64, u64)> = fixed.map(|(phys, size)| (phys, phys.saturating_add(size))).collect();
        fixed.sort_unstable();
        let end = start.saturating_add(size);
        let mut next = start;
        let mut places = Vec::new();
        for memory in &self.memory {
            if let Some(phys) = memory.phys {
                places.push(phys);
                continue;
            }
            let unit = memory.page.unwrap_or(PAGE).max(1);
            let room = |at: u64| {
                Some((at.checked_next_multiple_of(unit)?, at.checked_next_multiple_of(unit)?.checked_add(memory.size)?))
            };
            let mut found = room(next);
            // In ascending order, so that one pass moves past all that are in the way.
            for (other, behind) in &fixed {
                if found.is_some_and(|(at, until)| at < *behind && *other < until) {
                    found = room(*behind);
                }
            }
            let Some((at, until)) = found.filter(|(_, until)| *until <= end) else {
                bail!(
                    "{}: no room for {:#x} bytes of `{}` in memory from {start:#x} up to {end:#x}: say --ram",
                    memory.origin.place,
                    memory.size,
                    memory.name
                );
            };
            places.push(at);
            next = until;
        }
        Ok(places)
    }

    /// The regions that more than one domain maps, as channels.
    fn shared(&self, places: &[u64]) -> Vec<(Channel, Origin)> {
        let mut channels = Vec::new();
        for (memory, phys) in self.memory.iter().zip(places) {
            let maps_it = |domain: &&Domain| domain.maps.iter().any(|map| map.memory == memory.name);
            let writes =
                |domain: &&Domain| domain.maps.iter().any(|map| map.memory == memory.name && map.rights.contains('w'));
            let end = |domain: &Domain| (identifier(&domain.name), writes(&domain));
            let ends: Vec<_> = self.domains.iter().filter(maps_it).map(end).collect();
            if ends.len() >= 2 {
                let name = format!("{}_shared", identifier(&memory.name));
                channels.push(model::channel(&memory.origin, name, [*phys, memory.size], &ends, "loader"));
            }
        }
        channels
    }

    fn part(&self, domain: &Domain, channels: &[(Channel, Origin)], places: &[u64], format: &str) -> Part {
        let entries = domain.maps.iter().map(|map| {
            let found = self.memory.iter().zip(places).find(|(memory, _)| memory.name == map.memory);
            let channel = format!("{}_shared", identifier(&map.memory));
            Entry {
                name: map.memory.clone(),
                virt: map.virt,
                phys: found.map_or(0, |(_, phys)| *phys),
                size: found.map_or(PAGE, |(memory, _)| memory.size),
                rights: RightsText::One(map.rights.clone()),
                // Of RISC-V, guests are users of their second stage.
                user: !domain.is_guest || format.starts_with("sv"),
                memory: if map.cached { "normal-wb" } else { "device-nGnRnE" },
                page: found.and_then(|(memory, _)| memory.page),
                channel: channels.iter().any(|(one, _)| one.name == channel).then_some(channel),
                resource: Some(identifier(&map.memory)),
                origin: map.origin.clone(),
                ..Entry::default()
            }
        });
        let role = if domain.is_guest { "guest" } else { "partition" };
        let origin = domain.origin.clone();
        Part { name: identifier(&domain.name), role, budget: None, entries: entries.collect(), origin }
    }

    /// Who writes what all domains only read: the loader fills it before they run.
    fn loader(&self, channels: &[(Channel, Origin)], places: &[u64]) -> Option<Part> {
        let filled = channels.iter().filter(|(channel, _)| channel.from == "loader");
        let entries: Vec<Entry> = filled
            .filter_map(|(channel, origin)| {
                let (memory, phys) =
                    self.memory.iter().zip(places).find(|(_, phys)| channel.phys == Some(Num(**phys)))?;
                Some(Entry {
                    name: memory.name.clone(),
                    virt: *phys,
                    phys: *phys,
                    size: memory.size,
                    rights: RightsText::One("rw".into()),
                    memory: "normal-wb",
                    channel: Some(channel.name.clone()),
                    resource: Some(identifier(&memory.name)),
                    origin: origin.clone(),
                    notes: vec!["written before the domains run; the address is assumed".into()],
                    ..Entry::default()
                })
            })
            .collect();
        let origin = Origin { place: self.path.display().to_string(), text: "the loader".into() };
        (!entries.is_empty()).then(|| Part { name: "loader".into(), role: "boot", budget: None, entries, origin })
    }
}

/// What it is and what is assumed.
fn about(path: &Path, options: &Options) -> Vec<String> {
    let mut about = vec![format!("Imported from {} (Microkit).", path.display()), String::new(), "Assumed:".into()];
    let mut assume = |text: &str| about.push(format!("* {text}."));
    if options.regime.is_none() {
        assume("AArch64 with 48 bits of virtual address; `--regime` says otherwise");
    }
    assume("Program images, stacks and buffers of IPC are not in the description, and not here");
    assume("Every domain is isolated from the others but for the regions that they share");
    if options.ram.is_none() {
        assume(&format!("Memory from {:#x}, {:#x} bytes; `--ram` says otherwise", RAM.0, RAM.1));
        assume("A region with `phys_addr` that somebody maps uncached is a device, others are memory");
    }
    assume("Regions without `phys_addr` lie one after the other in memory");
    about
}

/// The regime of a virtual machine beside that of the domains.
fn guest_of(format: &str) -> &'static str {
    match format {
        _ if format.starts_with("sv") => "sv39x4",
        _ if format.starts_with("x86") => "x86_64 ept",
        _ => "aarch64 4K IPA40 S2",
    }
}

fn features(format: &str) -> Option<Vec<String>> {
    let known = BTreeMap::from([("x86_64", vec!["nx".to_owned(), "ept_2m".to_owned(), "ept_1g".to_owned()])]);
    known.get(format.split(' ').next().unwrap_or_default()).cloned()
}
