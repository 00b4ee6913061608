//! Counts, and how they are written.

use core::fmt;

/// What was done, and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Steps that were run.
    pub steps: u32,
    /// Of them, those that the space refused.
    pub refused: u32,
    /// Blocks that were made one leaf, or were one.
    pub promoted: u32,
    /// Questions that the hardware answered.
    pub checks: u64,
    /// Answers that contradict the model.
    pub mismatches: u32,
}

impl Report {
    /// Whether all `steps` were run and nothing contradicts the model.
    #[must_use]
    pub const fn is_good(&self, steps: u32) -> bool {
        self.mismatches == 0
            && self.steps == steps
            && self.checks > steps as u64
            && self.refused < steps
            && self.promoted > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps, {} checks, {} mismatches", self.steps, self.checks, self.mismatches)
    }
}
