//! Mapping and unmapping ranges with no code for what cannot be: in spaces that consist of pages, that no hardware uses, and
//! whose tables stay in sight. Leaf table after leaf table, each by a walk from the root, twice: the first time finds what is
//! in the way, and counts the tables that are missing; the second writes.
//!
//! It does what the general engine does, and refuses what that refuses, in the fewest bytes.

use core::ptr::NonNull;

use super::error::{MapError, Offender, UnmapError};
use super::kind::Kind;
use super::leaves::{check_phys, flags_at};
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::Node;
use super::range::{RangeError, Span};
use super::request::{Existing, Mapping};
use super::sight;
use super::tree::Tree;
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::NOT_ENCODABLE;
use crate::tables::{Place, TableAccess, row, word};

/// What the pages of a range become.
#[derive(Clone, Copy)]
pub(super) struct Pages {
    /// The flags of a leaf, or [`ABSENT`].
    flags: u64,
    /// What the first one goes to.
    phys: PhysAddr,
}

/// In place of the flags of leaves: there are none.
const ABSENT: u64 = 0;

impl Pages {
    /// Absent ones.
    pub(super) const ABSENT: Self = Self { flags: ABSENT, phys: PhysAddr::new(0) };
}

/// Where the walk to an address ends: at the entry of its page, or above that at one that is no pointer, or points to the
/// root.
///
/// # Invariants
/// The entry is the one for the address in a table of the space that is in sight, and the others of the table lie beside it.
struct Stop {
    /// `None` where a table is out of reach.
    entry: Option<NonNull<u8>>,
    /// The level of the entry, or the address of that table.
    at: u64,
}

