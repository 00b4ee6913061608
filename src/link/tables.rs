//! Where the tables go, and what holds the linker to it.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::Fragment;
use super::error::{Error, written};
use super::output::Output;
use super::region::{Places, named};
use crate::attr::Rights;
use crate::layout::{Extent, find_region, format_of};
use crate::map::{Contents, Map, Phys, Placement, Space};

/// The tables of one space.
struct Tables<'m, 'a> {
    map: &'m Map<'a>,
    places: &'m Places,
    index: usize,
    /// Index of the space whose image they are in.
    holder: usize,
    space: &'a Space<'a>,
    symbol: String,
    /// Of all of them.
    bytes: u64,
    /// Of the root.
    alignment: u64,
}

/// What a program has of tables.
struct Seen {
    start: u64,
    /// Their entry of `MEMORY`.
    memory: String,
    /// As the region around them has them: tables that nothing edits can be read-only.
    rights: Rights,
}

impl<'a> Fragment<'a> {
    /// Places tables that are in the image, and asserts it.
    pub(super) fn tables(
        &mut self,
        map: &Map<'a>,
        places: &Places,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let has_image = |space: &Space<'_>| space.image.is_some_and(|image| is_wanted(image.name));
        let holder = map.spaces.iter().position(|space| has_image(space) && space.role.is_supervisor());
        if holder.is_none() && map.spaces.iter().any(has_image) {
            return Ok(());
        }
        for (index, space) in map.spaces.iter().enumerate() {
            let declared = space.tables.unwrap_or(crate::map::Tables::BLANK);
            let format = format_of(map, space);
            let tables = Tables {
                map,
                places,
                index,
                holder: holder.unwrap_or(index),
                space,
                symbol: format!("__tablature_{}_{}", self.map, written(space.name)?),
                bytes: (places.tables(index) as u64).saturating_mul(format.table_size()),
                alignment: format.table_size() * u64::from(format.root_tables()),
            };
            match declared.placement {
                Placement::BootFilled => continue,
                Placement::Placed => self.placed(&tables, crate::layout::place(map, declared.phys).0)?,
                Placement::Linked => {
                    let shift = format.address.shift_right;
                    if shift != 0 {
                        self.shifted.push((tables.symbol.clone(), format!("{}_q", tables.symbol), shift));
                    }
                    match declared.linked_in {
                        Some(region) => self.linked(&tables, region)?,
                        None => self.linked_somewhere(&tables, declared.phys),
                    }
                }
            }
            self.has_tables = true;
        }
        Ok(())
    }

    /// Tables at a physical address: first in the section that is loaded there, or in one of their own.
    fn placed(&mut self, tables: &Tables<'_, 'a>, at: Option<u128>) -> Result<(), Error> {
        let Some(at) = at.map(|at| at as u64) else { return Ok(()) };
        let around = |it: &Output<'_>| it.contents == Contents::Loaded && it.is_loaded_around(at);
        let start = if let Some(output) = self.outputs.iter_mut().find(|it| around(it)) {
            if output.load.unwrap_or(output.start) != at || !output.tables.is_empty() {
                let (space, section) = (tables.space.name.into(), output.name.clone());
                return Err(Error::TablesInside { space, at, section });
            }
            output.tables.push(tables.symbol.clone());
            output.start
        } else if self.outputs.is_empty() {
            return Ok(());
        } else {
            let seen = tables.seen_at(at);
            let start = seen.start;
            self.own(tables, tables.bytes, Some(at), seen);
            start
        };
        let text = format!("the tables of {} do not lie where they are declared, at {at:#x}", tables.space.name);
        self.assert_of(tables, &format!("{} == {start:#x}", tables.symbol), text);
        Ok(())
    }

