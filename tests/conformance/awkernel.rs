//! Awkernel: AArch64 with 39 bits, RV64 Sv39, RV32 Sv32, x86-64; flags `execute`, `write`, `cache`, `write_through`, `device`.

mod kernel;

use tablature::aarch64::{El1, G4K};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::regime::Regime;
use tablature::{riscv, x86_64};

use super::word;

/// Each combination of `execute` and `write` is an entry of the kernel in each of its formats.
#[test]
fn flags_of_memory_have_entries() {
    for rights in [Rights::R, Rights::RW, Rights::RX, Rights::RWX] {
        let access = Access::kernel(rights);
        let aarch64 = word(&<El1<G4K, 39> as Regime>::FORMAT, 0, 0x1000, access, MemoryType::NormalWb, true);
        assert_eq!(aarch64 >> 7 & 1 == 0, rights.contains(Rights::W));
        assert_eq!(aarch64 >> 53 & 1 == 0, rights.contains(Rights::X));
        for format in [riscv::Sv39::FORMAT, riscv::Sv32::FORMAT] {
            let riscv = word(&format, 0, 0x1000, access, MemoryType::NormalWb, true);
            assert_eq!(riscv >> 1 & 7, u64::from(rights.bits()));
        }
        let x86 = word(&x86_64::Level4::FORMAT, 0, 0x1000, access, MemoryType::NormalWb, true);
        assert_eq!((x86 >> 1 & 1 == 1, x86 >> 63 == 0), (rights.contains(Rights::W), rights.contains(Rights::X)));
    }
}

/// `cache` cleared and `device` set are not cached: theirs sets NS instead of AttrIndx, and drops the flags on x86.
#[test]
fn what_is_not_to_be_cached_is_not() {
    let data = Access::kernel(Rights::RW);
    let of = |memory| word(&<El1<G4K, 39> as Regime>::FORMAT, 0, 0x1000, data, memory, true) >> 2 & 7;
    assert_eq!([MemoryType::NormalWb, MemoryType::NormalNc, MemoryType::DeviceNgnre].map(of), [1, 2, 0]);
    let pcd = |memory| word(&x86_64::Level4::FORMAT, 0, 0x1000, data, memory, true) & 0x98;
    let types = [MemoryType::NormalWb, MemoryType::NormalWt, MemoryType::NormalNc, MemoryType::DeviceNgnre];
    assert_eq!(types.map(pcd), [0x00, 0x08, 0x80, 0x18]);
    let pbmt = |memory| word(&riscv::Sv39::FORMAT, 0, 0x1000, data, memory, true) >> 61 & 3;
    assert_eq!([MemoryType::NormalWb, MemoryType::NormalNc, MemoryType::DeviceNgnre].map(pbmt), [0, 1, 2]);
}
