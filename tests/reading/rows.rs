//! Tables side by side with words of every sort, leaf by leaf: what is read at once says what the walk says of each address.

use std::ops::ControlFlow;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::edit::read::{MappedLeaf, Region, Visit, Visitor};
use tablature::format::{Format, Leaf, View};
use tablature::regime::Regime;
use tablature::table::Attributes;
use tablature::walk::{Fault, walk};

use crate::machine::*;
use crate::reader_word;

/// Numbers without end, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn is_one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Bits that are wrong at random: in most words none, in some one, in few two.
fn flips(numbers: &mut Numbers, machine: &Machine) -> u64 {
    let count = [0, 0, 0, 0, 1, 1, 2][numbers.below(7) as usize];
    (0..count).fold(0, |flips, _| flips ^ 1 << numbers.below(8 * machine.entry_bytes))
}

/// The same leaf as an entry of a run, if its level has any.
fn marked<R: Regime>(level: usize, word: u64, phys: u64) -> u64 {
    let run = R::FORMAT.runs.iter().find(|run| run.size != 0 && run.level == level);
    let (Some(run), View::Leaf(leaf)) = (run, R::FORMAT.view(level, word)) else { return word };
    let address = if run.fold { phys & !(run.size - 1) } else { phys };
    R::FORMAT.encode_leaf(level, &Leaf { address, run: run.size, ..leaf }).unwrap_or(word)
}

/// Stretches of words in a table of the level of that shift: one address behind the other, the same all over, holes; some
/// with bits that no builder of tables would set, or with addresses as high as there are.
fn fill<R: Regime>(tables: &mut Tables, (virt, skipped): (u64, u64), shift: u32, numbers: &mut Numbers) {
    let (machine, size) = (tables.machine, 1u64 << shift);
    let entries = 1 << if shift == machine.shifts[0] { machine.bits.0 } else { machine.bits.1 };
    let level = machine.shifts.len() - 1 - machine.shifts.iter().position(|&other| other == shift).expect("a level");
    let mut index = skipped + numbers.below(4);
    while index < entries {
        let (flips, read_only) = (flips(numbers, machine), numbers.is_one_in(3));
        let phys = match numbers.below(6) {
            // The address may have no more bits, and what is carried out of it goes elsewhere.
            0 => {
                let top = 1u64 << [32, 34, 40, 44, 48, 50, 52][numbers.below(7) as usize];
                top.wrapping_sub((1 + numbers.below(20)) * size)
            }
            _ => (machine.phys & !(size - 1)) + numbers.below(1 << 10) * size,
        };
        let (step, count) = (if numbers.is_one_in(5) { 0 } else { size }, 1 + numbers.below(24));
        let in_run = numbers.is_one_in(3);
        for at in index..entries.min(index + count) {
            let place = tables.place(virt + at * size, shift);
            let phys = phys.wrapping_add((at - index) * step);
            let word = (machine.leaf)(shift, phys, read_only);
            let word = if in_run { marked::<R>(level, word, phys) } else { word } ^ flips;
            let word = if machine.entry_bytes == 4 { word & u64::from(u32::MAX) } else { word };
            // Tables of which one is entered twice are another matter.
            let is_twice =
                matches!(R::FORMAT.view(level, word), View::Table { address } if address >> 24 == BASE >> 24);
            tables.set(place, if is_twice { 0 } else { word });
        }
        index += count + if numbers.is_one_in(2) { numbers.below(9) } else { 0 };
    }
}

/// The leaves that the specification finds, entry by entry: no two of them say the same to it.
fn specified<R: Regime>(tables: &Tables) -> Vec<MappedLeaf> {
    let (format, machine) = (&R::FORMAT, tables.machine);
    let (large, roots) = (machine.shifts.len() - 2, tables.roots);
    let end = machine.large() << if large == 0 { machine.bits.0 } else { machine.bits.1 };
    let (mut list, mut at) = (Vec::new(), 0);
    while at < end {
        let mut word = 0;
        let found = walk(format, roots.lower, roots.upper, at, |address| {
            word = reader_word(tables, address)?;
            Some(word)
        });
        let level = match found {
            Ok(found) => found.level,
            Err(Fault::Absent { level } | Fault::Reserved { level, .. }) => level,
            Err(_) => 0,
        };
        let size = format.level[level].size();
        if let Ok(found) = found {
            let leaf = Leaf { address: found.address, ..found.leaf };
            list.push(MappedLeaf { virt: VirtAddr::new(at), size, level, leaf, word });
        }
        at += size;
    }
    list
}

/// Those together that continue each other: address, address, bytes, and what their leaves say.
fn joined(leaves: &[MappedLeaf]) -> Vec<(u64, u64, u64, Leaf)> {
    let mut list: Vec<(u64, u64, u64, Leaf)> = Vec::new();
    for &MappedLeaf { virt, size, leaf, .. } in leaves {
        let says = Leaf { address: 0, run: 0, ..leaf };
        match list.last_mut() {
            Some(last) if (last.0 + last.2, last.1 + last.2, last.3) == (virt.as_u64(), leaf.address, says) => {
                last.2 += size
            }
            _ => list.push((virt.as_u64(), leaf.address, size, says)),
        }
    }
    list
}

