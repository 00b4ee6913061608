//! Where the halves of the input range end.

use crate::format::Format;

/// The last address of the half that the canonical address `virt` is in.
pub(super) const fn last_of_half(format: &Format, virt: u64) -> u64 {
    if format.is_upper(virt) { u64::MAX } else { u64::MAX >> (64 - format.range_bits) }
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
