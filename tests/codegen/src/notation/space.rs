//! Spaces that are made at run time, whose tables come from a pool in the image.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{
    AddressSpace, Halves, Kind, Live, MapError, Mapping, NewError, Offline, PromoteError, Protect, ProtectError,
    Reclaim, RemapError, SplitError, UnmapError,
};
use tablature::flush::{Batch, OneCore, ThisCpu, TlbFlush};
use tablature::page::{Frame, Page, Size2M, Size4K};
use tablature::space::Of;
use tablature::table::Attributes;
use tablature::tables::{Pool, Table4K, TablePool, Tables};

/// Spaces beside the declared one.
#[derive(Clone, Copy, Debug)]
pub enum Process {}

impl Kind for Process {
    type Regime = Of<super::board::kernel::Space>;
    type Memory = Pool<Table4K, 16>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

static POOL: TablePool<Table4K, 16> = TablePool::new();

/// A space that no core uses.
pub type Building = AddressSpace<Process, Offline>;
/// A space that is in use.
pub type Running = AddressSpace<Process, Live>;

const RW: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
const RO: Protect = Protect::access(Access::kernel(Rights::R));

/// An empty space.
///
/// # Errors
/// There is no memory for its tables.
///
/// # Safety
/// The pool lies at `pool`.
#[unsafe(no_mangle)]
pub unsafe fn notation_new(pool: PhysAddr) -> Result<Building, NewError> {
    // SAFETY: passed on to the caller.
    AddressSpace::new(unsafe { POOL.at(pool) }, Halves::Both)
}

/// Maps one page.
///
/// # Errors
/// [`MapError`].
#[unsafe(no_mangle)]
pub fn notation_map_page(space: &mut Building, page: Page<Size4K>, frame: Frame<Size4K>) -> Result<(), MapError> {
    space.map_page(page, frame, RW)
}

/// Maps a range.
///
/// # Errors
/// [`MapError`].
#[unsafe(no_mangle)]
pub fn notation_map_range(space: &mut Building, virt: VirtAddr, phys: PhysAddr, size: u64) -> Result<(), MapError> {
    space.map(&Mapping::new(virt, phys, size, RW))
}

/// Unmaps a range.
///
/// # Errors
/// [`UnmapError`].
#[unsafe(no_mangle)]
pub fn notation_unmap_range(space: &mut Building, virt: VirtAddr, size: u64) -> Result<(), UnmapError> {
    space.unmap(virt, size, Reclaim::Keep)
}

/// Makes a range read-only.
///
/// # Errors
/// [`ProtectError`].
#[unsafe(no_mangle)]
pub fn notation_protect_range(space: &mut Building, virt: VirtAddr, size: u64) -> Result<(), ProtectError> {
    space.protect(virt, size, &RO)
}

/// Gives tables back with what they map.
///
/// # Errors
/// [`UnmapError`].
#[unsafe(no_mangle)]
pub fn notation_reclaim_range(space: &mut Building, virt: VirtAddr, size: u64) -> Result<(), UnmapError> {
    space.unmap(virt, size, Reclaim::Free)
}

/// Splits a large page, and makes it whole again.
///
/// # Errors
/// What either refuses.
#[unsafe(no_mangle)]
pub fn notation_split_and_promote(space: &mut Building, page: Page<Size2M>) -> Result<(), (SplitError, PromoteError)> {
    let split = space.split::<Size4K>(page.start());
    match (split, space.promote(page)) {
        (Err(split), Err(promote)) => Err((split, promote)),
        _ => Ok(()),
    }
}

/// Sends one page elsewhere.
///
/// # Errors
/// [`RemapError`].
#[unsafe(no_mangle)]
pub fn notation_remap_page(
    space: &mut Building,
    page: Page<Size4K>,
    frame: Frame<Size4K>,
) -> Result<Frame<Size4K>, RemapError> {
    space.remap_page(page, frame, RW)
}

/// Where an address goes.
#[unsafe(no_mangle)]
pub fn notation_translate(space: &Building, virt: VirtAddr) -> Option<PhysAddr> {
    space.translate(virt).ok()
}

/// Maps a range of a space in use.
///
/// # Errors
/// [`MapError`].
///
/// # Safety
/// As for all edits of live spaces.
#[unsafe(no_mangle)]
pub unsafe fn notation_live_map(
    space: &mut Running,
    virt: VirtAddr,
    phys: PhysAddr,
    size: u64,
) -> Result<Tables<Process>, MapError> {
    // SAFETY: passed on to the caller.
    match unsafe { space.map(&Mapping::new(virt, phys, size, RW)) } {
        Ok(token) => Ok(space.flush(token)),
        Err(error) => Err(error),
    }
}

/// Unmaps a range of a space in use, tables and all.
///
/// # Errors
/// [`UnmapError`].
///
/// # Safety
/// As for all edits of live spaces.
#[unsafe(no_mangle)]
pub unsafe fn notation_live_unmap(space: &mut Running, virt: VirtAddr, size: u64) -> Result<(), UnmapError> {
    // SAFETY: passed on to the caller.
    match unsafe { space.unmap(virt, size, Reclaim::Free) } {
        Ok(token) => {
            space.reclaim(token);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Makes a range of a space in use read-only.
///
/// # Errors
/// [`ProtectError`].
///
/// # Safety
/// As for all edits of live spaces.
#[unsafe(no_mangle)]
pub unsafe fn notation_live_protect(space: &mut Running, virt: VirtAddr, size: u64) -> Result<(), ProtectError> {
    // SAFETY: passed on to the caller.
    match unsafe { space.protect(virt, size, &RO) } {
        Ok(token) => {
            space.flush(token);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Maps the next pages of a space in use, and meets both obligations at once.
///
/// # Errors
/// [`MapError`].
///
/// # Safety
/// As for all edits of live spaces.
#[unsafe(no_mangle)]
pub unsafe fn notation_live_cursor(space: &mut Running, virt: VirtAddr, frame: Frame<Size4K>) -> Result<(), MapError> {
    let page = Page::<Size4K>::containing(virt);
    let mut cursor = space.cursor(virt);
    // SAFETY: passed on to the caller.
    let mapped = unsafe { cursor.map(page, frame, RW) }?;
    // SAFETY: passed on to the caller.
    match unsafe { cursor.protect(page, &RO) } {
        Ok(token) => {
            space.flush(mapped.join(token));
        }
        Err(_) => space.flush(mapped),
    }
    Ok(())
}

/// Tokens of one page each, flushed together.
#[unsafe(no_mangle)]
pub fn notation_batch(first: TlbFlush<Process, u64>, second: TlbFlush<Process, u64>) -> u64 {
    let mut batch = Batch::<Process, 4, u64>::new();
    let mut sum = 0;
    batch.put(first, &mut ThisCpu, |released| sum += released);
    batch.put(second, &mut ThisCpu, |released| sum += released);
    batch.flush(&mut ThisCpu).fold(sum, u64::wrapping_add)
}

/// Maps, changes and unmaps a page by a cursor.
#[unsafe(no_mangle)]
pub fn notation_cursor(space: &mut Building, page: Page<Size4K>, frame: Frame<Size4K>) -> bool {
    let mut cursor = space.cursor(page.start());
    let mapped = cursor.map(page, frame, RW).is_ok();
    mapped & cursor.protect(page, &RO).is_ok() & cursor.unmap(page).is_ok()
}
