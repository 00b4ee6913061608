//! What is to be flushed.

use super::change::Duty;

/// Which address space (ASID, VMID, PCID) the flushed translations belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// Those of every address space: the changed entries are global, or it is not known whose they are.
    Every,
    /// Those tagged with this identifier.
    One(u16),
}

impl Id {
    /// The least that covers both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Every,
        }
    }
}

/// Which input addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// None: only what is visible matters, or nothing at all.
    Nowhere,
    /// All from `start` to `last`, both included.
    Range {
        /// The first byte.
        start: u64,
        /// The last byte.
        last: u64,
        /// log2 of the smallest leaf that may be cached in it: the step of a loop over the range.
        stride: u32,
    },
    /// All of the address space.
    Everywhere,
}

impl Extent {
    /// The least that covers both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nowhere, other) => other,
            (this, Self::Nowhere) => this,
            (Self::Range { start: s0, last: l0, stride: t0 }, Self::Range { start: s1, last: l1, stride: t1 }) => {
                Self::Range {
                    start: if s0 < s1 { s0 } else { s1 },
                    last: if l0 > l1 { l0 } else { l1 },
                    stride: if t0 < t1 { t0 } else { t1 },
                }
            }
            _ => Self::Everywhere,
        }
    }
}

/// What is owed, where, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What is owed.
    pub duty: Duty,
    /// For which addresses.
    pub extent: Extent,
    /// In which address space.
    pub id: Id,
}

impl Scope {
    /// Nothing.
    #[must_use]
    pub const fn nothing(id: Id) -> Self {
        Self { duty: Duty::NONE, extent: Extent::Nowhere, id }
    }

    /// The least that covers both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        // What owes nothing does not widen what does.
        if self.duty.is_none() {
            return other;
        }
        if other.duty.is_none() {
            return self;
        }
        Self { duty: self.duty.union(other.duty), extent: self.extent.union(other.extent), id: self.id.union(other.id) }
    }

    /// Whether its flush is one of `other`, too.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        if other.duty.is_none() {
            return true;
        }
        let duty = other.duty.union(self.duty);
        let id = match (self.id, other.id) {
            (Id::Every, _) => true,
            (Id::One(a), Id::One(b)) => a == b,
            _ => false,
        };
        let extent = match (self.extent, other.extent) {
            (Extent::Everywhere, _) | (_, Extent::Nowhere) => true,
            (Extent::Range { start: s0, last: l0, stride: t0 }, Extent::Range { start: s1, last: l1, stride: t1 }) => {
                s0 <= s1 && l1 <= l0 && t0 <= t1
            }
            _ => false,
        };
        let same = duty.publish == self.duty.publish && duty.leaf == self.duty.leaf && duty.walk == self.duty.walk;
        id && extent && same
    }

    /// Whether it holds one of the addresses from `start` to `last`.
    #[inline]
    pub(crate) const fn meets(&self, start: u64, last: u64) -> bool {
        match self.extent {
            Extent::Nowhere => false,
            Extent::Range { start: s, last: l, .. } => s <= last && start <= l,
            Extent::Everywhere => true,
        }
    }

    /// How many invalidations by address that takes; 1 for a whole address space.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        match self.extent {
            Extent::Nowhere => 0,
            Extent::Range { start, last, stride } => last.wrapping_sub(start).unbounded_shr(stride).saturating_add(1),
            Extent::Everywhere => 1,
        }
    }

    /// The same, with all of the address space in place of a range that takes more than `many` steps, or that ends before
    /// it starts.
    #[must_use]
    pub const fn bounded(self, many: u64) -> Self {
        match self.extent {
            Extent::Range { start, last, .. } if start > last || self.steps() > many => {
                Self { extent: Extent::Everywhere, ..self }
            }
            _ => self,
        }
    }
}
