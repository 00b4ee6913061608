//! AArch64 and ARMv7.

use tablature::aarch64::{
    A64, Barrier, El1, El2, El2And0, El3, G4K, G16K, G64K, Instruction, Register, Stage2, Tlb, Translation, Vmsa,
};
use tablature::armv7::{self, A32, Lpae, LpaeStage2, Short};
use tablature::attr::Features;
use tablature::flush::{EveryCore, Id, Maintain, OneCore};
use tablature::page::{Size1M, Size2M, Size4K, Size16K, Size32M, Size64K, Size512M};
use tablature::regime::With;

use super::super::judge::{Breaks, Lost, arm, arm_level_2};
use super::super::{Family, Setting, with};
use crate::aarch64::golden::step;
use crate::aarch64::{Cached, Cpu, HOST, Sort, left};
use crate::armv7::{Owner, VMID};
use crate::common::OURS;

const RANGE: u64 = Features::TLBIRANGE.bits();
const LEVEL2: u64 = Features::BBML2.bits();
const WIDE: u64 = with(&[Features::TLBIRANGE, Features::LPA2]);

/// The operand field by field, as C5.5 has it.
fn fields(op: Instruction) -> String {
    let Instruction::Invalidate(tlb, _, word) = op else { return String::new() };
    let name = format!("{tlb:?}").to_lowercase();
    let bits = |shift: u32, count: u32| word >> shift & ((1 << count) - 1);
    if matches!(tlb, Tlb::Vmalle1 | Tlb::Vmalls12e1 | Tlb::Alle1 | Tlb::Alle2 | Tlb::Alle3) || name == "aside1" {
        return String::new();
    }
    let id = if name.contains("ipas2") { String::new() } else { format!("ASID {:#x}, ", bits(48, 16)) };
    if name.starts_with('r') {
        let (granule, scale, num, level) = (bits(46, 2), bits(44, 2), bits(39, 5), bits(37, 2));
        return format!(" ({id}TG {granule}, SCALE {scale}, NUM {num}, TTL {level}, BaseADDR {:#x})", bits(0, 37));
    }
    format!(" ({id}TTL {}, address[55:12] {:#x})", bits(44, 4), bits(0, 44))
}

/// The stores are seen before the first invalidation, and the last one has happened everywhere.
fn is_completed(ops: &[Instruction]) -> bool {
    let invalidates = |op: &Instruction| matches!(op, Instruction::Invalidate(..));
    let Some(first) = ops.iter().position(invalidates) else { return false };
    let last = ops.iter().rposition(invalidates).unwrap_or(first);
    let waits = |op: &Instruction| matches!(op, Instruction::Barrier(Barrier::Dsb(_)));
    let stores = |op: &Instruction| matches!(op, Instruction::Barrier(Barrier::DsbStores(_)));
    let synchronizes = |op: &Instruction| *op == Instruction::Barrier(Barrier::Isb);
    ops[..first].iter().any(|op| waits(op) || stores(op))
        && ops[last..].iter().any(waits)
        && ops[last..].iter().any(synchronizes)
}

fn cached(lost: Lost, stage2: bool) -> Vec<Cached> {
    let sort = if lost.pointer { Sort::Pointer } else { Sort::Leaf };
    let global = lost.global && !stage2;
    let entry = Cached { sort, start: lost.start, bytes: lost.bytes, id: OURS, global };
    // What both stages lead to is known by any address.
    let both = Cached { sort: Sort::Combined, start: 0x1234_5000, bytes: 0x1000, ..entry };
    if stage2 { vec![entry, both] } else { vec![entry] }
}

macro_rules! regimes {
    ($family:expr; $($about:literal: $regime:ty as $plain:ty, $reach:ty, $page:ty, $block:ty, $breaks:expr, $id:expr;)*) => {{
        let mut family = $family;
        $({
            let wide = <$regime as tablature::regime::Regime>::FEATURES.contains(Features::LPA2);
            family = add::<$regime, $plain, $reach, $page, $block>(family, $about, wide, $breaks, $id);
        })*
        family.finish();
    }};
}

fn add<R, V, C, P, B>(family: Family, about: &str, wide: bool, breaks: Breaks, id: Id) -> Family
where
    R: Maintain<Architecture = A64> + tablature::page::HasLeaf<P> + tablature::page::HasLeaf<B>,
    V: Vmsa,
    C: tablature::flush::Reach,
    P: tablature::page::PageSize,
    B: tablature::page::PageSize,
{
    let hcr = if V::TRANSLATION == Translation::El2And0 { HOST } else { 0 };
    let cpu = Cpu::of::<V>(wide, hcr, OURS);
    let registers: Vec<(Register, u64)> = cpu.registers().to_vec();
    let stage2 = V::TRANSLATION == Translation::Stage2;
    let step = |op| format!("{}{}", step(&cpu, op), fields(op));
    let drops = |ops: &[Instruction], lost| {
        is_completed(ops) && left(&cpu, ops, C::EVERY_CORE, &cached(lost, stage2)).is_empty()
    };
    family.regime::<R, C, P, B>(about, &Setting { id, registers, breaks, step: &step, drops: &drops })
}

const ID: Id = Id::One(OURS);

