//! What exists on the bus, read off the physical side of a map.
//!
//! A map says which memory it reaches and with which type, not what the memory is. Ranges that overlap or touch with
//! one type become one resource; where two maps of a range disagree, a device type wins (somebody knows of registers
//! there) and the device lies `within` the rest.

use std::collections::BTreeMap;

use crate::system::{Num, Resource};

/// A contiguous piece of a map with one set of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its first virtual address.
    pub virt: u64,
    /// Its first physical address.
    pub phys: u64,
    /// Its bytes.
    pub size: u64,
    /// `r`, `w`, `x`, and `u` for user.
    pub rights: String,
    /// Its memory type, by the names that [`memory`] knows.
    pub memory: String,
}

/// The physical side of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The resource behind it,
    pub resource: String,
    /// and how many bytes into that.
    pub offset: u64,
    /// The type, where it is not the resource's.
    pub memory: Option<String>,
}

/// The memory type of the notation for one of the tables.
///
/// # Errors
/// A type that the notation has no name for.
pub fn memory(name: &str) -> Result<&'static str, String> {
    Ok(match name {
        "normal-wb" => "normal_wb",
        "normal-wt" | "wt" => "normal_wt",
        "normal-nc" | "wc" => "normal_nc",
        "device-nGnRnE" | "uc" | "uc-minus" => "device_nGnRnE",
        "device-nGnRE" | "device-io" => "device_nGnRE",
        "device-nGRE" => "device_nGRE",
        "device-GRE" => "device_GRE",
        "wp" => "wp",
        other => return Err(format!("memory type `{other}`")),
    })
}

/// A physical range of one type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Piece {
    start: u64,
    end: u64,
    memory: &'static str,
}

/// Runs whose physical ranges hang together.
struct Group {
    start: u64,
    end: u64,
    members: Vec<usize>,
    pieces: Vec<Piece>,
}

/// The resources that `runs` need, named by `names` (one for each run), and the place of each run in them.
///
/// Where the bus decides about memory types (RISC-V) no run has a type of its own.
///
/// # Errors
/// A memory type that the notation has no name for, or a range that leaves the 64-bit space.
pub fn derive(runs: &[Run], names: &[String], bus_decides: bool) -> Result<(Vec<Resource>, Vec<Place>), String> {
    let mut places = vec![Place { resource: String::new(), offset: 0, memory: None }; runs.len()];
    let mut resources = Vec::new();
    let mut taken = BTreeMap::new();
    for group in groups(runs)? {
        let outer = outer_type(&group.pieces);
        let name = unique(&names[group.members[0]], &mut taken);
        resources.push(resource(&name, group.start, group.end, outer, None));
        for piece in group.pieces.iter().filter(|piece| piece.memory != outer) {
            let named = group.members.iter().find(|member| runs[**member].phys == piece.start);
            let inner = unique(named.map_or("part", |member| names[*member].as_str()), &mut taken);
            resources.push(resource(&inner, piece.start, piece.end, piece.memory, Some(&name)));
        }
        for &member in &group.members {
            let run = &runs[member];
            let own = memory(&run.memory)?;
            let end = run.phys + run.size;
            let covered = group.pieces.iter().filter(|piece| piece.start < end && run.phys < piece.end);
            let agrees = covered.into_iter().all(|piece| piece.memory == own);
            places[member] = Place {
                resource: name.clone(),
                offset: run.phys - group.start,
                memory: (!agrees && !bus_decides).then(|| own.to_owned()),
            };
        }
    }
    Ok((resources, places))
}

fn resource(name: &str, start: u64, end: u64, memory: &str, within: Option<&String>) -> Resource {
    Resource {
        note: Vec::new(),
        name: name.into(),
        base: Num(start),
        size: Num(end - start),
        memory: memory.into(),
        reserved: false,
        owner: None,
        rights: None,
        within: within.cloned(),
    }
}

/// The name, with a number where it is taken.
#[must_use]
pub fn unique(name: &str, taken: &mut BTreeMap<String, usize>) -> String {
    let mut candidate = name.to_owned();
    while taken.contains_key(&candidate) {
        let count = taken.entry(name.to_owned()).or_insert(1);
        *count += 1;
        candidate = format!("{name}_{count}");
    }
    taken.insert(candidate.clone(), 1);
    candidate
}

