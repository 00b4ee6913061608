//! Which leaves of a range are sampled.

use tablature::layout::Extent;
use tablature::map::Region;

use crate::declared::Declared;

/// Leaves of one range that are probed at least, where it has so many.
const SAMPLES: u64 = 512;
/// Leaves at either end of a range that are always probed.
const ENDS: u64 = 4;

/// The leaves of a virtual range, each as large as the declaration allows.
struct Leaves<'d, 'a, const R: usize> {
    declared: &'d Declared<'a, R>,
    region: &'a Region<'a>,
    extent: &'a Extent,
    next: u128,
    end: u128,
}

impl<const R: usize> Iterator for Leaves<'_, '_, R> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        if self.next >= self.end {
            return None;
        }
        let start = u64::try_from(self.next).ok()?;
        let size = self.declared.leaf_at(self.region, self.extent, start, self.end);
        self.next += u128::from(size);
        Some((start, size))
    }
}

/// Calls `visit` with the start of every entry that could map something where nothing is declared: the gaps between the
/// regions and their guards, cut into the largest aligned pieces that an entry of some level covers.
///
/// # Errors
/// The first that `visit` returns.
pub(crate) fn gaps<E, const R: usize>(
    declared: &Declared<'_, R>,
    mut visit: impl FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let format = declared.format();
    let upper = format.upper_start().map(|start| (u128::from(start), 1 << 64));
    for (first, end) in [Some((0, 1 << format.range_bits)), upper].into_iter().flatten() {
        let mut at: u128 = first;
        while at < end {
            let (free, next) = declared.next_free(at, end);
            at = free;
            while at < next {
                visit(at as u64)?;
                at += piece(declared, at, next);
            }
        }
    }
    Ok(())
}

/// Bytes of the largest entry that covers `at` first and ends by `end`.
fn piece<const R: usize>(declared: &Declared<'_, R>, at: u128, end: u128) -> u128 {
    let format = declared.format();
    let sizes = format.level[..format.levels].iter().map(|level| u128::from(level.size()));
    let fitting = sizes.filter(|size| at.is_multiple_of(*size) && at + size <= end);
    fitting.max().unwrap_or(u128::from(format.page_size()))
}

/// Calls `visit` with start and size of the sampled leaves between `from` and `to`: all of them, or the ends and at
/// least [`SAMPLES`] evenly spread ones.
pub(crate) fn sample<'a, const R: usize>(
    declared: &Declared<'a, R>,
    (region, extent): (&'a Region<'a>, &'a Extent),
    (from, to): (u128, u128),
    mut visit: impl FnMut(u64, u64),
) {
    let leaves = || Leaves { declared, region, extent, next: from, end: to };
    let count = leaves().count() as u64;
    let stride = (count / SAMPLES).max(1);
    for (index, (start, size)) in (0u64..).zip(leaves()) {
        if index < ENDS || index + ENDS >= count || index.is_multiple_of(stride) {
            visit(start, size);
        }
    }
}
