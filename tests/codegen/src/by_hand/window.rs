//! Pages of a window, by hand: its tables are a static of their own.

use core::ptr::addr_of_mut;

use super::machine;

/// Where the window starts.
pub(super) const HEAP: u64 = 0xffff_ffd0_0000_0000;
/// How many pages it has.
pub const PAGES: usize = 0x400_0000 / 0x1000;

/// The last-level tables, which the tables above point to.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
static mut BY_HAND_LEAVES: Leaves = Leaves([0; PAGES]);

#[repr(C, align(4096))]
struct Leaves([u64; PAGES]);

/// The entries of all pages.
pub fn entries() -> *mut u64 {
    addr_of_mut!(BY_HAND_LEAVES).cast()
}

/// Writes the entry of page `index`.
fn store(index: usize, word: u64) {
    // SAFETY: callers have the index of a page of the window, whose entry this is.
    unsafe { entries().wrapping_add(index).write_volatile(word) };
}

const fn page(index: usize) -> u64 {
    HEAP.wrapping_add((index as u64) << 12)
}

/// A page, and where it goes.
#[derive(Debug)]
pub struct MappedPage(pub usize, pub u64);

/// Pages that are not mapped.
#[derive(Debug)]
pub struct Run {
    /// The first.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Pages, and where they go.
#[derive(Debug)]
pub struct MappedRun {
    /// The first.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Where the first goes.
    pub frame: u64,
}

/// There are not as many frames as pages.
#[derive(Debug)]
pub struct NotMapped {
    /// The pages.
    pub pages: Run,
    /// The first frame.
    pub frame: u64,
    /// How many.
    pub frames: usize,
}

/// Maps a page of the window.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_window_map(index: usize, frame: u64) -> MappedPage {
    store(index, machine::leaf(frame, machine::READ_WRITE));
    machine::publish(page(index));
    MappedPage(index, frame)
}

/// Unmaps it.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_window_unmap(MappedPage(index, frame): MappedPage) -> (usize, u64) {
    store(index, 0);
    machine::flush_page(page(index));
    (index, frame)
}

/// Makes it read-only.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_window_protect(MappedPage(index, frame): MappedPage) -> MappedPage {
    store(index, machine::leaf(frame, machine::READ_ONLY));
    machine::flush_page(page(index));
    MappedPage(index, frame)
}

/// Maps a run of pages.
///
/// # Errors
/// There are not as many frames.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_window_map_run(pages: Run, frame: u64, frames: usize) -> Result<MappedRun, NotMapped> {
    if frames != pages.count {
        return Err(NotMapped { pages, frame, frames });
    }
    let Run { first, count } = pages;
    for i in 0..count {
        store(first + i, machine::leaf(frame.wrapping_add((i as u64) << 12), machine::READ_WRITE));
    }
    if count > 0 {
        machine::publish_run(page(first), count);
    }
    Ok(MappedRun { first, count, frame })
}

/// Unmaps a run of pages.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_window_unmap_run(run: MappedRun) -> (Run, (u64, usize)) {
    let MappedRun { first, count, frame } = run;
    for i in 0..count {
        store(first + i, 0);
    }
    if count > 0 {
        machine::flush_run(page(first), count);
    }
    (Run { first, count }, (frame, count))
}

/// Makes a run of pages read-only.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_window_protect_run(run: MappedRun) -> MappedRun {
    let MappedRun { first, count, frame } = run;
    for i in 0..count {
        store(first + i, machine::leaf(frame.wrapping_add((i as u64) << 12), machine::READ_ONLY));
    }
    if count > 0 {
        machine::flush_run(page(first), count);
    }
    MappedRun { first, count, frame }
}
