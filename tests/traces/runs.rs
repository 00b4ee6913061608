//! Pages side by side: what regimes execute for them is what they execute for the scope, which the models here judge.

use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use tablature::attr::Features;
use tablature::flush::{Addresses, Architecture, Duty, Extent, Id, Maintain, Recorder};
use tablature::regime::With;
use tablature::riscv::{Sv32, Sv39, Sv39x4, Sv57};
use tablature::x86_64::{Ept4, Level4};

use crate::common::{OURS, trace};

type Registers<R> = [(<<R as Maintain>::Architecture as Architecture>::Register, u64)];

/// Around each border between pages one by one and everything at once, at the ends of the address space too.
const COUNTS: [u64; 12] = [1, 2, 31, 33, 34, 63, 64, 65, 511, 512, 513, (32 << 16) + 1];

fn check<R: Maintain>(registers: &Registers<R>) {
    let shift = R::FORMAT.page_shift;
    for count in COUNTS {
        let bytes = count << shift;
        for start in [0, 0xffff_ffd0_0000_0000, 0_u64.wrapping_sub(bytes)] {
            let extent = Extent::Range { start, last: start.wrapping_add(bytes - 1), stride: shift };
            let pages = Addresses::of(&extent, u64::MAX).expect("it is a range");
            for duty in R::DUTIES.iter().map(|rule| Duty { before_make: false, ..rule.duty }) {
                for (id, every_core) in [(Id::One(OURS), false), (Id::Every, false), (Id::One(OURS), true)] {
                    let mut core = Recorder::<R::Architecture, 640>::new();
                    for (register, value) in registers {
                        core = core.with(*register, *value);
                    }
                    R::pages_with(R::FEATURES, pages, duty, id, every_core, &mut core);
                    let expected = trace::<R>(&pages.scope(duty, id).bounded(R::MANY), every_core, registers);
                    let what = format!("{count} pages at {start:#x}, {duty:?}, {id:?}");
                    assert_eq!(core.ops(), expected, "{}: {what}", R::FORMAT.name);
                }
            }
        }
    }
}

#[test]
fn a_run_of_pages_is_flushed_as_its_scope_is() {
    use tablature::aarch64::Register as A;
    use tablature::x86_64::operation::Register as X;

    const RANGES: u64 = Features::TLBIRANGE.bits();
    let vmid = [(A::VttbrEl2, u64::from(OURS) << 48)];
    check::<El1<G4K, 39>>(&[]);
    check::<El1<G16K, 47>>(&[]);
    check::<El1<G64K, 48>>(&[]);
    check::<With<El1<G4K, 39>, RANGES>>(&[]);
    check::<El2<G4K, 39>>(&[]);
    check::<El3<G4K, 39>>(&[]);
    check::<El2And0<G4K, 39>>(&[(A::HcrEl2, 1 << 34 | 1 << 27)]);
    check::<El2And0<G4K, 39>>(&[]);
    check::<Stage2<G4K, 40>>(&vmid);
    check::<With<Stage2<G4K, 40>, RANGES>>(&vmid);

    check::<Sv32>(&[]);
    check::<Sv39>(&[]);
    check::<Sv57>(&[]);
    check::<Sv39x4>(&[]);
    check::<With<Sv39, { Features::SVINVAL.bits() }>>(&[]);

    const PCIDE: u64 = 1 << 17;
    type Tagged = With<Level4, { Features::PCID.bits() }>;
    for pcid in [OURS, OURS + 1] {
        let registers = [(X::Cr3, 0x1000 | u64::from(pcid)), (X::Cr4, PCIDE | 0x80)];
        check::<Tagged>(&registers);
        check::<With<Tagged, { Features::INVPCID.bits() }>>(&registers);
        check::<With<Tagged, { Features::INVLPGB.bits() }>>(&registers);
    }
    check::<Level4>(&[]);
    check::<Ept4>(&[]);
}
