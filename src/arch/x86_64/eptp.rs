//! The pointer to extended page tables, which a program writes to its virtual-machine control structure.

use crate::attr::Features;
use crate::regime::Regime;

use super::{Ept4, Ept5};

/// The extended-page-table pointer (SDM volume 3C, "Extended-Page-Table Pointer (EPTP)") for a root, under the features of
/// the regime: accessed and dirty bits where they are known to be there. Tables are read as write-back memory.
///
/// ```
/// use tablature::attr::Features;
/// use tablature::regime::With;
/// use tablature::x86_64::{Ept4, Ept5, ExtendedPageTables};
///
/// assert_eq!(Ept4::pointer(0x1000), 0x101e);
/// assert_eq!(Ept5::pointer(0x1000), 0x1026);
/// assert_eq!(<With<Ept4, { Features::EPT_AD.bits() }>>::pointer(0x1000), 0x105e);
/// ```
pub trait ExtendedPageTables: Regime {
    /// The pointer to a root at this physical address.
    #[must_use]
    fn pointer(root: u64) -> u64 {
        let accessed = if Self::FEATURES.contains(Features::EPT_AD) { ACCESSED_AND_DIRTY } else { 0 };
        root & ROOT | WRITE_BACK | accessed | (Self::FORMAT.levels as u64 - 1) << WALK_SHIFT
    }
}

impl ExtendedPageTables for Ept4 {}
impl ExtendedPageTables for Ept5 {}
impl<R: ExtendedPageTables, const FEATURES: u64> ExtendedPageTables for crate::regime::With<R, FEATURES> {}

/// Memory type of the tables themselves.
const WRITE_BACK: u64 = 6;
/// Levels of the walk, less one.
const WALK_SHIFT: u32 = 3;
const ACCESSED_AND_DIRTY: u64 = 1 << 6;
const ROOT: u64 = (1 << 52) - (1 << 12);
