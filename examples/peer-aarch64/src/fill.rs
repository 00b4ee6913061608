//! The tables, filled at boot.

use core::cell::UnsafeCell;
use core::mem::ManuallyDrop;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, PageTable, Translation, VaRange};
use aarch64_paging::{MapError, Mapping};

use crate::regions::{LOWER, Region, UPPER};

/// The tables of one half.
pub(crate) type Half = ManuallyDrop<Mapping<Tables, El1And0>>;

const TABLE: usize = 4096;
/// Tables that each half may take.
const MOST: usize = 14;
/// 39 bits of addresses: the root is a table of level 1.
const ROOT_LEVEL: usize = 1;

/// Memory for tables. The loader has zeroed it, which saves the program that work.
#[repr(C, align(4096))]
struct Pool(UnsafeCell<[[u8; TABLE]; 2 * MOST]>);

// SAFETY: each table is given out once, by the one that fills.
unsafe impl Sync for Pool {}

#[unsafe(link_section = ".table_memory")]
static POOL: Pool = Pool(UnsafeCell::new([[0; TABLE]; 2 * MOST]));

/// Gives tables out, one after the other. With the MMU off their addresses are physical ones.
pub(crate) struct Tables {
    next: usize,
    end: usize,
}

impl Translation<El1Attributes> for Tables {
    fn allocate_table(&mut self) -> (NonNull<PageTable<El1Attributes>>, PhysicalAddress) {
        assert!(self.next < self.end, "the tables are enough for the map");
        let table = PhysicalAddress(self.next);
        self.next += TABLE;
        (self.physical_to_virtual(table), table)
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<El1Attributes>>) {}

    fn physical_to_virtual(&self, address: PhysicalAddress) -> NonNull<PageTable<El1Attributes>> {
        NonNull::new(with_exposed_provenance_mut(address.0)).expect("no table lies at 0")
    }
}

/// Fills the tables of both halves, as a function of its own: `cargo xtask bench` counts its instructions.
///
/// # Errors
/// The crate's.
///
/// # Safety
/// The MMU is off, and this is the first call.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) unsafe fn fill_map() -> Result<(Half, Half), MapError> {
    let pool = POOL.0.get().expose_provenance();
    let middle = pool + MOST * TABLE;
    let lower = fill(Tables { next: pool, end: middle }, VaRange::Lower, LOWER)?;
    let upper = fill(Tables { next: middle, end: middle + MOST * TABLE }, VaRange::Upper, UPPER)?;
    Ok((lower, upper))
}

fn fill(tables: Tables, range: VaRange, regions: &[Region]) -> Result<Half, MapError> {
    let mut mapping = ManuallyDrop::new(Mapping::with_asid_and_va_range(tables, 0, ROOT_LEVEL, El1And0, range));
    for region in regions {
        mapping.map_range(&region.range, region.phys, region.attributes, Constraints::empty())?;
    }
    Ok(mapping)
}
