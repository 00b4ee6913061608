//! Words written out by hand from the manuals, and the golden words of other systems.

use super::*;

pub(super) const PHYS: u64 = 0x8020_0000;

pub(super) fn scheme(family: Family, page_shift: u32, bits: u32) -> Scheme {
    // Power-on PAT, and the slots of patina_paging, of which 0 to 3 are nGnRnE, NC, WT, WB.
    let (mair, pat) = (Some(0xffbb_4400), Some(0x0007_0406_0007_0406));
    Scheme { mair, pat, ..Scheme::new(family, page_shift, Some(bits)).expect("exists") }
}

pub(super) fn place(level: usize) -> Place {
    Place { level, index: 0, limits: Limits::NONE }
}

#[track_caller]
pub(super) fn leaf(scheme: &Scheme, level: usize, word: u64) -> (u64, Attributes) {
    match scheme.decode(&place(level), word) {
        Word::Leaf { phys, attributes } => (phys, attributes),
        other => panic!("{word:#x} is {other:?}"),
    }
}

/// `privileged/user memory`, with `g` where it is global.
#[track_caller]
pub(super) fn text(scheme: &Scheme, level: usize, word: u64) -> String {
    let (_, Attributes { privileged, user, memory, global, .. }) = leaf(scheme, level, word);
    format!("{privileged}/{user} {memory}{}", if global { " g" } else { "" })
}

#[track_caller]
pub(super) fn reserved(scheme: &Scheme, level: usize, word: u64) {
    let found = scheme.decode(&place(level), word);
    assert!(matches!(found, Word::Reserved(_)), "{word:#x} is {found:?}");
}

#[test]
fn x86_golden_words_of_page_table_multiarch() {
    let scheme = scheme(Family::Level4, 12, 48);
    for (bits, large, rights) in [
        (0x8000_0000_0000_0001, 0x8000_0000_0000_0081, "r/-"),
        (0x8000_0000_0000_0003, 0x8000_0000_0000_0083, "rw/-"),
        (0x1, 0x81, "rx/-"),
        (0x3, 0x83, "rwx/-"),
        (0x8000_0000_0000_0007, 0x8000_0000_0000_0087, "rw/rw"),
        (0x5, 0x85, "r/rx"),
    ] {
        assert_eq!(text(&scheme, 0, PHYS | bits), format!("{rights} normal_wb"));
        assert_eq!(text(&scheme, 1, PHYS | large), format!("{rights} normal_wb"));
        assert_eq!(leaf(&scheme, 1, PHYS | large).0, PHYS);
    }
    assert!(matches!(scheme.decode(&place(3), PHYS | 7), Word::Table { phys: PHYS, .. }));
    assert_eq!(scheme.decode(&place(0), PHYS), Word::Absent);
}

#[test]
fn x86_pat_is_bit_7_of_a_page_and_bit_12_of_a_large_one() {
    let scheme = Scheme { pat: Some(0x0007_0501_0007_0406), ..scheme(Family::Level5, 12, 57) };
    let memory = |level, word| leaf(&scheme, level, word).1.memory;
    assert_eq!(memory(0, 0x8000_0081), Memory::Pat { slot: 4, value: Some(1) });
    assert_eq!(memory(1, 0x8000_1081), Memory::Pat { slot: 4, value: Some(1) });
    assert_eq!(memory(1, 0x8000_0099), Memory::Pat { slot: 3, value: Some(0) });
    assert_eq!(memory(2, 0x8000_1091), Memory::Pat { slot: 6, value: Some(7) });
    assert_eq!(leaf(&scheme, 2, 0x8000_1091).0, 0x8000_0000);
    assert!(leaf(&scheme, 0, 0x8000_0101).1.global);
    reserved(&scheme, 1, 0x8010_0081);
    reserved(&scheme, 2, 0x8020_0081);
    reserved(&scheme, 3, 0x81);
    reserved(&scheme, 4, 0x81);
}

#[test]
fn x86_rights_are_what_all_levels_grant() {
    let scheme = scheme(Family::Level4, 12, 48);
    let Word::Table { limits, .. } = scheme.decode(&place(1), PHYS | 1) else { panic!("no table") };
    let below = Place { level: 0, index: 0, limits };
    let Word::Leaf { attributes, .. } = scheme.decode(&below, PHYS | 7) else { panic!("no leaf") };
    assert_eq!((attributes.privileged.name(), attributes.user.name()), ("rx", ""), "no user, no writes");
    let Word::Table { limits, .. } = scheme.decode(&place(1), PHYS | 7 | 1 << 63) else { panic!("no table") };
    let below = Place { level: 0, index: 0, limits };
    let Word::Leaf { attributes, .. } = scheme.decode(&below, PHYS | 7) else { panic!("no leaf") };
    assert_eq!((attributes.privileged.name(), attributes.user.name()), ("rw", "rw"), "no execution");
}

