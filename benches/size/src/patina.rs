//! `patina_paging`.

#[cfg(target_arch = "aarch64")]
use patina_paging::aarch64::AArch64PageTable as PageTable;
use patina_paging::page_allocator::PageAllocator;
#[cfg(target_arch = "x86_64")]
use patina_paging::x64::X64PageTable as PageTable;
use patina_paging::{MemoryAttributes, PageTable as _, PtError};

use crate::pool;

pub(crate) struct Tables;

impl PageAllocator for Tables {
    fn allocate_page(&mut self, _align: u64, _size: u64, _is_root: bool) -> Result<u64, PtError> {
        pool::table().map(|table| table as u64).ok_or(PtError::OutOfResources)
    }
}

type Space = PageTable<Tables>;

const DATA: MemoryAttributes = MemoryAttributes::ExecuteProtect.union(MemoryAttributes::Writeback);

/// Maps one page.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_page(space: &mut Space, virt: u64, phys: u64) -> Result<(), PtError> {
    space.map_aliased_memory_region(virt, phys, 4096, DATA)
}

/// Maps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_range(space: &mut Space, virt: u64, phys: u64, size: u64) -> Result<(), PtError> {
    space.map_aliased_memory_region(virt, phys, size, DATA)
}

/// Unmaps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_unmap_range(space: &mut Space, virt: u64, size: u64) -> Result<(), PtError> {
    space.unmap_memory_region(virt, size)
}
