//! Words of the formats that no machine of the tests has, written out by hand from the manuals, and golden words of other
//! systems.

use super::tests::{PHYS, leaf, place, reserved, scheme, text};
use super::*;
use crate::scheme::{Permissions, Remap};

/// Rights of an index in both registers, as Linux has them for its pages: read-only, read-execute and so on.
fn indirect(family: Family, privileged: u64, user: u64) -> Scheme {
    Scheme { permissions: Some(Permissions { privileged, user }), ..scheme(family, 12, 39) }
}

/// A page with an index of permissions.
const fn page(index: u64) -> u64 {
    PHYS | 0x70f | (index & 1) << 6 | (index >> 1 & 1) << 51 | (index >> 2 & 3) << 53
}

#[test]
fn aarch64_permissions_by_index() {
    // Each index has the encoding that is its number; the user has what the privileged level has.
    let same = indirect(Family::El1, 0xfedc_ba98_7654_3210, 0xfedc_ba98_7654_3210);
    for (index, expected) in [
        "-/-", "r/r", "x/x", "rx/rx", "-/-", "rw/rw", "-/-", "-/-", "r/r", "r/r", "rx/rx", "-/-", "rw/rw", "-/-",
        "-/-", "-/-",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(text(&same, 0, page(index as u64)), format!("{expected} normal_wb g"), "{index}");
    }
    let alone = indirect(Family::El2, 0xfedc_ba98_7654_3210, 0xffff_ffff_ffff_ffff);
    for (index, expected) in [(6, "rw/-"), (7, "rwx/-"), (14, "rwx/-"), (15, "-/-")] {
        assert_eq!(text(&alone, 0, page(index)), format!("{expected} normal_wb"), "{index}");
    }
}

#[test]
fn aarch64_what_one_writes_and_the_other_executes_nobody_has() {
    let granted = |privileged, user| {
        let (_, found) = leaf(&indirect(Family::El1, privileged, user), 0, page(0));
        format!("{}/{}", found.privileged, found.user)
    };
    assert_eq!(granted(0xa, 0xc), "-/-");
    assert_eq!(granted(0x6, 0x5), "-/-");
    assert_eq!(granted(0xc, 0xe), "rw/rwx");
    assert_eq!(granted(0xa, 0xa), "rx/rx");
}

#[test]
fn aarch64_with_indices_pointers_withhold_nothing_and_clean_pages_wait() {
    let scheme = indirect(Family::El1, 0x5, 0x1);
    let Word::Table { limits, .. } = scheme.decode(&place(1), PHYS | 3 | 0xf << 59) else { panic!("no table") };
    assert_eq!(limits, Limits::NONE);
    assert!(leaf(&scheme, 0, page(0)).1.accessed);
    assert!(!leaf(&scheme, 0, page(0) | 1 << 7).1.accessed, "nDirty");
    let read_only = indirect(Family::El1, 0x1, 0x1);
    assert!(leaf(&read_only, 0, page(0) | 1 << 7).1.accessed);
}

#[test]
fn x86_pae_entries() {
    let pae = scheme(Family::Pae, 12, 32);
    assert_eq!(text(&pae, 0, 0x8000_0000_8020_0063), "rw/- normal_wb");
    assert_eq!(text(&pae, 0, 0x8020_0125), "r/rx normal_wb g");
    assert_eq!(leaf(&pae, 0, 0x000f_ffff_8020_0001).0, 0x000f_ffff_8020_0000);
    assert_eq!(leaf(&pae, 1, 0x1_8020_00e3).0, 0x1_8020_0000);
    assert!(matches!(pae.decode(&place(1), PHYS | 0x63), Word::Table { phys: PHYS, .. }));
    assert_eq!(pae.decode(&place(2), PHYS | 1), Word::Table { phys: PHYS, limits: Limits::NONE });
    assert_eq!(pae.decode(&place(2), PHYS), Word::Absent);
    for bit in [1, 2, 5, 6, 7, 8, 52, 62, 63] {
        reserved(&pae, 2, PHYS | 1 | 1 << bit);
    }
    reserved(&pae, 0, PHYS | 1 | 1 << 52);
    reserved(&pae, 1, PHYS | 0x81 | 1 << 62);
    reserved(&pae, 1, 0x8030_0081);
}

