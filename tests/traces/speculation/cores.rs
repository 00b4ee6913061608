//! What cores of each architecture remember, and which of it their instructions make them forget. The models of the
//! instructions are those beside this one.

use tablature::aarch64::{A64, Translation, Vmsa};
use tablature::armv7::{self, A32};
use tablature::attr::Features;
use tablature::flush::{Architecture, Id, Maintain};
use tablature::loongarch64::LoongArch;
use tablature::riscv::RiscV;
use tablature::x86_64::X86;
use tablature::x86_64::operation::{Op, Register};

use super::world::{Keeps, Setting};
use crate::aarch64::{self as a64, Cpu, Sort};
use crate::armv7::{Owner, VMID};
use crate::common::{Cached, Kind, OURS};
use crate::riscv::Stage;
use crate::{loongarch64, riscv as rv, x86_64};

/// One entry after the other.
fn each<A: Architecture>(keeps: impl Fn(&[A::Op], Cached) -> bool + 'static) -> Box<Keeps<A>> {
    Box::new(move |ops, cached| cached.iter().map(|entry| keeps(ops, *entry)).collect())
}

/// Everything may be cached: absent entries, too, unless the hart has Svvptc.
pub(crate) fn riscv<R: Maintain<Architecture = RiscV>>(stage: Stage, id: Id) -> Setting<RiscV> {
    Setting {
        id,
        registers: Vec::new(),
        absent: !R::FEATURES.contains(Features::SVVPTC),
        pointers: true,
        breaks: false,
        keeps: each::<RiscV>(move |ops, entry| !rv::left(stage, ops, vec![entry]).is_empty()),
    }
}

/// `hcr` is HCR_EL2, and the VMID is that of VTTBR_EL2.
pub(crate) fn aarch64<R: Maintain<Architecture = A64>, V: Vmsa>(hcr: u64, vmid: u16, id: Id) -> Setting<A64> {
    let wide = R::FORMAT.wide.is_none() && R::FEATURES.contains(Features::LPA2);
    let cpu = Cpu::of::<V>(wide, hcr, vmid);
    let keeps = move |ops: &[_], cached: &[Cached]| {
        let of = |leaf, core| {
            let entry = |entry: &Cached| a64::Cached {
                sort: if entry.kind == Kind::Leaf { leaf } else { Sort::Pointer },
                start: entry.start,
                bytes: entry.bytes,
                id: entry.id,
                global: entry.global,
            };
            a64::keeps(&cpu, ops, core != 0, &cached.iter().map(entry).collect::<Vec<_>>())
        };
        // What both stages combine may be cached beside it.
        let sorts: &[Sort] =
            if V::TRANSLATION == Translation::Stage2 { &[Sort::Leaf, Sort::Combined] } else { &[Sort::Leaf] };
        let kept: Vec<_> = sorts.iter().map(|&sort| [of(sort, 0), of(sort, 1)]).collect();
        (0..cached.len()).map(|i| kept.iter().any(|cores| cores[usize::from(cached[i].core)][i])).collect()
    };
    Setting {
        id,
        registers: cpu.registers().to_vec(),
        absent: false,
        pointers: true,
        breaks: true,
        keeps: Box::new(keeps),
    }
}

/// Whose the translations are.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Pl1,
    Pl2,
    Guest,
}

pub(crate) fn armv7(level: Level, id: Id) -> Setting<A32> {
    let keeps = move |ops: &[_], entry: Cached| {
        let asid = entry.id as u8;
        let owner = match level {
            Level::Pl1 => Owner::Pl1 { asid, global: entry.global },
            Level::Pl2 => Owner::Pl2,
            Level::Guest => Owner::Guest { vmid: asid },
        };
        let [start, bytes] = [entry.start, entry.bytes].map(|number| u32::try_from(number).expect("32 bits"));
        crate::armv7::left(ops, entry.core != 0, &[crate::armv7::Cached { start, bytes, owner }]) != 0
    };
    Setting {
        id,
        registers: vec![(armv7::Register::Vttbr, u64::from(VMID) << 48 | 0x4000_0000)],
        absent: false,
        pointers: true,
        breaks: true,
        keeps: each::<A32>(keeps),
    }
}

/// What CR3 and CR4 hold, of which only PCID, PCIDE and PGE matter.
pub(crate) fn x86(pcid: u16, cr4: u64, id: Id) -> Setting<X86> {
    let registers = x86_64::registers(pcid, cr4);
    let [(_, cr3), (_, cr4)] = registers;
    Setting {
        id,
        registers: registers.to_vec(),
        absent: false,
        pointers: true,
        breaks: false,
        keeps: each::<X86>(move |ops, entry| !x86_64::Processor::new(cr3, cr4, vec![entry]).run(ops).is_empty()),
    }
}

/// Guest-physical and combined mappings (SDM volume 3C, "Information That May Be Cached"), none of absent entries. There
/// is nothing that drops some of one EPTP.
pub(crate) fn ept() -> Setting<X86> {
    let keeps = |ops: &[Op], _| {
        ops.iter().all(|op| match op {
            Op::InveptAll => false,
            // Translations of guests are no business of INVLPG, CR3 and CR4.
            Op::Invlpg(_) | Op::Write(Register::Cr3 | Register::Cr4, _) => true,
            other => panic!("{other:?} has no business here"),
        })
    };
    let keeps = each::<X86>(keeps);
    Setting { id: Id::One(OURS), registers: Vec::new(), absent: false, pointers: true, breaks: false, keeps }
}

/// A handler of the program walks; it enters pages, and absent ones, too.
pub(crate) fn loongarch(id: Id) -> Setting<LoongArch> {
    let keeps = each::<LoongArch>(|ops, entry| !loongarch64::left(ops, vec![entry]).is_empty());
    Setting { id, registers: Vec::new(), absent: true, pointers: false, breaks: false, keeps }
}
