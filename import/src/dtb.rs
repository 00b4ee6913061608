//! A device tree blob: memory, what is reserved in it, and the registers of devices.
//!
//! What comes of it is a kernel that maps memory and devices at their own addresses: a start to work from. Whether the
//! tree contradicts itself is what the rules find in the resources.

mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::model::{Entry, Imported, Model, Origin, Part, resource};
use crate::resources::unique;
use crate::system::{Resource, RightsText};
use crate::{Options, formats};
use tree::{Range, Tree};

/// Bytes of a page.
const PAGE: u64 = 0x1000;

/// Whether bytes are of this kind.
pub(crate) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&0xd00d_feed_u32.to_be_bytes())
}

/// Reads a blob.
///
/// # Errors
/// It is none.
pub(crate) fn import(bytes: &[u8], path: &Path, options: &Options) -> Result<Imported> {
    let mut tree = Tree::read(bytes, path)?;
    let remarks = std::mem::take(&mut tree.remarks);
    let mut map = Map::default();
    let format = options.regime.clone().unwrap_or_else(|| tree.format.clone());
    let bits = formats::named(&format).map_err(anyhow::Error::msg)?.input_bits;
    map.limit = 1_u64.checked_shl(bits.saturating_sub(1)).unwrap_or(u64::MAX);
    map.about.push(format!(
        "Imported from {} (device tree{}).",
        path.display(),
        tree.model.as_deref().map_or(String::new(), |model| format!(" of {model}"))
    ));
    map.about.extend([String::new(), "Assumed:".into()]);
    map.about.extend(tree.assumed.iter().map(|text| format!("* {text}.")));
    map.about.push("* A kernel maps all memory and all devices at their own addresses, with `rw`.".into());
    map.memory(&tree);
    map.devices(&tree.devices);
    let space = Part { name: "kernel".into(), role: "kernel", entries: map.entries, ..Part::default() };
    let model = Model {
        name: crate::stem(path),
        format,
        about: map.about,
        resources: map.resources,
        spaces: vec![space],
        ..Model::default()
    };
    let mut imported = model.build()?;
    imported.remarks.splice(0..0, remarks.into_iter().chain(map.remarks));
    Ok(imported)
}

/// The map that is made of a tree.
#[derive(Default)]
struct Map {
    about: Vec<String>,
    remarks: Vec<String>,
    resources: Vec<(Resource, Origin)>,
    entries: Vec<Entry>,
    /// Names of resources.
    taken: BTreeMap<String, usize>,
    /// Where addresses end that can be mapped at themselves.
    limit: u64,
}

impl Map {
    fn resource(&mut self, range: &Range, memory: &str, within: Option<String>) -> &mut Resource {
        let name = unique(&range.name, &mut self.taken);
        let (mut one, origin) = resource(&name, range.start, range.size, memory, &range.origin);
        one.within = within;
        let at = self.resources.len();
        self.resources.push((one, origin));
        &mut self.resources[at].0
    }

    /// Memory with what is reserved in it; the kernel maps the rest.
    fn memory(&mut self, tree: &Tree) {
        for bank in &tree.memory {
            self.resource(bank, "normal_wb", None);
        }
        let banks: Vec<Resource> = self.resources.iter().map(|(one, _)| one.clone()).collect();
        for (range, unmapped) in &tree.reserved {
            let holds =
                |bank: &&Resource| bank.base.0 <= range.start && range.end() <= bank.base.0.saturating_add(bank.size.0);
            let within = banks.iter().find(holds).map(|bank| bank.name.clone());
            let one = self.resource(range, "normal_wb", within);
            one.reserved = *unmapped;
            if !unmapped {
                one.note.push("may be mapped".into());
            }
        }
        for (bank, one) in tree.memory.iter().zip(&banks) {
            let holes =
                tree.reserved.iter().filter(|(_, unmapped)| *unmapped).map(|(range, _)| (range.start, range.end()));
            let mut holes: Vec<(u64, u64)> = holes.collect();
            holes.sort_unstable();
            let mut at = bank.start;
            for (start, end) in holes.into_iter().chain([(bank.end(), bank.end())]) {
                self.map(bank, &one.name, at, start.min(bank.end()));
                at = at.max(end);
            }
        }
    }

    /// Maps a part of a resource, in whole pages, if there is any; but never address 0, where a null pointer faults.
    fn map(&mut self, range: &Range, resource: &str, start: u64, end: u64) {
        let (Some(first), last) = (start.max(1).checked_next_multiple_of(PAGE), end & !(PAGE - 1)) else { return };
        if first >= last {
            return;
        }
        if last > self.limit {
            self.remarks.push(format!(
                "{}: `{resource}` is not mapped: {first:#x} up to {last:#x} is beyond the regime",
                range.origin.place
            ));
            return;
        }
        self.entries.push(Entry {
            name: resource.to_owned(),
            virt: first,
            phys: first,
            size: last - first,
            rights: RightsText::One("rw".into()),
            memory: if self.is_memory(resource) { "normal-wb" } else { "device-nGnRE" },
            resource: Some(resource.to_owned()),
            offset: first - range.start,
            origin: range.origin.clone(),
            ..Entry::default()
        });
    }

    fn is_memory(&self, resource: &str) -> bool {
        self.resources.iter().any(|(one, _)| one.name == resource && one.memory == "normal_wb")
    }

    /// Devices; those that share pages lie within a resource of whole pages, which is what can be mapped.
    fn devices(&mut self, devices: &[Range]) {
        let mut order: Vec<&Range> = devices.iter().collect();
        order.sort_by_key(|range| (range.start, u64::MAX - range.size));
        let mut groups: Vec<Vec<&Range>> = Vec::new();
        let mut end = 0;
        for range in order {
            let start = range.start & !(PAGE - 1);
            match groups.last_mut() {
                Some(group) if start < end => group.push(range),
                _ => groups.push(vec![range]),
            }
            end = end.max(range.end().checked_next_multiple_of(PAGE).unwrap_or(u64::MAX));
        }
        for group in groups {
            self.group(&group);
        }
    }

    fn group(&mut self, group: &[&Range]) {
        let [first, ..] = group else { return };
        let start = first.start & !(PAGE - 1);
        let end = group.iter().map(|range| range.end()).max().unwrap_or(start);
        let Some(end) = end.checked_next_multiple_of(PAGE) else {
            self.resource(first, "device_nGnRE", None);
            return;
        };
        if let [alone] = group
            && (alone.start, alone.end()) == (start, end)
        {
            let name = self.resource(alone, "device_nGnRE", None).name.clone();
            self.map(alone, &name, start, end);
            return;
        }
        let pages = Range {
            name: format!("{}_pages", first.name),
            start,
            size: end - start,
            origin: first.origin.clone(),
            around: None,
        };
        let name = self.resource(&pages, "device_nGnRE", None).name.clone();
        let mut named: Vec<(&str, String)> = Vec::new();
        for range in group {
            let around = range.around.as_ref().and_then(|around| named.iter().find(|(path, _)| path == around));
            let within = around.map_or_else(|| name.clone(), |(_, name)| name.clone());
            let one = self.resource(range, "device_nGnRE", Some(within)).name.clone();
            named.push((&range.origin.place, one));
        }
        if group.len() > 1 {
            let names: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
            self.remarks.push(format!("{start:#x}: {} share pages: who has one, has all", names.join(", ")));
        }
        self.map(&pages, &name, start, end);
    }
}
