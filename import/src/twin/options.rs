//! What holds for the whole system: the CPU and the policy.

use tablature::attr::Features;
use tablature::map::{self, LeafPolicy};

use super::{keep, place, text, value};
use crate::system::{Num, Options, Parent, Range};

fn features<'t>(names: impl Iterator<Item = &'t str>) -> Result<Features, String> {
    names
        .map(|name| Features::named(name).ok_or(format!("feature `{name}`")))
        .try_fold(Features::NONE, |all, feature| Ok(all.union(feature?)))
}

pub(super) fn cpu(options: &Options) -> Result<map::Cpu<'static>, String> {
    let granules = options.granules.iter().flatten().map(|size| format!("granule_{}", size.to_lowercase()));
    let modes: Vec<String> = granules.chain(options.satp_modes.iter().flatten().cloned()).collect();
    let limited = options.granules.is_some() || options.satp_modes.is_some();
    let numbers = |values: &Vec<Num>| keep(values.iter().map(|number| number.0).collect());
    Ok(map::Cpu {
        pa_bits: options.pa_bits.map(|Num(bits)| u32::try_from(bits).unwrap_or(u32::MAX)),
        features: options.features.as_ref().map(|names| features(names.iter().map(String::as_str))).transpose()?,
        modes: limited.then(|| features(modes.iter().map(String::as_str))).transpose()?,
        start_level: options.start_level,
        mair: options.mair.as_ref().map(numbers),
        pat: options.pat.as_ref().map(numbers),
        mtrr: keep(options.mtrr.iter().map(range).collect()),
        pmp: keep(options.pmp.iter().map(range).collect()),
        parents: keep(options.parents.iter().map(parent).collect()),
        anchor: 0,
    })
}

/// A range of MTRR or PMP.
fn range(range: &Range) -> map::Range<'static> {
    map::Range {
        name: text(&range.name),
        base: range.base.0,
        size: range.size.0,
        kind: range.memory.as_ref().or(range.rights.as_ref()).map_or("", |kind| text(kind)),
        anchor: 0,
    }
}

/// A restriction at a table entry.
fn parent(parent: &Parent) -> map::Parent<'static> {
    let denies = |what: &str| parent.deny.iter().any(|denied| denied == what);
    map::Parent {
        name: text(&parent.name),
        space: text(&parent.space),
        virt: parent.virt.0,
        size: parent.size.0,
        deny_user: denies("user"),
        deny_write: denies("write"),
        deny_exec: denies("exec"),
        anchor: 0,
    }
}

pub(super) fn policy(options: &Options) -> Result<map::Policy<'static>, String> {
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
