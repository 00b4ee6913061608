//! Regions of a very large map, as one type with a number.

use core::fmt;
use core::marker::PhantomData;

use super::{Declared, DeclaredRegion, Handle, Installed};

/// The region with index `INDEX` of the space `S`.
///
/// Every region of a map is a type. Where there are more than a few hundred of them, `memory_map!` gives them this one under
/// their names, because a type of their own costs the compiler a millisecond each.
pub struct Numbered<S, const INDEX: usize>(PhantomData<S>);

impl<S, const INDEX: usize> fmt::Debug for Numbered<S, INDEX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "region {INDEX}")
    }
}

// SAFETY: the index is one of the space, or the constants of the trait have no value and nothing that names them compiles.
unsafe impl<S: Declared, const INDEX: usize> DeclaredRegion for Numbered<S, INDEX> {
    type Space = S;
    const INDEX: usize = INDEX;
}

impl<S: Declared, const INDEX: usize> Numbered<S, INDEX> {
    /// First virtual byte.
    pub const START: u64 = <Self as DeclaredRegion>::EXTENT.virt as u64;
    /// Bytes.
    pub const SIZE: u64 = <Self as DeclaredRegion>::EXTENT.size as u64;
    /// One past the last virtual byte; 0 for a region that ends at 2^64.
    pub const END: u64 = Self::START.wrapping_add(Self::SIZE);
    /// First physical byte; 0 where the region has no physical side.
    pub const PHYS: u64 = <Self as DeclaredRegion>::EXTENT.phys as u64;

    /// The registers of this device region; the first call alone gets them, and nobody if another region of the map with the
    /// same registers was taken.
    ///
    /// A region that is not device memory, or is not mapped, does not compile here.
    #[must_use]
    pub fn take(_live: &Installed<S>) -> Option<Handle<Self>> {
        if !S::claim::<INDEX>() {
            return None;
        }
        // SAFETY: the space is live, and one caller alone claims these bytes.
        Some(unsafe { Handle::new() })
    }
}
