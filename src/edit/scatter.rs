//! Mapping a range to memory that need not be contiguous.

use super::error::{BadPhys, MapError};
use super::kind::Kind;
use super::leaves::{flags_of, missing, unit_of};
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::{RangeError, Span};
use super::request::{Limits, Mapping};
use super::tree::Tree;
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{MAX_LEVELS, NOT_ENCODABLE};
use crate::table::Attributes;

/// What is to be mapped, without where it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scatter {
    pub(super) virt: VirtAddr,
    pub(super) size: u64,
    pub(super) attributes: Attributes,
    pub(super) limits: Limits,
}

/// One leaf of it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    virt: u64,
    phys: u64,
    level: usize,
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Maps a range, leaf by leaf, to what `phys` says.
    pub(super) fn map_with(
        &mut self,
        what: &Scatter,
        mut phys: impl FnMut(VirtAddr) -> PhysAddr,
    ) -> Result<(), MapError> {
        let unit = unit_of(Self::FORMAT, what.limits);
        let span = Span::new(Self::FORMAT, what.virt, what.size, unit)?;
        let levels = self.levels_for(what, unit)?;
        let root = self.enter(span)?;
        // Below a root entry that stays as it is, no leaf takes its place.
        let levels = levels & ((2 << root.level) - 1);
        if levels == 0 {
            return Err(RangeError::Pinned { virt: what.virt }.into());
        }
        self.survey_absent(root, span)?;
        let mut tables = 0;
        let mut before = None;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let piece = self.piece(all, unit, levels, &mut phys)?;
            tables += self.tables_for(root, piece, before)?;
            before = Some(piece);
            rest = all.behind(all.first_part(Self::shift(piece.level)));
        }
        self.reserve(tables).map_err(MapError::OutOfTables)?;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let Ok(piece) = self.piece(all, unit, levels, &mut phys) else { break };
            // It fails only where `phys` gives another answer than before.
            let _ = self.map(&Self::request(piece, what.attributes));
            rest = all.behind(all.first_part(Self::shift(piece.level)));
        }
        Ok(())
    }

    /// The levels whose leaves may be used, one bit each.
    fn levels_for(&self, what: &Scatter, unit: u64) -> Result<u32, MapError> {
        let flags: [u64; MAX_LEVELS] = flags_of(Self::FORMAT, Self::FEATURES, what.attributes);
        let mut levels = 0u32;
        for (level, &flags) in flags.iter().enumerate().take(Self::FORMAT.levels) {
            let size = Self::FORMAT.at(level).size();
            let fits = size >= unit && size <= Self::limited(what.limits).largest.max(Self::FORMAT.page_size());
            if fits && flags != NOT_ENCODABLE {
                levels |= 1 << level;
            }
        }
        let least = levels.trailing_zeros() as usize;
        if levels == 0 || Self::FORMAT.at(least).size() > unit {
            return Err(missing(Self::FORMAT, Self::FEATURES, what.attributes, unit));
        }
        Ok(levels)
    }

    /// The largest leaf at the start of `span` that fits what `phys` says of it.
    fn piece(
        &self,
        span: Span,
        unit: u64,
        levels: u32,
        phys: &mut impl FnMut(VirtAddr) -> PhysAddr,
    ) -> Result<Piece, MapError> {
        let at = phys(VirtAddr::new(span.start));
        if !at.is_aligned(unit) {
            return Err(MapError::UnalignedPhys(BadPhys { phys: at, bound: unit }));
        }
        let end = Self::PHYS_END;
        let address = at.as_u64();
        for level in (0..Self::FORMAT.levels).rev() {
            let shift = Self::shift(level);
            let whole = span.first_part(shift).is_whole(shift) && address & ((1 << shift) - 1) == 0;
            if whole && levels >> level & 1 == 1 && address < end && end - address >= 1 << shift {
                return Ok(Piece { virt: span.start, phys: address, level });
            }
        }
        Err(MapError::PhysOutOfRange(BadPhys { phys: at, bound: end }))
    }

    fn request(piece: Piece, attributes: Attributes) -> Mapping {
        let size = Self::FORMAT.at(piece.level).size();
        let limits = Limits { smallest: size, largest: size, runs: false };
        Mapping::new(VirtAddr::new(piece.virt), PhysAddr::new(piece.phys), size, attributes).limited(limits)
    }

    /// Tables that a leaf needs beyond those that are there, or that the leaf before it needs.
    fn tables_for(&self, root: Node, piece: Piece, before: Option<Piece>) -> Result<u64, MapError> {
        let mut node = root;
        while node.level > piece.level {
            let index = self.index(node, piece.virt);
            let word = self.checked(node, index)?;
            if Levels::<K::Regime>::sort(node.level, word) != Sort::Table {
                break;
            }
            node = node.below::<K::Regime>(index, word);
        }
        let shares = |level: usize| before.is_some_and(|before| (before.virt ^ piece.virt) >> Self::shift(level) == 0);
        Ok((piece.level + 1..=node.level).filter(|&level| !shares(level)).count() as u64)
    }

    /// Finds what is mapped in a range.
    fn survey_absent(&self, node: Node, span: Span) -> Result<(), MapError> {
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = self.checked(node, index)?;
            let found = || self.found(node, index, word);
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Absent => {}
                Sort::Table => self.survey_absent(node.below::<K::Regime>(index, word), part)?,
                Sort::Reserved => return Err(MapError::Reserved(found())),
                Sort::Leaf if part.is_whole(Self::shift(node.level)) => {
                    return Err(MapError::AlreadyMapped(found()));
                }
                Sort::Leaf => return Err(MapError::InsideLeaf(found())),
            }
        }
        Ok(())
    }
}
