//! How an entry that hardware may have cached gets another word: it is opened, the [`Gap`] is settled, and only what is
//! [`Settled`] is made anew, in that order or not at all.
//!
//! Whether an open entry is absent depends on what the change owes. Where that is no break-before-make, and everywhere on
//! an architecture that never asks for it, opening and settling are nothing, and making is the one store.
//!
//! The rest of the engine has no other way to a word of a linked table: it fills what is absent, erases, or updates in
//! place what may be changed so.

use super::super::kind::Kind;
use super::super::ledger::{Duties, Ledger};
use super::super::levels::Levels;
use super::super::node::{Node, Sort};
use super::super::range::Span;
use super::{Gone, Tree};
use crate::flush::{Change, Duty};
use crate::format::Format;
use crate::tables::TableAccess;

/// An entry that is about to change, and is absent if it must be.
#[must_use = "an entry that was opened is to be settled, and made anew"]
pub(in crate::edit) struct Gap {
    node: Node,
    index: usize,
    /// What it said.
    old: u64,
    duty: Duty,
}

/// One that no core has cached any more, if that is asked for.
#[must_use = "an entry that is settled is to be made anew"]
pub(in crate::edit) struct Settled(Gap);

/// How it was made.
#[must_use = "what is made owes something"]
pub(in crate::edit) enum Made {
    /// Out of an absent entry, which nobody had cached.
    Anew,
    /// Over what it was, which owes this.
    InPlace(Duty),
}

/// Several entries of one table that are absent, and were not flushed since.
#[must_use = "entries that were opened are to be settled"]
pub(in crate::edit) struct Gaps {
    node: Node,
    /// What may be cached of them, if there are any.
    gone: Option<Gone>,
    duty: Duty,
}

/// Entries of one table of which those that are absent are cached nowhere.
#[derive(Clone, Copy)]
pub(in crate::edit) struct Vacant(Node);

/// What makes an absent word of one that can be made whole again: the present bit of formats with one.
const fn one_bit(format: &Format) -> Option<u64> {
    if format.present.count_ones() == 1 { Some(format.present) } else { None }
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Whether broken entries keep what they said.
    pub(in crate::edit) const RECALLS: bool = one_bit(Self::FORMAT).is_some();

    /// Whether entries of `node` must be broken before they are made with that duty.
    #[inline]
    pub(in crate::edit) const fn breaks(node: Node, duty: Duty) -> bool {
        L::LIVE && Duties::<K::Regime>::BREAKS && !node.fresh && duty.before_make
    }

    /// Begins a change of entry `index`, which is `word`, that owes `duty`.
    #[inline]
    pub(in crate::edit) fn open(&mut self, node: Node, index: usize, word: u64, duty: Duty) -> Gap {
        let old = if Self::breaks(node, duty) { self.exchange(node, index, word, |_| 0).0 } else { word };
        Gap { node, index, old, duty }
    }

    /// None of the entries of `node` yet.
    pub(in crate::edit) const fn open_none(node: Node) -> Gaps {
        Gaps { node, gone: None, duty: Duty::NONE }
    }

    /// Writes an entry of a table that nothing points to, or one that is absent, and cached nowhere.
    #[inline]
    pub(in crate::edit) fn fill(&mut self, node: Node, index: usize, word: u64) {
        debug_assert!(
            node.fresh || Levels::<K::Regime>::sort(node.level, self.load(node, index)) == Sort::Absent,
            "what is there is opened, and settled, before it is something else"
        );
        self.store(node, index, word);
    }

    /// Absent entries of `span` in `node` are about to become valid: those that an unflushed token remembers are flushed.
    #[inline]
    pub(in crate::edit) fn vacate(&mut self, node: Node, span: Span) -> Vacant {
        self.ledger.prepare(span);
        Vacant(node)
    }

    /// Points an absent entry to `child`. Whatever a token took out below it before is flushed, even where that was for
    /// other addresses: what the walk remembers of an old pointer is used for all that it translates.
    pub(in crate::edit) fn link(&mut self, node: Node, index: usize, child: Node) {
        let vacant = if node.fresh {
            Vacant(node)
        } else {
            self.ledger.refine(Self::slot(node, index));
            self.vacate(node, Self::slot(node, index))
        };
        vacant.make(self, index, Self::pointer(node.level, child.table));
    }

    /// Makes an entry absent.
    #[inline]
    pub(in crate::edit) fn erase(&mut self, node: Node, index: usize) {
        self.store(node, index, 0);
    }

    /// Replaces an entry, in place, whatever hardware made of it.
    #[inline]
    pub(in crate::edit) fn overwrite(&mut self, node: Node, index: usize, word: u64, duty: Duty) {
        debug_assert!(!Self::breaks(node, duty), "what must be broken is opened");
        self.store(node, index, word);
    }

    /// Replaces an entry, in place, by what `change` makes of it, without losing what hardware sets meanwhile. Gives the
    /// old word and the new one.
    #[inline]
    pub(in crate::edit) fn update(
        &mut self,
        node: Node,
        index: usize,
        word: u64,
        duty: Duty,
        change: impl Fn(u64) -> u64,
    ) -> (u64, u64) {
        debug_assert!(!Self::breaks(node, duty), "what must be broken is opened");
        self.exchange(node, index, word, change)
    }

    #[inline]
    fn exchange(&mut self, node: Node, index: usize, word: u64, change: impl Fn(u64) -> u64) -> (u64, u64) {
        if !Self::CHANGES_ITSELF || node.fresh {
            let new = change(word);
            self.store(node, index, new);
            return (word, new);
        }
        let mut old = word;
        loop {
            let new = change(old);
            // SAFETY: as in `store`.
            match unsafe { self.memory.exchange(node.at::<K::Regime>(index), old, new) } {
                Ok(()) => return (old, new),
                Err(now) => old = now,
            }
        }
    }
}

