//! Output sections: what the image blocks say, each with its place and its entry of `MEMORY`.

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::Fragment;
use super::error::{Error, written};
use super::region::{Places, named};
use crate::attr::Rights;
use crate::layout::section_place;
use crate::map::{Contents, Image, Input, Map, Section, Space};

/// An output section.
#[derive(Clone, Debug)]
pub(super) struct Output<'a> {
    pub(super) name: String,
    /// Its entry of `MEMORY`.
    pub(super) memory: String,
    pub(super) start: u64,
    /// Capacity.
    pub(super) size: u64,
    /// Load address, where it is known.
    pub(super) load: Option<u64>,
    pub(super) rights: Rights,
    pub(super) contents: Contents,
    /// Symbols of the tables that are its first bytes.
    pub(super) tables: Vec<String>,
    pub(super) inputs: Vec<Input<'a>>,
}

impl Output<'_> {
    /// The name of its segment.
    pub(super) fn segment(&self) -> String {
        self.name.trim_start_matches('.').replace(['.', '$'], "_")
    }

    /// Whether its load addresses, or else its link addresses, are `at`'s.
    pub(super) fn is_loaded_around(&self, at: u64) -> bool {
        at.wrapping_sub(self.load.unwrap_or(self.start)) < self.size
    }

    /// Whether it takes what no other section does of data, where linked tables are found, too.
    fn takes_data(&self) -> bool {
        self.inputs.iter().any(|input| input.name == ".data")
    }
}

impl<'a> Fragment<'a> {
    /// The sections and entry points of the images.
    pub(super) fn images(
        &mut self,
        map: &Map<'a>,
        places: &Places,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        for (index, space) in map.spaces.iter().enumerate() {
            let Some(image) = &space.image else { continue };
            if !is_wanted(image.name) {
                continue;
            }
            for section in image.sections {
                let output = output(map, places, index, section)?;
                self.outputs.push(output);
            }
            self.entry(space, image)?;
        }
        Ok(())
    }

    fn entry(&mut self, space: &Space<'a>, image: &Image<'a>) -> Result<(), Error> {
        let Some(entry) = image.entry else { return Ok(()) };
        let symbol = if let Some(symbol) = image.entry_symbol {
            let text = format!("{symbol}, the entry point of the image {}, is not at {entry:#x}", image.name);
            self.asserts.push((format!("{} == {entry:#x}", written(symbol)?), text));
            symbol.to_string()
        } else {
            let symbol = format!("__tablature_{}_{}_entry", self.map, written(space.name)?);
            self.symbols.push((symbol.clone(), entry));
            symbol
        };
        // The first image is the one that is entered.
        self.entry.get_or_insert(symbol);
        Ok(())
    }

    /// Brings the sections in the order in which they take their input, and refuses those of one name.
    pub(super) fn order(&mut self) -> Result<(), Error> {
        self.outputs.sort_by_key(|output| match (output.tables.is_empty(), output.takes_data()) {
            (false, false) => 0,
            (false, true) => 1,
            (true, _) => 2,
        });
        let mut seen = BTreeSet::new();
        let sections = self.outputs.iter().flat_map(|it| [it.name.clone(), format!(":{}", it.segment())]);
        let memory = self.outputs.iter().map(|it| format!("> {}", it.memory));
        let symbols = self.symbols.iter().map(|(name, _)| name.clone());
        for name in sections.chain(memory).chain(symbols) {
            if !seen.insert(name.clone()) {
                return Err(Error::Twice { name });
            }
        }
        Ok(())
    }
}

fn output<'a>(map: &Map<'a>, places: &Places, space: usize, section: &Section<'a>) -> Result<Output<'a>, Error> {
    let nowhere = || Error::Section { section: section.name.into() };
    let owner = &map.spaces[space];
    let name = written(section.name)?;
    let (start, end) = section_place(owner, places.of_space(space), section).ok_or_else(nowhere)?;
    let (region, extent) = places.around(map, space, start).ok_or_else(nowhere)?;
    let behind = extent.has_phys.then(|| (extent.phys + (start - extent.virt)) as u64);
    let bare = name.trim_start_matches('.');
    let is_whole = extent.virt == start && extent.size == end - start;
    let region_name = named(owner, region);
    let inputs: Vec<Input<'a>> = if section.inputs.is_empty() && section.contents != Contents::Reserved {
        [Input { name: section.name, keep: false }].into()
    } else {
        section.inputs.into()
    };
    for input in &inputs {
        written(input.name)?;
    }
    Ok(Output {
        name: name.into(),
        memory: if is_whole || bare == region.name { region_name } else { format!("{region_name}.{bare}") },
        start: start as u64,
        size: (end - start) as u64,
        load: section.lma.or(behind),
        rights: section.rights,
        contents: section.contents,
        tables: Vec::new(),
        inputs,
    })
}
