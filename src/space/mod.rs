//! A declared space at run time: where its tables are, and the proof that it is live.
//!
//! The module that `memory_map!` makes for a space has the type `Space`, which is [`Declared`], and a type for each
//! region, which is a [`DeclaredRegion`]. [`install`] makes a space live, and gives the proof that unlocks the
//! registers of its device regions: `uart::take(&live)` is `Some` of a [`Handle`] once.
//!
//! Tables `at boot` have to be filled first, into memory that the caller has: `Space::WORDS` words, aligned to
//! `Space::ALIGNMENT` bytes.
//!
//! ```
//! tablature::memory_map! {
//!     mod board for riscv::Sv39;
//!     physical { dram : 0x8000_0000, 1 GiB, normal; }
//!     space kernel {
//!         tables at boot;
//!         text (rx) : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
//!     }
//! }
//! use board::kernel::{self, Space};
//! use tablature::plan::Slot;
//! use tablature::space::Declared;
//! use tablature::walk::walk;
//!
//! // A kernel takes pages that it knows the physical address of.
//! let memory: &'static mut [Slot] = vec![Slot::ABSENT; Space::WORDS].leak();
//! Space::fill(memory, 0x8100_0000)?;
//!
//! let (tables, roots) = (Space::memory(), Space::roots());
//! assert_eq!(roots.lower, Some(0x8100_0000));
//! let read = |address: u64| {
//!     let index = usize::try_from(address.checked_sub(tables.physical)? / 8).ok()?;
//!     // SAFETY: inside the tables, which are initialized, and which nothing changes now.
//!     (index < tables.bytes / 8).then(|| unsafe { tables.start.add(index).read() })
//! };
//! let found = walk(&Space::FORMAT, roots.lower, roots.upper, kernel::text::START + 0x123, read).unwrap();
//! assert_eq!(found.address, 0x8000_0123);
//! # Ok::<(), tablature::space::FillError>(())
//! ```
//!
//! # What installing executes
//!
//! What [`install`] writes, waits for and invalidates, of all that lies on its ways, beside a start by hand. What it looks at
//! before has no counterpart there: the level of the CPU, its features, where the tables are, and what is live already.
//!
#![doc = include_str!("listings.md")]

#[doc(hidden)]
pub mod declare;
#[doc(hidden)]
pub mod device;
mod numbered;
mod of;
#[doc(hidden)]
pub mod switch;

use core::fmt;
use core::marker::PhantomData;

use crate::attr::Features;
use crate::format::Format;
use crate::layout::Extent;
use crate::map::{Map, Placement, Region, Space, Tables};
use crate::plan::{Shape, Step};
use crate::regime::Regime;

pub use device::{Handle, RegisterBlock};
pub use numbered::Numbered;
pub use of::Of;
pub use switch::{Destination, Switch, Switcher, Untagged, enter};

/// A space that `memory_map!` declared: one set of tables, one type.
///
/// Implemented by the expansion of the macro only.
///
/// # Safety
/// The constants are those of one sound map: `EXTENTS`, `STEPS` and `SHAPE` are the layout and the plan of the space
/// `INDEX` of `MAP` in `FORMAT`. `memory` names as many bytes as `SHAPE` has tables, initialized, aligned to a root and
/// there for as long as the program runs; or the physical address 0, where there are none yet. `start` is where `memory`
/// starts.
pub unsafe trait Declared: Sized + 'static {
    /// Its translation regime.
    type Regime: Regime;
    /// The map it belongs to.
    const MAP: &'static Map<'static>;
    /// Its index in the map.
    const INDEX: usize;
    /// The format of its tables, as the map's CPU block shapes it.
    const FORMAT: Format;
    /// Where its regions lie, in the order of declaration.
    const EXTENTS: &'static [Extent];
    /// The plan of its tables.
    const STEPS: &'static [Step];
    /// How many tables there are.
    const SHAPE: Shape;

    /// The declaration of the space.
    const SPACE: &'static Space<'static> = &Self::MAP.spaces[Self::INDEX];

    /// Where the tables are.
    fn memory() -> TableMemory;

    /// Where the program can write them; null where they are not filled yet.
    #[must_use]
    fn start() -> *mut u64 {
        Self::memory().start.cast_mut()
    }

    /// Claims the region with index `REGION`; the first call alone succeeds, and none if another region of the map with
    /// the same registers was claimed.
    #[doc(hidden)]
    #[must_use]
    fn claim<const REGION: usize>() -> bool {
        false
    }

    /// Physical addresses of the roots; they mean nothing before boot-filled tables are filled.
    #[must_use]
    fn roots() -> Roots {
        let base = Self::memory().physical;
        let root = |upper: bool| base + Self::SHAPE.root(upper) as u64 * Self::FORMAT.table_size();
        Roots { lower: Self::SHAPE.lower.then(|| root(false)), upper: Self::SHAPE.upper.then(|| root(true)) }
    }
}

