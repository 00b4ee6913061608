//! The files: one for each family of regimes, every granule, reach, identifier and kind of range.

use std::collections::BTreeSet;

use tablature::aarch64::{
    A64, Barrier, Domain, El1, El2, El2And0, El3, G4K, G16K, G64K, Instruction, Stage2, Tlb, Vmsa,
};
use tablature::attr::Features;
use tablature::flush::{Duty, Extent, Id, Maintain, Scope};
use tablature::regime::With;

use super::{Cpu, HOST, operand};
use crate::common::trace;
use crate::golden::Golden;

const RANGE: u64 = Features::TLBIRANGE.bits();
const WIDE: u64 = RANGE | Features::LPA2.bits();

/// Names as an assembler has them.
fn mnemonic(tlb: Tlb, domain: Domain) -> String {
    format!("{tlb:?}{}", if domain == Domain::Inner { "is" } else { "" }).to_lowercase()
}

pub(crate) fn step(cpu: &Cpu, op: Instruction) -> String {
    let suffix = |domain| if domain == Domain::Inner { "ish" } else { "nsh" };
    match op {
        Instruction::Barrier(Barrier::DsbStores(domain)) => format!("dsb {}st", suffix(domain)),
        Instruction::Barrier(Barrier::Dsb(domain)) => format!("dsb {}", suffix(domain)),
        Instruction::Barrier(Barrier::Isb) => "isb".into(),
        Instruction::Invalidate(tlb, domain, word) => {
            let name = format!("tlbi {}", mnemonic(tlb, domain));
            match operand(cpu, tlb, word) {
                (0, u64::MAX, 0) => name,
                (0, u64::MAX, id) => format!("{name}, {word:#018x}  ; ASID {id:#x}"),
                (start, last, 0) => format!("{name}, {word:#018x}  ; {start:#x} to {last:#x}"),
                (start, last, id) => format!("{name}, {word:#018x}  ; ASID {id:#x}, {start:#x} to {last:#x}"),
            }
        }
        other => panic!("{other:?} is no maintenance"),
    }
}

/// A file in the making.
struct Family {
    golden: Golden,
    used: BTreeSet<String>,
}

impl Family {
    fn new<R: Maintain<Architecture = A64>>(name: &'static str, about: &str) -> Self {
        let mut golden = Golden::new(name, about);
        golden.duties(R::DUTIES);
        Self { golden, used: BTreeSet::new() }
    }

    /// Every kind of flush of one regime on one CPU.
    fn regime<R: Maintain<Architecture = A64>, V: Vmsa>(mut self, features: &str, hcr: u64, ids: &[Id]) -> Self {
        let (format, name) = (R::FORMAT, R::FORMAT.name);
        let cpu = Cpu::of::<V>(format.wide.is_none() && R::FEATURES.contains(Features::LPA2), hcr, 5);
        let host = if hcr == HOST { ", HCR_EL2.TGE set" } else { "" };
        self.golden.heading(&format!("{name}{features}{host}"));
        let page = 1 << format.page_shift;
        let block = format.level[1].shift;
        let mut bases = vec![("", 0x4000_0000)];
        if let Some(upper) = format.upper_start() {
            bases.push(("upper ", upper + 0x4000_0000));
        }
        for every_core in [true, false] {
            let reach = if every_core { "every core" } else { "one core" };
            let mut flush = |label: String, duty, extent, id| {
                let scope = Scope { duty, extent, id };
                let ops = trace::<R>(&scope.bounded(R::MANY), every_core, &cpu.registers());
                for op in &ops {
                    if let Instruction::Invalidate(tlb, domain, _) = op {
                        self.used.insert(mnemonic(*tlb, *domain));
                    }
                }
                self.golden.trace(format!("{reach}, {label}"), ops.into_iter().map(|op| step(&cpu, op)));
            };
            flush("publish".into(), Duty::PUBLISH, Extent::Nowhere, Id::Every);
            for &id in ids {
                for (duty, kind) in [(Duty::LEAF, "leaf"), (Duty::WALK, "walk")] {
                    for (half, base) in &bases {
                        let range =
                            |bytes: u64, stride| Extent::Range { start: *base, last: base + (bytes - 1), stride };
                        let many = range(1 << (format.page_shift + 12), format.page_shift);
                        let cases = [
                            ("page", range(page, format.page_shift)),
                            ("three pages", range(3 * page, format.page_shift)),
                            ("block", range(1 << block, block)),
                            ("two blocks", range(2 << block, block)),
                            ("4096 pages", many),
                        ];
                        for (what, extent) in cases {
                            flush(format!("{kind}, {id:x?}, {half}{what}"), duty, extent, id);
                        }
                    }
                    flush(format!("{kind}, {id:x?}, everything"), duty, Extent::Everywhere, id);
                }
            }
        }
        self
    }

