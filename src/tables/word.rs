//! Entries in memory, which walkers read and write at the same time.

use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Relaxed, Release};
use core::sync::atomic::{AtomicU32, compiler_fence, fence};

use volatile::VolatilePtr;

use super::{EntryAt, Place};
use crate::addr::PhysAddr;
use crate::regime::Regime;

/// Where the entry lies in physical memory; `None` where no entry can.
#[inline(always)]
pub(super) fn place<R: Regime>(entry: EntryAt) -> Option<PhysAddr> {
    const {
        assert!(R::FORMAT.entry_bytes == 4 || R::FORMAT.entry_bytes == 8, "entries have four or eight bytes");
        assert!(
            R::FORMAT.entry_bytes == 4 || cfg!(target_has_atomic = "64"),
            "entries of eight bytes are written by one instruction, which this target lacks"
        );
    }
    let bytes = u64::from(R::FORMAT.entry_bytes);
    let offset = u64::try_from(entry.index).ok()?.checked_mul(bytes)?;
    entry.table.checked_add(offset).filter(|place| place.is_aligned(bytes))
}

/// The entry at `at`.
///
/// # Safety
/// `at` may be read, is aligned for an entry, and whoever writes it meanwhile writes whole entries.
#[inline(always)]
pub(crate) unsafe fn load<R: Regime>(at: NonNull<u8>) -> u64 {
    if R::FORMAT.entry_bytes == 4 {
        // SAFETY: as the caller promises, for entries of four bytes.
        let word = unsafe { VolatilePtr::new(at.cast::<u32>()) };
        u64::from(word.read())
    } else if cfg!(target_pointer_width = "64") {
        // SAFETY: as the caller promises, for entries of eight bytes.
        let word = unsafe { VolatilePtr::new(at.cast::<u64>()) };
        word.read()
    } else {
        // A volatile access would be one of two halves here.
        // SAFETY: as the caller promises, for entries of eight bytes.
        unsafe { wide::load(at) }
    }
}

/// Writes `word` to the entry at `at`.
///
/// What may be a pointer to a table, in a table that is walked, comes after everything that was written before, for the
/// walkers of other cores as well.
///
/// # Safety
/// As for [`load`]; `at` may be written, and nobody else writes it now.
#[inline(always)]
pub(crate) unsafe fn store<R: Regime>(at: NonNull<u8>, place: Place, word: u64) {
    match place {
        Place::Linked { level: 0, .. } | Place::Fresh => compiler_fence(Release),
        Place::Linked { .. } => fence(Release),
    }
    if R::FORMAT.entry_bytes == 4 {
        // SAFETY: as the caller promises, for entries of four bytes.
        let entry = unsafe { VolatilePtr::new(at.cast::<u32>()) };
        entry.write(word as u32);
    } else if cfg!(target_pointer_width = "64") {
        // SAFETY: as the caller promises, for entries of eight bytes.
        let entry = unsafe { VolatilePtr::new(at.cast::<u64>()) };
        entry.write(word);
    } else {
        // SAFETY: as the caller promises, for entries of eight bytes.
        unsafe { wide::store(at, word) };
    }
}

/// Writes `new` to the entry at `at` if it is still `current`; otherwise says what it is.
///
/// # Safety
/// As for [`load`]; `at` may be written.
#[inline(always)]
pub(crate) unsafe fn exchange<R: Regime>(at: NonNull<u8>, current: u64, new: u64) -> Result<(), u64> {
    if R::FORMAT.entry_bytes == 4 {
        // SAFETY: as the caller promises, for entries of four bytes.
        let entry = unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) };
        match entry.compare_exchange(current as u32, new as u32, Release, Relaxed) {
            Ok(_) => Ok(()),
            Err(word) => Err(u64::from(word)),
        }
    } else {
        // SAFETY: as the caller promises, for entries of eight bytes.
        unsafe { wide::exchange(at, current, new) }
    }
}

/// Entries of eight bytes by atomic instructions.
#[cfg(target_has_atomic = "64")]
mod wide {
    use core::ptr::NonNull;
    use core::sync::atomic::AtomicU64;
    use core::sync::atomic::Ordering::{Relaxed, Release};

    /// # Safety
    /// As for [`super::load`].
    pub(super) unsafe fn load(at: NonNull<u8>) -> u64 {
        // SAFETY: as the caller promises.
        let entry = unsafe { AtomicU64::from_ptr(at.as_ptr().cast()) };
        entry.load(Relaxed)
    }

    /// # Safety
    /// As for [`super::store`].
    pub(super) unsafe fn store(at: NonNull<u8>, word: u64) {
        // SAFETY: as the caller promises.
        let entry = unsafe { AtomicU64::from_ptr(at.as_ptr().cast()) };
        entry.store(word, Relaxed);
    }

    /// # Safety
    /// As for [`super::exchange`].
    pub(super) unsafe fn exchange(at: NonNull<u8>, current: u64, new: u64) -> Result<(), u64> {
        // SAFETY: as the caller promises.
        let entry = unsafe { AtomicU64::from_ptr(at.as_ptr().cast()) };
        entry.compare_exchange(current, new, Release, Relaxed).map(|_| ())
    }
}

/// There are none: [`place`] does not compile for such a regime.
#[cfg(not(target_has_atomic = "64"))]
mod wide {
    use core::ptr::NonNull;

    pub(super) unsafe fn load(_: NonNull<u8>) -> u64 {
        0
    }

    pub(super) unsafe fn store(_: NonNull<u8>, _: u64) {}

    pub(super) unsafe fn exchange(_: NonNull<u8>, current: u64, _: u64) -> Result<(), u64> {
        Err(current)
    }
}
