//! The tables of a declared space: in the image, or as its plan writes them at boot.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use tablature::attr::{Access, Rights};
use tablature::format::{Format, View};
use tablature::layout::Extent;
use tablature::map::{Kind, Region, Space};
use tablature::plan::{Base, Shape, Slot, Step, fill};
use tablature::walk::{Fault, Translation, walk};

use crate::elf::Image;

/// A declared space without its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declaration {
    /// Name of the map it belongs to.
    map: &'static str,
    /// The space.
    pub(crate) space: &'static Space<'static>,
    /// The format of its tables.
    pub(crate) format: Format,
    extents: &'static [Extent],
    steps: &'static [Step],
    shape: Shape,
}

impl Declaration {
    /// That of a type.
    pub(crate) fn of<S: tablature::space::Declared>() -> Self {
        Self {
            map: S::MAP.name,
            space: S::SPACE,
            format: S::FORMAT,
            extents: S::EXTENTS,
            steps: S::STEPS,
            shape: S::SHAPE,
        }
    }

    /// Name of the map it belongs to.
    pub(crate) const fn map_name(&self) -> &'static str {
        self.map
    }

    /// Regions and where they lie, in the order of their addresses.
    pub(crate) fn regions(&self) -> Vec<(&'static Region<'static>, &'static Extent)> {
        let mut regions: Vec<_> = self.space.regions.iter().zip(self.extents).collect();
        regions.sort_by_key(|(_, extent)| extent.v_lo);
        regions
    }

    /// The symbol of its tables in an image.
    pub(crate) fn symbol(&self) -> String {
        format!("__tablature_{}_{}", self.map, self.space.name)
    }

    /// Bytes of all tables.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.shape.tables() as u64 * self.format.table_size()
    }
}

/// Tables that can be read and changed.
pub(crate) struct Tables<'a> {
    declaration: &'a Declaration,
    /// Physical address of the first.
    base: u64,
    words: BTreeMap<u64, u64>,
}

impl<'a> Tables<'a> {
    /// Those at the symbol of an image.
    ///
    /// # Errors
    /// There is no such symbol, or the file does not hold all of them.
    pub(crate) fn in_image(declaration: &'a Declaration, image: &Image) -> Result<Self> {
        let symbol = image.symbol(&declaration.symbol())?;
        let base = image.physical(symbol.address).context("the tables lie outside the image")?;
        if symbol.size != declaration.table_bytes() {
            bail!("the tables have {} bytes in the image and {} by the plan", symbol.size, declaration.table_bytes());
        }
        let places = (base..base + symbol.size).step_by(8);
        let words = places.map(|place| Some((place, image.word(place)?))).collect::<Option<_>>();
        Ok(Self { declaration, base, words: words.context("the image does not hold all tables")? })
    }

    /// Those that the plan writes at a physical address.
    pub(crate) fn planned(declaration: &'a Declaration, base: u64) -> Self {
        let mut slots = vec![Slot::ABSENT; declaration.table_bytes() as usize / 8];
        let Declaration { format, shape, steps, space, .. } = declaration;
        let extra = if space.tables.is_some_and(|tables| tables.preset_ad) { format.table_accessed } else { 0 };
        fill(format, shape, steps, Base::At(base), extra, &mut slots);
        if let Some(slot) = space.self_map_slot {
            tablature::plan::self_map(format, Base::At(base), extra, slot, &mut slots);
        }
        let words = slots.iter().enumerate().map(|(index, slot)| (base + 8 * index as u64, slot.get())).collect();
        Self { declaration, base, words }
    }

    /// Physical address of the first table.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The first word that is not the same in `other`: its physical address and both words.
    pub(crate) fn difference(&self, other: &Self) -> Option<(u64, u64, u64)> {
        self.words.iter().find_map(|(place, word)| {
            let found = other.words.get(place).copied().unwrap_or_default();
            (found != *word).then_some((*place, *word, found))
        })
    }

