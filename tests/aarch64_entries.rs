//! AArch64 descriptors: every encoding against the manual's bit numbers, written out a second time, and golden words.
//!
//! Sections are those of DDI 0487 J.a.

use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::{Format, Leaf, View};
use tablature::regime::Regime;

/// Which rows of the manual's tables apply.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Stage 1 with EL0.
    Two,
    /// Stage 1 of one Exception level.
    One,
    /// Stage 2.
    Guest,
}

/// The bits of D8, by number.
fn manual(kind: Kind, format: &Format, level: usize, leaf: &Leaf) -> Option<u64> {
    let wide = format.wide.is_none();
    let register_shares = wide && format.page_shift < 16;
    let mut word = 1 | if level == 0 { 2 } else { 0 } | 1 << 10;
    word |= permissions(kind, leaf.access)?;
    word |= memory(kind, register_shares, leaf.memory)?;
    if kind == Kind::Two && !leaf.global {
        word |= 1 << 11;
    }
    if leaf.guarded && kind != Kind::Guest {
        word |= 1 << 50;
    }
    if leaf.run != 0 {
        word |= 1 << 52;
    }
    word |= u64::from(leaf.software) << 55;
    let high = match (wide, format.page_shift) {
        (false, _) => 0,
        (true, 16) => (leaf.address >> 48) << 12,
        (true, _) => (leaf.address >> 50) << 8,
    };
    let in_place = if wide && format.page_shift < 16 { (1 << 50) - 1 } else { (1 << 48) - 1 };
    Some(word | high | leaf.address & in_place)
}

/// D8 (AP, PXN, UXN) and D8 (S2AP, XN), as the tables of the manual list them.
fn permissions(kind: Kind, access: Access) -> Option<u64> {
    let x = |rights: Rights| rights.contains(Rights::X);
    let (privileged, user) = (access.privileged, access.user);
    match kind {
        Kind::Two => {
            let ap = match (privileged.data(), user.data()) {
                (Rights::RW, Rights::NONE) => 0b00,
                (Rights::RW, Rights::RW) => 0b01,
                (Rights::R, Rights::NONE) => 0b10,
                (Rights::R, Rights::R) => 0b11,
                _ => return None,
            };
            if ap == 0b01 && x(privileged) {
                return None;
            }
            Some(ap << 6 | u64::from(!x(privileged)) << 53 | u64::from(!x(user)) << 54)
        }
        Kind::One => {
            let ap2 = match (privileged.data(), user) {
                (Rights::RW, Rights::NONE) => 0,
                (Rights::R, Rights::NONE) => 1,
                _ => return None,
            };
            Some(ap2 << 7 | u64::from(!x(privileged)) << 54)
        }
        Kind::Guest if user.is_empty() => {
            Some(u64::from(privileged.data().bits()) << 6 | u64::from(!x(privileged)) << 54)
        }
        Kind::Guest => None,
    }
}

/// The default MAIR's indices (D8) or the stage 2 MemAttr (D8), and shareability.
fn memory(kind: Kind, register_shares: bool, memory: MemoryType) -> Option<u64> {
    use MemoryType as M;
    if register_shares && memory == M::NormalWbNsh {
        return None;
    }
    let index = match (kind == Kind::Guest, memory) {
        (_, M::Inherent | M::WriteProtected) => return None,
        (false, M::NormalWbTransient | M::NormalTagged) => return None,
        (false, M::DeviceNgnre) => 0,
        (false, M::NormalWb | M::NormalWbNsh) => 1,
        (false, M::NormalNc) => 2,
        (false, M::DeviceNgnrne) => 3,
        (false, M::NormalWt) => 4,
        (false, M::DeviceNgre) => 5,
        (false, M::DeviceGre) => 6,
        (false, M::NormalWbRa) => 7,
        (true, M::DeviceNgnrne) => 0b0000,
        (true, M::DeviceNgnre) => 0b0001,
        (true, M::DeviceNgre) => 0b0010,
        (true, M::DeviceGre) => 0b0011,
        (true, M::NormalNc) => 0b0101,
        (true, M::NormalWt) => 0b1010,
        (true, _) => 0b1111,
    };
    let share = if register_shares || memory.is_device() || memory == M::NormalWbNsh { 0 } else { 3 };
    Some(index << 2 | share << 8)
}

/// What an entry cannot tell: stage 2 has no allocation hints, and regimes without ASIDs no scope.
fn as_read(kind: Kind, leaf: &Leaf) -> Leaf {
    let memory = match (kind, leaf.memory) {
        (Kind::Guest, MemoryType::NormalWbRa | MemoryType::NormalWbTransient | MemoryType::NormalTagged) => {
            MemoryType::NormalWb
        }
        (_, memory) => memory,
    };
    Leaf { memory, global: leaf.global && kind == Kind::Two, guarded: leaf.guarded && kind != Kind::Guest, ..*leaf }
}

