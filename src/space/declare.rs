//! What `memory_map!` expands to for one space: constants, types, and the tables in the image.

use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering};

use crate::format::Format;
use crate::layout::{Extent, Layout};
use crate::map::{Kind, Map, Phys, Space};
use crate::plan::{Base, Shape, Slot, Step, fill, self_map};

use super::{Declared, FillError, TableMemory};

/// The words of the tables of a space.
#[must_use]
pub const fn image<const SLOTS: usize>(
    space: &Space<'_>,
    format: &Format,
    shape: &Shape,
    steps: &[Step],
    base: Base,
) -> [Slot; SLOTS] {
    let mut slots = [Slot::ABSENT; SLOTS];
    write(space, format, shape, steps, base, &mut slots);
    slots
}

pub(crate) const fn write(
    space: &Space<'_>,
    format: &Format,
    shape: &Shape,
    steps: &[Step],
    base: Base,
    slots: &mut [Slot],
) {
    let extra = table_extra(space, format);
    fill(format, shape, steps, base, extra, slots);
    if let Some(slot) = space.self_map_slot
        && !slots.is_empty()
    {
        self_map(format, base, extra, slot, slots);
    }
}

const fn table_extra(space: &Space<'_>, format: &Format) -> u64 {
    match space.tables {
        Some(tables) if tables.preset_ad => format.table_accessed,
        _ => 0,
    }
}

/// Slots of a shape's tables.
#[must_use]
pub const fn slots(format: &Format, shape: &Shape) -> usize {
    shape.tables() * (format.table_size() as usize / size_of::<Slot>())
}

/// Bytes that the first table must be aligned to: the size of the root.
#[must_use]
pub const fn alignment(format: &Format) -> usize {
    format.table_size() as usize * format.root_tables() as usize
}

/// Link address minus physical address of the tables: that of the region they are linked in, 0 if there is none.
#[must_use]
pub const fn link_delta(space: &Space<'_>, extents: &[Extent]) -> i128 {
    let Some(tables) = space.tables else { return 0 };
    let Some(name) = tables.linked_in else { return 0 };
    let at = crate::layout::find_region(space, name) as usize;
    if at < extents.len() && extents[at].has_phys && !extents[at].bad {
        extents[at].virt as i128 - extents[at].phys as i128
    } else {
        0
    }
}

/// Where the tables of a space are declared to lie; 0 if they are not placed.
#[must_use]
pub const fn placed_at(map: &Map<'_>, space: &Space<'_>) -> u64 {
    let phys = match space.tables {
        Some(tables) => tables.phys,
        None => Phys::None,
    };
    match crate::layout::place(map, phys).0 {
        Some(address) => address as u64,
        None => 0,
    }
}

/// The extents of one space.
#[must_use]
pub const fn extents_of<const R: usize>(layout: &Layout<R>, space: usize) -> &[Extent] {
    let (first, end) = (layout.first_of(space), layout.first_of(space + 1));
    layout.extents.split_at(end).0.split_at(first).1
}

/// A linked table address in the image: where the program learns, at any address it runs at, where the linker put the
/// tables.
#[derive(Debug)]
#[repr(transparent)]
pub struct Origin(Slot);

// SAFETY: the slot is never written; it holds a number that the linker fills in.
unsafe impl Sync for Origin {}

impl Origin {
    /// The origin of tables at `base`.
    #[must_use]
    pub const fn new(base: Base, format: &Format) -> Self {
        Self(base.entry(format, 0, 0))
    }

    /// The physical address of the first table.
    #[must_use]
    pub fn physical(&self, format: &Format) -> u64 {
        // Volatile, because a compiler that folds the link into code may compute it relative to the program counter,
        // which is another address while the code runs elsewhere than where it was linked.
        // SAFETY: a reference to initialized memory, read only.
        let slot = unsafe { core::ptr::read_volatile(&self.0) };
        format.address.decode(slot.get())
    }
}

/// Tables in memory of the caller, filled at boot.
#[derive(Debug)]
pub struct Filled {
    /// The physical address in units of 4 KiB, so that 34-bit addresses fit where pointers have 32 bits.
    frame: AtomicUsize,
    start: AtomicPtr<u64>,
    state: AtomicU8,
}

/// Not filled yet.
const EMPTY: u8 = 0;
/// Being filled.
const BUSY: u8 = 1;
/// Filled, and nobody minds if they are filled elsewhere anew.
const FILLED: u8 = 2;
/// Filled, and a window of them was given out.
const KEPT: u8 = 3;

impl Default for Filled {
    fn default() -> Self {
        Self::new()
    }
}