fn seen(region: &Region) -> (u64, u64, u64, Leaf) {
    let Attributes { access, memory, global } = region.attributes;
    let (software, guarded) = (region.software, region.guarded);
    let says = Leaf { address: 0, run: 0, access, memory, global, software, guarded };
    (region.virt.as_u64(), region.phys.as_u64(), region.size, says)
}

/// Compares what each word means with what the format says of that word alone.
struct Meanings(Format, usize);

impl Visitor for Meanings {
    type Stop = ();

    fn entry(&mut self, at: &Visit) -> ControlFlow<()> {
        assert_eq!(at.view, self.0.view(at.level, at.word), "{} {at:?}", self.0.name);
        self.1 += usize::from(matches!(at.view, View::Leaf(_)));
        ControlFlow::Continue(())
    }
}

/// Says where two lists part.
fn same<T: PartialEq + std::fmt::Debug>(seen: &[T], expected: &[T], name: &str) {
    let place = (0..seen.len().max(expected.len())).find(|&place| seen.get(place) != expected.get(place));
    assert_eq!(place.map(|place| (place, seen.get(place), expected.get(place))), None, "{name}");
}

fn rows_read_as_their_entries_do<R: Regime>(machine: &'static Machine) {
    let (page, name) = (machine.shifts[machine.shifts.len() - 1], R::FORMAT.name);
    let (large, shift) = (machine.large(), machine.shifts[machine.shifts.len() - 2]);
    for seed in 0..3 {
        let (mut numbers, mut tables) = (Numbers(seed), Tables::new(machine));
        fill::<R>(&mut tables, (large, 0), page, &mut numbers);
        fill::<R>(&mut tables, (3 * large, 0), page, &mut numbers);
        fill::<R>(&mut tables, (0, 4), shift, &mut numbers);
        let (reader, leaves) = (tables.reader::<R>(), specified::<R>(&tables));
        let runs = R::FORMAT.runs.iter().any(|run| run.size != 0);
        assert_eq!(leaves.iter().any(|leaf| leaf.leaf.run != 0), runs, "{name}");
        assert!(leaves.len() > 20, "{name}: too few leaves to tell");

        let mut one_by_one = Vec::new();
        for leaf in reader.leaves(VirtAddr::new(0)) {
            one_by_one.push(leaf);
        }
        same(&one_by_one, &leaves, name);
        // Some one by one, and the rest at once.
        let mut rest = reader.leaves(VirtAddr::new(0));
        let mut list: Vec<_> = rest.by_ref().take(numbers.below(9) as usize).collect();
        rest.for_each(|leaf| list.push(leaf));
        same(&list, &leaves, name);
        let start = numbers.below(6 * large);
        let behind = leaves.iter().filter(|leaf| leaf.virt.as_u64() + (leaf.size - 1) >= start);
        assert_eq!(reader.leaves(VirtAddr::new(start)).count(), behind.count(), "{name}: {start:#x}");
        let regions: Vec<_> = reader.regions(VirtAddr::new(0)).map(|region| seen(&region)).collect();
        same(&regions, &joined(&leaves), name);

        let mut meanings = Meanings(R::FORMAT, 0);
        // Where a word points to no table, the walk ends.
        let _ = reader.walk(VirtAddr::new(large), 3 * large, &mut meanings);
        let within = leaves.iter().filter(|leaf| (large..4 * large).contains(&leaf.virt.as_u64()));
        assert_eq!(meanings.1, within.count(), "{name}");
    }
}

/// Pages side by side that say the same, of two stretches of physical memory.
fn stretches_have_their_attributes_in_common<R: Regime>(machine: &'static Machine) {
    let (page, phys, mut tables) = (machine.page(), machine.phys, Tables::new(machine));
    tables.map(0, phys, 3 * page, false);
    tables.map(3 * page, phys + 9 * page, 3 * page, false);
    let reader = tables.reader::<R>();
    let query = |first: u64, count: u64| {
        let uniform = reader.query(VirtAddr::new(first * page), count * page).expect("the same all over");
        uniform.phys.map(PhysAddr::as_u64)
    };
    assert_eq!((query(0, 3), query(1, 2), query(0, 1)), (Some(phys), Some(phys + page), Some(phys)));
    assert_eq!((query(3, 3), query(4, 1)), (Some(phys + 9 * page), Some(phys + 10 * page)));
    assert_eq!((query(0, 4), query(2, 2), query(0, 6)), (None, None, None), "{}", R::FORMAT.name);
}

mod every {
    use crate::machine::every_machine;
    every_machine! { rows_read_as_their_entries_do stretches_have_their_attributes_in_common }
}
