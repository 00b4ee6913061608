//! RISC-V: `sfence.vma` and `hfence.gvma`, with and without Svinval and Svvptc.

use tablature::attr::Features;
use tablature::flush::{Change, Duty, Extent, Id, Maintain, Scope, duty};
use tablature::regime::With;
use tablature::riscv::operation::Op;
use tablature::riscv::{RiscV, Sv32, Sv39, Sv39x4, Sv48, Sv48x4, Sv57};

use crate::common::{Cached, Case, Kind, OURS, cases, trace};

const SVINVAL: u64 = Features::SVINVAL.bits();
const SVVPTC: u64 = Features::SVVPTC.bits();

/// Which register the translations come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Supervisor,
    Guest,
}

/// Whether the instruction drops the entry, as the manual words it. `None` is `x0`.
fn drops(address: Option<u64>, identifier: Option<u16>, cached: &Cached) -> bool {
    let here = match address {
        None => true,
        // With an address, leaf entries alone.
        Some(address) => cached.kind == Kind::Leaf && cached.covers(address),
    };
    // With an identifier, all but global mappings.
    here && identifier.is_none_or(|id| id == cached.id && !cached.global)
}

/// What is left of `cached`, all of one core, after the instructions.
pub(crate) fn left(stage: Stage, ops: &[Op], mut cached: Vec<Cached>) -> Vec<Cached> {
    let mut drop = |address, id| cached.retain(|entry| !drops(address, id, entry));
    let mut batch: Option<Vec<(Option<u64>, Option<u16>)>> = None;
    for op in ops {
        match (*op, stage) {
            (Op::SfenceVma(address, id), Stage::Supervisor) => drop(address, id),
            (Op::HfenceGvma(address, id), Stage::Guest) => drop(address.map(|shifted| shifted << 2), id),
            (Op::SfenceWInval, _) => assert!(batch.replace(Vec::new()).is_none(), "a batch in a batch"),
            (Op::SinvalVma(address, id), Stage::Supervisor) => {
                batch.as_mut().expect("an invalidation that no fence orders").push((address, id));
            }
            (Op::HinvalGvma(address, id), Stage::Guest) => {
                let address = address.map(|shifted| shifted << 2);
                batch.as_mut().expect("an invalidation that no fence orders").push((address, id));
            }
            (Op::SfenceInvalIr, _) => {
                for (address, id) in batch.take().expect("the end of no batch") {
                    drop(address, id);
                }
            }
            (other, _) => panic!("{other:?} has no business here"),
        }
    }
    assert!(batch.is_none(), "a batch that does not end");
    cached
}

/// Which stage the instructions are for.
pub(crate) fn stage_of(ops: &[Op]) -> Stage {
    let guest = ops.iter().any(|op| matches!(op, Op::HfenceGvma(..) | Op::HinvalGvma(..)));
    if guest { Stage::Guest } else { Stage::Supervisor }
}

/// A change of a pointer is seen by walks of any address below it; an entry may be cached while it is invalid.
fn is_stale(change: Change, svvptc: bool) -> (bool, bool) {
    match change {
        Change::Map | Change::Link if svvptc => (false, false),
        Change::Link | Change::Unlink | Change::Split | Change::Promote => (true, true),
        _ => (true, false),
    }
}

fn check<R: Maintain<Architecture = RiscV>>(stage: Stage, large: u32) {
    for case in cases(large) {
        let scope = case.scope::<R>();
        let ops = trace::<R>(&scope, case.every_core, &[]);
        let (leaf, pointers) = is_stale(case.change, R::FEATURES.contains(Features::SVVPTC));
        assert_eq!(ops.is_empty(), !leaf, "{case:?}");
        assert_eq!(left(stage, &ops, case.stale(leaf, pointers, false)), [], "{case:?}: {ops:?}");
        if case.is_small() && !pointers {
            let bystanders = case.bystanders();
            assert_eq!(left(stage, &ops, bystanders.clone()), bystanders, "{case:?}: {ops:?}");
        }
        assert!(!scope.duty.before_make, "{case:?}");
    }
    assert!(!R::BROADCASTS, "a fence is one hart's");
}

#[test]
fn no_stale_translation_is_left_and_no_other_is_lost() {
    check::<Sv32>(Stage::Supervisor, 22);
    check::<Sv39>(Stage::Supervisor, 21);
    check::<Sv48>(Stage::Supervisor, 21);
    check::<Sv57>(Stage::Supervisor, 21);
    check::<Sv39x4>(Stage::Guest, 21);
    check::<Sv48x4>(Stage::Guest, 21);
}

#[test]
fn nor_with_extensions() {
    check::<With<Sv39, SVINVAL>>(Stage::Supervisor, 21);
    check::<With<Sv48, SVVPTC>>(Stage::Supervisor, 21);
    check::<With<With<Sv57, SVVPTC>, SVINVAL>>(Stage::Supervisor, 30);
    check::<With<Sv39x4, SVINVAL>>(Stage::Guest, 21);
    check::<With<With<Sv48x4, SVINVAL>, SVVPTC>>(Stage::Guest, 21);
}

const fn pages(start: u64, count: u64) -> Extent {
    Extent::Range { start, last: start + count * 0x1000 - 1, stride: 12 }
}

fn leaf<R: Maintain<Architecture = RiscV>>(extent: Extent, id: Id) -> Vec<Op> {
    trace::<R>(&Scope { duty: Duty::LEAF, extent, id }, false, &[])
}

