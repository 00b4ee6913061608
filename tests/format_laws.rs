//! The laws of formats: those of this crate obey them, and each law is broken by the change that it is there for.

use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use tablature::attr::Features;
use tablature::format::{AddressField, Format, Law, Pattern};
use tablature::regime::Regime;
use tablature::{armv7, loongarch64, riscv, x86, x86_64};

const BASE: Format = x86_64::Level4::FORMAT;

#[test]
fn every_format_of_this_crate_is_lawful() {
    let formats = [
        <El1<G4K, 16> as Regime>::FORMAT,
        <El1<G4K, 48> as Regime>::FORMAT,
        <El1<G16K, 47> as Regime>::FORMAT,
        <El1<G64K, 52> as Regime>::FORMAT,
        <El2<G4K, 52> as Regime>::FORMAT,
        <El3<G4K, 39> as Regime>::FORMAT,
        <El2And0<G16K, 36> as Regime>::FORMAT,
        <Stage2<G4K, 40> as Regime>::FORMAT,
        <Stage2<G64K, 48> as Regime>::FORMAT,
        armv7::Short::FORMAT,
        armv7::Lpae::FORMAT,
        armv7::LpaeHyp::FORMAT,
        <armv7::LpaeStage2>::FORMAT,
        riscv::Sv32::FORMAT,
        riscv::Sv39::FORMAT,
        riscv::Sv39C9xx::FORMAT,
        riscv::Sv48::FORMAT,
        riscv::Sv57::FORMAT,
        riscv::Sv39x4::FORMAT,
        riscv::Sv48x4::FORMAT,
        x86_64::Level4::FORMAT,
        x86_64::Level5::FORMAT,
        x86_64::Ept4::FORMAT,
        x86_64::Ept5::FORMAT,
        x86::Legacy32::FORMAT,
        x86::Pae::FORMAT,
        loongarch64::La64::FORMAT,
    ];
    for format in formats {
        assert_eq!(format.broken_law(), None, "{}", format.name);
    }
}

/// Each of these is `BASE` with one thing wrong.
#[test]
fn each_law_is_broken_by_what_it_is_there_for() {
    let with = |change: fn(&mut Format)| {
        let mut format = BASE;
        change(&mut format);
        format.broken_law()
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|f| f.levels = 0), Some(Law::LevelCount));
    assert_eq!(with(|f| f.levels = 7), Some(Law::LevelCount));
    assert_eq!(with(|f| f.levels = 5), Some(Law::LevelCount));
    assert_eq!(with(|f| f.entry_bytes = 16), Some(Law::EntryBytes));
    assert_eq!(with(|f| f.level[1].shift = 20), Some(Law::LevelsContiguous));
    assert_eq!(with(|f| f.page_shift = 13), Some(Law::LevelsContiguous));
    assert_eq!(with(|f| f.table_shift = 11), Some(Law::TableSize));
    assert_eq!(with(|f| f.input_bits = 49), Some(Law::TableSize));
    assert_eq!(with(|f| f.range_bits = 46), Some(Law::InputWidth));
    assert_eq!(with(|f| f.input_bits = 39), Some(Law::InputWidth));
    assert_eq!(with(|f| f.upper_half = false), Some(Law::InputWidth));
    assert_eq!(with(|f| f.max_output_bits = 53), Some(Law::AddressField));
    assert_eq!(with(|f| f.address = AddressField::in_place(0xf_ffff_ffff_e000)), Some(Law::AddressField));
    assert_eq!(with(|f| f.software = (8, 3)), Some(Law::LeafFields));
    assert_eq!(with(|f| f.guarded = 1 << 63), Some(Law::LeafFields));
    assert_eq!(with(|f| f.level[2].table_set |= 1 << 12), Some(Law::PointerFields));
    assert_eq!(with(|f| f.entry_bytes = 4), Some(Law::EntryWidth));
    assert_eq!(with(|f| f.rights_mask = 0x6), Some(Law::Rights));
    assert_eq!(with(|f| f.rights = [u64::MAX; 64]), Some(Law::Rights));
    assert_eq!(with(|f| f.memory_mask[1] = 0x18), Some(Law::MemoryTypes));
    assert_eq!(with(|f| f.level[0].leaf = Pattern { mask: 3, value: 1 }), Some(Law::LeafPattern));
    assert_eq!(with(|f| f.level[1].leaf_set = 1), Some(Law::LeafPattern));
    assert_eq!(with(|f| f.level[1].table.mask = 1), Some(Law::LeafIsNoPointer));
    assert_eq!(with(|f| f.level[1].table.value = 0x81), Some(Law::TablePattern));
    assert_eq!(with(|f| f.present = 0), Some(Law::Present));
    assert_eq!(with(|f| f.present = 1 << 62), Some(Law::Present));
    assert_eq!(with(|f| f.runs[0].size = 4096), Some(Law::Runs));
    assert_eq!(with(|f| f.runs[0].size = 3 << 14), Some(Law::Runs));
    assert_eq!(with(|f| f.runs[0].size = 4 << 20), Some(Law::Runs));
    assert_eq!(with(|f| f.software = (52, 9)), Some(Law::Software));
    assert_eq!(with(|f| f.wide = Some((Features::NONE, &BASE))), Some(Law::Wide));
}
