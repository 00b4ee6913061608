//! A region.

use tablature::attr::{Access, Rights};
use tablature::map::{self, Kind, Phys, Virt};

use super::{keep, memory, optional_text, place, rights, text, value};
use crate::system::{self, Num, Region, RightsText, Round, Waive};

pub(super) fn region(region: &Region) -> Result<map::Region<'static>, String> {
    let (access, bad_rights) = match access(&region.rights, region.user) {
        Ok(access) => (access, ""),
        Err(bad) => (Access::default(), text(bad)),
    };
    Ok(map::Region {
        name: text(&region.name),
        kind: kind(region)?,
        virt: region.virt.map_or(Virt::Identity, |Num(virt)| Virt::At(virt)),
        phys: phys(region),
        size: Some(region.size.0),
        access,
        bad_rights,
        user: region.user,
        memory: region.memory.as_deref().map(memory).transpose()?,
        page: value(region.page),
        page_max: value(region.page_max),
        contiguous: value(region.contiguous),
        round: region.round.as_ref().map(round),
        alias_of: optional_text(region.alias_of.as_ref()),
        global: region.global,
        tables: region.purpose.as_deref() == Some("tables"),
        bti: region.bti,
        software: value(region.sw_bits),
        raw_memory: value(region.raw.pbmt.or(region.raw.s2_memattr)),
        dirty: region.raw.dirty,
        guard_below: region.guard_below.unwrap_or_default().0,
        guard_above: region.guard_above.unwrap_or_default().0,
        grows_up: region.grows.as_deref() == Some("up"),
        worst_case: value(region.worst_case),
        guards: optional_text(region.guards.as_ref()),
        inside: optional_text(region.inside.as_ref()),
        waivers: keep(region.waive.iter().map(waiver).collect()),
        ..map::Region::BLANK
    })
}

/// What is behind it.
fn phys(region: &Region) -> Phys<'static> {
    match &region.channel {
        Some(channel) => Phys::Channel { channel: text(channel), offset: region.channel_offset.unwrap_or_default().0 },
        None => place(region.phys, region.resource.as_ref(), region.offset),
    }
}

/// What its ends are rounded to; 0 is a page.
fn round(round: &Round) -> u64 {
    match round {
        Round::Unit(Num(unit)) => *unit,
        Round::Word(word) => system::number(word).unwrap_or(0),
    }
}

fn waiver(waiver: &Waive) -> map::Waiver<'static> {
    map::Waiver { rule: text(&waiver.rule), reason: text(&waiver.reason), anchor: 0 }
}

fn kind(region: &Region) -> Result<Kind, String> {
    Ok(match (region.kind.as_str(), region.dynamic) {
        ("map", false) => Kind::Map,
        ("identity", false) => Kind::Identity,
        ("window", false) => Kind::Linear,
        ("window", true) => Kind::Window,
        ("stack", false) => Kind::Stack,
        ("guard", false) => Kind::Guard,
        ("channel", false) => Kind::Channel,
        (other, _) => return Err(format!("region kind `{other}`")),
    })
}

/// The rights of a region; or the text that spells none, about which the rules have something to say.
fn access(written: &RightsText, user: bool) -> Result<Access, &str> {
    match written {
        RightsText::Pair { privileged, user } => Ok(Access { privileged: spelt(privileged)?, user: spelt(user)? }),
        RightsText::One(one) if user => Ok(Access::user(spelt(one)?)),
        RightsText::One(one) => Ok(Access::kernel(spelt(one)?)),
    }
}

fn spelt(text: &str) -> Result<Rights, &str> {
    rights(text).map_err(|_| text)
}
