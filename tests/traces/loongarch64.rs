//! LoongArch: `dbar` and `invtlb`.

use tablature::flush::{Change, Duty, Extent, Id, Maintain, Scope};
use tablature::loongarch64::La64;
use tablature::loongarch64::operation::{Invtlb, Op};

use crate::common::{Cached, OURS, cases, trace};

/// What is left of `cached` after the instructions. An entry of the TLB is a pair of pages.
pub(crate) fn left(ops: &[Op], mut cached: Vec<Cached>) -> Vec<Cached> {
    for op in ops {
        match *op {
            Op::Dbar => {}
            Op::Invtlb(Invtlb::All) => cached.clear(),
            Op::Invtlb(Invtlb::Asid(asid)) => cached.retain(|entry| entry.global || entry.id != asid),
            Op::Invtlb(Invtlb::Address { asid, virt }) => cached.retain(|entry| {
                let pair = 2 * entry.bytes;
                entry.global || entry.id != asid || entry.start / pair != virt / pair
            }),
            Op::Write(..) => panic!("{op:?} has no business here"),
        }
    }
    cached
}

#[test]
fn no_stale_translation_is_left_and_no_other_is_lost() {
    for case in cases(21) {
        let scope = case.scope::<La64>();
        let ops = trace::<La64>(&scope, case.every_core, &[]);
        if matches!(case.change, Change::Contiguous) {
            assert_eq!(ops, [], "there are no runs");
            continue;
        }
        // The refill handler reads the tables with loads, which the barrier brings behind the stores.
        assert_eq!(ops.first(), Some(&Op::Dbar), "{case:?}");
        assert_eq!(left(&ops, case.stale(true, false, false)), [], "{case:?}: {ops:?}");
        let pages = matches!(case.extent, Extent::Range { stride: 12, .. });
        if case.is_small() && pages && case.id == Id::One(OURS) {
            let bystanders = case.bystanders();
            assert_eq!(left(&ops, bystanders.clone()), bystanders, "{case:?}: {ops:?}");
        }
        // Two entries of different size for one address are an error of software.
        assert_eq!(scope.duty.before_make, matches!(case.change, Change::Split | Change::Promote), "{case:?}");
    }
}

#[test]
fn exact_sequences() {
    let of = |extent, id| trace::<La64>(&Scope { duty: Duty::LEAF, extent, id }, false, &[]);
    let pages = |count: u64| Extent::Range { start: 0x4000_1000, last: 0x4000_0fff + count * 0x1000, stride: 12 };
    let one = |virt| Op::Invtlb(Invtlb::Address { asid: 5, virt });
    let all = |op| [Op::Dbar, Op::Invtlb(op)];
    assert_eq!(of(pages(1), Id::One(5)), [Op::Dbar, one(0x4000_1000)]);
    assert_eq!(of(pages(2), Id::One(5)), [Op::Dbar, one(0x4000_1000), one(0x4000_2000)]);
    assert_eq!(of(pages(La64::MANY + 1), Id::One(5)), all(Invtlb::Asid(5)));
    assert_eq!(of(Extent::Everywhere, Id::One(0)), all(Invtlb::Asid(0)));
    // What was absent may be in the TLB as pairs of pages, all over a large page or a table.
    let large = |stride| Extent::Range { start: 0x4000_0000, last: 0x401f_ffff, stride };
    assert_eq!(of(large(21), Id::One(5)), all(Invtlb::Asid(5)));
    assert_eq!(of(large(39), Id::One(5)), all(Invtlb::Asid(5)));
    // No operation names an address in every ASID.
    assert_eq!(of(pages(1), Id::Every), all(Invtlb::All));
    assert_eq!(of(Extent::Everywhere, Id::Every), all(Invtlb::All));
    let publish = Scope { duty: Duty::PUBLISH, extent: Extent::Nowhere, id: Id::Every };
    assert_eq!(trace::<La64>(&publish, false, &[]), [Op::Dbar]);
    assert_eq!(trace::<La64>(&Scope::nothing(Id::Every), false, &[]), []);
}
