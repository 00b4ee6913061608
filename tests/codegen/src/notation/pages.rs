//! Spaces that consist of pages: what is linked of the library for them.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Kind, MapError, Mapping, Offline, Reclaim, UnmapError};
use tablature::flush::{OneCore, ThisCpu};
use tablature::page::{Frame, Page, Size4K};
use tablature::space::Of;
use tablature::table::Attributes;
use tablature::tables::{Pool, Table4K};

/// Spaces of pages.
#[derive(Clone, Copy, Debug)]
pub enum Pages {}

impl Kind for Pages {
    type Regime = Of<super::board::kernel::Space>;
    type Memory = Pool<Table4K, 16>;
    type Hardware = ThisCpu;
    type Reach = OneCore;

    const LARGEST_LEAF: u64 = 0x1000;
}

/// A space that no core uses.
pub type Building = AddressSpace<Pages, Offline>;

const RW: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);

/// Maps one page.
///
/// # Errors
/// [`MapError`].
pub fn notation_map_page(space: &mut Building, page: Page<Size4K>, frame: Frame<Size4K>) -> Result<(), MapError> {
    space.map_page(page, frame, RW)
}

/// Maps a range.
///
/// # Errors
/// [`MapError`].
pub fn notation_map_range(space: &mut Building, virt: VirtAddr, phys: PhysAddr, size: u64) -> Result<(), MapError> {
    space.map(&Mapping::new(virt, phys, size, RW))
}

/// Unmaps a range.
///
/// # Errors
/// [`UnmapError`].
pub fn notation_unmap_range(space: &mut Building, virt: VirtAddr, size: u64) -> Result<(), UnmapError> {
    space.unmap(virt, size, Reclaim::Keep)
}
