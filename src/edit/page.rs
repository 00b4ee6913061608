//! Single pages of a size that the type says.

use super::change::{Keep, alone};
use super::error::{BadPhys, Fault, Offender, ProtectError, RemapError, UnmapError};
use super::kind::Kind;
use super::leaves::is_granted;
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::protect::{Edit, Protect};
use super::range::{RangeError, Span};
use super::tree::{Gone, Tree};
use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::Features;
use crate::flush::Change;
use crate::format::{Format, LeafForm, View};
use crate::page::{HasLeaf, PageSize};
use crate::regime::Regime;
use crate::table::Attributes;

/// The level whose leaves have size `S`.
pub(super) const fn level_of<R: HasLeaf<S>, S: PageSize>() -> usize {
    let format: &Format = &R::FORMAT;
    let mut level = 0;
    while level < format.levels {
        if format.at(level).size() == S::BYTES {
            return level;
        }
        level += 1;
    }
    panic!("the walk of this regime does not reach a level with leaves of this size")
}

/// The feature that leaves of `level` need, if the CPU lacks it.
pub(super) const fn missing_leaf(format: &Format, features: Features, level: usize) -> Option<Features> {
    match format.at(level).form {
        LeafForm::With(feature) if !features.contains(feature) => Some(feature),
        LeafForm::None => Some(Features::NONE),
        _ => None,
    }
}

/// Why there is no leaf of the level at an address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Miss {
    Fault(Fault),
    NoSuchLeaf(Features),
    NotMapped(Offender),
    InsideLeaf(Offender),
    HoldsTable(Offender),
    Reserved(Offender),
}

macro_rules! from_miss {
    ($($error:ident),*) => { $(
        impl From<Miss> for $error {
            fn from(miss: Miss) -> Self {
                match miss {
                    Miss::Fault(fault) => fault.into(),
                    Miss::NoSuchLeaf(feature) => Self::NoSuchLeaf(feature),
                    Miss::NotMapped(found) => Self::NotMapped(found),
                    Miss::InsideLeaf(found) => Self::InsideLeaf(found),
                    Miss::HoldsTable(found) => Self::HoldsTable(found),
                    Miss::Reserved(found) => Self::Reserved(found),
                }
            }
        }
    )* };
}

from_miss!(UnmapError, ProtectError, RemapError);

