//! What is mapped, in ascending order of addresses.

use super::super::node::{Node, Sort};
use super::range::{after, last_of_half};
use super::trail::{Decoder, Known, Spot, Trail};
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::format::{Format, Leaf};
use crate::regime::Regime;
use crate::table::Attributes;
use crate::walk::Fault;

/// One leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedLeaf {
    /// Its first address.
    pub virt: VirtAddr,
    /// Its bytes.
    pub size: u64,
    /// Its level; 0 is the last.
    pub level: usize,
    /// What it says, with the rights that count. The address is that of its own first byte.
    pub leaf: Leaf,
    /// Its word as it stands in the table.
    pub word: u64,
}

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

/// All leaves from an address on; see [`Reader::leaves`].
#[derive(Debug)]
pub struct Leaves<R: Regime, W> {
    reader: Reader<R, W>,
    trail: Trail<R>,
    at: Option<u64>,
    fault: Option<Fault>,
    decoder: Decoder,
    rest: Option<Rest>,
}

/// What is left of the table that the last leaf was in; `at` is behind it.
#[derive(Clone, Copy, Debug)]
struct Rest {
    node: Node,
    index: usize,
    end: usize,
    /// What the last leaf said: most of its neighbours say the same.
    like: Known,
}

impl<R: Regime, W: Clone> Clone for Leaves<R, W> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), ..*self }
    }
}

impl<R: Regime, W: Words<R>> Leaves<R, W> {
    const FORMAT: &'static Format = &R::FORMAT;

    /// The first entry passed over that is reserved or out of reach.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }
}

impl<R: Regime, W: Words<R>> Iterator for Leaves<R, W> {
    type Item = MappedLeaf;

    #[inline]
    fn next(&mut self) -> Option<MappedLeaf> {
        match self.next_at_hand() {
            Some(leaf) => Some(leaf),
            None => self.next_by_walk(),
        }
    }
}

impl<R: Regime, W: Words<R>> Leaves<R, W> {
    /// The next leaf of the table at hand, if it says the same as the last one.
    #[inline(always)]
    fn next_at_hand(&mut self) -> Option<MappedLeaf> {
        let (format, rest) = (Self::FORMAT, self.rest.as_mut()?);
        let Rest { node, end, like, .. } = *rest;
        while rest.index < end {
            let word = self.reader.words.load(node, rest.index)?;
            let leaf = like.leaf(format, word);
            if leaf.is_none() && word & format.present != 0 {
                return None;
            }
            let virt = VirtAddr::new(node.virt::<R>(rest.index));
            rest.index += 1;
            if let Some(leaf) = leaf {
                return Some(MappedLeaf { virt, size: format.at(node.level).size(), level: node.level, leaf, word });
            }
        }
        None
    }

    /// The next leaf, whatever it says and wherever it is.
    #[inline(never)]
    fn next_by_walk(&mut self) -> Option<MappedLeaf> {
        let format = Self::FORMAT;
        if let Some(Rest { node, index, end, .. }) = self.rest.take()
            && index < end
        {
            self.at = Some(node.virt::<R>(index));
        }
        loop {
            let virt = self.at?;
            let Some(spot) = self.trail.seek_data(&self.reader, virt) else {
                self.at = after(format, self.reader.nothing_at(virt).1);
                continue;
            };
            // A root may cover more than its half.
            let last = spot.last::<R>().min(last_of_half(format, virt));
            self.at = after(format, last);
            let fault = match (spot.sort, spot.word) {
                (Sort::Absent | Sort::Table, _) => continue,
                (_, None) => spot.no_table(format),
                (Sort::Reserved, Some(word)) => Fault::Reserved { level: spot.node.level, word },
                (Sort::Leaf, Some(word)) => match self.decoder.leaf::<R>(&spot, word) {
                    Ok(leaf) => {
                        self.keep_at_hand(&spot);
                        let (level, size) = (spot.node.level, format.at(spot.node.level).size());
                        return Some(MappedLeaf { virt: VirtAddr::new(spot.first::<R>()), size, level, leaf, word });
                    }
                    Err(fault) => fault,
                },
            };
            self.fault = self.fault.or(Some(fault));
        }
    }

    /// Keeps the table of a leaf, if it is none that may cover more than its half.
    fn keep_at_hand(&mut self, spot: &Spot) {
        let (format, node, end) = (Self::FORMAT, spot.node, spot.node.entries::<R>());
        if node.level + 1 < format.levels
            && let Some(like) = self.decoder.known()
        {
            self.rest = Some(Rest { node, index: spot.index + 1, end, like });
            self.at = after(format, node.virt::<R>(end - 1) | (format.at(node.level).size() - 1));
        }
    }
}

impl<R: Regime, W: Words<R>> core::iter::FusedIterator for Leaves<R, W> {}

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
        self.leaves.fault
    }
}

impl<R: Regime, W: Words<R>> Iterator for Regions<R, W> {
    type Item = Region;

    fn next(&mut self) -> Option<Region> {
        let mut region = match self.next.take() {
            Some(region) => region,
            None => Region::of(&self.leaves.next()?),
        };
        for leaf in self.leaves.by_ref() {
            let next = Region::of(&leaf);
            if !region.join(&next) {
                self.next = Some(next);
                break;
            }
        }
        Some(region)
    }
}

impl<R: Regime, W: Words<R>> core::iter::FusedIterator for Regions<R, W> {}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// All leaves in ascending order, from the one that holds `start` or the first behind it. A table is read once.
    ///
    /// Reserved words translate nothing and are passed over, tables out of reach as well: [`Leaves::fault`] tells.
    #[must_use]
    pub fn leaves(self, start: VirtAddr) -> Leaves<R, W> {
        let format = Self::FORMAT;
        let start = start.as_u64();
        let at = if format.is_canonical(start) { Some(start) } else { format.upper_start().filter(|up| start < *up) };
        Leaves { reader: self, trail: Trail::new(), at, fault: None, decoder: Decoder::new(), rest: None }
    }

    /// The same leaves, those together that continue each other. The first region starts at the leaf that holds `start`.
    #[must_use]
    pub fn regions(self, start: VirtAddr) -> Regions<R, W> {
        Regions { leaves: self.leaves(start), next: None }
    }
}