/// A region that `memory_map!` declared.
///
/// # Safety
/// `INDEX` is the region's in `Space`, and `REGION` and `EXTENT` are what follows from it.
pub unsafe trait DeclaredRegion: Sized + 'static {
    /// The space it belongs to.
    type Space: Declared;
    /// Its index in the space.
    const INDEX: usize;
    /// Its declaration.
    const REGION: &'static Region<'static> = &<Self::Space as Declared>::SPACE.regions[Self::INDEX];
    /// Where it lies.
    const EXTENT: Extent = <Self::Space as Declared>::EXTENTS[Self::INDEX];
}

/// Where the tables of a space are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableMemory {
    /// Physical address of the first table as its entries and the linker have it; 0 if they are not filled yet.
    pub physical: u64,
    /// Where the program can read them while its code runs where it was linked, or with the MMU off.
    pub start: *const u64,
    /// Bytes of all tables.
    pub bytes: usize,
}

/// Physical addresses of the root tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Of the lower range; of both where one root serves both.
    pub lower: Option<u64>,
    /// Of the upper range.
    pub upper: Option<u64>,
}

/// Position, among all entries of the tables, of the first one that points to a table, and the number of that table.
const fn first_link<S: Declared>() -> Option<(usize, u64)> {
    let format = &S::FORMAT;
    let mut i = 0;
    while i < S::STEPS.len() {
        let step = &S::STEPS[i];
        if step.level + 1 < format.levels {
            let root = S::SHAPE.root(format.split_roots && format.is_upper(step.virt));
            let entries = (format.table_size() / format.entry_bytes as u64) as usize;
            let index = format.index(step.virt, format.levels - 1);
            return Some((root * entries + index, S::SHAPE.first(format.levels - 2) as u64));
        }
        i += 1;
    }
    None
}

/// Whether the tables of `S` are filled, and hold the addresses they lie at.
///
/// The cost is two loads: the entry that links the first table below the root stands for all of them, because the
/// linker (or the boot loop) writes all or none.
///
/// # Errors
/// [`Refusal::NotFilled`] if boot-filled tables were not filled; [`Refusal::NotRelocated`] if the image was linked
/// position-independent, so that the entries are not what the declaration says.
pub fn check_links<S: Declared>() -> Result<(), Refusal> {
    let memory = S::memory();
    if memory.physical == 0 {
        match S::SPACE.tables {
            Some(Tables { placement: Placement::BootFilled, .. }) => return Err(Refusal::NotFilled),
            Some(Tables { placement: Placement::Placed, .. }) => {}
            // What the linker should have written is still to be written by whoever relocates the image.
            _ => return Err(Refusal::NotRelocated { expected: memory.start.addr() as u64, found: 0 }),
        }
    }
    let Some((entry, table)) = (const { first_link::<S>() }) else { return Ok(()) };
    let expected = memory.physical + table * S::FORMAT.table_size();
    // Two entries of four bytes share a word, the even one in the lower half.
    let (slot, half) = if S::FORMAT.entry_bytes == 8 { (entry, None) } else { (entry / 2, Some(entry % 2 * 32)) };
    // SAFETY: `slot` is the word of an entry of the root, which lies inside the tables; by the contract of `Declared`
    // they are initialized words, and reading one that the MMU may change at the same time is why the read is volatile.
    let word = unsafe { memory.start.wrapping_add(slot).read_volatile() };
    let word = half.map_or(word, |shift| word >> shift & u64::from(u32::MAX));
    let (pointer, field) = const { (S::FORMAT.at(S::FORMAT.levels - 1).table, S::FORMAT.address) };
    if pointer.matches(word) && field.decode(word) == expected {
        Ok(())
    } else {
        Err(Refusal::NotRelocated { expected, found: word })
    }
}

/// Why a space was not installed. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The CPU lacks a feature that the map needs.
    Feature {
        /// The feature.
        feature: Features,
    },
    /// The CPU has fewer output address bits than the map needs.
    OutputBits {
        /// Bits the map needs.
        needs: u32,
        /// Bits the CPU has.
        has: u32,
    },
    /// The CPU has fewer input address bits than the map needs.
    InputBits {
        /// Bits the map needs.
        needs: u32,
        /// Bits the CPU has.
        has: u32,
    },
    /// The CPU has fewer bits in its address-space or virtual-machine identifiers than the space's needs.
    AsidBits {
        /// Bits the identifier needs.
        needs: u32,
        /// Bits the CPU has at most.
        has: u32,
    },
    /// The CPU runs at another privilege level than the regime is for.
    Privilege {
        /// The level the regime is for.
        needs: &'static str,
        /// The level the CPU runs at, as its register names it.
        found: u64,
    },
    /// Another map is live, and this architecture cannot replace it in one step.
    Busy,
    /// The entries do not hold the address the tables lie at: the image was linked position-independent.
    NotRelocated {
        /// The table address that the first link must hold.
        expected: u64,
        /// The word found.
        found: u64,
    },
    /// Boot-filled tables were not filled.
    NotFilled,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature { feature } => write!(f, "the CPU lacks {}, which the map needs", feature.name()),
            Self::OutputBits { needs, has } => {
                write!(f, "the map needs {needs} physical address bits, the CPU has {has}")
            }
            Self::InputBits { needs, has } => {
                write!(f, "the map needs {needs} virtual address bits, the CPU has {has}")
            }
            Self::AsidBits { needs, has } => {
                write!(f, "the address-space identifier needs {needs} bits, the CPU has {has}")
            }
            Self::Privilege { needs, found } => write!(f, "the map is for {needs}, the CPU runs at level {found}"),
            Self::Busy => f.write_str("another map is live; turn the MMU off or switch through a declared transition"),
            Self::NotRelocated { expected, found } => write!(
                f,
                "the first table entry is {found:#x} and does not point to {expected:#x}: the image was linked \
                 position-independent; link it with relocation-model=static, or use tables filled at boot"
            ),
            Self::NotFilled => f.write_str("the tables were not filled yet; call `Space::fill` first"),
        }
    }
}

