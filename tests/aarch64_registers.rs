//! The values of TCR_ELx and VTCR_EL2 that a declaration implies, by granule, width and feature (DDI 0487 J.a, D19.2).

use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2, Vmsa, Words, words};
use tablature::attr::{Features, MemoryType};
use tablature::format::Format;
use tablature::layout::format_of;
use tablature::map::{Cpu, Map, Policy, Resource, Space, Tables};
use tablature::space::Roots;

const BOTH: Roots = Roots { lower: Some(0), upper: Some(0) };

fn derive<R: Vmsa>(cpu: Cpu<'_>, space: Space<'_>, resources: &[Resource<'_>]) -> (Words, Format) {
    let map = Map {
        name: "map",
        anchor: 0,
        format: R::FORMAT,
        cpu,
        policy: Policy::BLANK,
        resources,
        spaces: &[space],
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    };
    let format = format_of(&map, &map.spaces[0]);
    (words(R::TRANSLATION, R::GRANULE, &map, 0, &format), format)
}

fn control<R: Vmsa>(cpu: Cpu<'_>) -> u64 {
    derive::<R>(cpu, Space::BLANK, &[]).0.control(5, BOTH)
}

fn bits(word: u64, high: u32, low: u32) -> u64 {
    word >> low & ((1 << (high - low + 1)) - 1)
}

fn with(features: Features) -> Cpu<'static> {
    Cpu { features: Some(features), ..Cpu::BLANK }
}

#[test]
fn granules_have_two_encodings() {
    let fields = |tcr| (bits(tcr, 15, 14), bits(tcr, 31, 30));
    assert_eq!(fields(control::<El1<G4K, 39>>(Cpu::BLANK)), (0b00, 0b10));
    assert_eq!(fields(control::<El1<G16K, 47>>(Cpu::BLANK)), (0b10, 0b01));
    assert_eq!(fields(control::<El2And0<G64K, 42>>(Cpu::BLANK)), (0b01, 0b11));
    assert_eq!(bits(control::<El2<G16K, 47>>(Cpu::BLANK), 15, 14), 0b10);
    assert_eq!(bits(control::<El3<G64K, 42>>(Cpu::BLANK), 15, 14), 0b01);
    assert_eq!(bits(control::<Stage2<G16K, 40>>(Cpu::BLANK), 15, 14), 0b10);
}

#[test]
fn widths_count_down_from_64() {
    let tcr = control::<El1<G4K, 48>>(Cpu::BLANK);
    assert_eq!((bits(tcr, 5, 0), bits(tcr, 21, 16)), (16, 16));
    assert_eq!(bits(control::<El2<G4K, 36>>(Cpu::BLANK), 5, 0), 28);
    assert_eq!(bits(control::<Stage2<G4K, 40>>(Cpu::BLANK), 5, 0), 24);
}

/// `AArch64.S2StartLevel`: SL0 by granule and levels, SL2 for a start at level -1.
#[test]
fn start_levels_of_stage_2() {
    fn start<R: Vmsa>(level: Option<i32>) -> (u64, u64) {
        let vtcr = control::<R>(Cpu { start_level: level, features: Some(Features::LPA2), ..Cpu::BLANK });
        (bits(vtcr, 33, 33), bits(vtcr, 7, 6))
    }
    assert_eq!(start::<Stage2<G4K, 25>>(None), (0, 3));
    assert_eq!(start::<Stage2<G4K, 32>>(None), (0, 0));
    assert_eq!(start::<Stage2<G4K, 40>>(None), (0, 1));
    assert_eq!(start::<Stage2<G4K, 48>>(None), (0, 2));
    assert_eq!(start::<Stage2<G4K, 40>>(Some(0)), (0, 2));
    assert_eq!(start::<Stage2<G4K, 52>>(Some(-1)), (1, 0));
    assert_eq!(start::<Stage2<G16K, 29>>(None), (0, 0));
    assert_eq!(start::<Stage2<G16K, 40>>(None), (0, 1));
    assert_eq!(start::<Stage2<G16K, 47>>(None), (0, 2));
    assert_eq!(start::<Stage2<G16K, 52>>(None), (0, 3));
    assert_eq!(start::<Stage2<G64K, 30>>(None), (0, 0));
    assert_eq!(start::<Stage2<G64K, 40>>(None), (0, 1));
    assert_eq!(start::<Stage2<G64K, 48>>(None), (0, 2));
}

