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
/// in its first words which one is next, and these words are absent entries, at every level of the format. Where a leaf
/// that may translate alike took the place of a table at once, nothing of it changes but software bits: they say it then.
///
/// What is dropped is lost to its allocator.
#[must_use = "tables that are dropped are lost to their allocator: call `free`"]
pub struct Tables<K: Kind> {
    /// The first one of the chain, and where its tail is.
    ends: Chain,
    /// One that must translate as it does until the flush, and is not in the chain.
    held: Option<Block>,
    /// More of those: a chain in software bits.
    kept: Chain,
    count: usize,
    kind: PhantomData<fn() -> K>,
}

/// The first and the last one.
type Chain = Option<(Block, Block)>;

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
    const QUIET: Option<Link> = Link::quiet(&<K::Regime as Regime>::FORMAT);

    /// None.
    pub const fn new() -> Self {
        Self { ends: None, held: None, kept: None, count: 0, kind: PhantomData }
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
        Self::write(memory, Self::LINK, block, self.ends.map(|(first, _)| first));
        self.ends = Some((block, self.ends.map_or(block, |(_, last)| last)));
        self.count += tables;
    }

    /// Takes one that translates as it does until it is freed: what it translates must not fault before the flush.
    ///
    /// Beside the first one that takes software bits. In a format without, others are [pushed](Self::push).
    pub(crate) fn keep(&mut self, memory: &mut K::Memory, table: PhysAddr) {
        let block = Block::new(table, 1);
        match Self::QUIET {
            _ if self.held.is_none() => self.held = Some(block),
            Some(link) => {
                Self::write(memory, link, block, self.kept.map(|(first, _)| first));
                self.kept = Some((block, self.kept.map_or(block, |(_, last)| last)));
            }
            None => return self.push(memory, table, 1),
        }
        self.count += 1;
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
        self.ends = Self::joined(memory, Self::LINK, self.ends, other.ends);
        if let Some(link) = Self::QUIET {
            self.kept = Self::joined(memory, link, self.kept, other.kept);
        }
        Ok(())
    }

    fn joined(memory: &mut K::Memory, link: Link, a: Chain, b: Chain) -> Chain {
        match (a, b) {
            (Some((first, middle)), Some((next, last))) => {
                Self::write(memory, link, middle, Some(next));
                Some((first, last))
            }
            (ends, None) | (None, ends) => ends,
        }
    }

    /// Gives them back to the memory that they came from.
    ///
    /// One loop over the tables. Of tables that came from another memory it gives back none.
    pub fn free(self, memory: &mut K::Memory) {
        if let Some(held) = self.held {
            Self::give(memory, held);
        }
        Self::free_chain(memory, Self::LINK, self.ends);
        if let Some(link) = Self::QUIET {
            Self::free_chain(memory, link, self.kept);
        }
    }

    fn free_chain(memory: &mut K::Memory, link: Link, ends: Chain) {
        let Some((mut block, last)) = ends else { return };
        loop {
            let next = if block == last { None } else { Self::read(memory, link, block) };
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

    fn write(memory: &mut K::Memory, link: Link, block: Block, next: Option<Block>) {
        let number = next.map_or(0, |next| link.number(next));
        for index in 0..link.words() {
            let Some(old) = memory.load(entry(block, index)) else { return };
            // SAFETY: the table belongs to this list, and the load above found memory.
            unsafe { memory.store(entry(block, index), link.over(old, number, index)) };
        }
    }

    fn read(memory: &K::Memory, link: Link, block: Block) -> Option<Block> {
        let mut number = 0;
        for index in 0..link.words() {
            number |= link.part(memory.load(entry(block, index))?, index);
        }
        link.block(number)
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
        let mut chain = Tables::new();
        chain.keep(&mut ram, table);
        chains.push(chain);
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
        let mut held = Tables::<ToyKind<false, OneCore>>::new();
        held.keep(&mut ram, table);
        let at = EntryAt { table, index: 0, place: Place::Fresh };
        assert_eq!(crate::tables::TableAccess::<Toy<false>>::load(&ram, at), Some(0xdead_beef_dead_beef));
        let another = crate::tables::TableMemory::<Toy<false>>::allocate(&mut ram, 1).expect("memory");
        let (mut a, mut b) = (held, Tables::new());
        b.keep(&mut ram, another);
        let b = a.append(&mut ram, b).expect_err("both must stay as they are");
        a.free(&mut ram);
        b.free(&mut ram);
        assert_eq!(ram.used(), 0);
    }

    /// Of many that must go on translating only software bits change, and all come back.
    #[test]
    fn tables_that_are_kept_translate_as_they_did() {
        fn check<R: Regime>(words: usize) {
            let mut ram = Ram::<R>::new(0x8000_0000);
            let (mut all, mut more) = (Tables::<ToyKind<false, OneCore, R>>::new(), Tables::new());
            let at = |table, index| EntryAt { table, index, place: Place::Fresh };
            let read = |ram: &Ram<R>, table, index| {
                crate::tables::TableAccess::<Toy<false, R>>::load(ram, at(table, index)).expect("memory")
            };
            let (shift, bits) = R::FORMAT.software;
            let software = ((1 << bits) - 1) << shift;
            for number in 0..6 {
                let table = crate::tables::TableMemory::<Toy<false, R>>::allocate(&mut ram, 1).expect("memory");
                let before: Vec<u64> = (0..words).map(|index| read(&ram, table, index)).collect();
                if number < 3 {
                    all.keep(&mut ram, table)
                } else {
                    more.keep(&mut ram, table)
                };
                for (index, word) in before.into_iter().enumerate() {
                    assert_eq!((word ^ read(&ram, table, index)) & !software, 0);
                }
            }
            // One of each is in no chain, so that the second one stays by itself.
            let more = all.append(&mut ram, more).expect_err("both hold one");
            assert_eq!((all.count(), more.count(), ram.used()), (3, 3, 6));
            all.free(&mut ram);
            more.free(&mut ram);
            assert_eq!(ram.used(), 0);
        }
        check::<Sv39>(512);
        check::<Level4>(512);
        check::<crate::x86::Legacy32>(1024);
        check::<crate::aarch64::El1<crate::aarch64::G4K, 48>>(512);
    }
}
