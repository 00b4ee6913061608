//! Ranges of input addresses.

use core::fmt;

use crate::addr::VirtAddr;
use crate::format::Format;

/// A range that is not empty; both ends included, because it may end with the last byte there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub(crate) start: u64,
    /// The last byte.
    pub(crate) last: u64,
}

/// Why a range cannot be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// It has no bytes.
    Empty,
    /// It does not start at a page, or at a multiple of the smallest leaf asked for.
    UnalignedVirt {
        /// Where it starts.
        virt: VirtAddr,
        /// What that should be a multiple of.
        unit: u64,
    },
    /// It is not whole pages, or not whole leaves of the smallest size asked for.
    UnalignedSize {
        /// Its bytes.
        size: u64,
        /// What they should be a multiple of.
        unit: u64,
    },
    /// It starts where nothing is translated.
    NotCanonical {
        /// Where it starts.
        virt: VirtAddr,
    },
    /// It starts in one half and ends in the hole, or behind it.
    AcrossHole {
        /// Where it starts.
        virt: VirtAddr,
        /// Its bytes.
        size: u64,
    },
    /// It ends behind the last address that is translated.
    PastTop {
        /// Where it starts.
        virt: VirtAddr,
        /// Its bytes.
        size: u64,
    },
    /// The half it lies in has no root.
    NoRoot {
        /// Where it starts.
        virt: VirtAddr,
    },
    /// The tables there belong to another space.
    Shared {
        /// An address of the range that is shared.
        virt: VirtAddr,
    },
    /// The root entries there are shared with other spaces: an operation works below one of them.
    Pinned {
        /// An address of the range.
        virt: VirtAddr,
    },
    /// The root entry there points to the root itself.
    SelfMap {
        /// An address of the range that the entry translates.
        virt: VirtAddr,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the range is empty"),
            Self::UnalignedVirt { virt, unit } => write!(f, "{virt:?} is not a multiple of {unit:#x}"),
            Self::UnalignedSize { size, unit } => write!(f, "{size:#x} bytes are not a multiple of {unit:#x}"),
            Self::NotCanonical { virt } => write!(f, "{virt:?} is in no range that is translated"),
            Self::AcrossHole { virt, size } => {
                write!(f, "{size:#x} bytes from {virt:?} reach into the hole between the halves")
            }
            Self::PastTop { virt, size } => write!(f, "{size:#x} bytes from {virt:?} end behind the last address"),
            Self::NoRoot { virt } => write!(f, "the half of {virt:?} has no root"),
            Self::Shared { virt } => write!(f, "the tables at {virt:?} belong to another space"),
            Self::Pinned { virt } => write!(f, "the root entry of {virt:?} is one that other spaces share"),
            Self::SelfMap { virt } => write!(f, "the entry of {virt:?} in the root points to the root"),
        }
    }
}

impl core::error::Error for RangeError {}

impl Span {
    /// `size` bytes from `virt`, both multiples of `unit`, within one half.
    pub(crate) const fn new(format: &Format, virt: VirtAddr, size: u64, unit: u64) -> Result<Self, RangeError> {
        Self::of(format, virt, size, unit)
    }

    /// The same, for a format that the compiler knows.
    #[inline(always)]
    pub(crate) const fn of(format: &Format, virt: VirtAddr, size: u64, unit: u64) -> Result<Self, RangeError> {
        let start = virt.as_u64();
        if size == 0 {
            return Err(RangeError::Empty);
        }
        if !format.is_canonical(start) {
            return Err(RangeError::NotCanonical { virt });
        }
        if start & (unit - 1) != 0 {
            return Err(RangeError::UnalignedVirt { virt, unit });
        }
        if size & (unit - 1) != 0 {
            return Err(RangeError::UnalignedSize { size, unit });
        }
        let Some(last) = start.checked_add(size - 1) else { return Err(RangeError::PastTop { virt, size }) };
        // In one half, where all bits above it are the same.
        if (start ^ last) >> format.range_bits == 0 {
            return Ok(Self { start, last });
        }
        Err(if format.upper_half { RangeError::AcrossHole { virt, size } } else { RangeError::PastTop { virt, size } })
    }

    /// Whether an address is one of it.
    #[inline(always)]
    pub(crate) const fn holds(self, virt: u64) -> bool {
        virt.wrapping_sub(self.start) <= self.last.wrapping_sub(self.start)
    }

    /// From the first byte of either to the last one.
    pub(crate) const fn hull(self, other: Self) -> Self {
        Self {
            start: if self.start < other.start { self.start } else { other.start },
            last: if self.last > other.last { self.last } else { other.last },
        }
    }

    /// The part that shares a slot of `1 << shift` bytes with its first byte.
    #[inline(always)]
    pub(crate) const fn first_part(self, shift: u32) -> Self {
        let end = self.start | ((1 << shift) - 1);
        Self { start: self.start, last: if end < self.last { end } else { self.last } }
    }

    /// What is left behind `part`, the first part.
    #[inline(always)]
    pub(crate) const fn behind(self, part: Self) -> Option<Self> {
        if part.last == self.last { None } else { Some(Self { start: part.last + 1, last: self.last }) }
    }

    /// The part that shares a slot of `1 << shift` bytes with its last byte.
    #[inline(always)]
    pub(crate) const fn last_part(self, shift: u32) -> Self {
        let first = self.last >> shift << shift;
        Self { start: if first > self.start { first } else { self.start }, last: self.last }
    }