fn is_leaf_level(format: &Format, level: usize) -> bool {
    let wide = format.wide.is_none();
    match format.page_shift {
        12 => level < 3 || (wide && level == 3),
        _ => level < 2 || (wide && level == 2),
    }
}

/// Every access, memory type, identifier scope, run, guard, software value and level; returns how many have a word.
fn every_entry(kind: Kind, format: &Format) -> u32 {
    let mut encoded = 0;
    for level in 0..format.levels {
        let runs: Vec<u64> = format.runs.iter().filter(|r| r.size != 0 && r.level == level).map(|r| r.size).collect();
        for run in [0].into_iter().chain(runs) {
            let address = (1 << format.max_output_bits) - format.level[level].size().max(run);
            for access in (0..64).map(Access::from_index) {
                for memory in MemoryType::ALL {
                    for flags in 0..64u8 {
                        let (global, guarded, software) = (flags & 1 != 0, flags & 2 != 0, flags >> 2);
                        let leaf = Leaf { address, access, memory, global, run, software, guarded };
                        let expected =
                            if is_leaf_level(format, level) { manual(kind, format, level, &leaf) } else { None };
                        assert_eq!(format.encode_leaf(level, &leaf), expected, "{} {level} {leaf:?}", format.name);
                        let Some(word) = expected else { break };
                        assert_eq!(format.view(level, word), View::Leaf(as_read(kind, &leaf)), "{word:#x}");
                        encoded += 1;
                    }
                }
            }
        }
    }
    encoded
}

macro_rules! every {
    ($($name:ident: $kind:expr, $regime:ident;)*) => {$(
        #[test]
        fn $name() {
            for format in [
                <$regime<G4K, 48> as Regime>::FORMAT,
                <$regime<G16K, 47> as Regime>::FORMAT,
                <$regime<G64K, 48> as Regime>::FORMAT,
            ] {
                let (_, wide) = format.wide.expect("a format with 52-bit addresses");
                let types = if $kind == Kind::Guest { 11 } else { 9 };
                let accesses = match $kind { Kind::Two => 14, Kind::One => 4, Kind::Guest => 8 };
                for (format, types) in
                    [(&format, types), (wide, if wide.page_shift < 16 { types - 1 } else { types })]
                {
                    let kinds: usize = (0..format.levels)
                        .filter(|&l| is_leaf_level(format, l))
                        .map(|l| 1 + format.runs.iter().filter(|r| r.size != 0 && r.level == l).count())
                        .sum();
                    assert_eq!(every_entry($kind, format), (kinds * types * accesses * 64) as u32, "{}", format.name);
                }
            }
        }
    )*};
}

every! {
    el1: Kind::Two, El1;
    el2: Kind::One, El2;
    el3: Kind::One, El3;
    el2_and_0: Kind::Two, El2And0;
    stage_2: Kind::Guest, Stage2;
}

fn leaf(address: u64, access: Access, memory: MemoryType) -> Leaf {
    Leaf { address, access, memory, global: true, run: 0, software: 0, guarded: false }
}

#[track_caller]
fn golden(format: &Format, access: Access, memory: MemoryType, address: u64, page: u64, block: u64) {
    let leaf = leaf(address, access, memory);
    assert_eq!(format.encode_leaf(0, &leaf), Some(page | address), "{page:#x}");
    let address = address & !0x1f_ffff;
    let leaf = Leaf { address, ..leaf };
    assert_eq!(format.encode_leaf(1, &leaf), Some(block | address), "{block:#x}");
}

/// What page_table_multiarch writes at EL1, with the same meaning of the indices.
#[test]
fn golden_words_of_el1() {
    let f = <El1<G4K, 48> as Regime>::FORMAT;
    let at = 0x8020_0000;
    let word = |access, memory, page, block| golden(&f, access, memory, at, page, block);
    let wb = MemoryType::NormalWb;
    word(Access::kernel(Rights::R), wb, 0x0060_0000_0000_0787, 0x0060_0000_0000_0785);
    word(Access::kernel(Rights::RW), wb, 0x0060_0000_0000_0707, 0x0060_0000_0000_0705);
    word(Access::kernel(Rights::RX), wb, 0x0040_0000_0000_0787, 0x0040_0000_0000_0785);
    word(Access::user(Rights::R), wb, 0x0060_0000_0000_07c7, 0x0060_0000_0000_07c5);
    word(Access::user(Rights::RW), wb, 0x0060_0000_0000_0747, 0x0060_0000_0000_0745);
    word(Access::user(Rights::RX), wb, 0x0020_0000_0000_07c7, 0x0020_0000_0000_07c5);
    word(Access::kernel(Rights::RW), MemoryType::DeviceNgnre, 0x0060_0000_0000_0403, 0x0060_0000_0000_0401);
    word(Access::kernel(Rights::RW), MemoryType::NormalNc, 0x0060_0000_0000_070b, 0x0060_0000_0000_0709);
    assert_eq!(f.encode_table(1, at), at | 3);
    assert_eq!(f.encode_table(3, at), at | 3);
}

