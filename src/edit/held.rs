//! Pages that stay mapped without a cursor at them.

use super::levels::Levels;
use core::fmt;
use core::marker::PhantomData;

use super::brand::OneSpace;
use super::cursor::Cursor;
use super::entry::sealed::Sealed;
use super::entry::{AtCursor, EntryError, Mapped, PagePlace};
use super::error::Offender;
use super::kind::{Kind, State};
use super::node::Sort;
use super::page::{LevelOf, Spot};
use super::rights::Granted;
use super::tree::Tree;
use crate::page::{HasLeaf, Page, PageSize};
use crate::table::Attributes;

/// Where a page is that is held apart from its space: a [`Mapped<Held<K, S>, A>`](Mapped) keeps its frame, its rights and
/// the kind of its space, which has no other, and can be stored, sent and accessed.
///
/// It comes from [`Mapped::hold`], and [`Cursor::take_up`] goes back to the entry. Dropped, it leaves the page mapped, and
/// its frame is lost.
pub struct Held<K, S: PageSize> {
    page: Page<S>,
    kind: PhantomData<fn() -> K>,
}

impl<K, S: PageSize> Sealed for Held<K, S> {}

impl<K: Kind<Regime: HasLeaf<S>>, S: PageSize> PagePlace for Held<K, S> {
    type Kind = K;
    type Size = S;

    fn page(&self) -> Page<S> {
        self.page
    }
}

impl<K: Kind<Regime: HasLeaf<S>>, St: State, S: PageSize, A> Mapped<AtCursor<'_, '_, K, St, S>, A> {
    /// Lets go of the cursor, and keeps the page mapped.
    ///
    /// It does not compile where the kind may have several spaces: see [`OneSpace`].
    #[must_use = "the frame of a page that is dropped is lost: `take_up` it to unmap it"]
    pub fn hold(self) -> Mapped<Held<K, S>, A>
    where
        K: OneSpace,
        A: Granted,
    {
        let Self { place, frame, attributes, rights } = self;
        Mapped { place: Held { page: place.page(), kind: PhantomData }, frame, attributes, rights }
    }
}

/// A page is not taken up, and still held.
pub struct NotTaken<K: Kind<Regime: HasLeaf<S>>, S: PageSize, A> {
    /// Why.
    pub error: TakeUpError,
    /// The page.
    pub page: Mapped<Held<K, S>, A>,
}

/// Why a page is not taken up: its space was edited there by other means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakeUpError {
    /// Its entry is out of reach.
    Entry(EntryError),
    /// Something else is there, or nothing.
    Changed(Offender),
}

impl fmt::Display for TakeUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(error) => error.fmt(f),
            Self::Changed(found) => write!(f, "the page is not what was held: {found}"),
        }
    }
}

impl core::error::Error for TakeUpError {}

impl<K: Kind<Regime: HasLeaf<S>>, S: PageSize, A> fmt::Debug for NotTaken<K, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotTaken").field("error", &self.error).field("page", &self.page).finish()
    }
}

impl<K: Kind<Regime: HasLeaf<S>>, S: PageSize, A> fmt::Display for NotTaken<K, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<K: Kind<Regime: HasLeaf<S>>, S: PageSize, A> core::error::Error for NotTaken<K, S, A> {}

impl<'s, K: OneSpace, St: State> Cursor<'s, K, St> {
    /// Goes to a page that is held, and to its entry, if that is still what it was.
    ///
    /// # Errors
    /// [`NotTaken`], with the page.
    #[expect(clippy::type_complexity, reason = "both are what they are called")]
    pub fn take_up<S: PageSize, A>(
        &mut self,
        page: Mapped<Held<K, S>, A>,
    ) -> Result<Mapped<AtCursor<'_, 's, K, St, S>, A>, NotTaken<K, S, A>>
    where
        K::Regime: HasLeaf<S>,
    {
        match self.find(&page) {
            Ok(()) => {
                let Mapped { frame, attributes, rights, .. } = page;
                Ok(Mapped { place: AtCursor { cursor: self, size: PhantomData }, frame, attributes, rights })
            }
            Err(error) => Err(NotTaken { error, page }),
        }
    }

    fn find<S: PageSize, A>(&mut self, page: &Mapped<Held<K, S>, A>) -> Result<(), TakeUpError>
    where
        K::Regime: HasLeaf<S>,
    {
        let level = LevelOf::<K::Regime, S>::LEVEL;
        self.seek(page.page().start());
        let spot = self.spot_of::<S>().map_err(TakeUpError::Entry)?;
        let (found, read) = self.describe(spot);
        let Spot { node, word, .. } = spot;
        let is_leaf = node.level == level && Levels::<K::Regime>::sort(level, word) == Sort::Leaf;
        match read {
            Some((phys, attributes))
                if is_leaf && phys == page.frame.start() && Self::are_one(level, attributes, page.attributes) =>
            {
                Ok(())
            }
            _ => Err(TakeUpError::Changed(found)),
        }
    }

    /// Whether leaves of `level` say both in the same way.
    fn are_one(level: usize, a: Attributes, b: Attributes) -> bool {
        let word = |attributes| Tree::<K, St::Ledger<'static, K>>::leaf_word(level, attributes, 0);
        a == b || word(a).is_some_and(|a| word(b) == Some(a))
    }
}
