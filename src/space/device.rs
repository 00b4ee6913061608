//! A region of device registers, handed out once.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{Declared, DeclaredRegion};
use crate::layout::{Extent, Layout, memory_of, shared};
use crate::map::Kind;
use crate::text::same;

/// A block of device registers, for example one of `tock_registers::register_structs!`.
///
/// # Safety
/// Every field may be accessed at any time through a shared reference with the width it has: the type consists of
/// register cells (`ReadOnly`, `WriteOnly`, `ReadWrite`) and padding, and is valid for every bit pattern.
pub unsafe trait RegisterBlock: Sized + 'static {}

/// The registers of the device region `R`; there is one in the whole program, and none of another region of the map
/// that shares physical bytes with `R`.
///
/// # Invariants
/// The region is live and mapped as device memory that the program may read.
pub struct Handle<R: DeclaredRegion>(PhantomData<R>);

impl<R: DeclaredRegion> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registers of `{}` at {:#x}", R::REGION.name, R::EXTENT.virt)
    }
}

impl<R: DeclaredRegion> Handle<R> {
    /// # Safety
    /// The space of `R` is live, and no other handle of `R` or of a region with common physical bytes exists.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new() -> Self {
        const {
            assert!(is_device::<R>(), "only a region of device memory hands out registers");
            assert!(
                !<R::Space as Declared>::FORMAT.guest,
                "a guest's addresses are not the program's: map the device in the program's own space"
            );
            assert!(
                is_mapped::<R>(),
                "a window is not mapped yet: only a region with a physical side hands out registers"
            );
            assert!(
                !R::REGION.access.privileged.data().is_empty(),
                "the region grants the program neither reading nor writing"
            );
        }
        Self(PhantomData)
    }

    /// The registers, as `T` lays them out from the start of the region. A `T` that is larger than the region, or
    /// reaches into a guard cut out of it, does not compile.
    #[must_use]
    pub const fn registers<T: RegisterBlock>(self) -> &'static T {
        const {
            assert!(size_of::<T>() as u128 <= R::EXTENT.size, "the register block is larger than the region");
            assert!(
                R::EXTENT.virt + size_of::<T>() as u128 <= first_hole::<R>(),
                "the register block reaches into a guard inside the region"
            );
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
    match memory_of(<R::Space as Declared>::MAP, R::REGION, &R::EXTENT) {
        Some(memory) => memory.is_device(),
        None => false,
    }
}

/// Whether the tables map the region from its first byte on, which is not the null pointer.
const fn is_mapped<R: DeclaredRegion>() -> bool {
    let e = &R::EXTENT;
    e.has_phys && !e.bad && e.virt != 0 && !matches!(R::REGION.kind, Kind::Guard | Kind::Window)
}

/// Where the first guard that is cut out of the region starts; its end if there is none.
const fn first_hole<R: DeclaredRegion>() -> u128 {
    let regions = <R::Space as Declared>::SPACE.regions;
    let (mut first, mut i) = (R::EXTENT.virt + R::EXTENT.size, 0);
    while i < regions.len() {
        let hole = &<R::Space as Declared>::EXTENTS[i];
        if let (Kind::Guard, Some(inside)) = (regions[i].kind, regions[i].inside)
            && same(inside, R::REGION.name)
            && hole.v_lo < first
        {
            first = hole.v_lo;
        }
        i += 1;
    }
    first
}

/// Which of the `R` regions of a map have been taken.
#[derive(Debug)]
pub struct Taken<const R: usize>([AtomicBool; R]);

impl<const R: usize> Default for Taken<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const R: usize> Taken<R> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self([const { AtomicBool::new(false) }; R])
    }

    /// Takes the region `at`. Of two regions with common physical bytes at most one is ever taken; of two that are
    /// taken at the same moment perhaps neither.
    #[must_use]
    pub fn claim(&self, at: usize, rivals: &[bool; R]) -> bool {
        // Sequential consistency: of two rivals at least one sees the other's flag.
        if self.0.get(at).is_none_or(|flag| flag.swap(true, Ordering::SeqCst)) {
            return false;
        }
        !rivals.iter().zip(&self.0).any(|(rival, flag)| *rival && flag.load(Ordering::SeqCst))
    }
}

/// Position of a region among all of the map.
#[must_use]
pub const fn position<const R: usize>(layout: &Layout<R>, space: usize, region: usize) -> usize {
    let at = layout.first_of(space) + region;
    let found = at < layout.len && layout.extents[at].space as usize == space;
    if found { at } else { R }
}

/// The other regions that share physical bytes with the one at `at`.
#[must_use]
pub const fn rivals<const R: usize>(layout: &Layout<R>, at: usize) -> [bool; R] {
    let mut list = [false; R];
    let mut i = 0;
    while i < layout.len && at < layout.len {
        list[i] = i != at && shares_bytes(&layout.extents[i], &layout.extents[at]);
        i += 1;
    }
    list
}

const fn shares_bytes(a: &Extent, b: &Extent) -> bool {
    a.has_phys && b.has_phys && shared((a.p_lo, a.p_hi), (b.p_lo, b.p_hi)).is_some()
}

#[cfg(test)]
mod tests {
    use super::Taken;

    #[test]
    fn a_region_is_taken_once_and_its_rival_never() {
        let taken = Taken::<3>::new();
        let shared = [[false, true, false], [true, false, false], [false; 3]];
        assert!(taken.claim(0, &shared[0]));
        assert!(!taken.claim(0, &shared[0]));
        assert!(!taken.claim(1, &shared[1]));
        assert!(taken.claim(2, &shared[2]));
        assert!(!taken.claim(3, &shared[2]));
    }
}
