//! A place in a space that remembers how it was reached.

use core::fmt;

use super::change::run_of;
use super::error::{Fault, MapError, Offender, ProtectError, UnmapError};
use super::kind::{Kind, Live, Offline, State};
use super::leaves::{flags_of, phys_end};
use super::ledger::Ledger;
use super::node::{Node, Sort};
use super::offline::one_leaf;
use super::page::{LevelOf, Spot};
use super::protect::{Edit, Protect};
use super::range::{RangeError, Span};
use super::space::{AddressSpace, format_of};
use super::tree::Tree;
use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::Features;
use crate::flush::{Change, Duty, TlbFlush};
use crate::format::{Format, MAX_LEVELS, NOT_ENCODABLE, clamp};
use crate::page::{Frame, HasLeaf, Page, PageSize};
use crate::regime::Regime;
use crate::table::Attributes;

/// A place in a space. It keeps the tables on the way to it, so that going elsewhere costs only what differs: for the
/// next page of the same table nothing.
///
/// ```text
///   map      a load, a store               where the table is there, and the attributes are those of last time
///   unmap    a load, a store
///   protect  a load, a store or exchange   where the change is that of last time
/// ```
///
/// # Invariants
/// `path[level]` is the table of `level` on the way to `virt`, for each level from `low` to `top`; for none, if `low` is
/// [`MAX_LEVELS`].
pub struct Cursor<'s, K: Kind, St: State> {
    space: &'s mut AddressSpace<K, St>,
    virt: u64,
    low: usize,
    top: usize,
    path: [Node; MAX_LEVELS],
    /// Flags of the attributes last mapped with.
    flags: [u64; MAX_LEVELS],
    /// [`key_of`] them.
    leaf: u64,
    /// The change last made, and for which leaves which duty was owed.
    edit: Edit,
    /// [`key_of_change`] it.
    change: u64,
    streak: Option<(u64, Duty)>,
}

impl<K: Kind, St: State> fmt::Debug for Cursor<'_, K, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor at {:#x}", self.virt)
    }
}

type TreeOf<'a, K, St> = Tree<'a, K, <St as State>::Ledger<'a, K>>;

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// A cursor at `virt`.
    pub const fn cursor(&mut self, virt: VirtAddr) -> Cursor<'_, K, St> {
        let node = Node::fresh(PhysAddr::new(0), 0);
        Cursor {
            space: self,
            virt: virt.as_u64(),
            low: MAX_LEVELS,
            top: 0,
            path: [node; MAX_LEVELS],
            flags: [NOT_ENCODABLE; MAX_LEVELS],
            leaf: NO_KEY,
            edit: Edit::NONE,
            change: NO_KEY,
            streak: None,
        }
    }
}

