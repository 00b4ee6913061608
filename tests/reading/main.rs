//! Reading tables of every format: judged by lists of what was put there, into tables written by hand.

#[expect(dead_code, reason = "tests of edits use the rest")]
#[path = "../support/arena.rs"]
mod arena;
mod copying;
mod machine;
mod opening;
mod random;
mod restrictions;
mod rows;
mod seeds;
mod sharing;
mod text;
mod walking;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::Rights;
use tablature::edit::read::{QueryError, RangeError, Reader, Region, Words};
use tablature::regime::Regime;
use tablature::walk::{Fault, walk};

use machine::{Machine, Tables};

/// What is mapped: where, to what, how many bytes, and whether it is read-only. In ascending order, and no two lines
/// continue each other.
pub(crate) type Expected = Vec<(u64, u64, u64, bool)>;

/// Pages up to a large leaf, the leaf, pages behind; other rights and other addresses right behind; a hole; and the edges of
/// both halves.
fn example(machine: &'static Machine) -> (Tables, Expected) {
    let (page, large, phys) = (machine.page(), machine.large(), machine.phys);
    let start = large - 2 * page;
    let end = 2 * large + page;
    let mut expected = vec![
        (start, phys + start, end - start, false),
        (end, phys + end, 3 * page, true),
        (end + 3 * page, phys, page, false),
        (end + 5 * page, phys + 7 * page, page, false),
        (machine.lower_last() - (page - 1), phys, page, false),
    ];
    if let Some((upper, _)) = machine.upper {
        expected.push((upper, phys + page, 2 * page, false));
        expected.push((0u64.wrapping_sub(page), phys, page, true));
    }
    let mut tables = Tables::new(machine);
    for &(virt, phys, size, read_only) in &expected {
        tables.map(virt, phys, size, read_only);
    }
    (tables, expected)
}

fn seen(region: &Region) -> (u64, u64, u64, bool) {
    let writable = region.attributes.access.privileged.contains(Rights::W);
    (region.virt.as_u64(), region.phys.as_u64(), region.size, !writable)
}

pub(crate) fn regions<R: Regime, W: Words<R> + Copy>(reader: Reader<R, W>, start: u64) -> Expected {
    reader.regions(VirtAddr::new(start)).map(|region| seen(&region)).collect()
}

fn every_border_translates_to_what_was_put_there<R: Regime>(machine: &'static Machine) {
    let (tables, expected) = example(machine);
    let reader = tables.reader::<R>();
    let name = R::FORMAT.name;
    for &(virt, phys, size, _) in &expected {
        for offset in [0, 1, machine.page() - 1, machine.page() % size, size / 2, size - machine.page(), size - 1] {
            let found = reader.page(VirtAddr::new(virt + offset)).expect(name);
            assert_eq!(found.address, PhysAddr::new(phys + offset), "{name}: {virt:#x} + {offset:#x}");
            assert_eq!(reader.translate(VirtAddr::new(virt + offset)), Ok(PhysAddr::new(phys + offset)));
        }
        for beside in [virt.wrapping_sub(1), virt.wrapping_add(size)] {
            let mapped = expected.iter().any(|&(virt, _, size, _)| beside.wrapping_sub(virt) < size);
            let seen = reader.translate(VirtAddr::new(beside));
            assert_eq!(seen.is_ok(), mapped, "{name}: {beside:#x}");
            // The executable specification comes to the same, faults included.
            let format = R::FORMAT;
            let read = |address| reader_word(&tables, address);
            let specified = walk(&format, tables.roots.lower, tables.roots.upper, beside, read);
            assert_eq!(seen, specified.map(|to| PhysAddr::new(to.address)), "{name}: {beside:#x}");
        }
    }
}