#[test]
fn aarch64_golden_words_of_page_table_multiarch() {
    // Its slots: 0 device nGnRE, 1 write-back, 2 non-cacheable.
    let scheme = Scheme { mair: Some(0x44_ff04), ..scheme(Family::El1, 12, 48) };
    for (bits, rights, memory) in [
        (0x0060_0000_0000_0787, "r/-", "normal_wb g"),
        (0x0060_0000_0000_0707, "rw/-", "normal_wb g"),
        (0x0040_0000_0000_0787, "rx/-", "normal_wb g"),
        (0x0060_0000_0000_07c7, "r/r", "normal_wb g"),
        (0x0060_0000_0000_0747, "rw/rw", "normal_wb g"),
        (0x0020_0000_0000_07c7, "r/rx", "normal_wb g"),
        (0x0060_0000_0000_0403, "rw/-", "device_nGnRE g"),
        (0x0060_0000_0000_070b, "rw/-", "normal_nc g"),
        (0x0060_0000_0000_0f47, "rw/rw", "normal_wb"),
    ] {
        assert_eq!(text(&scheme, 0, PHYS | bits), format!("{rights} {memory}"));
        assert_eq!(text(&scheme, 1, PHYS | bits & !2), format!("{rights} {memory}"));
        assert_eq!(text(&scheme, 2, 0x8000_0000 | bits & !2), format!("{rights} {memory}"));
    }
    assert!(matches!(scheme.decode(&place(1), PHYS | 3), Word::Table { phys: PHYS, .. }));
}

#[test]
fn aarch64_golden_words_of_patina_paging() {
    let scheme = scheme(Family::El2, 12, 48);
    let phys = 0x8020_1000;
    for (bits, expected) in [
        (0x70f, "rwx/- normal_wb"),
        (0x78f, "rx/- normal_wb"),
        (0x0040_0000_0000_070f, "rw/- normal_wb"),
        (0x70b, "rwx/- normal_wt"),
        (0x407, "rwx/- normal_nc"),
        (0x0040_0000_0000_0403, "rw/- device_nGnRnE"),
    ] {
        // Its write-through is 0xbb.
        assert_eq!(text(&scheme, 0, phys | bits), expected);
        assert_eq!(leaf(&scheme, 0, phys | bits).0, phys);
    }
    assert_eq!(text(&scheme, 1, PHYS | 0x70d), "rwx/- normal_wb");
}

#[test]
fn aarch64_what_the_user_writes_the_kernel_never_executes() {
    let scheme = scheme(Family::El1, 12, 39);
    assert_eq!(text(&scheme, 0, PHYS | 0x74f), "rw/rwx normal_wb g");
    assert_eq!(text(&scheme, 0, PHYS | 0x70f), "rwx/x normal_wb g", "UXN = 0 is executable at EL0");
}

#[test]
fn aarch64_hardware_may_make_a_page_writable() {
    let scheme = scheme(Family::El1, 12, 39);
    assert_eq!(text(&scheme, 0, PHYS | 0x0068_0000_0000_078f), "rw/- normal_wb g");
    let stage2 = Scheme { family: Family::Stage2, ..scheme };
    assert_eq!(text(&stage2, 0, PHYS | 0x0048_0000_0000_077f), "rw/rw normal_wb");
}

#[test]
fn aarch64_pointers_withhold() {
    let granted = |family, pointer: u64, word| {
        let scheme = scheme(family, 12, 39);
        let Word::Table { limits, .. } = scheme.decode(&place(1), PHYS | 3 | pointer) else { panic!("no table") };
        let Word::Leaf { attributes, .. } = scheme.decode(&Place { level: 0, index: 0, limits }, PHYS | word) else {
            panic!("no leaf")
        };
        format!("{}/{}", attributes.privileged, attributes.user)
    };
    assert_eq!(granted(Family::El1, 0, 0x74f), "rw/rwx");
    assert_eq!(granted(Family::El1, 1 << 62, 0x74f), "rx/rx", "no longer writable by the user");
    assert_eq!(granted(Family::El1, 1 << 61, 0x74f), "rwx/x", "the same");
    assert_eq!(granted(Family::El1, 1 << 60, 0x74f), "rw/rw");
    assert_eq!(granted(Family::El1, 1 << 59, 0x70f), "rw/x");
    assert_eq!(granted(Family::El3, 1 << 60, 0x70f), "rw/-");
    assert_eq!(granted(Family::El3, 1 << 59 | 1 << 61, 0x70f), "rwx/-");
    assert_eq!(granted(Family::Stage2, 0xf << 59, 0x7ff), "rwx/rwx");
}