#[test]
fn one_page_is_one_fence() {
    let (page, ours) = (pages(0x4000_1000, 1), Id::One(OURS));
    assert_eq!(leaf::<Sv39>(page, ours), [Op::SfenceVma(Some(0x4000_1000), Some(5))]);
    assert_eq!(leaf::<Sv39>(page, Id::Every), [Op::SfenceVma(Some(0x4000_1000), None)]);
    assert_eq!(leaf::<With<Sv39, SVINVAL>>(page, ours), [Op::SfenceVma(Some(0x4000_1000), Some(5))]);
    assert_eq!(leaf::<Sv39x4>(page, ours), [Op::HfenceGvma(Some(0x1000_0400), Some(5))]);
    assert_eq!(leaf::<Sv39x4>(page, Id::Every), [Op::HfenceGvma(Some(0x1000_0400), None)]);
}

#[test]
fn the_last_pages_of_the_upper_half() {
    let ops = leaf::<Sv39>(Extent::Range { start: 0u64.wrapping_sub(0x2000), last: u64::MAX, stride: 12 }, Id::Every);
    assert_eq!(ops, [Op::SfenceVma(Some(!0x1fff), None), Op::SfenceVma(Some(!0xfff), None)]);
}

#[test]
fn two_pages_are_a_batch_with_svinval() {
    let (range, ours) = (pages(0x4000_1000, 2), Id::One(OURS));
    let plain = [Op::SfenceVma(Some(0x4000_1000), Some(5)), Op::SfenceVma(Some(0x4000_2000), Some(5))];
    assert_eq!(leaf::<Sv39>(range, ours), plain);
    let batch = [
        Op::SfenceWInval,
        Op::SinvalVma(Some(0x4000_1000), Some(5)),
        Op::SinvalVma(Some(0x4000_2000), Some(5)),
        Op::SfenceInvalIr,
    ];
    assert_eq!(leaf::<With<Sv39, SVINVAL>>(range, ours), batch);
    let batch = [
        Op::SfenceWInval,
        Op::HinvalGvma(Some(0x1000_0400), None),
        Op::HinvalGvma(Some(0x1000_0800), None),
        Op::SfenceInvalIr,
    ];
    assert_eq!(leaf::<With<Sv39x4, SVINVAL>>(range, Id::Every), batch);
}

#[test]
fn many_pages_are_one_fence_of_everything() {
    let many = Sv39::MANY;
    assert_eq!(leaf::<Sv39>(pages(0x4000_0000, many), Id::Every).len() as u64, many);
    assert_eq!(leaf::<Sv39>(pages(0x4000_0000, many + 1), Id::Every), [Op::SfenceVma(None, None)]);
    assert_eq!(leaf::<Sv39>(Extent::Everywhere, Id::One(OURS)), [Op::SfenceVma(None, Some(5))]);
    assert_eq!(leaf::<Sv48x4>(Extent::Everywhere, Id::One(OURS)), [Op::HfenceGvma(None, Some(5))]);
}

/// A run of 64 KiB may be in the TLB as sixteen pages (PRIV "Svnapot").
#[test]
fn a_run_is_fenced_page_by_page() {
    let run = Extent::Range { start: 0x4000_0000, last: 0x4000_ffff, stride: 16 };
    let ops = leaf::<Sv39>(run, Id::One(OURS));
    let expected: Vec<_> = (0..16).map(|i| Op::SfenceVma(Some(0x4000_0000 + i * 0x1000), Some(5))).collect();
    assert_eq!(ops, expected);
    let large = Extent::Range { start: 0x4000_0000, last: 0x401f_ffff, stride: 21 };
    assert_eq!(leaf::<Sv39>(large, Id::One(OURS)), [Op::SfenceVma(Some(0x4000_0000), Some(5))]);
}

/// Pitfall 10. What was invalid may be cached as such, and QEMU never shows it.
#[test]
fn what_became_valid_is_fenced_unless_svvptc() {
    for change in [Change::Map, Change::Link] {
        let case = Case { change, extent: pages(0x4000_1000, 1), id: Id::One(OURS), every_core: false };
        assert_eq!(trace::<Sv39>(&case.scope::<Sv39>(), false, &[]).len(), 1, "{change:?}");
        type Lazy = With<Sv39, SVVPTC>;
        assert_eq!(trace::<Lazy>(&case.scope::<Lazy>(), false, &[]), [], "{change:?}");
    }
    // What became invalid, or another page, is no business of Svvptc.
    for change in [Change::Unmap, Change::Unlink, Change::Relax, Change::Remap] {
        assert_eq!(duty(Sv39::DUTIES, change, Features::SVVPTC), duty(Sv39::DUTIES, change, Features::NONE));
    }
}

/// Pitfall 10. Identifier 0 and address 0 are operands like any other, and not "all".
#[test]
fn zero_is_not_x0() {
    let zero = pages(0, 1);
    assert_eq!(leaf::<Sv39>(zero, Id::One(0)), [Op::SfenceVma(Some(0), Some(0))]);
    assert_eq!(leaf::<Sv39>(zero, Id::Every), [Op::SfenceVma(Some(0), None)]);
    assert_eq!(leaf::<Sv39>(Extent::Everywhere, Id::One(0)), [Op::SfenceVma(None, Some(0))]);
    assert_eq!(leaf::<Sv39>(Extent::Everywhere, Id::Every), [Op::SfenceVma(None, None)]);
    let global = Cached { kind: Kind::Leaf, start: 0, bytes: 0x1000, id: 0, global: true, core: 0 };
    assert_eq!(left(Stage::Supervisor, &leaf::<Sv39>(zero, Id::One(0)), vec![global]), [global]);
    assert_eq!(left(Stage::Supervisor, &leaf::<Sv39>(zero, Id::Every), vec![global]), []);
}

#[test]
fn what_owes_nothing_executes_nothing() {
    assert_eq!(trace::<Sv39>(&Scope::nothing(Id::Every), true, &[]), []);
}
