//! Names and addresses followed to what they stand for.

use super::{Extent, LIST, NOWHERE, Order, TOP};
use crate::attr::MemoryType;
use crate::map::{Map, Phys, Region, Resource, Section, Space};
use crate::text::same;

/// Index of the resource of that name, or [`NOWHERE`].
#[must_use]
pub const fn find_resource(map: &Map<'_>, name: &str) -> u16 {
    let mut i = 0;
    while i < map.resources.len() {
        if same(map.resources[i].name, name) {
            return i as u16;
        }
        i += 1;
    }
    NOWHERE
}

/// Index of the space of that name, or [`NOWHERE`].
#[must_use]
pub const fn find_space(map: &Map<'_>, name: &str) -> u16 {
    let mut i = 0;
    while i < map.spaces.len() {
        if same(map.spaces[i].name, name) {
            return i as u16;
        }
        i += 1;
    }
    NOWHERE
}

/// Index of the region of that name in `space`, or [`NOWHERE`].
#[must_use]
pub const fn find_region(space: &Space<'_>, name: &str) -> u16 {
    let mut i = 0;
    while i < space.regions.len() {
        if same(space.regions[i].name, name) {
            return i as u16;
        }
        i += 1;
    }
    NOWHERE
}

/// Index of the last region of that name in front of `end`, or [`NOWHERE`]. What follows another is often next to it.
pub(super) const fn find_before(space: &Space<'_>, name: &str, end: usize) -> u16 {
    let mut i = end;
    while i > 0 {
        i -= 1;
        if same(space.regions[i].name, name) {
            return i as u16;
        }
    }
    NOWHERE
}

/// Index of the channel of that name, or [`NOWHERE`].
#[must_use]
pub const fn find_channel(map: &Map<'_>, name: &str) -> u16 {
    let mut i = 0;
    while i < map.channels.len() {
        if same(map.channels[i].name, name) {
            return i as u16;
        }
        i += 1;
    }
    NOWHERE
}

/// A physical place as a number: `(address, resource)`; the address is missing where a name leads nowhere.
#[must_use]
pub const fn place(map: &Map<'_>, phys: Phys<'_>) -> (Option<u128>, u16) {
    match phys {
        Phys::None => (None, NOWHERE),
        Phys::At(address) => (Some(address as u128), NOWHERE),
        Phys::In { resource, offset } => {
            let at = find_resource(map, resource);
            if at == NOWHERE {
                return (None, NOWHERE);
            }
            (Some((map.resources[at as usize].base as u128 + offset as u128) % TOP), at)
        }
        Phys::Channel { channel, offset } => {
            let at = find_channel(map, channel);
            if at == NOWHERE {
                return (None, NOWHERE);
            }
            match map.channels[at as usize].phys {
                Phys::Channel { .. } => (None, NOWHERE),
                inner => match place(map, inner) {
                    (Some(address), resource) => (Some((address + offset as u128) % TOP), resource),
                    nothing => nothing,
                },
            }
        }
    }
}

/// First link address and end of a section of `space`, whose extents these are; `None` where the region that it names is
/// none, or has no address.
#[must_use]
pub const fn section_place(space: &Space<'_>, extents: &[Extent], section: &Section<'_>) -> Option<(u128, u128)> {
    let Some(name) = section.region else {
        return Some((section.virt as u128, section.virt as u128 + section.size as u128));
    };
    let at = find_region(space, name) as usize;
    if at >= extents.len() || !extents[at].has_virt {
        return None;
    }
    let first = extents[at].virt + section.virt as u128;
    let end = match section.size {
        // Behind the end of the region is one byte that no region need have.
        0 if section.virt as u128 >= extents[at].size => first + 1,
        0 => extents[at].virt + extents[at].size,
        size => first + size as u128,
    };
    Some((first, end))
}

/// The smallest declared resource that holds `address`.
#[must_use]
pub const fn resource_at<'a>(map: &Map<'a>, address: u128) -> Option<&'a Resource<'a>> {
    let mut best: Option<&'a Resource<'a>> = None;
    let mut i = 0;
    while i < map.resources.len() {
        let r = &map.resources[i];
        let inside = r.base as u128 <= address && address < r.base as u128 + r.size as u128;
        if inside {
            best = match best {
                Some(b) if b.size <= r.size => Some(b),
                _ => Some(r),
            };
        }
        i += 1;
    }
    best
}

/// The memory type that `resource` has on the bus, whatever entries say: a part of RAM has that of the outermost memory
/// it is declared `within`. Devices among memory, and memory among devices, are what they say they are.
#[must_use]
pub const fn bus_type(map: &Map<'_>, resource: &Resource<'_>) -> MemoryType {
    let (mut memory, mut within, mut steps) = (resource.memory, resource.within, 0);
    while let Some(name) = within
        && steps < map.resources.len()
    {
        let at = find_resource(map, name);
        if memory.is_device() || at == NOWHERE || map.resources[at as usize].memory.is_device() {
            break;
        }
        memory = map.resources[at as usize].memory;
        within = map.resources[at as usize].within;
        steps += 1;
    }
    memory
}

/// The resources of a map, sorted by their base.
pub(crate) const fn by_base(map: &Map<'_>) -> Order<LIST> {
    let mut order = Order::EMPTY;
    let mut i = 0;
    while i < map.resources.len() {
        let r = &map.resources[i];
        order.push(i, r.base as u128, r.base as u128 + r.size as u128);
        i += 1;
    }
    order.sort();
    order
}

/// Which resources overlap no other.
pub(super) const fn alone(map: &Map<'_>, by_base: &Order<LIST>) -> [bool; LIST] {
    let mut alone = [map.resources.len() <= LIST; LIST];
    let mut cursor = (0, 0);
    while let Some((a, b)) = by_base.pair(&mut cursor) {
        if a < LIST && b < LIST {
            alone[a] = false;
            alone[b] = false;
        }
    }
    alone
}

/// Physical bytes that lie in one resource, or in none.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) lo: u128,
    pub(crate) hi: u128,
    /// The smallest resource that holds them, or [`NOWHERE`].
    pub(crate) resource: u16,
}

/// The bytes from `at` to the next border of a resource, `end` at the latest.
pub(crate) const fn segment(map: &Map<'_>, by_base: &Order<LIST>, at: u128, end: u128) -> Segment {
    let mut segment = Segment { lo: at, hi: end, resource: NOWHERE };
    let (mut p, last) = by_base.around(at, end);
    while p < last {
        let index = by_base.object(p);
        let r = &map.resources[index];
        let (lo, hi) = (r.base as u128, r.base as u128 + r.size as u128);
        if lo <= at && at < hi {
            if hi < segment.hi {
                segment.hi = hi;
            }
            let smaller = segment.resource == NOWHERE || {
                let best = map.resources[segment.resource as usize].size;
                r.size < best || (r.size == best && index < segment.resource as usize)
            };
            if smaller {
                segment.resource = index as u16;
            }
        } else if at < lo && lo < segment.hi {
            segment.hi = lo;
        }
        p += 1;
    }
    segment
}

/// The memory type of a region at its first byte: its own, or that of the resource there.
#[must_use]
pub const fn memory_of(map: &Map<'_>, region: &Region<'_>, extent: &Extent) -> Option<MemoryType> {
    match region.memory {
        Some(memory) => Some(memory),
        None if !extent.has_phys => None,
        None if extent.holder == NOWHERE => None,
        None => Some(map.resources[extent.holder as usize].memory),
    }
}