/// An identifier like the name.
#[must_use]
pub fn identifier(name: &str) -> String {
    const KEYWORDS: [&str; 51] = [
        "as", "break", "const", "continue", "crate", "else", "enum", "extern", "false", "fn", "for", "if", "impl",
        "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "type", "unsafe", "use", "where", "while", "async", "await", "dyn", "abstract",
        "become", "box", "do", "final", "gen", "macro", "override", "priv", "try", "typeof", "unsized", "virtual",
        "yield",
    ];
    let mut text: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if text.starts_with(|c: char| c.is_ascii_digit()) || text.is_empty() || text == "_" {
        text.insert_str(0, "r_");
    }
    if KEYWORDS.contains(&text.as_str()) {
        text.push('_');
    }
    text
}

fn groups(runs: &[Run]) -> Result<Vec<Group>, String> {
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by_key(|at| (runs[*at].phys, runs[*at].size));
    let mut groups: Vec<Group> = Vec::new();
    for at in order {
        let (start, memory) = (runs[at].phys, memory(&runs[at].memory)?);
        let end = start.checked_add(runs[at].size).ok_or_else(|| format!("a run at {start:#x} wraps"))?;
        match groups.last_mut() {
            Some(group) if start < group.end || (start == group.end && group.is_all(memory)) => {
                group.end = group.end.max(end);
                group.members.push(at);
            }
            _ => groups.push(Group { start, end, members: vec![at], pieces: Vec::new() }),
        }
        if let Some(group) = groups.last_mut() {
            group.pieces = pieces(group, runs)?;
        }
    }
    Ok(groups)
}

impl Group {
    fn is_all(&self, memory: &str) -> bool {
        self.pieces.iter().all(|piece| piece.memory == memory)
    }
}

/// The ranges of a group by type, neighbours of one type joined.
fn pieces(group: &Group, runs: &[Run]) -> Result<Vec<Piece>, String> {
    let mut cuts: Vec<u64> =
        group.members.iter().flat_map(|at| [runs[*at].phys, runs[*at].phys + runs[*at].size]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces: Vec<Piece> = Vec::new();
    for pair in cuts.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let over = |at: &&usize| runs[**at].phys <= start && end <= runs[**at].phys + runs[**at].size;
        let types: Vec<&'static str> =
            group.members.iter().filter(over).map(|at| memory(&runs[*at].memory)).collect::<Result<_, _>>()?;
        let device = types.iter().find(|name| name.starts_with("device"));
        let Some(memory) = device.or(types.first()) else { continue };
        match pieces.last_mut() {
            Some(last) if last.end == start && last.memory == *memory => last.end = end,
            _ => pieces.push(Piece { start, end, memory }),
        }
    }
    Ok(pieces)
}

/// The type of most bytes.
fn outer_type(pieces: &[Piece]) -> &'static str {
    let bytes = |memory: &str| -> u64 {
        pieces.iter().filter(|piece| piece.memory == memory).map(|piece| piece.end - piece.start).sum()
    };
    pieces.iter().map(|piece| piece.memory).max_by_key(|memory| bytes(memory)).unwrap_or("normal_wb")
}

/// The highest free physical range of `size` bytes below `limit` that no run and none of `avoid` touches.
#[must_use]
pub fn free(runs: &[Run], avoid: &[(u64, u64)], size: u64, alignment: u64, limit: u128) -> Option<u64> {
    let taken = runs.iter().map(|run| (run.phys, run.size)).chain(avoid.iter().copied());
    let mut taken: Vec<(u128, u128)> =
        taken.map(|(start, size)| (u128::from(start), u128::from(start) + u128::from(size))).collect();
    taken.sort_unstable();
    let mut top = limit;
    for (start, end) in taken.iter().rev().copied().chain([(0, u128::from(alignment))]) {
        let at = top.checked_sub(u128::from(size)).map(|at| at - at % u128::from(alignment));
        // A longer range that starts lower may reach up to here, too.
        let is_free = |at: &u128| taken.iter().all(|(start, end)| *end <= *at || *start >= *at + u128::from(size));
        if let Some(at) = at.filter(|at| *at >= end).filter(is_free) {
            return u64::try_from(at).ok();
        }
        top = top.min(start);
    }
    None
}

#[cfg(test)]
mod tests;
