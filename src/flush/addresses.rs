//! Loops over the leaves of a range.

use super::change::Duty;
use super::scope::{Extent, Id, Scope};
use crate::page::{Page, PageSize};

/// One address in each leaf of a range, first to last.
///
/// # Invariants
/// `stride` is less than 64, and the last leaf ends at 2^64 at the latest.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The number of the next leaf.
    next: u64,
    /// How many are left.
    left: u64,
    /// log2 of the bytes of a leaf.
    stride: u32,
}

impl Addresses {
    /// `count` pages from `first` on.
    #[inline]
    pub(super) fn pages<S: PageSize>(first: Page<S>, count: usize) -> Self {
        let stride = S::BYTES.trailing_zeros();
        Self { next: first.start().as_u64() >> stride, left: count as u64, stride }
    }

    /// Those of `extent` in steps of its stride; `None` if that is no range, or one of more than `many` leaves.
    #[must_use]
    #[inline]
    pub const fn of(extent: &Extent, many: u64) -> Option<Self> {
        let Extent::Range { start, last, stride } = *extent else { return None };
        if last < start || stride >= u64::BITS {
            return None;
        }
        let (first, more) = (start >> stride, (last >> stride) - (start >> stride));
        if more >= many { None } else { Some(Self { next: first, left: more + 1, stride }) }
    }

    /// How many are left.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> u64 {
        self.left
    }

    /// Whether none is.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// What is owed for all that are left.
    #[must_use]
    #[inline]
    pub const fn scope(&self, duty: Duty, id: Id) -> Scope {
        if self.left == 0 || duty.is_none() {
            return Scope::nothing(id);
        }
        let extent = if duty.leaf || duty.walk {
            let start = self.next << self.stride;
            Extent::Range { start, last: start.wrapping_add((self.left << self.stride) - 1), stride: self.stride }
        } else {
            Extent::Nowhere
        };
        Scope { duty, extent, id }
    }
}

impl Iterator for Addresses {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let address = self.next << self.stride;
        self.next = self.next.wrapping_add(1);
        Some(address)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn addresses(start: u64, last: u64, stride: u32, many: u64) -> Option<Vec<u64>> {
        Addresses::of(&Extent::Range { start, last, stride }, many).map(Iterator::collect)
    }

    #[test]
    fn every_leaf_that_the_range_touches_is_visited_once() {
        assert_eq!(addresses(0x1000, 0x1fff, 12, 8), Some([0x1000].to_vec()));
        assert_eq!(addresses(0x1fff, 0x2000, 12, 8), Some([0x1000, 0x2000].to_vec()));
        assert_eq!(addresses(0x30_0000, 0x40_0000, 21, 8), Some([0x20_0000, 0x40_0000].to_vec()));
    }

    #[test]
    fn the_last_page_of_the_address_space_ends_the_loop() {
        assert_eq!(addresses(u64::MAX - 0x1fff, u64::MAX, 12, 8), Some([u64::MAX - 0x1fff, u64::MAX - 0xfff].to_vec()));
        assert_eq!(addresses(0, u64::MAX, 63, 8), Some([0, 1 << 63].to_vec()));
    }

    #[test]
    fn too_many_leaves_and_no_range_are_no_loop() {
        assert_eq!(addresses(0, 0x3fff, 12, 4).map(|all| all.len()), Some(4));
        assert_eq!(addresses(0, 0x4000, 12, 4), None);
        assert_eq!(addresses(0, u64::MAX, 0, u64::MAX), None);
        assert_eq!(addresses(0x1000, 0xfff, 12, 4), None);
        assert!(Addresses::of(&Extent::Everywhere, 4).is_none() && Addresses::of(&Extent::Nowhere, 4).is_none());
    }
}