impl Gap {
    /// Flushes the entry, of which `gone` may be cached.
    #[inline]
    pub(in crate::edit) fn settle<K: Kind, L: Ledger<K>>(self, tree: &mut Tree<'_, K, L>, gone: Gone) -> Settled {
        if Tree::<K, L>::breaks(self.node, self.duty) {
            tree.ledger.settle(self.duty, gone);
        }
        Settled(self)
    }
}

impl Settled {
    /// Makes it `word`.
    #[inline]
    pub(in crate::edit) fn make<K: Kind, L: Ledger<K>>(self, tree: &mut Tree<'_, K, L>, word: u64) -> Made {
        tree.store(self.0.node, self.0.index, word);
        self.made::<K, L>()
    }

    /// Makes it `word`, once `see` has been told each word that hardware made of the old one.
    pub(in crate::edit) fn make_seeing<K: Kind, L: Ledger<K>>(
        self,
        tree: &mut Tree<'_, K, L>,
        word: u64,
        mut see: impl FnMut(&mut Tree<'_, K, L>, u64),
    ) -> Made {
        let Gap { node, index, mut old, duty } = self.0;
        see(tree, old);
        if Tree::<K, L>::breaks(node, duty) || !Tree::<K, L>::CHANGES_ITSELF || node.fresh {
            tree.store(node, index, word);
            return self.made::<K, L>();
        }
        // SAFETY: as in `store`.
        while let Err(now) = unsafe { tree.memory.exchange(node.at::<K::Regime>(index), old, word) } {
            see(tree, now);
            old = now;
        }
        self.made::<K, L>()
    }

    #[inline]
    const fn made<K: Kind, L: Ledger<K>>(&self) -> Made {
        if Tree::<K, L>::breaks(self.0.node, self.0.duty) { Made::Anew } else { Made::InPlace(self.0.duty) }
    }
}

impl Made {
    /// What it owes, where an absent entry that becomes the same is `anew`.
    #[inline]
    pub(in crate::edit) fn duty<K: Kind, L: Ledger<K>>(self, anew: Change) -> Duty {
        match self {
            Self::Anew => Tree::<K, L>::duty(anew),
            Self::InPlace(duty) => duty,
        }
    }
}

impl Gaps {
    /// Makes entry `index` absent, which is `word`, for a change that owes `duty`. [`remember`](Self::remember) is told
    /// what may be cached of it.
    pub(in crate::edit) fn open<K: Kind, L: Ledger<K>>(
        &mut self,
        tree: &mut Tree<'_, K, L>,
        index: usize,
        word: u64,
        duty: Duty,
    ) {
        tree.exchange(self.node, index, word, |_| 0);
        self.duty = self.duty.union(duty);
    }

    /// The same of a leaf, in a way that [`Vacant::mend`] can undo.
    pub(in crate::edit) fn open_leaf<K: Kind, L: Ledger<K>>(
        &mut self,
        tree: &mut Tree<'_, K, L>,
        index: usize,
        word: u64,
        duty: Duty,
        gone: Gone,
    ) {
        let rest = one_bit(Tree::<K, L>::FORMAT).map_or(0, |bit| !bit);
        tree.exchange(self.node, index, word, |old| old & rest);
        self.duty = self.duty.union(duty);
        self.remember(gone);
    }

    /// What may be cached of the entry that was opened last.
    pub(in crate::edit) fn remember(&mut self, gone: Gone) {
        self.gone = Some(self.gone.map_or(gone, |all| all.union(gone)));
    }

    /// Flushes them.
    pub(in crate::edit) fn settle<K: Kind, L: Ledger<K>>(self, tree: &mut Tree<'_, K, L>) -> Vacant {
        if let Some(gone) = self.gone {
            tree.ledger.settle(self.duty, gone);
        }
        Vacant(self.node)
    }
}

impl Vacant {
    /// Makes an absent entry `word`.
    #[inline]
    pub(in crate::edit) fn make<K: Kind, L: Ledger<K>>(self, tree: &mut Tree<'_, K, L>, index: usize, word: u64) {
        tree.store(self.0, index, word);
    }

    /// Makes a leaf of what [`Gaps::open_leaf`] left. `word` is what a folded run repeats, for formats that have nothing
    /// else to keep an absent word apart by.
    pub(in crate::edit) fn mend<K: Kind, L: Ledger<K>>(
        self,
        tree: &mut Tree<'_, K, L>,
        index: usize,
        word: u64,
        change: impl Fn(u64, u64) -> u64,
    ) {
        let format = Tree::<K, L>::FORMAT;
        let old = match one_bit(format) {
            Some(bit) => tree.load(self.0, index) | bit,
            None => word,
        };
        tree.fill(self.0, index, change(old, self.0.virt::<K::Regime>(index)));
    }
}
