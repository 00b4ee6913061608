//! What is mapped, in ascending order of addresses.

use super::leaves::{Leaves, MappedLeaf};
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::Leaf;
use crate::regime::Regime;
use crate::table::Attributes;
use crate::walk::Fault;

/// Leaves whose addresses continue each other and that say the same otherwise, whatever their sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first address.
    pub virt: VirtAddr,
    /// What it translates to.
    pub phys: PhysAddr,
    /// The bytes.
    pub size: u64,
    /// Rights that count, memory type.
    pub attributes: Attributes,
    /// Software field of its leaves.
    pub software: u8,
    /// Guarded pages (BTI).
    pub guarded: bool,
    /// Bytes of its smallest and of its largest leaf.
    pub leaves: (u64, u64),
}

impl Region {
    const fn of(leaf: &MappedLeaf) -> Self {
        let Leaf { address, access, memory, global, software, guarded, .. } = leaf.leaf;
        let attributes = Attributes { access, memory, global };
        let phys = PhysAddr::new(address);
        Self { virt: leaf.virt, phys, size: leaf.size, attributes, software, guarded, leaves: (leaf.size, leaf.size) }
    }

    /// Adds the leaves at hand that continue it; the last leaf is its own.
    #[inline]
    fn grow<R: Regime, W: Words<R>>(&mut self, leaves: &mut Leaves<R, W>) {
        let (virt, phys) = (self.virt.as_u64().wrapping_add(self.size), self.phys.as_u64().wrapping_add(self.size));
        let (count, size) = leaves.pass_following(virt, phys);
        if count > 0 {
            self.size += count * size;
            self.leaves = (self.leaves.0.min(size), self.leaves.1.max(size));
        }
    }

    /// Adds the region behind it, if it continues this one.
    fn join(&mut self, next: &Self) -> bool {
        let Some(size) = self.size.checked_add(next.size) else { return false };
        let continues = self.virt.checked_add(self.size) == Some(next.virt)
            && self.phys.checked_add(self.size) == Some(next.phys)
            && (self.attributes, self.software, self.guarded) == (next.attributes, next.software, next.guarded);
        if continues {
            self.size = size;
            self.leaves = (self.leaves.0.min(next.leaves.0), self.leaves.1.max(next.leaves.1));
        }
        continues
    }
}

/// All regions from an address on; see [`Reader::regions`].
#[derive(Debug)]
pub struct Regions<R: Regime, W> {
    leaves: Leaves<R, W>,
    next: Option<Region>,
}

impl<R: Regime, W: Clone> Clone for Regions<R, W> {
    fn clone(&self) -> Self {
        Self { leaves: self.leaves.clone(), next: self.next }
    }
}

impl<R: Regime, W: Words<R>> Regions<R, W> {
    /// The first entry passed over that is reserved or out of reach.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.leaves.fault()
    }
}

impl<R: Regime, W: Words<R>> Iterator for Regions<R, W> {
    type Item = Region;

    fn next(&mut self) -> Option<Region> {
        let mut region = match self.next.take() {
            Some(region) => region,
            None => Region::of(&self.leaves.next()?),
        };
        loop {
            region.grow(&mut self.leaves);
            let next = Region::of(&match self.leaves.next() {
                Some(leaf) => leaf,
                None => return Some(region),
            });
            if !region.join(&next) {
                self.next = Some(next);
                return Some(region);
            }
        }
    }
}

impl<R: Regime, W: Words<R>> core::iter::FusedIterator for Regions<R, W> {}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// The same leaves, those together that continue each other. The first region starts at the leaf that holds `start`.
    #[must_use]
    pub fn regions(self, start: VirtAddr) -> Regions<R, W> {
        Regions { leaves: self.leaves(start), next: None }
    }
}
