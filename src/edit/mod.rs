//! Address spaces at run time: building them offline, and editing them live.
//!
//! A kernel names its [`Kind`] of spaces once: the regime, where tables come from, what executes maintenance, and who may
//! have translations cached. An [`AddressSpace`] that is [`Offline`] is edited without obligations; one that is [`Live`]
//! returns a [`TlbFlush`](crate::flush::TlbFlush) from every edit, which owns what the edit released.
//!
//! ```
//! use tablature::aarch64::{A64, El1, G4K};
//! use tablature::addr::{PhysAddr, VirtAddr};
//! use tablature::attr::{Access, MemoryType, Rights};
//! use tablature::edit::{AddressSpace, Entry, Halves, Kind, Mapping, Ro, Rw};
//! use tablature::flush::{OneCore, Recorder};
//! use tablature::page::{Frame, OwnedFrame, Page, Size2M, Size4K};
//! use tablature::table::Attributes;
//! use tablature::tables::{Pool, Table4K, TablePool};
//!
//! enum Kernel {}
//!
//! impl Kind for Kernel {
//!     type Regime = El1<G4K, 39>;
//!     type Memory = Pool<Table4K, 16>;
//!     type Hardware = Recorder<A64, 64>;
//!     type Reach = OneCore;
//! }
//!
//! static POOL: TablePool<Table4K, 16> = TablePool::new();
//! // SAFETY: nothing else uses the pool; that it lies at 2 GiB is what the tables will say.
//! let memory = unsafe { POOL.at(PhysAddr::new(0x8000_0000)) };
//! let mut space = AddressSpace::<Kernel>::new(memory, Halves::Lower)?;
//! let data = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
//! space.map(&Mapping::identity(PhysAddr::new(0x4000_0000), 6 << 20, data))?;
//!
//! // From here on, hardware may use it: edits owe something, and own what they released until that is done.
//! // SAFETY: no hardware does, here.
//! let mut space = unsafe { space.assume_live(Recorder::new()) };
//! // SAFETY: nobody uses the memory.
//! let token = unsafe { space.unmap_page(Page::<Size2M>::at::<0x4000_0000>()) }?;
//! let (frame, _) = space.flush(token);
//! assert_eq!(frame, Frame::at::<0x4000_0000>());
//!
//! // Entries have types: a frame that is owned goes in, and comes out of the token of its unmapping.
//! let mut cursor = space.cursor(VirtAddr::new(0x1000));
//! // SAFETY: nobody else has the frame.
//! let frame = unsafe { OwnedFrame::assume(Frame::<Size4K>::at::<0x4000_5000>()) };
//! let Entry::Vacant(entry) = cursor.entry::<Size4K>()? else { panic!("nothing is mapped there") };
//! let (page, owed) = entry.map(frame, Rw, MemoryType::NormalWb).map_err(|all| all.error)?;
//! let (page, more) = page.protect(Ro);
//! let (_, last) = page.unmap();
//! let (_, frame) = cursor.flush(owed.join(more).join(last));
//! assert_eq!(frame.frame(), Frame::at::<0x4000_5000>());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Held pages, and whose they are
//!
//! Two processes have spaces of one kind. [`branded`](AddressSpace::branded), each is of a kind of its own: what one owes,
//! maps or releases is of no use to the other. Its pages can be [held](Mapped::hold) then: kept without a cursor, with
//! their frame and rights, and taken up again where they are.
//!
//! ```
//! # use tablature::addr::VirtAddr;
//! # use tablature::attr::MemoryType;
//! # use tablature::edit::{AddressSpace, Entry, Kind, Live, Rw};
//! # use tablature::page::{OwnedFrame, Size4K};
//! # use tablature::riscv::Sv39;
//! # type Error = Box<dyn core::error::Error>;
//! fn stack<K: Kind<Regime = Sv39>>(
//!     process: &mut AddressSpace<K, Live>,
//!     frame: OwnedFrame<Size4K>,
//! ) -> Result<OwnedFrame<Size4K>, Error> {
//!     process.branded_mut(|process| {
//!         let mut cursor = process.cursor(VirtAddr::new(0x1000));
//!         let Entry::Vacant(entry) = cursor.entry::<Size4K>()? else { return Err("it is mapped".into()) };
//!         let (page, owed) = entry.map(frame, Rw, MemoryType::NormalWb).map_err(|all| all.error)?;
//!         let held = page.hold();
//!         cursor.flush(owed);
//!         // The space is free for other edits now.
//!         let mut cursor = process.cursor(VirtAddr::new(0x8000));
//!         let (_, owed) = cursor.take_up(held).map_err(|all| all.error)?.unmap();
//!         Ok(cursor.flush(owed))
//!     })
//! }
//! ```
//!
//! # Where to read on
//!
//! 1. [`Kind`], which a kernel writes once, and memory for [`tables`](crate::tables): a pool in the image, ranges, a heap.
//! 2. [`AddressSpace`]: `map`, `unmap`, `protect`, `query` of ranges; `map_page` and the like for one page.
//! 3. [`flush`](crate::flush): what edits of a live space owe. [`activate`](AddressSpace::activate) makes a space live.
//! 4. [`Cursor`] for many pages side by side, [`Entry`] for pages whose rights are types, [`Held`] for those that are kept,
//!    [`Brand`] for spaces that are types, [`Broken`] for break-before-make by hand.
//! 5. [`read`] for tables of others, [`AddressSpace::share_with`] for a kernel half, and
//!    [`With`](crate::regime::With) for what the CPU can do beyond the least.
//!
//! # All or nothing
//!
//! An operation looks at everything first: the request, what is there, and how many tables it takes. These it reserves,
//! all or none. What follows cannot fail. New tables are filled before anything points to them, and a table that was taken
//! out is in the token until no core can be walking it.
//!
//! # Sizes
//!
//! A range is mapped with the largest leaves that fit, within [`Limits`]. What cuts a leaf or a run in two splits it; in a
//! live space that is done break-before-make where the architecture asks for it, and so is every other change that it asks
//! for. While an entry is broken, its memory is not mapped.
//!
//! The same holds between operations: a space remembers where something became absent until it flushes that itself
//! ([`AddressSpace::flush`], [`Cursor::flush`]), and flushes it first where something is mapped there before. It remembers
//! where a large leaf took the place of smaller ones that may still be cached, too: until it flushes that, what changes
//! there owes them as well.
//!
//! # What the cursor compiles to
//!
//! Mapping the next page of a space that is offline, where the table is the last one, beside a mapper by hand that remembers
//! its last table, too.
//!
#![doc = include_str!("listings.md")]
//!
//! # What ranges execute
//!
//! Instructions for ranges of 512 pages, and of as many more, in a space that is offline: all that is executed from call to
//! return, finding out first whether the whole can be done. Beside it a mapper by hand that stops in the middle.
//! `cargo xtask codegen` counts them one by one on emulated CPUs.
//!
#![doc = include_str!("ranges.md")]

