//! The walker on tables written by hand.

use super::*;

/// Memory of `tables` pages from 0x1000 on, with the words at their physical addresses.
fn memory(tables: usize, words: &[(u64, u64)]) -> Memory {
    let mut memory = Memory { start: 0x1000, bytes: vec![0; tables * 4096] };
    for (address, word) in words {
        let at = (address - 0x1000) as usize;
        memory.bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
    memory
}

const RX: May = May { read: true, write: false, execute: true };
const RW: May = May { read: true, write: true, execute: false };
const NOBODY: May = May { read: false, write: false, execute: false };

fn el1(bits: u32, ttbr: [Option<u64>; 2]) -> Aarch64 {
    let mair = [0xff, 0x04, 0, 0, 0, 0, 0, 0];
    Aarch64 { stage: Stage::WithUser, granule: 12, bits, wide: false, mair, ttbr }
}

#[test]
fn aarch64_block_and_page() {
    // 39 bits: the root is level 1. A 1 GiB device block, and a read-only executable page with UXN.
    let block = 0x4000_0000 | 1 << 54 | 1 << 53 | 1 << 10 | 1 << 2 | 1;
    let page = 0x8000 | 1 << 54 | 1 << 10 | 1 << 7 | 3;
    let memory = memory(3, &[(0x1008, block), (0x1000, 0x2003), (0x2000, 0x3003), (0x3010, page)]);
    let machine = el1(39, [Some(0x1000), None]);
    let (leaf, phys) = translate(&machine, &memory, 0x4000_1234).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, leaf.user, phys), (RW, NOBODY, 0x4000_1234));
    assert_eq!((leaf.memory, leaf.size), (MemoryType::Type("device-nGnRE"), 1 << 30));
    let (leaf, phys) = translate(&machine, &memory, 0x2abc).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, leaf.user, phys), (RX, NOBODY, 0x8abc));
    assert_eq!(translate(&machine, &memory, 0x3000), Ok(None));
    assert_eq!(translate(&machine, &memory, 1 << 40), Ok(None));
    assert_eq!(translate(&machine, &memory, u64::MAX), Ok(None));
    let census = census(&machine, &memory).expect("well-formed");
    assert_eq!(census, Census { tables: 3, leaves: BTreeMap::from([(4096, 1), (1 << 30, 1)]) });
}

#[test]
fn aarch64_upper_half_and_faults() {
    let machine = el1(39, [None, Some(0x1000)]);
    // Access flag clear, and a block output that is not aligned.
    let memory = memory(1, &[(0x1000 + 511 * 8, 0x4000_0001), (0x1000, 0x20_0000 | 1 << 10 | 1)]);
    assert!(translate(&machine, &memory, u64::MAX).is_err());
    assert!(translate(&machine, &memory, 0xffff_ff80_0000_0000).is_err());
    assert_eq!(translate(&machine, &memory, 0), Ok(None));
}

#[test]
fn aarch64_concatenated_root_of_stage_2() {
    let stage = Stage::Second;
    let machine = Aarch64 { stage, granule: 12, bits: 40, wide: false, mair: [0; 8], ttbr: [Some(0x1000), None] };
    // Entry 512 + 3 lies in the second table; MemAttr 15, read and write, XN.
    let block = 3 << 30 | 2 << 53 | 1 << 10 | 3 << 6 | 15 << 2 | 1;
    let memory = memory(2, &[(0x1000 + 515 * 8, block)]);
    let (leaf, phys) = translate(&machine, &memory, 515 << 30).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, phys, leaf.memory), (RW, 3 << 30, MemoryType::Type("normal-wb")));
    assert_eq!(census(&machine, &memory).expect("well-formed").tables, 2);
}

#[test]
fn riscv_megapage_and_user_page() {
    let machine = Riscv { mode: 39, x4: false, root: Some(0x1000) };
    let pointer = |to: u64| to >> 2 | 1;
    let mega = 0x8020_0000u64 >> 2 | 0xc7;
    let user = 0x5000u64 >> 2 | 0x5b;
    let words = [(0x1000, pointer(0x2000)), (0x2008, mega), (0x2000, pointer(0x3000)), (0x3000, user)];
    let tables = memory(3, &words);
    let (leaf, phys) = translate(&machine, &tables, 0x20_1000).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, phys, leaf.memory, leaf.size), (RW, 0x8020_1000, MemoryType::Bus, 2 << 20));
    let (leaf, _) = translate(&machine, &tables, 0).expect("well-formed").expect("mapped");
    assert_eq!((leaf.user, leaf.privileged), (RX, May { execute: false, ..RX }));
    assert_eq!(translate(&machine, &tables, 1 << 39), Ok(None));
    let dirty = memory(1, &[(0x1000, 0x47)]);
    assert!(translate(&machine, &dirty, 0).is_err());
}

