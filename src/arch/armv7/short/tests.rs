//! The descriptors against words composed by hand from DDI 0406, and those of another system.

use super::*;
use crate::arch::laws;
use crate::format::{Inherited, Leaf, View};

const KERNEL_RWX: Leaf = Leaf {
    address: 0x8020_0000,
    access: Access::kernel(Rights::RWX),
    memory: MemoryType::NormalWb,
    global: true,
    run: 0,
    software: 0,
    guarded: false,
};

fn word(level: usize, leaf: &Leaf) -> u64 {
    FORMAT.encode_leaf(level, leaf).expect("encodable")
}

#[test]
fn every_encoding_reads_back() {
    laws::geometry(&FORMAT);
    laws::round_trip(&FORMAT);
    laws::pointers(&FORMAT);
}

/// Type, C and B, AP, TEX, S, nG, XN: each at its place in each of the three kinds of leaf.
#[test]
fn golden_words_by_hand() {
    let large = |leaf: &Leaf| word(0, &Leaf { run: 64 << 10, ..*leaf });
    let leaf = KERNEL_RWX;
    assert_eq!(word(1, &leaf), 0x8020_0000 | 1 << 16 | 1 << 12 | 1 << 10 | 0b1110);
    assert_eq!(large(&leaf), 0x8020_0000 | 1 << 12 | 1 << 10 | 1 << 4 | 0b1101);
    assert_eq!(word(0, &leaf), 0x8020_0000 | 1 << 10 | 1 << 6 | 1 << 4 | 0b1110);
    // Read-only for both, not executable, of one address space, Device.
    let leaf = Leaf { access: Access::user(Rights::R), memory: MemoryType::DeviceNgnre, global: false, ..KERNEL_RWX };
    assert_eq!(word(1, &leaf), 0x8020_0000 | 1 << 17 | 1 << 15 | 1 << 11 | 1 << 10 | 1 << 4 | 0b0110);
    assert_eq!(large(&leaf), 0x8020_0000 | 1 << 15 | 1 << 11 | 1 << 9 | 1 << 5 | 1 << 4 | 0b0101);
    assert_eq!(word(0, &leaf), 0x8020_0000 | 1 << 11 | 1 << 9 | 1 << 5 | 1 << 4 | 0b0111);
    assert_eq!(FORMAT.encode_table(1, 0x8020_1400), 0x8020_1401);
}

/// Words of page_table_multiarch 0.6.2 for 0x8020_0000: sections and small pages.
#[test]
fn golden_words_of_another_system() {
    let both = |rights| Access { privileged: rights, user: rights };
    let cases = [
        (Access::kernel(Rights::R), MemoryType::NormalWb, 0x8021_941e, 0x8020_065f),
        (Access::kernel(Rights::RW), MemoryType::NormalWb, 0x8021_141e, 0x8020_045f),
        (Access::kernel(Rights::RX), MemoryType::NormalWb, 0x8021_940e, 0x8020_065e),
        (both(Rights::R), MemoryType::NormalWb, 0x8021_9c1e, 0x8020_067f),
        (both(Rights::RW), MemoryType::NormalWb, 0x8021_1c1e, 0x8020_047f),
        (both(Rights::RX), MemoryType::NormalWb, 0x8021_9c0e, 0x8020_067e),
        (Access::kernel(Rights::RW), MemoryType::DeviceNgnre, 0x8020_0416, 0x8020_0017),
        // Theirs is not shareable: S is clear.
        (Access::kernel(Rights::RW), MemoryType::NormalNc, 0x8020_1412 | 1 << 16, 0x8020_0053 | 1 << 10),
    ];
    for (access, memory, section, page) in cases {
        let leaf = Leaf { access, memory, ..KERNEL_RWX };
        assert_eq!(word(1, &leaf), section, "{access:?}");
        assert_eq!(word(0, &leaf), page, "{access:?}");
    }
}

/// Sixteen entries hold the start of a large page.
#[test]
fn a_large_page_is_the_same_sixteen_times() {
    let leaf = Leaf { run: 64 << 10, ..KERNEL_RWX };
    let first = word(0, &leaf);
    for i in 1..16 {
        assert_eq!(word(0, &Leaf { address: leaf.address + 0x1000 * i, ..leaf }), first);
    }
    assert_eq!(FORMAT.view(0, first), View::Leaf(leaf));
    assert_eq!(FORMAT.encode_leaf(1, &leaf), None);
}

/// PXN: bit 0 of a section, bit 2 of a pointer, nowhere in a page.
#[test]
fn code_of_the_user_that_the_kernel_does_not_execute() {
    let leaf = Leaf { access: Access::user(Rights::RX), ..KERNEL_RWX };
    assert_eq!(word(1, &leaf), 0x8020_0000 | 1 << 16 | 1 << 15 | 1 << 12 | 1 << 11 | 1 << 10 | 0b1111);
    assert_eq!(FORMAT.encode_leaf(0, &leaf), None);
    assert_eq!(FORMAT.encode_leaf(0, &Leaf { run: 64 << 10, ..leaf }), None);
    let both = Leaf { access: Access { privileged: Rights::RX, user: Rights::RX }, ..KERNEL_RWX };
    let below = FORMAT.level[1].below(0x8020_1405, Inherited::NOTHING);
    for run in [0, 64 << 10] {
        let (page, seen) = (Leaf { run, ..both }, Leaf { run, ..leaf });
        assert_eq!(FORMAT.view_below(0, word(0, &page), below), View::Leaf(seen));
        assert_eq!(FORMAT.view_below(0, word(0, &page), Inherited::NOTHING), View::Leaf(page));
    }
    // A page of the kernel under such a pointer, and a section with both XN and PXN, are executed by nobody.
    let kernel = Leaf { access: Access::kernel(Rights::RX), ..KERNEL_RWX };
    let data = Leaf { access: Access::kernel(Rights::R), ..KERNEL_RWX };
    assert_eq!(FORMAT.view_below(0, word(0, &kernel), below), View::Leaf(data));
    assert_eq!(FORMAT.view(1, word(1, &data) | 1), View::Leaf(data));
}

/// A domain, a supersection, a fault.
#[test]
fn what_is_no_descriptor_here() {
    let section = word(1, &KERNEL_RWX);
    assert_eq!(FORMAT.view(1, section | 1 << 18), View::Reserved);
    assert_eq!(FORMAT.view(1, section | 1 << 5), View::Reserved);
    assert_eq!(FORMAT.view(1, 0x8020_1421), View::Reserved);
    assert_eq!(FORMAT.view(0, 0x8020_0000), View::Absent);
    // PL1 writes and PL0 reads, without AFE: AP[2:0] = 010.
    assert_eq!(FORMAT.rights[Access { privileged: Rights::RW, user: Rights::R }.index()], NOT_ENCODABLE);
}
