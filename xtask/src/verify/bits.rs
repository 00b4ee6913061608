//! What each bit of an entry is, and what a checker must say when it changes. From the manuals.

use cargo_tablature::check::Kind;

use crate::machine::Arch;

/// A class of bits, or of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    /// Its name.
    pub(super) name: &'static str,
    /// A finding of one of these kinds must be among those of a change, if there are any; only the hash tells otherwise.
    pub(super) kinds: &'static [Kind],
    /// Whether some of its changes mean nothing to hardware, such as execution where writes forbid it already.
    pub(super) may_mean_nothing: bool,
}

const fn class(name: &'static str, kinds: &'static [Kind]) -> Class {
    Class { name, kinds, may_mean_nothing: false }
}

const fn at_times(name: &'static str, kinds: &'static [Kind]) -> Class {
    Class { name, kinds, may_mean_nothing: true }
}

pub(super) const MISSING: Class = class("missing leaf", &[Kind::Missing]);
pub(super) const EXTRA: Class = class("extra leaf", &[Kind::Extra]);
pub(super) const ADDRESS: Class = class("address", &[Kind::Address, Kind::Entry]);
pub(super) const NO_TABLE: Class = class("missing table", &[Kind::Tables]);
pub(super) const TABLE_ADDRESS: Class = class("table pointer", &[Kind::Entry, Kind::Tables, Kind::Extra]);
const KIND: Class = class("kind of entry", &[Kind::Entry, Kind::Tables, Kind::Extra, Kind::Missing]);
const RIGHTS: Class = class("rights", &[Kind::Rights, Kind::Entry]);
const RIGHTS_AT_TIMES: Class = at_times("rights that others may imply", &[Kind::Rights]);
const TABLE_RIGHTS: Class = at_times("rights in a pointer", &[Kind::Rights]);
const MEMORY: Class = class("memory type", &[Kind::Memory, Kind::Entry]);
const PAT: Class = at_times("memory type, PAT", &[Kind::Memory]);
const SHARE: Class = at_times("shareability", &[Kind::Memory, Kind::Entry]);
const GLOBAL: Class = class("global", &[Kind::Global]);
const TABLE_GLOBAL: Class = at_times("global in a pointer", &[Kind::Global]);
const RUN: Class = class("run", &[Kind::Leaf, Kind::Entry]);
const ACCESSED: Class = class("accessed", &[Kind::Accessed]);
const DIRTY: Class = at_times("dirty", &[Kind::Accessed, Kind::Rights]);
const RESERVED: Class = class("reserved", &[Kind::Entry]);
const IGNORED: Class = class("ignored", &[]);

/// The class of a bit of a leaf.
pub(super) const fn of_leaf(arch: Arch, level: usize, bit: u32) -> Class {
    match arch {
        Arch::Aarch64 => aarch64_leaf(bit),
        Arch::Riscv64 => riscv_leaf(bit),
        Arch::X86_64 => x86_leaf(level, bit),
    }
}

/// The class of a bit of a pointer to a table.
pub(super) const fn of_pointer(arch: Arch, bit: u32) -> Class {
    match arch {
        Arch::Aarch64 => aarch64_pointer(bit),
        Arch::Riscv64 => riscv_pointer(bit),
        Arch::X86_64 => x86_pointer(bit),
    }
}

/// DDI 0487, D8: stage 1, 4 KiB granule, 48-bit addresses.
const fn aarch64_leaf(bit: u32) -> Class {
    match bit {
        0 => MISSING,
        1 => KIND,
        2..=4 => MEMORY,
        6 | 7 | 54 => RIGHTS,
        53 => RIGHTS_AT_TIMES,
        8 | 9 => SHARE,
        10 => ACCESSED,
        11 => GLOBAL,
        12..=47 => ADDRESS,
        51 => DIRTY,
        52 => RUN,
        _ => IGNORED,
    }
}

const fn aarch64_pointer(bit: u32) -> Class {
    match bit {
        0 => NO_TABLE,
        1 => KIND,
        12..=47 => TABLE_ADDRESS,
        59..=62 => TABLE_RIGHTS,
        _ => IGNORED,
    }
}

/// Privileged ISA, Sv39, with Svnapot and Svpbmt.
const fn riscv_leaf(bit: u32) -> Class {
    match bit {
        0 => MISSING,
        1..=4 => RIGHTS,
        5 => GLOBAL,
        6 => ACCESSED,
        7 => DIRTY,
        8 | 9 => IGNORED,
        10..=53 => ADDRESS,
        54..=60 => RESERVED,
        61 | 62 => MEMORY,
        _ => RUN,
    }
}

const fn riscv_pointer(bit: u32) -> Class {
    match bit {
        0 => NO_TABLE,
        1..=3 => KIND,
        5 => TABLE_GLOBAL,
        8 | 9 => IGNORED,
        10..=53 => TABLE_ADDRESS,
        _ => RESERVED,
    }
}

/// SDM 3A, 4-level paging.
const fn x86_leaf(level: usize, bit: u32) -> Class {
    match (level, bit) {
        (_, 0) => MISSING,
        (_, 1 | 2 | 63) => RIGHTS,
        (_, 3 | 4) => MEMORY,
        (0, 7) => PAT,
        (_, 7) => KIND,
        (_, 8) => GLOBAL,
        (1.., 12) => PAT,
        (_, 12..=51) => ADDRESS,
        _ => IGNORED,
    }
}

const fn x86_pointer(bit: u32) -> Class {
    match bit {
        0 => NO_TABLE,
        1 | 2 | 63 => TABLE_RIGHTS,
        7 => KIND,
        12..=51 => TABLE_ADDRESS,
        _ => IGNORED,
    }
}
