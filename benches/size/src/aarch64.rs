//! `aarch64-paging`.

use core::ptr::{NonNull, with_exposed_provenance_mut};

use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, PageTable, Translation};
use aarch64_paging::{MapError, Mapping};

use crate::pool;

pub(crate) struct Tables;

impl Translation<El1Attributes> for Tables {
    fn allocate_table(&mut self) -> (NonNull<PageTable<El1Attributes>>, PhysicalAddress) {
        // It has no way to say that there is none.
        let Some(table) = pool::table().map(PhysicalAddress) else {
            loop {
                core::hint::spin_loop();
            }
        };
        (self.physical_to_virtual(table), table)
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<El1Attributes>>) {}

    fn physical_to_virtual(&self, address: PhysicalAddress) -> NonNull<PageTable<El1Attributes>> {
        // SAFETY: tables are seen at their addresses, and none lies at 0.
        unsafe { NonNull::new_unchecked(with_exposed_provenance_mut(address.0)) }
    }
}

type Space = Mapping<Tables, El1And0>;

const DATA: El1Attributes = El1Attributes::VALID
    .union(El1Attributes::ACCESSED)
    .union(El1Attributes::INNER_SHAREABLE)
    .union(El1Attributes::PXN)
    .union(El1Attributes::UXN);

fn map(space: &mut Space, virt: usize, phys: usize, size: usize, how: El1Attributes) -> Result<(), MapError> {
    let range = MemoryRegion::new(virt, virt + size);
    space.map_range(&range, PhysicalAddress(phys), how, Constraints::empty())
}

/// Maps one page.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_page(space: &mut Space, virt: usize, phys: usize) -> Result<(), MapError> {
    map(space, virt, phys, 4096, DATA)
}

/// Maps a range.
#[unsafe(no_mangle)]
pub(crate) fn peer_map_range(space: &mut Space, virt: usize, phys: usize, size: usize) -> Result<(), MapError> {
    map(space, virt, phys, size, DATA)
}

/// Unmaps a range: to unmap is to map as invalid.
#[unsafe(no_mangle)]
pub(crate) fn peer_unmap_range(space: &mut Space, virt: usize, size: usize) -> Result<(), MapError> {
    map(space, virt, 0, size, El1Attributes::empty())
}