/// The large pages are those of Linux's kernel map, and one of PSE-36.
#[test]
fn x86_legacy_entries() {
    let legacy = scheme(Family::Legacy, 12, 32);
    assert_eq!(text(&legacy, 1, 0x0040_01e3), "rwx/- normal_wb g");
    assert_eq!(leaf(&legacy, 1, 0x0040_01e3).0, 0x40_0000);
    assert_eq!(leaf(&legacy, 1, 0x0040_0000 | 0xa5 << 13 | 0x83).0, 0xa5_0040_0000);
    assert_eq!(leaf(&legacy, 1, 0x0040_1083).1.memory, Memory::Pat { slot: 4, value: Some(6) });
    assert_eq!(text(&legacy, 0, 0x8020_1067), "rw/rwx normal_wb");
    assert_eq!(text(&legacy, 0, 0x8020_1025), "r/rx normal_wb");
    assert!(matches!(legacy.decode(&place(1), PHYS | 7), Word::Table { phys: PHYS, .. }));
    reserved(&legacy, 1, 0x0060_0083);
}

/// `PT_PT`, `PT_MEM`, `PT_DEV` and their pages, of Xen's boot tables.
#[test]
fn armv7_golden_words_of_xen() {
    let pl2 = Scheme { mair: Some(0xff00_0004_0000_0000), ..scheme(Family::LpaePl2, 12, 32) };
    assert!(matches!(pl2.decode(&place(1), PHYS | 0xf7f), Word::Table { phys: PHYS, .. }));
    assert_eq!(text(&pl2, 1, PHYS | 0xf7d), "rwx/- normal_wb");
    assert_eq!(text(&pl2, 0, PHYS | 0xf7f), "rwx/- normal_wb");
    assert_eq!(text(&pl2, 1, PHYS | 0xe71), "rwx/- device_nGnRE");
    assert_eq!(text(&pl2, 0, PHYS | 0xe73), "rwx/- device_nGnRE");
}

#[test]
fn armv7_long_descriptors_of_two_privileges() {
    let pl1 = scheme(Family::Lpae, 12, 32);
    for (bits, expected) in [
        (0x70f, "rwx/- normal_wb g"),
        (0x74f, "rwx/rwx normal_wb g"),
        (0x78f, "rx/- normal_wb g"),
        (0xfcf, "rx/rx normal_wb"),
        (0x0020_0000_0000_07cf, "r/rx normal_wb g"),
        (0x0040_0000_0000_07cf, "r/r normal_wb g"),
        (0x0060_0000_0000_0703, "rw/- device_nGnRnE g"),
        (0x0060_0000_0000_074b, "rw/rw normal_wt g"),
    ] {
        assert_eq!(text(&pl1, 0, PHYS | bits), expected, "{bits:#x}");
        assert_eq!(text(&pl1, 2, 0xc_0000_0000 | bits & !2), expected, "{bits:#x}");
    }
    assert_eq!(leaf(&pl1, 0, 0xff_8020_070f).0, 0xff_8020_0000);
    assert_eq!(leaf(&pl1, 0, PHYS | 0x70f | 1 << 52).1.run, 0x1_0000);
    assert_eq!(leaf(&pl1, 1, PHYS | 0x70d | 1 << 52).1.run, 0x200_0000);
    assert!(!leaf(&pl1, 0, PHYS | 0x30f).1.accessed);
    reserved(&pl1, 0, PHYS | 0x70d);
    reserved(&pl1, 0, PHYS | 0x50f);
    reserved(&pl1, 1, PHYS | 0x1_0000 | 0x70d);
    reserved(&pl1, 0, PHYS | 0x70f | 1 << 40);
}

