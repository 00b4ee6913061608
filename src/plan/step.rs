//! Runs of equal leaves.

use crate::attr::{MemoryType, Rights};
use crate::format::{Format, Leaf, MAX_LEVELS};
use crate::layout::{Extent, Layout, NOWHERE, bus_type, leaf_allowed, resource_at};
use crate::map::{Kind, Map, Region, Resource, Space};
use crate::text::same;

/// `count` leaves of one level that follow each other, virtually and physically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// First virtual byte.
    pub virt: u64,
    /// First physical byte; 0 in a window.
    pub phys: u64,
    /// How many leaves.
    pub count: u64,
    /// Their level.
    pub level: usize,
    /// Their word without the address; 0 in a window, whose entries stay absent.
    pub flags: u64,
    /// Index of the region in its space.
    pub region: u16,
    /// Bytes of the run that each entry repeats the address of (NAPOT); 0 elsewhere.
    pub fold: u64,
}

impl Step {
    /// A step of nothing.
    pub const BLANK: Self = Self { virt: 0, phys: 0, count: 0, level: 0, flags: 0, region: 0, fold: 0 };
}

/// Walks the regions of a space in ascending order and cuts them into [`Step`]s.
///
/// # Invariants
/// Steps ascend and do not overlap if the regions of the space do not overlap.
#[derive(Debug)]
pub struct Steps<'m, const R: usize> {
    map: &'m Map<'m>,
    space: &'m Space<'m>,
    format: &'m Format,
    layout: &'m Layout<R>,
    order: [u16; R],
    len: usize,
    /// Position in `order` of the region behind the current one.
    next: usize,
    /// Whether steps carry their flags; who only counts tables does without.
    has_flags: bool,
    /// Levels whose leaves a region without wishes may use, one bit each.
    levels: u32,
    /// Whether a guard lies inside of some region.
    has_holes: bool,
    /// Flags of pages by the access of plain regions in the resource `known_in`, as far as they are known; 0 elsewhere.
    known: [u64; ACCESSES],
    known_in: u16,
    piece: Piece<'m>,
}

/// Kinds of access there are.
const ACCESSES: usize = 64;

/// What is left of the current region up to its next hole, change of memory type, or end.
#[derive(Clone, Copy, Debug)]
struct Piece<'m> {
    extent: &'m Extent,
    /// Next byte to map.
    virt: u128,
    /// End of the piece.
    stop: u128,
    /// Where the rest of the region starts: behind the hole.
    resume: u128,
    /// Levels whose leaves the region may use here, one bit each.
    levels: u32,
    /// The run that the region asks for, in bytes, where the piece is made of whole ones; 0 elsewhere.
    run: u64,
    /// Flags by level.
    flags: [u64; MAX_LEVELS],
    /// It asks for nothing special, and is made of pages.
    is_simple: bool,
}

impl Piece<'_> {
    const NONE: Self = Self {
        extent: &Extent::BLANK,
        virt: 0,
        stop: 0,
        resume: 0,
        levels: 0,
        run: 0,
        flags: [0; MAX_LEVELS],
        is_simple: false,
    };

    const fn phys(&self, virt: u128) -> u128 {
        self.extent.p_lo + (virt - self.extent.v_lo)
    }

    /// Whether virtual and physical addresses agree modulo the leaf size of `level`.
    const fn is_congruent(&self, format: &Format, level: usize) -> bool {
        let size = format.level[level].size() as u128;
        !self.extent.has_phys || self.extent.p_lo % size == self.extent.v_lo % size
    }
}

impl<'m, const R: usize> Steps<'m, R> {
    /// The steps of the space with index `space`; `format` is that of [`crate::layout::format_of`].
    #[must_use]
    pub const fn new(map: &'m Map<'m>, layout: &'m Layout<R>, space: usize, format: &'m Format) -> Self {
        let (order, len) = layout.by_virt(space);
        Self {
            map,
            space: &map.spaces[space],
            format,
            layout,
            order,
            len,
            next: 0,
            has_flags: true,
            levels: levels_of(map, format),
            has_holes: has_holes(map.spaces[space].regions),
            known: [0; ACCESSES],
            known_in: NOWHERE,
            piece: Piece::NONE,
        }
    }

