//! Ranges of input addresses: what is one, and what is none.

use core::fmt;

use crate::addr::VirtAddr;
use crate::format::Format;

/// Why a range is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// It has no bytes.
    Empty,
    /// It does not start at a page.
    UnalignedStart {
        /// Its start.
        virt: VirtAddr,
    },
    /// It does not end at the end of a page.
    UnalignedSize {
        /// Its bytes.
        size: u64,
    },
    /// It starts where the regime translates nothing.
    NotCanonical {
        /// Its start.
        virt: VirtAddr,
    },
    /// It leaves the half it starts in: it comes to the hole between the halves, or past the last address.
    AcrossHole {
        /// The last address of the half.
        last: VirtAddr,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the range has no bytes"),
            Self::UnalignedStart { virt } => write!(f, "the range starts at {virt:?}, which is no start of a page"),
            Self::UnalignedSize { size } => write!(f, "{size:#x} bytes are no whole pages"),
            Self::NotCanonical { virt } => {
                write!(f, "the range starts at {virt:?}, which the regime does not translate")
            }
            Self::AcrossHole { last } => write!(f, "the range goes on behind {last:?}, where translation ends"),
        }
    }
}

impl core::error::Error for RangeError {}

/// The last address of the half that the canonical address `virt` is in.
pub(super) const fn last_of_half(format: &Format, virt: u64) -> u64 {
    if format.is_upper(virt) { u64::MAX } else { u64::MAX >> (64 - format.range_bits) }
}

/// The last address of `size` bytes from `virt`, bytes of one half.
pub(super) fn last_of(format: &Format, virt: VirtAddr, size: u64) -> Result<u64, RangeError> {
    let start = virt.as_u64();
    if size == 0 {
        return Err(RangeError::Empty);
    }
    if !format.is_canonical(start) {
        return Err(RangeError::NotCanonical { virt });
    }
    let end = last_of_half(format, start);
    if size - 1 > end - start {
        return Err(RangeError::AcrossHole { last: VirtAddr::new(end) });
    }
    Ok(start + (size - 1))
}

/// The same of whole pages.
pub(super) fn last_of_pages(format: &Format, virt: VirtAddr, size: u64) -> Result<u64, RangeError> {
    if size != 0 && !virt.is_aligned(format.page_size()) {
        return Err(RangeError::UnalignedStart { virt });
    }
    if !crate::size::is_aligned(size, format.page_size()) {
        return Err(RangeError::UnalignedSize { size });
    }
    last_of(format, virt, size)
}

/// The address behind `last`, in this half or at the start of the next; `None` behind the last of all.
pub(super) const fn after(format: &Format, last: u64) -> Option<u64> {
    match last.checked_add(1) {
        None => None,
        Some(next) if format.is_canonical(next) => Some(next),
        Some(next) => match format.upper_start() {
            Some(upper) if next < upper => Some(upper),
            _ => None,
        },
    }
}
