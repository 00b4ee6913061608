//! Who sees what while all cells run.
//!
//! A cell that starts takes its memory from the root cell, but for regions with ROOTSHARED. Such a region is a channel if
//! another cell has the same frames; frames that others have without saying so are left to the rules to find.

use crate::model::{self, Origin};
use crate::resources::identifier;
use crate::system::{Channel, Num};

use super::{Cell, Memory, READ, ROOTSHARED, WRITE};

/// The regions of each cell with the channel that they are an end of, those of the hypervisor, and the channels.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) cells: Vec<Vec<(Memory, Option<String>)>>,
    pub(super) hypervisor: Vec<(Memory, String)>,
    pub(super) channels: Vec<(Channel, Origin)>,
}

/// Splits the regions of the root cell, and names what is shared.
pub(super) fn of(cells: &[Cell]) -> Shared {
    let others: Vec<&Memory> = cells.iter().filter(|cell| cell.root.is_none()).flat_map(|cell| &cell.memory).collect();
    let regions = |cell: &Cell| -> Vec<Memory> {
        match cell.root {
            Some(_) => cell.memory.iter().flat_map(|own| left(own, &others)).collect(),
            None => cell.memory.clone(),
        }
    };
    let own = cells.iter().map(|cell| regions(cell).into_iter().map(|memory| (memory, None)).collect());
    let mut shared = Shared { cells: own.collect(), ..Shared::default() };
    for memory in others.iter().filter(|memory| memory.has(ROOTSHARED)) {
        let taken = shared.channels.iter().any(|(channel, _)| channel.phys == Some(Num(memory.phys)));
        if !taken {
            channel(memory, cells, &mut shared);
        }
    }
    shared
}

/// Makes a channel of a region if more than one cell has it.
fn channel(memory: &Memory, cells: &[Cell], shared: &mut Shared) {
    let name = format!("{}_{:x}", identifier(&memory.name), memory.phys);
    let ends = ends(memory, &name, cells, shared);
    if ends.len() < 2 {
        let all = shared.cells.iter_mut().flatten();
        all.filter(|(_, end)| end.as_ref() == Some(&name)).for_each(|(_, end)| *end = None);
        return;
    }
    if !ends.iter().any(|(_, writes)| *writes) {
        let memory = Memory { virt: memory.phys, flags: READ | WRITE, ..(*memory).clone() };
        shared.hypervisor.push((memory, name.clone()));
    }
    let range = [memory.phys, memory.size];
    shared.channels.push(model::channel(&memory.origin(), name, range, &ends, "hypervisor"));
}

/// Makes each region of these frames an end of the channel `name`; returns their cells, and whether they may write.
fn ends(memory: &Memory, name: &str, cells: &[Cell], shared: &mut Shared) -> Vec<(String, bool)> {
    let mut ends = Vec::new();
    for (cell, list) in cells.iter().zip(&mut shared.cells) {
        // The root cell, or one that says so, too.
        let is_end = |one: &Memory| {
            one.phys == memory.phys && one.size == memory.size && (cell.root.is_some() || one.has(ROOTSHARED))
        };
        if let Some((one, end)) = list.iter_mut().find(|(one, _)| is_end(one)) {
            *end = Some(name.to_owned());
            ends.push((cell.name.clone(), one.has(WRITE)));
        }
    }
    ends
}

/// What is left of a region of the root cell: without what other cells took, and what is shared for itself.
fn left(own: &Memory, others: &[&Memory]) -> Vec<Memory> {
    let overlaps = |other: &&&Memory| other.size > 0 && other.phys < own.end() && own.phys < other.end();
    let inside: Vec<&&Memory> = others.iter().filter(overlaps).collect();
    let mut cuts: Vec<u64> = inside.iter().flat_map(|other| [other.phys, other.end()]).collect();
    cuts.retain(|cut| own.phys < *cut && *cut < own.end());
    cuts.extend([own.phys, own.end()]);
    cuts.sort_unstable();
    cuts.dedup();
    if own.size == 0 {
        return vec![own.clone()];
    }
    let mut pieces: Vec<(Memory, bool)> = Vec::new();
    for pair in cuts.windows(2) {
        let over: Vec<&&&Memory> =
            inside.iter().filter(|other| other.phys <= pair[0] && pair[1] <= other.end()).collect();
        let is_shared = over.iter().any(|other| other.has(ROOTSHARED));
        if over.iter().any(|other| !other.has(ROOTSHARED)) {
            continue;
        }
        let offset = pair[0] - own.phys;
        let name = if is_shared { over[0].name.clone() } else { own.name.clone() };
        let (phys, size) = (pair[0], pair[1] - pair[0]);
        match pieces.last_mut() {
            Some((last, false)) if !is_shared && last.end() == phys => last.size += size,
            _ => {
                let virt = own.virt.wrapping_add(offset);
                pieces.push((Memory { name, phys, virt, size, ..own.clone() }, is_shared));
            }
        }
    }
    pieces.into_iter().map(|(piece, _)| piece).collect()
}
