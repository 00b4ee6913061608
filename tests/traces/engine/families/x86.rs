//! x86, in both modes, and extended page tables.

use tablature::attr::Features;
use tablature::flush::{EveryCore, Id, Maintain, OneCore, Reach};
use tablature::page::{HasLeaf, PageSize, Size2M, Size4K, Size4M};
use tablature::regime::With;
use tablature::x86::{Legacy32, Pae};
use tablature::x86_64::operation::{Invlpgb, Invpcid, Op, Register};
use tablature::x86_64::{Ept4, Level4, Level5, X86};

use super::super::judge::{Lost, never};
use super::super::{Family, Setting};
use crate::common::{Cached, Kind, OURS, THEIRS};
use crate::x86_64::{Processor, Registers, registers};

const INVPCID: u64 = Features::INVPCID.bits();
const INVLPGB: u64 = Features::INVLPGB.bits();
const PCID: u64 = Features::PCID.bits();
const PGE: u64 = 1 << 7;
const PCIDE: u64 = 1 << 17;

fn step(op: Op) -> String {
    match op {
        Op::Write(register, value) => format!("mov {}, {value:#x}", format!("{register:?}").to_lowercase()),
        Op::Invlpg(linear) => format!("invlpg {linear:#x}"),
        Op::Invpcid(Invpcid::Address { pcid, linear }) => {
            format!("invpcid 0  ; PCID[11:0] {pcid:#x}, linear address[127:64] {linear:#x}")
        }
        Op::Invpcid(Invpcid::Context { pcid }) => format!("invpcid 1  ; PCID[11:0] {pcid:#x}"),
        Op::Invpcid(Invpcid::All) => "invpcid 2  ; everything".into(),
        Op::Invlpgb(Invlpgb { rax, ecx, edx }) => {
            let flag = |bit: u32| rax >> bit & 1;
            let flags = format!("VA {}, PCID {}, ASID {}", flag(0), flag(1), flag(2));
            let more = format!("global {}, final only {}", flag(3), flag(4));
            format!(
                "invlpgb rax {rax:#x}, ecx {ecx:#x}, edx {edx:#x}  ; {:#x}, valid: {flags}; {more}; PCID {:#x}, ASID {:#x}",
                rax & !0xfff,
                edx >> 16,
                edx & 0xffff
            )
        }
        Op::Tlbsync => "tlbsync".into(),
        Op::InveptAll => "invept 2  ; every EPTP".into(),
    }
}

fn add<R, C, B>(family: Family, about: &str, id: Id, state: Registers) -> Family
where
    R: Maintain<Architecture = X86> + HasLeaf<Size4K> + HasLeaf<B>,
    C: Reach,
    B: PageSize,
{
    let drops = |ops: &[Op], lost: Lost| {
        let kind = if lost.pointer { Kind::Pointer } else { Kind::Leaf };
        let entry = |core| {
            let own = if let Id::One(id) = id { id } else { OURS };
            Cached { kind, start: lost.start, bytes: lost.bytes, id: own, global: lost.global, core }
        };
        let mut all = vec![entry(0)];
        if C::EVERY_CORE {
            all.push(entry(1));
        }
        Processor::new(state[0].1, state[1].1, all).run(ops).is_empty()
    };
    let registers = state.to_vec();
    family.regime::<R, C, Size4K, B>(about, &Setting { id, registers, breaks: never, step: &step, drops: &drops })
}

fn add_extended<R: Maintain<Architecture = X86> + HasLeaf<Size4K> + HasLeaf<Size2M>>(family: Family) -> Family {
    let drops = |ops: &[Op], _: Lost| ops.contains(&Op::InveptAll);
    let registers: Vec<(Register, u64)> = Vec::new();
    let setting = Setting { id: Id::Every, registers, breaks: never, step: &step, drops: &drops };
    family.regime::<R, OneCore, Size4K, Size2M>("", &setting)
}

const OURS_NOW: Registers = registers(OURS, PGE | PCIDE);
const THEIRS_NOW: Registers = registers(THEIRS, PGE | PCIDE);
const ID: Id = Id::One(OURS);

#[test]
fn transitions_of_long_mode_are_those_of_the_file() {
    let mut family = Family::new("engine-x86-64", "x86-64");
    family = add::<Level4, OneCore, Size2M>(family, ", no PCIDs", Id::One(0), registers(0, PGE));
    family = add::<Level5, OneCore, Size2M>(family, ", no PCIDs", Id::One(0), registers(0, PGE));
    family = add::<With<Level4, PCID>, OneCore, Size2M>(family, ", PCID 5 is current", ID, OURS_NOW);
    family = add::<With<Level4, PCID>, OneCore, Size2M>(family, ", PCID 9 is current", ID, THEIRS_NOW);
    family.finish();
}

#[test]
fn transitions_with_features_are_those_of_the_file() {
    let mut family = Family::new("engine-x86-64-features", "x86-64, on CPUs with more");
    family =
        add::<With<Level4, { INVPCID | PCID }>, OneCore, Size2M>(family, ", INVPCID, PCID 5 is current", ID, OURS_NOW);
    family = add::<With<Level4, { INVPCID | PCID }>, OneCore, Size2M>(
        family,
        ", INVPCID, PCID 9 is current",
        ID,
        THEIRS_NOW,
    );
    family = add::<With<Level4, { INVLPGB | PCID }>, EveryCore, Size2M>(
        family,
        ", INVLPGB, PCID 5 is current",
        ID,
        OURS_NOW,
    );
    family.finish();
}

#[test]
fn transitions_of_32_bits_and_of_extended_tables_are_those_of_the_file() {
    type Large = With<Ept4, { Features::EPT_2M.bits() }>;
    let mut family = Family::new("engine-x86-others", "x86 in 32-bit mode, and extended page tables");
    family = add::<Legacy32, OneCore, Size4M>(family, "", Id::One(0), registers(0, PGE));
    family = add::<Pae, OneCore, Size2M>(family, "", Id::One(0), registers(0, PGE));
    family = add_extended::<Large>(family);
    family.finish();
}