#[test]
fn armv7_pointers_withhold() {
    let granted = |family, pointer: u64, word| {
        let scheme = scheme(family, 12, 32);
        let Word::Table { limits, .. } = scheme.decode(&place(1), PHYS | 3 | pointer) else { panic!("no table") };
        let Word::Leaf { attributes, .. } = scheme.decode(&Place { level: 0, index: 0, limits }, PHYS | word) else {
            panic!("no leaf")
        };
        format!("{}/{}", attributes.privileged, attributes.user)
    };
    assert_eq!(granted(Family::Lpae, 0, 0x74f), "rwx/rwx");
    assert_eq!(granted(Family::Lpae, 1 << 59, 0x74f), "rw/rwx");
    assert_eq!(granted(Family::Lpae, 1 << 60, 0x74f), "rw/rw");
    assert_eq!(granted(Family::Lpae, 1 << 61, 0x74f), "rwx/-");
    assert_eq!(granted(Family::Lpae, 1 << 62, 0x74f), "rx/rx");
    assert_eq!(granted(Family::LpaePl2, 1 << 59 | 1 << 61, 0x74f), "rwx/-");
    assert_eq!(granted(Family::LpaePl2, 1 << 60, 0x74f), "rw/-");
    assert_eq!(granted(Family::LpaeStage2, 0xf << 59, 0x7ff), "rwx/rwx");
}

#[test]
fn armv7_stage_2() {
    let guest = scheme(Family::LpaeStage2, 12, 40);
    for (bits, expected) in [
        (0x7ff, "rwx/rwx normal_wb"),
        (0x0040_0000_0000_07ff, "rw/rw normal_wb"),
        (0x0040_0000_0000_077f, "r/r normal_wb"),
        (0x0040_0000_0000_07c7, "rw/rw device_nGnRE"),
        (0x7bf, "w/w normal_wb"),
        (0x73f, "-/- normal_wb"),
    ] {
        assert_eq!(text(&guest, 0, PHYS | bits), expected, "{bits:#x}");
    }
}

/// Sections of Linux before it turns on TEX remap, and by hand.
#[test]
fn armv7_short_descriptors_of_the_first_level() {
    let short = scheme(Family::Short, 12, 32);
    for (bits, expected) in [
        (0xc02, "rwx/rwx device_nGnRnE g"),
        (0x1_1c0e, "rwx/rwx normal_wb g"),
        (0x1_140e, "rwx/- normal_wb g"),
        (0x1_940e, "rx/- normal_wb g"),
        (0x1_141f, "rw/- normal_wb g"),
        (0x1_940f, "r/- normal_wb g"),
        (0x1_1c0f, "rw/rwx normal_wb g"),
        (0x1_9c0e, "rx/rx normal_wb g"),
        (0x1_180e, "rwx/rx normal_wb g"),
        (0x3_140e, "rwx/- normal_wb"),
        (0x1_0412, "rw/- device_nGnRnE g"),
        (0x1_0416, "rw/- device_nGnRE g"),
        (0x0_140e, "rwx/- normal_wb_nsh g"),
        (0x1_040a, "rwx/- normal_wt g"),
        (0x0_1402, "rwx/- normal_nc g"),
        (0x0_240e, "rwx/- TEX, C, B 0b01011, not shareable g"),
        (0x0_000e, "-/- TEX, C, B 0b00011, not shareable g"),
    ] {
        assert_eq!(text(&short, 1, PHYS | bits), expected, "{bits:#x}");
        assert_eq!(leaf(&short, 1, PHYS | bits).0, PHYS);
    }
    reserved(&short, 1, PHYS | 0x1_800e);
    let Word::Table { phys, limits } = short.decode(&place(1), 0x8020_0405) else { panic!("no table") };
    assert_eq!((phys, limits.privileged.name(), limits.user.name()), (0x8020_0400, "rw", "rwx"));
    assert_eq!(short.decode(&place(1), 0x8020_0400), Word::Absent);
    // 39:36 of the address in bits 8:5, 35:32 in 23:20.
    let part = short.decode(&Place { index: 0x13, ..place(1) }, 0x80a4_04ce);
    let Word::Leaf { phys, attributes } = part else { panic!("no leaf") };
    assert_eq!((phys, attributes.run), (0x6a_8030_0000, 16 << 20));
}

