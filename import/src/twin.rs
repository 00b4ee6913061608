//! The run-time twin: a system as a [`Map`] value, judged by the same rules without the compiler.

use std::thread;

use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::layout::{Layout, count_regions};
use tablature::map::{self, Kind, LeafPolicy, Map, Phys, Role, Virt};
use tablature::rule::{self, Finding, Rule};

use crate::formats;
use crate::system::{self, Channel, Num, Options, Region, RightsText, Round, Space, System};

/// Most regions of a system, and most findings that are kept of one.
pub const REGIONS: usize = 512;
const FINDINGS: usize = 512;
/// Bytes of stack for the judge.
const STACK: usize = 64 << 20;

/// The ids of all rules.
#[must_use]
pub fn rules() -> Vec<&'static str> {
    Rule::ALL.iter().map(|rule| rule.id()).collect()
}

/// What the rules find in a map: errors, then warnings.
pub struct Findings {
    /// What breaks a rule.
    pub errors: Vec<Finding<'static>>,
    /// What only looks odd.
    pub warnings: Vec<Finding<'static>>,
}

/// Judges a map by the rules.
///
/// # Errors
/// More regions or findings than this program keeps.
pub fn findings(map: &Map<'static>) -> Result<Findings, String> {
    if count_regions(map) > REGIONS {
        return Err(format!("{} regions, and at most {REGIONS} can be judged at run time", count_regions(map)));
    }
    // Everything is by value on the stack, which is too much for a thread of the usual size.
    let judge = || -> Result<Findings, String> {
        let layout = Layout::<REGIONS>::of(map);
        let (errors, warnings) = rule::check::<REGIONS, FINDINGS>(map, &layout);
        if errors.total > FINDINGS || warnings.total > FINDINGS {
            return Err(format!("more than {FINDINGS} findings"));
        }
        Ok(Findings { errors: errors.as_slice().to_vec(), warnings: warnings.as_slice().to_vec() })
    };
    thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, judge);
        let joined = spawned.map_err(|error| error.to_string())?.join();
        joined.unwrap_or_else(|_| Err("the rules panicked".into()))
    })
}

/// Values that live until the program ends, which is soon: a [`Map`] borrows everything.
fn keep<T>(items: Vec<T>) -> &'static [T] {
    items.leak()
}

fn text(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn optional_text(value: Option<&String>) -> Option<&'static str> {
    value.map(|value| text(value))
}

fn value(number: Option<Num>) -> Option<u64> {
    number.map(|Num(value)| value)
}

/// The system as a value.
///
/// # Errors
/// What of it a value cannot hold.
pub fn map(system: &System) -> Result<Map<'static>, String> {
    let resources = system.resources.iter().map(resource).collect::<Result<Vec<_>, _>>()?;
    let spaces = system.spaces.iter().map(space).collect::<Result<Vec<_>, _>>()?;
    let channels = system.channels.iter().map(channel).collect();
    let isolation = system.isolation.iter().map(|isolation| map::Isolation {
        spaces: keep(isolation.spaces.iter().map(|name| text(name)).collect()),
        except: keep(isolation.except.iter().map(|name| text(name)).collect()),
        anchor: 0,
    });
    let devices = system.dma.iter().map(device).collect::<Result<Vec<_>, String>>()?;
    let transitions = system.transitions.iter().map(|transition| map::Transition {
        name: text(&transition.name),
        from: optional_text(transition.from.as_ref()),
        to: text(&transition.to),
        pc: value(transition.pc),
        sp: value(transition.sp),
        vectors: value(transition.vectors),
        in_place: transition.in_place,
        bbm: transition.bbm,
        anchor: 0,
    });
    Ok(Map {
        name: text(&system.id),
        anchor: 0,
        format: formats::named(&system.format)?,
        cpu: cpu(&system.options)?,
        policy: policy(&system.options)?,
        resources: keep(resources),
        spaces: keep(spaces),
        channels: keep(channels),
        isolation: keep(isolation.collect()),
        devices: keep(devices),
        transitions: keep(transitions.collect()),
    })
}

