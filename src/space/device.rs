//! A region of device registers, handed out once.

use core::fmt;
use core::marker::PhantomData;

use super::DeclaredRegion;

/// A block of device registers, for example one of `tock_registers::register_structs!`.
///
/// # Safety
/// Every field may be accessed at any time through a shared reference with the width it has: the type consists of
/// register cells (`ReadOnly`, `WriteOnly`, `ReadWrite`) and padding, and is valid for every bit pattern.
pub unsafe trait RegisterBlock: Sized + 'static {}

/// The registers of the device region `R`; there is one in the whole program.
///
/// # Invariants
/// The region is live and mapped as device memory.
pub struct Handle<R: DeclaredRegion>(PhantomData<R>);

impl<R: DeclaredRegion> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registers of `{}` at {:#x}", R::REGION.name, R::EXTENT.virt)
    }
}

impl<R: DeclaredRegion> Handle<R> {
    /// # Safety
    /// The space of `R` is live, and no other handle of `R` exists.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new() -> Self {
        const {
            assert!(is_device::<R>(), "only a region of device memory hands out registers");
        }
        Self(PhantomData)
    }

    /// The registers, as `T` lays them out from the start of the region. A `T` that is larger than the region does
    /// not compile.
    #[must_use]
    pub const fn registers<T: RegisterBlock>(self) -> &'static T {
        const {
            assert!(size_of::<T>() as u128 <= R::EXTENT.size, "the register block is larger than the region");
            assert!(
                R::EXTENT.virt % align_of::<T>() as u128 == 0,
                "the register block is aligned to more than the region"
            );
        }
        let start = core::ptr::with_exposed_provenance::<T>(R::EXTENT.virt as usize);
        // SAFETY: by the invariant the region is live device memory of at least that size and alignment, for as long
        // as the program runs; `RegisterBlock` promises that shared access is all it needs.
        unsafe { &*start }
    }
}

/// Whether the memory type of the region is a device type.
const fn is_device<R: DeclaredRegion>() -> bool {
    let map = <R::Space as super::Declared>::MAP;
    match crate::layout::memory_of(map, R::REGION, &R::EXTENT) {
        Some(memory) => memory.is_device(),
        None => false,
    }
}