/// PRRR and NMRR of Linux: 0 strongly ordered, 1 uncached, 2 write-through, 3 write-back, 4 a device, 7 write-allocate; all
/// of Normal memory is shared where S says so, and devices are.
#[test]
fn armv7_short_descriptors_of_linux_with_tex_remap() {
    let remap = Some(Remap { primary: 0xff0a_81a8, normal: 0x40e0_40e0 });
    let short = Scheme { remap, ..scheme(Family::Short, 12, 32) };
    for (bits, expected) in [
        (0x1_0402, "rwx/- device_nGnRnE g"),
        (0x1_0406, "rwx/- normal_nc g"),
        (0x1_040a, "rwx/- normal_wt g"),
        (0x1_040e, "rwx/- normal_wb_ra g"),
        (0x1_1412, "rw/- device_nGnRE g"),
        (0x1_140e, "rwx/- normal_wb g"),
        (0x0_140e, "rwx/- normal_wb_nsh g"),
        (0x1_740e, "rwx/- normal_wb g"),
        (0x2_0402, "rwx/- device_nGnRnE"),
    ] {
        assert_eq!(text(&short, 1, PHYS | bits), expected, "{bits:#x}");
    }
    assert_eq!(text(&Scheme { remap: None, ..short }, 1, PHYS | 0x1_5406), "rwx/- normal_wb g", "0b1_0101");
}

#[test]
fn armv7_short_descriptors_of_the_second_level() {
    let short = scheme(Family::Short, 12, 32);
    for (bits, expected) in [
        (0x45e, "rwx/- normal_wb g"),
        (0x47e, "rwx/rwx normal_wb g"),
        (0x65f, "r/- normal_wb g"),
        (0xc7f, "rw/rw normal_wb"),
        (0x413, "rw/- device_nGnRnE g"),
        (0xe7e, "rx/rx normal_wb"),
    ] {
        assert_eq!(text(&short, 0, 0x8020_1000 | bits), expected, "{bits:#x}");
    }
    let large = |index| leaf_at(&short, index, 0x8021_0000 | 0x941d | 0x1000);
    assert_eq!(large(0x25), (0x8021_5000, "rw/-".to_owned(), 0x1_0000));
    assert_eq!(large(0), (0x8021_0000, "rw/-".to_owned(), 0x1_0000));
    reserved(&short, 0, 0x8021_0051);
    assert_eq!(short.decode(&place(0), 0x8021_0050), Word::Absent);
}

fn leaf_at(scheme: &Scheme, index: u64, word: u64) -> (u64, String, u64) {
    match scheme.decode(&Place { index, ..place(0) }, word) {
        Word::Leaf { phys, attributes } => {
            (phys, format!("{}/{}", attributes.privileged, attributes.user), attributes.run)
        }
        other => panic!("{word:#x} is {other:?}"),
    }
}

#[test]
fn loongarch_golden_words_of_page_table_multiarch() {
    let la64 = scheme(Family::Loongarch64, 12, 48);
    for (small, huge, expected) in [
        (0x4000_0000_0000_0091, 0x4000_0000_0000_00d1, "r/- normal_wb"),
        (0x4000_0000_0000_0193, 0x4000_0000_0000_01d3, "rw/- normal_wb"),
        (0x91, 0xd1, "rx/- normal_wb"),
        (0x4000_0000_0000_019f, 0x4000_0000_0000_01df, "rw/rw normal_wb"),
        (0x4000_0000_0000_0183, 0x4000_0000_0000_01c3, "rw/- device_nGnRnE"),
        (0x4000_0000_0000_01a3, 0x4000_0000_0000_01e3, "rw/- normal_nc"),
    ] {
        assert_eq!(text(&la64, 0, PHYS | small), expected, "{small:#x}");
        assert_eq!(text(&la64, 1, PHYS | huge), expected, "{huge:#x}");
        assert_eq!(leaf(&la64, 1, PHYS | huge).0, PHYS);
    }
}

