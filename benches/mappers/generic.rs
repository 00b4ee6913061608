//! `page-table-generic`: it brings no formats, so that x86-64's is described here.

use page_table_generic::{FrameAllocator, MapConfig, PageTable, PageTableEntry, PhysAddr, TableMeta, VirtAddr};

use crate::arena;
use crate::mapper::{Answer, DONE, Mapper, PAGE, Region, Rights};

/// `page-table-generic`.
pub struct PageTableGeneric(PageTable<Level4, Arena>);

#[derive(Clone, Copy)]
struct Arena;

impl FrameAllocator for Arena {
    fn alloc_frame(&self) -> Option<PhysAddr> {
        Some(PhysAddr::from_usize(arena::table() as usize))
    }

    fn dealloc_frame(&self, _: PhysAddr) {}

    fn phys_to_virt(&self, address: PhysAddr) -> *mut u8 {
        arena::pointer(address.as_usize() as u64).cast()
    }
}

#[derive(Clone, Copy)]
struct Level4;

impl TableMeta for Level4 {
    type P = Entry;
    const PAGE_SIZE: usize = PAGE as usize;
    const LEVEL_BITS: &[usize] = &[9, 9, 9, 9];
    const MAX_BLOCK_LEVEL: usize = 3;

    fn flush(_: Option<VirtAddr>) {}
}

#[derive(Clone, Copy, Debug)]
struct Entry(u64);

const PRESENT: u64 = 1;
const WRITE: u64 = 2;
const LARGE: u64 = 1 << 7;
const NX: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const DATA: u64 = PRESENT | WRITE | NX;

impl PageTableEntry for Entry {
    type PteConfig = u64;

    fn new_page(phys: PhysAddr, flags: u64, large: bool) -> Self {
        Self(phys.as_usize() as u64 | flags | if large { LARGE } else { 0 })
    }

    fn new_table(phys: PhysAddr) -> Self {
        Self(phys.as_usize() as u64 | PRESENT | WRITE)
    }

    fn paddr(&self, _: bool) -> PhysAddr {
        PhysAddr::from_usize((self.0 & ADDRESS) as usize)
    }

    fn config(&self, _: bool) -> u64 {
        self.0 & !ADDRESS & !LARGE
    }

    fn present(&self) -> bool {
        self.0 & PRESENT != 0
    }

    fn huge(&self, is_dir: bool) -> bool {
        is_dir && self.0 & LARGE != 0
    }

    fn unused(&self) -> bool {
        self.0 == 0
    }

    fn clear(&mut self) {
        self.0 = 0;
    }
}

fn flags(region: &Region) -> u64 {
    let rights = match region.rights {
        Rights::R => PRESENT | NX,
        Rights::Rw => DATA,
        Rights::Rx => PRESENT,
    };
    rights | if region.device { 3 << 3 } else { 0 }
}

fn address(virt: u64) -> VirtAddr {
    VirtAddr::from_usize(virt as usize)
}

impl PageTableGeneric {
    fn map(&mut self, virt: u64, phys: u64, bytes: u64, pte: u64, allow_huge: bool) -> Answer {
        let paddr = PhysAddr::from_usize(phys as usize);
        let request = MapConfig { vaddr: address(virt), paddr, size: bytes as usize, pte, allow_huge, flush: false };
        self.0.map(&request).ok()?;
        DONE
    }
}

impl Mapper for PageTableGeneric {
    const NAME: &'static str = "page-table-generic 0.9";

    fn new() -> Self {
        Self(PageTable::new(Arena).expect("the arena has tables"))
    }

    fn root(&self) -> u64 {
        self.0.root_paddr().as_usize() as u64
    }

    fn map_each(&mut self, mut pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        pages.try_for_each(|(virt, phys)| self.map(virt, phys, PAGE, DATA, false).map(|_| ()))?;
        DONE
    }

    fn map_range(&mut self, region: &Region) -> Answer {
        self.map(region.virt, region.phys, region.bytes, flags(region), true)
    }

    fn protect_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        for virt in pages {
            self.0.protect_page(address(virt), DATA & !WRITE).ok()?;
        }
        DONE
    }

    fn protect_range(&mut self, region: &Region) -> Answer {
        self.0.protect_region(address(region.virt), region.bytes as usize, DATA & !WRITE).ok()?;
        DONE
    }

    fn unmap_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        for virt in pages {
            self.0.unmap_page(address(virt)).ok()?;
        }
        DONE
    }

    fn unmap_range(&mut self, region: &Region) -> Answer {
        self.0.unmap(address(region.virt), region.bytes as usize).ok()?;
        DONE
    }

    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut sum = 0u64;
        for virt in pages {
            sum = sum.wrapping_add(self.0.translate_phys(address(virt)).ok()?.as_usize() as u64);
        }
        Some(sum)
    }

    fn split_each(&mut self, leaves: impl Iterator<Item = u64>) -> Answer {
        for virt in leaves {
            self.0.split_huge_page(address(virt)).ok()?;
        }
        DONE
    }
}
