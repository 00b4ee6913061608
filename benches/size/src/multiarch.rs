//! `page_table_multiarch`.

use memory_addr::{PhysAddr, VirtAddr};
#[cfg(target_arch = "aarch64")]
use page_table_multiarch::aarch64::A64PageTable as PageTable;
#[cfg(target_arch = "riscv64")]
use page_table_multiarch::riscv::Sv39PageTable as PageTable;
#[cfg(target_arch = "x86_64")]
use page_table_multiarch::x86_64::X64PageTable as PageTable;
use page_table_multiarch::{MappingFlags, PageSize, PagingHandler, PagingResult};

use crate::pool;

pub(crate) struct Tables;

impl PagingHandler for Tables {
    fn alloc_frame() -> Option<PhysAddr> {
        pool::table().map(PhysAddr::from)
    }

    fn alloc_frames(_: usize, _: usize) -> Option<PhysAddr> {
        None
    }

    fn dealloc_frame(_: PhysAddr) {}

    fn dealloc_frames(_: PhysAddr, _: usize) {}

    fn phys_to_virt(address: PhysAddr) -> VirtAddr {
        VirtAddr::from(address.as_usize())
    }
}

type Space = PageTable<Tables>;

const DATA: MappingFlags = MappingFlags::READ.union(MappingFlags::WRITE);

/// Maps one page.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_page(space: &mut Space, virt: VirtAddr, phys: PhysAddr) -> PagingResult {
    space.cursor().map(virt, phys, PageSize::Size4K, DATA)
}

/// Maps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_range(space: &mut Space, virt: VirtAddr, phys: PhysAddr, size: usize) -> PagingResult {
    let offset = phys.as_usize().wrapping_sub(virt.as_usize());
    let to = |virt: VirtAddr| PhysAddr::from(virt.as_usize().wrapping_add(offset));
    space.cursor().map_region(virt, to, size, DATA, true)
}

/// Unmaps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_unmap_range(space: &mut Space, virt: VirtAddr, size: usize) -> PagingResult {
    space.cursor().unmap_region(virt, size)
}
