//! Ranges sorted once, so that neighbours and everything that meets a range are found without looking at all pairs.

/// Up to `C` ranges in ascending order of their start.
///
/// More than `C` ranges stay in the order they came in: every question is then answered by looking at all of them,
/// so callers test each answer again.
#[derive(Clone, Copy)]
pub(crate) struct Order<const C: usize> {
    at: [u16; C],
    lo: [u128; C],
    hi: [u128; C],
    /// Greatest end up to and including each position.
    reach: [u128; C],
    pub(crate) len: usize,
}

impl<const C: usize> Order<C> {
    pub(crate) const EMPTY: Self = Self { at: [0; C], lo: [0; C], hi: [0; C], reach: [0; C], len: 0 };

    /// Adds the range `lo..hi` of object `index`; [`Order::sort`] must follow.
    pub(crate) const fn push(&mut self, index: usize, lo: u128, hi: u128) {
        if self.len < C {
            self.at[self.len] = index as u16;
            self.lo[self.len] = lo;
            self.hi[self.len] = hi;
        }
        self.len += 1;
    }

    /// Sorts by start; equal starts keep their order. One pass where the ranges ascend already.
    pub(crate) const fn sort(&mut self) {
        if self.is_too_long() {
            return;
        }
        let mut width = if self.ascends() { self.len } else { 1 };
        while width < self.len {
            let from = *self;
            let mut start = 0;
            while start < self.len {
                self.merge(&from, start, width);
                start += 2 * width;
            }
            width *= 2;
        }
        let (mut i, mut reach) = (0, 0);
        while i < self.len {
            if self.hi[i] > reach {
                reach = self.hi[i];
            }
            self.reach[i] = reach;
            i += 1;
        }
    }

    const fn ascends(&self) -> bool {
        let mut i = 1;
        while i < self.len {
            if self.lo[i] < self.lo[i - 1] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// Merges two sorted runs of `width` ranges that start at `start` in `from`.
    const fn merge(&mut self, from: &Self, start: usize, width: usize) {
        let middle = if start + width < self.len { start + width } else { self.len };
        let end = if middle + width < self.len { middle + width } else { self.len };
        let (mut a, mut b, mut to) = (start, middle, start);
        while to < end {
            let left = b >= end || (a < middle && from.lo[a] <= from.lo[b]);
            let pick = if left { a } else { b };
            self.at[to] = from.at[pick];
            self.lo[to] = from.lo[pick];
            self.hi[to] = from.hi[pick];
            if left {
                a += 1;
            } else {
                b += 1;
            }
            to += 1;
        }
    }

    const fn is_too_long(&self) -> bool {
        self.len > C
    }

    /// The object at a position.
    pub(crate) const fn object(&self, position: usize) -> usize {
        if self.is_too_long() { position } else { self.at[position] as usize }
    }

    /// The next two objects, from `cursor` on, whose ranges may meet. A cursor starts at (0, 0).
    pub(crate) const fn pair(&self, cursor: &mut (usize, usize)) -> Option<(usize, usize)> {
        let (mut i, mut j) = *cursor;
        let (len, all) = (self.len, self.is_too_long());
        while i < len {
            j += 1;
            if j < len && (all || self.lo[j] < self.hi[i]) {
                *cursor = (i, j);
                return if all { Some((i, j)) } else { Some((self.at[i] as usize, self.at[j] as usize)) };
            }
            i += 1;
            j = i;
        }
        *cursor = (i, j);
        None
    }

    /// The positions among which all ranges that meet `lo..hi` are.
    pub(crate) const fn around(&self, lo: u128, hi: u128) -> (usize, usize) {
        if self.is_too_long() {
            return (0, self.len);
        }
        let end = self.first_from(hi);
        let mut start = end;
        while start > 0 && self.reach[start - 1] > lo {
            start -= 1;
        }
        (start, end)
    }

    /// First position whose range starts at `start` or behind.
    const fn first_from(&self, start: u128) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = (low + high) / 2;
            if self.lo[middle] < start {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The whole pages of `page` bytes that `size` bytes from `start` on lie in.
pub(crate) const fn pages(start: u128, size: u64, page: u128) -> (u128, u128) {
    let end = start + size as u128;
    (start - start % page, end.div_ceil(page) * page)
}

/// The bytes that two ranges share.
pub(crate) const fn shared(a: (u128, u128), b: (u128, u128)) -> Option<(u128, u128)> {
    let lo = if a.0 > b.0 { a.0 } else { b.0 };
    let hi = if a.1 < b.1 { a.1 } else { b.1 };
    if lo < hi { Some((lo, hi)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn numbers(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 33
    }

    fn swept<const C: usize>(ranges: &[(u128, u128)]) -> Vec<(usize, usize)> {
        let mut order = Order::<C>::EMPTY;
        for (i, &(lo, hi)) in ranges.iter().enumerate() {
            order.push(i, lo, hi);
        }
        order.sort();
        let mut pairs = Vec::new();
        let mut cursor = (0, 0);
        while let Some((a, b)) = order.pair(&mut cursor) {
            if shared(ranges[a], ranges[b]).is_some() {
                pairs.push((a.min(b), a.max(b)));
            }
        }
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn the_sweep_finds_exactly_the_pairs_that_brute_force_finds() {
        let mut seed = 7;
        for round in 0..2000 {
            let count = (numbers(&mut seed) % 40) as usize;
            let spread = 1 << (3 + round % 8);
            let ranges: Vec<(u128, u128)> = (0..count)
                .map(|_| {
                    let lo = u128::from(numbers(&mut seed) % spread);
                    (lo, lo + 1 + u128::from(numbers(&mut seed) % 16))
                })
                .collect();
            let mut pairs = Vec::new();
            for a in 0..count {
                for b in a + 1..count {
                    if shared(ranges[a], ranges[b]).is_some() {
                        pairs.push((a, b));
                    }
                }
            }
            assert_eq!(swept::<40>(&ranges), pairs, "{ranges:?}");
            assert_eq!(swept::<8>(&ranges), pairs, "more ranges than capacity: {ranges:?}");
        }
    }

    #[test]
    fn around_misses_no_range() {
        let mut seed = 11;
        for _ in 0..500 {
            let mut order = Order::<32>::EMPTY;
            let ranges: Vec<(u128, u128)> = (0..32)
                .map(|_| {
                    let lo = u128::from(numbers(&mut seed) % 200);
                    (lo, lo + 1 + u128::from(numbers(&mut seed) % 50))
                })
                .collect();
            for (i, &(lo, hi)) in ranges.iter().enumerate() {
                order.push(i, lo, hi);
            }
            order.sort();
            let asked = (u128::from(numbers(&mut seed) % 220), 0);
            let asked = (asked.0, asked.0 + 1 + u128::from(numbers(&mut seed) % 30));
            let (start, end) = order.around(asked.0, asked.1);
            let mut found: Vec<usize> =
                (start..end).map(|p| order.object(p)).filter(|&i| shared(ranges[i], asked).is_some()).collect();
            found.sort_unstable();
            let all: Vec<usize> = (0..32).filter(|&i| shared(ranges[i], asked).is_some()).collect();
            assert_eq!(found, all);
        }
    }
}
