//! A place in a space that remembers how it was reached.

use super::levels::Levels;
use core::fmt;

use super::change::run_of;
use super::error::{Fault, MapError, Offender, ProtectError, UnmapError};
use super::kind::{Kind, Live, Offline, State};
use super::leaves::{flags_at, phys_end};
use super::ledger::Ledger;
use super::node::{Node, Sort};
use super::offline::one_leaf;
use super::page::{LevelOf, Spot};
use super::protect::{Edit, Protect, Streak};
use super::range::{RangeError, Span};
use super::ready::Ready;
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
///   map, unmap   a load, a store
///   protect      a load, a store or exchange
/// ```
///
/// # Invariants
/// 1. `path[level]` is the table of `level` on the way to `virt`, for each level from `low` to `top`, and was put in sight;
///    for none, if `low` is [`MAX_LEVELS`].
/// 2. `ready[level]` is within what `path[level]` translates, which is a table of the space and was put in sight.
pub struct Cursor<'s, K: Kind, St: State> {
    pub(super) space: &'s mut AddressSpace<K, St>,
    /// Where it is.
    position: u64,
    /// Where `path` leads.
    pub(super) virt: u64,
    pub(super) low: usize,
    top: usize,
    pub(super) path: [Node; MAX_LEVELS],
    /// Where entries can be changed at once, by level.
    pub(super) ready: [Ready; MAX_LEVELS],
    /// What the change of a leaf last owed.
    streak: Option<Streak>,
}

impl<K: Kind, St: State> fmt::Debug for Cursor<'_, K, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor at {:#x}", self.position)
    }
}

pub(super) type TreeOf<'a, K, St> = Tree<'a, K, <St as State>::Ledger<'a, K>>;

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// A cursor at `virt`.
    pub const fn cursor(&mut self, virt: VirtAddr) -> Cursor<'_, K, St> {
        let node = Node::fresh(PhysAddr::new(0), 0);
        Cursor {
            space: self,
            position: virt.as_u64(),
            virt: virt.as_u64(),
            low: MAX_LEVELS,
            top: 0,
            path: [node; MAX_LEVELS],
            ready: Ready::NOWHERE,
            streak: None,
        }
    }
}

