//! Where everything happens: some tables of the last level and a border of the level above between them, in cells whose
//! pages are always treated alike; and the memory that it is mapped to.

use std::ops::Range;

use tablature::format::Format;

/// Tables of the last level.
pub(crate) const SLOTS: usize = if cfg!(miri) { 1 } else { 4 };
/// Pieces of memory, as large as what such a table translates each.
const BLOCKS: usize = SLOTS + 5;
/// Cells of a slot, and of a block.
pub(crate) const CELLS: usize = 13;
/// Cells of one page each.
pub(crate) const SINGLES: [usize; 8] = [0, 1, 2, 3, 4, 5, 11, 12];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) page: u64,
    pub(crate) large: u64,
    start: u64,
    memory: u64,
    /// Where the cells of a slot start, in bytes, and where the last one ends.
    borders: [u64; CELLS + 1],
}

impl Window {
    pub(crate) fn of(format: &Format) -> Self {
        let (page, large) = (format.page_size(), format.level[1].size());
        let border = if format.levels > 2 { format.level[2].size() } else { large << 8 };
        let pages = large / page;
        // Before, in and behind a run of 16 or 32; what is too much for invalidations page by page.
        let borders = [0, 1, 2, 3, 4, 5, 6, 8, 16, 32, pages / 2, pages - 2, pages - 1, pages];
        Self {
            page,
            large,
            start: border - SLOTS as u64 / 2 * large,
            memory: if format.max_output_bits > 48 { 1 << 51 } else { 0x8000_0000 },
            borders: borders.map(|pages| pages * page),
        }
    }

    pub(crate) const fn cells(&self) -> usize {
        SLOTS * CELLS
    }

    pub(crate) const fn frames(&self) -> usize {
        BLOCKS * CELLS
    }

    /// First address of a cell, or of what follows the last one.
    pub(crate) const fn virt(&self, cell: usize) -> u64 {
        self.start + (cell / CELLS) as u64 * self.large + self.borders[cell % CELLS]
    }

    /// The bytes of a cell.
    pub(crate) const fn bytes(&self, cell: usize) -> u64 {
        self.borders[cell % CELLS + 1] - self.borders[cell % CELLS]
    }

    /// The memory that a cell is mapped to by a mapping that goes `blocks` blocks on.
    pub(crate) const fn frame(&self, cell: usize, blocks: usize) -> usize {
        cell + blocks * CELLS
    }

    /// How many blocks a mapping can go on.
    pub(crate) const fn moves(&self) -> usize {
        BLOCKS - SLOTS + 1
    }

    pub(crate) const fn phys(&self, frame: usize) -> u64 {
        self.memory + (frame / CELLS) as u64 * self.large + self.borders[frame % CELLS]
    }

    /// The cell of memory that an address lies in.
    pub(crate) fn frame_of(&self, phys: u64) -> Option<usize> {
        let offset = phys.checked_sub(self.memory)?;
        let block = (offset / self.large) as usize;
        (block < BLOCKS).then(|| block * CELLS + self.within(offset % self.large))
    }

    /// The cells that a range meets, which may reach out of the window.
    pub(crate) fn meets(&self, start: u64, bytes: u64) -> Range<usize> {
        let end = self.virt(self.cells());
        let (first, last) = (start.max(self.start), (start + (bytes - 1)).min(end - 1));
        if first > last { 0..0 } else { self.cell_of(first)..self.cell_of(last) + 1 }
    }

    pub(crate) fn cell_of(&self, virt: u64) -> usize {
        let offset = virt - self.start;
        (offset / self.large) as usize * CELLS + self.within(offset % self.large)
    }

    fn within(&self, offset: u64) -> usize {
        self.borders.iter().rposition(|&border| border <= offset).expect("the first is 0")
    }
}
