//! What the pages of a window say, whose frames are known when the program runs.

use super::step::is_global;
use crate::attr::{Access, MemoryType, Rights};
use crate::format::{Format, Leaf};
use crate::layout::bus_type;
use crate::map::{Map, Region, Space};

/// The word of a page of the window `region` without its address, as hardware would leave it: accessed, and dirty if it can
/// be written. `None` where the format has no encoding for it.
pub(crate) const fn window_flags(
    space: &Space<'_>,
    format: &Format,
    region: &Region<'_>,
    access: Access,
    memory: MemoryType,
) -> Option<u64> {
    let leaf = Leaf {
        address: 0,
        access,
        memory,
        global: is_global(space, format, region),
        run: 0,
        software: match region.software {
            Some(value) => value as u8,
            None => 0,
        },
        guarded: region.bti && access.any().contains(Rights::X),
    };
    match format.leaf_flags(0, &leaf) {
        Some(word) => {
            let dirty = if access.any().contains(Rights::W) { format.dirty } else { 0 };
            Some(word | format.accessed | dirty)
        }
        None => None,
    }
}

/// The type that entries of the window `region` ask for: none, where the bus has it already. `usual` stands for memory, or
/// for registers; it is what they are if neither the window nor the memory of the map says otherwise. `None` where the
/// memory of the map is of several types, and the window does not say which.
pub(crate) const fn window_memory(
    map: &Map<'_>,
    format: &Format,
    region: &Region<'_>,
    usual: MemoryType,
) -> Option<MemoryType> {
    let said = match region.memory {
        Some(memory) if memory.is_device() == usual.is_device() => Some(memory),
        _ => None,
    };
    let memory = match (said, declared(map, usual)) {
        (Some(memory), _) | (None, Some(memory)) => memory,
        (None, None) => return None,
    };
    let is_natural = match declared_bus(map, memory) {
        Some(bus) => bus.is(memory),
        None => said.is_none(),
    };
    Some(if format.inherent_memory && is_natural { MemoryType::Inherent } else { memory })
}

/// What the memory of a map is that is a device, or not, as `usual` is: that, where some is or none is declared.
const fn declared(map: &Map<'_>, usual: MemoryType) -> Option<MemoryType> {
    let (mut only, mut several, mut i) = (None, false, 0);
    while i < map.resources.len() {
        let memory = map.resources[i].memory;
        if memory.is_device() == usual.is_device() && !map.resources[i].reserved {
            if memory.is(usual) {
                return Some(usual);
            }
            several |= matches!(only, Some(other) if !memory.is(other));
            only = Some(memory);
        }
        i += 1;
    }
    match only {
        None => Some(usual),
        _ if several => None,
        only => only,
    }
}

/// What the bus has where memory of the type `memory` is declared; another type, where some differs.
pub(crate) const fn declared_bus(map: &Map<'_>, memory: MemoryType) -> Option<MemoryType> {
    let (mut bus, mut i) = (None, 0);
    while i < map.resources.len() {
        if map.resources[i].memory.is(memory) {
            let here = bus_type(map, &map.resources[i]);
            if !here.is(memory) {
                return Some(here);
            }
            bus = Some(here);
        }
        i += 1;
    }
    bus
}
