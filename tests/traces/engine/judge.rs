//! What must hold of any list, whatever the golden file says: tables are filled before they are linked, nothing walked is
//! scribbled over, break-before-make is broken, completed, and made, and when the token is flushed nothing stale is left.

use std::collections::{BTreeMap, BTreeSet};

use tablature::flush::Maintain;
use tablature::format::{Leaf, View};

use super::log::{Image, Op, POISON, Step, Written, word_at};

/// Something that a core may have cached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    pub(crate) pointer: bool,
    pub(crate) global: bool,
}

/// What an entry translates to, without the bits that hardware sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    Absent,
    Table(u64),
    Leaf(Leaf),
}

/// Whether the architecture forbids that one becomes the other without being absent, and flushed, in between.
pub(crate) type Breaks = fn(Means, Means) -> bool;

/// The architectures of Arm: another output, memory type, globality, size.
pub(crate) fn arm(old: Means, new: Means) -> bool {
    match (old, new) {
        (Means::Leaf(a), Means::Leaf(b)) => arm_level_2(old, new) || a.run != b.run,
        (Means::Leaf(_), Means::Table(_)) | (Means::Table(_), Means::Leaf(_)) => true,
        _ => false,
    }
}

/// With FEAT_BBM level 2 sizes are free.
pub(crate) fn arm_level_2(old: Means, new: Means) -> bool {
    let (Means::Leaf(a), Means::Leaf(b)) = (old, new) else { return false };
    let coarse = a.run.max(b.run).max(1);
    (a.address ^ b.address) & !(coarse - 1) != 0 || a.memory != b.memory || a.global != b.global
}

/// LoongArch: sizes alone.
pub(crate) fn sizes(old: Means, new: Means) -> bool {
    matches!((old, new), (Means::Leaf(_), Means::Table(_)) | (Means::Table(_), Means::Leaf(_)))
}

/// None at all.
pub(crate) fn never(_: Means, _: Means) -> bool {
    false
}

/// Where a table is in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) level: usize,
    /// First input address.
    pub(crate) base: u64,
}

/// Every table below `table`, and where it is.
pub(crate) fn seats<R: Maintain>(image: &Image, table: u64, seat: Seat, found: &mut BTreeMap<u64, Seat>) {
    found.insert(table, seat);
    let Some((_, words)) = image.get(&table) else { return };
    for (index, word) in words.iter().enumerate() {
        if let View::Table { address } = R::FORMAT.view(seat.level, *word)
            && seat.level > 0
        {
            let base = slot::<R>(seat, index);
            seats::<R>(image, address, Seat { level: seat.level - 1, base }, found);
        }
    }
}

/// The first input address of an entry.
fn slot<R: Maintain>(seat: Seat, index: usize) -> u64 {
    let format = &R::FORMAT;
    let start = seat.base.wrapping_add((index as u64) << format.level[seat.level].shift);
    let sign = format.upper_half && !format.split_roots && start >> (format.range_bits) & 1 == 1;
    if sign && seat.level == format.levels - 1 { start | u64::MAX << format.range_bits } else { start }
}

pub(crate) fn means<R: Maintain>(level: usize, word: u64) -> Means {
    match R::FORMAT.view(level, word) {
        View::Absent => Means::Absent,
        View::Table { address } => Means::Table(address),
        View::Leaf(leaf) => Means::Leaf(leaf),
        View::Reserved => panic!("{word:#x} is reserved"),
    }
}

/// What the entry at one address was, and since which step it is something else.
#[derive(Clone, Copy)]
struct Was {
    lost: Lost,
    means: Means,
    since: usize,
}

/// A list that is read again.
pub(crate) struct Judge<'a, R: Maintain> {
    pub(crate) image: Image,
    pub(crate) seats: BTreeMap<u64, Seat>,
    pub(crate) steps: &'a [Step<Op<R>>],
    pub(crate) breaks: Breaks,
    pub(crate) drops: &'a dyn Fn(&[Op<R>], Lost) -> bool,
}

