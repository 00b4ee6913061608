//! The regions of a model, and the resources behind them.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::model::{Entry, Model, Origin, Origins};
use crate::resources::{Place, Run, derive, memory, unique};
use crate::system::{Num, Region, Resource};
use crate::twin;

/// Resources that were read off the map.
struct Derived {
    resources: Vec<Resource>,
    /// For each entry without a resource of its own.
    places: Vec<Place>,
}

/// Whether a resource has to be derived for an entry.
fn is_open(entry: &&Entry) -> bool {
    entry.resource.is_none() && entry.is_range()
}

impl Model {
    /// The regions of each space; what resources they need is added to those that are known.
    ///
    /// # Errors
    /// More regions than can be judged.
    pub(crate) fn assemble(&mut self, origins: &mut Origins) -> Result<Vec<Vec<Region>>> {
        let bus_decides = self.format.starts_with("sv");
        let derived = self.derive(bus_decides)?;
        for (known, _) in &mut self.resources {
            let holds = |one: &&Resource| one.within.is_none() && one.base <= known.base && end(known) <= end(one);
            if known.within.is_none() {
                known.within = derived.resources.iter().find(holds).map(|one| one.name.clone());
            }
        }
        let mut places = derived.places.into_iter();
        let mut regions = Vec::new();
        for part in &self.spaces {
            let mut list = Vec::new();
            for entry in &part.entries {
                origins.insert((part.name.clone(), entry.name.clone()), entry.origin.clone());
                let mut region = self.region(entry, bus_decides);
                if let Some(place) = is_open(&entry).then(|| places.next()).flatten() {
                    let of_resource = origins.entry((String::new(), place.resource.clone()));
                    of_resource.or_insert_with(|| entry.origin.clone());
                    put(&mut region, place);
                }
                list.push(region);
            }
            regions.push(list);
        }
        let origin = |one: &Resource| origins.get(&(String::new(), one.name.clone())).cloned().unwrap_or_default();
        let derived: Vec<(Resource, Origin)> =
            derived.resources.into_iter().map(|one| (one.clone(), origin(&one))).collect();
        self.resources.splice(0..0, derived);
        Ok(regions)
    }

    /// Reads resources off the entries that have none, with names that are free.
    fn derive(&self, bus_decides: bool) -> Result<Derived> {
        let all = || self.spaces.iter().flat_map(|space| &space.entries).filter(is_open);
        let mut runs: Vec<Run> = all().map(run).collect();
        if runs.len() > twin::REGIONS {
            bail!("{} regions, and at most {} can be judged", runs.len(), twin::REGIONS);
        }
        let mut names: Vec<String> = all().map(|entry| entry.name.clone()).collect();
        let own = runs.len();
        // What is known and mapped by some entry becomes a part of what is derived.
        for (known, _) in &self.resources {
            let (phys, size) = (known.base.0, known.size.0.min(u64::MAX - known.base.0));
            if runs[..own].iter().any(|run| run.phys < phys + size && phys < run.phys + run.size) {
                runs.push(Run { virt: 0, phys, size, rights: String::new(), memory: "normal-wb".into() });
                names.push(format!("{}_and_more", known.name));
            }
        }
        let (mut resources, mut places) = derive(&runs, &names, bus_decides).map_err(anyhow::Error::msg)?;
        places.truncate(own);
        let mut taken = BTreeMap::new();
        let known =
            self.resources.iter().map(|(known, _)| &known.name).chain(self.spaces.iter().map(|space| &space.name));
        known.for_each(|name| drop(unique(name, &mut taken)));
        let fresh: BTreeMap<String, String> =
            resources.iter().map(|one| (one.name.clone(), unique(&one.name, &mut taken))).collect();
        for resource in &mut resources {
            resource.name = fresh[&resource.name].clone();
            resource.within = resource.within.as_ref().map(|name| fresh[name].clone());
        }
        places.iter_mut().for_each(|place| place.resource = fresh[&place.resource].clone());
        Ok(Derived { resources, places })
    }

    fn region(&self, entry: &Entry, bus_decides: bool) -> Region {
        let mut note = vec![entry.origin.note()];
        note.extend(entry.notes.iter().cloned());
        let known = self.resources.iter().find(|(one, _)| Some(&one.name) == entry.resource.as_ref());
        // The bus decides, or the resource does, unless the entry says otherwise.
        let own = memory(entry.memory).ok().filter(|_| entry.resource.is_some() && !bus_decides);
        let own = own.filter(|memory| known.is_none_or(|(one, _)| one.memory != *memory));
        Region {
            note,
            name: entry.name.clone(),
            kind: if entry.channel.is_some() { "channel" } else { "map" }.into(),
            virt: Some(Num(entry.virt)),
            size: Num(entry.size),
            rights: entry.rights.clone(),
            user: entry.user,
            phys: (entry.resource.is_none() && entry.channel.is_none()).then_some(Num(entry.phys)),
            resource: entry.resource.clone(),
            offset: (entry.offset > 0).then_some(Num(entry.offset)),
            channel: entry.channel.clone(),
            memory: own.map(str::to_owned),
            page: entry.page.map(Num),
            page_max: entry.page_max.map(Num),
            ..Region::default()
        }
    }
}

/// Puts a region where its memory is; an end of a channel says so already.
fn put(region: &mut Region, place: Place) {
    if region.channel.is_none() {
        region.phys = None;
        region.resource = Some(place.resource);
        region.offset = Some(Num(place.offset));
    }
    region.memory = place.memory;
}

fn end(resource: &Resource) -> u128 {
    u128::from(resource.base.0) + u128::from(resource.size.0)
}

fn run(entry: &Entry) -> Run {
    Run { virt: entry.virt, phys: entry.phys, size: entry.size, rights: String::new(), memory: entry.memory.into() }
}
