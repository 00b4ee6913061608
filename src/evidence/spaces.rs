//! Spaces and their regions.

use std::string::String;
use std::vec::Vec;

use super::document::{Image, Leaves, Region, Register, Section, Space};
use super::facts::{format as describe, rights};
use super::hex::Hex;
use super::judge::Judged;
use super::{Error, tables};
use crate::arch::evidence::Installation;
use crate::attr::{Access, MemoryType};
use crate::format::Format;
use crate::layout::{Extent, NOWHERE, format_of, memory_of, resource_at, section_place};
use crate::map::{self, Kind, Map, Phys, Role};
use crate::plan::{Shape, Step, is_global};
use crate::space::Roots;

/// All spaces of a map.
pub(super) fn of(map: &Map<'_>, judged: &Judged) -> Result<Vec<Space>, Error> {
    (0..map.spaces.len()).map(|space| one(map, judged, space)).collect()
}

fn one(map: &Map<'_>, judged: &Judged, index: usize) -> Result<Space, Error> {
    let space = &map.spaces[index];
    let format = format_of(map, space);
    let extents: Vec<Extent> = judged.extents(index).copied().collect();
    let plan = judged.plan(index);
    let tables = tables::of(map, space, &format, &extents, plan)?;
    let leaves = |r, memory| leaves(map, &format, &space.regions[r], r, plan.unwrap_or_default(), memory);
    let region = |(r, extent)| {
        let region = region(map, space, &format, extent);
        Region { leaves: leaves(r, region.memory), ..region }
    };
    Ok(Space {
        name: space.name.into(),
        role: match space.role {
            Role::Kernel => "kernel",
            Role::Boot => "boot",
            Role::Run => "run",
            Role::Firmware => "firmware",
            Role::Partition => "partition",
            Role::Guest => "guest",
        },
        format: describe(map, &format),
        asid: space.asid,
        tables,
        registers: registers(map, judged, index).iter().map(Register::from).collect(),
        regions: extents.iter().enumerate().map(region).collect(),
        image: space.image.as_ref().map(|it| image(space, &extents, it)),
    })
}

/// The registers of a space; none where a rule is broken.
pub(super) fn registers(map: &Map<'_>, judged: &Judged, index: usize) -> Vec<crate::arch::evidence::Register> {
    let Some(steps) = judged.plan(index) else { return Vec::new() };
    let space = &map.spaces[index];
    let format = format_of(map, space);
    let shape = Shape::of_steps(steps, &format, space.self_map_slot.is_some());
    let start = tables::start(map, space);
    let root = |upper| start.unwrap_or(0) + shape.root(upper) as u64 * format.table_size();
    let roots = Roots { lower: shape.lower.then(|| root(false)), upper: shape.upper.then(|| root(true)) };
    Installation { map, space: index, format: &format, roots, placed: start.is_some() }.registers()
}

impl From<&crate::arch::evidence::Register> for Register {
    fn from(register: &crate::arch::evidence::Register) -> Self {
        let mask = (register.mask != u64::MAX).then(|| register.mask.into());
        Self { name: register.name, value: register.value.into(), mask }
    }
}

fn region(map: &Map<'_>, space: &map::Space<'_>, format: &Format, extent: &Extent) -> Region {
    let region = &space.regions[usize::from(extent.region)];
    let access = access(format, region);
    let is_guard = region.kind == Kind::Guard;
    let holder = |index: u16| (index != NOWHERE).then(|| map.resources[usize::from(index)].name.into());
    let bytes = |size: u64| (size != 0).then(|| Hex::from(size));
    Region {
        name: region.name.into(),
        kind: match region.kind {
            Kind::Map => "map",
            Kind::Identity => "identity",
            Kind::Linear => "linear",
            Kind::Window => "window",
            Kind::Stack => "stack",
            Kind::Guard => "guard",
            Kind::Channel => "channel",
        },
        virt: Hex(extent.virt),
        size: Hex(extent.size),
        phys: extent.has_phys.then_some(Hex(extent.phys)),
        resource: holder(extent.resource).or_else(|| holder(extent.holder)),
        channel: match region.phys {
            Phys::Channel { channel, .. } => Some(channel.into()),
            _ => None,
        },
        privileged: rights(access.privileged),
        user: rights(access.user),
        memory: memory_of(map, region, extent).filter(|_| !is_guard).map(|memory| memory.name()),
        global: !is_guard && is_global(space, format, region),
        guard_below: bytes(region.guard_below),
        guard_above: bytes(region.guard_above),
        alias_of: region.alias_of.map(String::from),
        edits_tables: region.tables.then_some(true),
        requirements: region.requirements.iter().copied().map(String::from).collect(),
        leaves: Vec::new(),
    }
}

/// The rights of a region as its regime understands them.
pub(super) fn access(format: &Format, region: &map::Region<'_>) -> Access {
    if region.user && !format.user { Access::kernel(region.access.any()) } else { region.access }
}

/// The leaves of the region with that index, as the plan has them. `memory` is the type of its first byte.
fn leaves(
    map: &Map<'_>,
    format: &Format,
    region: &map::Region<'_>,
    index: usize,
    plan: &[Step],
    memory: Option<&'static str>,
) -> Vec<Leaves> {
    let memory_at = |phys: u64| region.memory.or(Some(resource_at(map, phys.into())?.memory)).map(MemoryType::name);
    let run = region.contiguous.and_then(|size| format.run(size));
    let steps = plan.iter().filter(|step| usize::from(step.region) == index && step.flags != 0);
    let leaves = steps.map(|step| Leaves {
        virt: step.virt.into(),
        phys: step.phys.into(),
        level: step.level,
        size: format.level[step.level].size().into(),
        count: step.count,
        run: run.filter(|run| run.level == step.level && step.flags & run.set == run.set).map(|run| run.size.into()),
        memory: memory_at(step.phys).filter(|&one| memory != Some(one)),
    });
    leaves.collect()
}

fn image(space: &map::Space<'_>, extents: &[Extent], image: &map::Image<'_>) -> Image {
    let section = |section: &map::Section<'_>| {
        // A section in a region that is none is empty, and a broken rule.
        let (start, end) = section_place(space, extents, section).unwrap_or_default();
        Section {
            name: section.name.into(),
            virt: Hex(start),
            size: Hex(end - start),
            rights: rights(section.rights),
            load: section.lma.map(Hex::from),
        }
    };
    Image {
        name: image.name.into(),
        entry: image.entry.map(Hex::from),
        sections: image.sections.iter().map(section).collect(),
    }
}
