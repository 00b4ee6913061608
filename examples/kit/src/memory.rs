//! Memory for tables that are filled at boot.

use core::cell::UnsafeCell;

use tablature::plan::Slot;
use tablature::space::FillError;

/// Memory for `WORDS` words of tables, whose roots may be four pages side by side.
#[repr(C, align(16384))]
pub struct Memory<const WORDS: usize>(UnsafeCell<[Slot; WORDS]>);

// SAFETY: `fill` alone touches it, once, as its caller promises.
unsafe impl<const WORDS: usize> Sync for Memory<WORDS> {}

impl<const WORDS: usize> Memory<WORDS> {
    /// Memory for tables whose roots have to be aligned to `alignment` bytes.
    ///
    /// # Panics
    /// It is not; while compiling, for a static.
    #[must_use]
    pub const fn new(alignment: usize) -> Self {
        assert!(align_of::<Self>() >= alignment, "the roots fit the alignment of the memory");
        Self(UnsafeCell::new([Slot::ABSENT; WORDS]))
    }

    /// Where it is, for code that runs where it is linked.
    #[must_use]
    pub const fn start(&'static self) -> *mut u64 {
        self.0.get().cast()
    }

    /// Has `fill` fill the memory, with the physical address, which is `displacement` (modulo 2⁶⁴) below the one that the
    /// code computes; with the MMU off they are the same.
    ///
    /// # Errors
    /// Those of `fill`.
    ///
    /// # Safety
    /// This is the first call.
    pub unsafe fn fill(
        &'static self,
        displacement: u64,
        fill: impl FnOnce(&'static mut [Slot], u64) -> Result<(), FillError>,
    ) -> Result<(), FillError> {
        let memory = self.0.get();
        let physical = (memory.expose_provenance() as u64).wrapping_sub(displacement);
        // SAFETY: the first call, and nobody else can name the words.
        let memory = unsafe { &mut *memory };
        fill(memory, physical)
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Slot};

    static MEMORY: Memory<3> = Memory::new(4096);

    #[test]
    fn the_memory_is_handed_over_with_its_physical_address() {
        let filled = |memory: &'static mut [Slot], physical: u64| {
            assert_eq!((memory.len(), memory.as_ptr().addr() as u64), (3, physical.wrapping_add(0x1000)));
            assert_eq!(physical % 4096, 0);
            Ok(())
        };
        // SAFETY: the only call.
        assert!(unsafe { MEMORY.fill(0x1000, filled) }.is_ok());
    }

    #[test]
    #[should_panic(expected = "alignment")]
    fn memory_that_roots_do_not_fit_is_refused() {
        let _ = Memory::<1>::new(32768);
    }
}
