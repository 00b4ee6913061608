//! ARMv7: `DSB; TLBI…; BPIALL; DSB; ISB`, judged by a decoder of its own (DDI 0406, B4.2 "TLB maintenance operations").

use std::collections::BTreeSet;

use proptest::prelude::*;
use tablature::armv7::{A32, Domain, Instruction, Lpae, LpaeHyp, LpaeStage2, Register, Short, Tlb};
use tablature::flush::{Change, Duty, Extent, Id, Maintain, Scope, duty};

use crate::common::trace;
use crate::golden::Golden;

/// Whose translations a core has cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// PL1&0, of the current VMID.
    Pl1 { asid: u8, global: bool },
    /// PL2.
    Pl2,
    /// Both stages of PL1&0.
    Guest { vmid: u8 },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cached {
    pub(crate) start: u32,
    pub(crate) bytes: u32,
    pub(crate) owner: Owner,
}

/// The VMID in VTTBR of every test.
pub(crate) const VMID: u8 = 5;

/// Whether the operation, in Hyp mode for what is not PL1's, drops the entry.
fn drops(tlb: Tlb, word: u32, cached: &Cached) -> bool {
    let here = (word & !0xfff) >= cached.start && (word & !0xfff) - cached.start < cached.bytes;
    let asid = (word & 0xff) as u8;
    match (tlb, cached.owner) {
        (Tlb::All, Owner::Pl1 { .. }) | (Tlb::AllNsnh, Owner::Pl1 { .. } | Owner::Guest { .. }) => true,
        (Tlb::All, Owner::Guest { vmid }) => vmid == VMID,
        (Tlb::Asid, Owner::Pl1 { asid: of, global }) => of == asid && !global,
        (Tlb::Mva, Owner::Pl1 { asid: of, global }) => here && (global || of == asid),
        (Tlb::Mvaa, Owner::Pl1 { .. }) => here,
        (Tlb::AllH, Owner::Pl2) => true,
        (Tlb::MvaH, Owner::Pl2) => here,
        _ => false,
    }
}

pub(crate) fn left(ops: &[Instruction], elsewhere: bool, cached: &[Cached]) -> usize {
    let mut cached = cached.to_vec();
    for op in ops {
        if let Instruction::Invalidate(tlb, domain, word) = *op
            && (domain == Domain::Inner || !elsewhere)
        {
            cached.retain(|entry| !drops(tlb, word, entry));
        }
    }
    cached.len()
}

fn run<R: Maintain<Architecture = A32>>(scope: &Scope, every_core: bool) -> Vec<Instruction> {
    trace::<R>(&scope.bounded(R::MANY), every_core, &[(Register::Vttbr, u64::from(VMID) << 48 | 0x4000_0000)])
}

/// `DSB ISHST; TLBI…; BPIALLIS; DSB ISH; ISB`, all of one domain.
fn is_ordered(ops: &[Instruction], every_core: bool) -> bool {
    let domain = if every_core { Domain::Inner } else { Domain::Local };
    let [first, middle @ .., branches, last, Instruction::Isb] = ops else { return false };
    let invalidates = |op: &Instruction| matches!(op, Instruction::Invalidate(_, reach, _) if *reach == domain);
    *first == Instruction::DsbStores(domain)
        && middle.iter().all(invalidates)
        && *branches == Instruction::InvalidateBranches(domain)
        && *last == Instruction::Dsb(domain)
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    duty: Duty,
    every_core: bool,
    id: Id,
    first: u32,
    count: u32,
    level: usize,
}

fn trials() -> impl Strategy<Value = Trial> {
    let id = prop_oneof![Just(Id::Every), Just(Id::One(5)), Just(Id::One(6))];
    let duty = prop_oneof![Just(Duty::LEAF), Just(Duty::WALK)];
    let count = prop_oneof![1u32..4, 1u32..300];
    (duty, any::<bool>(), id, any::<u32>(), count, 0usize..2)
        .prop_map(|(duty, every_core, id, first, count, level)| Trial { duty, every_core, id, first, count, level })
}

fn check<R: Maintain<Architecture = A32>>(trial: &Trial, owners: impl Fn(u8) -> Vec<Owner>) {
    let stride = R::FORMAT.level[trial.level].shift;
    let leaves = 1u64 << (32 - stride);
    let count = u64::from(trial.count).min(leaves);
    let start = (u64::from(trial.first) % leaves).min(leaves - count) << stride;
    let extent = Extent::Range { start, last: start + (count << stride) - 1, stride };
    let ops = run::<R>(&Scope { duty: trial.duty, extent, id: trial.id }, trial.every_core);
    assert!(is_ordered(&ops, trial.every_core), "{trial:?} {ops:x?}");
    let ids = if let Id::One(id) = trial.id { vec![id as u8] } else { vec![5, 6] };
    let mut stale = Vec::new();
    for index in [0, count / 2, count - 1] {
        let start = (start + (index << stride)) as u32;
        for owner in ids.iter().flat_map(|&id| owners(id)) {
            stale.push(Cached { start, bytes: 1 << stride, owner });
        }
    }
    if trial.id != Id::Every {
        // Global leaves belong to every space.
        stale.retain(|entry| !matches!(entry.owner, Owner::Pl1 { global: true, .. }));
    }
    assert_eq!(left(&ops, false, &stale), 0, "{trial:?} {ops:x?}");
    assert_eq!(left(&ops, true, &stale) == 0, trial.every_core, "{trial:?} {ops:x?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stale_is_left_anywhere(trial in trials()) {
        let pl1 = |asid| vec![Owner::Pl1 { asid, global: false }, Owner::Pl1 { asid, global: true }];
        check::<Lpae>(&trial, pl1);
        check::<Short>(&trial, pl1);
        check::<LpaeHyp>(&trial, |_| vec![Owner::Pl2]);
        check::<LpaeStage2>(&trial, |vmid| vec![Owner::Guest { vmid }]);
    }
}

