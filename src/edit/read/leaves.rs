//! All leaves, in ascending order of addresses.

use super::super::levels::Levels;
use super::super::node::Sort;
use super::known::{Decoder, Following};
use super::range::{after, last_of_half};
use super::row::{Glance, Row};
use super::trail::{Spot, Trail};
use super::{Reader, Words, own_address};
use crate::addr::VirtAddr;
use crate::format::{Format, Leaf, View};
use crate::regime::Regime;
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

/// All leaves from an address on; see [`Reader::leaves`].
#[derive(Debug)]
pub struct Leaves<R: Regime, W> {
    reader: Reader<R, W>,
    trail: Trail<R>,
    row: Row,
    /// The first address behind the row.
    at: Option<u64>,
    fault: Option<Fault>,
    decoder: Decoder,
}

impl<R: Regime, W: Clone> Clone for Leaves<R, W> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), ..*self }
    }
}

impl<R: Regime, W: Words<R>> Iterator for Leaves<R, W> {
    type Item = MappedLeaf;

    #[inline]
    fn next(&mut self) -> Option<MappedLeaf> {
        loop {
            // SAFETY: they are the reader's.
            match unsafe { self.row.glance(&self.reader.words, self.row.index) } {
                Glance::Like(leaf) => {
                    self.row.index += 1;
                    return Some(leaf);
                }
                Glance::Absent => self.row.index += 1,
                Glance::Else => return self.next_by_walk(),
            }
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, MappedLeaf) -> B>(mut self, init: B, mut next: F) -> B {
        let mut all = init;
        loop {
            let (row, words) = (self.row, &self.reader.words);
            let mut index = row.index;
            loop {
                // SAFETY: they are the reader's.
                match unsafe { row.glance(words, index) } {
                    Glance::Like(leaf) => all = next(all, leaf),
                    Glance::Absent => {}
                    Glance::Else => break,
                }
                index += 1;
                // SAFETY: as above.
                while let Some(many) = unsafe { row.many(words, index) } {
                    for word in many {
                        all = next(all, row.leaf::<R>(word, index));
                        index += 1;
                    }
                }
            }
            self.row.index = index;
            match self.next_by_walk() {
                Some(leaf) => all = next(all, leaf),
                None => return all,
            }
        }
    }
}

impl<R: Regime, W: Words<R>> core::iter::FusedIterator for Leaves<R, W> {}

impl<R: Regime, W: Words<R>> Leaves<R, W> {
    const FORMAT: &'static Format = &R::FORMAT;

    /// The first entry passed over that is reserved or out of reach.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The next leaf, whatever it says and wherever it is.
    #[inline(never)]
    fn next_by_walk(&mut self) -> Option<MappedLeaf> {
        let format = Self::FORMAT;
        loop {
            if let Some(leaf) = self.next_of_row() {
                return Some(leaf);
            }
            let virt = if self.row.index < self.row.end { self.row.virt(self.row.index) } else { self.at? };
            let Some(spot) = self.trail.seek_data(&self.reader, virt) else {
                (self.row, self.at) = (Row::EMPTY, after(format, self.reader.nothing_at(virt).1));
                continue;
            };
            let found = spot.leaf_like::<R>(&mut self.decoder);
            self.keep(&spot);
            match found {
                Ok(None) => {}
                Ok(Some(leaf)) => {
                    let (level, size) = (spot.node.level, 1 << Levels::<R>::shift(spot.node.level));
                    let (virt, word) = (VirtAddr::new(spot.first::<R>()), spot.word.unwrap_or_default());
                    return Some(MappedLeaf { virt, size, level, leaf, word });
                }
                Err(fault) => self.fault = self.fault.or(Some(fault)),
            }
        }
    }

    /// The next leaf of the row, whatever it says, if nothing but absent entries comes before it.
    #[inline]
    fn next_of_row(&mut self) -> Option<MappedLeaf> {
        let (format, row) = (Self::FORMAT, &mut self.row);
        while row.index < row.end {
            let (index, place) = (row.index, (row.node.level, row.above));
            // SAFETY: the index is before the end, and the words are the reader's.
            let word = unsafe { row.word(&self.reader.words, index) }?;
            let leaf = match Levels::<R>::sort(row.node.level, word) {
                Sort::Absent => None,
                Sort::Table | Sort::Reserved => return None,
                Sort::Leaf => {
                    let View::Leaf(leaf) = self.decoder.view(format, place, word) else { return None };
                    let virt = row.virt(index);
                    let address = own_address(format, &leaf, virt);
                    row.like = self.decoder.last(place);
                    Some(row.mapped(Leaf { address, ..leaf }, word, virt))
                }
            };
            row.index += 1;
            if leaf.is_some() {
                return leaf;
            }
        }
        None
    }

    /// Makes what is behind a spot in its table the row.
    fn keep(&mut self, spot: &Spot) {
        let last = match Row::behind(&self.reader, spot, self.decoder.last(spot.place())) {
            Some(row) => {
                self.row = row;
                row.last()
            }
            None => {
                self.row = Row::EMPTY;
                spot.last::<R>().min(last_of_half(Self::FORMAT, spot.first::<R>()))
            }
        };
        self.at = after(Self::FORMAT, last);
    }

    /// How many leaves of the row say what the last one said and continue what ends before `virt` and `phys`, and the bytes of
    /// each. They are passed over.
    pub(super) fn pass_following(&mut self, virt: u64, phys: u64) -> (u64, u64) {
        let (row, words) = (self.row, &self.reader.words);
        let Some(Following { mut word, step, most }) = row.like.following(Self::FORMAT, phys) else {
            return (0, row.size);
        };
        let left = row.end.saturating_sub(row.index) as u64;
        if left == 0 || row.virt(row.index) != virt {
            return (0, row.size);
        }
        let (mut index, end) = (row.index, row.index + left.min(most) as usize);
        // SAFETY: the index is before the end, and the words are the reader's.
        while index < end && unsafe { row.word(words, index) } == Some(word) {
            index += 1;
            word = word.wrapping_add(step);
        }
        self.row.index = index;
        ((index - row.index) as u64, row.size)
    }
}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// All leaves in ascending order, from the one that holds `start` or the first behind it. A table is read once.
    ///
    /// Reserved words translate nothing and are passed over, tables out of reach as well: [`Leaves::fault`] tells.
    #[must_use]
    pub fn leaves(self, start: VirtAddr) -> Leaves<R, W> {
        let format = Self::FORMAT;
        let start = start.as_u64();
        let at = if format.is_canonical(start) { Some(start) } else { format.upper_start().filter(|up| start < *up) };
        Leaves { reader: self, trail: Trail::new(), row: Row::EMPTY, at, fault: None, decoder: Decoder::new() }
    }
}
