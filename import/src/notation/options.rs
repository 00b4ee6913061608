//! What holds for the whole system: `cpu` and `policy`.

use super::{Writer, list, numbers, place, word};
use crate::system::{Num, Options, Range};

pub(super) fn cpu(out: &mut Writer, options: &Options) -> Result<(), String> {
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

pub(super) fn policy(out: &mut Writer, options: &Options) -> Result<(), String> {
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
