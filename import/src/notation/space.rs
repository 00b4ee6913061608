//! An address space with what is in it.

use super::region::region;
use super::{Writer, place, regime, rights_or_name, word};
use crate::system::{Image, Num, Space, Tables};

pub(super) fn space(out: &mut Writer, space: &Space) -> Result<(), String> {
    let role = word(&space.role);
    let format = match &space.format {
        Some(format) => format!(" for {}", regime(format)?),
        None => String::new(),
    };
    out.note(&space.note);
    out.line(format_args!("space {} ({role}){format} {{", word(&space.name)));
    out.depth += 1;
    if let Some(Num(asid)) = space.asid {
        out.line(format_args!("asid {asid};"));
    }
    if let Some(Num(slot)) = space.self_map_slot {
        out.line(format_args!("self_map {slot};"));
    }
    if let Some(line) = tables(space.budget, space.tables.as_ref())? {
        out.line(format_args!("{line};"));
    }
    for each in &space.regions {
        out.note(&each.note);
        let line = region(each)?;
        out.line(format_args!("{line};"));
    }
    if let Some(image) = &space.image {
        write_image(out, image)?;
    }
    out.depth -= 1;
    out.line(format_args!("}}"));
    Ok(())
}

fn tables(budget: Option<Num>, tables: Option<&Tables>) -> Result<Option<String>, String> {
    let mut text = match budget {
        Some(Num(count)) => format!("tables <= {count}"),
        None => "tables".to_owned(),
    };
    let Some(tables) = tables else {
        return Ok(budget.map(|_| text));
    };
    let place = place(tables.phys, tables.resource.as_deref(), tables.offset).ok_or("tables without a place")?;
    text += &format!(" at {place}, {}", tables.size);
    for (flag, set) in [("hw_ad", tables.hw_ad), ("preset_ad", tables.preset_ad), ("runtime_edit", tables.runtime_edit)]
    {
        if set {
            text += ", ";
            text += flag;
        }
    }
    Ok(Some(text))
}

fn write_image(out: &mut Writer, image: &Image) -> Result<(), String> {
    out.line(format_args!("image {} {{", word(&image.name)));
    out.depth += 1;
    if let Some(entry) = image.entry {
        out.line(format_args!("entry {entry};"));
    }
    for section in &image.sections {
        let load = section.lma.map(|lma| format!(", load {lma}")).unwrap_or_default();
        out.line(format_args!(
            "section {} ({}) : {}, {}{load};",
            word(&section.name),
            rights_or_name(&section.rights),
            section.virt,
            section.size
        ));
    }
    out.depth -= 1;
    out.line(format_args!("}}"));
    Ok(())
}
