//! Units and page-size arithmetic.

/// 2^10 bytes.
pub const KIB: u64 = 1 << 10;
/// 2^20 bytes.
pub const MIB: u64 = 1 << 20;
/// 2^30 bytes.
pub const GIB: u64 = 1 << 30;
/// 2^40 bytes.
pub const TIB: u64 = 1 << 40;

/// `value` rounded down to a multiple of `unit`, which is a power of two.
#[must_use]
pub const fn align_down(value: u64, unit: u64) -> u64 {
    value & !(unit - 1)
}

/// Whether `value` is a multiple of `unit`, which is a power of two.
#[must_use]
pub const fn is_aligned(value: u64, unit: u64) -> bool {
    value & (unit - 1) == 0
}