impl<K: Kind, St: State> Cursor<'_, K, St> {
    const FORMAT: &'static Format = format_of::<K>();
    const FEATURES: Features = <K::Regime as Regime>::FEATURES;
    const PHYS_END: u64 = phys_end(Self::FORMAT, Self::FEATURES);

    /// Where it is.
    #[must_use]
    pub const fn position(&self) -> VirtAddr {
        VirtAddr::new(self.virt)
    }

    /// Goes to `virt`. What lies on the way there, and was on the way here, need not be read again.
    #[inline]
    pub fn seek(&mut self, virt: VirtAddr) {
        let differs = virt.as_u64() ^ self.virt;
        self.virt = virt.as_u64();
        while self.low <= self.top && differs >> Self::span(self.low) != 0 {
            self.low += 1;
        }
        if self.low > self.top {
            self.low = MAX_LEVELS;
        }
    }

    /// log2 of the bytes that a table of `level` translates.
    #[inline(always)]
    const fn span(level: usize) -> u32 {
        Self::FORMAT.at(level).shift + Self::FORMAT.index_bits(level)
    }

    /// Whether the table of `level` on the way to `virt` is known, and is the lowest that is. The root never is: whose its
    /// entries are must be looked at.
    #[inline(always)]
    const fn knows(&self, virt: u64, level: usize) -> bool {
        level + 1 < Self::FORMAT.levels && self.low == level && (virt ^ self.virt) >> Self::span(level) == 0
    }

    /// The table that [`knows`](Self::knows) is about, with what is known of it at compile time.
    #[inline(always)]
    const fn known(&self, level: usize) -> Node {
        Node { table: self.path[clamp(level)].table, level, base: self.path[clamp(level)].base, fresh: false }
    }

    /// Reads the way down to `level`, as far as there are tables, and gives the entry it ends at.
    pub(super) fn arrive(&mut self, level: usize) -> Result<Spot, Fault> {
        let page = Self::FORMAT.page_size();
        let virt = self.virt & !(page - 1);
        let tree = self.space.tree();
        // At the root it is looked at again whose the root entry is.
        if self.low > self.top || self.low + 1 == Self::FORMAT.levels {
            self.low = MAX_LEVELS;
            let span = Span::new(Self::FORMAT, VirtAddr::new(virt), page, page)?;
            let first = tree.enter(span)?;
            (self.low, self.top) = (first.level, first.level);
            self.path[clamp(first.level)] = first;
        }
        if level > self.top {
            return Err(RangeError::Pinned { virt: VirtAddr::new(virt) }.into());
        }
        self.low = self.low.max(level);
        loop {
            let node = self.path[clamp(self.low)];
            let index = tree.index(node, virt);
            let word = tree.checked(node, index)?;
            if self.low == level || Sort::of(Self::FORMAT, node.level, word) != Sort::Table {
                return Ok(Spot { node, index, word });
            }
            self.low -= 1;
            self.path[clamp(self.low)] = node.below(Self::FORMAT, index, word);
        }
    }

    /// Runs an operation by the long way, and learns the way afterwards.
    #[cold]
    #[inline(never)]
    fn slowly<T, E>(
        &mut self,
        level: usize,
        virt: VirtAddr,
        run: impl FnOnce(&mut TreeOf<'_, K, St>) -> Result<T, E>,
    ) -> Result<St::Owes<K, T>, E> {
        let mut tree = self.space.tree();
        let done = run(&mut tree);
        let (scope, _) = tree.finish().close();
        self.seek(virt);
        // Where there is nothing on the way yet, the next operation looks again.
        let _ = self.arrive(level);
        done.map(|value| St::owes(scope, value))
    }

    /// Maps one page.
    #[inline]
    pub(super) fn map_one<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<St::Owes<K, ()>, MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let (virt, phys) = (page.start().as_u64(), frame.start().as_u64());
        let key = key_of(attributes);
        if self.leaf == key
            && self.flags[clamp(level)] != NOT_ENCODABLE
            && self.knows(virt, level)
            && phys < Self::PHYS_END
        {
            let (node, flags) = (self.known(level), self.flags[clamp(level)]);
            self.virt = virt;
            let mut tree = self.space.tree();
            let index = tree.index(node, virt);
            if tree.load(node, index) & Self::FORMAT.present == 0 {
                let word = flags | Self::FORMAT.address.encode(phys);
                let slot = Span { start: virt, last: virt | (S::BYTES - 1) };
                tree.vacate(node, slot).make(&mut tree, index, word);
                tree.owe(node, const { duty_of::<K, St>(Change::Map) }, slot, is_global::<K, St>(level, word));
                let (scope, _) = tree.finish().close();
                return Ok(St::owes(scope, ()));
            }
        }
        if self.leaf != key {
            (self.leaf, self.flags) = (key, flags_of(Self::FORMAT, Self::FEATURES, attributes));
        }
        if level > 0 && <St::Ledger<'static, K> as Ledger<K>>::LIVE {
            self.no_table(page.start(), level)?;
        }
        self.slowly(level, page.start(), |tree| tree.map(&one_leaf(page, frame, attributes)))
    }

    /// A table in the place of the leaf, even one without mappings, would have to be in the token.
    fn no_table(&mut self, virt: VirtAddr, level: usize) -> Result<(), MapError> {
        self.seek(virt);
        match self.arrive(level) {
            Ok(Spot { node, index, word })
                if node.level == level && Sort::of(Self::FORMAT, level, word) == Sort::Table =>
            {
                Err(MapError::HoldsTable(self.space.tree().found(node, index, word)))
            }
            _ => Ok(()),
        }
    }

    /// Unmaps one page.
    #[inline]
    pub(super) fn unmap_one<S: PageSize>(&mut self, page: Page<S>) -> Result<St::Owes<K, Frame<S>>, UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let virt = page.start().as_u64();
        if self.knows(virt, level) {
            let node = self.known(level);
            self.virt = virt;
            let mut tree = self.space.tree();
            let index = tree.index(node, virt);
            let word = tree.load(node, index);
            if Sort::of(Self::FORMAT, level, word) == Sort::Leaf && run_of(Self::FORMAT, level, word).is_none() {
                tree.erase(node, index);
                let slot = Span { start: virt, last: virt | (S::BYTES - 1) };
                let duty = const { duty_of::<K, St>(Change::Unmap) };
                tree.owe_absent(node, duty, slot, is_global::<K, St>(level, word));
                let (scope, _) = tree.finish().close();
                let frame = Frame::containing(PhysAddr::new(Self::FORMAT.address.decode(word)));
                return Ok(St::owes(scope, frame));
            }
        }
        self.slowly(level, page.start(), |tree| {
            tree.unmap_leaf(page.start(), level).map(|(phys, _)| Frame::containing(phys))
        })
    }

    /// Changes one page.
    #[inline]
    pub(super) fn protect_one<S: PageSize>(
        &mut self,
        page: Page<S>,
        change: &Protect,
    ) -> Result<St::Owes<K, ()>, ProtectError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let virt = page.start().as_u64();
        let key = key_of_change(change);
        if self.change == key && self.edit.fits(level) && self.knows(virt, level) {
            let edit = &self.edit;
            let node = self.known(level);
            self.virt = virt;
            let mut tree = self.space.tree();
            let index = tree.index(node, virt);
            let word = tree.load(node, index);
            let duty = tree.duty_of_edit(&mut self.streak, level, word, edit);
            if Sort::of(Self::FORMAT, level, word) == Sort::Leaf
                && run_of(Self::FORMAT, level, word).is_none()
                && !TreeOf::<K, St>::breaks(node, duty)
            {
                let (old, new) = tree.update(node, index, word, duty, |old| edit.apply(Self::FORMAT, level, old));
                let slot = Span { start: virt, last: virt | (S::BYTES - 1) };
                let global = is_global::<K, St>(level, old) | is_global::<K, St>(level, new);
                if old != new {
                    tree.owe(node, duty, slot, global);
                }
                let (scope, _) = tree.finish().close();
                return Ok(St::owes(scope, ()));
            }
        }
        if self.change != key {
            (self.change, self.edit) = (key, Edit::new(Self::FORMAT, Self::FEATURES, *change));
            self.streak = None;
        }
        self.slowly(level, page.start(), |tree| tree.protect_leaf(page.start(), level, change))
    }

    /// Runs what cannot fail on a leaf that [`arrive`](Self::arrive) found.
    pub(super) fn on_leaf<T>(
        &mut self,
        spot: Option<Spot>,
        value: T,
        run: impl FnOnce(&mut TreeOf<'_, K, St>, Spot, Span),
    ) -> St::Owes<K, T> {
        let mut tree = self.space.tree();
        if let Some(spot) = spot {
            run(&mut tree, spot, TreeOf::<K, St>::slot(spot.node, spot.index));
        }
        let (scope, _) = tree.finish().close();
        St::owes(scope, value)
    }

    /// What is there, for errors, and what it says if it is a leaf.
    pub(super) fn describe(&mut self, spot: Spot) -> (Offender, Option<(PhysAddr, Attributes)>) {
        let tree = self.space.tree();
        (tree.found(spot.node, spot.index, spot.word), tree.read_leaf(spot))
    }
}

