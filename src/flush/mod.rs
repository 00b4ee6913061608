//! Obligations: what a change of live tables owes before anything it released may be used again.
//!
//! A [`Change`] is what happened to one entry. Each regime has a table of [`DutyRule`]s, which says what that change owes
//! on that architecture with those features: a [`Duty`]. The editor of a live space collects duties into a [`Scope`], and
//! hands it out as a [`TlbFlush`], which owns what the change released and gives it back only for the exact sequence of
//! operations that the architecture asks for.
//!
//! ```
//! use tablature::addr::PhysAddr;
//! use tablature::attr::{Access, MemoryType, Rights};
//! use tablature::edit::{AddressSpace, Halves, Kind};
//! use tablature::flush::{OneCore, Recorder};
//! use tablature::page::{Frame, Page, Size4K};
//! use tablature::table::Attributes;
//! use tablature::tables::{Pool, Table4K, TablePool};
//! use tablature::x86_64::{Level4, X86};
//!
//! enum Kernel {}
//! impl Kind for Kernel {
//!     type Regime = Level4;
//!     type Memory = Pool<Table4K, 8>;
//!     type Hardware = Recorder<X86, 16>; // `ThisCpu` where it is real
//!     type Reach = OneCore;
//! }
//!
//! static POOL: TablePool<Table4K, 8> = TablePool::new();
//! // SAFETY: the tables are used by nobody else, and by no hardware.
//! let memory = unsafe { POOL.at(PhysAddr::new(0x20_0000)) };
//! let page = Page::<Size4K>::at::<0x40_0000>();
//! let data = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
//! let mut space = AddressSpace::<Kernel>::new(memory, Halves::Lower)?;
//! space.map_page(page, Frame::at::<0x80_0000>(), data)?;
//!
//! // SAFETY: a recorder executes nothing.
//! let mut space = unsafe { space.assume_live(Recorder::new()) };
//! // SAFETY: nobody uses the page.
//! let token = unsafe { space.unmap_page(page)? };
//! assert!(space.hardware().ops().is_empty());
//! let (frame, _) = space.flush(token); // before that, nobody has the frame
//! assert_eq!(frame, Frame::at::<0x80_0000>());
//! assert_eq!(space.hardware().ops().len(), 1); // invlpg
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | many tokens | [`TlbFlush::join`], [`Batch`] |
//! |---|---|
//! | other cores that instructions do not reach | [`TlbFlush::shootdown`], [`Mailboxes`] |
//! | identifiers of spaces that are used up | [`Identifiers`] |
//!
//! # What a token compiles to
//!
//! `token.flush(&mut ThisCpu)` of a page that was unmapped, on one core, beside the same by hand.
//!
#![doc = include_str!("listings.md")]

mod addresses;
mod asid;
mod batch;
mod change;
mod cover;
mod hardware;
mod recorder;
mod scope;
mod shootdown;
mod token;
#[cfg(test)]
pub(crate) mod toy;

pub use addresses::Addresses;
pub use asid::{Identifiers, Rolled, Tag};
pub use batch::Batch;
pub use change::{Change, Duty, DutyRule, covers_every_change, duty};
pub use cover::{Cover, Fixed, OnePage, PageRun, Place, Span, Whole};
pub(crate) use hardware::meet;
pub use hardware::{Architecture, EveryCore, Hardware, Maintain, OneCore, Reach, ThisCpu};
pub use recorder::Recorder;
pub use scope::{Extent, Id, Scope};
pub use shootdown::{Interprocessor, Interrupts, Mailboxes, Others};
pub use token::TlbFlush;