impl Filled {
    /// Not filled yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame: AtomicUsize::new(0), start: AtomicPtr::new(core::ptr::null_mut()), state: AtomicU8::new(EMPTY) }
    }

    /// Fills `memory`, which lies at physical address `physical`, with the tables of `S`.
    ///
    /// # Errors
    /// [`FillError`] if the memory is too small, unaligned, at address 0 or out of range, or if a window of the tables is in
    /// use; nothing was written then.
    pub fn fill<S: Declared>(&self, memory: &'static mut [Slot], physical: u64) -> Result<(), FillError> {
        let needs = slots(&S::FORMAT, &S::SHAPE);
        if memory.len() < needs {
            return Err(FillError::TooSmall { needs, has: memory.len() });
        }
        let alignment = alignment(&S::FORMAT) as u64;
        if physical % alignment != 0 {
            return Err(FillError::Unaligned { address: physical, alignment });
        }
        if physical == 0 {
            return Err(FillError::AtZero);
        }
        let bits = crate::layout::pa_bits(S::MAP);
        if u128::from(physical) + (needs * size_of::<Slot>()) as u128 > 1 << bits {
            return Err(FillError::OutOfRange { address: physical, bits });
        }
        if !self.change(EMPTY, BUSY) && !self.change(FILLED, BUSY) {
            return Err(FillError::InUse);
        }
        memory.fill(Slot::ABSENT);
        write(S::SPACE, &S::FORMAT, &S::SHAPE, S::STEPS, Base::At(physical), memory);
        self.start.store(memory.as_mut_ptr().cast(), Ordering::Relaxed);
        self.frame.store((physical >> 12) as usize, Ordering::Release);
        self.state.store(FILLED, Ordering::Release);
        Ok(())
    }

    /// Makes the tables stay where they are from now on; `false` if they are not filled.
    #[must_use]
    pub fn keep(&self) -> bool {
        self.change(FILLED, KEPT) || self.state.load(Ordering::Acquire) == KEPT
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Makes `start` the place where the program reads and writes them.
    pub fn see_at(&self, start: *mut u64) {
        self.start.store(start, Ordering::Relaxed);
    }

    /// Where the program can write them; null if they are not filled.
    #[must_use]
    #[inline]
    pub fn start(&self) -> *mut u64 {
        self.start.load(Ordering::Relaxed)
    }

    /// Where the tables are.
    #[must_use]
    pub fn memory<S: Declared>(&self) -> TableMemory {
        TableMemory {
            physical: (self.frame.load(Ordering::Acquire) as u64) << 12,
            start: self.start.load(Ordering::Relaxed),
            bytes: slots(&S::FORMAT, &S::SHAPE) * size_of::<Slot>(),
        }
    }
}

/// The last law of a plan: every leaf has an entry. A sound map keeps it, for what has no encoding is a finding; were a
/// rule to miss one, the build stops here and the region is not left out.
///
/// # Panics
/// If a region that is not a window has a step without flags.
pub const fn check_plan(space: &Space<'_>, steps: &[Step]) {
    let mut i = 0;
    while i < steps.len() {
        let kind = space.regions[steps[i].region as usize].kind;
        assert!(
            steps[i].flags != 0 || matches!(kind, Kind::Window),
            "the plan has no entry for a region of this space"
        );
        i += 1;
    }
}