#[test]
fn every_change_is_published_and_what_conflicts_breaks_before_it_makes() {
    let breaks = [Change::Remap, Change::Retype, Change::Contiguous, Change::Globality, Change::Split, Change::Promote];
    for change in Change::ALL {
        let owed = duty(Lpae::DUTIES, change, tablature::attr::Features::NONE);
        assert!(owed.publish, "{change:?}");
        assert_eq!(owed.before_make, breaks.contains(&change), "{change:?}");
    }
}

fn mnemonic(tlb: Tlb, domain: Domain) -> String {
    format!("TLBI{tlb:?}{}", if domain == Domain::Inner { "is" } else { "" }).to_uppercase()
}

pub(crate) fn step(op: Instruction) -> String {
    let suffix = |domain| if domain == Domain::Inner { "ISH" } else { "NSH" };
    match op {
        Instruction::DsbStores(domain) => format!("DSB {}ST", suffix(domain)),
        Instruction::Dsb(domain) => format!("DSB {}", suffix(domain)),
        Instruction::Isb => "ISB".into(),
        Instruction::InvalidateBranches(Domain::Inner) => "BPIALLIS".into(),
        Instruction::InvalidateBranches(Domain::Local) => "BPIALL".into(),
        Instruction::Invalidate(tlb, domain, word) => {
            let name = mnemonic(tlb, domain);
            match tlb {
                Tlb::Mva => format!("{name} {word:#010x}  ; ASID {:#x}, {:#x}", word & 0xff, word & !0xfff),
                Tlb::Mvaa | Tlb::MvaH => format!("{name} {word:#010x}  ; {:#x}", word & !0xfff),
                Tlb::Asid => format!("{name} {word:#010x}  ; ASID {word:#x}"),
                _ => name,
            }
        }
        Instruction::Write(..) | Instruction::InvalidateInstructions => panic!("{op:?} is no maintenance"),
    }
}

fn regime<R: Maintain<Architecture = A32>>(golden: &mut Golden, used: &mut BTreeSet<String>, ids: &[Id]) {
    let format = R::FORMAT;
    golden.heading(format.name);
    let range = |bytes: u64, stride| Extent::Range { start: 0x4000_0000, last: 0x4000_0000 + bytes - 1, stride };
    let block = format.level[1].shift;
    for every_core in [true, false] {
        let reach = if every_core { "every core" } else { "one core" };
        let publish = Scope { duty: Duty::PUBLISH, extent: Extent::Nowhere, id: Id::Every };
        golden.trace(format!("{reach}, publish"), run::<R>(&publish, every_core).into_iter().map(step));
        for &id in ids {
            for (duty, kind) in [(Duty::LEAF, "leaf"), (Duty::WALK, "walk")] {
                let cases = [
                    ("page", range(0x1000, 12)),
                    ("three pages", range(0x3000, 12)),
                    ("two blocks", range(2 << block, block)),
                    ("129 pages", range(129 << 12, 12)),
                    ("everything", Extent::Everywhere),
                ];
                for (what, extent) in cases {
                    let ops = run::<R>(&Scope { duty, extent, id }, every_core);
                    for op in &ops {
                        if let Instruction::Invalidate(tlb, domain, _) = op {
                            used.insert(mnemonic(*tlb, *domain));
                        }
                    }
                    golden.trace(format!("{reach}, {kind}, {id:x?}, {what}"), ops.into_iter().map(step));
                }
            }
        }
    }
}

#[test]
fn armv7_does_what_the_file_says() {
    let mut golden = Golden::new("armv7", "ARMv7-A; VTTBR holds VMID 5");
    golden.duties(Lpae::DUTIES);
    let mut used = BTreeSet::new();
    let ids = [Id::One(5), Id::Every];
    regime::<Lpae>(&mut golden, &mut used, &ids);
    regime::<Short>(&mut golden, &mut used, &ids);
    regime::<LpaeHyp>(&mut golden, &mut used, &[Id::Every]);
    regime::<LpaeStage2>(&mut golden, &mut used, &[Id::One(5), Id::One(6), Id::Every]);
    golden.heading("Where the operations stand (DDI 0406)");
    golden.line("the order, BPIALL   B3.10 \"General TLB maintenance requirements\"");
    golden.line("DSB, ISB            A8.8 \"DSB\", \"ISB\"");
    for name in used {
        golden.line(format_args!("{name:<19} B4.2 \"TLB maintenance operations\""));
    }
    golden.finish();
}
