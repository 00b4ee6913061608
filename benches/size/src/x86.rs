//! `x86_64`: it has no ranges, so that they are loops over pages.

use x86_64::structures::paging::mapper::{MapToError, UnmapError};
use x86_64::structures::paging::{
    FrameAllocator, Mapper as _, OffsetPageTable, Page, PageTableFlags, PhysFrame, Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use crate::pool;

struct Frames;

// SAFETY: the pool gives each frame once.
unsafe impl FrameAllocator<Size4KiB> for Frames {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        Some(PhysFrame::containing_address(PhysAddr::new(pool::table()? as u64)))
    }
}

type Space = OffsetPageTable<'static>;

const DATA: PageTableFlags = PageTableFlags::PRESENT.union(PageTableFlags::WRITABLE).union(PageTableFlags::NO_EXECUTE);

/// Maps one page.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_page(space: &mut Space, page: Page, frame: PhysFrame) -> Result<(), MapToError<Size4KiB>> {
    // SAFETY: no hardware uses the tables.
    unsafe { space.map_to(page, frame, DATA, &mut Frames) }.map(|flush| flush.ignore())
}

/// Maps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_range(
    space: &mut Space,
    virt: VirtAddr,
    phys: PhysAddr,
    size: u64,
) -> Result<(), MapToError<Size4KiB>> {
    let (page, frame) = (Page::containing_address(virt), PhysFrame::containing_address(phys));
    (0..size >> 12).try_for_each(|i| peer_map_page(space, page + i, frame + i))
}

/// Unmaps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_unmap_range(space: &mut Space, virt: VirtAddr, size: u64) -> Result<(), UnmapError> {
    let page = Page::<Size4KiB>::containing_address(virt);
    (0..size >> 12).try_for_each(|i| space.unmap(page + i).map(|(_, flush)| flush.ignore()))
}
