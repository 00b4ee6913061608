//! Tables that stay in sight: where one is, is asked once, and not for each of its entries.

use core::ptr::NonNull;

use super::node::Node;
use crate::addr::PhysAddr;
use crate::format::Format;
use crate::regime::Regime;
use crate::size::{align_down, is_aligned};
use crate::tables::{Shown, TableAccess, word};

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
#[inline(always)]
pub(super) fn entry<R: Regime, A: TableAccess<R>>(node: Node, index: usize) -> Option<NonNull<u8>> {
    debug_assert!(index < node.entries::<R>(), "an entry of the table");
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
#[inline(always)]
pub(super) const fn stays<R: Regime, A: TableAccess<R>>(level: usize) -> bool {
    A::STAYS && (const { R::FORMAT.root_tables() == 1 } || level + 1 < R::FORMAT.levels)
}

/// The same table for many accesses, which find its entries there if it stays in sight; `None` if it should, and is out of
/// reach. It lies where one [can be](can_be).
#[inline(always)]
pub(super) fn look<R: Regime, A: TableAccess<R>>(access: &A, node: Node) -> Option<Node> {
    if !stays::<R, A>(node.level) {
        return Some(Node { seen: Seen::NOWHERE, ..node });
    }
    find(access, node).map(|table| Node { seen: Seen(Some(table.get())), ..node })
}

/// A table that [`look`] gave, as one of which that is known.
///
/// # Safety
/// It is one.
#[inline(always)]
pub(super) unsafe fn seen_before<R: Regime, A: TableAccess<R>>(node: Node) -> Node {
    if stays::<R, A>(node.level) {
        // SAFETY: tables that stay in sight were seen when they were looked at.
        unsafe { core::hint::assert_unchecked(node.seen.is_somewhere()) };
    }
    node
}

/// One entry of a table that was not looked at, and will not be asked for others; `None` if it is out of reach. It lies where
/// one [can be](can_be).
#[inline]
pub(super) fn glance<R: Regime, A: TableAccess<R>>(access: &A, node: Node, index: usize) -> Option<u64> {
    debug_assert!(index < node.entries::<R>(), "an entry of the table");
    if !stays::<R, A>(node.level) {
        return access.load(node.at::<R>(index));
    }
    let table = find(access, node)?.get();
    // SAFETY: all entries of the table follow the first.
    let entry = unsafe { table.add(index * R::FORMAT.entry_bytes as usize) };
    // SAFETY: it is an entry that can be read; the memory is borrowed.
    Some(unsafe { word::load::<R>(entry) })
}

/// Whether a table may lie there. Of roots that are a reader's nobody knows it; those of a space, and what words point to, are
/// aligned, or that is looked at.
#[inline(always)]
pub(super) const fn can_be<R: Regime>(node: Node) -> bool {
    let is_known = !const { has_root_of_one_table(&R::FORMAT) } || node.level + 1 < R::FORMAT.levels;
    is_known || is_aligned(node.table.as_u64(), R::FORMAT.table_size())
}

/// Where the entries are that the level of the node has: one after the other, aligned, to be read. Of a level that [`stays`].
#[inline(always)]
fn find<R: Regime, A: TableAccess<R>>(access: &A, node: Node) -> Option<Shown> {
    let (format, start) = (const { &R::FORMAT }, node.table.as_u64());
    let size = format.table_size();
    if !const { has_root_of_one_table(&R::FORMAT) } && node.level + 1 == format.levels {
        // It may be less than a table.
        let bytes = u64::from(format.entry_bytes) << format.root_bits();
        if bytes > size || !is_aligned(start, bytes) {
            return None;
        }
        let table = access.shown(PhysAddr::new(align_down(start, size)))?.get();
        // SAFETY: the root, aligned to its size, lies in that table.
        return Some(Shown::at(unsafe { table.add((start & (size - 1)) as usize) }));
    }
    // Words of others may point where no table starts.
    if !const { points_to_tables(&R::FORMAT) } && !is_aligned(start, size) {
        return None;
    }
    access.shown(node.table)
}

/// Whether every pointer, whatever its word, is to where a table may start.
const fn points_to_tables(format: &Format) -> bool {
    is_aligned(format.address.decode(u64::MAX), format.table_size())
}

/// Whether the root is as large as the tables below, to which it is aligned then.
const fn has_root_of_one_table(format: &Format) -> bool {
    (format.entry_bytes as u64) << format.root_bits() == format.table_size()
}

#[cfg(test)]
mod tests;
