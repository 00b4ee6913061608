//! What a word in a table means. Written from the architectures' manuals, and from nothing else.

mod aarch64;
mod armv7;
mod ept;
mod indirect;
mod loongarch;
mod riscv;
mod short;
mod x86;

#[cfg(test)]
mod others;
#[cfg(test)]
mod tests;

use crate::rights::{Memory, Rights};
use crate::scheme::{Family, Scheme};

/// What pointers on the way to a leaf leave of its rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What the privileged level may have.
    pub privileged: Rights,
    /// What the user may have.
    pub user: Rights,
    /// Whether user mode may come here at all (x86 U/S).
    pub admits_user: bool,
    /// Whether all below is valid for every address space (RISC-V G).
    pub global: bool,
}

impl Limits {
    /// None.
    pub const NONE: Self = Self { privileged: Rights::ALL, user: Rights::ALL, admits_user: true, global: false };

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            privileged: self.privileged.and(other.privileged),
            user: self.user.and(other.user),
            admits_user: self.admits_user && other.admits_user,
            global: self.global || other.global,
        }
    }
}

/// Where an entry is in the tree.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its level; 0 is that of pages.
    pub level: usize,
    /// Its index in its table.
    pub index: u64,
    /// What the pointers above it leave.
    pub limits: Limits,
}

/// What a leaf says of all the bytes that it maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Effective rights of the privileged level. On a page of the user, those of reading and writing.
    pub privileged: Rights,
    /// Effective rights of the user.
    pub user: Rights,
    /// The memory type.
    pub memory: Memory,
    /// Valid for every address space.
    pub global: bool,
    /// Bytes of the run (contiguous bit, NAPOT) that it is marked to belong to; 0 if to none.
    pub run: u64,
    /// Whether hardware would let an access through without setting a bit first.
    pub accessed: bool,
}

/// A word's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing is mapped.
    Absent,
    /// A table of the next level.
    Table {
        /// Its physical address.
        phys: u64,
        /// What it withholds from everything below.
        limits: Limits,
    },
    /// Memory.
    Leaf {
        /// The physical address.
        phys: u64,
        /// What it grants.
        attributes: Attributes,
    },
    /// Reserved by the manual: why.
    Reserved(&'static str),
}

impl Scheme {
    /// What `word` means there.
    #[must_use]
    pub fn decode(&self, place: &Place, word: u64) -> Word {
        match self.family {
            family if family.is_aarch64() => aarch64::decode(self, place, word),
            family if family.is_lpae() => armv7::decode(self, place, word),
            family if family.is_riscv() => riscv::decode(self, place, word),
            Family::Short => short::decode(self, place, word),
            Family::Loongarch64 => loongarch::decode(self, place, word),
            Family::Ept => ept::decode(self, place, word),
            _ => x86::decode(self, place, word),
        }
    }

    /// `word`, a pointer to a table, with another address in its address field.
    #[must_use]
    pub const fn with_address(&self, word: u64, phys: u64) -> u64 {
        let mask = match self.family {
            family if family.is_aarch64() => return aarch64::with_address(self, word, phys),
            family if family.is_riscv() => return riscv::with_address(self, word, phys),
            family if family.is_lpae() => armv7::ADDRESS,
            Family::Short => short::TABLE,
            Family::Loongarch64 => loongarch::ADDRESS,
            family => x86::address(family),
        };
        word & !mask | phys & mask
    }

    /// The bits of a present word that hardware may have set since it was written: accessed and dirty.
    #[must_use]
    pub const fn updated_bits(&self, is_table: bool) -> u64 {
        match self.family {
            Family::Level4 | Family::Level5 | Family::Pae | Family::Legacy if is_table => 1 << 5,
            Family::Level4 | Family::Level5 | Family::Pae | Family::Legacy => 1 << 5 | 1 << 6,
            Family::Ept if is_table => 1 << 8,
            Family::Ept => 1 << 8 | 1 << 9,
            family if family.is_riscv() && !is_table => 1 << 6 | 1 << 7,
            family if family.is_aarch64() && !is_table => 1 << 10,
            _ => 0,
        }
    }
}

/// Bit `number` of `word`.
const fn bit(word: u64, number: u32) -> bool {
    word >> number & 1 == 1
}

/// `count` bits of `word` from bit `from` on.
const fn field(word: u64, from: u32, count: u32) -> u64 {
    word >> from & ((1 << count) - 1)
}