#[test]
fn loongarch_levels_rights_and_what_is_reserved() {
    let la64 = scheme(Family::Loongarch64, 12, 48);
    assert_eq!(text(&la64, 0, PHYS | 0xdf | 1 << 63), "-/rwx normal_wb g", "RPLV: the user alone");
    assert_eq!(text(&la64, 0, PHYS | 0x93 | 1 << 63), "rwx/- normal_wb", "RPLV of the kernel's own level");
    assert_eq!(text(&la64, 0, PHYS | 0x97), "rwx/- normal_wb", "PLV 1 is above the user");
    assert_eq!(text(&la64, 0, PHYS | 0x93 | 1 << 61), "wx/- normal_wb", "NR");
    assert_eq!(text(&la64, 1, PHYS | 0x10d3), "rwx/- normal_wb g", "G of a huge page");
    assert_eq!(text(&la64, 3, 0x80_0000_0000 | 0xd3), "rwx/- normal_wb");
    assert!(leaf(&la64, 0, PHYS | 0x93).1.accessed && !leaf(&la64, 0, PHYS | 0x191).1.accessed);
    for level in 1..4 {
        assert!(matches!(la64.decode(&place(level), PHYS), Word::Table { phys: PHYS, limits: Limits::NONE }));
        assert_eq!(la64.decode(&place(level), 0), Word::Absent);
    }
    assert_eq!(la64.decode(&place(0), PHYS | 0x92), Word::Absent);
    assert_eq!(la64.decode(&place(1), PHYS | 0xd2), Word::Absent);
    reserved(&la64, 0, PHYS | 0xb3);
    reserved(&la64, 0, PHYS | 0x93 | 1 << 60);
    reserved(&la64, 1, PHYS | 0x20d3);
    reserved(&la64, 2, PHYS | 0xd3);
}

/// The types of Linux's `_PAGE_PMA_THEAD`, `_PAGE_NOCACHE_THEAD` and `_PAGE_IO_THEAD`.
#[test]
fn riscv_memory_attributes_of_t_head() {
    let c9xx = scheme(Family::Sv39C9xx, 12, 39);
    let page = |bits: u64| 0x2008_00c7 | bits;
    assert_eq!(text(&c9xx, 0, page(1 << 62 | 1 << 61 | 1 << 60)), "rw/- normal_wb");
    assert_eq!(text(&c9xx, 0, page(1 << 61 | 1 << 60)), "rw/- normal_nc");
    assert_eq!(text(&c9xx, 1, page(1 << 63 | 1 << 60)), "rw/- device_nGnRnE");
    assert_eq!(text(&c9xx, 0, page(1 << 63 | 1 << 61)), "rw/- device_nGnRE");
    assert_eq!(text(&c9xx, 0, page(1 << 59)), "rw/- SO, C, B, SH, SEC 0b00001");
    reserved(&c9xx, 0, page(1 << 58));
    reserved(&c9xx, 1, 0x2008_0001 | 1 << 60);
}

#[test]
fn riscv_sv32x4() {
    let guest = scheme(Family::Sv32x4, 12, 34);
    assert_eq!(text(&guest, 0, 0xffff_fcd7), "rw/rw inherent");
    assert_eq!(leaf(&guest, 1, 0xffc0_00d7).0, 0x3_ff00_0000 & !0x3f_ffff);
    assert!(matches!(guest.decode(&place(1), 0x2008_0001), Word::Table { phys: PHYS, .. }));
}
