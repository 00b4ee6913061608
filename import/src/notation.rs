//! A system as a `memory_map!` declaration.

use std::fmt::{self, Write};

use crate::system::{
    self, Channel, Dma, Image, Num, Options, Range, Raw, Region, Resource, RightsText, Round, Space, System, Tables,
    Transition,
};

/// The declaration of `system` as a module `name`.
///
/// # Errors
/// What of it the notation has no word for.
pub fn declaration(system: &System, name: &str) -> Result<String, String> {
    let mut out = Writer { text: String::new(), depth: 0 };
    out.line(format_args!("tablature::memory_map! {{"));
    out.depth = 1;
    for line in system.why.lines() {
        out.line(format_args!("///{}{}", if line.is_empty() { "" } else { " " }, plain(line)));
    }
    out.line(format_args!("pub mod {name} for {};", regime(&system.format)?));
    cpu(&mut out, &system.options)?;
    policy(&mut out, &system.options)?;
    physical(&mut out, &system.resources)?;
    for space in &system.spaces {
        write_space(&mut out, space)?;
    }
    for channel in &system.channels {
        write_channel(&mut out, channel)?;
    }
    for isolation in &system.isolation {
        let except = match isolation.except.as_slice() {
            [] => String::new(),
            names => format!(" except {}", list(names)),
        };
        out.note(&isolation.note);
        out.line(format_args!("isolate {}{except};", list(&isolation.spaces)));
    }
    for dma in &system.dma {
        write_dma(&mut out, dma)?;
    }
    for transition in &system.transitions {
        write_transition(&mut out, transition);
    }
    out.depth = 0;
    out.line(format_args!("}}"));
    Ok(out.text)
}

/// Indented lines.
struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn line(&mut self, text: fmt::Arguments<'_>) {
        let width = 4 * self.depth;
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{:width$}{text}", "");
    }

    fn note(&mut self, note: &[String]) {
        for line in note.iter().flat_map(|line| line.lines()) {
            self.line(format_args!("// {}", plain(line)));
        }
    }

    fn block<T>(&mut self, head: &str, items: &[T], item: impl Fn(&T) -> Result<String, String>) -> Result<(), String> {
        if items.is_empty() {
            return Ok(());
        }
        self.line(format_args!("{head} {{"));
        self.depth += 1;
        for each in items {
            let text = item(each)?;
            self.line(format_args!("{text};"));
        }
        self.depth -= 1;
        self.line(format_args!("}}"));
        Ok(())
    }
}

/// Text that changes nothing outside of its comment, whoever wrote it.
fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect()
}

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A name: an identifier as it stands (a keyword, too), anything else as text.
#[must_use]
pub fn word(name: &str) -> String {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    if starts && chars.all(|c| c == '_' || c.is_ascii_alphanumeric()) { name.to_owned() } else { format!("{name:?}") }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| word(name)).collect::<Vec<_>>().join(", ")
}

/// The regime type of a format string.
///
/// # Errors
/// There is none of that name.
pub fn regime(format: &str) -> Result<String, String> {
    let words: Vec<&str> = format.split_whitespace().collect();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match words.as_slice() {
        ["aarch64", granule @ ("4K" | "16K" | "64K"), bits, name] => {
            let kind = match *name {
                "EL1" => "El1",
                "EL2" => "El2",
                "EL2&0" => "El2And0",
                "EL3" => "El3",
                "S2" => "Stage2",
                _ => return Err(format!("format `{format}`")),
            };
            Ok(format!("aarch64::{kind}<G{granule}, {}>", digits(bits)))
        }
        [mode @ ("sv32" | "sv39" | "sv48" | "sv57" | "sv39x4" | "sv48x4")] => Ok(format!("riscv::S{}", &mode[1..])),
        ["x86_64", "4-level"] => Ok("x86_64::Level4".into()),
        ["x86_64", "5-level"] => Ok("x86_64::Level5".into()),
        ["x86_64", "ept"] => Ok("x86_64::Ept4".into()),
        ["armv7", "4K", "IPA40", "S2"] => Ok("armv7::LpaeStage2".into()),
        _ => Err(format!("format `{format}`")),
    }
}

/// A physical side: an address, or bytes into a resource.
fn place(phys: Option<Num>, resource: Option<&str>, offset: Option<Num>) -> Option<String> {
    match (phys, resource, offset.unwrap_or_default()) {
        (_, Some(resource), Num(0)) => Some(word(resource)),
        (_, Some(resource), offset) => Some(format!("{} + {offset}", word(resource))),
        (Some(phys), None, _) => Some(phys.to_string()),
        (None, None, _) => None,
    }
}

