//! What is declared of formats, CPU, policy and resources.

use std::string::String;
use std::vec::Vec;

use super::document::{Cpu, Format, Policy, Range, Resource};
use super::hex::Hex;
use crate::arch::evidence::Scheme;
use crate::attr::{Features, Rights};
use crate::format;
use crate::layout::{features, format_of, pa_bits, place};
use crate::map::{LeafPolicy, Map, Space};

/// The format of a space that overrides nothing.
pub(super) fn map_format(map: &Map<'_>) -> format::Format {
    format_of(map, &Space::BLANK)
}

pub(super) fn format(map: &Map<'_>, format: &format::Format) -> Format {
    let scheme = Scheme::of(format);
    Format {
        name: scheme.notation,
        architecture: scheme.architecture,
        scheme: scheme.id,
        granule: format.page_size(),
        input_bits: format.input_bits,
        levels: format.levels,
        entry_bytes: format.entry_bytes,
        root_tables: format.root_tables(),
        two_halves: format.upper_half,
        split_roots: format.split_roots,
        features: names(features(map)),
    }
}

fn names(features: Features) -> Vec<&'static str> {
    let mut rest = features;
    let next = || {
        let first = rest.first();
        rest = rest.without(first);
        (!first.is_empty()).then(|| first.name())
    };
    std::iter::from_fn(next).collect()
}

pub(super) fn cpu(map: &Map<'_>) -> Cpu {
    let register = map_format(map).memory_register;
    let slots = |name| (register.name == name).then(|| register.slots.map(|slot| Hex(slot.into())).into());
    Cpu {
        pa_bits: pa_bits(map),
        features: names(features(map)),
        start_level: map.cpu.start_level,
        mair: slots("mair"),
        pat: slots("pat"),
    }
}

pub(super) fn policy(map: &Map<'_>) -> Policy {
    let pool = map.policy.table_pool.and_then(|pool| Some((place(map, pool.phys).0?, pool.size)));
    Policy {
        stack_guards: map.policy.stack_guards,
        pages_only: map.policy.leaves == LeafPolicy::PagesOnly,
        tables_below: map.policy.tables_below.map(Hex::from),
        table_pool: pool.map(|(start, size)| Range { start: Hex(start), size: size.into() }),
    }
}

pub(super) fn resources(map: &Map<'_>) -> Vec<Resource> {
    let resource = |resource: &crate::map::Resource<'_>| Resource {
        name: resource.name.into(),
        start: resource.base.into(),
        size: resource.size.into(),
        memory: resource.memory.name(),
        reserved: resource.reserved,
        owner: resource.owner.map(String::from),
        rights: resource.rights.map(rights),
        within: resource.within.map(String::from),
    };
    map.resources.iter().map(resource).collect()
}

/// Rights as a document spells them.
pub(super) const fn rights(rights: Rights) -> &'static str {
    ["", "r", "w", "rw", "x", "rx", "wx", "rwx"][rights.bits() as usize & 7]
}
