//! Editing a space that no hardware uses: everything takes effect at once, and owes nothing.

use super::error::{MapError, PromoteError, ProtectError, RemapError, SplitError, UnmapError};
use super::kind::{Kind, Offline};
use super::ledger::Unused;
use super::page::LevelOf;
use super::protect::Protect;
use super::request::{Limits, Mapping, Reclaim};
use super::scatter::Scatter;
use super::space::AddressSpace;
use super::sweep::{Pages, refused};
use super::tree::Tree;
use crate::addr::{PhysAddr, VirtAddr};
use crate::page::{Frame, HasLeaf, Page, PageSize};
use crate::table::Attributes;

/// Each operation does all that it is asked for, or changes nothing and allocates nothing.
impl<K: Kind> AddressSpace<K, Offline> {
    /// Maps a range with the largest leaves that fit.
    ///
    /// Cost: two walks over the tables of the range, and one store for each leaf.
    ///
    /// # Errors
    /// [`MapError`].
    #[inline(always)]
    pub fn map(&mut self, request: &Mapping) -> Result<(), MapError> {
        if let Some(pages) = Tree::<K, Unused>::swept(request) {
            return self.sweep(request.virt, request.size, pages?);
        }
        let mut tree = self.tree();
        let done = tree.map(request);
        tree.finish();
        done
    }

    /// Makes the pages of a range what is asked for. A sweep leaves none of the tables that it reserves.
    fn sweep(&mut self, virt: VirtAddr, size: u64, pages: Pages) -> Result<(), MapError> {
        self.tree().sweep(virt, size, pages)
    }

    /// Maps a range, over nothing that is mapped, to wherever `phys` says: memory that need not be contiguous.
    ///
    /// `phys` is asked for each leaf in ascending order, and once more for each when all is checked: it must give the same
    /// answers. Where an answer is a multiple of a larger leaf that fits the range and `limits`, that leaf is used, and
    /// `phys` is not asked for the rest of it. Frames that are allocated in `phys` would be allocated twice; collect them
    /// first.
    ///
    /// # Errors
    /// [`MapError`].
    pub fn map_with(
        &mut self,
        virt: VirtAddr,
        size: u64,
        attributes: Attributes,
        limits: Limits,
        phys: impl FnMut(VirtAddr) -> PhysAddr,
    ) -> Result<(), MapError> {
        let mut tree = self.tree();
        let done = tree.map_with(&Scatter { virt, size, attributes, limits }, phys);
        tree.finish();
        done
    }

    /// Maps one page, with one leaf of its size.
    ///
    /// Cost: two walks, and as many stores.
    ///
    /// # Errors
    /// [`MapError`].
    #[inline(always)]
    pub fn map_page<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<(), MapError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.map(&one_leaf(page, frame, attributes))
    }

    /// Unmaps all that is mapped in a range, which may have holes. Leaves that reach out of it are split.
    ///
    /// Cost: one walk over the tables of the range, and a store for each leaf; with [`Reclaim::Free`] one for each table
    /// that goes as a whole instead.
    ///
    /// # Errors
    /// [`UnmapError`].
    #[inline(always)]
    pub fn unmap(&mut self, virt: VirtAddr, size: u64, reclaim: Reclaim) -> Result<(), UnmapError> {
        if Tree::<K, Unused>::SWEEPS && reclaim == Reclaim::Keep {
            return self.sweep(virt, size, Pages::ABSENT).map_err(refused);
        }
        let mut tree = self.tree();
        let done = tree.unmap(virt, size, reclaim);
        tree.finish();
        done
    }

    /// Unmaps the leaf of exactly this page. Tables stay.
    ///
    /// # Errors
    /// [`UnmapError`].
    pub fn unmap_page<S: PageSize>(&mut self, page: Page<S>) -> Result<(Frame<S>, Attributes), UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let (phys, attributes) = self.tree().unmap_leaf(page.start(), LevelOf::<K::Regime, S>::LEVEL)?;
        Ok((Frame::containing(phys), attributes))
    }

    /// Changes all leaves of a range. Those that reach out of it are split if they change.
    ///
    /// Cost: two walks over the tables of the range, and one store for each leaf that changes.
    ///
    /// # Errors
    /// [`ProtectError`], also if there is a hole.
    pub fn protect(&mut self, virt: VirtAddr, size: u64, change: &Protect) -> Result<(), ProtectError> {
        let mut tree = self.tree();
        let done = tree.protect(virt, size, change);
        tree.finish();
        done
    }

    /// Changes the leaf of exactly this page.
    ///
    /// # Errors
    /// [`ProtectError`].
    pub fn protect_page<S: PageSize>(&mut self, page: Page<S>, change: &Protect) -> Result<(), ProtectError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.tree().protect_leaf(page.start(), LevelOf::<K::Regime, S>::LEVEL, change)
    }

    /// Makes the leaf of exactly this page go elsewhere, and gives back where it went.
    ///
    /// # Errors
    /// [`RemapError`].
    pub fn remap_page<S: PageSize>(
        &mut self,
        page: Page<S>,
        frame: Frame<S>,
        attributes: Attributes,
    ) -> Result<Frame<S>, RemapError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = LevelOf::<K::Regime, S>::LEVEL;
        self.tree().remap_leaf(page.start(), level, frame.start(), attributes).map(Frame::containing)
    }

    /// Splits the leaf that translates `virt` until it is of size `S` or smaller; what it translates to stays.
    ///
    /// # Errors
    /// [`SplitError`].
    pub fn split<S: PageSize>(&mut self, virt: VirtAddr) -> Result<(), SplitError>
    where
        K::Regime: HasLeaf<S>,
    {
        let mut tree = self.tree();
        let done = tree.split(virt, LevelOf::<K::Regime, S>::LEVEL);
        tree.finish();
        done
    }

    /// Makes one leaf of a table whose leaves follow each other and are equal.
    ///
    /// # Errors
    /// [`PromoteError`].
    pub fn promote<S: PageSize>(&mut self, page: Page<S>) -> Result<(), PromoteError>
    where
        K::Regime: HasLeaf<S>,
    {
        self.tree().promote(page.start(), LevelOf::<K::Regime, S>::LEVEL)
    }

    /// Gives every table back that the space owns, and the memory they came from.
    pub fn free(mut self) -> K::Memory {
        let mut tree = self.tree();
        tree.free_all();
        tree.finish();
        self.memory
    }
}

/// The request for one leaf.
#[inline(always)]
pub(super) const fn one_leaf<S: PageSize>(page: Page<S>, frame: Frame<S>, attributes: Attributes) -> Mapping {
    let limits = Limits { smallest: S::BYTES, largest: S::BYTES, runs: false };
    Mapping::new(page.start(), frame.start(), S::BYTES, attributes).limited(limits)
}