/// Expansion of one space; the input is made by `memory_map!` alone.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare_space {
    (
        crate = [$($krate:tt)*];
        docs = [$($doc:tt)*];
        space = $space:ident;
        index = $index:literal;
        regime = [$($regime:tt)*];
        placement = $placement:ident;
        symbol = $symbol:literal;
        symbol_quarter = $quarter:literal;
        regions = [$({
            docs = [$($region_doc:tt)*];
            name = $region:ident;
            index = $region_index:literal;
            kind = $kind:ident;
            form = $form:ident;
        })*];
    ) => {
        $($doc)*
        #[allow(
            non_camel_case_types,
            non_snake_case,
            long_running_const_eval,
            missing_debug_implementations,
            missing_copy_implementations,
            clippy::all
        )]
        pub mod $space {
            // No region has a name like this one.
            use $crate::__private as __private_;

            /// The space as a type.
            #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
            pub struct Space;

            const DECLARATION: &__private_::Space<'static> = &super::MAP.spaces[$index];
            const FORMAT: __private_::Format = __private_::format_for(super::MAP, DECLARATION, &super::DEMANDS);
            const STEP_COUNT: ::core::primitive::usize = match super::PLANS.shape($index) {
                ::core::option::Option::None if super::SOUND => {
                    __private_::count_steps(super::MAP, super::LAYOUT, $index, &FORMAT)
                }
                _ => 0,
            };
            const STEPS: &[__private_::Step] = match super::PLANS.steps($index) {
                ::core::option::Option::Some(steps) if super::SOUND => steps,
                _ => &__private_::collect_steps::<_, STEP_COUNT>(super::MAP, super::LAYOUT, $index, &FORMAT),
            };
            const _: () = __private_::check_plan(DECLARATION, STEPS);
            const SHAPE: __private_::Shape = match super::PLANS.shape($index) {
                ::core::option::Option::Some(shape) if super::SOUND => shape,
                _ => __private_::Shape::of_steps(STEPS, &FORMAT, super::SOUND && DECLARATION.self_map_slot.is_some()),
            };
            const EXTENTS: &[__private_::Extent] = __private_::extents_of(super::LAYOUT, $index);
            const SLOTS: ::core::primitive::usize = __private_::slots(&FORMAT, &SHAPE);

            /// The exact number of tables, roots included.
            pub const TABLES: ::core::primitive::usize = SHAPE.tables();
            /// The number of regions, guards included.
            pub const REGIONS: ::core::primitive::usize = DECLARATION.regions.len();

            const _: () = {
                #[allow(unused_imports)]
                use super::super::*;
                #[allow(unused_imports)]
                use $crate::__private::regimes::*;

                // SAFETY: layout and plan are computed from the map, and are empty where the map is not sound; the memory is
                // a static with a slot for each entry, or was found large enough when it was filled.
                unsafe impl $crate::space::Declared for self::Space {
                    type Regime = $($regime)*;
                    const MAP: &'static $crate::map::Map<'static> = super::MAP;
                    const INDEX: ::core::primitive::usize = $index;
                    const FORMAT: $crate::format::Format = self::FORMAT;
                    const EXTENTS: &'static [$crate::layout::Extent] = self::EXTENTS;
                    const STEPS: &'static [$crate::plan::Step] = self::STEPS;
                    const SHAPE: $crate::plan::Shape = self::SHAPE;

                    fn memory() -> $crate::space::TableMemory {
                        self::Space::table_memory()
                    }

                    #[inline(always)]
                    fn start() -> *mut ::core::primitive::u64 {
                        self::Space::table_start()
                    }

                    fn claim<const REGION: ::core::primitive::usize>() -> ::core::primitive::bool {
                        // Constants of a generic function: they are evaluated only where it is called.
                        let at = const { __private_::position(super::LAYOUT, $index, REGION) };
                        let rivals = const {
                            &__private_::rivals(super::LAYOUT, __private_::position(super::LAYOUT, $index, REGION))
                        };
                        super::__TAKEN.claim(at, rivals)
                    }
                }
            };

            type Regime = <Space as $crate::space::Declared>::Regime;

            $crate::__declare_tables! { $placement $symbol $quarter }

            $($crate::__declare_region! { $form $kind $region $index $region_index; $($region_doc)* })*
        }
    };
}

/// One region as a type: of its own, which messages name, or by its number where there are very many.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare_region {
    (own $kind:ident $region:ident $index:literal $region_index:literal; $($doc:tt)*) => {
        $($doc)*
        pub struct $region;

        // SAFETY: the macro counted the regions; the other constants are the defaults.
        unsafe impl $crate::space::DeclaredRegion for $region {
            type Space = Space;
            const INDEX: ::core::primitive::usize = $region_index;
        }

        impl $region {
            /// First virtual byte.
            pub const START: ::core::primitive::u64 = EXTENTS[$region_index].virt as ::core::primitive::u64;
            /// Bytes.
            pub const SIZE: ::core::primitive::u64 = EXTENTS[$region_index].size as ::core::primitive::u64;
            /// One past the last virtual byte; 0 for a region that ends at 2^64.
            pub const END: ::core::primitive::u64 = Self::START.wrapping_add(Self::SIZE);
            /// First physical byte; 0 where the region has no physical side.
            pub const PHYS: ::core::primitive::u64 = EXTENTS[$region_index].phys as ::core::primitive::u64;

            /// The registers of this device region; the first call alone gets them, and nobody if another region
            /// of the map with the same registers was taken.
            ///
            /// A region that is not device memory, or is not mapped, does not compile here.
            // Generic, so that it is compiled, and judged, only where it is called.
            #[must_use]
            pub fn take<S: $crate::space::Declared>(
                _live: &$crate::space::Installed<S>,
            ) -> ::core::option::Option<$crate::space::Handle<Self>>
            where
                Self: $crate::space::DeclaredRegion<Space = S>,
            {
                if !S::claim::<$region_index>() {
                    return ::core::option::Option::None;
                }
                // SAFETY: the space is live, and one caller alone claims these bytes.
                ::core::option::Option::Some(unsafe { $crate::space::Handle::new() })
            }
        }

        $crate::__declare_window! { $kind $region $index $region_index }
    };
    (numbered $kind:ident $region:ident $index:literal $region_index:literal; $($doc:tt)*) => {
        $($doc)*
        pub type $region = $crate::space::Numbered<Space, $region_index>;
    };
}

