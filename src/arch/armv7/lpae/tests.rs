//! The descriptors against words composed by hand from DDI 0406.

use super::*;
use crate::arch::laws;
use crate::format::{Leaf, View};

#[test]
fn every_encoding_reads_back() {
    let formats = [Lpae::FORMAT, LpaeHyp::FORMAT, <LpaeStage2>::FORMAT, LpaeStage2::<32>::FORMAT];
    for format in formats {
        laws::geometry(&format);
        laws::round_trip(&format);
        laws::pointers(&format);
        laws::restrictions(&format);
    }
}

#[test]
fn golden_words_of_a_kernel() {
    let word = |level, access, memory| laws::word(&Lpae::FORMAT, level, 0x8020_0000, access, memory);
    let kernel = |rights| word(0, Access::kernel(rights), MemoryType::NormalWb);
    // nG, AF, SH = 3, AP, AttrIndx = 1, page; PXN and XN where nobody executes.
    assert_eq!(kernel(Rights::RW), 0x0060_0000_8020_0f07);
    assert_eq!(kernel(Rights::R), 0x0060_0000_8020_0f87);
    assert_eq!(kernel(Rights::RX), 0x0000_0000_8020_0f87);
    assert_eq!(kernel(Rights::RWX), 0x0000_0000_8020_0f07);
    let user = |rights| word(0, Access::user(rights), MemoryType::NormalWb);
    assert_eq!(user(Rights::RW), 0x0060_0000_8020_0f47);
    assert_eq!(user(Rights::R), 0x0060_0000_8020_0fc7);
    // PXN alone: the user executes and the kernel does not.
    assert_eq!(user(Rights::RX), 0x0020_0000_8020_0fc7);
    let device = word(1, Access::kernel(Rights::RW), MemoryType::DeviceNgnre);
    assert_eq!(device, 0x0060_0000_8020_0c01);
    assert_eq!(Lpae::FORMAT.encode_table(2, 0x8020_0000), 0x8020_0003);
}

#[test]
fn golden_words_of_a_hypervisor() {
    let word = |rights, memory| laws::word(&LpaeHyp::FORMAT, 0, 0x8020_0000, Access::kernel(rights), memory);
    // AP[1] is one; neither nG nor PXN.
    assert_eq!(word(Rights::RW, MemoryType::NormalWb), 0x0040_0000_8020_0747);
    assert_eq!(word(Rights::RX, MemoryType::NormalWb), 0x0000_0000_8020_07c7);
    assert_eq!(word(Rights::RW, MemoryType::DeviceNgnrne), 0x0040_0000_8020_044f);
}

#[test]
fn golden_words_of_a_guest() {
    let format = <LpaeStage2>::FORMAT;
    let word = |level, rights, memory| laws::word(&format, level, 0x4000_0000, Access::kernel(rights), memory);
    assert_eq!(word(0, Rights::RWX, MemoryType::NormalWb), 0x4000_07ff);
    assert_eq!(word(0, Rights::R, MemoryType::NormalWb), 0x0040_0000_4000_077f);
    assert_eq!(word(0, Rights::W, MemoryType::NormalWb), 0x0040_0000_4000_07bf);
    assert_eq!(word(1, Rights::RWX, MemoryType::NormalWb), 0x4000_07fd);
    assert_eq!(word(2, Rights::RW, MemoryType::DeviceNgnre), 0x0040_0000_4000_04c5);
    assert_eq!(word(0, Rights::RW, MemoryType::NormalNc), 0x0040_0000_4000_07d7);
    assert_eq!(word(0, Rights::RW, MemoryType::NormalWt), 0x0040_0000_4000_07eb);
    assert_eq!(format.rights[Access::kernel(Rights::X).index()], NOT_ENCODABLE);
}

/// Sixteen pages are 64 KiB, sixteen blocks of 2 MiB are 32 MiB, and each entry has bit 52.
#[test]
fn contiguous_runs() {
    let leaf = Leaf {
        address: 0x20_0000,
        access: Access::kernel(Rights::RW),
        memory: MemoryType::NormalWb,
        global: true,
        run: 32 << 20,
        software: 9,
        guarded: false,
    };
    // Software 9 is bits 58 and 55.
    assert_eq!(Lpae::FORMAT.encode_leaf(1, &leaf), Some(0x04f0_0000_0020_0705));
    let page = Leaf { run: 64 << 10, software: 0, ..leaf };
    assert_eq!(Lpae::FORMAT.encode_leaf(0, &page), Some(0x0070_0000_0020_0707));
    assert_eq!(Lpae::FORMAT.encode_leaf(0, &leaf), None);
    assert_eq!(Lpae::FORMAT.run(16 << 30).map(|run| run.level), None);
    assert_eq!(<LpaeStage2>::FORMAT.run(16 << 30).map(|run| run.level), Some(2));
}

/// VTCR.SL0 and concatenation: a walk starts at level 2 as long as 16 root tables suffice.
#[test]
fn shapes_of_stage_2() {
    let shape = |format: Format| (format.levels, format.root_bits(), format.root_tables());
    assert_eq!(shape(<LpaeStage2>::FORMAT), (3, 10, 2));
    assert_eq!(shape(LpaeStage2::<39>::FORMAT), (3, 9, 1));
    assert_eq!(shape(LpaeStage2::<35>::FORMAT), (3, 5, 1));
    assert_eq!(shape(LpaeStage2::<34>::FORMAT), (2, 13, 16));
    assert_eq!(shape(LpaeStage2::<32>::FORMAT), (2, 11, 4));
    assert_eq!(shape(LpaeStage2::<25>::FORMAT), (2, 4, 1));
    assert_eq!(shape(Lpae::FORMAT), (3, 2, 1));
}

#[test]
fn what_no_descriptor_says() {
    let format = Lpae::FORMAT;
    let encodable = |privileged, user| format.rights[Access { privileged, user }.index()] != NOT_ENCODABLE;
    assert!(!encodable(Rights::X, Rights::NONE));
    assert!(!encodable(Rights::RX, Rights::R));
    assert!(!encodable(Rights::RW, Rights::R));
    assert!(!encodable(Rights::R, Rights::X));
    assert!(encodable(Rights::RX, Rights::RX) && encodable(Rights::R, Rights::RX));
    // A block at the last level, and gathering devices, which came with ARMv8.
    assert_eq!(format.view(0, 0x8020_0701), View::Reserved);
    assert_eq!(format.memory[0][MemoryType::DeviceGre as usize], NOT_ENCODABLE);
    assert!(!format.memory_register.is_legal(0x08, Features::NONE));
    assert!(
        format.memory_register.is_legal(0x04, Features::NONE) && format.memory_register.is_legal(0xbb, Features::NONE)
    );
}