/// No [`key_of`] anything.
const NO_KEY: u64 = u64::MAX;

/// Attributes as one number, which compares at once.
#[inline(always)]
const fn key_of(attributes: Attributes) -> u64 {
    attributes.access.index() as u64 | (attributes.memory as u64) << 8 | (attributes.global as u64) << 16
}

/// A change as one number.
#[inline(always)]
const fn key_of_change(change: &Protect) -> u64 {
    let access = match change.access {
        Some(access) => access.index() as u64,
        None => 0xff,
    };
    let memory = match change.memory {
        Some(memory) => memory as u64,
        None => 0xff,
    };
    let global = match change.global {
        Some(global) => global as u64,
        None => 2,
    };
    access | memory << 8 | global << 16
}

const fn duty_of<K: Kind, St: State>(change: Change) -> Duty {
    Tree::<K, St::Ledger<'static, K>>::duty(change)
}

#[inline(always)]
fn is_global<K: Kind, St: State>(level: usize, word: u64) -> bool {
    <St::Ledger<'static, K> as Ledger<K>>::LIVE && Tree::<K, St::Ledger<'static, K>>::is_global(level, word)
}

/// Everything takes effect at once, and owes nothing.
impl<K: Kind> Cursor<'_, K, Offline> {
    /// Maps one page, and goes there.
    ///
    /// # Errors
    /// [`MapError`]; then nothing has changed.
    #[inline]
    pub fn map<S: PageSize>(&mut self, page: Page<S>, frame: Frame<S>, attributes: Attributes) -> Result<(), MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.map_one(page, frame, attributes)
    }

    /// Unmaps one page, and goes there. Tables stay.
    ///
    /// # Errors
    /// [`UnmapError`]; then nothing has changed.
    #[inline]
    pub fn unmap<S: PageSize>(&mut self, page: Page<S>) -> Result<Frame<S>, UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.unmap_one(page)
    }

    /// Changes one page, and goes there.
    ///
    /// # Errors
    /// [`ProtectError`]; then nothing has changed.
    #[inline]
    pub fn protect<S: PageSize>(&mut self, page: Page<S>, change: &Protect) -> Result<(), ProtectError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.protect_one(page, change)
    }
}

/// Everything returns what it owes.
impl<K: Kind> Cursor<'_, K, Live> {
    /// Maps one page, and goes there.
    ///
    /// A table in the place of the leaf is an error, even one without mappings: `map_page` of the space takes that out.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`MapError`]; then nothing has changed, and nothing is owed.
    #[inline]
    pub unsafe fn map<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<TlbFlush<K>, MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.map_one(page, frame, attributes)
    }

    /// Unmaps one page, and goes there. Tables stay.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`UnmapError`]; then nothing has changed, and nothing is owed.
    #[inline]
    pub unsafe fn unmap<S: PageSize>(&mut self, page: Page<S>) -> Result<TlbFlush<K, Frame<S>>, UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.unmap_one(page)
    }

    /// Changes one page, and goes there.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`ProtectError`]; then nothing has changed, and nothing is owed.
    #[inline]
    pub unsafe fn protect<S: PageSize>(&mut self, page: Page<S>, change: &Protect) -> Result<TlbFlush<K>, ProtectError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.protect_one(page, change)
    }

    /// Executes what is owed on the hardware of the space, and gives back what was released.
    pub fn flush<T>(&mut self, token: TlbFlush<K, T>) -> T {
        self.space.flush(token)
    }
}