    /// The same without flags, which counting tables needs not.
    #[must_use]
    pub(super) const fn bare(map: &'m Map<'m>, layout: &'m Layout<R>, space: usize, format: &'m Format) -> Self {
        Self { has_flags: false, ..Self::new(map, layout, space, format) }
    }

    /// The next step. (Not an [`Iterator`], because those do not run in constant evaluation.)
    pub const fn step(&mut self) -> Option<Step> {
        while self.piece.virt >= self.piece.stop {
            if !self.advance() {
                return None;
            }
        }
        Some(self.cut())
    }

    /// To the next piece of the region, or of the next region.
    const fn advance(&mut self) -> bool {
        if self.piece.resume < self.piece.extent.v_hi {
            self.enter(self.piece.extent, self.piece.resume);
            return true;
        }
        while self.next < self.len {
            let extent = &self.layout.extents[self.order[self.next] as usize];
            self.next += 1;
            let mapped = match self.space.regions[extent.region as usize].kind {
                Kind::Guard => false,
                Kind::Window => true,
                _ => extent.has_phys,
            };
            if mapped && !extent.bad {
                self.enter(extent, extent.v_lo);
                return true;
            }
        }
        false
    }

    /// Starts a piece of `extent` at `virt`.
    const fn enter(&mut self, extent: &'m Extent, virt: u128) {
        let region = &self.space.regions[extent.region as usize];
        let mut piece = Piece { extent, virt, stop: extent.v_hi, resume: extent.v_hi, ..Piece::NONE };
        if self.has_holes {
            self.stop_at_hole(region, &mut piece);
        }
        if !extent.uniform {
            self.stop_at_type(region, &mut piece);
        }
        // A run with a hole or another type in it would let the TLB see what is not there.
        if let Some(size) = region.contiguous
            && size != 0
            && piece.virt % size as u128 == 0
            && piece.stop % size as u128 == 0
        {
            piece.run = size;
        }
        let is_plain = is_plain(region) && extent.unit == 1 << self.format.page_shift;
        self.set_levels(region, &mut piece, is_plain);
        piece.is_simple = is_plain && piece.levels == 1;
        if self.has_flags {
            if piece.is_simple && extent.is_plain {
                self.set_known_flags(region, &mut piece);
            } else {
                self.set_flags(region, &mut piece);
            }
        }
        self.piece = piece;
    }

    /// The levels whose leaves a piece may use: none that are longer than it is.
    const fn set_levels(&self, region: &Region<'_>, piece: &mut Piece<'_>, is_plain: bool) {
        let rest = piece.stop.saturating_sub(piece.virt);
        let mut level = 0;
        while level < self.format.levels && (level == 0 || rest >> self.format.level[level].shift != 0) {
            let allowed = if is_plain {
                self.levels >> level & 1 == 1
            } else {
                leaf_allowed(self.map, self.format, region, piece.extent.unit, level)
            };
            if allowed && (level == 0 || piece.is_congruent(self.format, level)) {
                piece.levels |= 1 << level;
            }
            level += 1;
        }
    }

    /// The flags of pages of a region that differs from others of its resource in its access alone.
    const fn set_known_flags(&mut self, region: &Region<'_>, piece: &mut Piece<'_>) {
        if self.known_in != piece.extent.holder {
            self.known = [0; ACCESSES];
            self.known_in = piece.extent.holder;
        }
        let access = region.access.index();
        if self.known[access] == 0 {
            self.set_flags(region, piece);
            self.known[access] = piece.flags[0];
        }
        piece.flags[0] = self.known[access];
    }

    const fn set_flags(&self, region: &Region<'_>, piece: &mut Piece<'_>) {
        let leaf = leaf_of(self.map, self.space, self.format, region, piece);
        let mut level = 0;
        while level < self.format.levels {
            if piece.levels >> level & 1 == 1 {
                piece.flags[level] = flags_of(self.space, self.format, region, level, piece.run, &leaf);
            }
            level += 1;
        }
    }

