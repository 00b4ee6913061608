//! page_table_multiarch and page_table_entry 0.6.2. Entries for the physical address 0x8020_0000.

mod editing;
mod random;

use tablature::aarch64::{El1, El2, G4K};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::format::Format;
use tablature::regime::Regime;
use tablature::{armv7, loongarch64, riscv, x86_64};

use super::word;

const ADDRESS: u64 = 0x8020_0000;

/// Access, memory type, page, huge page; the flags below and above the address.
type Golden = (Access, MemoryType, u64, u64);

fn agree(format: &Format, global: bool, golden: &[Golden]) {
    for &(access, memory, page, huge) in golden {
        let found = |level| word(format, level, ADDRESS, access, memory, global) & !ADDRESS;
        assert_eq!((found(0), found(1)), (page, huge), "{}: {access:?} {memory:?}", format.name);
    }
}

/// The user and the kernel alike: what `MappingFlags::USER` is where no bit keeps the kernel from executing.
const fn both(rights: Rights) -> Access {
    Access { privileged: rights, user: rights }
}

#[test]
fn entries_of_x86_64() {
    const XD: u64 = 1 << 63;
    let golden = [
        (Access::kernel(Rights::R), MemoryType::NormalWb, XD | 0x1, XD | 0x81),
        (Access::kernel(Rights::RW), MemoryType::NormalWb, XD | 0x3, XD | 0x83),
        (Access::kernel(Rights::RX), MemoryType::NormalWb, 0x1, 0x81),
        (Access::user(Rights::RW), MemoryType::NormalWb, XD | 0x7, XD | 0x87),
    ];
    agree(&x86_64::Level4::FORMAT, false, &golden);
    assert_eq!(x86_64::Level4::FORMAT.encode_table(2, ADDRESS), ADDRESS | 7);
}

#[test]
fn entries_of_aarch64_at_el1() {
    const DATA: u64 = 0x0060 << 48;
    const KERNEL_CODE: u64 = 0x0040 << 48;
    const USER_CODE: u64 = 0x0020 << 48;
    let golden = [
        (Access::kernel(Rights::R), MemoryType::NormalWb, DATA | 0x787, DATA | 0x785),
        (Access::kernel(Rights::RW), MemoryType::NormalWb, DATA | 0x707, DATA | 0x705),
        (Access::kernel(Rights::RX), MemoryType::NormalWb, KERNEL_CODE | 0x787, KERNEL_CODE | 0x785),
        (Access::user(Rights::R), MemoryType::NormalWb, DATA | 0x7c7, DATA | 0x7c5),
        (Access::user(Rights::RW), MemoryType::NormalWb, DATA | 0x747, DATA | 0x745),
        (Access::user(Rights::RX), MemoryType::NormalWb, USER_CODE | 0x7c7, USER_CODE | 0x7c5),
        (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, DATA | 0x403, DATA | 0x401),
        (Access::kernel(Rights::RW), MemoryType::NormalNc, DATA | 0x70b, DATA | 0x709),
    ];
    let format = <El1<G4K, 48> as Regime>::FORMAT;
    agree(&format, true, &golden);
    assert_eq!(format.encode_table(2, ADDRESS), ADDRESS | 3);
}

/// With the feature `arm-el2`: XN is bit 54, and bit 53 stays clear.
#[test]
fn entries_of_aarch64_at_el2() {
    const XN: u64 = 1 << 54;
    let golden = [
        (Access::kernel(Rights::R), MemoryType::NormalWb, XN | 0x787, XN | 0x785),
        (Access::kernel(Rights::RW), MemoryType::NormalWb, XN | 0x707, XN | 0x705),
        (Access::kernel(Rights::RX), MemoryType::NormalWb, 0x787, 0x785),
        (Access::kernel(Rights::RWX), MemoryType::NormalWb, 0x707, 0x705),
        (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, XN | 0x403, XN | 0x401),
        (Access::kernel(Rights::RW), MemoryType::NormalNc, XN | 0x70b, XN | 0x709),
    ];
    agree(&<El2<G4K, 48> as Regime>::FORMAT, true, &golden);
}

