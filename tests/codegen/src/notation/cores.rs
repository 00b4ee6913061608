//! Spaces that several cores and other spaces share, and pages one by one, for what firmware is linked from.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Entry, Halves, Kind, Live, Mapping, NewError, Offline, Protect, Reclaim, Ro, Rw};
use tablature::flush::{EveryCore, Identifiers, Interrupts, Mailboxes, Tag, ThisCpu, TlbFlush};
use tablature::page::{Frame, OwnedFrame, Page, Size2M, Size4K};
use tablature::space::Of;
use tablature::table::Attributes;
use tablature::tables::{Pool, Table4K, TablePool};

use super::space::{Building, Running};

/// Spaces that every core may use.
#[derive(Clone, Copy, Debug)]
pub enum Anywhere {}

impl Kind for Anywhere {
    type Regime = Of<super::board::kernel::Space>;
    type Memory = Pool<Table4K, 16>;
    type Hardware = ThisCpu;
    type Reach = EveryCore;
}

const RW: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
const RO: Protect = Protect::access(Access::kernel(Rights::R));

static MAILBOXES: Mailboxes<Anywhere, 4> = Mailboxes::new();
static IDENTIFIERS: Option<Identifiers<Anywhere, 4>> = Identifiers::new(1, 8);

/// A bell for each core.
#[derive(Debug)]
pub struct Bells<'a>(pub &'a [core::sync::atomic::AtomicBool; 4]);

// SAFETY: every core counts as one that has something cached.
unsafe impl Interrupts for Bells<'_> {
    fn uses(&mut self, _: usize) -> bool {
        true
    }

    fn interrupt(&mut self, core: usize) {
        if let Some(bell) = self.0.get(core) {
            bell.store(true, core::sync::atomic::Ordering::Release);
        }
    }
}

static POOL: TablePool<Table4K, 16> = TablePool::new();

/// An empty space.
///
/// # Errors
/// There is no memory for its tables.
///
/// # Safety
/// The pool lies at `pool`.
#[unsafe(no_mangle)]
pub unsafe fn notation_new_anywhere(pool: PhysAddr) -> Result<AddressSpace<Anywhere, Offline>, NewError> {
    // SAFETY: passed on to the caller.
    AddressSpace::new(unsafe { POOL.at(pool) }, Halves::Both)
}

/// Maps, protects and unmaps a range everywhere.
///
/// # Safety
/// As for all edits of live spaces, on core `core`.
#[unsafe(no_mangle)]
pub unsafe fn notation_shootdown(
    space: &mut AddressSpace<Anywhere, Live>,
    core: usize,
    bells: Bells<'_>,
    virt: VirtAddr,
    size: u64,
) -> bool {
    // SAFETY: passed on to the caller.
    let Some(mut others) = (unsafe { MAILBOXES.from(core, bells) }) else { return false };
    // SAFETY: passed on to the caller; here and below.
    if let Ok(token) = unsafe { space.protect(virt, size, &RO) } {
        token.shootdown(space.hardware(), &mut others);
    }
    // SAFETY: as above.
    if let Ok(token) = unsafe { space.map(&Mapping::new(virt, PhysAddr::new(size), size, RW)) } {
        token.shootdown(space.hardware(), &mut others).free(space.memory_mut());
    }
    // SAFETY: as above.
    match unsafe { space.unmap(virt, size, Reclaim::Free) } {
        Ok(token) => {
            token.shootdown(space.hardware(), &mut others).free(space.memory_mut());
            true
        }
        Err(_) => false,
    }
}

/// Serves what other cores ask for.
///
/// # Safety
/// This is core `core`.
#[unsafe(no_mangle)]
pub unsafe fn notation_serve(core: usize) -> usize {
    // SAFETY: passed on to the caller.
    unsafe { MAILBOXES.serve(core, &mut ThisCpu) }
}

