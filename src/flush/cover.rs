//! What a token says about its scope: all of it as a value, or parts of it as a type.

use core::marker::PhantomData;

use static_assertions::{assert_eq_size, const_assert};

use super::change::Duty;
use super::scope::{Extent, Id, Scope};
use crate::page::{Page, PageSize, Size4K};

/// How a token knows its scope.
///
/// Tokens of the editor know it as a value, a [`Span`]. Where the type knows more, the value is smaller: a page of a
/// known size is an [`OnePage`], a whole address space a [`Whole`], and what is known before the program runs, a
/// [`Fixed`], takes no space at all.
pub trait Cover: sealed::Sealed {
    /// The scope.
    fn scope(&self) -> Scope;

    /// The same with all of the address space in place of more than `many` steps.
    #[doc(hidden)]
    #[inline]
    fn bounded(&self, many: u64) -> Scope {
        self.scope().bounded(many)
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
}

impl<S: PageSize> Cover for OnePage<S> {
    #[inline]
    fn scope(&self) -> Scope {
        let start = self.page.start().as_u64();
        let extent = Extent::Range { start, last: start | (S::BYTES - 1), stride: S::BYTES.trailing_zeros() };
        Scope { duty: self.duty, extent, id: self.id }
    }

    /// One step is not too many.
    #[inline]
    fn bounded(&self, _: u64) -> Scope {
        self.scope()
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
    use super::{Fixed, OnePage, PageSize, Place, Span, Whole};

    pub trait Sealed {}
    impl Sealed for Span {}
    impl<S: PageSize> Sealed for OnePage<S> {}
    impl Sealed for Whole {}
    impl<P: Place> Sealed for Fixed<P> {}
}

// Two registers; one; none.
assert_eq_size!(OnePage<Size4K>, [u64; 2]);
assert_eq_size!(Whole, u64);
const_assert!(size_of::<Span>() <= 40);
