//! Which entries of which tables make a region.

use crate::evidence::{Leaves, Space, Table};
use crate::number::Hex;

/// Entries of one table that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries {
    /// Index of the table.
    pub table: u64,
    /// Where the table lies, if that is declared.
    pub address: Option<Hex>,
    /// The first entry.
    pub first: u128,
    /// The last one.
    pub last: u128,
}

/// The entries that hold `leaves`; none where the document does not list their tables.
#[must_use]
pub fn of(space: &Space, leaves: &Leaves) -> Vec<Entries> {
    let (start, size) = (leaves.virt.0, leaves.size.0.max(1));
    let end = start.saturating_add(size.saturating_mul(leaves.count.into()));
    let per_table = entries_per_table(space, leaves.level);
    let mut found: Vec<Entries> = Vec::new();
    for table in space.tables.list.iter().filter(|table| table.level == leaves.level) {
        let (from, to) = (table.virt.0, table.virt.0.saturating_add(per_table.saturating_mul(size)));
        let (low, high) = (start.max(from), end.min(to));
        if low < high {
            let (first, last) = ((low - from) / size, (high - 1 - from) / size);
            found.push(Entries { table: table.index, address: address(space, table), first, last });
        }
    }
    found
}

/// Where a table lies, if that is declared.
#[must_use]
pub fn address(space: &Space, table: &Table) -> Option<Hex> {
    let start = space.tables.start?.0;
    Some(Hex(start.saturating_add(u128::from(table.index) * table_bytes(space))))
}

/// Bytes of one table.
fn table_bytes(space: &Space) -> u128 {
    let tables = &space.tables;
    (tables.bytes / tables.count.max(1)).into()
}

/// Entries of a table, where concatenated roots are one.
fn entries_per_table(space: &Space, level: usize) -> u128 {
    let format = &space.format;
    let is_root = level + 1 == format.levels;
    let tables = if is_root { format.root_tables.max(1) } else { 1 };
    table_bytes(space) / u128::from(format.entry_bytes.max(1)) * u128::from(tables)
}