#[test]
fn transitions_of_el1_are_those_of_the_file() {
    regimes! { Family::new("engine-aarch64-el1", "AArch64 EL1&0, stage 1");
        "": El1<G4K, 39> as El1<G4K, 39>, EveryCore, Size4K, Size2M, arm, ID;
        "": El1<G4K, 39> as El1<G4K, 39>, OneCore, Size4K, Size2M, arm, ID;
        "": El1<G16K, 47> as El1<G16K, 47>, EveryCore, Size16K, Size32M, arm, ID;
        "": El1<G64K, 42> as El1<G64K, 42>, EveryCore, Size64K, Size512M, arm, ID;
    }
}

#[test]
fn transitions_with_features_are_those_of_the_file() {
    regimes! { Family::new("engine-aarch64-el1-features", "AArch64 EL1&0, stage 1, on CPUs with more");
        ", tlbirange": With<El1<G4K, 39>, RANGE> as El1<G4K, 39>, EveryCore, Size4K, Size2M, arm, ID;
        ", tlbirange": With<El1<G16K, 47>, RANGE> as El1<G16K, 47>, EveryCore, Size16K, Size32M, arm, ID;
        ", tlbirange": With<El1<G64K, 42>, RANGE> as El1<G64K, 42>, EveryCore, Size64K, Size512M, arm, ID;
        ", bbml2": With<El1<G4K, 39>, LEVEL2> as El1<G4K, 39>, EveryCore, Size4K, Size2M, arm_level_2, ID;
        ", tlbirange, lpa2": With<El1<G4K, 52>, WIDE> as El1<G4K, 52>, EveryCore, Size4K, Size2M, arm, ID;
        ", tlbirange, lpa2": With<El1<G16K, 52>, WIDE> as El1<G16K, 52>, EveryCore, Size16K, Size32M, arm, ID;
    }
}

#[test]
fn transitions_of_higher_levels_are_those_of_the_file() {
    regimes! { Family::new("engine-aarch64-el2-el3", "AArch64 EL2, EL2&0 and EL3, stage 1");
        "": El2<G4K, 40> as El2<G4K, 40>, EveryCore, Size4K, Size2M, arm, Id::Every;
        "": El2And0<G4K, 48> as El2And0<G4K, 48>, EveryCore, Size4K, Size2M, arm, ID;
        "": El3<G4K, 36> as El3<G4K, 36>, EveryCore, Size4K, Size2M, arm, Id::Every;
    }
}

#[test]
fn transitions_of_second_stages_are_those_of_the_file() {
    regimes! { Family::new("engine-aarch64-stage2", "AArch64 EL1&0, stage 2; VTTBR_EL2 holds VMID 5");
        "": Stage2<G4K, 40> as Stage2<G4K, 40>, EveryCore, Size4K, Size2M, arm, ID;
        "": Stage2<G16K, 40> as Stage2<G16K, 40>, EveryCore, Size16K, Size32M, arm, ID;
        "": Stage2<G64K, 40> as Stage2<G64K, 40>, EveryCore, Size64K, Size512M, arm, ID;
        ", tlbirange": With<Stage2<G4K, 40>, RANGE> as Stage2<G4K, 40>, EveryCore, Size4K, Size2M, arm, ID;
    }
}

fn is_completed_on_32_bits(ops: &[armv7::Instruction]) -> bool {
    use armv7::Instruction::{Dsb, DsbStores, Invalidate, Isb};
    let Some(first) = ops.iter().position(|op| matches!(op, Invalidate(..))) else { return false };
    let last = ops.iter().rposition(|op| matches!(op, Invalidate(..))).unwrap_or(first);
    ops[..first].iter().any(|op| matches!(op, Dsb(_) | DsbStores(_)))
        && ops[last..].iter().any(|op| matches!(op, Dsb(_)))
        && ops[last..].contains(&Isb)
}

fn add_32<R, B>(family: Family, owner: fn(bool) -> Owner) -> Family
where
    R: Maintain<Architecture = A32> + tablature::page::HasLeaf<Size4K> + tablature::page::HasLeaf<B>,
    B: tablature::page::PageSize,
{
    let registers = vec![(armv7::Register::Vttbr, u64::from(VMID) << 48 | 0x4000_0000)];
    let drops = |ops: &[armv7::Instruction], lost: Lost| {
        let bytes = u32::try_from(lost.bytes).expect("less than all");
        let entry = crate::armv7::Cached { start: lost.start as u32, bytes, owner: owner(lost.global) };
        is_completed_on_32_bits(ops) && crate::armv7::left(ops, true, &[entry]) == 0
    };
    let setting = Setting { id: ID, registers, breaks: arm, step: &crate::armv7::step, drops: &drops };
    family.regime::<R, EveryCore, Size4K, B>("", &setting)
}

#[test]
fn transitions_of_armv7_are_those_of_the_file() {
    let pl1 = |global| Owner::Pl1 { asid: OURS as u8, global };
    let mut family = Family::new("engine-armv7", "ARMv7-A; VTTBR holds VMID 5");
    family = add_32::<Short, Size1M>(family, pl1);
    family = add_32::<Lpae, Size2M>(family, pl1);
    family = add_32::<LpaeStage2, Size2M>(family, |_| Owner::Guest { vmid: VMID });
    family.finish();
}
