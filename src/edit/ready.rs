//! What a cursor can do at once, as numbers that compare at once.

use super::cursor::{Cursor, TreeOf};
use super::kind::{Kind, State};
use super::node::{Node, Sort};
use super::page::Spot;
use super::protect::Protect;
use super::sight;
use crate::addr::VirtAddr;
use crate::attr::MemoryType;
use crate::format::{MAX_LEVELS, NOT_ENCODABLE, clamp};
use crate::table::Attributes;

/// What can be done at once in the lowest table that is known, each as the tag of what is asked for; [`NO_KEY`] where
/// something is to be found out first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) map: u64,
    pub(super) unmap: u64,
    pub(super) protect: u64,
}

impl Ready {
    pub(super) const FOR_NOTHING: Self = Self { map: NO_KEY, unmap: NO_KEY, protect: NO_KEY };
}

/// No [`key_of`] anything.
pub(super) const NO_KEY: u64 = u64::MAX;

/// Bits of a key and a level in the tag of a table and what is to be done there.
const KEY_BITS: u32 = 16;

impl<K: Kind, St: State> Cursor<'_, K, St> {
    /// log2 of the bytes that a table of `level` translates.
    #[inline(always)]
    pub(super) const fn span(level: usize) -> u32 {
        Self::FORMAT.at(level).shift + Self::FORMAT.index_bits(level)
    }

    /// A table and what is to be done there, as one number that compares at once: the address of the table of `level` on the
    /// way to `virt`, the level, and a key.
    #[inline(always)]
    pub(super) const fn tag(virt: u64, key: u64, level: usize) -> u64 {
        virt & u64::MAX << Self::span(level) | key << 3 | level as u64
    }

    /// Whether something can be done at once in tables of `level`. Never in the root: whose its entries are must be looked at.
    #[inline(always)]
    const fn gets_ready(level: usize) -> bool {
        level + 1 < Self::FORMAT.levels && Self::span(level) >= KEY_BITS
    }

    /// The table that `ready` names.
    #[inline(always)]
    pub(super) fn known(&self, level: usize) -> Node {
        // SAFETY: by invariant 2 it was put in sight.
        unsafe { TreeOf::<K, St>::seen_before(Node { level, fresh: false, ..self.path[clamp(level)] }) }
    }

    /// Finds out what can be done at once in the table of `level` on the way to where `path` leads, which is known.
    pub(super) fn get_ready(&mut self, level: usize) {
        self.ready = Ready::FOR_NOTHING;
        if !Self::gets_ready(level) {
            return;
        }
        self.ready.unmap = Self::tag(self.virt, 0, level);
        if self.leaf != NO_KEY && self.flags[clamp(level)] != NOT_ENCODABLE {
            self.ready.map = Self::tag(self.virt, self.leaf, level);
        }
        if self.change != NO_KEY && self.edit.fits(level) {
            self.ready.protect = Self::tag(self.virt, self.change, level);
        }
    }

    /// Goes to the table of `level` on the way to `virt` straight from the root, and forgets the rest of the way: where tables
    /// stay in sight that costs less than to find out what of it is known. Gives the entry, or the absent one in the table
    /// above; `None` where there is more to be looked at.
    #[inline(always)]
    pub(super) fn leap(&mut self, virt: VirtAddr, level: usize) -> Option<Spot> {
        let (format, virt) = (Self::FORMAT, virt.as_u64());
        let stays = sight::stays::<K::Regime, K::Memory>(level) && sight::stays::<K::Regime, K::Memory>(level + 1);
        if !stays || !Self::gets_ready(level) || !format.is_canonical(virt) || self.space.borders.is_foreign_at(virt) {
            return None;
        }
        let root = sight::look::<K::Regime, _>(&self.space.memory, self.space.root_of(virt)?)?;
        let (mut node, mut above) = (root, format.levels - 1);
        while above > level {
            let index = format.index(virt, above);
            let word = sight::load::<K::Regime, K::Memory>(node, index)?;
            match Sort::of(format, above, word) {
                Sort::Table => {}
                Sort::Absent if above == level + 1 && above + 1 < format.levels => {
                    (self.virt, self.low) = (virt, MAX_LEVELS);
                    self.ready = Ready::FOR_NOTHING;
                    return Some(Spot { node: Node { level: above, ..node }, index, word });
                }
                _ => return None,
            }
            let below = Node { level: above - 1, ..node.below(format, index, word) };
            if above + 1 == format.levels && below.table == root.table {
                return None;
            }
            node = sight::look::<K::Regime, _>(&self.space.memory, below)?;
            above -= 1;
        }
        let index = format.index(virt, level);
        let word = sight::load::<K::Regime, K::Memory>(node, index)?;
        (self.virt, self.low, self.path[clamp(level)]) = (virt, MAX_LEVELS, node);
        self.get_ready(level);
        Some(Spot { node, index, word })
    }
}

/// Attributes as a number of thirteen bits.
#[inline(always)]
pub(super) const fn key_of(attributes: Attributes) -> u64 {
    attributes.access.index() as u64 | (attributes.memory as u64) << 7 | (attributes.global as u64) << 11
}

/// A change as a number of thirteen bits.
#[inline(always)]
pub(super) const fn key_of_change(change: &Protect) -> u64 {
    const { assert!(MemoryType::COUNT < 16, "a memory type has four bits, of which all set are none") };
    let access = match change.access {
        Some(access) => access.index() as u64,
        None => 64,
    };
    let memory = match change.memory {
        Some(memory) => memory as u64,
        None => 15,
    };
    let global = match change.global {
        Some(global) => global as u64,
        None => 2,
    };
    access | memory << 7 | global << 11
}
