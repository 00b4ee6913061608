//! Break-before-make as states: [`Broken`], flushed it is [`Cleared`], and only then it can be made anew.
//!
//! Operations on live spaces do all of it themselves where the architecture asks for it. These states are for programs
//! that do something in between: copy the memory, write back a cache.

use core::fmt;

use super::error::{MapError, UnmapError};
use super::kind::{Kind, Live};
use super::space::AddressSpace;
use crate::flush::{Interprocessor, TlbFlush};
use crate::page::{Frame, HasLeaf, Page, PageSize};
use crate::table::Attributes;

/// A page whose entry is absent, and which cores may still have cached.
#[must_use = "a broken entry stays absent until it is flushed and made anew"]
pub struct Broken<'s, K: Kind, S: PageSize> {
    space: &'s mut AddressSpace<K, Live>,
    page: Page<S>,
    owed: TlbFlush<K, (Frame<S>, Attributes)>,
}

/// A page whose entry is absent, and which no core has cached. Dropping it leaves the page unmapped.
#[must_use = "the page stays unmapped until it is made anew"]
pub struct Cleared<'s, K: Kind, S: PageSize> {
    space: &'s mut AddressSpace<K, Live>,
    page: Page<S>,
    frame: Frame<S>,
    attributes: Attributes,
}

impl<K: Kind> AddressSpace<K, Live> {
    /// Makes the entry of exactly this page absent.
    ///
    /// # Safety
    /// As for all edits of live spaces; nobody uses the page until it is made anew.
    ///
    /// # Errors
    /// [`UnmapError`]; then nothing has changed.
    pub unsafe fn break_page<S: PageSize>(&mut self, page: Page<S>) -> Result<Broken<'_, K, S>, UnmapError>
    where
        K::Regime: HasLeaf<S>,
    {
        // SAFETY: passed on to the caller.
        let owed = unsafe { self.unmap_page(page) }?;
        Ok(Broken { space: self, page, owed })
    }
}

impl<'s, K: Kind, S: PageSize> Broken<'s, K, S> {
    /// Flushes it on the hardware of the space.
    pub fn flush(self) -> Cleared<'s, K, S> {
        let Self { space, page, owed } = self;
        let (frame, attributes) = space.flush(owed);
        Cleared { space, page, frame, attributes }
    }

    /// Flushes it on all cores.
    pub fn shootdown<I: Interprocessor<K>>(self, cores: &mut I) -> Cleared<'s, K, S> {
        let Self { space, page, owed } = self;
        let scope = owed.scope();
        let (frame, attributes) = owed.shootdown(space.hardware(), cores);
        space.settled(&scope);
        Cleared { space, page, frame, attributes }
    }

    /// Leaves it absent, and gives out the obligation.
    pub fn into_token(self) -> TlbFlush<K, (Frame<S>, Attributes)> {
        self.owed
    }
}

impl<K: Kind, S: PageSize> Cleared<'_, K, S> {
    /// Where it went.
    pub const fn frame(&self) -> Frame<S> {
        self.frame
    }

    /// What it granted.
    pub const fn attributes(&self) -> Attributes {
        self.attributes
    }

    /// Makes it anew.
    ///
    /// # Safety
    /// As for all edits of live spaces.
    ///
    /// # Errors
    /// [`MapError`], and the same page as it was.
    pub unsafe fn make(self, frame: Frame<S>, attributes: Attributes) -> Result<TlbFlush<K>, (MapError, Self)>
    where
        K::Regime: HasLeaf<S>,
    {
        match self.space.cursor(self.page.start()).map_one(self.page, frame, attributes) {
            Ok(owed) => Ok(owed),
            Err(error) => Err((error, self)),
        }
    }
}

impl<K: Kind, S: PageSize> fmt::Debug for Broken<'_, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broken({:?})", self.page.start())
    }
}

impl<K: Kind, S: PageSize> fmt::Debug for Cleared<'_, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cleared({:?}, was {:?})", self.page.start(), self.frame.start())
    }
}
