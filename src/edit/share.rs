//! Root entries that several spaces have in common: the kernel's half in every process.
//!
//! A space that others are to share part of is *pinned* there: each root entry of the part gets a table, and keeps it from
//! then on. Once live it gives these entries to other spaces
//! ([`share_with`](AddressSpace::share_with)). What it edits below them is in all of those spaces at once, and the flushes
//! that it owes are for every identifier. The others neither edit nor read what they share: that is the business of the
//! space that owns the tables, which may run on another core.
//!
//! Where each half has a root of its own (AArch64, LoongArch), the part is a half, and the others share its root.
//!
//! A space counts who shares its tables, and as long as there is anyone it neither frees them nor lets go of its pins. Whoever
//! [`disown`](AddressSpace::disown)s a part gets the proof of that for [`take_back`](AddressSpace::take_back); a space that is
//! dropped or freed without leaves the part pinned forever, which wastes the tables and nothing worse.

use super::levels::Levels;
use core::fmt;
use core::marker::PhantomData;

use super::error::Fault;
use super::kind::{Kind, Live, Offline, State};
use super::ledger::Ledger;
use super::node::{Node, Sort};
use super::range::{RangeError, Span};
use super::space::{AddressSpace, format_of};
use super::tree::Tree;
use crate::addr::{PhysAddr, VirtAddr};
use crate::flush::{Change, Scope, TlbFlush};
use crate::tables::TableAccess;

/// What a space has in common with others.
#[derive(Clone, Copy, Debug)]
pub struct Borders {
    /// The part whose tables belong to another space.
    pub(super) shared: Option<Shared>,
    /// The part that other spaces may share.
    pub(super) pinned: Option<Pinned>,
}

/// Input addresses whose tables belong to another space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(super) span: Span,
    /// The root of the space they belong to.
    owner: u64,
}

/// Input addresses whose root entries stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub(super) span: Span,
    /// How many spaces have the entries.
    pub(super) sharers: usize,
}

impl Borders {
    /// Nothing.
    pub(super) const NONE: Self = Self { shared: None, pinned: None };

    /// Whether `span` is where entries may be cached for any space.
    #[inline(always)]
    pub(super) fn is_pinned(&self, span: Span) -> bool {
        self.pinned.is_some_and(|pinned| span.meets(pinned.span.start, pinned.span.last))
    }

    /// Whether the part is pinned and some space has it.
    pub(super) fn is_in_use(&self, span: Span) -> bool {
        self.is_pinned(span) && self.pinned.is_some_and(|pinned| pinned.sharers > 0)
    }

    /// Whether the tables of an address belong to another space.
    #[inline(always)]
    pub(super) const fn is_foreign_at(&self, virt: u64) -> bool {
        match self.shared {
            Some(shared) => shared.span.holds(virt),
            None => false,
        }
    }

    /// Whether the tables of `span` belong to another space.
    pub(super) fn is_foreign(&self, span: Span) -> bool {
        self.shared.is_some_and(|shared| span.meets(shared.span.start, shared.span.last))
    }
}

/// The proof that a space no longer has what another shared with it.
#[must_use = "give it to `take_back` of the space that shared; without, that space keeps its tables forever"]
pub struct Returned<K: Kind> {
    owner: u64,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> fmt::Debug for Returned<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Returned to the space with the root {:#x}", self.owner)
    }
}

/// Why a part was not pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinError {
    /// The range is none, is not whole root entries, or is not the space's own.
    Range(RangeError),
    /// Each half has a root of its own, and the range is not one half.
    NotHalf,
    /// Something is pinned already.
    Pinned,
    /// A root entry is a leaf, or reserved: sharing copies pointers alone.
    NoTable {
        /// The first address that it translates.
        virt: VirtAddr,
        /// Its word.
        word: u64,
    },
    /// The root is out of reach.
    OutOfReach {
        /// Where it is.
        root: PhysAddr,
    },
    /// There is no memory for the tables.
    OutOfTables {
        /// How many are missing in the root.
        tables: u64,
    },
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(error) => error.fmt(f),
            Self::NotHalf => f.write_str("each half has a root of its own, and is shared as a whole"),
            Self::Pinned => f.write_str("a part of the space is pinned already"),
            Self::NoTable { virt, word } => write!(f, "the root entry of {virt:?}, {word:#x}, points to no table"),
            Self::OutOfReach { root } => write!(f, "the root at {root:?} is out of reach"),
            Self::OutOfTables { tables } => write!(f, "there is no memory for the {tables} tables of the root entries"),
        }
    }
}

impl core::error::Error for PinError {}