    /// Ends the piece at the first guard inside the region.
    const fn stop_at_hole(&self, region: &Region<'_>, piece: &mut Piece<'_>) {
        let mut i = self.next;
        // A guard at the start of the region that is declared before it precedes it in the order, too.
        while i > 0 && self.layout.extents[self.order[i - 1] as usize].v_lo >= piece.extent.v_lo {
            i -= 1;
        }
        while i < self.len {
            let hole = &self.layout.extents[self.order[i] as usize];
            if hole.v_lo >= piece.stop {
                return;
            }
            let guard = &self.space.regions[hole.region as usize];
            let inside = match guard.inside {
                Some(name) => matches!(guard.kind, Kind::Guard) && same(name, region.name) && !hole.bad,
                None => false,
            };
            if inside && hole.v_hi > piece.virt {
                piece.stop = hole.v_lo;
                piece.resume = hole.v_hi;
                return;
            }
            i += 1;
        }
    }

    /// Ends the piece where a resource with another memory type begins or ends.
    const fn stop_at_type(&self, region: &Region<'_>, piece: &mut Piece<'_>) {
        let same_all_over = region.memory.is_some() && !self.format.inherent_memory;
        if same_all_over || !piece.extent.has_phys || piece.extent.uniform {
            return;
        }
        let start = piece.phys(piece.virt);
        let Some(here) = resource_at(self.map, start) else { return };
        let here = asked_of(self.map, self.format, region, here);
        let mut i = 0;
        while i < self.map.resources.len() {
            let resource = &self.map.resources[i];
            let edges = [resource.base as u128, resource.base as u128 + resource.size as u128];
            let mut e = 0;
            while e < 2 {
                let cut = piece.virt + edges[e].saturating_sub(start);
                if edges[e] > start
                    && cut < piece.stop
                    && cut % self.format.page_size() as u128 == 0
                    && let Some(there) = resource_at(self.map, edges[e])
                    && !asked_of(self.map, self.format, region, there).is(here)
                {
                    piece.stop = cut;
                    piece.resume = cut;
                }
                e += 1;
            }
            i += 1;
        }
    }

    /// Cuts the longest run of the largest leaf that fits from the front of the piece.
    const fn cut(&mut self) -> Step {
        let (level, end) =
            if self.piece.is_simple { (0, self.piece.stop) } else { self.piece.longest_run(self.format) };
        let piece = &mut self.piece;
        let shift = self.format.level[level].shift;
        let step = Step {
            virt: piece.virt as u64,
            phys: if piece.extent.has_phys { piece.phys(piece.virt) as u64 } else { 0 },
            count: ((end - piece.virt + (1 << shift) - 1) >> shift) as u64,
            level,
            flags: piece.flags[level],
            region: piece.extent.region,
            fold: if piece.run == 0 { 0 } else { fold_of(self.format, level, piece.run) },
        };
        piece.virt = end;
        step
    }
}

impl Piece<'_> {
    /// The level of the largest leaf that fits here, and where its run ends: at the next larger leaf that fits, or
    /// where less than one such leaf is left.
    const fn longest_run(&self, format: &Format) -> (usize, u128) {
        let mut larger = None;
        let mut level = format.levels;
        while level > 0 {
            level -= 1;
            if self.levels >> level & 1 == 0 {
                continue;
            }
            let size = format.level[level].size() as u128;
            if self.virt % size == 0 && self.virt + size <= self.stop {
                let mut end = self.stop - (self.stop - self.virt) % size;
                if let Some(size) = larger {
                    let aligned: u128 = self.virt.div_ceil(size) * size;
                    if aligned + size <= self.stop && aligned < end {
                        end = aligned;
                    }
                }
                return (level, end);
            }
            larger = Some(size);
        }
        // Less than one allowed leaf is left: only a map with findings gets here.
        (0, self.stop)
    }
}

/// The levels whose leaves a region may use that asks for nothing, one bit each.
const fn levels_of(map: &Map<'_>, format: &Format) -> u32 {
    let (mut levels, mut level) = (0, 0);
    while level < format.levels {
        if leaf_allowed(map, format, &Region::BLANK, format.page_size(), level) {
            levels |= 1 << level;
        }
        level += 1;
    }
    levels
}

