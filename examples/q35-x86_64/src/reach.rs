//! How the program of edits reaches the tables: where `physmap` shows them, or through a recursive slot or a page that
//! moves, as kernels do that have no such region.

#[cfg(any(feature = "recursive", feature = "moving"))]
pub(crate) use glass::{Access, NAME, access};
#[cfg(not(any(feature = "recursive", feature = "moving")))]
pub(crate) use physmap::{Access, NAME, access};

/// RAM for tables that are added.
pub(crate) const SPARE: u64 = 0x0800_0000;
pub(crate) const SPARE_BYTES: u64 = 48 * 4096;

#[cfg(not(any(feature = "recursive", feature = "moving")))]
mod physmap {
    use example_maps::x86_64::q35_x86_64::kernel::physmap;
    use tablature::addr::PhysAddr;
    use tablature::tables::FixedOffset;

    pub(crate) type Access = FixedOffset<{ physmap::START.wrapping_sub(physmap::PHYS) }>;

    /// How tables are reached.
    pub(crate) const NAME: &str = "";

    /// # Safety
    /// The declared map is in force, and what is used as a table is used as nothing else.
    pub(crate) unsafe fn access() -> Access {
        // SAFETY: `physmap` maps it so; the caller vouches for the rest.
        unsafe { FixedOffset::new(PhysAddr::new(physmap::PHYS), physmap::SIZE) }
    }
}

#[cfg(any(feature = "recursive", feature = "moving"))]
mod glass {
    use core::ptr::{NonNull, with_exposed_provenance_mut};

    use example_maps::x86_64::q35_x86_64::kernel::{self, glass, table_pool};
    use tablature::addr::{PhysAddr, VirtAddr};
    use tablature::space::Declared;
    use tablature::tables::{OnePage, Recursive, Window};
    use x86_64::instructions::tlb;

    use super::{SPARE, SPARE_BYTES};

    /// The recursive slot of the map.
    const SLOT: u64 = 510;
    /// Present, writable, accessed, dirty, not executable (SDM 3A, 4.5.4).
    const LEAF: u64 = 1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 63;
    /// Pages from which on all that is cached goes at once.
    const MANY: u64 = 32;

    #[cfg(feature = "recursive")]
    pub(crate) type Access = Recursive<SLOT, Glass>;
    #[cfg(feature = "moving")]
    pub(crate) type Access = tablature::tables::TemporaryWindow<Glass>;

    /// How tables are reached.
    pub(crate) const NAME: &str = if cfg!(feature = "recursive") { ", recursive slot" } else { ", moving page" };

    /// # Safety
    /// The declared map is in force, this is the only access, and what is used as a table is used as nothing else.
    pub(crate) unsafe fn access() -> Access {
        // SAFETY: the map has the slot; the caller vouches for the rest.
        unsafe { Access::new(Glass(())) }
    }

    /// The page of the map that moves.
    pub(crate) struct Glass(());

    impl Glass {
        /// The entry that maps it, as the recursive slot shows it: its leaf table is there from the start.
        fn entry() -> *mut u64 {
            type Regime = <kernel::Space as Declared>::Regime;
            let table = Recursive::<SLOT, Glass>::table::<Regime>(glass::START, 0);
            with_exposed_provenance_mut((table + glass::START / glass::SIZE % 512 * 8) as usize)
        }
    }

    // SAFETY: RAM that holds tables is mapped, and the address is flushed.
    unsafe impl OnePage for Glass {
        const BYTES: u64 = glass::SIZE;

        fn show(&self, page: PhysAddr) -> Option<NonNull<u8>> {
            let at = page.as_u64();
            let declared = table_pool::PHYS..table_pool::PHYS + table_pool::SIZE;
            let spare = SPARE..SPARE + SPARE_BYTES;
            if !declared.contains(&at) && !spare.contains(&at) {
                return None;
            }
            // SAFETY: the entry of the page, which nobody else changes.
            unsafe { Self::entry().write_volatile(at | LEAF) };
            tlb::flush(x86_64::VirtAddr::new_truncate(glass::START));
            NonNull::new(with_exposed_provenance_mut(glass::START as usize))
        }
    }

    impl Window for Glass {
        fn forget(&self, first: VirtAddr, pages: u64) {
            if pages > MANY {
                // No pointer is global, and so nothing that is read as a leaf through the slot.
                return tlb::flush_all();
            }
            for page in 0..pages {
                tlb::flush(x86_64::VirtAddr::new_truncate(first.as_u64() + page * glass::SIZE));
            }
        }
    }
}