    /// Where an address goes, and the physical address of the entry that says so.
    fn translate(&self, virt: u64) -> Result<(Translation, u64), Fault> {
        let Declaration { format, shape, .. } = self.declaration;
        let root = |upper| self.base + shape.root(upper) as u64 * format.table_size();
        let mut last = 0;
        let translation =
            walk(format, shape.lower.then(|| root(false)), shape.upper.then(|| root(true)), virt, |place| {
                last = place;
                let word = *self.words.get(&(place & !7))?;
                Some(if format.entry_bytes == 4 { (word >> ((place & 4) * 8)) & 0xffff_ffff } else { word })
            })?;
        Ok((translation, last))
    }

    /// How many leaves of each size map a region, the largest first. A contiguous run counts as a leaf of its size.
    pub(crate) fn leaves(&self, extent: &Extent) -> Vec<(u64, u64)> {
        let mut sizes = BTreeMap::new();
        let mut virt = extent.v_lo;
        while virt < extent.v_hi {
            let size = match self.translate(virt as u64) {
                Ok((found, _)) => {
                    let size = self.declaration.format.level[found.level].size().max(found.leaf.run);
                    *sizes.entry(size).or_insert(0) += 1;
                    size
                }
                Err(_) => self.declaration.format.page_size(),
            };
            virt += u128::from(size);
        }
        sizes.into_iter().rev().collect()
    }

    /// A leaf of a read-only region, with the right to write added: the place and word of its entry.
    ///
    /// # Errors
    /// No region is read-only, or its leaf cannot be changed that way.
    pub(crate) fn flipped_right(&self) -> Result<Flip> {
        let Declaration { format, .. } = self.declaration;
        let is_read_only = |region: &Region<'_>| {
            region.kind == Kind::Map && region.access.privileged.is(Rights::R) && region.access.user.is_empty()
        };
        let regions = self.declaration.regions();
        let (region, extent) =
            regions.iter().find(|(region, _)| is_read_only(region)).context("no region is read-only")?;
        let virt = extent.v_lo as u64;
        let (found, place) =
            self.translate(virt).map_err(|fault| anyhow::anyhow!("{} is not mapped: {fault:?}", region.name))?;
        let word = *self.words.get(&place).context("the entry is a word of the tables")?;
        let (level, run) = (found.level, found.leaf.run);
        let Some(writable) = format.rights_at(level, run, Access::kernel(Rights::RW)) else {
            bail!("{} has no kernel read-write", format.name);
        };
        let changed = word & !format.rights_field(level, run) | writable | format.dirty;
        match format.view(level, changed) {
            View::Leaf(leaf) if leaf.access != found.leaf.access => {
                Ok(Flip { region: region.name.to_owned(), virt, place, word, changed })
            }
            view => bail!("{changed:#x} is {view:?}, and was to be a leaf with one more right"),
        }
    }
}

/// One changed entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flip {
    /// The region whose right it is.
    pub(crate) region: String,
    /// The first virtual address that it maps.
    pub(crate) virt: u64,
    /// Physical address of the entry.
    pub(crate) place: u64,
    /// Its word before.
    pub(crate) word: u64,
    /// Its word after.
    pub(crate) changed: u64,
}

#[cfg(test)]
pub(crate) mod tests {
    use tablature::attr::MemoryType;
    use tablature::layout::{Layout, format_of};
    use tablature::map::{Cpu, Map, Phys, Policy, Resource, Virt};
    use tablature::regime::Regime;

    use super::*;

    const REGIONS: &[Region<'static>] = &[
        region("text", 0x8000_0000, 0x20_0000, Rights::RX),
        region("rodata", 0x8020_0000, 0x3000, Rights::R),
        region("data", 0x8040_0000, 0x40_1000, Rights::RW),
        Region { name: "null", kind: Kind::Guard, virt: Virt::At(0), size: Some(0x1000), ..Region::BLANK },
    ];

