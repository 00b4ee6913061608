//! The image around the tables: sections, relocations, entry point.

use super::{Kind, Report, place};
use crate::elf::{Image, Section};
use crate::evidence::{Document, Region, RegionKind, SectionBlock, Space};
use crate::number::Size;
use crate::rights::Rights;

pub(super) fn check(image: &Image, document: &Document, report: &mut Report) {
    for section in &image.sections {
        if let Err(why) = fits(section, document) {
            report.add(Kind::Section, format!("{} at {:#x}", section.name, section.virt), why);
        }
    }
    for relocation in &image.relocations {
        let text = format!("{} has a relocation, which nobody applies before the tables are live", relocation.section);
        let section = image.section_at(relocation.virt).map_or("no section", |section| section.name.as_str());
        report.add(Kind::Relocation, format!("{section} at {:#x}", relocation.virt), text);
    }
    entry(image, document, report);
    report.notes.push(format!(
        "{} sections and {} relocations: compared with the regions",
        image.sections.len(),
        image.relocations.len()
    ));
}

/// Sections that the document places.
fn blocks(document: &Document) -> impl Iterator<Item = (&Space, &SectionBlock)> {
    document
        .spaces
        .iter()
        .flat_map(|space| space.image.iter().flat_map(|image| &image.sections).map(move |section| (space, section)))
}

/// Whether a section lies in one region that has its rights, and is loaded where this maps it.
fn fits(section: &Section, document: &Document) -> Result<(), String> {
    let (start, size) = (u128::from(section.virt), u128::from(section.size));
    let block = blocks(document).find(|(_, block)| block.name == section.name).map(|(_, block)| block);
    if let Some(block) = block {
        if block.virt.0 != start {
            return Err(format!("it is declared to be at {}", block.virt));
        }
        if size > block.size.0 {
            return Err(format!("it has {}, and room for {}", Size(size), Size(block.size.0)));
        }
    }
    let regions = document.spaces.iter().flat_map(|space| space.regions.iter().map(move |region| (space, region)));
    let mut candidates: Vec<(&Space, &Region)> =
        regions.filter(|(_, region)| !region.is_empty() && region.contains(start, size)).collect();
    // A linear map is no place to link to where another region is.
    candidates.sort_by_key(|(_, region)| region.kind == RegionKind::Linear);
    let mut first = None;
    for (space, region) in candidates {
        match in_region(section, block, space, region) {
            Ok(()) => return Ok(()),
            Err(why) => first = first.or(Some(why)),
        }
    }
    Err(first.unwrap_or_else(|| format!("its {} lie in no region", Size(size))))
}

fn in_region(section: &Section, block: Option<&SectionBlock>, space: &Space, region: &Region) -> Result<(), String> {
    let name = format!("region {} of space {}", region.name, space.name);
    let granted = region.privileged.or(region.user);
    let wanted = block.map_or(section.rights, |block| block.rights);
    if wanted != granted {
        let what = if granted.and(wanted) == wanted { "which grants more" } else { "which grants less" };
        return Err(format!("it needs {wanted}, and lies in {name} ({granted}), {what}"));
    }
    if section.granted.and(granted) != section.granted {
        return Err(format!("its segment is {}, and it lies in {name} ({granted})", section.granted));
    }
    if section.rights != wanted {
        return Err(format!("it is linked as {}, and declared {wanted}", section.rights));
    }
    let (Some(loaded), Some(start)) = (section.phys, region.phys) else {
        return Err("it is in no segment, so nobody loads it".to_owned());
    };
    let mapped = start.0 + (u128::from(section.virt) - region.virt.0);
    let declared = block.and_then(|block| block.load);
    if u128::from(loaded) != mapped && declared.is_none_or(|load| load.0 != u128::from(loaded)) {
        return Err(format!("it is loaded at {loaded:#x}, and {name} maps {mapped:#x} there"));
    }
    Ok(())
}

/// The entry point is executable by the privileged level: where it is linked, or, while the MMU is off, where it is loaded.
fn entry(image: &Image, document: &Document, report: &mut Report) {
    let declared: Vec<u128> = document.spaces.iter().filter_map(|space| Some(space.image.as_ref()?.entry?.0)).collect();
    let entries = [Some(image.entry).filter(|entry| *entry != 0 || image.pvh_entry.is_none()), image.pvh_entry];
    for entry in entries.into_iter().flatten() {
        let at = u128::from(entry);
        let runs = |region: &&Region| {
            let is_there = |start: u128| start <= at && at - start < region.size.0;
            region.privileged.has(Rights::X)
                && (is_there(region.virt.0) || region.phys.is_some_and(|phys| is_there(phys.0)))
        };
        if !document.spaces.iter().flat_map(|space| &space.regions).any(|region| runs(&region)) {
            let text = format!("the entry point {entry:#x} lies in no executable region");
            report.add(Kind::EntryPoint, "ELF header", text);
        }
    }
    if !declared.is_empty() && !entries.into_iter().flatten().any(|entry| declared.contains(&u128::from(entry))) {
        let at = image.physical(image.entry).map_or_else(|| "ELF header".to_owned(), |phys| place(image, phys));
        let text = format!("the image is entered at {:#x}, and declared to be at {:#x}", image.entry, declared[0]);
        report.add(Kind::EntryPoint, at, text);
    }
}
