//! Editing a space that hardware may use: everything returns what it owes.

use super::error::{MapError, PromoteError, ProtectError, RemapError, SplitError, UnmapError};
use super::kind::{Kind, Live, Offline};
use super::ledger::{Ledger, Owed};
use super::offline::one_leaf;
use super::page::LevelOf;
use super::protect::Protect;
use super::request::{Limits, Mapping, Reclaim};
use super::scatter::Scatter;
use super::space::AddressSpace;
use super::tree::Tree;
use super::unseen::Unseen;
use crate::addr::{PhysAddr, VirtAddr};
use crate::flush::{Duty, Extent, Id, Scope, TlbFlush};
use crate::page::{Frame, HasLeaf, Page, PageSize};
use crate::table::Attributes;
use crate::tables::Tables;

/// Each operation does all that it is asked for, or changes nothing, allocates nothing and owes nothing.
///
/// What an operation owes is in the token that it returns: the least that the architecture asks for, and nothing where it
/// asks for nothing. What it took out of the tables is in the token, too, and comes out by its flush.
///
/// Where the architecture asks for break-before-make, an operation does that itself, on the hardware of the space: for a
/// moment the pages it changes are not mapped, and an access faults.
///
/// # Safety
/// Of all of them: what the program uses while the operation runs, and after it, stays mapped as it uses it; and physical
/// memory that is mapped is not used in conflict with what it is used for elsewhere.
impl<K: Kind> AddressSpace<K, Live> {
    /// Runs one operation, and makes a token of what it owes.
    #[inline(always)]
    pub(super) fn edit<T, E>(
        &mut self,
        run: impl FnOnce(&mut Tree<'_, K, Owed<'_, K>>) -> Result<T, E>,
    ) -> Result<TlbFlush<K, (T, Tables<K>)>, E> {
        let mut tree = self.tree();
        let done = run(&mut tree);
        let (scope, tables) = tree.finish().close();
        done.map(|value| TlbFlush::new(scope, (value, tables)))
    }

    /// Maps a range with the largest leaves that fit. The token owns tables that were replaced.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`MapError`].
    #[inline(always)]
    pub unsafe fn map(&mut self, request: &Mapping) -> Result<TlbFlush<K, Tables<K>>, MapError> {
        self.edit(|tree| tree.map(request)).map(|token| token.map(|((), tables)| tables))
    }

    /// Maps a range, over nothing that is mapped, to wherever `phys` says; see
    /// `map_with` of a space that is offline. The token owns tables without mappings that leaves replaced.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`MapError`].
    pub unsafe fn map_with(
        &mut self,
        virt: VirtAddr,
        size: u64,
        attributes: Attributes,
        limits: Limits,
        phys: impl FnMut(VirtAddr) -> PhysAddr,
    ) -> Result<TlbFlush<K, Tables<K>>, MapError> {
        let what = Scatter { virt, size, attributes, limits };
        self.edit(|tree| tree.map_with(&what, phys)).map(|token| token.map(|((), tables)| tables))
    }

