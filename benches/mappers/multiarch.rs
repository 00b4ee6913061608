//! `page_table_multiarch`: x86-64, by its cursor.

use memory_addr::{PhysAddr, VirtAddr};
use page_table_multiarch::x86_64::X64PageTable;
use page_table_multiarch::{MappingFlags, PageSize, PagingHandler};

use crate::arena;
use crate::mapper::{Answer, DONE, Mapper, Region, Rights};

/// `page_table_multiarch`.
pub struct Multiarch(X64PageTable<Arena>);

struct Arena;

impl PagingHandler for Arena {
    fn alloc_frame() -> Option<PhysAddr> {
        Some(PhysAddr::from(arena::table() as usize))
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

const DATA: MappingFlags = MappingFlags::READ.union(MappingFlags::WRITE);

fn flags(region: &Region) -> MappingFlags {
    let rights = match region.rights {
        Rights::R => MappingFlags::READ,
        Rights::Rw => DATA,
        Rights::Rx => MappingFlags::READ | MappingFlags::EXECUTE,
    };
    rights | if region.device { MappingFlags::DEVICE } else { MappingFlags::empty() }
}

fn address(virt: u64) -> VirtAddr {
    VirtAddr::from(virt as usize)
}

impl Mapper for Multiarch {
    const NAME: &'static str = "page_table_multiarch 0.6";

    fn new() -> Self {
        Self(X64PageTable::try_new().expect("the arena has tables"))
    }

    fn root(&self) -> u64 {
        self.0.root_paddr().as_usize() as u64
    }

    fn map_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        let mut cursor = self.0.cursor();
        for (virt, phys) in pages {
            cursor.map(address(virt), PhysAddr::from(phys as usize), PageSize::Size4K, DATA).ok()?;
        }
        DONE
    }

    fn map_range(&mut self, region: &Region) -> Answer {
        let offset = region.phys.wrapping_sub(region.virt) as usize;
        let phys = |virt: VirtAddr| PhysAddr::from(virt.as_usize().wrapping_add(offset));
        self.0.cursor().map_region(address(region.virt), phys, region.bytes as usize, flags(region), true).ok()?;
        DONE
    }

    fn protect_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut cursor = self.0.cursor();
        for virt in pages {
            cursor.protect(address(virt), MappingFlags::READ).ok()?;
        }
        DONE
    }

    fn protect_range(&mut self, region: &Region) -> Answer {
        self.0.cursor().protect_region(address(region.virt), region.bytes as usize, MappingFlags::READ).ok()?;
        DONE
    }

    fn unmap_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut cursor = self.0.cursor();
        for virt in pages {
            cursor.unmap(address(virt)).ok()?;
        }
        DONE
    }

    fn unmap_range(&mut self, region: &Region) -> Answer {
        self.0.cursor().unmap_region(address(region.virt), region.bytes as usize).ok()?;
        DONE
    }

    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut sum = 0u64;
        for virt in pages {
            sum = sum.wrapping_add(self.0.query(address(virt)).ok()?.0.as_usize() as u64);
        }
        Some(sum)
    }
}
