//! What is to be mapped.

use crate::addr::{PhysAddr, VirtAddr};
use crate::table::Attributes;

/// Which leaf sizes may be used: the largest that fits is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the smallest leaf.
    pub smallest: u64,
    /// Bytes of the largest leaf or run.
    pub largest: u64,
    /// Whether leaves are marked as runs (contiguous bit, NAPOT) where they can be.
    pub runs: bool,
}

impl Limits {
    /// Any leaf, no runs.
    pub const ANY: Self = Self { smallest: 0, largest: u64::MAX, runs: false };
    /// Pages only.
    pub const PAGES: Self = Self { smallest: 0, largest: 0, runs: false };
}

/// What happens to what is mapped already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is an error, and nothing changes.
    Refuse,
    /// It is replaced; leaves that reach beyond the range are split first.
    Replace,
}

/// What becomes of tables that an operation leaves without an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaim {
    /// They stay where they are, for the next mapping.
    Keep,
    /// They are taken out of the tree.
    Free,
}

/// A range to map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Where it starts.
    pub virt: VirtAddr,
    /// What its first byte translates to.
    pub phys: PhysAddr,
    /// Its bytes.
    pub size: u64,
    /// Rights, memory type.
    pub attributes: Attributes,
    /// Leaf sizes.
    pub limits: Limits,
    /// What is there already.
    pub existing: Existing,
}

impl Mapping {
    /// `size` bytes from `virt` to `phys`, with the largest leaves that fit, over nothing that is mapped.
    #[must_use]
    #[inline(always)]
    pub const fn new(virt: VirtAddr, phys: PhysAddr, size: u64, attributes: Attributes) -> Self {
        Self { virt, phys, size, attributes, limits: Limits::ANY, existing: Existing::Refuse }
    }

    /// `size` bytes to the same addresses.
    #[must_use]
    #[inline(always)]
    pub const fn identity(phys: PhysAddr, size: u64, attributes: Attributes) -> Self {
        Self::new(VirtAddr::new(phys.as_u64()), phys, size, attributes)
    }

    /// The same with other leaf sizes.
    #[must_use]
    #[inline(always)]
    pub const fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same over whatever is mapped.
    #[must_use]
    #[inline(always)]
    pub const fn replacing(self) -> Self {
        Self { existing: Existing::Replace, ..self }
    }
}
