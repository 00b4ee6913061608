//! The regions of a map with every reference followed: plain numbers for rules and planner.
//!
//! [`Layout::of`] judges nothing. Where a reference leads nowhere the number is missing, and the rules say so.
//! Addresses are `u128`, so that the exclusive end 2^64 and sums that wrap are ordinary numbers.

use crate::format::Format;
use crate::map::{Kind, LeafPolicy, Map, Phys, Region, Space, Virt};
use crate::text::same;

mod cpu;
mod find;
mod names;
mod order;

pub use cpu::{Demands, features, format_for, format_of, output_bits, pa_bits};
pub(crate) use find::{Segment, by_base, segment};
use find::{alone, find_before};
pub use find::{
    bus_type, find_channel, find_region, find_resource, find_space, memory_of, place, resource_at, section_place,
};
use names::ResourceNames;
pub(crate) use order::{Order, pages, shared};

/// Resources, windows or sections that are kept sorted; more are searched one by one.
pub(crate) const LIST: usize = 512;
/// One past the last 64-bit address.
pub const TOP: u128 = 1 << 64;
/// "No such resource, space or region" where an index is expected.
pub const NOWHERE: u16 = u16::MAX;

/// Where a region lies.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Index of its space in the map.
    pub space: u16,
    /// Index of the region in its space.
    pub region: u16,
    /// Whether the virtual start is known.
    pub has_virt: bool,
    /// Whether it has a physical side that is known.
    pub has_phys: bool,
    /// Resource it names (through a channel, too), or [`NOWHERE`].
    pub resource: u16,
    /// The smallest resource that holds its first physical byte, or [`NOWHERE`].
    pub holder: u16,
    /// No border of a resource lies between its physical bytes: `holder` says what all of them are.
    pub uniform: bool,
    /// It names a resource that overlaps no other, and lies inside it.
    pub is_plain: bool,
    /// Bytes.
    pub size: u128,
    /// Declared virtual start.
    pub virt: u128,
    /// Declared physical start.
    pub phys: u128,
    /// First virtual byte it occupies (whole granules or rounding units).
    pub v_lo: u128,
    /// End of what it occupies.
    pub v_hi: u128,
    /// First physical byte it occupies.
    pub p_lo: u128,
    /// End of what it occupies.
    pub p_hi: u128,
    /// The unit it occupies whole multiples of.
    pub unit: u64,
    /// It has a wrong size, wraps or is misaligned: it takes no part in set rules and tables.
    pub bad: bool,
}

impl Extent {
    /// An extent of nothing.
    pub const BLANK: Self = Self {
        space: 0,
        region: 0,
        has_virt: false,
        has_phys: false,
        resource: NOWHERE,
        holder: NOWHERE,
        uniform: true,
        is_plain: false,
        size: 0,
        virt: 0,
        phys: 0,
        v_lo: 0,
        v_hi: 0,
        p_lo: 0,
        p_hi: 0,
        unit: 0,
        bad: true,
    };

    /// Whether the two occupy a common virtual byte.
    #[must_use]
    pub const fn meets(&self, other: &Self) -> bool {
        self.v_lo < other.v_hi && other.v_lo < self.v_hi
    }
}

/// Where every region of a map lies, in the order of declaration, space by space.
#[derive(Clone, Copy, Debug)]
pub struct Layout<const R: usize> {
    /// The regions; entries from `len` on are blank.
    pub extents: [Extent; R],
    /// How many there are.
    pub len: usize,
}

/// Regions of all spaces.
#[must_use]
pub const fn count_regions(map: &Map<'_>) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < map.spaces.len() {
        n += map.spaces[i].regions.len();
        i += 1;
    }
    n
}

/// Bytes of a region: declared, or the rest of its resource or channel.
#[must_use]
pub(crate) const fn size_of(map: &Map<'_>, region: &Region<'_>) -> u64 {
    if let Some(size) = region.size {
        return size;
    }
    match region.phys {
        Phys::In { resource, offset } => match find_resource(map, resource) {
            NOWHERE => 0,
            at => map.resources[at as usize].size.saturating_sub(offset),
        },
        Phys::Channel { channel, offset } => match find_channel(map, channel) {
            NOWHERE => 0,
            at => map.channels[at as usize].size.saturating_sub(offset),
        },
        _ => 0,
    }
}

const fn down(value: u128, unit: u64) -> u128 {
    value - value % unit as u128
}