fn features<'t>(names: impl Iterator<Item = &'t str>) -> Result<Features, String> {
    names
        .map(|name| Features::named(name).ok_or(format!("feature `{name}`")))
        .try_fold(Features::NONE, |all, feature| Ok(all.union(feature?)))
}

fn cpu(options: &Options) -> Result<map::Cpu<'static>, String> {
    let ranges = |ranges: &[system::Range]| {
        keep(
            ranges
                .iter()
                .map(|range| map::Range {
                    name: text(&range.name),
                    base: range.base.0,
                    size: range.size.0,
                    kind: range.memory.as_ref().or(range.rights.as_ref()).map_or("", |kind| text(kind)),
                    anchor: 0,
                })
                .collect(),
        )
    };
    let granules = options.granules.iter().flatten().map(|size| format!("granule_{}", size.to_lowercase()));
    let modes: Vec<String> = granules.chain(options.satp_modes.iter().flatten().cloned()).collect();
    let limited = options.granules.is_some() || options.satp_modes.is_some();
    let numbers = |values: &Vec<Num>| keep(values.iter().map(|number| number.0).collect());
    let parents = options.parents.iter().map(|parent| map::Parent {
        name: text(&parent.name),
        space: text(&parent.space),
        virt: parent.virt.0,
        size: parent.size.0,
        deny_user: parent.deny.iter().any(|what| what == "user"),
        deny_write: parent.deny.iter().any(|what| what == "write"),
        deny_exec: parent.deny.iter().any(|what| what == "exec"),
        anchor: 0,
    });
    Ok(map::Cpu {
        pa_bits: options.pa_bits.map(|Num(bits)| u32::try_from(bits).unwrap_or(u32::MAX)),
        features: options.features.as_ref().map(|names| features(names.iter().map(String::as_str))).transpose()?,
        modes: limited.then(|| features(modes.iter().map(String::as_str))).transpose()?,
        start_level: options.start_level,
        mair: options.mair.as_ref().map(numbers),
        pat: options.pat.as_ref().map(numbers),
        mtrr: ranges(&options.mtrr),
        pmp: ranges(&options.pmp),
        parents: keep(parents.collect()),
        anchor: 0,
    })
}

fn policy(options: &Options) -> Result<map::Policy<'static>, String> {
    Ok(map::Policy {
        stack_guards: options.require_stack_guards,
        leaves: match options.leaf_policy.as_deref() {
            None | Some("largest") => LeafPolicy::Largest,
            Some("pages_only") => LeafPolicy::PagesOnly,
            Some(other) => return Err(format!("leaf policy `{other}`")),
        },
        tables_below: value(options.tables_below),
        table_pool: options.table_pool.as_ref().map(|pool| map::Pool {
            phys: place(pool.phys, pool.resource.as_ref(), pool.offset),
            size: pool.size.0,
            anchor: 0,
        }),
    })
}

fn place(phys: Option<Num>, resource: Option<&String>, offset: Option<Num>) -> Phys<'static> {
    match (phys, resource) {
        (_, Some(resource)) => Phys::In { resource: text(resource), offset: offset.unwrap_or_default().0 },
        (Some(Num(phys)), None) => Phys::At(phys),
        (None, None) => Phys::None,
    }
}

/// The memory type of that name.
///
/// # Errors
/// There is none.
pub fn memory(name: &str) -> Result<MemoryType, String> {
    let found = MemoryType::ALL.into_iter().find(|memory| memory.name() == name);
    found.ok_or_else(|| format!("memory type `{name}`"))
}

/// The rights that `text` spells, each letter once.
///
/// # Errors
/// It spells none.
pub fn rights(text: &str) -> Result<Rights, String> {
    let mut all = Rights::NONE;
    for letter in text.chars() {
        let right = match letter {
            'r' => Rights::R,
            'w' => Rights::W,
            'x' => Rights::X,
            _ => return Err(format!("rights `{text}`")),
        };
        if all.contains(right) {
            return Err(format!("rights `{text}`"));
        }
        all = all.union(right);
    }
    Ok(all)
}