    /// Maps one page, with one leaf of its size.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`MapError`].
    #[inline(always)]
    pub unsafe fn map_page<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<TlbFlush<K, Tables<K>>, MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let request = one_leaf(page, frame, attributes);
        self.edit(|tree| tree.map(&request)).map(|token| token.map(|((), tables)| tables))
    }

    /// Unmaps all that is mapped in a range, which may have holes. Leaves that reach out of it are split. The token owns
    /// the tables that went.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`UnmapError`].
    #[inline(always)]
    pub unsafe fn unmap(
        &mut self,
        virt: VirtAddr,
        size: u64,
        reclaim: Reclaim,
    ) -> Result<TlbFlush<K, Tables<K>>, UnmapError> {
        self.edit(|tree| tree.unmap(virt, size, reclaim)).map(|token| token.map(|((), tables)| tables))
    }

    /// Unmaps the leaf of exactly this page. Tables stay. The token owns the frame.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`UnmapError`].
    pub unsafe fn unmap_page<S: PageSize>(
        &mut self,
        page: Page<S>,
    ) -> Result<TlbFlush<K, (Frame<S>, Attributes)>, UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let token = self.edit(|tree| tree.unmap_leaf(page.start(), LevelOf::<K::Regime, S>::LEVEL))?;
        Ok(token.map(|((phys, attributes), _)| (Frame::containing(phys), attributes)))
    }

    /// Changes all leaves of a range. Those that reach out of it are split if they change.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`ProtectError`], also if there is a hole.
    pub unsafe fn protect(&mut self, virt: VirtAddr, size: u64, change: &Protect) -> Result<TlbFlush<K>, ProtectError> {
        self.edit(|tree| tree.protect(virt, size, change)).map(|token| token.map(|_| ()))
    }

    /// Changes the leaf of exactly this page.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`ProtectError`].
    pub unsafe fn protect_page<S: PageSize>(
        &mut self,
        page: Page<S>,
        change: &Protect,
    ) -> Result<TlbFlush<K>, ProtectError>
    where
        K::Regime: HasLeaf<S>,
    {
        let token = self.edit(|tree| tree.protect_leaf(page.start(), LevelOf::<K::Regime, S>::LEVEL, change))?;
        Ok(token.map(|_| ()))
    }

    /// Makes the leaf of exactly this page go elsewhere. The token owns the frame where it went.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`RemapError`].
    pub unsafe fn remap_page<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<TlbFlush<K, Frame<S>>, RemapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = LevelOf::<K::Regime, S>::LEVEL;
        let token = self.edit(|tree| tree.remap_leaf(page.start(), level, frame.start(), attributes))?;
        Ok(token.map(|(phys, _)| Frame::containing(phys)))
    }

    /// Splits the leaf that translates `virt` until it is of size `S` or smaller; what it translates to stays.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`SplitError`].
    pub unsafe fn split<S: PageSize>(&mut self, virt: VirtAddr) -> Result<TlbFlush<K>, SplitError>
    where
        K::Regime: HasLeaf<S>,
    {
        let token = self.edit(|tree| tree.split(virt, LevelOf::<K::Regime, S>::LEVEL))?;
        Ok(token.map(|_| ()))
    }

    /// Makes one leaf of a table whose leaves follow each other and are equal. The token owns the table.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`PromoteError`].
    pub unsafe fn promote<S: PageSize>(&mut self, page: Page<S>) -> Result<TlbFlush<K, Tables<K>>, PromoteError>
    where
        K::Regime: HasLeaf<S>,
    {
        let token = self.edit(|tree| tree.promote(page.start(), LevelOf::<K::Regime, S>::LEVEL))?;
        Ok(token.map(|((), tables)| tables))
    }

    /// Executes what is owed on the hardware of the space, and gives back what was released.
    pub fn flush<T>(&mut self, token: TlbFlush<K, T>) -> T {
        let scope = token.scope();
        let released = token.flush(&mut self.hardware);
        self.settled(&scope);
        released
    }

    /// `scope` was flushed wherever it may have been cached.
    pub(super) const fn settled(&mut self, scope: &Scope) {
        self.unseen.flushed::<K>(scope);
    }

    /// Executes what is owed on the hardware of the space, and frees the tables that were released.
    pub fn reclaim(&mut self, token: TlbFlush<K, Tables<K>>) {
        self.flush(token).free(&mut self.memory);
    }

    /// The space is tagged with that identifier from now on: what edits owe names it.
    ///
    /// For identifiers that are given out anew, by [`Identifiers`](crate::flush::Identifiers).
    ///
    /// # Safety
    /// Cores use no other identifier for it, and nothing of it is cached under one.
    pub const unsafe fn retag(&mut self, id: Id) {
        self.id = id;
    }

    /// The hardware of the space, for a shootdown.
    pub fn hardware(&mut self) -> &mut K::Hardware {
        &mut self.hardware
    }

    /// The memory of the space, to free tables that came out of a shootdown.
    pub fn memory_mut(&mut self) -> &mut K::Memory {
        &mut self.memory
    }

    /// The same space, for editing without obligations, and the hardware: once what cores have cached of it is flushed.
    ///
    /// # Safety
    /// No core uses the tables any more, or will: other roots are in the registers, and no other space has a part of these.
    pub unsafe fn retire(mut self) -> (TlbFlush<K, AddressSpace<K, Offline>>, K::Hardware) {
        // What is valid in every space is cached under no identifier.
        let tagged = if matches!(self.id, Id::One(_)) && self.tree().has_global() { Id::Every } else { self.id };
        let Self { roots, memory, hardware, id, borders, .. } = self;
        let scope = Scope { duty: Duty::WALK, extent: Extent::Everywhere, id: tagged };
        (
            TlbFlush::new(scope, AddressSpace { roots, memory, hardware: (), id, borders, unseen: Unseen::NOTHING }),
            hardware,
        )
    }
}
