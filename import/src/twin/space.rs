//! An address space, without its regions.

use tablature::map::{self, Role};

use super::region::region;
use super::{keep, place, rights, text, value};
use crate::formats;
use crate::system::{self, Num, Space};

pub(super) fn space(space: &Space) -> Result<map::Space<'static>, String> {
    let role = match space.role.as_str() {
        "kernel" => Role::Kernel,
        "boot" => Role::Boot,
        "run" => Role::Run,
        "firmware" => Role::Firmware,
        "partition" => Role::Partition,
        "guest" => Role::Guest,
        other => return Err(format!("role `{other}`")),
    };
    let small = |number: Option<Num>| number.map(|Num(number)| u32::try_from(number).unwrap_or(u32::MAX));
    Ok(map::Space {
        name: text(&space.name),
        role,
        format: space.format.as_deref().map(formats::named).transpose()?,
        asid: small(space.asid),
        budget: small(space.budget),
        tables: space.tables.as_ref().map(|tables| map::Tables {
            placement: map::Placement::Placed,
            phys: place(tables.phys, tables.resource.as_ref(), tables.offset),
            size: Some(tables.size.0),
            hw_ad: tables.hw_ad,
            preset_ad: tables.preset_ad,
            runtime_edit: tables.runtime_edit,
            ..map::Tables::BLANK
        }),
        self_map_slot: small(space.self_map_slot),
        image: space.image.as_ref().map(image).transpose()?,
        regions: keep(space.regions.iter().map(region).collect::<Result<Vec<_>, _>>()?),
        anchor: 0,
    })
}

fn image(image: &system::Image) -> Result<map::Image<'static>, String> {
    let sections = image.sections.iter().map(|section| {
        Ok(map::Section {
            name: text(&section.name),
            virt: section.virt.0,
            size: section.size.0,
            rights: rights(&section.rights)?,
            lma: value(section.lma),
            ..map::Section::BLANK
        })
    });
    Ok(map::Image {
        name: text(&image.name),
        entry: value(image.entry),
        sections: keep(sections.collect::<Result<Vec<_>, String>>()?),
        ..map::Image::BLANK
    })
}