/// The flags beside the page number, which is the address shifted right by two.
fn agree_riscv(format: &Format, golden: &[(Access, MemoryType, u64)]) {
    for &(access, memory, flags) in golden {
        for level in 0..2 {
            let found = word(format, level, ADDRESS, access, memory, false);
            assert_eq!(found, ADDRESS >> 2 | flags, "{}: {access:?} {memory:?}", format.name);
        }
    }
    assert_eq!(format.encode_table(1, ADDRESS), 0x2008_0001);
}

#[test]
fn entries_of_riscv() {
    let golden = [
        (Access::kernel(Rights::R), MemoryType::Inherent, 0xc3),
        (Access::kernel(Rights::RW), MemoryType::Inherent, 0xc7),
        (Access::kernel(Rights::RX), MemoryType::Inherent, 0xcb),
        (Access::kernel(Rights::RWX), MemoryType::Inherent, 0xcf),
        (Access::user(Rights::R), MemoryType::Inherent, 0xd3),
        (Access::user(Rights::RW), MemoryType::Inherent, 0xd7),
        (Access::user(Rights::RX), MemoryType::Inherent, 0xdb),
    ];
    agree_riscv(&riscv::Sv39::FORMAT, &golden);
    agree_riscv(&riscv::Sv48::FORMAT, &golden);
}

/// With the feature `xuantie-c9xx`: memory is C, B and SH (bits 62:60), a device is SO and B.
#[test]
fn entries_of_xuantie_c9xx() {
    const NORMAL: u64 = 0b0111 << 60;
    const DEVICE: u64 = 0b1010 << 60;
    let golden = [
        (Access::kernel(Rights::RX), MemoryType::NormalWb, NORMAL | 0xcb),
        (Access::user(Rights::RW), MemoryType::NormalWb, NORMAL | 0xd7),
        (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, DEVICE | 0xc7),
    ];
    agree_riscv(&riscv::Sv39C9xx::FORMAT, &golden);
}

#[test]
fn entries_of_loongarch64() {
    const NX: u64 = 1 << 62;
    let golden = [
        (Access::kernel(Rights::R), MemoryType::NormalWb, NX | 0x91, NX | 0xd1),
        (Access::kernel(Rights::RW), MemoryType::NormalWb, NX | 0x193, NX | 0x1d3),
        (Access::kernel(Rights::RX), MemoryType::NormalWb, 0x91, 0xd1),
        (Access::user(Rights::RW), MemoryType::NormalWb, NX | 0x19f, NX | 0x1df),
        (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, NX | 0x183, NX | 0x1c3),
        (Access::kernel(Rights::RW), MemoryType::NormalNc, NX | 0x1a3, NX | 0x1e3),
    ];
    agree(&loongarch64::La64::FORMAT, false, &golden);
}

#[test]
fn entries_of_armv7() {
    let golden = [
        (Access::kernel(Rights::R), MemoryType::NormalWb, 0x65f, 0x1_941e),
        (Access::kernel(Rights::RW), MemoryType::NormalWb, 0x45f, 0x1_141e),
        (Access::kernel(Rights::RX), MemoryType::NormalWb, 0x65e, 0x1_940e),
        (both(Rights::R), MemoryType::NormalWb, 0x67f, 0x1_9c1e),
        (both(Rights::RW), MemoryType::NormalWb, 0x47f, 0x1_1c1e),
        (both(Rights::RX), MemoryType::NormalWb, 0x67e, 0x1_9c0e),
        (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, 0x017, 0x0416),
    ];
    agree(&armv7::Short::FORMAT, true, &golden);
    assert_eq!(armv7::Short::FORMAT.encode_table(1, ADDRESS), ADDRESS | 1);
}