/// Whatever came before, near or far, mapped or not.
fn a_translator_says_what_the_reader_says<R: Regime>(machine: &'static Machine) {
    let (tables, expected) = example(machine);
    let reader = tables.reader::<R>();
    // A table but one translates so much: behind it, the same entries of the next one mean something else.
    let span = 1u64 << (R::FORMAT.level[1].shift + R::FORMAT.index_bits(1));
    let around = |&(virt, _, size, _): &(u64, u64, u64, bool)| {
        let end = virt.wrapping_add(size);
        [
            virt,
            virt ^ span,
            end.wrapping_sub(1),
            end.wrapping_add(5),
            virt.wrapping_add(machine.page()),
            virt.wrapping_add(span),
        ]
    };
    let mut places: Vec<u64> = expected.iter().flat_map(around).collect();
    places.extend([machine.lower_last() + 1, machine.lower_last() + 4096, 1 << 63]);
    let mut translator = reader.translator();
    for stride in [1, places.len() - 1, 4] {
        for step in 0..places.len() {
            let virt = VirtAddr::new(places[step * stride % places.len()]);
            assert_eq!(translator.translate(virt), reader.translate(virt), "{}: {virt:?}", R::FORMAT.name);
            // From near, if that was remembered.
            assert_eq!(translator.translate(virt), reader.translate(virt), "{}: {virt:?}", R::FORMAT.name);
        }
    }
}

fn reader_word(tables: &Tables, address: u64) -> Option<u64> {
    Some(tables.words.borrow().get(&address).copied().unwrap_or(0))
}

fn regions_are_what_was_put_there<R: Regime>(machine: &'static Machine) {
    let (tables, expected) = example(machine);
    let reader = tables.reader::<R>();
    assert_eq!(regions(reader, 0), expected, "{}", R::FORMAT.name);
    let bytes: u64 = reader.leaves(VirtAddr::new(0)).map(|leaf| leaf.size).sum();
    assert_eq!(bytes, expected.iter().map(|(_, _, size, _)| size).sum::<u64>(), "{}", R::FORMAT.name);
    let first = reader.regions(VirtAddr::new(0)).next().expect("a region");
    assert_eq!(first.leaves, (machine.page(), machine.large()), "{}", R::FORMAT.name);
    assert_eq!(reader.regions(VirtAddr::new(0)).fault(), None);
}

fn a_fresh_space_has_no_regions<R: Regime>(machine: &'static Machine) {
    let tables = Tables::new(machine);
    assert_eq!(regions(tables.reader::<R>(), 0), []);
    assert_eq!(tables.reader::<R>().query(VirtAddr::new(0), machine.page()), Err(QueryError::NotMapped));
}

/// Inside a region the first one starts at the leaf that holds the address; in a hole, and in the one between the halves, at
/// the next region.
fn iteration_starts_anywhere<R: Regime>(machine: &'static Machine) {
    let (tables, expected) = example(machine);
    let reader = tables.reader::<R>();
    let (page, large) = (machine.page(), machine.large());
    let (virt, phys, size, _) = expected[0];
    let inside = regions(reader, large + 5 * page + 1);
    assert_eq!(inside[0], (large, phys + (large - virt), size - (large - virt), false), "{}", R::FORMAT.name);
    assert_eq!(inside[1..], expected[1..]);
    let hole = expected[2].0 + page;
    assert_eq!(regions(reader, hole), expected[3..]);
    assert_eq!(regions(reader, machine.lower_last()), expected[4..], "{}", R::FORMAT.name);
    if let Some((upper, _)) = machine.upper {
        assert_eq!(regions(reader, machine.lower_last() + 1), expected[5..]);
        assert_eq!(regions(reader, upper + 2 * page), expected[6..]);
        assert_eq!(regions(reader, u64::MAX), expected[6..]);
    } else {
        assert_eq!(regions(reader, machine.lower_last() + 1), []);
        assert_eq!(regions(reader, u64::MAX), []);
    }
}

fn queries_have_five_outcomes<R: Regime>(machine: &'static Machine) {
    let (tables, expected) = example(machine);
    let reader = tables.reader::<R>();
    let page = machine.page();
    let name = R::FORMAT.name;
    for &(virt, phys, size, read_only) in &expected {
        let uniform = reader.query(VirtAddr::new(virt), size).expect(name);
        assert_eq!(uniform.phys, Some(PhysAddr::new(phys)), "{name}: {virt:#x}");
        assert_eq!(uniform.attributes.access.privileged.contains(Rights::W), !read_only);
    }
    let query = |virt, size| reader.query(VirtAddr::new(virt), size);
    let (a, b, c, d) = (expected[0].0, expected[1].0, expected[2].0, expected[3].0);
    assert_eq!(query(c + page, page), Err(QueryError::NotMapped), "{name}");
    assert_eq!(query(c, 2 * page), Err(QueryError::PartlyMapped { hole: VirtAddr::new(c + page) }), "{name}");
    assert_eq!(query(c + page, 2 * page), Err(QueryError::PartlyMapped { hole: VirtAddr::new(c + page) }), "{name}");
    assert_eq!(query(a, b - a + page), Err(QueryError::Differs { at: VirtAddr::new(b) }), "{name}");
    // In part is said before different.
    assert_eq!(query(b, d - b + page), Err(QueryError::PartlyMapped { hole: VirtAddr::new(c + page) }), "{name}");
}