fn resource(resource: &system::Resource) -> Result<map::Resource<'static>, String> {
    Ok(map::Resource {
        name: text(&resource.name),
        base: resource.base.0,
        size: resource.size.0,
        memory: memory(&resource.memory)?,
        reserved: resource.reserved,
        owner: optional_text(resource.owner.as_ref()),
        rights: resource.rights.as_deref().map(rights).transpose()?,
        within: optional_text(resource.within.as_ref()),
        anchor: 0,
    })
}

fn space(space: &Space) -> Result<map::Space<'static>, String> {
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

fn region(region: &Region) -> Result<map::Region<'static>, String> {
    let (access, bad_rights) = match access(&region.rights, region.user) {
        Ok(access) => (access, ""),
        Err(bad) => (Access::default(), text(bad)),
    };
    let phys = match &region.channel {
        Some(channel) => Phys::Channel { channel: text(channel), offset: region.channel_offset.unwrap_or_default().0 },
        None => place(region.phys, region.resource.as_ref(), region.offset),
    };
    let waivers = region.waive.iter().map(|waiver| map::Waiver {
        rule: text(&waiver.rule),
        reason: text(&waiver.reason),
        anchor: 0,
    });
    let raw = &region.raw;
    Ok(map::Region {
        name: text(&region.name),
        kind: kind(region)?,
        virt: region.virt.map_or(Virt::Identity, |Num(virt)| Virt::At(virt)),
        phys,
        size: Some(region.size.0),
        access,
        bad_rights,
        user: region.user,
        memory: region.memory.as_deref().map(memory).transpose()?,
        page: value(region.page),
        page_max: value(region.page_max),
        contiguous: value(region.contiguous),
        round: region.round.as_ref().map(|round| match round {
            Round::Unit(Num(unit)) => *unit,
            Round::Word(word) => system::number(word).unwrap_or(0),
        }),
        alias_of: optional_text(region.alias_of.as_ref()),
        global: region.global,
        tables: region.purpose.as_deref() == Some("tables"),
        bti: region.bti,
        software: value(region.sw_bits),
        raw_memory: value(raw.pbmt.or(raw.s2_memattr)),
        dirty: raw.dirty,
        guard_below: region.guard_below.unwrap_or_default().0,
        guard_above: region.guard_above.unwrap_or_default().0,
        grows_up: region.grows.as_deref() == Some("up"),
        worst_case: value(region.worst_case),
        guards: optional_text(region.guards.as_ref()),
        inside: optional_text(region.inside.as_ref()),
        waivers: keep(waivers.collect()),
        ..map::Region::BLANK
    })
}

fn channel(channel: &Channel) -> map::Channel<'static> {
    map::Channel {
        name: text(&channel.name),
        phys: place(channel.phys, channel.resource.as_ref(), channel.offset),
        size: channel.size.0,
        from: text(&channel.from),
        to: keep(channel.to.iter().map(|name| text(name)).collect()),
        two_way: channel.direction == "two_way",
        anchor: 0,
    }
}

fn device(dma: &system::Dma) -> Result<map::Device<'static>, String> {
    let windows = dma.regions.iter().map(|window| {
        Ok(map::DmaWindow {
            name: text(&window.name),
            iova: window.iova.0,
            phys: place(window.phys, window.resource.as_ref(), window.offset),
            size: window.size.0,
            rights: rights(&window.rights)?,
            anchor: 0,
        })
    });
    Ok(map::Device {
        name: text(&dma.device),
        owner: text(&dma.owner),
        iommu: dma.iommu,
        addr_bits: dma.addr_bits.map(|Num(bits)| u32::try_from(bits).unwrap_or(u32::MAX)),
        coherent: dma.coherent.unwrap_or(true),
        windows: keep(windows.collect::<Result<Vec<_>, String>>()?),
        anchor: 0,
    })
}
