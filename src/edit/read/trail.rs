//! A walk that is remembered, so that the next one starts where the two part.

use core::marker::PhantomData;

use super::super::levels::Levels;
use super::super::node::{Node, Sort};
use super::known::Decoder;
use super::{Reader, Words, fault_of, own_address};
use crate::addr::PhysAddr;
use crate::format::{Format, Inherited, Leaf, MAX_LEVELS, View, clamp};
use crate::regime::Regime;
use crate::walk::Fault;

/// One table of a walk.
#[derive(Clone, Copy, Debug)]
struct Stage {
    node: Node,
    above: Inherited,
}

/// The tables of a walk.
#[derive(Debug)]
pub(super) struct Trail<R> {
    stages: [Option<Stage>; MAX_LEVELS],
    /// The lowest level that has a table.
    lowest: usize,
    virt: u64,
    of: PhantomData<fn() -> R>,
}

/// The entry where a walk ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// The table it is in.
    pub(super) node: Node,
    /// Its index.
    pub(super) index: usize,
    /// `None` where the table is out of reach.
    pub(super) word: Option<u64>,
    /// What it is: a table only where the walk was to stay outside.
    pub(super) sort: Sort,
    /// What the tables above withhold.
    pub(super) above: Inherited,
}

impl Spot {
    /// Its level, and what the pointers to its table withhold.
    pub(super) const fn place(&self) -> (usize, Inherited) {
        (self.node.level, self.above)
    }

    /// The first address it translates.
    pub(super) const fn first<R: Regime>(&self) -> u64 {
        self.node.virt::<R>(self.index)
    }

    /// The last address it translates.
    pub(super) const fn last<R: Regime>(&self) -> u64 {
        self.first::<R>() | ((1 << Levels::<R>::shift(self.node.level)) - 1)
    }

    /// What it means, with the rights that count.
    pub(super) fn view(&self, format: &Format) -> View {
        match self.word {
            Some(word) => format.view_below(self.node.level, word, self.above),
            None => View::Reserved,
        }
    }

    /// The leaf, with the address of its own first byte.
    pub(super) fn leaf<R: Regime>(&self) -> Result<Leaf, Fault> {
        let format = &R::FORMAT;
        let Some(word) = self.word else { return Err(self.no_table(format)) };
        let leaf = fault_of(self.view(format), self.node.level, word)?;
        Ok(Leaf { address: own_address(format, &leaf, self.first::<R>()), ..leaf })
    }

    /// The same, if there is one, read as others were before.
    pub(super) fn leaf_like<R: Regime>(&self, decoder: &mut Decoder) -> Result<Option<Leaf>, Fault> {
        let format = &R::FORMAT;
        let word = match (self.sort, self.word) {
            (_, None) => return Err(self.no_table(format)),
            (Sort::Absent | Sort::Table, _) => return Ok(None),
            (Sort::Leaf | Sort::Reserved, Some(word)) => word,
        };
        let leaf = fault_of(decoder.view(format, self.place(), word), self.node.level, word)?;
        Ok(Some(Leaf { address: own_address(format, &leaf, self.first::<R>()), ..leaf }))
    }

    /// The fault of an entry out of reach.
    pub(super) const fn no_table(&self, format: &Format) -> Fault {
        let offset = self.index as u64 * format.entry_bytes as u64;
        Fault::NoTable { address: self.node.table.as_u64().wrapping_add(offset) }
    }
}

impl<R> Clone for Trail<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Trail<R> {}

impl<R: Regime> Trail<R> {
    const FORMAT: &'static Format = &R::FORMAT;

    /// No walk yet.
    pub(super) const fn new() -> Self {
        Self { stages: [None; MAX_LEVELS], lowest: MAX_LEVELS, virt: 0, of: PhantomData }
    }

    /// Walks to the canonical address `virt`, through recursive slots as well; `None` if its half has no root, or belongs to
    /// another space.
    pub(super) fn seek<W: Words<R>>(&mut self, reader: &Reader<R, W>, virt: u64) -> Option<Spot> {
        self.descend(reader, virt, |_, _| true)
    }

    /// Walks to `virt`, and stays outside of tables that the walk has come through already.
    pub(super) fn seek_data<W: Words<R>>(&mut self, reader: &Reader<R, W>, virt: u64) -> Option<Spot> {
        self.descend(reader, virt, |trail, table| !trail.has(table))
    }

    /// Whether the walk has come through `table`.
    pub(super) fn has(&self, table: PhysAddr) -> bool {
        let format = Self::FORMAT;
        self.stages.iter().skip(self.lowest).flatten().any(|stage| {
            let tables = if stage.node.level + 1 == format.levels { u64::from(format.root_tables()) } else { 1 };
            table.as_u64().wrapping_sub(stage.node.table.as_u64()) < tables * format.table_size()
        })
    }

    fn descend<W: Words<R>>(
        &mut self,
        reader: &Reader<R, W>,
        virt: u64,
        enter: impl Fn(&Self, PhysAddr) -> bool,
    ) -> Option<Spot> {
        let format = Self::FORMAT;
        if reader.is_foreign(virt) {
            return None;
        }
        let mut stage = self.common(reader, virt)?;
        loop {
            let Stage { node, above } = stage;
            let index = format.index(virt, node.level);
            let Some(word) = reader.words.load(node, index) else {
                return Some(Spot { node, index, word: None, sort: Sort::Reserved, above });
            };
            let sort = Levels::<R>::sort(node.level, word);
            if sort != Sort::Table || !enter(self, PhysAddr::new(format.address.decode(word))) {
                return Some(Spot { node, index, word: Some(word), sort, above });
            }
            let above = format.at(node.level).below(word, above);
            stage = self.stand(reader, Stage { node: node.below::<R>(index, word), above });
        }
    }

    /// Comes to a table.
    fn stand<W: Words<R>>(&mut self, reader: &Reader<R, W>, Stage { node, above }: Stage) -> Stage {
        // What is out of reach is asked for again, and its entry is not there.
        let stage = Stage { node: reader.words.look(node).unwrap_or(node), above };
        self.stages[clamp(node.level)] = Some(stage);
        self.lowest = node.level;
        stage
    }

    /// The lowest table that this walk and the one to `virt` share: the root at least, if there is one.
    fn common<W: Words<R>>(&mut self, reader: &Reader<R, W>, virt: u64) -> Option<Stage> {
        let format = Self::FORMAT;
        let differ = self.virt ^ virt;
        let mut level = self.lowest;
        while level + 1 < format.levels {
            if differ >> format.at(level + 1).shift == 0
                && let Some(stage) = self.stages[clamp(level)]
            {
                (self.virt, self.lowest) = (virt, level);
                return Some(stage);
            }
            level += 1;
        }
        let root = if format.split_roots && format.is_upper(virt) { reader.roots.upper } else { reader.roots.lower };
        let node = Node::root(format, PhysAddr::new(root?), virt);
        self.virt = virt;
        Some(self.stand(reader, Stage { node, above: Inherited::NOTHING }))
    }
}