/// Why a part is not shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareError {
    /// No part is pinned.
    NotPinned,
    /// The other space shares a part already, or has that half itself.
    Taken,
    /// The other space has something there.
    Occupied {
        /// The first address of its entry.
        virt: VirtAddr,
    },
    /// A root is out of reach of its space.
    OutOfReach {
        /// Where it is.
        root: PhysAddr,
    },
}

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPinned => f.write_str("no part of the space is pinned"),
            Self::Taken => f.write_str("the other space shares a part already, or has that half itself"),
            Self::Occupied { virt } => write!(f, "the other space has something at {virt:?}"),
            Self::OutOfReach { root } => write!(f, "the root at {root:?} is out of reach"),
        }
    }
}

impl core::error::Error for ShareError {}

/// Other spaces have the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillShared {
    /// How many.
    pub sharers: usize,
}

impl fmt::Display for StillShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} other spaces have the part", self.sharers)
    }
}

impl core::error::Error for StillShared {}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Links a table at each root entry of `span` that has none.
    fn pin(&mut self, span: Span) -> Result<(), PinError> {
        let root = self.enter(span).map_err(|fault| match fault {
            Fault::Range(error) => PinError::Range(error),
            Fault::NoTable(root) => PinError::OutOfReach { root },
        })?;
        let slots = self.index(root, span.start)..=self.index(root, span.last);
        let mut missing = 0;
        for index in slots.clone() {
            let word = self.load(root, index);
            match Levels::<K::Regime>::sort(root.level, word) {
                Sort::Table => {}
                Sort::Absent => missing += 1,
                Sort::Leaf | Sort::Reserved => {
                    let virt = VirtAddr::new(root.virt::<K::Regime>(index));
                    return Err(PinError::NoTable { virt, word });
                }
            }
        }
        self.reserve(missing).map_err(|tables| PinError::OutOfTables { tables })?;
        for index in slots {
            if Levels::<K::Regime>::sort(root.level, self.load(root, index)) == Sort::Absent {
                let Some(child) = self.take(root, index) else { continue };
                self.clear(child, 0, child.entries::<K::Regime>());
                self.link(root, index, child);
                self.owe(root, Self::duty(Change::Link), Self::slot(root, index), false);
            }
        }
        Ok(())
    }
}

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// The range, if it is one that can be pinned; and whether its root entries need tables.
    fn pinnable(&self, virt: VirtAddr, size: u64) -> Result<(Span, bool), PinError> {
        let format = format_of::<K>();
        if self.borders.pinned.is_some() {
            return Err(PinError::Pinned);
        }
        if !format.split_roots {
            let slot = format.at(format.levels - 1).size();
            return Ok((Span::new(format, virt, size, slot).map_err(PinError::Range)?, true));
        }
        let span = Span::new(format, virt, size, format.page_size()).map_err(PinError::Range)?;
        if span.last - span.start != u64::MAX >> (64 - format.range_bits) {
            return Err(PinError::NotHalf);
        }
        self.root_of(span.start).ok_or(PinError::Range(RangeError::NoRoot { virt }))?;
        if self.borders.is_foreign(span) {
            return Err(PinError::Range(RangeError::Shared { virt }));
        }
        Ok((span, false))
    }
}

impl<K: Kind> AddressSpace<K, Offline> {
    /// Makes the root entries of a range ones that other spaces can share: each gets a table, and keeps it.
    ///
    /// Operations on the range work within one root entry at a time from then on. Cost: a table for each root entry that has
    /// none.
    ///
    /// # Errors
    /// [`PinError`]; then nothing changed.
    pub fn pin(&mut self, virt: VirtAddr, size: u64) -> Result<(), PinError> {
        let (span, tables) = self.pinnable(virt, size)?;
        if tables {
            let mut tree = self.tree();
            let done = tree.pin(span);
            tree.finish();
            done?;
        }
        self.borders.pinned = Some(Pinned { span, sharers: 0 });
        Ok(())
    }

    /// Takes what another space shared with this one out of its root.
    ///
    /// `None` if there is nothing.
    pub fn disown(&mut self) -> Option<Returned<K>> {
        let format = format_of::<K>();
        let Shared { span, owner } = self.borders.shared?;
        let root = self.root_of(span.start)?;
        if !format.split_roots {
            for index in format.index(span.start, root.level)..=format.index(span.last, root.level) {
                // SAFETY: the root is this space's, which no hardware uses, and was in reach when it got these entries.
                unsafe { self.memory.store(root.at::<K::Regime>(index), 0) };
            }
        } else if format.is_upper(span.start) {
            self.roots.upper = None;
        } else {
            self.roots.lower = None;
        }
        self.borders.shared = None;
        Some(Returned { owner, kind: PhantomData })
    }
}

