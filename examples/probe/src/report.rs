//! Counts, and how they are written.

use core::fmt;

/// What was probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Declared regions.
    pub regions: u32,
    /// Questions that the hardware answered.
    pub probes: u32,
    /// Accesses that it refused.
    pub faults: u32,
    /// Answers that contradict the declaration.
    pub mismatches: u32,
}

impl Report {
    /// Whether everything was probed and nothing contradicts the declaration.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.mismatches == 0 && self.regions > 0 && self.probes > 0
    }

    /// The sum of two reports.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            regions: self.regions + other.regions,
            probes: self.probes + other.probes,
            faults: self.faults + other.faults,
            mismatches: self.mismatches + other.mismatches,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} regions, {} probes, {} mismatches", self.regions, self.probes, self.mismatches)
    }
}
