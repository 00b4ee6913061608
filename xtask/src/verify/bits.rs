//! What each bit of an entry is, and what a checker must say when it changes. From the manuals.

use cargo_tablature::check::Kind;
use cargo_tablature::scheme::{Family, Scheme};

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
const LARGE: Class = class("size of a leaf", &[Kind::Leaf, Kind::Address, Kind::Entry]);
const PAGE_KIND: Class = class("kind of page", &[Kind::Missing, Kind::Leaf, Kind::Address, Kind::Entry]);
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
pub(super) const fn of_leaf(scheme: &Scheme, level: usize, word: u64, bit: u32) -> Class {
    match scheme.family {
        Family::Stage2 => aarch64_stage2_leaf(scheme, bit),
        family if family.is_aarch64() => aarch64_leaf(scheme, bit),
        family if family.is_lpae() => lpae_leaf(family, bit),
        Family::Sv39C9xx if bit > 58 => MEMORY,
        family if family.is_riscv() => riscv_leaf(bit),
        Family::Ept => ept_leaf(level, bit),
        Family::Short => match (level, word & 3) {
            (0, 1) => large_page(bit),
            (0, _) => small_page(bit),
            _ => section(word, bit),
        },
        Family::Loongarch64 => loongarch_leaf(level, bit),
        Family::Pae if bit > 51 && bit < 63 => RESERVED,
        Family::Legacy if level > 0 && bit == 21 => RESERVED,
        _ => x86_leaf(level, bit),
    }
}

/// The class of a bit of a pointer to a table.
pub(super) const fn of_pointer(scheme: &Scheme, level: usize, bit: u32) -> Class {
    match scheme.family {
        family if family.is_aarch64() => aarch64_pointer(scheme, bit),
        family if family.is_lpae() => lpae_pointer(bit),
        family if family.is_riscv() => riscv_pointer(bit),
        Family::Ept => ept_pointer(bit),
        Family::Short => short_pointer(bit),
        Family::Loongarch64 => loongarch_pointer(bit),
        Family::Pae if level == 2 => pae_root(bit),
        Family::Pae if bit > 51 && bit < 63 => RESERVED,
        _ => x86_pointer(bit),
    }
}

/// DDI 0487, D8: stage 1, 48-bit addresses, of which 64 KiB granules hold four more.
const fn aarch64_leaf(scheme: &Scheme, bit: u32) -> Class {
    let has_user = scheme.family.has_user();
    match bit {
        8 | 9 | 48 | 49 if scheme.wide && scheme.page_shift != 16 => ADDRESS,
        6 | 51 | 53 | 54 if scheme.permissions.is_some() => RIGHTS_AT_TIMES,
        7 if scheme.permissions.is_some() => DIRTY,
        6 | 11 | 53 if !has_user => IGNORED,
        0 => MISSING,
        1 => KIND,
        2..=4 => MEMORY,
        6 | 7 | 54 => RIGHTS,
        53 => RIGHTS_AT_TIMES,
        8 | 9 => SHARE,
        10 => ACCESSED,
        11 => GLOBAL,
        12 | 13 if scheme.page_shift == 14 => IGNORED,
        12..=47 => ADDRESS,
        51 => DIRTY,
        52 => RUN,
        _ => IGNORED,
    }
}

const fn aarch64_stage2_leaf(scheme: &Scheme, bit: u32) -> Class {
    match bit {
        5 => MEMORY,
        11 => IGNORED,
        _ => aarch64_leaf(&Scheme { family: Family::El1, permissions: None, ..*scheme }, bit),
    }
}

const fn aarch64_pointer(scheme: &Scheme, bit: u32) -> Class {
    match bit {
        8 | 9 | 48 | 49 if scheme.wide && scheme.page_shift != 16 => TABLE_ADDRESS,
        0 => NO_TABLE,
        1 => KIND,
        12 | 13 if scheme.page_shift == 14 => IGNORED,
        12..=47 => TABLE_ADDRESS,
        59..=62 => TABLE_RIGHTS,
        _ => IGNORED,
    }
}

