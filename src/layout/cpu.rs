//! What the CPU block of a map means for its spaces.

use super::{place, size_of};
use crate::attr::{Access, Features, Rights};
use crate::format::Format;
use crate::map::{Kind, Map, Space};

/// The CPU features that a map may use.
#[must_use]
pub const fn features(map: &Map<'_>) -> Features {
    match map.cpu.features {
        Some(features) => features,
        None => map.format.default_features,
    }
}

/// What all regions of a map together ask of the registers that its spaces share.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    /// Bitmap of the accesses, by their indices.
    accesses: u64,
    /// Bitmap of the memory types, by their values.
    memory_types: u32,
}

impl Demands {
    /// Those of `map`. Cost: one pass over its regions.
    #[must_use]
    pub const fn of(map: &Map<'_>) -> Self {
        Self { accesses: accesses(map), memory_types: memory_types(map) }
    }
}

/// The format of a space as the map's CPU block shapes it: wide descriptors, start level, memory-type register.
#[must_use]
pub const fn format_of(map: &Map<'_>, space: &Space<'_>) -> Format {
    format_for(map, space, &Demands::of(map))
}

/// The same with the demands of the map, for who asks for more than one space.
#[must_use]
pub const fn format_for(map: &Map<'_>, space: &Space<'_>, demands: &Demands) -> Format {
    let format = match space.format {
        Some(format) => format,
        None => map.format,
    };
    let format = format.shaped(&map.cpu, features(map));
    let format = if !format.free_rights.is_empty() && features(map).contains(format.free_rights) {
        format.with_indirect_rights(demands.accesses)
    } else {
        format
    };
    match map.cpu.mair {
        Some(_) => format,
        None => format.with_types(demands.memory_types),
    }
}

/// The accesses that regions of a map have, as a bitmap of their indices. The registers behind them serve all spaces.
const fn accesses(map: &Map<'_>) -> u64 {
    let (mut used, mut s) = (0, 0);
    while s < map.spaces.len() {
        let regions = map.spaces[s].regions;
        let mut r = 0;
        while r < regions.len() {
            let access = regions[r].access;
            match regions[r].kind {
                Kind::Guard => {}
                Kind::Window => used |= 1 << access.index() | granted(access),
                _ => used |= 1 << access.index(),
            }
            r += 1;
        }
        s += 1;
    }
    used
}

/// The accesses that pages of a window can be given: the rights that are types, as far as it is declared with them.
const fn granted(most: Access) -> u64 {
    let all = [Rights::R, Rights::RW, Rights::RX, Rights::RWX];
    let (mut used, mut i) = (0, 0);
    while i < all.len() {
        if most.privileged.contains(all[i]) {
            used |= 1 << Access::kernel(all[i]).index();
        }
        if most.user.contains(all[i]) && most.privileged.contains(all[i].data()) {
            used |= 1 << Access::user(all[i]).index();
        }
        i += 1;
    }
    used
}

/// The memory types that a map names, as a bitmap of their values. The register behind them is one for all spaces.
const fn memory_types(map: &Map<'_>) -> u32 {
    let mut used = 0;
    let mut i = 0;
    while i < map.resources.len() {
        used |= 1 << map.resources[i].memory as u32;
        i += 1;
    }
    let mut s = 0;
    while s < map.spaces.len() {
        let regions = map.spaces[s].regions;
        let mut r = 0;
        while r < regions.len() {
            if let Some(memory) = regions[r].memory {
                used |= 1 << memory as u32;
            }
            r += 1;
        }
        s += 1;
    }
    used
}

/// Physical address bits of the map's CPU.
#[must_use]
pub const fn pa_bits(map: &Map<'_>) -> u32 {
    match map.cpu.pa_bits {
        Some(bits) => bits,
        None => map.format.output_bits,
    }
}

/// Physical address bits that the last mapped byte of a space needs.
#[must_use]
pub const fn output_bits(map: &Map<'_>, space: &Space<'_>) -> u32 {
    let (mut last, mut r) = (0u128, 0);
    while r < space.regions.len() {
        let region = &space.regions[r];
        let size = size_of(map, region) as u128;
        if let (Some(phys), _) = place(map, region.phys)
            && !matches!(region.kind, Kind::Guard)
            && phys + size > last + 1
        {
            last = phys + size - 1;
        }
        r += 1;
    }
    u128::BITS - last.leading_zeros()
}