#[test]
fn aarch64_blocks_are_where_the_manual_has_them() {
    let word = |wide, family, shift, bits, level| {
        let scheme = Scheme { wide, ..scheme(family, shift, bits) };
        matches!(scheme.decode(&place(level), 0x701), Word::Leaf { .. })
    };
    for (shift, plain, wide) in [(12, &[1, 2][..], &[1, 2, 3][..]), (14, &[1], &[1, 2]), (16, &[1, 2], &[1, 2])] {
        for level in 0..4 {
            assert_eq!(word(false, Family::El1, shift, 48, level), plain.contains(&level), "{shift} {level}");
            assert_eq!(word(true, Family::El1, shift, 48, level), wide.contains(&level), "{shift} {level} wide");
        }
    }
}

#[test]
fn aarch64_addresses_of_52_bits() {
    let lpa2 = Scheme { wide: true, ..scheme(Family::El1, 12, 52) };
    // 51:50 of the address in bits 9:8.
    let (phys, attributes) = leaf(&lpa2, 0, 0x0002_0000_8000_0203 | 0x400);
    assert_eq!(phys, 0x000a_0000_8000_0000);
    assert_eq!(attributes.memory, Memory::Mair { slot: 0, value: Some(0), share: None });
    assert!(matches!(lpa2.decode(&place(4), 0x1003), Word::Table { phys: 0x1000, .. }));
    assert_eq!(lpa2.with_address(0x703, 0x000c_0000_0000_1000), 0x1703 & !0x300 | 3 << 8);
    // 51:48 of the address in bits 15:12.
    let lpa = scheme(Family::El1, 16, 52);
    assert_eq!(leaf(&lpa, 0, 0x0000_4000_0000_0000 | 0xa703).0, 0x000a_4000_0000_0000);
    assert_eq!(lpa.with_address(0xf003, 0x000a_4000_0001_0000), 0x0000_4000_0001_a003);
}

#[test]
fn aarch64_contiguous_runs_of_each_granule() {
    for (shift, level, size) in [
        (12, 0, 64 << 10),
        (12, 1, 32 << 20),
        (12, 2, 16 << 30),
        (14, 0, 2 << 20),
        (14, 1, 1 << 30),
        (16, 0, 2 << 20),
        (16, 1, 16 << 30),
    ] {
        let scheme = scheme(Family::El1, shift, 48);
        let kind = if level == 0 { 3 } else { 1 };
        assert_eq!(leaf(&scheme, level, 1 << 52 | 0x700 | kind).1.run, size, "{shift} {level}");
        assert_eq!(leaf(&scheme, level, 0x700 | kind).1.run, 0);
    }
}

#[test]
fn aarch64_reserved_descriptors() {
    let scheme = scheme(Family::El1, 12, 48);
    reserved(&scheme, 0, PHYS | 0x701);
    reserved(&scheme, 3, 0x701);
    reserved(&scheme, 1, 0x8020_1701);
    reserved(&scheme, 0, PHYS | 0x503);
    assert!(!leaf(&scheme, 0, PHYS | 0x303).1.accessed);
}

#[test]
fn aarch64_stage_2() {
    let scheme = scheme(Family::Stage2, 12, 40);
    for (bits, expected) in [
        (0x7ff, "rwx/rwx normal_wb"),
        (0x0040_0000_0000_07ff, "rw/rw normal_wb"),
        (0x0040_0000_0000_077f, "r/r normal_wb"),
        (0x0040_0000_0000_07c7, "rw/rw device_nGnRE"),
        (0x0040_0000_0000_07d7, "rw/rw normal_nc"),
        (0x0020_0000_0000_07ff, "rw/rwx normal_wb"),
        (0x0060_0000_0000_07ff, "rwx/rw normal_wb"),
        (0x0040_0000_0000_07bf, "w/w normal_wb"),
    ] {
        assert_eq!(text(&scheme, 0, PHYS | bits), expected, "{bits:#x}");
    }
}

#[test]
fn riscv_golden_words_of_page_table_multiarch() {
    let scheme = scheme(Family::Sv39, 12, 39);
    for (bits, expected) in
        [(0xc3, "r/-"), (0xc7, "rw/-"), (0xcb, "rx/-"), (0xcf, "rwx/-"), (0xd3, "r/r"), (0xd7, "rw/rw"), (0xdb, "r/rx")]
    {
        assert_eq!(text(&scheme, 0, 0x2008_0000 | bits), format!("{expected} inherent"));
        assert_eq!(leaf(&scheme, 1, 0x2008_0000 | bits).0, PHYS);
    }
    assert!(matches!(scheme.decode(&place(2), 0x2008_0001), Word::Table { phys: PHYS, .. }));
    assert_eq!(scheme.with_address(0x2008_0001, 0x1000), 0x401);
}

