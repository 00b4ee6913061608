//! The walk: what an address translates to, read from the tables. The executable specification of [`Format`].

use core::fmt;

use crate::format::{Format, Inherited, Leaf, View};

/// Where an address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The output address.
    pub address: u64,
    /// The leaf that gave it, with the rights that the tables above leave it.
    pub leaf: Leaf,
    /// The level of the leaf; 0 is the last.
    pub level: usize,
}

/// Why an address goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is in none of the ranges the format translates.
    NotCanonical,
    /// Its range has no root.
    NoRoot,
    /// An entry is absent.
    Absent {
        /// Level of the entry.
        level: usize,
    },
    /// An entry is reserved.
    Reserved {
        /// Level of the entry.
        level: usize,
        /// Its word.
        word: u64,
    },
    /// The tables there belong to another space, which is the one to ask.
    Shared,
    /// A table is where the reader finds no memory.
    NoTable {
        /// Physical address of the entry.
        address: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCanonical => f.write_str("the address is in no range that is translated"),
            Self::NoRoot => f.write_str("the half of the address has no root"),
            Self::Absent { level } => write!(f, "nothing is mapped: absent at level {level}"),
            Self::Reserved { level, word } => write!(f, "the word {word:#x} is reserved at level {level}"),
            Self::Shared => f.write_str("the tables there belong to another space"),
            Self::NoTable { address } => write!(f, "there is no memory at {address:#x}, where an entry should be"),
        }
    }
}

impl core::error::Error for Fault {}

/// Translates `virt` by the tables below `lower` (and `upper`, where each half has its own root).
///
/// `read` gives the word at a physical address, eight bytes little-endian or four where entries have four; `None` where
/// there is no memory. The cost is one read for each level.
///
/// # Errors
/// The [`Fault`] that the hardware would take.
pub fn walk(
    format: &Format,
    lower: Option<u64>,
    upper: Option<u64>,
    virt: u64,
    mut read: impl FnMut(u64) -> Option<u64>,
) -> Result<Translation, Fault> {
    if !format.is_canonical(virt) {
        return Err(Fault::NotCanonical);
    }
    let root = if format.split_roots && format.is_upper(virt) { upper } else { lower };
    let mut table = root.ok_or(Fault::NoRoot)?;
    let mut level = format.levels;
    let mut above = Inherited::NOTHING;
    while level > 0 {
        level -= 1;
        let address = table.wrapping_add(format.index(virt, level) as u64 * u64::from(format.entry_bytes));
        let word = read(address).ok_or(Fault::NoTable { address })?;
        match format.view_below(level, word, above) {
            View::Absent => return Err(Fault::Absent { level }),
            View::Reserved => return Err(Fault::Reserved { level, word }),
            View::Table { address } => {
                table = address;
                above = format.level[level].below(word, above);
            }
            View::Leaf(leaf) => {
                let size = match format.run(leaf.run) {
                    Some(run) if run.fold => run.size,
                    _ => format.level[level].size(),
                };
                return Ok(Translation { address: leaf.address | virt & (size - 1), leaf, level });
            }
        }
    }
    // The last level has no table pointers, and so its view is never one.
    Err(Fault::Absent { level: 0 })
}