    const fn region(name: &'static str, at: u64, size: u64, rights: Rights) -> Region<'static> {
        let access = Access::kernel(rights);
        Region { name, virt: Virt::At(at), phys: Phys::At(at), size: Some(size), access, ..Region::BLANK }
    }

    const fn map(format: Format) -> Map<'static> {
        Map {
            name: "small",
            anchor: 0,
            format,
            cpu: Cpu::BLANK,
            policy: Policy::BLANK,
            resources: &[Resource {
                name: "ram",
                base: 0x8000_0000,
                size: 0x100_0000,
                memory: MemoryType::NormalWb,
                ..Resource::BLANK
            }],
            spaces: &[Space { name: "kernel", regions: REGIONS, ..Space::BLANK }],
            channels: &[],
            isolation: &[],
            devices: &[],
            transitions: &[],
        }
    }

    /// The same four regions in a format.
    pub(crate) fn small(format: Format) -> Declaration {
        let map: &'static Map<'static> = Box::leak(Box::new(map(format)));
        let layout: &'static Layout<4> = Box::leak(Box::new(Layout::of(map)));
        let space = &map.spaces[0];
        let format = format_of(map, space);
        let steps: Vec<Step> = collect_steps(map, layout, &format);
        let shape = Shape::of_steps(&steps, &format, false);
        Declaration { map: map.name, space, format, extents: &layout.extents, steps: steps.leak(), shape }
    }

    fn collect_steps(map: &'static Map<'static>, layout: &'static Layout<4>, format: &Format) -> Vec<Step> {
        let mut walker = tablature::plan::Steps::new(map, layout, 0, format);
        std::iter::from_fn(move || walker.step()).collect()
    }

    pub(crate) fn formats() -> [Format; 3] {
        use tablature::{aarch64, riscv, x86_64};
        [<aarch64::El1<aarch64::G4K, 39>>::FORMAT, riscv::Sv39::FORMAT, x86_64::Level4::FORMAT]
    }

    #[test]
    fn leaves_are_counted_by_size() {
        for declaration in formats().map(small) {
            let tables = Tables::planned(&declaration, 0x8800_0000);
            let counts: Vec<_> =
                declaration.regions().iter().map(|(region, extent)| (region.name, tables.leaves(extent))).collect();
            let expected = [
                ("null", vec![]),
                ("text", vec![(0x20_0000, 1)]),
                ("rodata", vec![(0x1000, 3)]),
                ("data", vec![(0x20_0000, 2), (0x1000, 1)]),
            ];
            assert_eq!(counts, expected, "{}", declaration.format.name);
        }
    }

    #[test]
    fn a_flip_adds_the_right_to_write_and_nothing_else() {
        for declaration in formats().map(small) {
            let flip = Tables::planned(&declaration, 0x8800_0000).flipped_right().expect("rodata is read-only");
            assert_eq!((flip.region.as_str(), flip.virt), ("rodata", 0x8020_0000));
            let view = |word| declaration.format.view(0, word);
            let (View::Leaf(before), View::Leaf(after)) = (view(flip.word), view(flip.changed)) else {
                panic!("both are leaves");
            };
            assert_eq!(before.access, Access::kernel(Rights::R));
            assert_eq!(after.access, Access::kernel(Rights::RW));
            assert_eq!((before.address, before.memory), (after.address, after.memory));
        }
    }

    #[test]
    fn a_changed_image_differs_from_its_plan_at_one_word() {
        let declaration = small(formats()[0]);
        let plan = Tables::planned(&declaration, 0x8800_0000);
        let mut other = Tables::planned(&declaration, 0x8800_0000);
        assert_eq!(plan.difference(&other), None);
        let flip = plan.flipped_right().expect("rodata is read-only");
        other.words.insert(flip.place, flip.changed);
        assert_eq!(plan.difference(&other), Some((flip.place, flip.word, flip.changed)));
    }
}