    /// What is left in front of `part`, the last part.
    #[inline(always)]
    pub(crate) const fn before(self, part: Self) -> Option<Self> {
        if part.start == self.start { None } else { Some(Self { start: self.start, last: part.start - 1 }) }
    }

    /// The bits in which its addresses differ, and one more of a block, which is all of a slot: those of a slot of
    /// `1 << shift` bytes are none from bit `shift` on where it lies in one, and is not all of it.
    #[inline(always)]
    pub(crate) const fn reach(self) -> u64 {
        let differing = self.start ^ self.last;
        let is_block = self.start & differing == 0 && differing & differing.wrapping_add(1) == 0;
        if is_block { differing | differing.wrapping_add(1) } else { differing }
    }

    /// Whether it is exactly one slot of `1 << shift` bytes.
    #[inline(always)]
    pub(crate) const fn is_whole(self, shift: u32) -> bool {
        let mask = (1 << shift) - 1;
        self.start & mask == 0 && self.last == self.start | mask
    }

    /// The bytes from the first multiple of `1 << shift` to the last: whole slots only.
    #[inline]
    pub(crate) const fn whole_slots(self, shift: u32) -> Option<Self> {
        let mask = (1u64 << shift) - 1;
        let head = self.start.wrapping_neg() & mask;
        if self.last - self.start < head {
            return None;
        }
        let start = self.start + head;
        let tail = self.last.wrapping_add(1) & mask;
        if self.last - start < tail || self.last - start - tail < mask {
            return None;
        }
        Some(Self { start, last: self.last - tail })
    }

    /// Whether both have a byte in common.
    #[inline(always)]
    pub(crate) const fn meets(self, start: u64, last: u64) -> bool {
        self.start <= last && start <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regime::Regime;
    use crate::x86_64::Level4;

    const FORMAT: Format = <Level4 as Regime>::FORMAT;

    fn span(virt: u64, size: u64) -> Result<Span, RangeError> {
        Span::new(&FORMAT, VirtAddr::new(virt), size, 0x1000)
    }

    #[test]
    fn the_last_page_is_a_range_and_the_page_behind_it_is_not() {
        let last = 0xffff_ffff_ffff_f000;
        assert_eq!(span(last, 0x1000), Ok(Span { start: last, last: u64::MAX }));
        assert!(matches!(span(last, 0x2000), Err(RangeError::PastTop { .. })));
    }

    #[test]
    fn the_hole_is_entered_from_neither_side() {
        assert!(span(0x7fff_ffff_f000, 0x1000).is_ok());
        assert!(matches!(span(0x7fff_ffff_f000, 0x2000), Err(RangeError::AcrossHole { .. })));
        assert!(matches!(span(0x7fff_ffff_f000, 0xffff_0000_0000_2000), Err(RangeError::AcrossHole { .. })));
        assert!(matches!(span(0x8000_0000_0000, 0x1000), Err(RangeError::NotCanonical { .. })));
    }

    #[test]
    fn whole_slots_are_found_at_both_ends_of_the_address_space() {
        let whole = |start, last| Span { start, last }.whole_slots(21);
        assert_eq!(whole(0x1000, 0x1f_ffff), None);
        assert_eq!(whole(0x1000, 0x3f_ffff), Some(Span { start: 0x20_0000, last: 0x3f_ffff }));
        assert_eq!(whole(0x20_0000, 0x5f_efff), Some(Span { start: 0x20_0000, last: 0x3f_ffff }));
        assert_eq!(whole(0xffff_ffff_ffc0_1000, u64::MAX), Some(Span { start: 0xffff_ffff_ffe0_0000, last: u64::MAX }));
        assert_eq!(whole(0, u64::MAX), Some(Span { start: 0, last: u64::MAX }));
        assert_eq!(whole(0xffff_ffff_ffff_f000, u64::MAX), None);
    }

    #[test]
    fn parts_from_the_end_are_those_from_the_start() {
        for (start, last) in [(0x1000, 0x1fff), (0x1f_f000, 0x60_0fff), (0x20_0000, 0x5f_ffff), (0, u64::MAX)] {
            let all = Span { start, last };
            for shift in [12, 21, 63] {
                let (first, end) = (all.first_part(shift), all.last_part(shift));
                assert_eq!((first.start, end.last), (start, last));
                assert_eq!(end.start, if last >> shift == start >> shift { start } else { last >> shift << shift });
                assert_eq!(all.before(end).map(|rest| rest.last), end.start.checked_sub(1).filter(|_| end != all));
            }
        }
    }

    #[test]
    fn a_span_reaches_out_of_a_slot_that_it_is_or_leaves() {
        let spans = [(0x1000, 0x1fff), (0, 0x1f_ffff), (0x1000, 0x1f_ffff), (0, 0x1f_efff), (0x1f_f000, 0x20_0fff)];
        for (start, last) in spans.into_iter().chain([(0, u64::MAX), (1 << 63, u64::MAX), (0x20_0000, 0x7f_ffff)]) {
            let span = Span { start, last };
            for shift in [12, 21, 30, 63] {
                let inside = start >> shift == last >> shift && !span.is_whole(shift);
                assert_eq!(span.reach() >> shift == 0, inside, "{span:x?} and slots of {shift} bits");
            }
        }
    }
}