/// The tables of one space in the image, or a place for those that are filled at boot.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare_tables {
    (linked $symbol:literal $quarter:literal) => {
        const DELTA: ::core::primitive::i128 = __private_::link_delta(DECLARATION, EXTENTS);

        $crate::__declare_image! { base_(), ORIGIN.physical(&FORMAT), #[unsafe(export_name = $symbol)] }

        static ORIGIN: __private_::Origin = __private_::Origin::new(base_(), &FORMAT);

        const fn base_() -> __private_::Base {
            unsafe extern "C" {
                #[link_name = $quarter]
                static QUARTER: ::core::primitive::u8;
            }
            let whole = FORMAT.entry_bytes as ::core::primitive::usize >= ::core::mem::size_of::<*const ()>();
            if FORMAT.address.shift_right == 0 && whole {
                __private_::Base::Linked { symbol: (&raw const IN_IMAGE).cast(), delta: DELTA }
            } else if <Regime as $crate::regime::Regime>::NATIVE {
                __private_::Base::Linked { symbol: (&raw const QUARTER).cast(), delta: DELTA }
            } else {
                // No linker script of the target is in force here, or an entry is too narrow for its addresses: the
                // tables as they would be at address 0.
                __private_::Base::At(0)
            }
        }
    };
    (placed $symbol:literal $quarter:literal) => {
        /// The physical address of the first table.
        pub const TABLES_AT: ::core::primitive::u64 = __private_::placed_at(super::MAP, DECLARATION);

        $crate::__declare_image! {
            __private_::Base::At(TABLES_AT), TABLES_AT,
            #[unsafe(export_name = $symbol)]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = concat!(".tablature.", $symbol)))]
        }
    };
    (boot $symbol:literal $quarter:literal) => {
        static FILLED: __private_::Filled = __private_::Filled::new();

        impl Space {
            /// Words that the tables need.
            pub const WORDS: ::core::primitive::usize = SLOTS;
            /// Bytes that the memory for the tables must be aligned to.
            pub const ALIGNMENT: ::core::primitive::usize = __private_::alignment(&FORMAT);

            /// Fills the tables into `memory`, [`WORDS`](Self::WORDS) words or more that lie at physical address
            /// `physical`, a multiple of [`ALIGNMENT`](Self::ALIGNMENT), and remembers them for `install`. The cost is
            /// one store for each word of the memory and each leaf, and 16 KiB of stack.
            ///
            /// # Errors
            /// If the memory is too small, unaligned or out of the CPU's reach; nothing was written then.
            pub fn fill(
                memory: &'static mut [$crate::plan::Slot],
                physical: ::core::primitive::u64,
            ) -> ::core::result::Result<(), $crate::space::FillError> {
                FILLED.fill::<Self>(memory, physical)
            }

            /// Says that the program now sees the tables at `start`, and not where it filled them: as where it filled them
            /// with the MMU off, and runs in the upper half since.
            ///
            /// # Safety
            /// They were filled, and from `start` on lies the same memory, mapped writable for as long as the program runs.
            pub unsafe fn see_tables_at(start: *mut ::core::primitive::u64) {
                FILLED.see_at(start);
            }

            fn table_memory() -> $crate::space::TableMemory {
                FILLED.memory::<Self>()
            }

            #[inline(always)]
            fn table_start() -> *mut ::core::primitive::u64 {
                FILLED.start()
            }

            #[allow(dead_code)]
            fn keep_tables() -> ::core::primitive::bool {
                FILLED.keep()
            }
        }
    };
}

/// The finished tables of one space: what addresses in them refer to, where the first table lies, and how the linker
/// finds them.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare_image {
    ($base:expr, $physical:expr, $(#[$attribute:meta])+) => {
        $(#[$attribute])+
        static IN_IMAGE: __private_::TableSet<
            <Regime as __private_::AlignOf<{ __private_::alignment(&FORMAT) }>>::Type,
            SLOTS,
        > = __private_::TableSet::new(__private_::image(DECLARATION, &FORMAT, &SHAPE, STEPS, $base));

        impl Space {
            /// The tables.
            #[must_use]
            pub fn tables() -> &'static __private_::TableSet<
                <Regime as __private_::AlignOf<{ __private_::alignment(&FORMAT) }>>::Type,
                SLOTS,
            > {
                &IN_IMAGE
            }

            #[inline(always)]
            fn table_start() -> *mut ::core::primitive::u64 {
                IN_IMAGE.start().cast()
            }

            #[allow(dead_code)]
            fn keep_tables() -> ::core::primitive::bool {
                true
            }

            fn table_memory() -> $crate::space::TableMemory {
                let (start, bytes) = (IN_IMAGE.start().cast(), IN_IMAGE.bytes());
                $crate::space::TableMemory { physical: $physical, start, bytes }
            }
        }
    };
}
