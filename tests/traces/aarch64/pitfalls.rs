//! Bugs that shipped elsewhere, each as a test.

use tablature::aarch64::{A64, Barrier, Domain, El1, El2, El3, G4K, G16K, G64K, Instruction, Register, Stage2, Tlb};
use tablature::attr::Features;
use tablature::flush::{Change, Duty, Extent, Id, Maintain, Scope, duty};
use tablature::regime::With;

use crate::common::trace;
use Instruction::{Barrier as Wait, Invalidate};

const ISHST: Instruction = Wait(Barrier::DsbStores(Domain::Inner));
const ISH: Instruction = Wait(Barrier::Dsb(Domain::Inner));
const ISB: Instruction = Wait(Barrier::Isb);

fn page<R: Maintain<Architecture = A64>>(duty: Duty, start: u64, id: Id) -> Vec<Instruction> {
    let stride = R::FORMAT.page_shift;
    let extent = Extent::Range { start, last: start + ((1 << stride) - 1), stride };
    let current = (Register::VttbrEl2, 5 << 48);
    trace::<R>(&Scope { duty, extent, id }, true, &[current])
}

#[test]
fn pitfall_6_every_invalidation_is_between_barriers() {
    assert_eq!(
        page::<El1<G4K, 39>>(Duty::LEAF, 0x4000_0000, Id::One(5)),
        [ISHST, Invalidate(Tlb::Vale1, Domain::Inner, 5 << 48 | 0x4_0000), ISH, ISB]
    );
    assert_eq!(page::<El1<G4K, 39>>(Duty::PUBLISH, 0x4000_0000, Id::One(5)), [ISHST, ISB]);
    let none = Scope::nothing(Id::Every);
    assert_eq!(trace::<El1<G4K, 39>>(&none, true, &[]), []);
}

#[test]
fn pitfall_7_addresses_stay_in_their_field() {
    // All bits of an upper address above the field are ones.
    let word = |ops: Vec<Instruction>| match ops[1] {
        Invalidate(_, _, word) => word,
        other => panic!("{other:?}"),
    };
    assert_eq!(word(page::<El1<G4K, 39>>(Duty::LEAF, 0xffff_ffff_ffff_f000, Id::Every)), 0xfff_ffff_ffff);
    assert_eq!(word(page::<El1<G4K, 48>>(Duty::LEAF, 0xffff_8000_0000_0000, Id::One(0x1234))), 0x1234_0ff8_0000_0000);
    assert_eq!(word(page::<El1<G4K, 48>>(Duty::WALK, 0x7fff_ffff_f000, Id::One(1))), 0x0001_0007_ffff_ffff);
    // The field counts in 4 KiB whatever the granule.
    assert_eq!(word(page::<El1<G16K, 47>>(Duty::LEAF, 0x4000_4000, Id::Every)), 0x4_0004);
    assert_eq!(word(page::<El1<G64K, 42>>(Duty::LEAF, 0x4001_0000, Id::Every)), 0x4_0010);
    // Guest-physical addresses have 52 bits at most.
    assert_eq!(word(page::<Stage2<G4K, 40>>(Duty::LEAF, 0xff_ffff_f000, Id::One(5))), 0xfff_ffff);
}

#[test]
fn pitfall_8_each_regime_has_its_own_instructions() {
    let name = |ops: &[Instruction]| match ops[1] {
        Invalidate(name, Domain::Inner, _) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(name(&page::<El1<G4K, 39>>(Duty::WALK, 0, Id::Every)), Tlb::Vaae1);
    assert_eq!(name(&page::<El2<G4K, 39>>(Duty::WALK, 0, Id::Every)), Tlb::Vae2);
    assert_eq!(name(&page::<El3<G4K, 39>>(Duty::WALK, 0, Id::Every)), Tlb::Vae3);
    // A second stage is invalidated by address, and then what both stages made of it; in this order.
    assert_eq!(
        page::<Stage2<G4K, 40>>(Duty::LEAF, 0x4000_0000, Id::One(5)),
        [
            ISHST,
            Invalidate(Tlb::Ipas2le1, Domain::Inner, 0x4_0000),
            ISH,
            Invalidate(Tlb::Vmalle1, Domain::Inner, 0),
            ISH,
            ISB
        ]
    );
    // Of another guest than the current one, by address would be by the wrong guest.
    let others = [ISHST, Invalidate(Tlb::Alle1, Domain::Inner, 0), ISH, ISB];
    assert_eq!(page::<Stage2<G4K, 40>>(Duty::LEAF, 0x4000_0000, Id::One(6)), others);
    assert_eq!(page::<Stage2<G4K, 40>>(Duty::LEAF, 0x4000_0000, Id::Every), others);
}

#[test]
fn pitfall_9_what_must_not_be_seen_beside_the_old_entry_breaks_before_it_makes() {
    let broken =
        |features: u64, change| duty(El1::<G4K, 39>::DUTIES, change, Features::from_bits(features)).before_make;
    let always = [Change::Remap, Change::Retype, Change::Globality];
    let sizes = [Change::Split, Change::Promote];
    let (one, two) = (Features::BBML1.bits(), Features::BBML1.union(Features::BBML2).bits());
    for change in Change::ALL {
        let is_size = sizes.contains(&change);
        let needs = always.contains(&change) || is_size || change == Change::Contiguous;
        assert_eq!(broken(0, change), needs, "{change:?}");
        assert_eq!(broken(one, change), needs && change != Change::Contiguous, "{change:?}");
        assert_eq!(broken(two, change), always.contains(&change), "{change:?}");
        assert_eq!(broken(Features::BBML2.bits(), change), always.contains(&change), "{change:?}");
    }
    // What replaces break-before-make is sure only if everything goes.
    const { assert!(<With<El1<G4K, 39>, { Features::BBML2.bits() }>>::RESIZES_HIDE) };
}

#[test]
fn every_duty_is_published_and_every_pointer_goes_with_its_leaves() {
    for rule in El1::<G4K, 39>::DUTIES {
        assert!(rule.duty.publish && (!rule.duty.walk || rule.duty.leaf), "{rule:?}");
        assert!(!rule.duty.before_make || rule.duty.leaf, "{rule:?}");
        assert!(rule.manual.contains("DDI 0487"), "{rule:?}");
    }
}

#[test]
fn a_range_that_is_too_long_for_addresses_is_everything_of_its_identifier() {
    let flush = |pages: u64, id| {
        let extent = Extent::Range { start: 0, last: pages * 0x1000 - 1, stride: 12 };
        trace::<El1<G4K, 39>>(&Scope { duty: Duty::LEAF, extent, id }, true, &[])
    };
    assert_eq!(flush(512, Id::One(5)).len(), 515);
    assert_eq!(flush(513, Id::One(5)), [ISHST, Invalidate(Tlb::Aside1, Domain::Inner, 5 << 48), ISH, ISB]);
    assert_eq!(flush(513, Id::Every), [ISHST, Invalidate(Tlb::Vmalle1, Domain::Inner, 0), ISH, ISB]);
}
