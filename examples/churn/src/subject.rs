//! What the program edits.

use tablature::attr::{Access, MemoryType};

/// Which leaves a range is mapped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Pages only.
    Pages,
    /// The largest that fit.
    Largest,
    /// The largest that fit, marked as runs where they can be.
    Runs,
}

/// A range, and what it is mapped to.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Its first byte.
    pub virt: u64,
    /// What that translates to.
    pub phys: u64,
    /// Bytes.
    pub size: u64,
    /// Rights.
    pub access: Access,
    /// Memory type.
    pub memory: MemoryType,
}

/// Why an edit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request makes no sense.
    Invalid,
    /// Something is mapped where nothing may be.
    Occupied,
    /// Nothing is mapped where something must be.
    Vacant,
    /// The page is part of a larger leaf, or a table is where a leaf should be.
    OtherLevel,
    /// The leaves of the table are not one leaf's.
    Uneven,
    /// No memory for tables is left.
    Exhausted,
}

/// A live space. Every edit is flushed, and what it released is freed, before the call returns.
///
/// A refused edit has changed nothing.
#[expect(clippy::missing_errors_doc, reason = "every method returns why it was refused")]
pub trait Subject {
    /// Maps a range where nothing is mapped.
    fn map(&mut self, range: &Range, leaves: Leaves) -> Result<(), Refused>;

    /// Maps a range over whatever is mapped.
    fn replace(&mut self, range: &Range, leaves: Leaves) -> Result<(), Refused>;

    /// Maps pages from `range.virt` on to the frames at these physical addresses, where nothing is mapped.
    fn map_each(&mut self, range: &Range, frames: &[u64]) -> Result<(), Refused>;

    /// Maps one page, where nothing is mapped.
    fn map_page(&mut self, range: &Range) -> Result<(), Refused>;

    /// Unmaps a range, whatever is mapped there.
    fn unmap(&mut self, virt: u64, size: u64, tables: Emptied) -> Result<(), Refused>;

    /// Unmaps one page, and returns the physical address of its frame.
    fn unmap_page(&mut self, virt: u64) -> Result<u64, Refused>;

    /// Gives a range other rights and another type.
    fn protect(&mut self, range: &Range) -> Result<(), Refused>;

    /// Gives a page another frame, other rights and another type, and returns the physical address of the old frame.
    fn remap_page(&mut self, range: &Range) -> Result<u64, Refused>;

    /// Makes the leaf that translates a page one page, if it is not.
    fn split(&mut self, virt: u64) -> Result<(), Refused>;

    /// Makes the pages of a block the leaf that translates as they do, if they are not.
    fn promote(&mut self, virt: u64) -> Result<(), Refused>;
}

/// What happens to tables that are empty after pages were unmapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptied {
    /// They stay.
    Kept,
    /// They are freed.
    Freed,
}
