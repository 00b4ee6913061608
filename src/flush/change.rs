//! What happened to an entry, and what that owes.

use crate::attr::Features;

/// What happened to one live entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Absent to leaf.
    Map,
    /// Absent to a pointer to a filled table.
    Link,
    /// A leaf with more rights than before, all else as it was.
    Relax,
    /// A leaf that lost a right, all else as it was.
    Restrict,
    /// A leaf with another output address.
    Remap,
    /// A leaf with another memory type, at the same output address.
    Retype,
    /// A leaf that is now, or no longer, part of a contiguous run; what it translates to stays.
    Contiguous,
    /// A leaf whose validity for all address spaces changed.
    Globality,
    /// Leaf to absent.
    Unmap,
    /// A pointer to a table to absent: the whole subtree is gone.
    Unlink,
    /// A leaf to a pointer to a table whose leaves translate as it did.
    Split,
    /// A pointer to a table to a leaf that translates as the table's leaves did.
    Promote,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Map,
        Self::Link,
        Self::Relax,
        Self::Restrict,
        Self::Remap,
        Self::Retype,
        Self::Contiguous,
        Self::Globality,
        Self::Unmap,
        Self::Unlink,
        Self::Split,
        Self::Promote,
    ];
}

/// What one or several changes owe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duty {
    /// Break before make: the entry must be absent, and that flushed, before the new word is stored.
    pub before_make: bool,
    /// The stores must reach the walkers, and this core must not go on before (`dsb; isb`, `sfence.vma`).
    pub publish: bool,
    /// Cached leaves of the range must go.
    pub leaf: bool,
    /// Cached pointers to tables must go, too.
    pub walk: bool,
}

impl Duty {
    /// Nothing is owed.
    pub const NONE: Self = Self { before_make: false, publish: false, leaf: false, walk: false };
    /// A barrier.
    pub const PUBLISH: Self = Self { publish: true, ..Self::NONE };
    /// A barrier and the invalidation of leaves.
    pub const LEAF: Self = Self { leaf: true, ..Self::PUBLISH };
    /// A barrier and the invalidation of leaves and of what the walk remembers.
    pub const WALK: Self = Self { walk: true, ..Self::LEAF };

    /// The same with break-before-make.
    #[must_use]
    pub const fn broken(self) -> Self {
        Self { before_make: true, ..self }
    }

    /// What both owe.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            before_make: self.before_make | other.before_make,
            publish: self.publish | other.publish,
            leaf: self.leaf | other.leaf,
            walk: self.walk | other.walk,
        }
    }

    /// Whether nothing is owed.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !(self.before_make | self.publish | self.leaf | self.walk)
    }
}

/// One line of a regime's table of obligations.
#[derive(Clone, Copy, Debug)]
pub struct DutyRule {
    /// The change.
    pub change: Change,
    /// Features of the CPU that the line needs.
    pub given: Features,
    /// What is owed.
    pub duty: Duty,
    /// Where the manual says so.
    pub manual: &'static str,
}

/// What `change` owes on a CPU with `features`: the first line that fits.
///
/// # Panics
/// If no line fits; every table of this crate ends with lines that need no feature for all changes, which
/// constant evaluation proves.
#[must_use]
pub const fn duty(rules: &[DutyRule], change: Change, features: Features) -> Duty {
    let mut i = 0;
    while i < rules.len() {
        if rules[i].change as u8 == change as u8 && features.contains(rules[i].given) {
            return rules[i].duty;
        }
        i += 1;
    }
    panic!("a table of obligations lacks a change");
}

/// Whether a table of obligations is one: every change has a line that needs no feature, and what takes something away owes
/// its invalidation. An address space of a regime with another table does not compile.
#[must_use]
pub const fn covers_every_change(rules: &[DutyRule]) -> bool {
    let mut i = 0;
    while i < Change::ALL.len() {
        if !has_line(rules, Change::ALL[i]) {
            return false;
        }
        i += 1;
    }
    let (mut i, mut lawful) = (0, true);
    while i < rules.len() {
        let DutyRule { change, duty, .. } = rules[i];
        lawful &= !matches!(change, Change::Unmap | Change::Restrict | Change::Remap | Change::Retype) || duty.leaf;
        lawful &= !matches!(change, Change::Unlink | Change::Promote) || (duty.leaf && duty.walk);
        i += 1;
    }
    lawful
}

const fn has_line(rules: &[DutyRule], change: Change) -> bool {
    let mut i = 0;
    while i < rules.len() {
        if rules[i].change as u8 == change as u8 && rules[i].given.is_empty() {
            return true;
        }
        i += 1;
    }
    false
}