impl<R: Maintain> Judge<'_, R> {
    pub(crate) fn judge(mut self) {
        let mut was: BTreeMap<u64, Vec<Was>> = BTreeMap::new();
        let mut gone = BTreeMap::new();
        let mut freed = BTreeSet::new();
        for (number, step) in self.steps.iter().enumerate() {
            match *step {
                Step::Allocate(table) => {
                    let words = (R::FORMAT.table_size() / u64::from(R::FORMAT.entry_bytes)) as usize;
                    self.image.insert(table, (1, vec![POISON & R::FORMAT.entry_mask(); words]));
                    gone.remove(&table);
                }
                Step::Store(written) => self.store(number, written, &mut was, &mut gone),
                Step::Free(table) => {
                    assert!(!self.seats.contains_key(&table), "a table that is linked is freed");
                    freed.insert(table);
                }
                Step::Op(_) | Step::Token => {}
            }
        }
        for was in was.values().flatten() {
            assert!(
                (self.drops)(&self.ops(was.since, self.steps.len()), was.lost),
                "{:x?} is left: {:x?}",
                was.lost,
                self.steps
            );
        }
        for (table, since) in gone {
            let flushed = self.steps.iter().position(|step| *step == Step::Free(table)).unwrap_or(self.steps.len());
            assert!(
                !self.ops(since, flushed).is_empty() || !freed.contains(&table),
                "{table:#x} is freed and not flushed"
            );
        }
    }

    fn ops(&self, from: usize, to: usize) -> Vec<Op<R>> {
        let op = |step: &Step<Op<R>>| if let Step::Op(op) = step { Some(*op) } else { None };
        self.steps[from..to].iter().filter_map(op).collect()
    }

    fn store(
        &mut self,
        number: usize,
        written: Written,
        was: &mut BTreeMap<u64, Vec<Was>>,
        gone: &mut BTreeMap<u64, usize>,
    ) {
        let Written { at, table, old, new, .. } = written;
        let bytes = R::FORMAT.entry_bytes;
        assert_eq!(word_at(&self.image, bytes, at), Some(old), "the list has every store");
        let index = ((at - table) / u64::from(bytes)) as usize;
        if let Some((_, words)) = self.image.get_mut(&table) {
            words[index] = new;
        }
        if gone.contains_key(&table) {
            let mut levels = 0..R::FORMAT.levels;
            assert!(
                levels.all(|level| R::FORMAT.view(level, new) == View::Absent || alike::<R>(level, old, new)),
                "walked, and now {new:#x}"
            );
        }
        let Some(&seat) = self.seats.get(&table) else { return };
        let (before, after) = (means::<R>(seat.level, old), means::<R>(seat.level, new));
        if before == after {
            return;
        }
        assert!(!(self.breaks)(before, after), "{before:x?} became {after:x?} with no break");
        let history = was.entry(at).or_default();
        for was in history.iter().filter(|was| (self.breaks)(was.means, after)) {
            let ops = self.ops(was.since, number);
            assert!((self.drops)(&ops, was.lost), "{:x?} is made as {after:x?} after {ops:x?}", was.means);
        }
        if before != Means::Absent {
            let lost = lost::<R>(seat, index, before);
            history.push(Was { lost, means: before, since: number });
        }
        if let Means::Table(child) = before {
            let mut below = BTreeMap::new();
            seats::<R>(&self.image, child, Seat { level: seat.level - 1, base: slot::<R>(seat, index) }, &mut below);
            for table in below.keys() {
                self.seats.remove(table);
                gone.insert(*table, number);
            }
        }
        if let Means::Table(child) = after {
            self.link(child, Seat { level: seat.level - 1, base: slot::<R>(seat, index) });
        }
    }

    /// All below a table that becomes visible has been written.
    fn link(&mut self, child: u64, seat: Seat) {
        let mut below = BTreeMap::new();
        seats::<R>(&self.image, child, seat, &mut below);
        for table in below.keys() {
            let (_, words) = self.image.get(table).expect("a pointer leads to a table");
            let poison = POISON & R::FORMAT.entry_mask();
            assert!(words.iter().all(|word| *word != poison), "{table:#x} is linked before it is filled");
        }
        self.seats.extend(below);
    }
}

/// Whether two words say the same to hardware.
fn alike<R: Maintain>(level: usize, a: u64, b: u64) -> bool {
    let plain = |word| match R::FORMAT.view(level, word) {
        View::Leaf(leaf) => View::Leaf(Leaf { software: 0, ..leaf }),
        other => other,
    };
    plain(a) == plain(b)
}

fn lost<R: Maintain>(seat: Seat, index: usize, means: Means) -> Lost {
    let (pointer, global) = match means {
        Means::Leaf(leaf) => (false, leaf.global && has_global::<R>()),
        _ => (true, false),
    };
    Lost { start: slot::<R>(seat, index), bytes: R::FORMAT.level[seat.level].size(), pointer, global }
}

/// Whether leaves can be global at all.
pub(crate) fn has_global<R: Maintain>() -> bool {
    R::FORMAT.global_at(0) | R::FORMAT.not_global_at(0, 0) != 0
}
