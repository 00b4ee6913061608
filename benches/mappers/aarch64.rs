//! `aarch64-paging`: EL1, lower half, every operation a range.

use std::ptr::NonNull;

use aarch64_paging::Mapping;
use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress, UpdatableDescriptor};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, PageTable, Translation, VaRange};

use crate::arena;
use crate::mapper::{Answer, DONE, Mapper, PAGE, Region, Rights};
use crate::walker::{ARM, Format};

/// `aarch64-paging`.
pub struct Aarch64Paging(Mapping<Arena, El1And0>);

struct Arena;

impl Translation<El1Attributes> for Arena {
    fn allocate_table(&mut self) -> (NonNull<PageTable<El1Attributes>>, PhysicalAddress) {
        let table = arena::empty_table();
        (self.physical_to_virtual(PhysicalAddress(table as usize)), PhysicalAddress(table as usize))
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<El1Attributes>>) {}

    fn physical_to_virtual(&self, address: PhysicalAddress) -> NonNull<PageTable<El1Attributes>> {
        NonNull::new(arena::pointer(address.0 as u64).cast()).expect("no table lies at 0")
    }
}

const DATA: El1Attributes = El1Attributes::VALID
    .union(El1Attributes::ACCESSED)
    .union(El1Attributes::INNER_SHAREABLE)
    .union(El1Attributes::PXN)
    .union(El1Attributes::UXN);

fn attributes(region: &Region) -> El1Attributes {
    let rights = match region.rights {
        Rights::R => DATA | El1Attributes::READ_ONLY,
        Rights::Rw => DATA,
        Rights::Rx => (DATA - El1Attributes::PXN) | El1Attributes::READ_ONLY,
    };
    rights | if region.device { El1Attributes::ATTRIBUTE_INDEX_1 } else { El1Attributes::ATTRIBUTE_INDEX_0 }
}

fn range(virt: u64, bytes: u64) -> MemoryRegion {
    MemoryRegion::new(virt as usize, (virt + bytes) as usize)
}

impl Aarch64Paging {
    fn map(&mut self, virt: u64, phys: u64, bytes: u64, attributes: El1Attributes) -> Answer {
        let phys = PhysicalAddress(phys as usize);
        self.0.map_range(&range(virt, bytes), phys, attributes, Constraints::empty()).ok()?;
        DONE
    }

    fn protect(&mut self, virt: u64, bytes: u64) -> Answer {
        let change = |_: &MemoryRegion, entry: &mut UpdatableDescriptor<'_, El1Attributes>| {
            if entry.is_table() { Ok(()) } else { entry.modify_flags(El1Attributes::READ_ONLY, El1Attributes::empty()) }
        };
        self.0.modify_range(&range(virt, bytes), &change).ok()?;
        DONE
    }
}

impl Mapper for Aarch64Paging {
    const NAME: &'static str = "aarch64-paging 0.12";
    const FORMAT: Format = ARM;

    fn new() -> Self {
        Self(Mapping::with_asid_and_va_range(Arena, 1, 0, El1And0, VaRange::Lower))
    }

    fn root(&self) -> u64 {
        self.0.root_address().0 as u64
    }

    fn map_each(&mut self, mut pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        pages.try_for_each(|(virt, phys)| self.map(virt, phys, PAGE, DATA).map(|_| ()))?;
        DONE
    }

    fn map_range(&mut self, region: &Region) -> Answer {
        self.map(region.virt, region.phys, region.bytes, attributes(region))
    }

    fn protect_each(&mut self, mut pages: impl Iterator<Item = u64>) -> Answer {
        pages.try_for_each(|virt| self.protect(virt, PAGE).map(|_| ()))?;
        DONE
    }

    fn protect_range(&mut self, region: &Region) -> Answer {
        self.protect(region.virt, region.bytes)
    }

    // To unmap is to map as invalid.
    fn unmap_each(&mut self, mut pages: impl Iterator<Item = u64>) -> Answer {
        pages.try_for_each(|virt| self.map(virt, 0, PAGE, El1Attributes::empty()).map(|_| ()))?;
        DONE
    }

    fn unmap_range(&mut self, region: &Region) -> Answer {
        self.map(region.virt, 0, region.bytes, El1Attributes::empty())
    }

    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut sum = 0u64;
        for virt in pages {
            let mut found = None;
            let mut see =
                |_: &MemoryRegion, entry: &aarch64_paging::descriptor::Descriptor<El1Attributes>, _: usize| {
                    found = entry.is_valid().then(|| entry.output_address().0 as u64);
                    Ok(())
                };
            self.0.walk_range(&range(virt & !(PAGE - 1), PAGE), &mut see).ok()?;
            sum = sum.wrapping_add(found? | (virt % PAGE));
        }
        Some(sum)
    }
}
