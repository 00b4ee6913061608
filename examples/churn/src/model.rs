//! What should be mapped: an array of pages and an array of frames, and nothing else.

use crate::ground::Ground;
use crate::program::Storage;
use crate::random::Random;

/// What a page should translate to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Index of the frame.
    pub(crate) frame: u32,
    /// Index of the rights.
    pub(crate) access: u8,
    /// Index of the memory type.
    pub(crate) memory: u8,
}

/// One page of the model.
#[derive(Clone, Copy, Debug)]
pub struct Page(Option<Target>);

impl Page {
    /// Nothing is mapped.
    pub const VACANT: Self = Self(None);
}

/// One frame of the model.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    used: bool,
    /// How often it was given out.
    generation: u32,
}

impl Frame {
    /// Never given out.
    pub const FREE: Self = Self { used: false, generation: 0 };
}

/// Freed frames that are remembered.
const RECENT: usize = 32;
/// Frames that are tried before a search gives up.
const TRIES: usize = 16;

/// The whole of it.
pub(crate) struct Model<'a> {
    pages: &'a mut [Page],
    frames: &'a mut [Frame],
    recent: [u32; RECENT],
    freed: usize,
}

impl<'a> Model<'a> {
    pub(crate) const fn new(storage: Storage<'a>) -> Self {
        Self { pages: storage.pages, frames: storage.frames, recent: [0; RECENT], freed: 0 }
    }

    /// What a page should translate to.
    pub(crate) fn target(&self, page: usize) -> Option<Target> {
        self.pages.get(page).and_then(|page| page.0)
    }

    /// Whether none of `count` pages from `first` on is mapped.
    pub(crate) fn is_vacant(&self, first: usize, count: usize) -> bool {
        (first..first + count).all(|page| self.target(page).is_none())
    }

    /// Whether all of them are.
    pub(crate) fn is_full(&self, first: usize, count: usize) -> bool {
        (first..first + count).all(|page| self.target(page).is_some())
    }

    /// Whether the pages from `first` on could be one leaf of `count` pages.
    pub(crate) fn is_even(&self, first: usize, count: usize) -> bool {
        let Some(start) = self.target(first).filter(|target| target.frame as usize % count == 0) else {
            return false;
        };
        (0..count).all(|i| self.target(first + i) == Some(Target { frame: start.frame + i as u32, ..start }))
    }

    /// Changes what a page translates to. A frame that is not mapped any more is free. What it was before.
    pub(crate) fn set(&mut self, page: usize, target: Option<Target>) -> Option<Target> {
        let place = self.pages.get_mut(page)?;
        let old = core::mem::replace(&mut place.0, target)?;
        if target.is_none_or(|new| new.frame != old.frame) {
            self.release(old.frame);
        }
        Some(old)
    }

    /// Takes back a frame that was given out and not mapped.
    pub(crate) fn give_back(&mut self, frame: u32) {
        self.release(frame);
    }

    fn release(&mut self, frame: u32) {
        if let Some(state) = self.frames.get_mut(frame as usize) {
            state.used = false;
        }
        self.recent[self.freed % RECENT] = frame;
        self.freed += 1;
    }

    /// Gives out a frame: what it should hold from now on.
    pub(crate) fn take(&mut self, frame: u32) -> u32 {
        if let Some(state) = self.frames.get_mut(frame as usize) {
            *state = Frame { used: true, generation: state.generation + 1 };
        }
        self.stamp(frame)
    }

    /// What a frame holds.
    pub(crate) fn stamp(&self, frame: u32) -> u32 {
        let generation = self.frames.get(frame as usize).map_or(0, |frame| frame.generation);
        // Products by odd numbers: two generations of a frame differ, and so do two frames of one generation.
        (frame + 1).wrapping_mul(0x9e37_79b1) ^ generation.wrapping_mul(0x85eb_ca6b)
    }

    /// Whether a frame is mapped.
    pub(crate) fn is_used(&self, frame: usize) -> bool {
        self.frames.get(frame).is_none_or(|frame| frame.used)
    }

    /// The first of `count` free frames in a row: where one was freed last, or else in the first third of the frames, so
    /// that whole blocks stay free in the others.
    pub(crate) fn free_run(&self, count: usize, random: &mut Random) -> Option<usize> {
        for attempt in 0..TRIES {
            let recent = self.recent[self.freed.wrapping_sub(attempt + 1) % RECENT] as usize;
            let first = if attempt < TRIES / 2 { recent } else { random.below(self.frames.len() / 3) };
            if (first..first + count).all(|frame| !self.is_used(frame)) {
                return Some(first);
            }
        }
        None
    }

    /// The first frame of a free block.
    pub(crate) fn free_block(&self, ground: &Ground<'_>, random: &mut Random) -> Option<usize> {
        let (blocks, pages) = (ground.frame_blocks, ground.pages_of_block());
        let start = random.below(blocks);
        let blocks = (0..blocks).map(|i| (start + i) % blocks * pages);
        blocks.into_iter().find(|&first| (first..first + pages).all(|frame| !self.is_used(frame)))
    }
}
