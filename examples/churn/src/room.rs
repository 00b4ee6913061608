//! Memory for the model, in the image.

use core::cell::UnsafeCell;

use crate::model::{Frame, Page};
use crate::program::Storage;

/// Room for a model of `P` pages and `F` frames.
pub struct Room<const P: usize, const F: usize> {
    pages: UnsafeCell<[Page; P]>,
    frames: UnsafeCell<[Frame; F]>,
}

// SAFETY: `storage` alone touches it, and its caller sees to it that one model at a time has it.
unsafe impl<const P: usize, const F: usize> Sync for Room<P, F> {}

impl<const P: usize, const F: usize> Room<P, F> {
    /// Nothing is mapped, and every frame is free.
    #[must_use]
    pub const fn new() -> Self {
        Self { pages: UnsafeCell::new([Page::VACANT; P]), frames: UnsafeCell::new([Frame::FREE; F]) }
    }

    /// The room, emptied, for as many pages and frames.
    ///
    /// # Panics
    /// It has fewer.
    ///
    /// # Safety
    /// Nobody uses what an earlier call gave any more.
    #[must_use]
    pub unsafe fn storage(&'static self, pages: usize, frames: usize) -> Storage<'static> {
        let (all, each) = (self.pages.get(), self.frames.get());
        // SAFETY: the caller vouches for it.
        let all = unsafe { &mut *all };
        // SAFETY: as above.
        let each = unsafe { &mut *each };
        all.fill(Page::VACANT);
        each.fill(Frame::FREE);
        Storage { pages: &mut all[..pages], frames: &mut each[..frames] }
    }
}

impl<const P: usize, const F: usize> Default for Room<P, F> {
    fn default() -> Self {
        Self::new()
    }
}