const fn up(value: u128, unit: u64) -> u128 {
    down(value + unit as u128 - 1, unit)
}

/// Physical start of a region, the resource it names, and its bytes: declared, or the rest of that resource.
/// `likely` is the resource of the region before, or [`NOWHERE`].
const fn physical_side(
    map: &Map<'_>,
    names: &ResourceNames,
    region: &Region<'_>,
    likely: u16,
) -> (Option<u128>, u16, u128) {
    let (phys, resource) = match (region.kind, region.phys) {
        (Kind::Guard, _) => (None, NOWHERE),
        (_, Phys::In { resource, offset }) => {
            let is_likely = likely != NOWHERE && same(map.resources[likely as usize].name, resource);
            match if is_likely { likely } else { names.find(map, resource) } {
                NOWHERE => (None, NOWHERE),
                at => (Some((map.resources[at as usize].base as u128 + offset as u128) % TOP), at),
            }
        }
        _ => place(map, region.phys),
    };
    let size = match (region.size, region.phys) {
        (Some(size), _) => size as u128,
        (None, Phys::In { offset, .. }) if resource != NOWHERE => {
            map.resources[resource as usize].size.saturating_sub(offset) as u128
        }
        _ => size_of(map, region) as u128,
    };
    (phys, resource, size)
}

impl<const R: usize> Layout<R> {
    /// The layout of `map`. Regions beyond the capacity `R` are left out, and then [`check`](crate::rule::check) finds
    /// no map sound; [`count_regions`] tells how many there are.
    #[must_use]
    pub const fn of(map: &Map<'_>) -> Self {
        let mut layout = Self { extents: [Extent::BLANK; R], len: 0 };
        let names = ResourceNames::of(map);
        let by_base = by_base(map);
        let alone = alone(map, &by_base);
        let mut s = 0;
        while s < map.spaces.len() {
            let first = layout.len;
            let page = match &map.spaces[s].format {
                Some(format) => format.page_size(),
                None => map.format.page_size(),
            };
            let mut r = 0;
            while r < map.spaces[s].regions.len() && layout.len < R {
                let mut extent = layout.extent(map, &names, page, s, r, first);
                let inside = extent.resource != NOWHERE && !extent.bad;
                if inside && (extent.resource as usize) < LIST && alone[extent.resource as usize] {
                    extent.holder = extent.resource;
                    extent.is_plain = true;
                } else if extent.has_phys {
                    let segment = segment(map, &by_base, extent.phys, extent.phys + extent.size);
                    extent.holder = segment.resource;
                    extent.uniform = segment.hi == extent.phys + extent.size;
                }
                layout.extents[layout.len] = extent;
                layout.len += 1;
                r += 1;
            }
            s += 1;
        }
        layout
    }

    /// Indices into `extents` of the regions of one space, by their first virtual byte, and how many there are.
    ///
    /// Equal starts keep the order of declaration. Regions declared in ascending order cost one pass.
    #[must_use]
    pub const fn by_virt(&self, space: usize) -> ([u16; R], usize) {
        let mut order = [0; R];
        let (first, mut n) = (self.first_of(space), 0);
        while first + n < self.len && self.extents[first + n].space as usize == space {
            order[n] = (first + n) as u16;
            n += 1;
        }
        (self.sorted(order, n), n)
    }