fn bad_ranges_are_told_apart<R: Regime>(machine: &'static Machine) {
    let (tables, _) = example(machine);
    let reader = tables.reader::<R>();
    let page = machine.page();
    let query = |virt, size| match reader.query(VirtAddr::new(virt), size) {
        Err(QueryError::Range(error)) => Some(error),
        _ => None,
    };
    // Behind the lower half is a hole, or nothing at all.
    let leaves = |virt, size| match machine.upper {
        Some(_) => RangeError::AcrossHole { virt: VirtAddr::new(virt), size },
        None => RangeError::PastTop { virt: VirtAddr::new(virt), size },
    };
    assert_eq!(query(0, 0), Some(RangeError::Empty));
    assert_eq!(query(page / 2, page), Some(RangeError::UnalignedVirt { virt: VirtAddr::new(page / 2), unit: page }));
    assert_eq!(query(0, page + 1), Some(RangeError::UnalignedSize { size: page + 1, unit: page }));
    let top = machine.lower_last() - (page - 1);
    assert_eq!(query(top, page), None);
    assert_eq!(query(top, 2 * page), Some(leaves(top, 2 * page)));
    assert_eq!(query(0, 0u64.wrapping_sub(page)), Some(leaves(0, 0u64.wrapping_sub(page))));
    let behind = VirtAddr::new(machine.lower_last() + 1);
    assert_eq!(query(behind.as_u64(), page), Some(RangeError::NotCanonical { virt: behind }));
    assert_eq!(reader.translate(behind), Err(Fault::NotCanonical));
    if machine.upper.is_some() {
        let top = 0u64.wrapping_sub(page);
        assert_eq!(query(top, page), None);
        assert_eq!(query(top, 2 * page), Some(RangeError::PastTop { virt: VirtAddr::new(top), size: 2 * page }));
    }
}

fn a_half_without_a_root_is_told<R: Regime>(machine: &'static Machine) {
    let (mut tables, expected) = example(machine);
    let Some((upper, true)) = machine.upper else { return };
    tables.roots.lower = None;
    let reader = tables.reader::<R>();
    assert_eq!(reader.translate(VirtAddr::new(0)), Err(Fault::NoRoot));
    assert!(reader.translate(VirtAddr::new(upper)).is_ok());
    assert_eq!(regions(reader, 0), expected[5..]);
}

/// A table where there is no memory, and a reserved word: neither is a hole.
fn what_cannot_be_read_is_no_hole<R: Regime>(machine: &'static Machine) {
    let (mut tables, expected) = example(machine);
    let large = machine.large();
    let above = machine.shifts[machine.shifts.len() - 2];
    let place = tables.place(5 * large, above);
    tables.set(place, (machine.pointer)(above, 0x20_0000));
    let reader = tables.reader::<R>();
    let name = R::FORMAT.name;
    assert_eq!(reader.translate(VirtAddr::new(5 * large)), Err(Fault::NoTable { address: 0x20_0000 }), "{name}");
    assert!(matches!(reader.query(VirtAddr::new(5 * large), large), Err(QueryError::Fault { .. })), "{name}");
    let mut iterator = reader.regions(VirtAddr::new(0));
    assert_eq!(iterator.by_ref().map(|region| seen(&region)).collect::<Vec<_>>(), expected, "{name}");
    assert_eq!(iterator.fault(), Some(Fault::NoTable { address: 0x20_0000 }), "{name}");
}

mod every {
    use super::machine::every_machine;
    every_machine! {
        every_border_translates_to_what_was_put_there
        a_translator_says_what_the_reader_says
        regions_are_what_was_put_there
        a_fresh_space_has_no_regions
        iteration_starts_anywhere
        queries_have_five_outcomes
        bad_ranges_are_told_apart
        a_half_without_a_root_is_told
        what_cannot_be_read_is_no_hole
    }
}
