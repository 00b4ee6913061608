//! A live address space as what the program edits.

use core::marker::PhantomData;

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::edit::{
    AddressSpace, Kind, Limits, Live, MapError, Mapping, PromoteError, Protect, ProtectError, Reclaim, RemapError,
    SplitError, UnmapError,
};
use tablature::flush::TlbFlush;
use tablature::page::{Frame, HasLeaf, Page, PageSize};
use tablature::table::Attributes;
use tablature::tables::Tables;

use crate::subject::{Emptied, Leaves, Range, Refused, Subject};

/// Whether obligations are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Every one, before the edit returns.
    Full,
    /// Not those of edits that unmap, remap or protect leaves and take no table out. The machine has to notice.
    Lacking,
}

/// A live space, whose pages are leaves of size `S` and whose blocks are leaves of size `B`.
pub struct Edited<K: Kind, S, B> {
    space: AddressSpace<K, Live>,
    care: Care,
    sizes: PhantomData<(S, B)>,
}

impl<K: Kind, S: PageSize, B: PageSize> Edited<K, S, B> {
    /// The space, whose obligations are met as `care` says.
    ///
    /// # Safety
    /// Whoever uses it edits the space only where, and as, the contract of its live edits allows. With [`Care::Lacking`],
    /// whatever is reached by translations that should be gone is nobody else's.
    pub const unsafe fn new(space: AddressSpace<K, Live>, care: Care) -> Self {
        Self { space, care, sizes: PhantomData }
    }

    /// The space again.
    pub fn into_inner(self) -> AddressSpace<K, Live> {
        self.space
    }

    fn meet<T>(&mut self, token: TlbFlush<K, T>) -> T {
        match self.care {
            Care::Full => self.space.flush(token),
            // SAFETY: it is not, and the caller of `new` vouches for what comes of it.
            Care::Lacking => unsafe { token.assume_flushed() },
        }
    }

    /// The tables come back only by a flush, however little care is taken: hardware may walk them.
    fn free(&mut self, token: TlbFlush<K, Tables<K>>) {
        self.space.reclaim(token);
    }