impl core::error::Error for Refusal {}

/// The space `S` is live on this core. Only a real backend makes one, and it stays on its core.
#[derive(Debug)]
pub struct Installed<S>(PhantomData<(S, *const ())>);

impl<S> Installed<S> {
    /// # Safety
    /// The registers of this core hold the roots of `S` and the words that go with them.
    #[allow(dead_code, reason = "called by the backend of the target, and not every target has one")]
    pub(crate) const unsafe fn assert() -> Self {
        Self(PhantomData)
    }
}

/// How the CPU this is compiled for takes a declared space into its registers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be installed on the architecture this is compiled for",
    label = "the regime of this space belongs to another architecture, or to one without `install`",
    note = "formats build on every host; `install` needs the target of the regime, for example `--target aarch64-unknown-none`",
    note = "without `install`, the tables lie at `Declared::roots`: `Activate::activate` of the regime `Of` the space puts them into the registers where it is there"
)]
pub trait Install<S: Declared>: Regime {
    /// Makes `S` live.
    ///
    /// # Safety
    /// As for [`install`].
    ///
    /// # Errors
    /// As for [`install`].
    unsafe fn install() -> Result<Installed<S>, Refusal>;
}

/// Makes the space `S` live on this core: cache maintenance, registers and barriers as the architecture demands.
///
/// Installing the space that is live already succeeds and changes nothing. The cost is constant but for the cache
/// maintenance over the tables where the architecture needs it.
///
/// # Safety
/// * The code that runs, its stack and the exception vectors are mapped by `S` to where they are now, and whatever else
///   the program touches next: where `S` replaces another space of the program, that includes the registers behind every
///   [`Handle`] taken, and the regions of every [`Installed`] still in use.
/// * The tables can be read now where the linker put them, or where they were filled; nothing else edits them meanwhile.
/// * Boot-filled tables lie at the physical address that was given when they were filled.
/// * Where a region of `S` is a window, the tables are mapped writable where the linker put them, or where they were filled;
///   or the window is asked for after `Space::see_tables_at`.
///   If the [`Kind`](crate::edit::Kind) of its pages says that one core uses the space, no other core does.
///
/// # Errors
/// A [`Refusal`] if the CPU lacks what the map needs; then nothing was changed.
pub unsafe fn install<S: Declared>() -> Result<Installed<S>, Refusal>
where
    S::Regime: Install<S>,
{
    // SAFETY: passed on to the caller word by word.
    unsafe { <S::Regime as Install<S>>::install() }
}

/// Why tables were not filled at boot. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillError {
    /// The memory is too small.
    TooSmall {
        /// Words needed.
        needs: usize,
        /// Words given.
        has: usize,
    },
    /// The physical address is not aligned to the root.
    Unaligned {
        /// The address given.
        address: u64,
        /// The alignment it must have.
        alignment: u64,
    },
    /// The physical address is 0, which stands for tables that were not filled.
    AtZero,
    /// The tables would not lie below the CPU's physical address width.
    OutOfRange {
        /// The address given.
        address: u64,
        /// Physical address bits.
        bits: u32,
    },
    /// They were filled before, and a window of them was given out; or somebody else is filling them.
    InUse,
}

impl fmt::Display for FillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { needs, has } => write!(f, "the tables need {needs} words, the memory has {has}"),
            Self::Unaligned { address, alignment } => {
                write!(f, "the tables at {address:#x} must be aligned to {alignment:#x}")
            }
            Self::AtZero => f.write_str("the tables cannot lie at physical address 0"),
            Self::OutOfRange { address, bits } => {
                write!(f, "the tables at {address:#x} do not lie below 2^{bits}")
            }
            Self::InUse => f.write_str("the tables were filled before, and one of their windows is in use"),
        }
    }
}

impl core::error::Error for FillError {}
