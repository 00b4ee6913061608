//! What the declaration says about an address.

use tablature::attr::{Access, MemoryType};
use tablature::format::Format;
use tablature::layout::{self, Extent, Layout};
use tablature::map::{Kind, Map, Region};

/// What the declaration says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing is mapped.
    Nothing,
    /// Something is.
    Mapped {
        /// The physical address.
        phys: u64,
        /// Who may do what.
        access: Access,
        /// The memory type, where declared.
        memory: Option<MemoryType>,
    },
}

/// One space of a declaration.
#[derive(Clone, Copy)]
pub struct Declared<'a, const R: usize> {
    map: &'a Map<'a>,
    layout: &'a Layout<R>,
    space: usize,
    format: Format,
}

impl<'a, const R: usize> Declared<'a, R> {
    /// The space number `space` of `map`, whose layout is `layout`; `None` if there is no such space.
    #[must_use]
    pub fn new(map: &'a Map<'a>, layout: &'a Layout<R>, space: usize) -> Option<Self> {
        let format = layout::format_of(map, map.spaces.get(space)?);
        Some(Self { map, layout, space, format })
    }

    /// The format of its tables.
    #[must_use]
    pub const fn format(&self) -> &Format {
        &self.format
    }

    /// Its regions and where they lie.
    pub fn regions(&self) -> impl Iterator<Item = (&'a Region<'a>, &'a Extent)> + use<'a, R> {
        let regions = self.map.spaces[self.space].regions;
        let space = self.space;
        self.layout
            .extents
            .iter()
            .take(self.layout.len)
            .filter(move |extent| usize::from(extent.space) == space)
            .filter_map(move |extent| Some((regions.get(usize::from(extent.region))?, extent)))
    }

    /// What is declared at `virt`: the region there, unless a guard cuts a hole into it.
    #[must_use]
    pub fn at(&self, virt: u64) -> Expected {
        let mut expected = Expected::Nothing;
        for (region, extent) in self.regions() {
            let here = extent.v_lo <= u128::from(virt) && u128::from(virt) < extent.v_hi;
            match region.kind {
                Kind::Guard if here => return Expected::Nothing,
                Kind::Window | Kind::Guard => {}
                _ if here => expected = self.mapped(region, extent, virt),
                _ => {}
            }
        }
        expected
    }

    fn mapped(&self, region: &Region<'_>, extent: &Extent, virt: u64) -> Expected {
        if region.access.any().is_empty() {
            return Expected::Nothing;
        }
        Expected::Mapped {
            phys: (extent.p_lo + (u128::from(virt) - extent.v_lo)) as u64,
            access: region.access,
            memory: layout::memory_of(self.map, region, extent),
        }
    }

    /// The first range from `at` on in which nothing is declared, guards neither: its start, and its end, at most `end`.
    #[must_use]
    pub fn next_free(&self, at: u128, end: u128) -> (u128, u128) {
        let mut start = at;
        while let Some((_, past)) = self.occupied().find(|&(lo, hi)| lo <= start && start < hi) {
            start = past;
        }
        let next = self.occupied().map(|(lo, _)| lo).filter(|&lo| lo > start).min();
        (start, next.unwrap_or(end).min(end))
    }

    /// What each region occupies with its guards.
    fn occupied(&self) -> impl Iterator<Item = (u128, u128)> + use<'a, R> {
        self.regions().map(|(region, extent)| {
            let (below, above) = (u128::from(region.guard_below), u128::from(region.guard_above));
            (extent.v_lo.saturating_sub(below), extent.v_hi + above)
        })
    }

    /// The largest leaf that the declaration allows at `virt`, before `end`: its size in bytes.
    #[must_use]
    pub fn leaf_at(&self, region: &Region<'_>, extent: &Extent, virt: u64, end: u128) -> u64 {
        let phys = extent.p_lo.wrapping_add(u128::from(virt)).wrapping_sub(extent.v_lo);
        let mut level = self.format.levels;
        while level > 1 {
            level -= 1;
            let size = self.format.level[level].size();
            let aligned = virt.is_multiple_of(size) && (!extent.has_phys || phys.is_multiple_of(u128::from(size)));
            let fits = u128::from(virt) + u128::from(size) <= end;
            if aligned && fits && layout::leaf_allowed(self.map, &self.format, region, extent.unit, level) {
                return size;
            }
        }
        self.format.page_size()
    }

    /// The memory-type register's encoding of `memory`, where the format has such a register.
    #[must_use]
    pub fn memory_code(&self, memory: MemoryType) -> Option<u8> {
        if self.format.memory_register.name.is_empty() {
            return None;
        }
        u8::try_from(self.format.memory_register.value[memory as usize]).ok()
    }

    /// Whether `region` is a device by its memory type.
    #[must_use]
    pub fn is_device(&self, region: &Region<'_>, extent: &Extent) -> bool {
        layout::memory_of(self.map, region, extent).is_some_and(MemoryType::is_device)
    }
}
