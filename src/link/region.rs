//! Where regions lie and how many tables there are, in a map of any size.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::Fragment;
use super::error::{Error, written};
use crate::layout::{Extent, Layout, count_regions};
use crate::map::{Map, Region, Space};

/// The most regions of a map.
pub(super) const MOST: usize = 8192;

/// Extents of all regions, and the number of tables of each space.
pub(super) struct Places {
    extents: Vec<Extent>,
    tables: Vec<usize>,
}

impl Places {
    pub(super) fn of(map: &Map<'_>) -> Result<Self, Error> {
        match count_regions(map) {
            0..=64 => Ok(Self::within::<64>(map)),
            65..=1024 => Ok(Self::within::<1024>(map)),
            1025..=MOST => Ok(Self::within::<MOST>(map)),
            regions => Err(Error::TooManyRegions { regions }),
        }
    }

    fn within<const R: usize>(map: &Map<'_>) -> Self {
        let layout = Layout::<R>::of(map);
        let tables = (0..map.spaces.len()).map(|space| crate::plan::tables(map, &layout, space)).collect();
        Self { extents: layout.extents.iter().take(layout.len).copied().collect(), tables }
    }

    /// Extents of one space, in the order of its regions.
    pub(super) fn of_space(&self, space: usize) -> &[Extent] {
        let first = self.extents.partition_point(|extent| usize::from(extent.space) < space);
        let count = self.extents[first..].partition_point(|extent| usize::from(extent.space) == space);
        &self.extents[first..first + count]
    }

    /// Tables of a space.
    pub(super) fn tables(&self, space: usize) -> usize {
        self.tables.get(space).copied().unwrap_or(0)
    }

    /// Regions of a space, each with its extent.
    pub(super) fn regions<'s, 'a>(
        &'s self,
        map: &Map<'a>,
        space: usize,
    ) -> impl Iterator<Item = (&'a Region<'a>, &'s Extent)> {
        map.spaces[space].regions.iter().zip(self.of_space(space))
    }

    /// The first region of a space that maps the virtual byte.
    pub(super) fn around<'a>(&self, map: &Map<'a>, space: usize, virt: u128) -> Option<(&'a Region<'a>, &Extent)> {
        self.regions(map, space)
            .find(|(_, extent)| extent.has_virt && extent.virt <= virt && virt < extent.virt + extent.size)
    }
}

impl<'a> Fragment<'a> {
    /// Symbols of the regions, and what is known of their sizes.
    pub(super) fn regions(
        &mut self,
        map: &Map<'a>,
        places: &Places,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let has_image = |space: &Space<'_>| space.image.is_some_and(|image| is_wanted(image.name));
        let all = !map.spaces.iter().any(has_image);
        for (index, space) in map.spaces.iter().enumerate().filter(|(_, space)| all || has_image(space)) {
            for (region, extent) in places.regions(map, index).filter(|(_, extent)| extent.has_virt) {
                self.region(space, region, extent)?;
            }
        }
        Ok(())
    }

    fn region(&mut self, space: &Space<'a>, region: &Region<'a>, extent: &Extent) -> Result<(), Error> {
        let owner = format!("__tablature_{}_{}_{}", self.map, written(space.name)?, written(region.name)?);
        let mut add = |what: &str, value: u128| self.symbols.push((format!("{owner}_{what}"), value as u64));
        add("start", extent.virt);
        add("end", extent.virt + extent.size);
        add("size", extent.size);
        if extent.has_phys {
            add("phys", extent.phys);
        }
        if let Some(symbol) = region.size_symbol {
            let symbol = written(symbol)?;
            let text = format!(
                "{symbol} is above its max, the {:#x} bytes of the region {}",
                extent.size,
                named(space, region)
            );
            self.asserts.push((format!("{symbol} <= {:#x}", extent.size), text));
        }
        Ok(())
    }
}

/// `SPACE.REGION`.
pub(super) fn named(space: &Space<'_>, region: &Region<'_>) -> String {
    format!("{}.{}", space.name, region.name)
}