/// Switches a core to the space of a tag.
#[unsafe(no_mangle)]
pub fn notation_enter(core: usize, tag: &mut Tag, bells: Bells<'_>) -> Option<u16> {
    // SAFETY: this program is linked and never run.
    let mut others = unsafe { MAILBOXES.from(core, bells) }?;
    IDENTIFIERS.as_ref()?.enter(
        core,
        tag,
        |token| token.shootdown(&mut ThisCpu, &mut others),
        |id| match id {
            tablature::flush::Id::One(id) => id,
            tablature::flush::Id::Every => 0,
        },
    )
}

/// Shares a part of a space with another, and takes it back.
#[unsafe(no_mangle)]
pub fn notation_share(space: &mut Running, other: &mut Building, virt: VirtAddr, size: u64) -> bool {
    match space.pin(virt, size) {
        Ok(token) => space.flush(token),
        Err(_) => return false,
    }
    let shared = space.share_with(other).is_ok();
    let returned = other.disown().is_some_and(|returned| space.take_back(returned).is_ok());
    shared & returned & space.unpin().is_ok()
}

/// Changes single pages of a space in use.
///
/// # Safety
/// As for all edits of live spaces.
#[unsafe(no_mangle)]
pub unsafe fn notation_live_pages(space: &mut Running, page: Page<Size4K>, large: Page<Size2M>, frame: Frame<Size4K>) {
    // SAFETY: passed on to the caller; here and below.
    if let Ok(token) = unsafe { space.map_page(page, frame, RW) } {
        space.reclaim(token);
    }
    // SAFETY: as above.
    if let Ok(token) = unsafe { space.protect_page(page, &RO) } {
        space.flush(token);
    }
    // SAFETY: as above.
    if let Ok(token) = unsafe { space.remap_page(page, frame, RW) } {
        space.flush(token);
    }
    // SAFETY: as above.
    if let Ok(token) = unsafe { space.split::<Size4K>(large.start()) } {
        space.flush(token);
    }
    // SAFETY: as above.
    if let Ok(token) = unsafe { space.promote(large) } {
        space.reclaim(token);
    }
    // SAFETY: as above.
    if let Ok(broken) = unsafe { space.break_page(page) } {
        let cleared = broken.flush();
        // SAFETY: as above.
        if let Ok(token) = unsafe { cleared.make(frame, RW) } {
            space.flush(token);
        }
    }
    // SAFETY: as above.
    if let Ok(token) = unsafe { space.unmap_page(page) } {
        space.flush(token);
    }
}

/// Maps, protects and unmaps a page by its entry.
#[unsafe(no_mangle)]
pub fn notation_entry(space: &mut AddressSpace<super::space::Process, Offline>, frame: OwnedFrame<Size4K>) -> bool {
    let mut cursor = space.cursor(VirtAddr::new(0x1000));
    let Ok(Entry::Vacant(entry)) = cursor.entry::<Size4K>() else { return false };
    match entry.map(frame, Rw, MemoryType::NormalWb) {
        Ok((mapped, ())) => {
            let (mapped, ()) = mapped.protect(Ro);
            let (_, frame) = mapped.unmap();
            let _ = core::hint::black_box(frame);
            true
        }
        Err(_) => false,
    }
}

/// Reads tables: what is mapped, where, and whether a range is all alike.
#[unsafe(no_mangle)]
pub fn notation_read(space: &Running, virt: VirtAddr, size: u64) -> u64 {
    let alike = u64::from(space.query(virt, size).is_ok());
    let leaves: u64 = space.leaves(virt).take(100).map(|leaf| leaf.word).fold(alike, u64::wrapping_add);
    space.iter(virt).take(100).map(|region| region.virt.as_u64()).fold(leaves, u64::wrapping_add)
}

/// Takes a space out of use, and gives its tables back.
///
/// # Safety
/// No core uses it.
#[unsafe(no_mangle)]
pub unsafe fn notation_retire(space: Running) {
    // SAFETY: passed on to the caller.
    let (token, mut cpu) = unsafe { space.retire() };
    token.flush(&mut cpu).free();
}

/// One token of two.
#[unsafe(no_mangle)]
pub fn notation_join(
    first: TlbFlush<super::space::Process, u64>,
    second: TlbFlush<super::space::Process, u64>,
) -> (u64, u64) {
    first.join(second).flush(&mut ThisCpu)
}
