//! How findings are dealt out to the items of an expansion.

use tablature::__private::{Verdict, refuse, refuse_rest, verdict, warning};
use tablature::layout::Layout;
use tablature::rule::{Findings, Rule, check};

tablature::__map_as_data! {
    mod wrong for riscv::Sv39;
    physical {
        dram : 0x8000_0000, 128 MiB, normal;
        rom  : 0x1000_0000, 64 KiB, normal;
    }
    space kernel {
        tables;
        one (rw) : 0x8000_0000 => dram, 2 MiB;
        two (rw) : 0x8010_0000 => dram + 2 MiB, 2 MiB;
        bad (rwx) : 0x9000_0001 => dram + 0x40_0001, 0x1001;
    }
}

fn findings<const N: usize>() -> (Findings<'static, N>, Findings<'static, N>) {
    check(wrong::MAP, &Layout::<3>::of(wrong::MAP))
}

fn anchor(region: usize) -> u16 {
    wrong::MAP.spaces[0].regions[region].anchor
}

#[test]
fn a_conflict_passes_through_the_other_culprit() {
    let (errors, _) = findings::<16>();
    assert!(errors.has(Rule::VaOverlap));
    let Verdict::With { anchor: other, seen } = verdict(&errors, anchor(0), 0, 1) else { panic!("two culprits") };
    assert_eq!((other, seen), (anchor(1), 2));
    assert!(matches!(verdict(&errors, anchor(0), 0, seen), Verdict::Wrong));
    assert!(matches!(verdict(&errors, anchor(0), 1, 1), Verdict::Fine), "one finding");
    assert!(matches!(verdict(&errors, anchor(1), 0, 1), Verdict::Fine), "named, and not to blame");
}

#[test]
fn every_finding_is_somebodys() {
    let (errors, _) = findings::<16>();
    assert!(errors.total == errors.len && errors.len >= 4);
    let dealt = (0..=anchor(2)).flat_map(|anchor| (0..16).map(move |nth| (anchor, nth)));
    let wrong = dealt.filter(|&(anchor, nth)| !matches!(verdict(&errors, anchor, nth, 1), Verdict::Fine));
    assert_eq!(wrong.count(), errors.len);
    refuse(&errors, anchor(1), 0, false);
    refuse_rest(&errors);
}

#[test]
#[should_panic(expected = "more, to be seen when these are gone")]
fn the_last_item_says_what_is_left() {
    refuse(&findings::<16>().0, anchor(2), 0, true);
}

#[test]
#[should_panic(expected = "more rules are broken")]
fn what_was_not_kept_is_counted() {
    let (errors, _) = findings::<2>();
    assert_eq!(errors.len, 2);
    refuse_rest(&errors);
}

#[test]
fn warnings_have_their_codes() {
    let (_, warnings) = findings::<16>();
    let rom = wrong::MAP.resources[1].anchor;
    assert!(warnings.has(Rule::UnusedResource));
    assert_eq!(warning(&warnings, rom, rom, 0), 1);
    assert_eq!((warning(&warnings, rom, rom, 1), warning(&warnings, anchor(0), anchor(0), 0)), (0, 0));
}
