//! `patina_paging`: x86-64, every operation a range.

use patina_paging::page_allocator::PageAllocator;
use patina_paging::x64::X64PageTable;
use patina_paging::{MemoryAttributes, PageTable as _, PagingType, PtError};

use crate::arena;
use crate::mapper::{Answer, BASE, DONE, Mapper, PAGE, PHYS, Region, Rights};

/// `patina_paging`.
pub struct Patina {
    table: X64PageTable<Arena>,
    root: u64,
}

struct Arena;

impl PageAllocator for Arena {
    fn allocate_page(&mut self, _align: u64, _size: u64, _is_root: bool) -> Result<u64, PtError> {
        Ok(arena::table())
    }
}

const DATA: MemoryAttributes = MemoryAttributes::ExecuteProtect.union(MemoryAttributes::Writeback);
const READ_ONLY: MemoryAttributes = DATA.union(MemoryAttributes::ReadOnly);

fn attributes(region: &Region) -> MemoryAttributes {
    let rights = match region.rights {
        Rights::R => MemoryAttributes::ReadOnly | MemoryAttributes::ExecuteProtect,
        Rights::Rw => MemoryAttributes::ExecuteProtect,
        Rights::Rx => MemoryAttributes::ReadOnly,
    };
    rights | if region.device { MemoryAttributes::Uncached } else { MemoryAttributes::Writeback }
}

impl Patina {
    fn map(&mut self, virt: u64, phys: u64, bytes: u64, attributes: MemoryAttributes) -> Answer {
        self.table.map_aliased_memory_region(virt, phys, bytes, attributes).ok()?;
        DONE
    }
}

impl Mapper for Patina {
    const NAME: &'static str = "patina_paging 11";

    fn new() -> Self {
        // The first table that it asks for is the root.
        let root = arena::next();
        Self { table: X64PageTable::new(Arena, PagingType::Paging4Level).expect("the arena has tables"), root }
    }

    fn root(&self) -> u64 {
        self.root
    }

    fn map_each(&mut self, mut pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        pages.try_for_each(|(virt, phys)| self.map(virt, phys, PAGE, DATA).map(|_| ()))?;
        DONE
    }

    fn map_range(&mut self, region: &Region) -> Answer {
        self.map(region.virt, region.phys, region.bytes, attributes(region))
    }

    // To protect is to map again.
    fn protect_each(&mut self, mut pages: impl Iterator<Item = u64>) -> Answer {
        pages.try_for_each(|virt| self.map(virt, virt - BASE + PHYS, PAGE, READ_ONLY).map(|_| ()))?;
        DONE
    }

    fn protect_range(&mut self, region: &Region) -> Answer {
        self.map(region.virt, region.phys, region.bytes, READ_ONLY)
    }

    fn unmap_each(&mut self, mut pages: impl Iterator<Item = u64>) -> Answer {
        pages.try_for_each(|virt| self.table.unmap_memory_region(virt, PAGE)).ok()?;
        DONE
    }

    fn unmap_range(&mut self, region: &Region) -> Answer {
        self.table.unmap_memory_region(region.virt, region.bytes).ok()?;
        DONE
    }

    // It answers with attributes alone; the address is not its.
    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut sum = 0u64;
        for virt in pages {
            let found = self.table.query_memory_region(virt & !(PAGE - 1), PAGE).ok()?;
            sum =
                sum.wrapping_add(if found.contains(MemoryAttributes::ExecuteProtect) { virt - BASE + PHYS } else { 0 });
        }
        Some(sum)
    }
}
