//! patina_paging 11.1.2.

mod editing;
mod outcomes;
mod tables;

use tablature::aarch64::{El2, G4K};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::{Format, NOT_ENCODABLE};
use tablature::map::Cpu;
use tablature::regime::Regime;
use tablature::x86_64::{Level4, Level5};

use super::word;

const PAGE: u64 = 0x8020_1000;
const LARGE: u64 = 0x8020_0000;
const XD: u64 = 1 << 63;
const XN: u64 = 1 << 54;

#[test]
fn entries_of_x86_64() {
    // Read-only there leaves execution alone, which is a right of its own here.
    let cases = [
        (Rights::RWX, 0x003, 0x083),
        (Rights::RX, 0x001, 0x081),
        (Rights::RW, XD | 0x003, XD | 0x083),
        (Rights::R, XD | 0x001, XD | 0x081),
    ];
    for format in [Level4::FORMAT, Level5::FORMAT] {
        for (rights, page, large) in cases {
            let access = Access::kernel(rights);
            assert_eq!(word(&format, 0, PAGE, access, MemoryType::NormalWb, false), PAGE | page);
            assert_eq!(word(&format, 1, LARGE, access, MemoryType::NormalWb, false), LARGE | large);
        }
        // Their pointers are 003 and deny user mode; here leaves decide.
        assert_eq!(format.encode_table(1, PAGE), PAGE | 0x003 | 0x004);
    }
}

/// UC, WC, WT, WB and WP are five types; which PAT slots hold them is the declaration's.
#[test]
fn cache_attributes_of_x86_64() {
    let types = [
        MemoryType::DeviceNgnrne,
        MemoryType::NormalNc,
        MemoryType::NormalWt,
        MemoryType::NormalWb,
        MemoryType::WriteProtected,
    ];
    let flags = |level| types.map(|memory| word(&Level4::FORMAT, level, 0, Access::kernel(Rights::RWX), memory, false));
    assert_eq!(flags(0), [0x1b, 0x83, 0x0b, 0x03, 0x8b]);
    assert_eq!(flags(1), [0x9b, 0x1083, 0x8b, 0x83, 0x108b]);
}

/// EL2 with MAIR_EL2 = nGnRnE, NC, WT, WB.
fn firmware() -> Format {
    let cpu = Cpu { mair: Some(&[0x00, 0x44, 0xbb, 0xff]), ..Cpu::BLANK };
    <El2<G4K, 48> as Regime>::FORMAT.shaped(&cpu, Features::NONE)
}

/// Theirs leaves SH at 00 where memory is not cacheable, and so outer shareable whatever SH says; here it is 11.
const SHARED: u64 = 0x300;

#[test]
fn entries_of_aarch64_at_el2() {
    let format = firmware();
    let cases = [
        (Rights::RWX, MemoryType::NormalWb, 0x70f),
        (Rights::RX, MemoryType::NormalWb, 0x78f),
        (Rights::RW, MemoryType::NormalWb, XN | 0x70f),
        (Rights::RWX, MemoryType::NormalWt, 0x70b),
        (Rights::RWX, MemoryType::NormalNc, 0x407 | SHARED),
        (Rights::RW, MemoryType::DeviceNgnrne, XN | 0x403),
    ];
    for (rights, memory, page) in cases {
        let access = Access::kernel(rights);
        assert_eq!(word(&format, 0, PAGE, access, memory, true), PAGE | page, "{rights:?} {memory:?}");
        // The type bit of a block is clear: d, 9, 5 and 1 for f, b, 7 and 3.
        assert_eq!(word(&format, 1, LARGE, access, memory, true), LARGE | (page & !2), "{rights:?} {memory:?}");
    }
    assert_eq!(format.encode_table(1, PAGE), PAGE | 3);
    assert_eq!(format.memory[0][MemoryType::DeviceNgnre as usize], NOT_ENCODABLE);
}