#[test]
fn x86_large_page_and_rights_of_every_level() {
    let machine = X86_64 { levels: 4, pat: [6, 4, 7, 0, 6, 4, 7, 1], root: Some(0x1000) };
    // PAT bit 12, PCD and PWT of a 2 MiB page: index 7. The PDPTE has no W.
    let large = 0x20_0000 | 1 << 63 | 1 << 12 | 1 << 7 | 1 << 4 | 1 << 3 | 3;
    let memory = memory(3, &[(0x1000, 0x2003), (0x2000, 0x3001), (0x3000, large)]);
    let (leaf, phys) = translate(&machine, &memory, 0x1234).expect("well-formed").expect("mapped");
    assert_eq!((phys, leaf.memory), (0x20_1234, MemoryType::Type("wc")));
    assert_eq!(leaf.privileged, May { read: true, write: false, execute: false });
    assert_eq!(translate(&machine, &memory, 1 << 47), Ok(None));
}

#[test]
fn a_table_outside_the_memory_is_an_error() {
    let machine = X86_64 { levels: 4, pat: [6; 8], root: Some(0x1000) };
    let memory = memory(1, &[(0x1000, 0x9003)]);
    assert!(translate(&machine, &memory, 0).is_err());
    assert!(census(&machine, &memory).is_err());
}

#[test]
fn ept_pages_and_misconfigurations() {
    let machine = Ept { root: Some(0x1000) };
    let pointer = |to: u64| to | 7;
    // A write-back page, and an uncacheable large one below a pointer that takes the write right.
    let words = [(0x1000, pointer(0x2000)), (0x2000, pointer(0x3000)), (0x2008, 0x4005), (0x3000, 0x5000 | 7)];
    let mut tables = memory(5, &words);
    let leaves = [(0x5000u64, 0x9000 | 6 << 3 | 5), (0x4000, 0x20_0000 | 1 << 7 | 3)];
    for (address, word) in leaves {
        tables.bytes[(address - 0x1000) as usize..][..8].copy_from_slice(&u64::to_le_bytes(word));
    }
    let (leaf, phys) = translate(&machine, &tables, 0xabc).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, phys, leaf.memory), (RX, 0x9abc, MemoryType::Type("normal-wb")));
    let (leaf, phys) = translate(&machine, &tables, 0x4000_0123).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, phys), (May { write: false, execute: false, ..RX }, 0x20_0123));
    assert_eq!((leaf.memory, leaf.size), (MemoryType::Type("uc"), 2 << 20));
    assert_eq!(translate(&machine, &tables, 1 << 48), Ok(None));
    for wrong in [0x2002u64, 0x2004, 0x2006, 0x2087, 0x200f] {
        assert!(translate(&machine, &memory(2, &[(0x1000, wrong)]), 0).is_err(), "{wrong:#x}");
    }
}

#[test]
fn armv7_guest_with_two_roots() {
    let machine = Lpae { bits: 40, root: Some(0x1000) };
    // Entry 513 lies in the second root: a 1 GiB device block that is not executable.
    let block = 1 << 30 | 1 << 54 | 1 << 10 | 3 << 6 | 1 << 2 | 1;
    let page = 0x8000 | 1 << 10 | 3 << 8 | 1 << 6 | 15 << 2 | 3;
    let words = [(0x1000 + 513 * 8, block), (0x1000, 0x3003), (0x3000, 0x4003), (0x4000, page)];
    let tables = memory(4, &words);
    let (leaf, phys) = translate(&machine, &tables, 513 << 30).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, phys, leaf.memory), (RW, 1 << 30, MemoryType::Type("device-nGnRE")));
    let (leaf, phys) = translate(&machine, &tables, 0x123).expect("well-formed").expect("mapped");
    assert_eq!((leaf.privileged, phys, leaf.memory), (RX, 0x8123, MemoryType::Type("normal-wb")));
    assert_eq!(translate(&machine, &tables, 1 << 40), Ok(None));
    assert_eq!(census(&machine, &tables).expect("well-formed").tables, 4);
    let flagless = memory(2, &[(0x1000, page & !(1 << 10) & !2)]);
    assert!(translate(&machine, &flagless, 0).is_err());
}