    fn map_by(&mut self, request: &Mapping) -> Result<(), Refused> {
        // SAFETY: the caller of `new` vouches for the edits.
        match unsafe { self.space.map(request) } {
            Ok(token) => {
                self.free(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn request(range: &Range, leaves: Leaves) -> Mapping {
        let limits = match leaves {
            Leaves::Pages => Limits { smallest: S::BYTES, largest: S::BYTES, runs: false },
            Leaves::Largest => Limits { smallest: S::BYTES, largest: B::BYTES, runs: false },
            Leaves::Runs => Limits { smallest: S::BYTES, largest: B::BYTES, runs: true },
        };
        let (virt, phys) = (VirtAddr::new(range.virt), PhysAddr::new(range.phys));
        Mapping::new(virt, phys, range.size, attributes(range)).limited(limits)
    }
}

/// Pages of the user belong to one space, those of the kernel to all.
const fn attributes(range: &Range) -> Attributes {
    let all = Attributes::new(range.access, range.memory);
    if range.access.user.is_empty() { all } else { all.not_global() }
}

fn page<S: PageSize>(virt: u64) -> Result<Page<S>, Refused> {
    Page::new(VirtAddr::new(virt)).map_err(|_| Refused::Invalid)
}

fn frame<S: PageSize>(phys: u64) -> Result<Frame<S>, Refused> {
    Frame::new(PhysAddr::new(phys)).map_err(|_| Refused::Invalid)
}

impl<K: Kind, S: PageSize, B: PageSize> Subject for Edited<K, S, B>
where
    K::Regime: HasLeaf<S> + HasLeaf<B>,
{
    fn map(&mut self, range: &Range, leaves: Leaves) -> Result<(), Refused> {
        self.map_by(&Self::request(range, leaves))
    }

    fn replace(&mut self, range: &Range, leaves: Leaves) -> Result<(), Refused> {
        self.map_by(&Self::request(range, leaves).replacing())
    }

    fn map_each(&mut self, range: &Range, frames: &[u64]) -> Result<(), Refused> {
        let limits = Limits { smallest: S::BYTES, largest: S::BYTES, runs: false };
        let place = |virt: VirtAddr| {
            let index = (virt.as_u64() - range.virt) / S::BYTES;
            PhysAddr::new(frames.get(index as usize).copied().unwrap_or(range.phys))
        };
        // SAFETY: as for `map_by`.
        match unsafe { self.space.map_with(VirtAddr::new(range.virt), range.size, attributes(range), limits, place) } {
            Ok(token) => {
                self.free(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn map_page(&mut self, range: &Range) -> Result<(), Refused> {
        let (page, frame) = (page::<S>(range.virt)?, frame::<S>(range.phys)?);
        // SAFETY: as for `map_by`.
        match unsafe { self.space.map_page(page, frame, attributes(range)) } {
            Ok(token) => {
                self.free(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn unmap(&mut self, virt: u64, size: u64, tables: Emptied) -> Result<(), Refused> {
        let reclaim = match tables {
            Emptied::Kept => Reclaim::Keep,
            Emptied::Freed => Reclaim::Free,
        };
        // SAFETY: as for `map_by`.
        match unsafe { self.space.unmap(VirtAddr::new(virt), size, reclaim) } {
            Ok(token) => {
                self.free(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn unmap_page(&mut self, virt: u64) -> Result<u64, Refused> {
        let page = page::<S>(virt)?;
        // SAFETY: as for `map_by`.
        match unsafe { self.space.unmap_page(page) } {
            Ok(token) => Ok(self.meet(token).0.start().as_u64()),
            Err(error) => Err(error.into()),
        }
    }

    fn protect(&mut self, range: &Range) -> Result<(), Refused> {
        let change = Protect::all(attributes(range));
        // SAFETY: as for `map_by`.
        match unsafe { self.space.protect(VirtAddr::new(range.virt), range.size, &change) } {
            Ok(token) => {
                self.meet(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn remap_page(&mut self, range: &Range) -> Result<u64, Refused> {
        let (page, frame) = (page::<S>(range.virt)?, frame::<S>(range.phys)?);
        // SAFETY: as for `map_by`.
        match unsafe { self.space.remap_page(page, frame, attributes(range)) } {
            Ok(token) => Ok(self.meet(token).start().as_u64()),
            Err(error) => Err(error.into()),
        }
    }

    fn split(&mut self, virt: u64) -> Result<(), Refused> {
        // SAFETY: as for `map_by`.
        match unsafe { self.space.split::<S>(VirtAddr::new(virt)) } {
            Ok(token) => {
                self.space.flush(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn promote(&mut self, virt: u64) -> Result<(), Refused> {
        let page = page::<B>(virt)?;
        // SAFETY: as for `map_by`.
        match unsafe { self.space.promote(page) } {
            Ok(token) => {
                self.free(token);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What an error means to a model without tables. What no request of the program should lead to is `Invalid`.
macro_rules! refused {
    ($($error:ident { $($variant:ident => $refused:ident),* })*) => { $(
        impl From<$error> for Refused {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$variant(_) => Self::$refused,)*
                    _ => Self::Invalid,
                }
            }
        }
    )* };
}

refused! {
    MapError { AlreadyMapped => Occupied, InsideLeaf => Occupied, HoldsTable => Occupied, OutOfTables => Exhausted }
    UnmapError { NotMapped => Vacant, InsideLeaf => OtherLevel, HoldsTable => OtherLevel, OutOfTables => Exhausted }
    ProtectError { NotMapped => Vacant, InsideLeaf => OtherLevel, HoldsTable => OtherLevel, OutOfTables => Exhausted }
    RemapError { NotMapped => Vacant, InsideLeaf => OtherLevel, HoldsTable => OtherLevel }
    SplitError { NotMapped => Vacant, OutOfTables => Exhausted }
    PromoteError {
        NotMapped => Vacant, InsideLeaf => OtherLevel, HoldsTable => OtherLevel, UnalignedPhys => Uneven, Differs => Uneven
    }
}