impl<K: Kind> AddressSpace<K, Live> {
    /// Makes the root entries of a range ones that other spaces can share: each gets a table, and keeps it.
    ///
    /// The same as of an offline space. Nothing that is mapped changes.
    ///
    /// # Errors
    /// [`PinError`]; then nothing changed.
    pub fn pin(&mut self, virt: VirtAddr, size: u64) -> Result<TlbFlush<K>, PinError> {
        let (span, tables) = self.pinnable(virt, size)?;
        let token = if tables {
            self.edit(|tree| tree.pin(span))?.map(|_| ())
        } else {
            TlbFlush::new(Scope::nothing(self.id), ())
        };
        self.borders.pinned = Some(Pinned { span, sharers: 0 });
        Ok(token)
    }

    /// Gives `other` the pinned part: what is mapped there now and later is mapped in both.
    ///
    /// The other space may be of another kind or brand, if whoever may have this one cached may have that one, too.
    ///
    /// # Errors
    /// [`ShareError`]; then nothing changed.
    pub fn share_with<J>(&mut self, other: &mut AddressSpace<J, Offline>) -> Result<(), ShareError>
    where
        J: Kind<Regime = K::Regime, Hardware = K::Hardware, Reach = K::Reach>,
    {
        let format = format_of::<K>();
        let Some(Pinned { span, sharers }) = self.borders.pinned else { return Err(ShareError::NotPinned) };
        let Some(root) = self.root_of(span.start) else { return Err(ShareError::NotPinned) };
        if other.borders.shared.is_some() {
            return Err(ShareError::Taken);
        }
        if !format.split_roots {
            self.copy_entries(root, span, other)?;
        } else {
            let half = if format.is_upper(span.start) { &mut other.roots.upper } else { &mut other.roots.lower };
            if half.is_some() {
                return Err(ShareError::Taken);
            }
            *half = Some(root.table.as_u64());
        }
        other.borders.shared = Some(Shared { span, owner: root.table.as_u64() });
        self.borders.pinned = Some(Pinned { span, sharers: sharers.saturating_add(1) });
        Ok(())
    }

    /// Copies the root entries of `span`, all or none.
    fn copy_entries<J: Kind<Regime = K::Regime>>(
        &self,
        root: Node,
        span: Span,
        other: &mut AddressSpace<J, Offline>,
    ) -> Result<(), ShareError> {
        let format = format_of::<K>();
        let to = other.root_of(span.start).ok_or(ShareError::Taken)?;
        let slots = format.index(span.start, root.level)..=format.index(span.last, root.level);
        for index in slots.clone() {
            let word = other.memory.load(to.at::<K::Regime>(index)).ok_or(ShareError::OutOfReach { root: to.table })?;
            if Levels::<K::Regime>::sort(to.level, word) != Sort::Absent {
                return Err(ShareError::Occupied { virt: VirtAddr::new(to.virt::<K::Regime>(index)) });
            }
            self.memory.load(root.at::<K::Regime>(index)).ok_or(ShareError::OutOfReach { root: root.table })?;
        }
        for index in slots {
            if let Some(word) = self.memory.load(root.at::<K::Regime>(index)) {
                // SAFETY: the root is the other space's, which is borrowed exclusively, and was in reach above.
                unsafe { other.memory.store(to.at::<K::Regime>(index), word) };
            }
        }
        Ok(())
    }
}

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// How many spaces have the pinned part.
    #[must_use]
    pub fn sharers(&self) -> usize {
        self.borders.pinned.map_or(0, |pinned| pinned.sharers)
    }

    /// Counts one sharer less.
    ///
    /// # Errors
    /// The proof, if it is of another space's part.
    pub fn take_back<J>(&mut self, returned: Returned<J>) -> Result<(), Returned<J>>
    where
        J: Kind<Regime = K::Regime, Hardware = K::Hardware, Reach = K::Reach>,
    {
        let root = self.borders.pinned.and_then(|pinned| self.root_of(pinned.span.start));
        match (&mut self.borders.pinned, root) {
            (Some(pinned), Some(root)) if root.table.as_u64() == returned.owner && pinned.sharers > 0 => {
                pinned.sharers -= 1;
                Ok(())
            }
            _ => Err(returned),
        }
    }

    /// Lets root entries of the pinned part change again.
    ///
    /// # Errors
    /// [`StillShared`] if other spaces have it.
    pub fn unpin(&mut self) -> Result<(), StillShared> {
        match self.sharers() {
            0 => {
                self.borders.pinned = None;
                Ok(())
            }
            sharers => Err(StillShared { sharers }),
        }
    }
}