mod active;
mod brand;
mod broken;
mod change;
mod cursor;
mod entry;
mod error;
mod held;
mod kind;
mod leaves;
mod ledger;
mod levels;
mod live;
mod map;
mod node;
mod offline;
mod open;
mod page;
mod pages;
mod protect;
mod range;
pub mod read;
mod reading;
mod ready;
mod request;
mod resize;
mod rights;
mod scatter;
mod share;
mod sight;
mod space;
mod sweep;
mod tree;
mod unmap;
mod unseen;

pub use active::{Activate, Active, ActiveError};
pub use brand::{Brand, OneSpace};
pub use broken::{Broken, Cleared};
pub use cursor::Cursor;
pub use entry::{AtCursor, Entry, EntryError, EntryPlace, Mapped, NotMapped, PagePlace, Unmapped};
pub use error::{BadPhys, MapError, Offender, PromoteError, ProtectError, RemapError, SplitError, UnmapError};
pub use held::{Held, NotTaken, TakeUpError};
pub use kind::{Kind, Live, Offline, State};
#[cfg(test)]
pub(crate) use leaves::leaf_of;
pub(crate) use leaves::{can_withhold, is_granted};
pub(crate) use ledger::{Duties, holds};
pub use open::{NotActivated, OpenActiveError};
pub use protect::Protect;
pub use range::RangeError;
pub use read::Reader;
pub use request::{Existing, Limits, Mapping, Reclaim};
pub use rights::{AnyRights, CanRead, CanWrite, Granted, Ro, Rw, Rwx, Rx, User};
pub use share::{PinError, Returned, ShareError, StillShared};
pub use space::{AddressSpace, Halves, NewError, OpenError, Roots};