#[test]
fn riscv_reserved_entries() {
    let scheme = scheme(Family::Sv39, 12, 39);
    for (level, word) in [
        (0, 0x2008_0001),
        (0, 0x2008_00c5),
        (0, 0x2008_00cd),
        (1, 0x2008_0011),
        (1, 0x2008_0041),
        (1, 0x2000_0000_2008_0001),
        (1, 0x2008_04cf),
        (0, 0x0040_0000_2008_00cf),
        (0, 0x6000_0000_2008_00cf),
        (0, 0x8000_0000_2008_00cf),
        (1, 0x8000_0000_2008_20cf),
    ] {
        reserved(&scheme, level, word);
    }
    assert_eq!(scheme.decode(&place(0), 0x2008_00ce), Word::Absent);
}

#[test]
fn riscv_memory_types_runs_and_globals() {
    let scheme = scheme(Family::Sv48, 12, 48);
    assert_eq!(text(&scheme, 0, 0x2000_0000_2008_00e7), "rw/- normal_nc g");
    assert_eq!(text(&scheme, 0, 0x4000_0000_2008_00c7), "rw/- device (IO)");
    let at = |index| scheme.decode(&Place { index, ..place(0) }, 0x8000_0000_2008_20cf);
    let Word::Leaf { phys, attributes } = at(0x13) else { panic!("no leaf") };
    assert_eq!((phys, attributes.run), (PHYS + 0x3000, 0x1_0000));
    let Word::Table { limits, .. } = scheme.decode(&place(1), 0x2008_0021) else { panic!("no table") };
    let Word::Leaf { attributes, .. } = scheme.decode(&Place { level: 0, index: 0, limits }, 0xcf) else {
        panic!("no leaf")
    };
    assert!(attributes.global);
    assert!(leaf(&scheme, 0, 0xcf).1.accessed);
    assert!(!leaf(&scheme, 0, 0x8f).1.accessed && !leaf(&scheme, 0, 0x4f).1.accessed);
    assert!(leaf(&scheme, 0, 0x4b).1.accessed, "read-only pages have no dirty bit to miss");
}

#[test]
fn riscv_sv32_and_guests() {
    let sv32 = scheme(Family::Sv32, 12, 32);
    assert_eq!(leaf(&sv32, 1, 0xffc0_00cf).0, 0x3_ff00_0000 & !0x3f_ffff);
    let guest = scheme(Family::Sv39x4, 12, 41);
    assert_eq!(text(&guest, 0, 0x2008_00d7), "rw/rw inherent");
    assert_eq!(text(&guest, 0, 0x2008_00c7), "-/- inherent", "a guest is user mode to the G-stage");
}

#[test]
fn extended_page_tables() {
    let scheme = scheme(Family::Ept, 12, 48);
    assert_eq!(text(&scheme, 0, PHYS | 0x37), "rwx/rwx normal_wb");
    assert_eq!(text(&scheme, 1, PHYS | 0x81), "r/r uncacheable");
    assert_eq!(text(&scheme, 0, PHYS | 0x4), "x/x uncacheable");
    assert!(matches!(scheme.decode(&place(3), PHYS | 7), Word::Table { phys: PHYS, .. }));
    for (level, word) in [(0, 2), (0, 6), (3, 0x87), (1, 0x0f), (0, 0x17), (1, 0x1087)] {
        reserved(&scheme, level, word);
    }
}

/// No word makes a decoder panic, and what a pointer says can be said with another address.
#[test]
fn every_word_means_something() {
    let mut word: u64 = 0x9e37_79b9_7f4a_7c15;
    for (family, shift, bits) in [
        (Family::El1, 12, 52),
        (Family::El2, 14, 48),
        (Family::El20, 16, 52),
        (Family::Stage2, 12, 43),
        (Family::Sv32, 12, 32),
        (Family::Sv57, 12, 57),
        (Family::Sv48x4, 12, 50),
        (Family::Level5, 12, 57),
        (Family::Ept, 12, 48),
        (Family::Sv39C9xx, 12, 39),
        (Family::Sv32x4, 12, 34),
        (Family::Pae, 12, 32),
        (Family::Legacy, 12, 32),
        (Family::Lpae, 12, 32),
        (Family::LpaePl2, 12, 32),
        (Family::LpaeStage2, 12, 40),
        (Family::Short, 12, 32),
        (Family::Loongarch64, 12, 48),
    ] {
        for wide in [false, true] {
            let scheme = Scheme { wide, ..scheme(family, shift, bits) };
            for round in 0..20_000 {
                word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                let word = if scheme.entry_bytes() == 4 { word & 0xffff_ffff } else { word };
                let level = round % scheme.levels;
                if let Word::Table { phys, .. } = scheme.decode(&place(level), word) {
                    let other = scheme.with_address(word, 0);
                    assert_eq!(scheme.with_address(other, phys), word);
                }
            }
        }
    }
}