/// What patina_paging writes at EL2, with its order of indices: nGnRnE, NC, WT, WB.
///
/// AP[1] is clear as there; with one Exception level its value is ignored. NC is the exception: SH is Inner Shareable
/// here and Non-shareable there, which is the same, because NC is always Outer Shareable (D8).
#[test]
fn golden_words_of_el2() {
    let f = <El2<G4K, 48> as Regime>::FORMAT.with_slots(&[0x00, 0x44, 0xbb, 0xff]);
    let xn = 0x0040_0000_0000_0000;
    let word = |rights, memory, page, block| golden(&f, Access::kernel(rights), memory, 0x8020_1000, page, block);
    word(Rights::RWX, MemoryType::NormalWb, 0x70f, 0x70d);
    word(Rights::RX, MemoryType::NormalWb, 0x78f, 0x78d);
    word(Rights::RW, MemoryType::NormalWb, xn | 0x70f, xn | 0x70d);
    word(Rights::RWX, MemoryType::NormalWt, 0x70b, 0x709);
    word(Rights::RWX, MemoryType::NormalNc, 0x707, 0x705);
    word(Rights::RW, MemoryType::DeviceNgnrne, xn | 0x403, xn | 0x401);
    let leaf = Leaf { global: false, ..leaf(0x8020_1000, Access::kernel(Rights::RW), MemoryType::NormalWb) };
    assert_eq!(f.view(0, 0x8020_174f | xn), View::Leaf(leaf), "AP[1] set, as other software does");
}

/// D8, D8 and D8: S2AP, MemAttr and XN[1:0] = 0b10.
#[test]
fn golden_words_of_stage_2() {
    let f = <Stage2<G4K, 40> as Regime>::FORMAT;
    golden(&f, Access::kernel(Rights::RWX), MemoryType::NormalWb, 0x8020_0000, 0x7ff, 0x7fd);
    let xn = 0x0040_0000_0000_0000;
    golden(&f, Access::kernel(Rights::RW), MemoryType::DeviceNgnre, 0x8020_0000, xn | 0x4c7, xn | 0x4c5);
    golden(&f, Access::kernel(Rights::W), MemoryType::NormalNc, 0x8020_0000, xn | 0x797, xn | 0x795);
}

/// D8: output address bits 51:50 in bits 9:8 with FEAT_LPA2, 51:48 in bits 15:12 with FEAT_LPA.
#[test]
fn addresses_of_52_bits() {
    let (feature, four) = <El1<G4K, 48> as Regime>::FORMAT.wide.expect("LPA2");
    assert_eq!(feature, Features::LPA2);
    let top = leaf(0xf_ffff_ffff_f000, Access::kernel(Rights::RW), MemoryType::NormalWb);
    assert_eq!(four.encode_leaf(0, &top), Some(0x0063_ffff_ffff_f707));
    assert_eq!(four.encode_table(1, 0xf_ffff_ffff_f000), 0x0003_ffff_ffff_f303);
    let (feature, large) = <El1<G64K, 48> as Regime>::FORMAT.wide.expect("LPA");
    assert_eq!(feature, Features::LPA);
    let top = leaf(0xf_ffff_ffff_0000, Access::kernel(Rights::RW), MemoryType::NormalWb);
    assert_eq!(large.encode_leaf(0, &top), Some(0x0060_ffff_ffff_f707));
    assert_eq!(large.encode_table(1, 0xf_ffff_ffff_0000), 0xffff_ffff_f003);
}

/// A level 0 block is reserved with 4 KiB pages and 48-bit addresses, and 512 GiB with LPA2; at 16 KiB likewise.
#[test]
fn blocks_above_the_ordinary_ones() {
    let four = <El1<G4K, 48> as Regime>::FORMAT;
    let word = 0x0060_0000_0000_0705;
    assert_eq!(four.view(3, word), View::Reserved);
    assert!(matches!(four.wide.expect("LPA2").1.view(3, 0x0060_0000_0000_0405), View::Leaf(_)));
    let sixteen = <El1<G16K, 47> as Regime>::FORMAT;
    assert_eq!(sixteen.view(2, word), View::Reserved);
    assert!(matches!(sixteen.wide.expect("LPA2").1.view(2, 0x0060_0000_0000_0405), View::Leaf(_)));
}