/// What is refused of pages that are to be absent. What is left out is refused of others alone.
pub(super) fn refused(error: MapError) -> UnmapError {
    match error {
        MapError::Range(error) => UnmapError::Range(error),
        MapError::NoTable(table) => UnmapError::NoTable(table),
        MapError::InsideLeaf(found) => UnmapError::InsideLeaf(found),
        MapError::Reserved(found) => UnmapError::Reserved(found),
        _ => UnmapError::OutOfTables(0),
    }
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Whether ranges are swept.
    pub(super) const SWEEPS: bool = Self::PAGES
        && !L::LIVE
        && sight::stays::<K::Regime, K::Memory>(Levels::<K::Regime>::TOP)
        && Self::step(0).is_some();

    /// What the words of pages that translate to one after the other grow by.
    const STEP: u64 = match Self::step(0) {
        Some(step) => step,
        None => 0,
    };

    /// What a sweep makes of the pages of a request; `None` where it asks for anything else.
    #[inline(always)]
    pub(super) fn swept(request: &Mapping) -> Option<Result<Pages, MapError>> {
        if !Self::SWEEPS || request.existing != Existing::Refuse || request.limits.smallest > Self::FORMAT.page_size() {
            return None;
        }
        let flags = flags_at(Self::FORMAT, Self::FEATURES, request.attributes, 0);
        if flags == NOT_ENCODABLE {
            return Some(Err(Self::unencodable(request)));
        }
        Some(Ok(Pages { flags, phys: request.phys }))
    }

    /// Why attributes are refused that have no encoding: what is found first is another reason.
    #[cold]
    fn unencodable(request: &Mapping) -> MapError {
        let page = Self::FORMAT.page_size();
        let span = match Span::new(Self::FORMAT, request.virt, request.size, page) {
            Ok(span) => span,
            Err(error) => return error.into(),
        };
        match check_phys(Self::PHYS_END, span, request.phys, page) {
            Ok(()) => MapError::NotEncodable(request.attributes),
            Err(error) => error,
        }
    }

    /// Maps the pages of a range, or unmaps them; or does nothing.
    pub(super) fn sweep(&mut self, virt: VirtAddr, size: u64, pages: Pages) -> Result<(), MapError> {
        let (page, Pages { flags, phys }) = (Self::FORMAT.page_size(), pages);
        let span = Span::of(Self::FORMAT, virt, size, page)?;
        if flags != ABSENT {
            check_phys(Self::PHYS_END, span, phys, page)?;
        }
        let (root, top) = (self.root_of(span)?.table, Self::shift(Levels::<K::Regime>::TOP));
        if (span.start ^ span.last) >> top != 0 && self.is_pinned(span) {
            return Err(RangeError::Pinned { virt }.into());
        }
        let tables = self.sweep_over(root, span, flags != ABSENT)?;
        self.reserve(tables).map_err(MapError::OutOfTables)?;
        self.sweep_in(root, span, flags | Self::FORMAT.address.place(phys.as_u64()));
        Ok(())
    }

    /// Walks from the root to `virt`.
    fn stop(&self, root: PhysAddr, virt: u64) -> Stop {
        let mut node = Node::fresh(root, Levels::<K::Regime>::TOP);
        loop {
            let (seen, index) = (sight::look(self.memory, node), Levels::<K::Regime>::index(virt, node.level));
            let entry = seen.and_then(|node| sight::entry::<K::Regime, K::Memory>(node, index));
            let Some(at) = entry else { return Stop { entry, at: node.table.as_u64() } };
            let stop = Stop { entry, at: node.level as u64 };
            if node.level == 0 {
                return stop;
            }
            // SAFETY: an entry in sight.
            let word = unsafe { word::load::<K::Regime>(at) };
            if !Levels::<K::Regime>::is_pointer(node.level, word) {
                return stop;
            }
            node.table = PhysAddr::new(Self::FORMAT.address.decode(word));
            if node.level == Levels::<K::Regime>::TOP && node.table == root {
                return stop;
            }
            node.level -= 1;
        }
    }

    /// The part of `rest` for which the walk ends at `level` where it ends for the first byte, and how many pages it has.
    #[inline(always)]
    fn part(level: usize, rest: Span) -> (Span, usize) {
        let part = rest.first_part(Self::shift(if level == 0 { 1 } else { level }));
        (part, ((part.last - part.start) >> Self::FORMAT.page_shift) as usize + 1)
    }

    /// Finds what is in the way, and counts the tables that are missing where pages are to be mapped.
    #[inline(always)]
    fn sweep_over(&self, root: PhysAddr, span: Span, maps: bool) -> Result<u64, MapError> {
        let (mut rest, mut tables) = (span, 0);
        loop {
            let Stop { entry, at } = self.stop(root, rest.start);
            let Some(entry) = entry else { return Err(MapError::NoTable(PhysAddr::new(at))) };
            let level = at as usize;
            let (part, pages) = Self::part(level, rest);
            // SAFETY: the entries that `part` has in the table; of one above the pages that is one.
            let all = unsafe { row::union::<K::Regime>(entry, if level == 0 { pages } else { 1 }) };
            if all & Self::FORMAT.present == 0 {
                if maps {
                    tables += Self::tables_between(level, part, 0);
                }
            } else if maps
                || level > 0 && (!part.is_whole(Self::shift(level)) || Levels::<K::Regime>::is_pointer(level, all))
            {
                // SAFETY: as above: one of them is present.
                return Err(unsafe { Self::first_in_the_way(entry, level, part) });
            }
            match rest.behind(part) {
                Some(behind) => rest = behind,
                None => return Ok(tables),
            }
        }
    }

    /// What is in the way of `part`, for which the walk ends at `entry`.
    ///
    /// # Safety
    /// One of the entries that `part` has in the table is present.
    #[inline(always)]
    unsafe fn first_in_the_way(entry: NonNull<u8>, level: usize, part: Span) -> MapError {
        let (shift, mut entry, mut virt) = (Self::shift(level), entry, part.start);
        // SAFETY: the caller says that it is one of them.
        let mut word = unsafe { word::load::<K::Regime>(entry) };
        while word & Self::FORMAT.present == 0 {
            virt += Self::FORMAT.page_size();
            // SAFETY: another one is behind it, which is present.
            entry = unsafe { entry.add(Self::FORMAT.entry_bytes as usize) };
            // SAFETY: as above.
            word = unsafe { word::load::<K::Regime>(entry) };
        }
        let virt = VirtAddr::new(virt >> shift << shift);
        let found = Offender { virt, level, word };
        if level > 0 && Levels::<K::Regime>::is_pointer(level, word) {
            RangeError::SelfMap { virt }.into()
        } else if !Levels::<K::Regime>::is_leaf(level, word) {
            MapError::Reserved(found)
        } else if level == 0 || part.is_whole(shift) {
            MapError::AlreadyMapped(found)
        } else {
            MapError::InsideLeaf(found)
        }
    }

    /// Writes the pages of a range, where nothing is in the way: `word`, and what follows it, or [`ABSENT`].
    #[inline(always)]
    fn sweep_in(&mut self, root: PhysAddr, span: Span, mut word: u64) {
        let (mut rest, step) = (span, if word == ABSENT { 0 } else { Self::STEP });
        loop {
            let Stop { entry: Some(entry), at } = self.stop(root, rest.start) else { return };
            let level = at as usize;
            let (part, pages) = Self::part(level, rest);
            if level == 0 {
                // SAFETY: the entries that `part` has in the table, which nothing walks.
                unsafe { row::fill::<K::Regime>(entry, pages, word, step) };
                word = word.wrapping_add(step * pages as u64);
            } else {
                let mut above = ABSENT;
                if word != ABSENT {
                    let Some(table) = self.pop() else { return };
                    let Some(child) = self.memory.whole(table) else { return };
                    // SAFETY: all of a table that nothing points to, and that nobody else has.
                    unsafe { row::fill::<K::Regime>(child, Levels::<K::Regime>::entries(level - 1), 0, 0) };
                    above = Levels::<K::Regime>::pointer(level, table);
                }
                // SAFETY: an entry of the space, which is borrowed exclusively.
                unsafe { word::store::<K::Regime>(entry, Place::Linked { level, virt: rest.start }, above) };
                if above != ABSENT {
                    continue;
                }
            }
            match rest.behind(part) {
                Some(behind) => rest = behind,
                None => return,
            }
        }
    }
}
