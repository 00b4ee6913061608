//! Memory for tables in the image.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use volatile::VolatilePtr;

use crate::regime::Regime;

/// One entry in an image: a word, or an address that the linker fills in.
///
/// # Invariants
/// All eight bytes are initialized.
#[derive(Clone, Copy)]
#[repr(C)]
pub union Slot {
    word: u64,
    link: *const (),
    /// Two entries of four bytes. Not numbers, because one may be a link where pointers have four bytes, too.
    halves: [MaybeUninit<u32>; 2],
}

const _: () = assert!(size_of::<Slot>() == 8, "an entry has eight bytes");
const _: () = assert!(cfg!(target_endian = "little"), "page tables are written little-endian");

impl core::fmt::Debug for Slot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#018x}", self.get())
    }
}

impl Slot {
    /// An absent entry.
    pub const ABSENT: Self = Self { word: 0 };

    /// A word known now.
    #[must_use]
    pub const fn word(word: u64) -> Self {
        Self { word }
    }

    /// An address the linker knows. Where pointers have four bytes, the upper half of the entry is zero.
    #[must_use]
    pub const fn link(link: *const ()) -> Self {
        let mut slot = Self::ABSENT;
        slot.link = link;
        slot
    }

    /// Makes the lower or the upper half, `0` or `1`, the lower half of `entry`.
    pub(super) const fn set_half(&mut self, half: usize, entry: Self) {
        // SAFETY: four bytes of anything are a `MaybeUninit`.
        let from = unsafe { entry.halves };
        // SAFETY: as above.
        let mut halves = unsafe { self.halves };
        // All bytes stay initialized: those of `entry` are.
        halves[half] = from[0];
        self.halves = halves;
    }

    /// The word. In constant evaluation a link has none yet.
    #[must_use]
    pub const fn get(self) -> u64 {
        // SAFETY: by the invariant all eight bytes are initialized, and every bit pattern is a u64.
        unsafe { self.word }
    }
}

/// The tables of one space in the image, aligned by `A`.
#[repr(C)]
pub struct TableSet<A: Alignment, const SLOTS: usize> {
    align: [A; 0],
    slots: UnsafeCell<[Slot; SLOTS]>,
}

// SAFETY: a shared reference gives out nothing but the address and single words read with volatile loads; who writes
// through the address holds the space's exclusive handle.
unsafe impl<A: Alignment, const SLOTS: usize> Sync for TableSet<A, SLOTS> {}

impl<A: Alignment, const SLOTS: usize> core::fmt::Debug for TableSet<A, SLOTS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TableSet of {SLOTS} entries at {:p}", self.slots.get())
    }
}

impl<A: Alignment, const SLOTS: usize> TableSet<A, SLOTS> {
    /// A set with these entries.
    #[must_use]
    pub const fn new(slots: [Slot; SLOTS]) -> Self {
        Self { align: [], slots: UnsafeCell::new(slots) }
    }

    /// Bytes of all tables.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        SLOTS * size_of::<Slot>()
    }

    /// Where the first table lies.
    #[must_use]
    pub const fn start(&self) -> *mut Slot {
        self.slots.get().cast()
    }

    /// The word with this index, counted from the first root; `None` behind the last.
    #[must_use]
    pub fn entry(&self, index: usize) -> Option<u64> {
        if index >= SLOTS {
            return None;
        }
        let at = NonNull::new(self.start().wrapping_add(index).cast::<u64>())?;
        // SAFETY: the index is within the array, which lives as long as `self`, is aligned for u64 and initialized;
        // concurrent changes by an editor or the MMU are of whole words.
        let entry = unsafe { VolatilePtr::new(at) };
        Some(entry.read())
    }
}

/// Alignment of a set of tables: that of its root.
pub trait Alignment: Copy + 'static {
    /// Bytes.
    const BYTES: usize = align_of::<Self>();
}

/// Names an [`Alignment`] by its number: `<R as AlignOf<4096>>::Type`. Which regime does not matter; one
/// that does not exist is the only error then.
pub trait AlignOf<const BYTES: usize> {
    /// The alignment.
    type Type: Alignment;
}

macro_rules! alignments {
    ($($name:ident = $bytes:literal;)*) => { $(
        #[doc = concat!("Alignment to ", stringify!($bytes), " bytes.")]
        #[derive(Clone, Copy, Debug)]
        #[repr(align($bytes))]
        pub struct $name;

        impl Alignment for $name {}

        impl<R: Regime> AlignOf<$bytes> for R {
            type Type = $name;
        }

        const _: () = assert!($name::BYTES == $bytes && size_of::<TableSet<$name, 0>>() == 0);
    )* };
}

alignments! {
    Align4K = 0x1000;
    Align8K = 0x2000;
    Align16K = 0x4000;
    Align32K = 0x8000;
    Align64K = 0x1_0000;
    Align128K = 0x2_0000;
    Align256K = 0x4_0000;
    Align512K = 0x8_0000;
    Align1M = 0x10_0000;
}
