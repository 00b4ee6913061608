//! A region: its grants, its addresses, its clauses.

use super::{place, rights_or_name, word};
use crate::system::{self, Num, Raw, Region, RightsText, Round, Waive};

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

/// What stands behind the size.
fn clauses(region: &Region) -> Result<Vec<String>, String> {
    let mut list = sizes(region);
    list.extend(direction(region)?);
    list.extend(region.round.as_ref().map(rounding).transpose()?);
    let named = [("alias_of", &region.alias_of), ("of", &region.guards), ("inside", &region.inside)];
    list.extend(named.iter().filter_map(|(clause, name)| name.as_ref().map(|name| format!("{clause} {}", word(name)))));
    list.extend(region.memory.as_ref().map(|memory| format!("memory {memory}")));
    list.extend(region.bti.then(|| "bti".to_owned()));
    list.extend(raw(&region.raw)?);
    list.extend(region.waive.iter().map(waiver));
    Ok(list)
}

/// Clauses that are a word and a number.
fn sizes(region: &Region) -> Vec<String> {
    let valued = [
        ("guard below", region.guard_below.filter(|size| size.0 > 0)),
        ("guard above", region.guard_above.filter(|size| size.0 > 0)),
        ("worst_case", region.worst_case),
        ("page", region.page),
        ("page <=", region.page_max),
        ("contiguous", region.contiguous),
        ("software", region.sw_bits),
    ];
    valued.iter().filter_map(|(word, value)| value.map(|value| format!("{word} {value}"))).collect()
}

/// Where a stack grows, if not downwards.
fn direction(region: &Region) -> Result<Option<String>, String> {
    match region.grows.as_deref() {
        None | Some("down") => Ok(None),
        Some("up") => Ok(Some("grows up".into())),
        Some(other) => Err(format!("a stack that grows `{other}`")),
    }
}

fn rounding(round: &Round) -> Result<String, String> {
    match round {
        Round::Word(unit) if unit == "page" => Ok("round".into()),
        Round::Word(unit) => match system::number(unit) {
            Some(unit) => Ok(format!("round {unit:#x}")),
            None => Err(format!("rounding to `{unit}`")),
        },
        Round::Unit(unit) => Ok(format!("round {unit}")),
    }
}

/// A waiver; its rule as text where it is no word of the notation.
fn waiver(waiver: &Waive) -> String {
    let id = waiver.rule.replace('-', "_");
    let known = word(&id) == id && !waiver.rule.contains('_');
    let rule = if known { id } else { format!("{:?}", waiver.rule) };
    format!("waive({rule}, {:?})", waiver.reason)
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
