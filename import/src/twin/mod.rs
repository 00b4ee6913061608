//! The run-time twin: a system as a [`Map`] value, judged by the same rules without the compiler.

mod options;
mod region;
mod space;

use std::thread;

use tablature::attr::{MemoryType, Rights};
use tablature::layout::{Layout, count_regions};
use tablature::map::{self, Map, Phys};
use tablature::rule::{self, Finding, Rule};

use crate::formats;
use crate::system::{self, Channel, Num, System};

/// Most regions of a system, and most findings that are kept of one.
pub const REGIONS: usize = 512;
const FINDINGS: usize = 512;
/// Bytes of stack for the judge.
const STACK: usize = 64 << 20;

/// The ids of all rules.
#[must_use]
pub fn rules() -> Vec<&'static str> {
    Rule::ALL.iter().map(|rule| rule.id()).collect()
}

/// What the rules find in a map: errors, then warnings.
pub struct Findings {
    /// What breaks a rule.
    pub errors: Vec<Finding<'static>>,
    /// What only looks odd.
    pub warnings: Vec<Finding<'static>>,
}

/// Judges a map by the rules.
///
/// # Errors
/// More regions or findings than this program keeps.
pub fn findings(map: &Map<'static>) -> Result<Findings, String> {
    if count_regions(map) > REGIONS {
        return Err(format!("{} regions, and at most {REGIONS} can be judged at run time", count_regions(map)));
    }
    // Everything is by value on the stack, which is too much for a thread of the usual size.
    let judge = || -> Result<Findings, String> {
        let layout = Layout::<REGIONS>::of(map);
        let (errors, warnings) = rule::check::<REGIONS, FINDINGS>(map, &layout);
        if errors.total > FINDINGS || warnings.total > FINDINGS {
            return Err(format!("more than {FINDINGS} findings"));
        }
        Ok(Findings { errors: errors.as_slice().to_vec(), warnings: warnings.as_slice().to_vec() })
    };
    thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, judge);
        let joined = spawned.map_err(|error| error.to_string())?.join();
        joined.unwrap_or_else(|_| Err("the rules panicked".into()))
    })
}

/// Values that live until the program ends, which is soon: a [`Map`] borrows everything.
fn keep<T>(items: Vec<T>) -> &'static [T] {
    items.leak()
}

fn text(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn optional_text(value: Option<&String>) -> Option<&'static str> {
    value.map(|value| text(value))
}

fn value(number: Option<Num>) -> Option<u64> {
    number.map(|Num(value)| value)
}

/// The system as a value.
///
/// # Errors
/// What of it a value cannot hold.
pub fn map(system: &System) -> Result<Map<'static>, String> {
    let resources = system.resources.iter().map(resource).collect::<Result<Vec<_>, _>>()?;
    let spaces = system.spaces.iter().map(space::space).collect::<Result<Vec<_>, _>>()?;
    let channels = system.channels.iter().map(channel).collect();
    let isolation = system.isolation.iter().map(|isolation| map::Isolation {
        spaces: keep(isolation.spaces.iter().map(|name| text(name)).collect()),
        except: keep(isolation.except.iter().map(|name| text(name)).collect()),
        anchor: 0,
    });
    let devices = system.dma.iter().map(device).collect::<Result<Vec<_>, String>>()?;
    let transitions = system.transitions.iter().map(|transition| map::Transition {
        name: text(&transition.name),
        from: optional_text(transition.from.as_ref()),
        to: text(&transition.to),
        pc: value(transition.pc),
        sp: value(transition.sp),
        vectors: value(transition.vectors),
        in_place: transition.in_place,
        bbm: transition.bbm,
        anchor: 0,
    });
    Ok(Map {
        name: text(&system.id),
        anchor: 0,
        format: formats::named(&system.format)?,
        cpu: options::cpu(&system.options)?,
        policy: options::policy(&system.options)?,
        resources: keep(resources),
        spaces: keep(spaces),
        channels: keep(channels),
        isolation: keep(isolation.collect()),
        devices: keep(devices),
        transitions: keep(transitions.collect()),
    })
}

fn place(phys: Option<Num>, resource: Option<&String>, offset: Option<Num>) -> Phys<'static> {
    match (phys, resource) {
        (_, Some(resource)) => Phys::In { resource: text(resource), offset: offset.unwrap_or_default().0 },
        (Some(Num(phys)), None) => Phys::At(phys),
        (None, None) => Phys::None,
    }
}

/// The memory type of that name.
///
/// # Errors
/// There is none.
pub fn memory(name: &str) -> Result<MemoryType, String> {
    let found = MemoryType::ALL.into_iter().find(|memory| memory.name() == name);
    found.ok_or_else(|| format!("memory type `{name}`"))
}

/// The rights that `text` spells, each letter once.
///
/// # Errors
/// It spells none.
pub fn rights(text: &str) -> Result<Rights, String> {
    let mut all = Rights::NONE;
    for letter in text.chars() {
        let right = match letter {
            'r' => Rights::R,
            'w' => Rights::W,
            'x' => Rights::X,
            _ => return Err(format!("rights `{text}`")),
        };
        if all.contains(right) {
            return Err(format!("rights `{text}`"));
        }
        all = all.union(right);
    }
    Ok(all)
}

fn resource(resource: &system::Resource) -> Result<map::Resource<'static>, String> {
    Ok(map::Resource {
        name: text(&resource.name),
        base: resource.base.0,
        size: resource.size.0,
        memory: memory(&resource.memory)?,
        reserved: resource.reserved,
        owner: optional_text(resource.owner.as_ref()),
        rights: resource.rights.as_deref().map(rights).transpose()?,
        within: optional_text(resource.within.as_ref()),
        anchor: 0,
    })
}

fn channel(channel: &Channel) -> map::Channel<'static> {
    map::Channel {
        name: text(&channel.name),
        phys: place(channel.phys, channel.resource.as_ref(), channel.offset),
        size: channel.size.0,
        from: text(&channel.from),
        to: keep(channel.to.iter().map(|name| text(name)).collect()),
        two_way: channel.direction == "two_way",
        anchor: 0,
    }
}

fn device(dma: &system::Dma) -> Result<map::Device<'static>, String> {
    let windows = dma.regions.iter().map(|window| {
        Ok(map::DmaWindow {
            name: text(&window.name),
            iova: window.iova.0,
            phys: place(window.phys, window.resource.as_ref(), window.offset),
            size: window.size.0,
            rights: rights(&window.rights)?,
            anchor: 0,
        })
    });
    Ok(map::Device {
        name: text(&dma.device),
        owner: text(&dma.owner),
        iommu: dma.iommu,
        addr_bits: dma.addr_bits.map(|Num(bits)| u32::try_from(bits).unwrap_or(u32::MAX)),
        coherent: dma.coherent.unwrap_or(true),
        windows: keep(windows.collect::<Result<Vec<_>, String>>()?),
        anchor: 0,
    })
}
