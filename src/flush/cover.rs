//! What a token says about its scope: all of it as a value, or parts of it as a type.

use core::marker::PhantomData;

use static_assertions::{assert_eq_size, const_assert};

use super::addresses::Addresses;
use super::change::Duty;
use super::hardware::{Maintain, Reach, meet};
use super::scope::{Extent, Id, Scope};
use crate::edit::Kind;
use crate::page::{Page, PageSize, Size4K};
use crate::regime::Regime;

/// How a token knows its scope.
///
/// Tokens of the editor know it as a value, a [`Span`]. Where the type knows more, the value is smaller: a page of a
/// known size is an [`OnePage`], several side by side are a [`PageRun`], a whole address space a [`Whole`], and what is known before the program runs, a
/// [`Fixed`], takes no space at all.
pub trait Cover: sealed::Sealed {
    /// The scope.
    fn scope(&self) -> Scope;

    /// Executes it.
    #[doc(hidden)]
    #[inline(always)]
    fn meet<K: Kind>(&self, hardware: &mut K::Hardware) {
        K::Regime::sequence(&self.scope().bounded(K::Regime::MANY), K::Reach::EVERY_CORE, hardware);
    }
}

/// Any scope.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub(super) Scope);

/// One leaf of size `S`.
#[derive(Clone, Copy, Debug)]
pub struct OnePage<S: PageSize> {
    page: Page<S>,
    duty: Duty,
    id: Id,
}

/// Addresses of size `S` side by side.
#[derive(Clone, Copy, Debug)]
pub struct PageRun<S: PageSize> {
    first: Page<S>,
    count: usize,
    duty: Duty,
    id: Id,
}

/// All of an address space.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    duty: Duty,
    id: Id,
}

/// A scope that is known before the program runs.
pub struct Fixed<P: Place>(PhantomData<fn() -> P>);

/// A scope as a type.
pub trait Place: 'static {
    /// The scope.
    const SCOPE: Scope;
}

impl<S: PageSize> OnePage<S> {
    /// The leaf that translates `page` in `id`.
    #[must_use]
    pub const fn new(page: Page<S>, duty: Duty, id: Id) -> Self {
        Self { page, duty, id }
    }
}

impl<S: PageSize> PageRun<S> {
    /// The leaves that translate `count` pages from `first` on in `id`. They end at 2^64 at the latest.
    #[must_use]
    pub const fn new(first: Page<S>, count: usize, duty: Duty, id: Id) -> Self {
        Self { first, count, duty, id }
    }

    fn leaves(&self) -> Addresses {
        Addresses::pages(self.first, self.count)
    }
}

impl Whole {
    /// All of `id`.
    #[must_use]
    pub const fn new(duty: Duty, id: Id) -> Self {
        Self { duty, id }
    }
}

impl<P: Place> Fixed<P> {
    /// The scope of `P`.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: Place> Default for Fixed<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Scope> for Span {
    fn from(scope: Scope) -> Self {
        Self(scope)
    }
}

impl Cover for Span {
    #[inline]
    fn scope(&self) -> Scope {
        self.0
    }

    #[inline]
    fn meet<K: Kind>(&self, hardware: &mut K::Hardware) {
        meet::<K, K::Reach>(&self.0, hardware);
    }
}

impl<S: PageSize> Cover for OnePage<S> {
    #[inline]
    fn scope(&self) -> Scope {
        let start = self.page.start().as_u64();
        let extent = Extent::Range { start, last: start | (S::BYTES - 1), stride: S::BYTES.trailing_zeros() };
        Scope { duty: self.duty, extent, id: self.id }
    }

    /// One step is not too many.
    #[inline(always)]
    fn meet<K: Kind>(&self, hardware: &mut K::Hardware) {
        K::Regime::sequence(&self.scope(), K::Reach::EVERY_CORE, hardware);
    }
}

impl<S: PageSize> Cover for PageRun<S> {
    #[inline]
    fn scope(&self) -> Scope {
        self.leaves().scope(self.duty, self.id)
    }

    /// Nobody has to look whether that is a range: it is one.
    #[inline(always)]
    fn meet<K: Kind>(&self, hardware: &mut K::Hardware) {
        let Self { duty, id, .. } = *self;
        if self.count == 0 || duty.is_none() {
            return;
        }
        let features = <K::Regime as Regime>::FEATURES;
        if S::BYTES == <K::Regime as Regime>::FORMAT.page_size() {
            K::Regime::pages_with(features, self.leaves(), duty, id, K::Reach::EVERY_CORE, hardware);
        } else {
            meet::<K, K::Reach>(&self.scope(), hardware);
        }
    }
}

impl Cover for Whole {
    #[inline]
    fn scope(&self) -> Scope {
        Scope { duty: self.duty, extent: Extent::Everywhere, id: self.id }
    }
}

impl<P: Place> Cover for Fixed<P> {
    #[inline]
    fn scope(&self) -> Scope {
        P::SCOPE
    }
}

mod sealed {
    use super::{Fixed, OnePage, PageRun, PageSize, Place, Span, Whole};

    pub trait Sealed {}
    impl Sealed for Span {}
    impl<S: PageSize> Sealed for OnePage<S> {}
    impl<S: PageSize> Sealed for PageRun<S> {}
    impl Sealed for Whole {}
    impl<P: Place> Sealed for Fixed<P> {}
}

// Two registers; three; one; none.
assert_eq_size!(OnePage<Size4K>, [u64; 2]);
assert_eq_size!(PageRun<Size4K>, [u64; 3]);
assert_eq_size!(Whole, u64);
const_assert!(size_of::<Span>() <= 40);