    /// Tables at the virtual addresses of a region: first in its first section, or in one of their own.
    fn linked(&mut self, tables: &Tables<'_, 'a>, region: &str) -> Result<(), Error> {
        let at = usize::from(find_region(tables.space, region));
        let extents = tables.places.of_space(tables.index);
        let (Some(region), Some(extent)) = (tables.space.regions.get(at), extents.get(at)) else { return Ok(()) };
        let (start, size, phys) = (extent.virt as u64, extent.size as u64, extent.phys as u64);
        let inside = |it: &Output<'_>| it.start.wrapping_sub(start) < size;
        if self.outputs.iter().any(inside) {
            let is_room = |it: &Output<'_>| inside(it) && it.contents == Contents::Loaded;
            let Some(output) = self.outputs.iter_mut().find(|it| is_room(it)) else {
                return Err(Error::NoRoom { space: tables.space.name.into(), region: region.name.into() });
            };
            output.tables.push(tables.symbol.clone());
        } else if !self.outputs.is_empty() {
            let seen = Seen { start, memory: named(tables.space, region), rights: region.access.privileged };
            self.own(tables, size, extent.has_phys.then_some(phys), seen);
        }
        let symbol = &tables.symbol;
        let text =
            format!("the tables of {} do not lie in the region {}", tables.space.name, named(tables.space, region));
        let last = extent.virt + extent.size - u128::from(tables.bytes.min(size));
        self.assert_of(tables, &format!("({symbol} >= {start:#x} && {symbol} <= {last:#x})"), text);
        self.assert_aligned(tables, &format!("({symbol} - {start:#x} + {phys:#x})"));
        Ok(())
    }

    /// Tables at their physical addresses, where the linker likes.
    fn linked_somewhere(&mut self, tables: &Tables<'_, 'a>, phys: Phys<'_>) {
        let symbol = &tables.symbol;
        if let Phys::In { resource, .. } = phys
            && let Some(resource) = tables.map.resources.iter().find(|it| it.name == resource)
        {
            let text = format!("the tables of {} do not lie in {}", tables.space.name, resource.name);
            let last = u128::from(resource.base) + u128::from(resource.size.saturating_sub(tables.bytes));
            self.assert_of(tables, &format!("({symbol} >= {:#x} && {symbol} <= {last:#x})", resource.base), text);
        }
        self.assert_aligned(tables, symbol);
    }

    /// An output section for tables alone.
    fn own(&mut self, tables: &Tables<'_, 'a>, size: u64, load: Option<u64>, seen: Seen) {
        self.outputs.push(Output {
            name: format!(".tablature.{}", tables.space.name),
            memory: seen.memory,
            start: seen.start,
            size,
            load,
            rights: seen.rights,
            contents: Contents::Loaded,
            tables: [tables.symbol.clone()].into(),
            inputs: Vec::new(),
        });
    }

    fn assert_aligned(&mut self, tables: &Tables<'_, 'a>, physical: &str) {
        let text = format!("the tables of {} are not aligned to {:#x} bytes", tables.space.name, tables.alignment);
        self.assert_of(tables, &format!("{physical} % {:#x} == 0", tables.alignment), text);
    }

    /// A program that never names the tables has none.
    fn assert_of(&mut self, tables: &Tables<'_, 'a>, condition: &str, text: String) {
        self.asserts.push((format!("!DEFINED({}) || {condition}", tables.symbol), text));
    }
}

impl Tables<'_, '_> {
    /// Where a program sees them at a physical address: by the first region that maps them all, of the space of the image
    /// or of their own, or else where they are.
    fn seen_at(&self, at: u64) -> Seen {
        let (first, end) = (u128::from(at), u128::from(at) + u128::from(self.bytes));
        let maps = |it: &Extent| it.has_phys && it.has_virt && it.phys <= first && end <= it.phys + it.size;
        for index in [self.holder, self.index] {
            if let Some((region, it)) = self.places.regions(self.map, index).find(|(_, it)| maps(it)) {
                return Seen {
                    start: (it.virt + (first - it.phys)) as u64,
                    memory: format!("{}.{}", named(&self.map.spaces[index], region), self.space.name),
                    rights: region.access.privileged,
                };
            }
        }
        Seen { start: at, memory: format!("{}.tables", self.space.name), rights: Rights::RW }
    }
}
