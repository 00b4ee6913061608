//! The tables of a space: which there are, and the hash of each.

use std::string::String;
use std::vec;
use std::vec::Vec;

use sha2::{Digest as _, Sha256};

use super::Error;
use super::document::{Table, Tables};
use super::hex::Hex;
use crate::format::{Format, View};
use crate::layout::{Extent, place};
use crate::map::{Map, Placement, Space};
use crate::plan::{Base, Shape, Slot, Step};
use crate::space::declare::{link_delta, write};

/// Most bytes of the tables of one space.
pub(super) const MOST_BYTES: u64 = 1 << 31;

/// The tables of `space` by its plan.
pub(super) fn of(
    map: &Map<'_>,
    space: &Space<'_>,
    format: &Format,
    extents: &[Extent],
    plan: Option<&[Step]>,
) -> Result<Tables, Error> {
    let steps = plan.unwrap_or(&[]);
    let shape =
        if plan.is_some() { Shape::of_steps(steps, format, space.self_map_slot.is_some()) } else { Shape::EMPTY };
    let count = shape.tables();
    if count as u64 > MOST_BYTES / format.table_size() {
        return Err(Error::TooManyTables { space: space.name.into(), tables: count });
    }
    let declared = space.tables;
    let placement = declared.map_or(Placement::Linked, |tables| tables.placement);
    let start = start(map, space);
    let linked = declared.and_then(|tables| tables.linked_in).is_some();
    let virt = start.filter(|_| linked).map(|start| start.wrapping_add(link_delta(space, extents) as u64));
    Ok(Tables {
        placement: match placement {
            Placement::Linked => "linked",
            Placement::Placed => "placed",
            Placement::BootFilled => "boot-filled",
        },
        count,
        bytes: count as u64 * format.table_size(),
        budget: space.budget,
        symbol: (placement != Placement::BootFilled).then(|| std::format!("__tablature_{}_{}", map.name, space.name)),
        start: start.map(Hex::from),
        virt: virt.map(Hex::from),
        lower_root: shape.lower.then(|| shape.root(false)),
        upper_root: shape.upper.then(|| shape.root(true)),
        self_map_slot: space.self_map_slot,
        list: list(space, format, &shape, steps),
    })
}

/// The physical address of the first table, where it is declared.
pub(super) fn start(map: &Map<'_>, space: &Space<'_>) -> Option<u64> {
    let tables = space.tables.filter(|tables| tables.placement == Placement::Placed)?;
    place(map, tables.phys).0.map(|start| start as u64)
}

/// Every table, in the order in which they lie in memory.
fn list(space: &Space<'_>, format: &Format, shape: &Shape, steps: &[Step]) -> Vec<Table> {
    let per_table = format.table_size() as usize / size_of::<Slot>();
    let mut slots = vec![Slot::ABSENT; shape.tables() * per_table];
    write(space, format, shape, steps, Base::At(0), &mut slots);
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.get().to_le_bytes()).collect();
    let mut places = Places::of(format, shape);
    let mut list = Vec::new();
    let mut index = 0;
    while index < shape.tables() {
        let is_root = places.is_root(index);
        let tables = if is_root { shape.root_tables } else { 1 };
        let size = format.table_size() as usize;
        let words = &bytes[index * size..(index + tables) * size];
        let (level, virt) = places.known[index].unwrap_or_default();
        list.push(Table {
            index,
            level,
            virt: virt.into(),
            sha256: hex(&Sha256::digest(words)),
            entries: places.follow(index, words),
            tables: (tables > 1).then_some(tables),
        });
        index += tables;
    }
    list
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| std::format!("{byte:02x}")).collect()
}

/// Level and first address of every table, as the pointers to it tell.
struct Places<'a> {
    format: &'a Format,
    shape: &'a Shape,
    known: Vec<Option<(usize, u64)>>,
}

impl<'a> Places<'a> {
    fn of(format: &'a Format, shape: &'a Shape) -> Self {
        let mut known = vec![None; shape.tables()];
        let root = format.levels - 1;
        if shape.lower {
            known[shape.root(false)] = Some((root, 0));
        }
        if shape.upper {
            known[shape.root(true)] = Some((root, format.upper_start().unwrap_or(0)));
        }
        Self { format, shape, known }
    }

    fn is_root(&self, index: usize) -> bool {
        self.shape.lower && index == self.shape.root(false) || self.shape.upper && index == self.shape.root(true)
    }

    /// Learns from the pointers of a table, and counts the entries that are not absent.
    fn follow(&mut self, index: usize, words: &[u8]) -> usize {
        let Some((level, virt)) = self.known[index] else { return 0 };
        let mut present = 0;
        for (i, entry) in words.chunks_exact(self.format.entry_bytes as usize).enumerate() {
            let word = entry.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            let view = self.format.view(level, word);
            present += usize::from(view != View::Absent);
            if let View::Table { address } = view
                && let child = (address / self.format.table_size()) as usize
                // A recursive entry points back.
                && child > index
                && child < self.known.len()
            {
                // Where the index of an upper root has the bit that makes it the upper one, too, it is there twice.
                let virt = virt | (i as u64) << self.format.at(level).shift;
                self.known[child] = Some((level - 1, self.canonical(virt)));
            }
        }
        present
    }

    /// The address with the upper bits that its half has.
    fn canonical(&self, virt: u64) -> u64 {
        match self.format.upper_start() {
            Some(upper) if virt >> self.format.range_bits & 1 == 1 => virt | upper,
            _ => virt,
        }
    }
}
