//! `page-table-generic`: it brings no formats, so that those of the three architectures are described here.

use core::ptr::with_exposed_provenance_mut;

use page_table_generic::{
    FrameAllocator, MapConfig, PageTable, PageTableEntry, PagingResult, PhysAddr, TableMeta, VirtAddr,
};

use crate::pool;

#[derive(Clone, Copy)]
pub(crate) struct Tables;

impl FrameAllocator for Tables {
    fn alloc_frame(&self) -> Option<PhysAddr> {
        pool::table().map(PhysAddr::from_usize)
    }

    fn dealloc_frame(&self, _: PhysAddr) {}

    fn phys_to_virt(&self, address: PhysAddr) -> *mut u8 {
        with_exposed_provenance_mut(address.as_usize())
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Format;

impl TableMeta for Format {
    type P = Entry;
    const PAGE_SIZE: usize = 4096;
    const LEVEL_BITS: &[usize] = LEVELS;
    const MAX_BLOCK_LEVEL: usize = 3;

    fn flush(_: Option<VirtAddr>) {}
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(u64);

/// Levels, bits of an entry that is present, of a table, of data; bits of the address, and where they start in an entry.
#[cfg(target_arch = "x86_64")]
mod bits {
    pub(super) const LEVELS: &[usize] = &[9, 9, 9, 9];
    pub(super) const PRESENT: u64 = 1;
    pub(super) const TABLE: u64 = 3;
    pub(super) const DATA: u64 = 3 | 1 << 63;
    pub(super) const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
    pub(super) const SHIFT: u32 = 0;

    pub(super) const fn leaf(large: bool) -> u64 {
        (large as u64) << 7
    }

    pub(super) const fn is_large(word: u64) -> bool {
        word & 1 << 7 != 0
    }
}

/// The same.
#[cfg(target_arch = "aarch64")]
mod bits {
    pub(super) const LEVELS: &[usize] = &[9, 9, 9];
    pub(super) const PRESENT: u64 = 1;
    pub(super) const TABLE: u64 = 3;
    pub(super) const DATA: u64 = 1 | 3 << 8 | 1 << 10 | 3 << 53;
    pub(super) const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
    pub(super) const SHIFT: u32 = 0;

    pub(super) const fn leaf(large: bool) -> u64 {
        (!large as u64) << 1
    }

    pub(super) const fn is_large(word: u64) -> bool {
        word & 2 == 0
    }
}

/// The same.
#[cfg(target_arch = "riscv64")]
mod bits {
    pub(super) const LEVELS: &[usize] = &[9, 9, 9];
    pub(super) const PRESENT: u64 = 1;
    pub(super) const TABLE: u64 = 1;
    pub(super) const DATA: u64 = 0xc7;
    pub(super) const ADDRESS: u64 = 0x003f_ffff_ffff_fc00;
    pub(super) const SHIFT: u32 = 2;

    pub(super) const fn leaf(_: bool) -> u64 {
        0
    }

    pub(super) const fn is_large(word: u64) -> bool {
        word & 0xe != 0
    }
}

use bits::{ADDRESS, DATA, LEVELS, PRESENT, SHIFT, TABLE};

impl PageTableEntry for Entry {
    type PteConfig = u64;

    fn new_page(phys: PhysAddr, flags: u64, large: bool) -> Self {
        Self(phys.as_usize() as u64 >> SHIFT | flags | bits::leaf(large))
    }

    fn new_table(phys: PhysAddr) -> Self {
        Self(phys.as_usize() as u64 >> SHIFT | TABLE)
    }

    fn paddr(&self, _: bool) -> PhysAddr {
        PhysAddr::from_usize(((self.0 & ADDRESS) << SHIFT) as usize)
    }

    fn config(&self, is_dir: bool) -> u64 {
        self.0 & !ADDRESS & !bits::leaf(is_dir)
    }

    fn present(&self) -> bool {
        self.0 & PRESENT != 0
    }

    fn huge(&self, is_dir: bool) -> bool {
        is_dir && bits::is_large(self.0)
    }

    fn unused(&self) -> bool {
        self.0 == 0
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

type Space = PageTable<Format, Tables>;

fn map(space: &mut Space, virt: usize, phys: usize, size: usize, allow_huge: bool) -> PagingResult {
    let (vaddr, paddr) = (VirtAddr::from_usize(virt), PhysAddr::from_usize(phys));
    space.map(&MapConfig { vaddr, paddr, size, pte: DATA, allow_huge, flush: false })
}

/// Maps one page.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_page(space: &mut Space, virt: usize, phys: usize) -> PagingResult {
    map(space, virt, phys, 4096, false)
}

/// Maps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_range(space: &mut Space, virt: usize, phys: usize, size: usize) -> PagingResult {
    map(space, virt, phys, size, true)
}

/// Unmaps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_unmap_range(space: &mut Space, virt: usize, size: usize) -> PagingResult {
    space.unmap(VirtAddr::from_usize(virt), size)
}