#[test]
fn wide_addresses_set_ds_where_the_granule_has_it() {
    let lpa2 = with(Features::LPA2);
    assert_eq!(bits(control::<El1<G4K, 52>>(lpa2), 59, 59), 1);
    assert_eq!(bits(control::<El1<G16K, 47>>(lpa2), 59, 59), 1);
    assert_eq!(bits(control::<El2<G4K, 48>>(lpa2), 32, 32), 1);
    assert_eq!(bits(control::<Stage2<G4K, 48>>(lpa2), 32, 32), 1);
    assert_eq!(bits(control::<El1<G4K, 48>>(Cpu::BLANK), 59, 59), 0);
    let (words, _) = derive::<El1<G64K, 48>>(with(Features::LPA), Space::BLANK, &[]);
    assert_eq!(bits(words.control(6, BOTH), 59, 59), 0);
    assert_eq!(bits(words.control(6, BOTH), 34, 32), 6);
    assert_eq!(words.root(0xf_1234_5678_0000), 0x1234_5678_0000 | 0xf << 2);
    let (words, _) = derive::<El1<G4K, 48>>(Cpu::BLANK, Space::BLANK, &[]);
    assert_eq!(bits(words.control(6, BOTH), 34, 32), 5, "48-bit descriptors, whatever the CPU has");
}

#[test]
fn output_sizes_are_as_declared_or_as_the_cpu_has() {
    for (declared, field) in [(32, 0), (33, 1), (36, 1), (40, 2), (42, 3), (44, 4), (48, 5)] {
        let cpu = Cpu { pa_bits: Some(declared), ..Cpu::BLANK };
        assert_eq!(bits(control::<El1<G4K, 39>>(cpu), 34, 32), field);
        assert_eq!(bits(control::<El3<G4K, 39>>(cpu), 18, 16), field);
        assert_eq!(bits(control::<Stage2<G4K, 32>>(cpu), 18, 16), field);
    }
    let (words, _) = derive::<El1<G4K, 39>>(Cpu::BLANK, Space::BLANK, &[]);
    for range in 0..6 {
        assert_eq!(bits(words.control(range, BOTH), 34, 32), range);
    }
}

#[test]
fn hardware_updates_and_identifiers() {
    let tables = Some(Tables { hw_ad: true, ..Tables::BLANK });
    let cpu = with(Features::HAFDBS.union(Features::ASID16));
    let space = Space { tables, asid: Some(0x1234), ..Space::BLANK };
    let (words, _) = derive::<El1<G4K, 39>>(cpu, space, &[]);
    assert_eq!((bits(words.tcr, 40, 39), bits(words.tcr, 36, 36)), (3, 1));
    assert_eq!(words.identifier, 0x1234 << 48);
    let (words, _) = derive::<El2<G4K, 39>>(cpu, Space { asid: None, ..space }, &[]);
    assert_eq!((bits(words.tcr, 22, 21), bits(words.tcr, 31, 31), bits(words.tcr, 23, 23)), (3, 1, 1));
    let (words, _) = derive::<Stage2<G4K, 40>>(cpu, space, &[]);
    assert_eq!((bits(words.tcr, 22, 21), bits(words.tcr, 19, 19), bits(words.tcr, 31, 31)), (3, 1, 1));
    let (words, _) = derive::<El1<G4K, 39>>(Cpu::BLANK, Space::BLANK, &[]);
    assert_eq!((bits(words.tcr, 40, 39), bits(words.tcr, 36, 36)), (0, 0));
}

/// The register and the indices in the entries come from one place.
#[test]
fn mair_holds_what_the_entries_mean() {
    let tagged = Resource { memory: MemoryType::NormalTagged, ..Resource::BLANK };
    let declared: &[u64] = &[0xff, 0x00, 0x04];
    for (cpu, resources, mair) in [
        (Cpu::BLANK, &[] as &[_], 0xee0c_08bb_0044_ff04),
        (Cpu::BLANK, &[tagged], 0xee0c_08bb_0044_fff0),
        (Cpu { mair: Some(declared), ..Cpu::BLANK }, &[], 0xee0c_08bb_0004_00ff),
    ] {
        let (words, format) = derive::<El1<G4K, 39>>(cpu, Space::BLANK, resources);
        assert_eq!(words.mair, mair, "{:#x}", words.mair);
        for memory in MemoryType::ALL {
            let bits = format.memory[0][memory as usize];
            if bits != u64::MAX {
                let index = bits >> 2 & 7;
                assert_eq!(mair >> (8 * index) & 0xff, u64::from(format.memory_register.value[memory as usize]));
            }
        }
    }
    let (words, _) = derive::<Stage2<G4K, 40>>(Cpu::BLANK, Space::BLANK, &[tagged]);
    assert_eq!(words.mair, 0);
}
