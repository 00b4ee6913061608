//! Entries of the XuanTie C906 and C910 with the memory attributes of T-Head, where `mxstatus.MAEE` is set.
//!
//! These cores were there before Svpbmt, and use bits that PRIV reserves (*XuanTie-Openc910 user manual*, "Page table
//! structure"). The type in the entry is the type: there is none that is left to the bus.
//!
//! | bits  | name | meaning |
//! |-------|------|---------|
//! | 58:54 |      | reserved, must be zero |
//! | 59    | SEC  | of the secure world; zero here |
//! | 60    | SH   | shareable |
//! | 61    | B    | bufferable |
//! | 62    | C    | cacheable |
//! | 63    | SO   | strongly ordered |
//!
//! The combinations are those that Linux and ArceOS use on these cores: memory is C, B and SH, memory that is not cached B
//! and SH, a device SO and B where writes may be acknowledged early, and SO and SH where not.

use static_assertions::const_assert;
use typenum::{U9, U12};

use crate::attr::{Features, MemoryType};
use crate::format::{Format, LevelFormat, MAX_LEVELS, NOT_ENCODABLE, RawField, Run};
use crate::regime::Regime;

use super::{Sv39, insn};

/// Sv39 of the XuanTie C906 and C910, with the memory attributes of T-Head.
///
/// Machine mode has set `mxstatus.MAEE`: supervisor mode cannot ask, and whoever installs such a space promises it.
#[derive(Clone, Copy, Debug)]
pub struct Sv39C9xx;

impl Regime for Sv39C9xx {
    const FORMAT: Format = FORMAT;
    type PageShift = U12;
    type IndexBits = U9;
    const NATIVE: bool = insn::NATIVE_64;
}

/// Lowest of SH, B, C, SO.
const SHIFT: u32 = 60;
const SH: u64 = 1 << 60;
const B: u64 = 1 << 61;
const C: u64 = 1 << 62;
const SO: u64 = 1 << 63;
/// Bits 58:54, and SEC.
const ZERO: u64 = 0x3f << 54;

const FORMAT: Format = Format {
    name: "RISC-V Sv39, XuanTie C9xx",
    level: levels(),
    memory: [memory_types(); 2],
    memory_mask: [SO | C | B | SH; 2],
    inherent_memory: false,
    memory_override: Features::NONE,
    // SO and C contradict each other.
    raw_memory: RawField { shift: SHIFT, bits: 4, reserved: 0xf000 },
    runs: [Run::NONE; 3],
    update_feature: Features::NONE,
    hardware_sets: 0,
    ..Sv39::FORMAT
};

/// Those of Sv39 with other bits to be zero: the attributes in pointers, and the rest in leaves.
const fn levels() -> [LevelFormat; MAX_LEVELS] {
    let mut all = Sv39::FORMAT.level;
    let mut i = 0;
    while i < Sv39::FORMAT.levels {
        all[i].leaf.mask = all[i].leaf.mask & !(0x3ff << 54) | ZERO;
        all[i].table.mask |= 0x3ff << 54;
        i += 1;
    }
    all
}

const fn memory_types() -> [u64; MemoryType::COUNT] {
    let mut all = [NOT_ENCODABLE; MemoryType::COUNT];
    let mut i = 0;
    while i < MemoryType::COUNT {
        all[i] = match MemoryType::ALL[i] {
            MemoryType::NormalWb => C | B | SH,
            MemoryType::NormalWbNsh => C | B,
            MemoryType::NormalNc => B | SH,
            MemoryType::DeviceNgnrne => SO | SH,
            device if device.is_device() => SO | B,
            _ => NOT_ENCODABLE,
        };
        i += 1;
    }
    all
}

const_assert!(FORMAT.is_lawful());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::laws;
    use crate::attr::{Access, Rights};
    use crate::format::View;

    #[test]
    fn every_encoding_reads_back() {
        laws::geometry(&FORMAT);
        laws::round_trip(&FORMAT);
        laws::pointers(&FORMAT);
    }

    /// `_PAGE_PMA_THEAD`, `_PAGE_NOCACHE_THEAD` and `_PAGE_IO_THEAD` of Linux.
    #[test]
    fn golden_words() {
        let word = |level, memory| laws::word(&FORMAT, level, 0x8020_0000, Access::kernel(Rights::RW), memory);
        for level in 0..2 {
            assert_eq!(word(level, MemoryType::NormalWb), 0x7000_0000_2008_00c7);
            assert_eq!(word(level, MemoryType::NormalNc), 0x3000_0000_2008_00c7);
            assert_eq!(word(level, MemoryType::DeviceNgnrne), 0x9000_0000_2008_00c7);
        }
        assert_eq!(FORMAT.encode_table(1, 0x8020_0000), 0x2008_0001);
    }

    #[test]
    fn reserved_words() {
        assert_eq!(FORMAT.view(0, 0x7840_0000_2008_00c7), View::Reserved);
        assert_eq!(FORMAT.view(0, 0x7800_0000_2008_00c7), View::Reserved);
        assert_eq!(FORMAT.view(0, 0xc000_0000_2008_00c7), View::Reserved);
        assert_eq!(FORMAT.view(1, 0x7000_0000_2008_0001), View::Reserved);
    }
}
