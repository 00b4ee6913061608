//! Random tables, read page by page and as a whole: both must say the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::Rights;
use tablature::edit::read::{QueryError, Uniform};
use tablature::regime::Regime;

use crate::machine::*;
use crate::{Expected, regions};

/// One leaf: its slot, whether it is large, its distance in physical memory, and whether it is read-only.
type Plan = (u64, bool, u64, bool);

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    prop::collection::vec((0..24u64, any::<bool>(), 0..2u64, any::<bool>()), 0..40)
}

/// The leaves: where each goes, its bytes, and whether it is read-only.
type Pages = BTreeMap<u64, (u64, u64, bool)>;

/// Pages at the end of one large slot and the start of the next, and large leaves behind; at the start of the lower half and
/// at the end of the address space.
fn build(machine: &'static Machine, plans: &[Plan]) -> (Tables, Pages) {
    let (page, large) = (machine.page(), machine.large());
    let bases = [0, machine.upper.map_or(machine.lower_last() - (8 * large - 1), |_| 0u64.wrapping_sub(8 * large))];
    let (mut tables, mut pages) = (Tables::new(machine), Pages::new());
    for (order, &(slot, is_large, distance, read_only)) in plans.iter().enumerate() {
        // Two large slots hold pages, the other six leaves.
        let (offset, size) =
            if is_large { ((2 + slot % 6) * large, large) } else { (large - 12 * page + slot * page, page) };
        let virt = bases[order % 2] + offset;
        let phys = machine.phys + offset + distance * 16 * large;
        tables.map(virt, phys, size, read_only);
        pages.insert(virt, (phys, size, read_only));
    }
    (tables, pages)
}

/// The regions that the leaves make.
fn joined(pages: &Pages) -> Expected {
    let mut list = Expected::new();
    for (&virt, &(phys, size, read_only)) in pages {
        match list.last_mut() {
            Some(last) if (last.0 + last.2, last.1 + last.2, last.3) == (virt, phys, read_only) => last.2 += size,
            _ => list.push((virt, phys, size, read_only)),
        }
    }
    list
}

/// What a query of `count` pages from `virt` should say, page by page.
fn queried(machine: &Machine, pages: &Expected, virt: u64, count: u64) -> Result<(Option<u64>, bool), QueryError> {
    let page = machine.page();
    let at = |virt: u64| {
        let found = pages.iter().find(|(start, _, size, _)| virt.wrapping_sub(*start) < *size);
        found.map(|(start, phys, _, read_only)| (phys + (virt - start), *read_only))
    };
    let all: Vec<_> = (0..count).map(|index| at(virt + index * page)).collect();
    if all.iter().all(Option::is_none) {
        return Err(QueryError::NotMapped);
    }
    if let Some(hole) = all.iter().position(Option::is_none) {
        return Err(QueryError::PartlyMapped { hole: VirtAddr::new(virt + hole as u64 * page) });
    }
    let first = all[0].expect("mapped");
    if let Some(other) = all.iter().flatten().position(|(_, read_only)| *read_only != first.1) {
        return Err(QueryError::Differs { at: VirtAddr::new(virt + other as u64 * page) });
    }
    let consecutive = all.iter().flatten().zip(0..).all(|((phys, _), index)| *phys == first.0 + index * page);
    Ok((consecutive.then_some(first.0), first.1))
}

fn reads_as_built<R: Regime>(machine: &'static Machine, plans: &[Plan], from: u64, (first, count): (u64, u64)) {
    let (tables, pages) = build(machine, plans);
    let reader = tables.reader::<R>();
    let expected = joined(&pages);
    assert_eq!(regions(reader, 0), expected, "{}", R::FORMAT.name);
    // From anywhere on: what is left are the leaves that do not end before.
    let (page, large) = (machine.page(), machine.large());
    let start = large - 14 * page + from * page;
    let rest: Pages = pages.into_iter().filter(|(virt, (_, size, _))| virt + (size - 1) >= start).collect();
    assert_eq!(regions(reader, start), joined(&rest), "{}", R::FORMAT.name);
    let virt = large - 14 * page + first * page;
    let seen = reader.query(VirtAddr::new(virt), count * page).map(|Uniform { attributes, phys, .. }| {
        (phys.map(PhysAddr::as_u64), !attributes.access.privileged.contains(Rights::W))
    });
    assert_eq!(seen, queried(machine, &expected, virt, count), "{}: {virt:#x}, {count} pages", R::FORMAT.name);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tables_read_as_they_were_built(plans in plans(), from in 0..30u64, range in (0..28u64, 1..12u64)) {
        reads_as_built::<tablature::x86_64::Level4>(&LEVEL4, &plans, from, range);
        reads_as_built::<tablature::x86::Legacy32>(&LEGACY, &plans, from, range);
        reads_as_built::<tablature::aarch64::El1<tablature::aarch64::G16K, 47>>(&ARM_16K, &plans, from, range);
        reads_as_built::<tablature::armv7::Short>(&SHORT, &plans, from, range);
        reads_as_built::<tablature::riscv::Sv39>(&SV39, &plans, from, range);
        reads_as_built::<tablature::loongarch64::La64>(&LA64, &plans, from, range);
    }
}
