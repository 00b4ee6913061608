//! Tables that stay in sight: where one is, is asked once, and not for each of its entries.

use core::ptr::NonNull;

use super::node::Node;
use crate::addr::PhysAddr;
use crate::format::Format;
use crate::regime::Regime;
use crate::size::{align_down, is_aligned};
use crate::tables::{TableAccess, word};

/// Where the program sees the entries of a table; nowhere, if each access has to ask.
///
/// # Invariants
/// Where [`look`] put it, the entries that the level of the node has lie there: one after the other, aligned, to be read for
/// as long as the memory is used that it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(Option<NonNull<u8>>);

// SAFETY: what it points to is accessed through the memory alone that was asked, by who borrows that.
unsafe impl Send for Seen {}
// SAFETY: as above.
unsafe impl Sync for Seen {}

impl Seen {
    pub(crate) const NOWHERE: Self = Self(None);

    /// Whether it is somewhere.
    #[inline]
    pub(super) const fn is_somewhere(self) -> bool {
        self.0.is_some()
    }
}

/// Where entry `index` of a table is, if that was found out.
#[inline]
pub(super) fn entry<R: Regime, A: TableAccess<R>>(node: Node, index: usize) -> Option<NonNull<u8>> {
    debug_assert!(index < node.entries(&R::FORMAT), "an entry of the table");
    let Seen(start) = if A::STAYS { node.seen } else { Seen::NOWHERE };
    // SAFETY: by the invariant of `Seen` all entries of the table follow that one.
    start.map(|start| unsafe { start.add(index * R::FORMAT.entry_bytes as usize) })
}

/// An entry of a table of which it was found out where it is.
#[inline]
pub(super) fn load<R: Regime, A: TableAccess<R>>(node: Node, index: usize) -> Option<u64> {
    // SAFETY: by the invariant of `Seen` it is an entry that can be read; who has the node borrows the memory.
    entry::<R, A>(node, index).map(|entry| unsafe { word::load::<R>(entry) })
}

/// Whether tables of `level` stay in sight. Of a root of several tables in a row, each may be seen elsewhere.
#[inline]
pub(super) const fn stays<R: Regime, A: TableAccess<R>>(level: usize) -> bool {
    A::STAYS && (R::FORMAT.root_tables() == 1 || level + 1 < R::FORMAT.levels)
}

/// The same table for many accesses, which find its entries there if it stays in sight; `None` if it should, and is out of
/// reach.
#[inline]
pub(super) fn look<R: Regime, A: TableAccess<R>>(access: &A, node: Node) -> Option<Node> {
    if !stays::<R, A>(node.level) {
        return Some(Node { seen: Seen::NOWHERE, ..node });
    }
    let (format, start) = (const { &R::FORMAT }, node.table.as_u64());
    let size = format.table_size();
    if node.level + 1 == format.levels {
        // It may be less than a table.
        let bytes = u64::from(format.entry_bytes) << format.root_bits();
        if bytes > size || !is_aligned(start, bytes) {
            return None;
        }
        let table = access.whole(PhysAddr::new(align_down(start, size)))?;
        // SAFETY: the root, aligned to its size, lies in that table.
        let seen = unsafe { table.add((start & (size - 1)) as usize) };
        return Some(Node { seen: Seen(Some(seen)), ..node });
    }
    // Words of others may point where no table starts.
    if !const { points_to_tables(&R::FORMAT) } && !is_aligned(start, size) {
        return None;
    }
    Some(Node { seen: Seen(Some(access.whole(node.table)?)), ..node })
}

/// Whether every pointer, whatever its word, is to where a table may start.
const fn points_to_tables(format: &Format) -> bool {
    is_aligned(format.address.decode(u64::MAX), format.table_size())
}

#[cfg(test)]
mod tests;