/// One leaf, and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) node: Node,
    pub(super) index: usize,
    pub(super) word: u64,
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// The leaf of `level` at `virt`.
    pub(super) fn leaf_at(&self, virt: VirtAddr, level: usize) -> Result<Spot, Miss> {
        if let Some(feature) = missing_leaf(Self::FORMAT, Self::FEATURES, level) {
            return Err(Miss::NoSuchLeaf(feature));
        }
        let size = Self::FORMAT.at(level).size();
        let span = Span::new(Self::FORMAT, virt, size, size).map_err(|error| Miss::Fault(error.into()))?;
        let mut node = self.enter(span).map_err(Miss::Fault)?;
        if node.level < level {
            return Err(Miss::Fault(RangeError::Pinned { virt }.into()));
        }
        loop {
            let index = self.index(node, span.start);
            let word = self.checked(node, index).map_err(Miss::Fault)?;
            let found = self.found(node, index, word);
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table if node.level > level => node = node.below::<K::Regime>(index, word),
                Sort::Table => return Err(Miss::HoldsTable(found)),
                Sort::Leaf if node.level > level => return Err(Miss::InsideLeaf(found)),
                Sort::Leaf => return Ok(Spot { node, index, word }),
                Sort::Absent => return Err(Miss::NotMapped(found)),
                Sort::Reserved => return Err(Miss::Reserved(found)),
            }
        }
    }

    /// Where a leaf goes, and what it says.
    pub(super) fn read_leaf(&self, spot: Spot) -> Option<(PhysAddr, Attributes)> {
        let level = spot.node.level;
        let word = alone(Self::FORMAT, level, spot.word, spot.node.virt::<K::Regime>(spot.index));
        match Self::FORMAT.view(level, word) {
            View::Leaf(leaf) => Some((
                PhysAddr::new(leaf.address),
                Attributes { access: leaf.access, memory: leaf.memory, global: leaf.global },
            )),
            _ => None,
        }
    }

    pub(super) fn unmap_leaf(&mut self, virt: VirtAddr, level: usize) -> Result<(PhysAddr, Attributes), UnmapError> {
        let spot = self.leaf_at(virt, level)?;
        let Some(read) = self.read_leaf(spot) else {
            return Err(UnmapError::Reserved(self.found(spot.node, spot.index, spot.word)));
        };
        self.clear_leaf(spot);
        Ok(read)
    }

    /// Makes a leaf absent.
    pub(super) fn clear_leaf(&mut self, spot: Spot) {
        let Spot { node, index, word } = spot;
        self.dissolve(node, index, index, index, Keep::Outside);
        if self.load(node, index) & Self::FORMAT.present != 0 {
            self.erase(node, index);
            self.owe_absent(
                node,
                Self::duty(Change::Unmap),
                Self::slot(node, index),
                Self::is_global(node.level, word),
            );
        }
    }

    pub(super) fn protect_leaf(&mut self, virt: VirtAddr, level: usize, change: &Protect) -> Result<(), ProtectError> {
        let Spot { node, index, word } = self.leaf_at(virt, level)?;
        let edit = Edit::new(Self::FORMAT, Self::FEATURES, *change);
        if !edit.fits(level) {
            return Err(ProtectError::NotEncodable(*change));
        }
        if self.read_leaf(Spot { node, index, word }).is_none() {
            return Err(ProtectError::Reserved(self.found(node, index, word)));
        }
        self.protect_in(node, Self::slot(node, index), &edit);
        Ok(())
    }

    pub(super) fn remap_leaf(
        &mut self,
        virt: VirtAddr,
        level: usize,
        phys: PhysAddr,
        attributes: Attributes,
    ) -> Result<PhysAddr, RemapError> {
        let spot = self.leaf_at(virt, level)?;
        let Some((old, _)) = self.read_leaf(spot) else {
            return Err(RemapError::Reserved(self.found(spot.node, spot.index, spot.word)));
        };
        let end = Self::PHYS_END;
        if phys.as_u64() >= end || end - phys.as_u64() < Self::FORMAT.at(level).size() {
            return Err(RemapError::PhysOutOfRange(BadPhys { phys, bound: end }));
        }
        let new = match Self::leaf_word(level, attributes, phys.as_u64()) {
            Some(word) if is_granted(Self::FORMAT, Self::FEATURES, attributes) => word,
            _ => return Err(RemapError::NotEncodable(attributes)),
        };
        self.dissolve(spot.node, spot.index, spot.index, spot.index, Keep::All);
        self.put_leaf(spot.node, spot.index, new);
        Ok(old)
    }

    /// Puts another leaf in the place of one that is part of no run.
    pub(super) fn put_leaf(&mut self, node: Node, index: usize, new: u64) {
        let word = self.load(node, index);
        if (word ^ new) & !Self::HARDWARE_BITS == 0 {
            return;
        }
        let (level, slot) = (node.level, Self::slot(node, index));
        let duty = Self::duty_between(level, word, new);
        let global = Self::is_global(level, word) | Self::is_global(level, new);
        let gone = Gone { span: slot, stride: Self::shift(level), global };
        let settled = self.open(node, index, word, duty).settle(self, gone);
        let duty = settled.make(self, new).duty::<K, L>(Change::Map);
        self.owe(node, duty, slot, global);
    }
}

/// Compile-time proof that `S` has a level in `R`.
pub(super) struct LevelOf<R, S>(core::marker::PhantomData<(R, S)>);

impl<R: Regime + HasLeaf<S>, S: PageSize> LevelOf<R, S> {
    pub(super) const LEVEL: usize = level_of::<R, S>();
}