    fn finish(mut self) {
        self.golden.heading("Where the instructions stand (DDI 0487 J.a)");
        self.golden.line("the order           K \"TLB maintenance instructions and barriers\"");
        self.golden.line("dsb, isb            C6.2 \"DSB\", \"ISB\"");
        for name in self.used {
            self.golden.line(format_args!("tlbi {name:<14} C5.5 \"TLBI {}\"", name.to_uppercase()));
        }
        self.golden.finish();
    }
}

const IDS: &[Id] = &[Id::One(5), Id::Every];
const NO_IDS: &[Id] = &[Id::Every];

#[test]
fn el1_does_what_the_file_says() {
    Family::new::<El1<G4K, 39>>("aarch64-el1", "AArch64 EL1&0, stage 1")
        .regime::<El1<G4K, 39>, El1<G4K, 39>>("", 0, IDS)
        .regime::<El1<G16K, 47>, El1<G16K, 47>>("", 0, IDS)
        .regime::<El1<G64K, 42>, El1<G64K, 42>>("", 0, IDS)
        .regime::<With<El1<G4K, 39>, RANGE>, El1<G4K, 39>>(", tlbirange", 0, IDS)
        .regime::<With<El1<G16K, 47>, RANGE>, El1<G16K, 47>>(", tlbirange", 0, IDS)
        .regime::<With<El1<G64K, 42>, RANGE>, El1<G64K, 42>>(", tlbirange", 0, IDS)
        .regime::<With<El1<G4K, 52>, WIDE>, El1<G4K, 52>>(", tlbirange, lpa2", 0, IDS)
        .regime::<With<El1<G16K, 52>, WIDE>, El1<G16K, 52>>(", tlbirange, lpa2", 0, IDS)
        .finish();
}

#[test]
fn el2_does_what_the_file_says() {
    Family::new::<El2<G4K, 40>>("aarch64-el2", "AArch64 EL2, stage 1")
        .regime::<El2<G4K, 40>, El2<G4K, 40>>("", 0, NO_IDS)
        .regime::<El2<G16K, 40>, El2<G16K, 40>>("", 0, NO_IDS)
        .regime::<El2<G64K, 42>, El2<G64K, 42>>("", 0, NO_IDS)
        .regime::<With<El2<G4K, 40>, RANGE>, El2<G4K, 40>>(", tlbirange", 0, NO_IDS)
        .finish();
}

#[test]
fn a_host_at_el2_does_what_the_file_says() {
    Family::new::<El2And0<G4K, 48>>("aarch64-el2-and-0", "AArch64 EL2&0, stage 1")
        .regime::<El2And0<G4K, 48>, El2And0<G4K, 48>>("", 1 << 34, IDS)
        .regime::<El2And0<G4K, 48>, El2And0<G4K, 48>>("", HOST, IDS)
        .regime::<El2And0<G16K, 48>, El2And0<G16K, 48>>("", HOST, IDS)
        .regime::<El2And0<G64K, 48>, El2And0<G64K, 48>>("", HOST, IDS)
        .regime::<With<El2And0<G4K, 48>, RANGE>, El2And0<G4K, 48>>(", tlbirange", HOST, IDS)
        .finish();
}

#[test]
fn el3_does_what_the_file_says() {
    Family::new::<El3<G4K, 36>>("aarch64-el3", "AArch64 EL3, stage 1")
        .regime::<El3<G4K, 36>, El3<G4K, 36>>("", 0, NO_IDS)
        .regime::<El3<G16K, 36>, El3<G16K, 36>>("", 0, NO_IDS)
        .regime::<El3<G64K, 36>, El3<G64K, 36>>("", 0, NO_IDS)
        .regime::<With<El3<G4K, 36>, RANGE>, El3<G4K, 36>>(", tlbirange", 0, NO_IDS)
        .finish();
}

#[test]
fn second_stages_do_what_the_file_says() {
    Family::new::<Stage2<G4K, 40>>("aarch64-stage2", "AArch64 EL1&0, stage 2; VTTBR_EL2 holds VMID 5")
        .regime::<Stage2<G4K, 40>, Stage2<G4K, 40>>("", 0, &[Id::One(5), Id::One(6), Id::Every])
        .regime::<Stage2<G4K, 40>, Stage2<G4K, 40>>("", HOST, IDS)
        .regime::<Stage2<G16K, 40>, Stage2<G16K, 40>>("", 0, IDS)
        .regime::<Stage2<G64K, 40>, Stage2<G64K, 40>>("", 0, IDS)
        .regime::<With<Stage2<G4K, 40>, RANGE>, Stage2<G4K, 40>>(", tlbirange", 0, IDS)
        .regime::<With<Stage2<G16K, 40>, WIDE>, Stage2<G16K, 40>>(", tlbirange, lpa2", 0, IDS)
        .finish();
}