impl<K: Kind, St: State> Cursor<'_, K, St> {
    pub(super) const FORMAT: &'static Format = format_of::<K>();
    const FEATURES: Features = <K::Regime as Regime>::FEATURES;
    const PHYS_END: u64 = phys_end(Self::FORMAT, Self::FEATURES);

    /// Where it is: [`entry`](Self::entry) is about that. Operations on a page that is named do not move it.
    #[must_use]
    pub const fn position(&self) -> VirtAddr {
        VirtAddr::new(self.position)
    }

    /// Goes to `virt`. What lies on the way there, and was on the way to where the cursor was last used, need not be read
    /// again.
    #[inline]
    pub fn seek(&mut self, virt: VirtAddr) {
        self.position = virt.as_u64();
        self.turn(virt);
    }

    /// Makes `path` lead to `virt`, as far as it is known.
    pub(super) fn turn(&mut self, virt: VirtAddr) {
        let differs = virt.as_u64() ^ self.virt;
        self.virt = virt.as_u64();
        while self.low <= self.top && differs >> Self::span(self.low) != 0 {
            self.low += 1;
        }
        if self.low > self.top {
            self.low = MAX_LEVELS;
        }
        self.get_ready(self.virt, self.low);
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
            let first = tree.in_sight(tree.enter(span)?)?;
            (self.low, self.top) = (first.level, first.level);
            first.pass(&mut self.path, &mut self.ready);
        }
        if level > self.top {
            return Err(RangeError::Pinned { virt: VirtAddr::new(virt) }.into());
        }
        self.low = self.low.max(level);
        loop {
            let node = self.path[clamp(self.low)];
            let index = tree.index(node, virt);
            let word = match tree.checked(node, index) {
                Ok(word) => word,
                Err(fault) => {
                    self.low = MAX_LEVELS;
                    return Err(fault);
                }
            };
            if self.low == level || Levels::<K::Regime>::sort(node.level, word) != Sort::Table {
                return Ok(Spot { node, index, word });
            }
            let below = tree.in_sight(node.below::<K::Regime>(index, word))?;
            self.low -= 1;
            below.pass(&mut self.path, &mut self.ready);
        }
    }

    /// Finds the way to the entry of `level` at `virt`, and what can be done there at once.
    fn get_ready_at(&mut self, virt: VirtAddr, level: usize) -> Option<Spot> {
        self.turn(virt);
        let found = self.arrive(level).ok();
        self.get_ready(self.virt, self.low);
        found
    }

    /// Finds the way to `virt`, and whether there is one.
    fn finds_the_way(&mut self, virt: VirtAddr, level: usize) -> bool {
        let found = self.leap(virt, level, |_, _| Some(()), |_, _| Some(()));
        found.is_some() || self.get_ready_at(virt, level).is_some()
    }

    /// Runs an operation by the long way, and learns the way afterwards.
    fn slowly<T, E>(
        &mut self,
        level: usize,
        virt: VirtAddr,
        run: impl FnOnce(&mut TreeOf<'_, K, St>) -> Result<T, E>,
    ) -> Result<St::Owes<K, T>, E> {
        let mut tree = self.space.tree();
        let done = run(&mut tree);
        let (scope, _) = tree.finish().close();
        self.turn(virt);
        // Where there is nothing on the way yet, the next operation looks again.
        let _ = self.arrive(level);
        self.get_ready(self.virt, self.low);
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
        if frame.start().as_u64() < Self::PHYS_END
            && let Some((node, index)) = self.at_once(page, const { LevelOf::<K::Regime, S>::LEVEL })
        {
            let word = self.space.tree().load(node, index);
            if let Some(owed) = self.map_there(Spot { node, index, word }, page, frame, attributes) {
                return Ok(owed);
            }
        }
        self.map_slowly(page, frame, attributes)
    }

    /// Maps one page at its entry, which was found in a table that was put in sight, if nothing else is to be done.
    #[inline(always)]
    fn map_there<S: PageSize>(
        &mut self,
        spot: Spot,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Option<St::Owes<K, ()>>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let (virt, phys) = (page.start().as_u64(), frame.start().as_u64());
        let flags = flags_at(Self::FORMAT, Self::FEATURES, attributes, level);
        if phys >= Self::PHYS_END || flags == NOT_ENCODABLE || spot.word & Self::FORMAT.present != 0 {
            return None;
        }
        let mut tree = self.space.tree();
        let word = flags | Self::FORMAT.address.place(phys);
        let slot = Span { start: virt, last: virt | (S::BYTES - 1) };
        tree.vacate(spot.node, slot).make(&mut tree, spot.index, word);
        tree.owe(spot.node, const { duty_of::<K, St>(Change::Map) }, slot, is_global::<K, St>(level, word));
        let (scope, _) = tree.finish().close();
        Some(St::owes(scope, ()))
    }

    /// Maps one page in another table, or in a new one.
    #[cold]
    #[inline(never)]
    fn map_slowly<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<St::Owes<K, ()>, MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        // A table in the place of the leaf is looked for first where it would be an error.
        if level == 0 || !<St::Ledger<'static, K> as Ledger<K>>::LIVE {
            let there = |this: &mut Self, spot| this.map_there(spot, page, frame, attributes);
            let above = |this: &mut Self, spot| this.map_in_new_table(spot, page, frame, attributes);
            if let Some(owed) = self.leap(page.start(), level, there, above) {
                return Ok(owed);
            }
        }
        self.map_step_by_step(page, frame, attributes)
    }

    /// The same, finding out what of the way is known.
    #[cold]
    #[inline(never)]
    fn map_step_by_step<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<St::Owes<K, ()>, MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        if level > 0 && <St::Ledger<'static, K> as Ledger<K>>::LIVE {
            self.no_table(page.start(), level)?;
        }
        if Self::gets_ready(level)
            && let Some(spot) = self.get_ready_at(page.start(), level)
            && spot.node.level == level
            && let Some(owed) = self.map_there(spot, page, frame, attributes)
        {
            return Ok(owed);
        }
        self.slowly(level, page.start(), |tree| tree.map(&one_leaf(page, frame, attributes)))
    }

    /// Maps a page where nothing but its table is missing: `spot` is the absent entry above. `None` where that is not all.
    #[inline(always)]
    fn map_in_new_table<S: PageSize>(
        &mut self,
        spot: Spot,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Option<St::Owes<K, ()>>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let (virt, phys, bytes) = (page.start().as_u64(), frame.start().as_u64(), S::BYTES);
        let flags = flags_at(Self::FORMAT, Self::FEATURES, attributes, level);
        if flags == NOT_ENCODABLE || phys >= Self::PHYS_END || Self::PHYS_END - phys < bytes {
            return None;
        }
        let mut tree = self.space.tree();
        let child = tree.take_new(spot.node, spot.index)?;
        let child = tree.in_sight(child).ok()?;
        let (at, span) = (tree.index(child, virt), Span { start: virt, last: virt | (bytes - 1) });
        let leaf = flags | Self::FORMAT.address.encode(phys);
        tree.clear(child, 0, child.entries::<K::Regime>());
        tree.fill(child, at, leaf);
        tree.link(spot.node, spot.index, child);
        tree.owe(spot.node, duty_of::<K, St>(Change::Link), span, is_global::<K, St>(level, leaf));
        let (scope, _) = tree.finish().close();
        self.path[clamp(level)] = Node { fresh: false, ..child };
        self.get_ready(virt, level);
        Some(St::owes(scope, ()))
    }

    /// A table in the place of the leaf, even one without mappings, would have to be in the token.
    fn no_table(&mut self, virt: VirtAddr, level: usize) -> Result<(), MapError> {
        self.turn(virt);
        match self.arrive(level) {
            Ok(Spot { node, index, word })
                if node.level == level && Levels::<K::Regime>::sort(level, word) == Sort::Table =>
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
        if let Some(owed) = self.unmap_at_once(page) {
            return Ok(owed);
        }
        self.unmap_slowly(page)
    }

    /// Unmaps one page if all that takes is known.
    #[inline(always)]
    fn unmap_at_once<S: PageSize>(&mut self, page: Page<S>) -> Option<St::Owes<K, Frame<S>>>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let virt = page.start().as_u64();
        if let Some((node, index)) = self.at_once(page, level) {
            let mut tree = self.space.tree();
            let word = tree.load(node, index);
            if Levels::<K::Regime>::sort(level, word) == Sort::Leaf && run_of(Self::FORMAT, level, word).is_none() {
                tree.erase(node, index);
                let slot = Span { start: virt, last: virt | (S::BYTES - 1) };
                let duty = const { duty_of::<K, St>(Change::Unmap) };
                tree.owe_absent(node, duty, slot, is_global::<K, St>(level, word));
                let (scope, _) = tree.finish().close();
                let frame = Frame::containing(PhysAddr::new(Self::FORMAT.address.decode(word)));
                return Some(St::owes(scope, frame));
            }
        }
        None
    }

    /// The same by the long way.
    #[cold]
    #[inline(never)]
    fn unmap_slowly<S: PageSize>(&mut self, page: Page<S>) -> Result<St::Owes<K, Frame<S>>, UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = LevelOf::<K::Regime, S>::LEVEL;
        if self.finds_the_way(page.start(), level)
            && let Some(owed) = self.unmap_at_once(page)
        {
            return Ok(owed);
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
        if let Some(owed) = self.protect_at_once(page, change) {
            return Ok(owed);
        }
        self.protect_slowly(page, change)
    }

    /// Changes one page if all that takes is known.
    #[inline(always)]
    fn protect_at_once<S: PageSize>(&mut self, page: Page<S>, change: &Protect) -> Option<St::Owes<K, ()>>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = const { LevelOf::<K::Regime, S>::LEVEL };
        let virt = page.start().as_u64();
        let edit = Edit::of_level(Self::FORMAT, Self::FEATURES, level, *change);
        if edit.fits(level)
            && let Some((node, index)) = self.at_once(page, level)
        {
            let mut tree = self.space.tree();
            let word = tree.load(node, index);
            let duty = tree.duty_of_edit(&mut self.streak, level, word, edit.apply(Self::FORMAT, level, word));
            if Levels::<K::Regime>::sort(level, word) == Sort::Leaf
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
                return Some(St::owes(scope, ()));
            }
        }
        None
    }

    /// The same by the long way.
    #[cold]
    #[inline(never)]
    fn protect_slowly<S: PageSize>(&mut self, page: Page<S>, change: &Protect) -> Result<St::Owes<K, ()>, ProtectError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = LevelOf::<K::Regime, S>::LEVEL;
        if self.finds_the_way(page.start(), level)
            && let Some(owed) = self.protect_at_once(page, change)
        {
            return Ok(owed);
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

const fn duty_of<K: Kind, St: State>(change: Change) -> Duty {
    Tree::<K, St::Ledger<'static, K>>::duty(change)
}

#[inline(always)]
fn is_global<K: Kind, St: State>(level: usize, word: u64) -> bool {
    <St::Ledger<'static, K> as Ledger<K>>::LIVE && Tree::<K, St::Ledger<'static, K>>::is_global(level, word)
}

/// Everything takes effect at once, and owes nothing.
impl<K: Kind> Cursor<'_, K, Offline> {
    /// Maps one page.
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

    /// Unmaps one page. Tables stay.
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

    /// Changes one page.
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
    /// Maps one page.
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

    /// Unmaps one page. Tables stay.
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

    /// Changes one page.
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
