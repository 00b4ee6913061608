//! Tables that were taken out of a tree, chained through their own memory.

use core::fmt;
use core::marker::PhantomData;

use super::link::Link;
use super::{EntryAt, Place, TableAccess as _, TableMemory as _};
use crate::addr::PhysAddr;
use crate::edit::Kind;
use crate::regime::Regime;

/// Tables that nothing points to any more, on their way back to where they came from.
///
/// A live space gives them out inside a token. Until its flush, cores may go on walking them. So the list is no array in
/// memory that would have to come from somewhere, and no pointer in a free table, which would be walked: each table says
/// in its first words which one is next, and these words are absent entries, at every level of the format.
///
/// What is dropped is lost to its allocator.
#[must_use = "tables that are dropped are lost to their allocator: call `free`"]
pub struct Tables<K: Kind> {
    /// The first one of the chain, and where its tail is.
    ends: Option<(Block, Block)>,
    /// One that must stay as it is until the flush, and is not in the chain.
    held: Option<Block>,
    count: usize,
    kind: PhantomData<fn() -> K>,
}

/// Tables in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Block {
    pub(super) table: PhysAddr,
    pub(super) log2: u32,
}

impl Block {
    const fn new(table: PhysAddr, tables: usize) -> Self {
        Self { table, log2: tables.trailing_zeros() }
    }

    const fn tables(self) -> usize {
        1 << self.log2
    }
}

impl<K: Kind> Tables<K> {
    const LINK: Link = Link::of(&<K::Regime as Regime>::FORMAT);

    /// None.
    pub const fn new() -> Self {
        Self { ends: None, held: None, count: 0, kind: PhantomData }
    }

    /// How many, each of a group of concatenated ones counted.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes `tables` tables in a row, a power of two, whose first words become absent entries at once.
    ///
    /// For tables under addresses that may fault until the flush. Children first: a pointer in one of these words is
    /// gone.
    pub(crate) fn push(&mut self, memory: &mut K::Memory, table: PhysAddr, tables: usize) {
        let block = Block::new(table, tables);
        Self::write(memory, block, self.ends.map(|(first, _)| first));
        self.ends = Some((block, self.ends.map_or(block, |(_, last)| last)));
        self.count += tables;
    }

    /// The only one, which stays as it is until it is freed: what it translates must not fault before the flush.
    pub(crate) const fn hold(table: PhysAddr) -> Self {
        Self { ends: None, held: Some(Block::new(table, 1)), count: 1, kind: PhantomData }
    }

    /// Takes those of `other`, too.
    ///
    /// # Errors
    /// Both have one that must stay as it is: `other`, unchanged.
    pub fn append(&mut self, memory: &mut K::Memory, other: Self) -> Result<(), Self> {
        if self.held.is_some() && other.held.is_some() {
            return Err(other);
        }
        self.held = self.held.or(other.held);
        self.count += other.count;
        self.ends = match (self.ends, other.ends) {
            (Some((first, middle)), Some((next, last))) => {
                Self::write(memory, middle, Some(next));
                Some((first, last))
            }
            (ends, None) | (None, ends) => ends,
        };
        Ok(())
    }

    /// Gives them back to the memory that they came from.
    ///
    /// One loop over the tables. Of tables that came from another memory it gives back none.
    pub fn free(self, memory: &mut K::Memory) {
        if let Some(held) = self.held {
            Self::give(memory, held);
        }
        let Some((mut block, last)) = self.ends else { return };
        loop {
            let next = if block == last { None } else { Self::read(memory, block) };
            Self::give(memory, block);
            match next {
                Some(next) => block = next,
                None => return,
            }
        }
    }

    fn give(memory: &mut K::Memory, block: Block) {
        // SAFETY: the tables were taken out of their tree, and their owner had none of them before the flush.
        unsafe { memory.free(block.table, block.tables()) };
    }

    fn write(memory: &mut K::Memory, block: Block, next: Option<Block>) {
        if memory.load(entry(block, 0)).is_none() {
            return;
        }
        let number = next.map_or(0, |next| Self::LINK.number(next));
        for index in 0..Self::LINK.words() {
            // SAFETY: the table belongs to this list, and the load above found memory.
            unsafe { memory.store(entry(block, index), Self::LINK.word(number, index)) };
        }
    }

    fn read(memory: &K::Memory, block: Block) -> Option<Block> {
        let mut number = 0;
        for index in 0..Self::LINK.words() {
            number |= Self::LINK.part(memory.load(entry(block, index))?, index);
        }
        Self::LINK.block(number)
    }
}

/// An entry of a table that nothing points to.
const fn entry(block: Block, index: usize) -> EntryAt {
    EntryAt { table: block.table, index, place: Place::Fresh }
}

impl<K: Kind> Default for Tables<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind> fmt::Debug for Tables<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tables({})", self.count)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::flush::OneCore;
    use crate::flush::toy::{Ram, Toy, ToyKind};
    use crate::format::View;
    use crate::loongarch64::La64;
    use crate::riscv::{Sv32, Sv39};
    use crate::x86_64::Level4;

    /// Chains of single and concatenated tables, joined, come back once each, and read as absent until then.
    fn comes_back_once<R: Regime>() {
        let mut ram = Ram::<R>::new(0x8000_0000);
        let mut chains: Vec<Tables<ToyKind<false, OneCore, R>>> = Vec::new();
        for tables in [&[1usize, 4, 1][..], &[], &[2], &[1, 1, 1, 1, 16]] {
            let mut chain = Tables::new();
            for tables in tables {
                let table = crate::tables::TableMemory::<Toy<false, R>>::allocate(&mut ram, *tables).expect("memory");
                chain.push(&mut ram, table, *tables);
                for level in 0..R::FORMAT.levels {
                    let word = crate::tables::TableAccess::<Toy<false, R>>::load(
                        &ram,
                        EntryAt { table, index: 0, place: Place::Fresh },
                    );
                    assert_eq!(R::FORMAT.view(level, word.expect("memory")), View::Absent);
                }
            }
            chains.push(chain);
        }
        let table = crate::tables::TableMemory::<Toy<false, R>>::allocate(&mut ram, 1).expect("memory");
        chains.push(Tables::hold(table));
        let mut all = Tables::new();
        for chain in chains {
            all.append(&mut ram, chain).expect("one is held");
        }
        assert_eq!(all.count(), 6 + 2 + 20 + 1);
        assert_eq!(ram.used(), all.count());
        all.free(&mut ram);
        assert_eq!(ram.used(), 0);
    }

    #[test]
    fn every_table_comes_back_once() {
        comes_back_once::<Sv32>();
        comes_back_once::<Sv39>();
        comes_back_once::<Level4>();
        comes_back_once::<La64>();
    }

    #[test]
    fn a_held_table_is_not_written() {
        let mut ram = Ram::<Sv39>::new(0x8000_0000);
        let table = crate::tables::TableMemory::<Toy<false>>::allocate(&mut ram, 1).expect("memory");
        let held = Tables::<ToyKind<false, OneCore>>::hold(table);
        let at = EntryAt { table, index: 0, place: Place::Fresh };
        assert_eq!(crate::tables::TableAccess::<Toy<false>>::load(&ram, at), Some(0xdead_beef_dead_beef));
        let another = crate::tables::TableMemory::<Toy<false>>::allocate(&mut ram, 1).expect("memory");
        let (mut a, b) = (held, Tables::hold(another));
        let b = a.append(&mut ram, b).expect_err("both must stay as they are");
        a.free(&mut ram);
        b.free(&mut ram);
        assert_eq!(ram.used(), 0);
    }
}
