//! RISC-V and LoongArch.

use tablature::attr::Features;
use tablature::flush::{Id, Maintain, OneCore};
use tablature::loongarch64::La64;
use tablature::loongarch64::operation::{Invtlb, Op as La};
use tablature::page::{HasLeaf, PageSize, Size2M, Size4K, Size4M};
use tablature::regime::With;
use tablature::riscv::operation::Op;
use tablature::riscv::{RiscV, Sv32, Sv39, Sv39x4, Sv48, Sv57};

use super::super::judge::{Lost, never, sizes};
use super::super::{Family, Setting, with};
use crate::common::{Cached, Kind, OURS};
use crate::{loongarch64, riscv};

const ID: Id = Id::One(OURS);

fn cached(lost: Lost) -> Cached {
    let kind = if lost.pointer { Kind::Pointer } else { Kind::Leaf };
    Cached { kind, start: lost.start, bytes: lost.bytes, id: OURS, global: lost.global, core: 0 }
}

fn step(op: Op) -> String {
    let operands = |address: Option<u64>, id: Option<u16>| {
        let address = address.map_or_else(|| "x0".into(), |address| format!("{address:#x}"));
        format!("{address}, {}", id.map_or_else(|| "x0".into(), |id| format!("{id:#x}")))
    };
    let guest =
        |address: Option<u64>| address.map_or_else(String::new, |a| format!("  ; guest-physical {:#x}", a << 2));
    match op {
        Op::SfenceVma(address, id) => format!("sfence.vma {}", operands(address, id)),
        Op::HfenceGvma(address, id) => format!("hfence.gvma {}{}", operands(address, id), guest(address)),
        Op::SfenceWInval => "sfence.w.inval".into(),
        Op::SinvalVma(address, id) => format!("sinval.vma {}", operands(address, id)),
        Op::HinvalGvma(address, id) => format!("hinval.gvma {}{}", operands(address, id), guest(address)),
        Op::SfenceInvalIr => "sfence.inval.ir".into(),
        Op::Write(..) => panic!("{op:?} is no maintenance"),
    }
}

fn add<R, B>(family: Family, about: &str) -> Family
where
    R: Maintain<Architecture = RiscV> + HasLeaf<Size4K> + HasLeaf<B>,
    B: PageSize,
{
    let drops = |ops: &[Op], lost| riscv::left(riscv::stage_of(ops), ops, vec![cached(lost)]).is_empty();
    let setting = Setting { id: ID, registers: Vec::new(), breaks: never, step: &step, drops: &drops };
    family.regime::<R, OneCore, Size4K, B>(about, &setting)
}

const TYPES: u64 = Features::SVPBMT.bits();

#[test]
fn transitions_of_risc_v_are_those_of_the_file() {
    let mut family = Family::new("engine-riscv", "RISC-V");
    family = add::<Sv32, Size4M>(family, "");
    family = add::<With<Sv39, TYPES>, Size2M>(family, ", Svpbmt");
    family = add::<Sv48, Size2M>(family, "");
    family = add::<Sv57, Size2M>(family, "");
    family = add::<Sv39x4, Size2M>(family, "");
    family.finish();
}

#[test]
fn transitions_with_extensions_are_those_of_the_file() {
    const FAST: u64 = with(&[Features::SVINVAL, Features::SVPBMT]);
    const LAZY: u64 = with(&[Features::SVVPTC, Features::SVPBMT]);
    const RUNS: u64 = with(&[Features::SVNAPOT, Features::SVPBMT]);
    let mut family = Family::new("engine-riscv-extensions", "RISC-V, on harts with more");
    family = add::<With<Sv39, FAST>, Size2M>(family, ", Svinval, Svpbmt");
    family = add::<With<Sv39, LAZY>, Size2M>(family, ", Svvptc, Svpbmt");
    family = add::<With<Sv39, RUNS>, Size2M>(family, ", Svnapot, Svpbmt");
    family = add::<With<Sv39x4, { Features::SVINVAL.bits() }>, Size2M>(family, ", Svinval");
    family.finish();
}

fn loong(op: La) -> String {
    match op {
        La::Dbar => "dbar 0".into(),
        La::Invtlb(Invtlb::All) => "invtlb 0, $zero, $zero  ; everything".into(),
        La::Invtlb(Invtlb::Asid(asid)) => format!("invtlb 4, {asid:#x}, $zero  ; what of the ASID is not global"),
        La::Invtlb(Invtlb::Address { asid, virt }) => {
            format!("invtlb 5, {asid:#x}, {virt:#x}  ; what of the ASID is not global, at the address")
        }
        La::Write(..) => panic!("{op:?} is no maintenance"),
    }
}

#[test]
fn transitions_of_loongarch_are_those_of_the_file() {
    let drops = |ops: &[La], lost| loongarch64::left(ops, vec![cached(lost)]).is_empty();
    let setting = Setting { id: ID, registers: Vec::new(), breaks: sizes, step: &loong, drops: &drops };
    let family = Family::new("engine-loongarch64", "LoongArch");
    family.regime::<La64, OneCore, Size4K, Size2M>("", &setting).finish();
}
