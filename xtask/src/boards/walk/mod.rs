//! An independent page-table walker: what the hardware of each architecture makes of the bytes.
//!
//! Written from the manuals, and it shares nothing with the library: geometry, entry formats and rights are spelt out
//! here a second time, so that a mistake in one place is a disagreement and not a shared belief.

mod aarch64;
mod armv7;
mod ept;
mod riscv;
mod x86_64;

use std::collections::BTreeMap;

pub(crate) use aarch64::{Aarch64, Stage};
pub(crate) use armv7::Lpae;
pub(crate) use ept::Ept;
pub(crate) use riscv::Riscv;
pub(crate) use x86_64::X86_64;

/// The bytes of all tables of a map and where they lie.
pub(crate) struct Memory {
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Memory {
    /// The little-endian word of `size` bytes at a physical address; `None` outside the tables.
    fn word(&self, address: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}

/// What a privilege may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct May {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) execute: bool,
}

/// A leaf as the hardware sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Leaf {
    /// Physical address of its first byte.
    pub(crate) phys: u64,
    /// Bytes it maps.
    pub(crate) size: u64,
    pub(crate) privileged: May,
    pub(crate) user: May,
    pub(crate) memory: MemoryType,
}

/// The memory type of a leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MemoryType {
    /// The entry leaves it to the bus (RISC-V without PBMT).
    Bus,
    /// The type, as the tables of the boards name it.
    Type(&'static str),
}

/// What an entry is.
pub(crate) enum Entry {
    Absent,
    /// The next table.
    Table(u64),
    Leaf(Leaf),
    /// Reserved, or it faults: what is wrong with it.
    Wrong(&'static str),
}

/// Where a table lies in the tree.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Physical address.
    pub(crate) table: u64,
    /// Levels below it: 0 for a table of pages.
    pub(crate) level: u32,
    /// Its entries: more than usual for concatenated roots.
    pub(crate) entries: u64,
}

/// A kind of MMU.
pub(crate) trait Machine {
    /// The root that translates `virt`, or `None` if no root does.
    fn root(&self, virt: u64) -> Option<Place>;

    /// Every root.
    fn roots(&self) -> Vec<Place>;

    /// log2 of the bytes that an entry of `level` covers.
    fn shift(&self, level: u32) -> u32;

    /// Entries of a table that is no root.
    fn entries(&self) -> u64;

    /// Bytes of an entry.
    fn entry_bytes(&self) -> usize;

    /// Bytes of a page.
    fn page(&self) -> u64;

    /// What the word is at `level`.
    fn entry(&self, word: u64, level: u32) -> Entry;

    /// `leaf` below a table entry with the rights that `word` leaves it.
    fn restrict(&self, _word: u64, leaf: Leaf) -> Leaf {
        leaf
    }
}

/// Translates `virt`: the leaf and the physical address, or `None` where an access faults.
///
/// # Errors
/// A malformed entry, or a table outside the memory.
pub(crate) fn translate(machine: &dyn Machine, memory: &Memory, virt: u64) -> Result<Option<(Leaf, u64)>, String> {
    let Some(mut place) = machine.root(virt) else { return Ok(None) };
    let mut above = Vec::new();
    loop {
        let shift = machine.shift(place.level);
        let word = load(machine, memory, place, (virt >> shift) & (place.entries - 1))?;
        match machine.entry(word, place.level) {
            Entry::Absent => return Ok(None),
            Entry::Wrong(what) => return Err(format!("{what}: {word:#x} for {virt:#x}")),
            Entry::Table(table) => {
                above.push(word);
                place = Place { table, level: place.level - 1, entries: machine.entries() };
            }
            Entry::Leaf(leaf) => {
                let leaf = above.iter().fold(leaf, |leaf, word| machine.restrict(*word, leaf));
                let phys = leaf.phys + (virt & (leaf.size - 1));
                return Ok(Some((leaf, phys)));
            }
        }
    }
}

fn load(machine: &dyn Machine, memory: &Memory, place: Place, index: u64) -> Result<u64, String> {
    let address = place.table + index * machine.entry_bytes() as u64;
    memory.word(address, machine.entry_bytes()).ok_or_else(|| format!("a table at {address:#x} outside the tables"))
}

/// Tables and leaves that can be reached from the roots.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Census {
    /// Tables; every page of a concatenated root counts.
    pub(crate) tables: u64,
    /// Leaves by size in bytes.
    pub(crate) leaves: BTreeMap<u64, u64>,
}

/// Counts what the roots reach.
///
/// # Errors
/// A malformed entry, or a table outside the memory.
pub(crate) fn census(machine: &dyn Machine, memory: &Memory) -> Result<Census, String> {
    let mut census = Census::default();
    for root in machine.roots() {
        count(machine, memory, root, &mut census)?;
    }
    Ok(census)
}

fn count(machine: &dyn Machine, memory: &Memory, place: Place, census: &mut Census) -> Result<(), String> {
    census.tables += place.entries.div_ceil(machine.entries());
    for index in 0..place.entries {
        let word = load(machine, memory, place, index)?;
        match machine.entry(word, place.level) {
            Entry::Absent => {}
            Entry::Wrong(what) => return Err(format!("{what}: {word:#x}")),
            Entry::Leaf(leaf) => *census.leaves.entry(leaf.size).or_default() += 1,
            Entry::Table(table) => {
                let next = Place { table, level: place.level - 1, entries: machine.entries() };
                count(machine, memory, next, census)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
