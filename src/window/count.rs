//! One page, or a run of them.

use crate::flush::{Cover, Duty, Id, OnePage, PageRun};
use crate::page::{Frame, OwnedFrame, OwnedFrames, Page, PageSize};

/// How many pages a handle is for.
pub trait Count: Copy + sealed::Sealed {
    /// As many frames.
    type Frames<S: PageSize>;
    /// How a token knows which pages it is about.
    type Cover<S: PageSize>: Cover;

    /// The number.
    #[doc(hidden)]
    fn pages(self) -> usize;
    /// Where frames start.
    #[doc(hidden)]
    fn first<S: PageSize>(frames: &Self::Frames<S>) -> Frame<S>;
    /// As many frames from `first` on.
    ///
    /// # Safety
    /// As for [`OwnedFrames::assume`].
    #[doc(hidden)]
    unsafe fn own<S: PageSize>(self, first: Frame<S>) -> Self::Frames<S>;
    /// What is owed for as many pages from `first` on.
    #[doc(hidden)]
    fn cover<S: PageSize>(self, first: Page<S>, duty: Duty, id: Id) -> Self::Cover<S>;
}

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct One;

/// A run of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(pub(super) usize);

impl Count for One {
    type Frames<S: PageSize> = OwnedFrame<S>;
    type Cover<S: PageSize> = OnePage<S>;

    #[inline(always)]
    fn pages(self) -> usize {
        1
    }

    #[inline(always)]
    fn first<S: PageSize>(frames: &OwnedFrame<S>) -> Frame<S> {
        frames.frame()
    }

    #[inline(always)]
    unsafe fn own<S: PageSize>(self, first: Frame<S>) -> OwnedFrame<S> {
        // SAFETY: passed on to the caller.
        unsafe { OwnedFrame::assume(first) }
    }

    #[inline(always)]
    fn cover<S: PageSize>(self, first: Page<S>, duty: Duty, id: Id) -> OnePage<S> {
        OnePage::new(first, duty, id)
    }
}

impl Count for Run {
    type Frames<S: PageSize> = OwnedFrames<S>;
    type Cover<S: PageSize> = PageRun<S>;

    #[inline(always)]
    fn pages(self) -> usize {
        self.0
    }

    #[inline(always)]
    fn first<S: PageSize>(frames: &OwnedFrames<S>) -> Frame<S> {
        frames.first()
    }

    #[inline(always)]
    unsafe fn own<S: PageSize>(self, first: Frame<S>) -> OwnedFrames<S> {
        // SAFETY: passed on to the caller.
        unsafe { OwnedFrames::assume(first, self.0) }
    }

    #[inline(always)]
    fn cover<S: PageSize>(self, first: Page<S>, duty: Duty, id: Id) -> PageRun<S> {
        PageRun::new(first, self.0, duty, id)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::One {}
    impl Sealed for super::Run {}
}
