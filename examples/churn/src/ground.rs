//! The ground on which the program runs.

use tablature::attr::{Access, MemoryType};

/// What may be edited, and what may be mapped there.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Bytes of a page.
    pub page: u64,
    /// Bytes of the leaf one level up.
    pub block: u64,
    /// Where the editable ranges start; multiples of a block.
    pub arenas: &'a [u64],
    /// Blocks of each.
    pub arena_blocks: usize,
    /// Physical address of the frames; a multiple of a block.
    pub frames: u64,
    /// Blocks of frames.
    pub frame_blocks: usize,
    /// The rights that pages get, as the hardware enforces them.
    pub accesses: &'a [Access],
    /// The memory types that pages get.
    pub types: &'a [MemoryType],
}

impl Ground<'_> {
    /// Pages of a block.
    pub(crate) const fn pages_of_block(&self) -> usize {
        (self.block / self.page) as usize
    }

    /// Pages of an arena.
    pub(crate) const fn pages_of_arena(&self) -> usize {
        self.pages_of_block() * self.arena_blocks
    }

    /// Editable pages.
    #[must_use]
    pub const fn pages(&self) -> usize {
        self.pages_of_arena() * self.arenas.len()
    }

    /// Frames.
    #[must_use]
    pub const fn frame_count(&self) -> usize {
        self.pages_of_block() * self.frame_blocks
    }

    /// Where a page is.
    pub(crate) fn virt(&self, page: usize) -> u64 {
        let (arena, index) = (page / self.pages_of_arena(), page % self.pages_of_arena());
        self.arenas.get(arena).map_or(0, |start| start + index as u64 * self.page)
    }

    /// Where a frame is.
    pub(crate) const fn phys(&self, frame: usize) -> u64 {
        self.frames + frame as u64 * self.page
    }
}