#[test]
fn absent_tables_and_reserved_words() {
    let f = <El1<G4K, 48> as Regime>::FORMAT;
    for level in 0..4 {
        for word in [0, 2, u64::MAX << 1, 0x8020_0000] {
            assert_eq!(f.view(level, word), View::Absent, "{word:#x} at {level}");
        }
    }
    assert_eq!(f.view(1, 0x8020_0003), View::Table { address: 0x8020_0000 });
    assert_eq!(f.view(0, 0x8020_0701), View::Reserved, "a page has bit 1 set");
}

/// D8 and D8: levels and size of the root by width.
#[test]
fn roots_by_width() {
    fn root<R: Regime>() -> (usize, u32, u32) {
        (R::FORMAT.levels, R::FORMAT.root_bits(), R::FORMAT.root_tables())
    }
    assert_eq!(root::<El1<G4K, 25>>(), (2, 4, 1));
    assert_eq!(root::<El1<G4K, 30>>(), (2, 9, 1));
    assert_eq!(root::<El1<G4K, 31>>(), (3, 1, 1));
    assert_eq!(root::<El1<G4K, 39>>(), (3, 9, 1));
    assert_eq!(root::<El1<G4K, 48>>(), (4, 9, 1));
    assert_eq!(root::<El1<G4K, 52>>(), (5, 4, 1));
    assert_eq!(root::<El1<G16K, 47>>(), (3, 11, 1));
    assert_eq!(root::<El1<G16K, 48>>(), (4, 1, 1));
    assert_eq!(root::<El1<G16K, 52>>(), (4, 5, 1));
    assert_eq!(root::<El1<G64K, 42>>(), (2, 13, 1));
    assert_eq!(root::<El1<G64K, 52>>(), (3, 10, 1));
    assert_eq!(root::<Stage2<G4K, 39>>(), (3, 9, 1));
    assert_eq!(root::<Stage2<G4K, 40>>(), (3, 10, 2));
    assert_eq!(root::<Stage2<G4K, 43>>(), (3, 13, 16));
    assert_eq!(root::<Stage2<G4K, 44>>(), (4, 5, 1));
    assert_eq!(root::<Stage2<G4K, 52>>(), (4, 13, 16));
    assert_eq!(root::<Stage2<G16K, 40>>(), (2, 15, 16));
    assert_eq!(root::<Stage2<G64K, 46>>(), (2, 17, 16));
}

#[test]
fn what_a_width_needs() {
    fn needs<R: Regime>() -> Features {
        R::FORMAT.needs
    }
    assert_eq!(needs::<El1<G4K, 25>>(), Features::NONE);
    assert_eq!(needs::<El1<G4K, 24>>(), Features::TTST);
    assert_eq!(needs::<El1<G4K, 48>>(), Features::NONE);
    assert_eq!(needs::<El1<G4K, 49>>(), Features::LPA2);
    assert_eq!(needs::<El2<G64K, 52>>(), Features::LVA);
    assert_eq!(needs::<Stage2<G4K, 52>>(), Features::NONE);
    assert_eq!(needs::<Stage2<G4K, 25>>(), Features::TTST, "a root of pages");
}

/// Widths that no granule has are for the rules to report; nothing fails before they can.
#[test]
fn any_width_has_a_format() {
    fn width<R: Regime>() -> (u32, usize, &'static str) {
        let f = R::FORMAT;
        assert!(!f.is_canonical(0x1234_5678_9abc_def0) || f.input_bits > 60);
        assert!(f.input_bits < f.legal_input_bits.0 || f.input_bits > f.legal_input_bits.1);
        assert!(f.index(u64::MAX, f.levels - 1) < 1 << f.root_bits());
        (f.input_bits, f.root_tables() as usize, f.name)
    }
    assert_eq!(width::<El1<G4K, 15>>(), (15, 1, "AArch64 EL1, 4 KiB granule, 15 bits"));
    assert_eq!(width::<El1<G4K, 0>>(), (0, 1, "AArch64 EL1, 4 KiB granule, 0 bits"));
    assert_eq!(width::<El2<G16K, 60>>(), (60, 4, "AArch64 EL2, 16 KiB granule, 60 bits"));
    assert_eq!(width::<Stage2<G64K, 4294967295>>(), (63, 256, "AArch64 stage 2, 64 KiB granule, 4294967295 bits"));
    assert_eq!(width::<El2And0<G64K, 16>>().2, "AArch64 EL2&0, 64 KiB granule, 16 bits");
    assert_eq!(width::<El3<G4K, 53>>().2, "AArch64 EL3, 4 KiB granule, 53 bits");
}