/// Whether a guard cuts a hole into some region.
const fn has_holes(regions: &[Region<'_>]) -> bool {
    let mut i = 0;
    while i < regions.len() {
        if regions[i].inside.is_some() {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether a region asks for nothing but access.
#[expect(clippy::redundant_pattern_matching, reason = "in constant evaluation a call costs more than a match")]
const fn is_plain(region: &Region<'_>) -> bool {
    let sizes = matches!(region.page, None)
        && matches!(region.page_max, None)
        && matches!(region.page_min, None)
        && matches!(region.contiguous, None)
        && !matches!(region.kind, Kind::Window);
    sizes
        && matches!(region.memory, None)
        && matches!(region.software, None)
        && matches!(region.raw_memory, None)
        && !region.global
        && !region.dirty
        && !region.bti
}

/// The memory type that entries of a region ask for in `resource`: none, where the bus has it already.
const fn asked_of(map: &Map<'_>, format: &Format, region: &Region<'_>, resource: &Resource<'_>) -> MemoryType {
    let memory = match region.memory {
        Some(memory) => memory,
        None => resource.memory,
    };
    if format.inherent_memory && memory.is(bus_type(map, resource)) { MemoryType::Inherent } else { memory }
}

/// What an entry at the start of a piece says, apart from address and run.
const fn leaf_of(map: &Map<'_>, space: &Space<'_>, format: &Format, region: &Region<'_>, piece: &Piece<'_>) -> Leaf {
    let resource = if piece.extent.uniform && piece.extent.holder != NOWHERE {
        Some(&map.resources[piece.extent.holder as usize])
    } else {
        resource_at(map, piece.phys(piece.virt))
    };
    let memory = match (resource, region.memory) {
        (Some(resource), _) => asked_of(map, format, region, resource),
        (None, Some(memory)) => memory,
        (None, None) => MemoryType::NormalWb,
    };
    Leaf {
        address: 0,
        access: region.access,
        memory,
        global: is_global(space, format, region),
        run: 0,
        software: match region.software {
            Some(value) => value as u8,
            None => 0,
        },
        guarded: region.bti,
    }
}

/// Whether the leaves of a region are valid for every address space.
pub(crate) const fn is_global(space: &Space<'_>, format: &Format, region: &Region<'_>) -> bool {
    region.global || (format.not_global != 0 && space.asid.is_none())
}

/// The word of an entry without its address; 0 where the region is a window or has no encoding (which is a finding).
const fn flags_of(space: &Space<'_>, format: &Format, region: &Region<'_>, level: usize, run: u64, leaf: &Leaf) -> u64 {
    if matches!(region.kind, Kind::Window) {
        return 0;
    }
    let run = if matches!(format.run(run), Some(run) if run.level == level) { run } else { 0 };
    let Some(mut word) = format.leaf_flags(level, &Leaf { run, ..*leaf }) else { return 0 };
    if let (Some(raw), true) = (region.raw_memory, format.raw_memory.bits != 0) {
        let mask = ((1 << format.raw_memory.bits) - 1) << format.raw_memory.shift;
        word = (word & !mask) | (raw << format.raw_memory.shift & mask);
    }
    if matches!(space.tables, Some(tables) if tables.preset_ad) {
        word |= format.accessed;
        if region.access.any().contains(Rights::W) {
            word |= format.dirty;
        }
    }
    if region.dirty {
        word |= format.dirty;
    }
    word
}

const fn fold_of(format: &Format, level: usize, size: u64) -> u64 {
    match format.run(size) {
        Some(run) if run.level == level && run.fold => size,
        _ => 0,
    }
}

/// How many steps a space has.
#[must_use]
pub const fn count<const R: usize>(map: &Map<'_>, layout: &Layout<R>, space: usize, format: &Format) -> usize {
    let mut steps = Steps::bare(map, layout, space, format);
    let mut n = 0;
    while steps.step().is_some() {
        n += 1;
    }
    n
}

/// The first `N` steps of a space.
#[must_use]
pub const fn collect<const R: usize, const N: usize>(
    map: &Map<'_>,
    layout: &Layout<R>,
    space: usize,
    format: &Format,
) -> [Step; N] {
    let mut list = [Step::BLANK; N];
    let mut steps = Steps::new(map, layout, space, format);
    let mut n = 0;
    while n < N {
        let Some(step) = steps.step() else { return list };
        list[n] = step;
        n += 1;
    }
    list
}