    /// Index of the first extent of a space, or of the one behind; extents lie space by space.
    #[must_use]
    pub(crate) const fn first_of(&self, space: usize) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            if (self.extents[middle].space as usize) < space {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Merge sort by `v_lo` of the first `n` indices.
    const fn sorted(&self, order: [u16; R], n: usize) -> [u16; R] {
        let mut from = order;
        let mut width = if self.ascends(&order, n) { n } else { 1 };
        while width < n {
            let mut to = from;
            let mut start = 0;
            while start < n {
                let middle = if start + width < n { start + width } else { n };
                let end = if middle + width < n { middle + width } else { n };
                let (mut a, mut b, mut at) = (start, middle, start);
                while at < end {
                    let left = b >= end
                        || (a < middle && self.extents[from[a] as usize].v_lo <= self.extents[from[b] as usize].v_lo);
                    if left {
                        to[at] = from[a];
                        a += 1;
                    } else {
                        to[at] = from[b];
                        b += 1;
                    }
                    at += 1;
                }
                start = end;
            }
            from = to;
            width *= 2;
        }
        from
    }

    const fn ascends(&self, order: &[u16; R], n: usize) -> bool {
        let mut i = 1;
        while i < n {
            if self.extents[order[i] as usize].v_lo < self.extents[order[i - 1] as usize].v_lo {
                return false;
            }
            i += 1;
        }
        true
    }

    const fn extent(
        &self,
        map: &Map<'_>,
        names: &ResourceNames,
        page: u64,
        s: usize,
        r: usize,
        first: usize,
    ) -> Extent {
        let space = &map.spaces[s];
        let region = &space.regions[r];
        let likely = if self.len == 0 { NOWHERE } else { self.extents[self.len - 1].resource };
        let (phys, resource, size) = physical_side(map, names, region, likely);
        let virt = match region.virt {
            Virt::At(address) => Some(address as u128),
            Virt::Identity => phys,
            Virt::After { region: other, gap } => match find_before(space, other, r) {
                before if (before as usize) < r => self.behind(space, first + before as usize, region, gap, page),
                _ => None,
            },
        };
        let unit = match region.round {
            Some(0) | None => page,
            Some(unit) => unit,
        };
        let mut extent = Extent { space: s as u16, region: r as u16, resource, size, unit, ..Extent::BLANK };
        extent.has_virt = virt.is_some();
        extent.has_phys = phys.is_some();
        // Written out, because in constant evaluation calls are what costs.
        let unit = unit as u128;
        if let Some(virt) = virt {
            let end = virt + size + unit - 1;
            extent.virt = virt;
            extent.v_lo = virt - virt % unit;
            extent.v_hi = end - end % unit;
        }
        if let Some(phys) = phys {
            let end = phys + size + unit - 1;
            extent.phys = phys;
            extent.p_lo = phys - phys % unit;
            extent.p_hi = end - end % unit;
        }
        extent.bad = extent.is_bad(map, region, page);
        extent
    }

    /// Start of a region declared `after` the one at `before`: both guards stay free.
    const fn behind(&self, space: &Space<'_>, before: usize, region: &Region<'_>, gap: u64, page: u64) -> Option<u128> {
        let other = &self.extents[before];
        if !other.has_virt {
            return None;
        }
        let above = space.regions[other.region as usize].guard_above as u128;
        Some(up(other.v_hi + above + region.guard_below as u128, page) + gap as u128)
    }
}

impl Extent {
    /// The first cause of trouble, as the conventions of the rules have it.
    const fn is_bad(&self, map: &Map<'_>, region: &Region<'_>, page: u64) -> bool {
        let page = page as u128;
        let misplaced = match region.round {
            None => self.virt % page != 0 || (self.has_phys && self.phys % page != 0) || self.size % page != 0,
            Some(_) => self.has_phys && (self.virt + TOP - self.phys) % self.unit as u128 != 0,
        };
        let past_resource = match region.phys {
            Phys::In { offset, .. } if self.resource != NOWHERE && !matches!(region.kind, Kind::Guard) => {
                offset as u128 + self.size > map.resources[self.resource as usize].size as u128
            }
            _ => false,
        };
        !self.has_virt
            || !region.bad_rights.is_empty()
            || self.size == 0
            || self.virt + self.size > TOP
            || (self.has_phys && self.phys + self.size > TOP)
            || misplaced
            || past_resource
    }
}

/// Whether the CPU has leaves of exactly that many bytes.
const fn is_leaf_size(map: &Map<'_>, format: &Format, size: u64) -> bool {
    let mut level = 0;
    while level < format.levels {
        if format.level[level].size() == size {
            return format.has_leaf(level, features(map));
        }
        level += 1;
    }
    false
}

/// Whether leaves of `level` may be used for a region, apart from alignment.
#[must_use]
pub const fn leaf_allowed(map: &Map<'_>, format: &Format, region: &Region<'_>, unit: u64, level: usize) -> bool {
    let size = format.level[level].size();
    if let Some(page) = region.page {
        return size == page;
    }
    if unit > format.page_size() && is_leaf_size(map, format, unit) {
        return size == unit;
    }
    if let Some(min) = region.page_min
        && size < min
    {
        return false;
    }
    if level == 0 {
        return true;
    }
    if matches!(region.kind, Kind::Window) || matches!(map.policy.leaves, LeafPolicy::PagesOnly) {
        return false;
    }
    let below_max = match region.page_max {
        Some(max) => size <= max,
        None => true,
    };
    below_max && format.has_leaf(level, features(map))
}