/// DDI 0406, B3.6.
const fn lpae_leaf(family: Family, bit: u32) -> Class {
    match (family, bit) {
        (Family::LpaeStage2, 5) => MEMORY,
        (Family::LpaePl2, 6) | (Family::LpaePl2 | Family::LpaeStage2, 11 | 53) => IGNORED,
        (_, 0) => MISSING,
        (_, 1) => KIND,
        (_, 2..=4) => MEMORY,
        (_, 6 | 7) => RIGHTS,
        (_, 53 | 54) => RIGHTS_AT_TIMES,
        (_, 8 | 9) => SHARE,
        (_, 10) => ACCESSED,
        (_, 11) => GLOBAL,
        (_, 12..=39) => ADDRESS,
        (_, 40..=47) => RESERVED,
        (_, 52) => RUN,
        _ => IGNORED,
    }
}

const fn lpae_pointer(bit: u32) -> Class {
    match bit {
        0 => NO_TABLE,
        1 => KIND,
        12..=39 => TABLE_ADDRESS,
        40..=47 => RESERVED,
        59..=62 => TABLE_RIGHTS,
        _ => IGNORED,
    }
}

/// DDI 0406, B3.5.
const fn section(word: u64, bit: u32) -> Class {
    let is_super = word >> 18 & 1 == 1;
    match bit {
        0 | 4 | 10 | 11 => RIGHTS_AT_TIMES,
        1 => KIND,
        2 | 3 | 12..=14 => MEMORY,
        5..=8 if is_super => ADDRESS,
        15 => RIGHTS,
        16 => SHARE,
        17 => GLOBAL,
        18 => LARGE,
        20..=31 => ADDRESS,
        _ => IGNORED,
    }
}

const fn small_page(bit: u32) -> Class {
    match bit {
        0 | 4 | 5 => RIGHTS_AT_TIMES,
        1 => PAGE_KIND,
        2 | 3 | 6..=8 => MEMORY,
        9 => RIGHTS,
        10 => SHARE,
        11 => GLOBAL,
        _ => ADDRESS,
    }
}

const fn large_page(bit: u32) -> Class {
    match bit {
        0 => MISSING,
        1 => LARGE,
        2 | 3 | 12..=14 => MEMORY,
        4 | 5 | 15 => RIGHTS_AT_TIMES,
        6..=8 => RESERVED,
        9 => RIGHTS,
        10 => SHARE,
        11 => GLOBAL,
        _ => ADDRESS,
    }
}

const fn short_pointer(bit: u32) -> Class {
    match bit {
        0 => NO_TABLE,
        1 => KIND,
        2 => TABLE_RIGHTS,
        10.. => TABLE_ADDRESS,
        _ => IGNORED,
    }
}

/// LoongArch Reference Manual vol. 1, 5.4.
const fn loongarch_leaf(level: usize, bit: u32) -> Class {
    match (level, bit) {
        (_, 0) => MISSING,
        (_, 1 | 8) => DIRTY,
        (_, 2 | 3 | 63) => RIGHTS_AT_TIMES,
        (_, 4 | 5) => MEMORY,
        (0, 6) | (1.., 12) => GLOBAL,
        (_, 6) => KIND,
        (_, 12..=59) => ADDRESS,
        (_, 60) => RESERVED,
        (_, 61 | 62) => RIGHTS,
        _ => IGNORED,
    }
}

const fn loongarch_pointer(bit: u32) -> Class {
    match bit {
        6 => KIND,
        12..=59 => TABLE_ADDRESS,
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

/// SDM 3A, PAE paging: an entry of the page-directory-pointer table.
const fn pae_root(bit: u32) -> Class {
    match bit {
        0 => NO_TABLE,
        1 | 2 | 5..=8 | 52..=63 => RESERVED,
        12..=51 => TABLE_ADDRESS,
        _ => IGNORED,
    }
}

/// SDM 3C, EPT.
const fn ept_leaf(level: usize, bit: u32) -> Class {
    match (level, bit) {
        (_, 0..=2) => RIGHTS,
        (_, 3..=5) => MEMORY,
        (1.., 7) => KIND,
        (_, 12..=51) => ADDRESS,
        _ => IGNORED,
    }
}

const fn ept_pointer(bit: u32) -> Class {
    match bit {
        0..=2 => TABLE_RIGHTS,
        3..=7 => RESERVED,
        12..=51 => TABLE_ADDRESS,
        _ => IGNORED,
    }
}
