//! What is measured is done: every workload of every mapper, small, its tables walked by other code.

use benches::arena;
use benches::budget::Verdict;
use benches::mapper::{BASE, Mapper, PAGE, PHYS, Region, Rights};
use benches::mappers::Raw;
use benches::obligations;
use benches::walker::{X86, walk};
use benches::workload::{Check, jobs};

/// Sizes are divided by this.
const SMALL: u64 = 64;

#[test]
fn every_workload_leaves_the_tables_that_it_should_and_the_walker_would_see_others() {
    let able = jobs(SMALL).iter().filter(|job| (job.run)(Check::Tables).is_some()).count();
    assert_eq!(able, 112, "some mapper can do more, or less, than before");

    arena::reset();
    let mut raw = Raw::<false>::new();
    let region = Region::data(BASE, PHYS, 4 * PAGE);
    raw.map_range(&region);
    assert_eq!(walk(raw.root(), X86), (vec![region], 4));
    raw.protect_each([BASE + PAGE].into_iter());
    raw.unmap_each([BASE + 3 * PAGE].into_iter());
    let page = |i: u64| Region::data(BASE + i * PAGE, PHYS + i * PAGE, PAGE);
    assert_eq!(walk(raw.root(), X86), (vec![page(0), page(1).with(Rights::R), page(2)], 3));
}

#[test]
fn what_is_met_stays_met_and_what_is_not_gets_no_worse() {
    let exact = |is, not_yet| Verdict { exact: true, not_yet, ..Verdict::new("", 20.0, is) };
    assert!(exact(20.0, None).holds() && exact(19.0, Some(26.0)).holds() && exact(26.0, Some(26.0)).holds());
    assert!(!exact(20.1, None).holds() && !exact(26.1, Some(26.0)).holds());
    assert!(Verdict::new("", 20.0, 21.0).holds(), "times never fail");
    assert!(exact(26.1, Some(26.0)).word().contains("broken"));
    assert!(exact(25.0, Some(26.0)).word().contains("not met"));
}

/// Where less is executed than is asked for, something stays cached.
#[test]
fn live_changes_drop_what_the_manuals_ask_for_and_no_more() {
    for (name, changes) in obligations::counted() {
        let (counted, asked): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        assert_eq!(counted, asked, "{name}");
    }
    assert!(obligations::verdict().met());
}
