//! The addresses that a picture shows, in a row: what is no address of the space is not drawn.

use crate::evidence::{Region, Space};

/// 2^64.
const WHOLE: u128 = 1 << 64;

/// Addresses from 0 to `lower`, then those that end at 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// How many there are.
    pub total: u128,
    /// How many of these are in the lower half.
    pub lower: u128,
}

impl Domain {
    /// Everything that 64 bits can say.
    pub const ALL: Self = Self { total: WHOLE, lower: WHOLE };

    /// From 0, as much as `end` needs, in a power of two.
    #[must_use]
    pub fn up_to(end: u128) -> Self {
        let total = end.clamp(0x1000, WHOLE).next_power_of_two();
        Self { total, lower: total }
    }

    /// What the tables of a space translate; [`Self::ALL`] if a region lies elsewhere.
    #[must_use]
    pub fn of(space: &Space) -> Self {
        let format = &space.format;
        let bits = format.input_bits.clamp(12, 64);
        let domain = match (format.two_halves, format.split_roots) {
            (true, true) if bits < 63 => Self { total: 2 << bits, lower: 1 << bits },
            (true, false) if bits < 64 => Self { total: 1 << bits, lower: 1 << (bits - 1) },
            _ => Self { total: 1 << bits, lower: 1 << bits },
        };
        if space.regions.iter().all(|region| domain.holds(region)) { domain } else { Self::ALL }
    }

    /// Whether the addresses come in two halves with something between them that is no address.
    #[must_use]
    pub const fn has_hole(self) -> bool {
        self.lower < self.total
    }

    fn holds(self, region: &Region) -> bool {
        let (start, end) = (region.virt.0, region.end());
        end <= self.lower || (self.has_hole() && start >= WHOLE - (self.total - self.lower) && end <= WHOLE)
    }

    /// How many addresses come before `virt`.
    #[must_use]
    pub const fn position(self, virt: u128) -> u128 {
        if virt <= self.lower { virt } else { virt.saturating_sub(WHOLE - self.total) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_follow_each_other() {
        let domain = Domain { total: 1 << 39, lower: 1 << 38 };
        assert_eq!(domain.position(0), 0);
        assert_eq!(domain.position(0xffff_ffc0_0000_0000), 1 << 38);
        assert_eq!(domain.position(WHOLE), 1 << 39);
        assert_eq!(Domain::ALL.position(WHOLE), WHOLE);
        assert_eq!(Domain::up_to(0x4020_0000), Domain { total: 1 << 31, lower: 1 << 31 });
    }
}
