//! What is known of a window before the program runs.

use core::hint::assert_unchecked;
use core::marker::PhantomData;

use typenum::Unsigned;

use super::handle::Memory;
use crate::addr::VirtAddr;
use crate::attr::Access;
use crate::edit::{Duties, Granted, Kind, can_withhold, holds, is_granted};
use crate::flush::{Change, Duty, Id};
use crate::format::Format;
use crate::layout::features;
use crate::map::Kind as Sort;
use crate::page::{Page, PageSize, SizeOfShift};
use crate::plan::{Step, is_global, window_flags, window_memory};
use crate::regime::Regime;
use crate::space::{Declared, DeclaredRegion};
use crate::table::Attributes;

/// A region whose pages have a size that is a type.
pub trait WindowRegion: DeclaredRegion {
    /// It.
    type Size: PageSize;
}

type ShiftOf<R> = <<<R as DeclaredRegion>::Space as Declared>::Regime as Regime>::PageShift;

impl<R: DeclaredRegion> WindowRegion for R
where
    ShiftOf<R>: SizeOfShift,
{
    type Size = <ShiftOf<R> as SizeOfShift>::Size;
}

/// Where the entries of the window `R` are.
pub(super) struct Facts<R>(PhantomData<R>);

impl<R: DeclaredRegion> Facts<R> {
    const FORMAT: &'static Format = &<R::Space as Declared>::FORMAT;

    /// How many pages it has.
    pub(super) const PAGES: usize = {
        assert!(
            matches!(R::REGION.kind, Sort::Window),
            "only a region that is declared `window` is mapped page by page"
        );
        assert!(
            <ShiftOf<R> as Unsigned>::U32 == Self::FORMAT.page_shift,
            "the page size of the regime is not that of its format"
        );
        let (_, pages) = place::<R>();
        assert!(
            pages as u128 * Self::FORMAT.page_size() as u128 == R::EXTENT.size,
            "a guard is cut out of the window: declare a window on each side of it"
        );
        pages
    };

    /// Whose translations they are.
    pub(super) const ID: Id = {
        let space = <R::Space as Declared>::SPACE;
        match space.asid {
            Some(asid) if !is_global(space, Self::FORMAT, R::REGION) => Id::One(asid as u16),
            _ => Id::Every,
        }
    };

    /// Position of the entry of its first page among all entries of the space.
    pub(super) const FIRST: usize = place::<R>().0;

    /// The page that entry `entry` of the space translates.
    ///
    /// # Safety
    /// It is one of the region, or the one behind it.
    #[inline(always)]
    pub(super) unsafe fn page<S: PageSize>(entry: usize) -> Page<S> {
        // SAFETY: by the contract. Its address is taken apart without looking whether it has more bits.
        unsafe { assert_unchecked(entry <= const { Self::FIRST + Self::PAGES }) };
        let origin = const { (R::EXTENT.virt as u64).wrapping_sub((Self::FIRST as u64) << Self::FORMAT.page_shift) };
        Page::containing(VirtAddr::new(origin)).ahead(entry)
    }

    /// Writes `count` entries from `first` on.
    ///
    /// # Safety
    /// The caller has the handles of these pages, and the space's tables are there.
    #[inline(always)]
    pub(super) unsafe fn store(first: usize, count: usize, word: impl Fn(u64) -> u64) {
        let start = <R::Space as Declared>::start();
        for i in 0..count {
            let (entry, word) = (first + i, word(i as u64));
            if Self::FORMAT.entry_bytes == 8 {
                // SAFETY: the entry lies in the tables, which are there and initialized; nobody else writes it, and the
                // MMU reads whole words.
                unsafe { start.wrapping_add(entry).write_volatile(word) };
            } else {
                // SAFETY: the same, for entries of four bytes.
                unsafe { start.cast::<u32>().wrapping_add(entry).write_volatile(word as u32) };
            }
        }
    }
}

/// Position of the entry of the first page of `R` among all entries of its space, and how many follow.
const fn place<R: DeclaredRegion>() -> (usize, usize) {
    let (format, steps) = (&<R::Space as Declared>::FORMAT, <R::Space as Declared>::STEPS);
    let entries = (format.table_size() / format.entry_bytes as u64) as usize;
    let span = format.at(1).shift;
    // The last-level tables are numbered in ascending order of what they translate.
    let (mut tables, mut last, mut i) = (0, None, 0);
    let (mut first, mut pages) = (0, 0);
    while i < steps.len() {
        let Step { virt, count, level, region, .. } = steps[i];
        let mine = region as usize == R::INDEX;
        assert!(level == 0 || !mine, "the pages of a window are single pages");
        if level == 0 {
            let (from, to) = (virt >> span, (virt + ((count - 1) << format.page_shift)) >> span);
            let seen = matches!(last, Some(key) if key == from);
            let table = tables - seen as usize;
            if mine && pages == 0 {
                let index = format.index(virt, 0);
                first = (<R::Space as Declared>::SHAPE.first(0) + table) * entries + index;
            }
            if mine {
                pages += count as usize;
            }
            tables = table + (to - from) as usize + 1;
            last = Some(to);
        }
        i += 1;
    }
    (first, pages)
}

/// What leaves of the window `R` say that grant `A` on memory of type `M`.
pub(super) struct Flags<R, A, M>(PhantomData<(R, A, M)>);

impl<R: DeclaredRegion, A: Granted, M: Memory> Flags<R, A, M> {
    /// There is such a word. What is not possible is an error where the caller of a public function stands, if that names
    /// this constant.
    pub(super) const POSSIBLE: () = {
        let _ = Self::WORD;
    };

    /// The word without the address.
    pub(super) const WORD: u64 = {
        let format = &<R::Space as Declared>::FORMAT;
        assert!(holds(R::REGION.access, A::ACCESS), "the window is not declared with these rights");
        assert!(
            can_withhold(format, features(<R::Space as Declared>::MAP), A::ACCESS),
            "the CPU cannot keep code from being executed: only rights that execute can be had"
        );
        let Some(memory) = window_memory(<R::Space as Declared>::MAP, format, R::REGION, M::TYPE) else {
            panic!("the map has memory of several types: say on the window, with `memory`, which its pages go to")
        };
        let asked = Attributes::new(A::ACCESS, memory);
        assert!(
            is_granted(format, features(<R::Space as Declared>::MAP), asked),
            "the `features` of the CPU lack what this type of memory needs"
        );
        match window_flags(<R::Space as Declared>::SPACE, format, R::REGION, A::ACCESS, memory) {
            Some(word) => word,
            None => panic!("no page of this regime can have these rights and this type of memory"),
        }
    };
}

/// What changes of single pages owe in spaces of the kind `K`.
pub(super) struct Owes<K>(PhantomData<K>);

impl<K: Kind> Owes<K> {
    pub(super) const MAP: Duty = in_place(Duties::<K::Regime>::of(Change::Map));
    pub(super) const UNMAP: Duty = Duty { before_make: false, ..Duties::<K::Regime>::of(Change::Unmap) };

    /// Other rights.
    pub(super) const fn protect(old: Access, new: Access) -> Duty {
        in_place(Duties::<K::Regime>::of_rights(old, new))
    }
}

const fn in_place(duty: Duty) -> Duty {
    assert!(!duty.before_make, "this regime changes no page in place: unmap it, flush, and map it again");
    duty
}