fn numbers(values: &[Num]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn cpu(out: &mut Writer, options: &Options) -> Result<(), String> {
    let mut items = Vec::new();
    if let Some(Num(bits)) = options.pa_bits {
        items.push(format!("pa_bits = {bits}"));
    }
    if let Some(features) = &options.features {
        items.push(format!("features = [{}]", list(features)));
    }
    let granules = options.granules.iter().flatten().map(|size| format!("G{size}"));
    let modes = options.satp_modes.iter().flatten().map(|mode| format!("S{}", mode.trim_start_matches('s')));
    if options.granules.is_some() || options.satp_modes.is_some() {
        items.push(format!("modes = [{}]", granules.chain(modes).collect::<Vec<_>>().join(", ")));
    }
    if let Some(level) = options.start_level {
        items.push(format!("start_level = {level}"));
    }
    for (name, values) in [("mair", &options.mair), ("pat", &options.pat)] {
        if let Some(values) = values {
            items.push(format!("{name} = [{}]", numbers(values)));
        }
    }
    for (kind, ranges) in [("mtrr", &options.mtrr), ("pmp", &options.pmp)] {
        for range in ranges {
            items.push(write_range(kind, range)?);
        }
    }
    for parent in &options.parents {
        let denied = parent.deny.join(" ");
        items.push(format!(
            "deny {} in {} : {}, {}, {denied}",
            word(&parent.name),
            word(&parent.space),
            parent.virt,
            parent.size
        ));
    }
    out.block("cpu", &items, |item| Ok(item.clone()))
}

fn write_range(kind: &str, range: &Range) -> Result<String, String> {
    let attribute = range.memory.as_ref().or(range.rights.as_ref()).ok_or("a range without type or rights")?;
    Ok(format!("{kind} {} : {}, {}, {}", word(&range.name), range.base, range.size, word(attribute)))
}

fn policy(out: &mut Writer, options: &Options) -> Result<(), String> {
    let mut items = Vec::new();
    if options.require_stack_guards {
        items.push("stack_guards".to_owned());
    }
    match options.leaf_policy.as_deref() {
        None | Some("largest") => {}
        Some("pages_only") => items.push("pages_only".to_owned()),
        Some(other) => return Err(format!("leaf policy `{other}`")),
    }
    if let Some(limit) = options.tables_below {
        items.push(format!("tables_below = {limit}"));
    }
    if let Some(pool) = &options.table_pool {
        let place = place(pool.phys, pool.resource.as_deref(), pool.offset).ok_or("a table pool without a place")?;
        items.push(format!("table_pool = {place}, {}", pool.size));
    }
    out.block("policy", &items, |item| Ok(item.clone()))
}

fn physical(out: &mut Writer, resources: &[Resource]) -> Result<(), String> {
    if resources.is_empty() {
        return Ok(());
    }
    out.line(format_args!("physical {{"));
    out.depth += 1;
    for each in resources {
        out.note(&each.note);
        let line = resource(each)?;
        out.line(format_args!("{line};"));
    }
    out.depth -= 1;
    out.line(format_args!("}}"));
    Ok(())
}

fn resource(resource: &Resource) -> Result<String, String> {
    let mut text = format!("{} : {}, {}, {}", word(&resource.name), resource.base, resource.size, resource.memory);
    if resource.reserved {
        text += ", reserved";
    }
    for (clause, value) in [("owner", &resource.owner), ("rights", &resource.rights), ("within", &resource.within)] {
        if let Some(value) = value {
            text += &format!(", {clause} {}", rights_or_name(value));
        }
    }
    Ok(text)
}

fn rights_or_name(text: &str) -> String {
    if text.is_empty() { "none".into() } else { word(text) }
}

fn write_space(out: &mut Writer, space: &Space) -> Result<(), String> {
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

/// One region, without the semicolon.
///
/// # Errors
/// What of it the notation has no word for.
pub fn region(region: &Region) -> Result<String, String> {
    let virt = match (region.kind.as_str(), region.virt) {
        ("identity", Some(virt)) => format!("identity {virt}"),
        ("identity", None) => "identity".to_owned(),
        (_, Some(virt)) => virt.to_string(),
        (kind, None) => return Err(format!("a region of kind `{kind}` without `virt`")),
    };
    let mut text = format!("{} ({}) : {virt}", word(&region.name), grants(region)?);
    match &region.channel {
        Some(channel) => text += &format!(" => channel {}", offset_name(channel, region.channel_offset)),
        None => {
            if let Some(place) = place(region.phys, region.resource.as_deref(), region.offset) {
                text += &format!(" => {place}");
            }
        }
    }
    text += &format!(", {}", region.size);
    for clause in clauses(region)? {
        text += ", ";
        text += &clause;
    }
    Ok(text)
}

fn offset_name(name: &str, offset: Option<Num>) -> String {
    match offset {
        None | Some(Num(0)) => word(name),
        Some(offset) => format!("{} + {offset}", word(name)),
    }
}

fn grants(region: &Region) -> Result<String, String> {
    let mut grants = Vec::new();
    match &region.rights {
        RightsText::One(_) if region.kind == "guard" => {}
        RightsText::One(rights) => {
            grants.push(rights_or_name(rights));
            if region.user {
                grants.push("user".into());
            }
        }
        RightsText::Pair { privileged, user } => {
            grants.push(format!("priv {}", rights_or_name(privileged)));
            grants.push(format!("user {}", rights_or_name(user)));
        }
    }
    match (region.kind.as_str(), region.dynamic) {
        ("map" | "identity" | "channel", false) => {}
        ("window", true) => grants.push("window".into()),
        ("window", false) => grants.push("linear".into()),
        ("stack", false) => grants.push("stack".into()),
        ("guard", false) => grants.push("guard".into()),
        (kind, dynamic) => return Err(format!("region kind `{kind}`{}", if dynamic { ", dynamic" } else { "" })),
    }
    if region.global {
        grants.push("global".into());
    }
    match region.purpose.as_deref() {
        None => {}
        Some("tables") => grants.push("tables".into()),
        Some(other) => return Err(format!("region purpose `{other}`")),
    }
    Ok(grants.join(", "))
}

fn clauses(region: &Region) -> Result<Vec<String>, String> {
    let mut list = Vec::new();
    let valued = [
        ("guard below", region.guard_below.filter(|size| size.0 > 0)),
        ("guard above", region.guard_above.filter(|size| size.0 > 0)),
        ("worst_case", region.worst_case),
        ("page", region.page),
        ("page <=", region.page_max),
        ("contiguous", region.contiguous),
        ("software", region.sw_bits),
    ];
    list.extend(valued.iter().filter_map(|(word, value)| value.map(|value| format!("{word} {value}"))));
    match region.grows.as_deref() {
        None | Some("down") => {}
        Some("up") => list.push("grows up".into()),
        Some(other) => return Err(format!("a stack that grows `{other}`")),
    }
    match &region.round {
        None => {}
        Some(Round::Word(unit)) if unit == "page" => list.push("round".into()),
        Some(Round::Word(unit)) => match system::number(unit) {
            Some(unit) => list.push(format!("round {unit:#x}")),
            None => return Err(format!("rounding to `{unit}`")),
        },
        Some(Round::Unit(unit)) => list.push(format!("round {unit}")),
    }
    let named = [("alias_of", &region.alias_of), ("of", &region.guards), ("inside", &region.inside)];
    list.extend(named.iter().filter_map(|(word_, name)| name.as_ref().map(|name| format!("{word_} {}", word(name)))));
    if let Some(memory) = &region.memory {
        list.push(format!("memory {memory}"));
    }
    if region.bti {
        list.push("bti".into());
    }
    list.extend(raw(&region.raw)?);
    for waiver in &region.waive {
        let id = waiver.rule.replace('-', "_");
        let known = word(&id) == id && !waiver.rule.contains('_');
        let rule = if known { id } else { format!("{:?}", waiver.rule) };
        list.push(format!("waive({rule}, {:?})", waiver.reason));
    }
    Ok(list)
}

fn raw(raw: &Raw) -> Result<Vec<String>, String> {
    let mut list = Vec::new();
    match (raw.pbmt, raw.s2_memattr) {
        (Some(_), Some(_)) => return Err("two raw memory fields in one region".into()),
        (Some(value), None) | (None, Some(value)) => list.push(format!("raw_memory {value}")),
        (None, None) => {}
    }
    if raw.dirty {
        list.push("dirty".into());
    }
    Ok(list)
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

fn write_channel(out: &mut Writer, channel: &Channel) -> Result<(), String> {
    let arrow = match channel.direction.as_str() {
        "one_way" => "->",
        "two_way" => "<->",
        other => return Err(format!("channel direction `{other}`")),
    };
    let place = place(channel.phys, channel.resource.as_deref(), channel.offset).ok_or("a channel without a place")?;
    out.note(&channel.note);
    out.line(format_args!(
        "channel {} : {} in {place}, {} {arrow} {};",
        word(&channel.name),
        channel.size,
        word(&channel.from),
        list(&channel.to)
    ));
    Ok(())
}

fn write_dma(out: &mut Writer, dma: &Dma) -> Result<(), String> {
    let mut traits = vec![if dma.iommu { "iommu" } else { "no_iommu" }.to_owned()];
    if dma.coherent == Some(false) {
        traits.push("incoherent".into());
    }
    if let Some(Num(bits)) = dma.addr_bits {
        traits.push(format!("addr_bits {bits}"));
    }
    let head = format!("dma {} for {} ({})", word(&dma.device), word(&dma.owner), traits.join(", "));
    if dma.regions.is_empty() {
        out.line(format_args!("{head} {{}}"));
        return Ok(());
    }
    out.block(&head, &dma.regions, |window| {
        let place =
            place(window.phys, window.resource.as_deref(), window.offset).ok_or("a DMA window without a place")?;
        let rights = rights_or_name(&window.rights);
        Ok(format!("{} ({rights}) : {} => {place}, {}", word(&window.name), window.iova, window.size))
    })
}

fn write_transition(out: &mut Writer, transition: &Transition) {
    let from = transition.from.as_deref().map_or("off".to_owned(), word);
    let mut text = format!("transition {} : {from} -> {}", word(&transition.name), word(&transition.to));
    for (what, value) in [("pc", transition.pc), ("sp", transition.sp), ("vectors", transition.vectors)] {
        if let Some(value) = value {
            text += &format!(", {what} {value}");
        }
    }
    for (what, set) in [("in_place", transition.in_place), ("bbm", transition.bbm)] {
        if set {
            text += ", ";
            text += what;
        }
    }
    out.line(format_args!("{text};"));
}

#[cfg(test)]
mod tests;
