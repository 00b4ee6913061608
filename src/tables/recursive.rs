//! Tables through a slot of the root that points to the root.

use core::fmt;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use super::{EntryAt, OnePage, PhysicalView as _, Place, TableAccess, TemporaryWindow, word};
use crate::addr::VirtAddr;
use crate::format::{Format, shows_pointers};
use crate::regime::Regime;

/// The tables of the space that is in force, through the entry `SLOT` of the root, which points to the root itself.
///
/// A walk through that entry ends one level early: at a table, read as a page. So each table that is linked has an
/// address that follows from what it translates. One that is not linked has none, and is reached through a
/// [`TemporaryWindow`]: new tables are filled, and old ones chained, without being mapped.
pub struct Recursive<const SLOT: u64, W: Window> {
    fresh: TemporaryWindow<W>,
}

/// A window that also lets go of translations.
pub trait Window: OnePage {
    /// Lets this core, and every other that edits the space, forget what it has cached of `pages` pages from `first` on,
    /// and see what was stored before: the entries that map them have changed. Where these are many, all that is cached
    /// goes sooner.
    fn forget(&self, first: VirtAddr, pages: u64);
}

impl<const SLOT: u64, W: Window> Recursive<SLOT, W> {
    /// Access by the slot, and by `window` to what is not linked.
    ///
    /// # Safety
    /// The space that is edited is in force on the core that runs this, its root's entry `SLOT` points to the root and
    /// stays, and who calls [`TableAccess`] names linked entries as a walk comes to them. As for
    /// [`TemporaryWindow::new`], too.
    #[must_use]
    pub const unsafe fn new(window: W) -> Self {
        // SAFETY: as the caller promises.
        Self { fresh: unsafe { TemporaryWindow::new(window) } }
    }

    /// Where the table that translates `virt` at `level` is seen.
    #[must_use]
    pub const fn table<R: Regime>(virt: u64, level: usize) -> u64 {
        const { check::<R, SLOT>() };
        let format = &R::FORMAT;
        let bits = format.at(0).bits;
        let mut slots = 0;
        let mut i = 0;
        while i <= level {
            slots = slots << bits | SLOT;
            i += 1;
        }
        let path = (virt & mask(format)) >> (format.page_shift + bits * (level as u32 + 1));
        let above = bits * (format.levels - 1 - level) as u32;
        let address = (slots << above | path) << format.page_shift;
        if SLOT >> (bits - 1) == 1 && format.upper_half { address | !mask(format) } else { address }
    }

    fn pointer<R: Regime>(&self, entry: EntryAt) -> Option<NonNull<u8>> {
        let Place::Linked { level, virt } = entry.place else {
            return self.fresh.pointer(word::place::<R>(entry)?, u64::from(R::FORMAT.entry_bytes));
        };
        if level >= R::FORMAT.levels || entry.index >> R::FORMAT.at(level).bits != 0 {
            return None;
        }
        let offset = entry.index as u64 * u64::from(R::FORMAT.entry_bytes);
        let address = usize::try_from(Self::table::<R>(virt, level) + offset).ok()?;
        NonNull::new(with_exposed_provenance_mut(address))
    }

    /// The tables that a changed pointer leads to have addresses, whose translations changed with it.
    fn moved<R: Regime>(&self, place: Place) {
        if let Place::Linked { level, virt } = place {
            Self::views::<R>(level, virt).for_each(|(first, pages)| self.fresh.window().forget(first, pages));
        }
    }

    /// Where the tables below the entry of `level` that translates `virt` are seen: pages in a row, for each lower level.
    pub(super) fn views<R: Regime>(level: usize, virt: u64) -> impl Iterator<Item = (VirtAddr, u64)> {
        let format = &R::FORMAT;
        let start = virt >> format.at(level).shift << format.at(level).shift;
        (0..level).rev().map(move |below| {
            let pages = 1 << (format.at(0).bits * (level - 1 - below) as u32);
            (VirtAddr::new(Self::table::<R>(start, below)), pages)
        })
    }
}

/// All bits that a walk translates.
const fn mask(format: &Format) -> u64 {
    (1 << format.input_bits) - 1
}

const fn check<R: Regime, const SLOT: u64>() {
    let format = &R::FORMAT;
    assert!(shows_pointers(format), "table pointers of this regime do not map the table when they are read as leaves");
    assert!(!format.split_roots, "a regime with two roots needs a recursive slot in each");
    assert!(format.table_shift == format.page_shift, "a table is no page in this regime");
    assert!(SLOT >> format.root_bits() == 0, "the root has no such slot");
    let mut level = 0;
    while level < format.levels {
        assert!(format.index_bits(level) == format.at(0).bits, "tables of this regime differ in size");
        level += 1;
    }
}

impl<const SLOT: u64, W: Window> fmt::Debug for Recursive<SLOT, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recursive({SLOT})")
    }
}

// SAFETY: entries are read and written where the slot or the window shows them, whole and with one access each; stores
// are volatile, so they keep their order.
unsafe impl<R: Regime, const SLOT: u64, W: Window> TableAccess<R> for Recursive<SLOT, W> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        let at = self.pointer::<R>(entry)?;
        // SAFETY: the constructor was promised that linked entries are those of the space in force; others are in the
        // window.
        Some(unsafe { word::load::<R>(at) })
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        if let Some(at) = self.pointer::<R>(entry) {
            // SAFETY: as for a load; the caller owns the table.
            unsafe { word::store::<R>(at, entry.place, word) };
            self.moved::<R>(entry.place);
        }
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let Some(at) = self.pointer::<R>(entry) else { return Err(current) };
        // SAFETY: as for a load.
        let done = unsafe { word::exchange::<R>(at, current, new) };
        if done.is_ok() {
            self.moved::<R>(entry.place);
        }
        done
    }
}
