//! Windows in every regime and every way into the image: the words against those of the manuals, each page against an
//! array after random changes, what each change owes against the list of instructions, and windows of odd shapes and sizes.

mod large;
mod memory;
mod model;
mod owed;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
mod words;

use tablature::addr::PhysAddr;
use tablature::page::{Frame, OwnedFrame, OwnedFrames, PageSize};
use tablature::space::Declared;

/// A frame for a test.
pub(crate) fn frame<S: PageSize>(phys: u64) -> OwnedFrame<S> {
    // SAFETY: no memory of this program is meant.
    unsafe { OwnedFrame::assume(Frame::new(PhysAddr::new(phys)).expect("a frame")) }
}

/// Frames side by side for a test.
pub(crate) fn frames<S: PageSize>(phys: u64, count: usize) -> OwnedFrames<S> {
    // SAFETY: as above.
    unsafe { OwnedFrames::assume(Frame::new(PhysAddr::new(phys)).expect("a frame"), count) }
}

/// Fills tables that are filled at boot.
pub(crate) fn memory(words: usize, alignment: usize) -> &'static mut [tablature::plan::Slot] {
    let extra = alignment / 8;
    let memory = vec![tablature::plan::Slot::ABSENT; words + extra].leak();
    let skip = (alignment - memory.as_ptr().addr() % alignment) % alignment / 8;
    &mut memory[skip..][..words]
}

/// The word at physical address `at` of the tables of `S`, in entries of its size.
pub(crate) fn entry<S: Declared>(at: u64) -> Option<u64> {
    let tables = S::memory();
    let offset = usize::try_from(at.checked_sub(tables.physical)?).ok().filter(|offset| *offset < tables.bytes)?;
    // SAFETY: inside the tables, which are there, and nobody writes them now.
    let word = unsafe { tables.start.wrapping_byte_add(offset & !7).read_volatile() };
    Some(if S::FORMAT.entry_bytes == 8 { word } else { word >> (offset % 8 * 8) & 0xffff_ffff })
}
