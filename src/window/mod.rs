//! Windows: pages that are mapped one by one in tables that are there from the start.
//!
//! A region that is declared `window` has all its last-level tables, side by side, and nothing in them. To map one of its
//! pages is one store at a constant base plus index: no walk, no allocation, no failure. Each page has a handle, and what
//! can be done with it is its type:
//!
//! ```text
//!              map                       flush
//!   Unmapped ───────► TlbFlush<Mapped> ────────► Mapped<Rw> ── protect ─► TlbFlush<Mapped<Ro>>
//!      ▲                                            │
//!      └──────────── flush ── TlbFlush<(Unmapped, OwnedFrame)> ◄── unmap
//! ```
//!
//! Every change returns the obligation, and that owns the handle: a page cannot be touched before what mapping it owes is
//! done, and neither the page nor its frame is used again before the flush of its unmapping. Where nothing is owed, the
//! token compiles to nothing.
//!
//! A [`Window`] is a run of pages that are not mapped, at first all of the region. What can be done with one page can be
//! done with a run: that is a loop over neighbouring words.
//!
//! ```
//! use tablature::addr::PhysAddr;
//! use tablature::edit::{Kind, Ro, Rw};
//! use tablature::flush::{OneCore, Recorder};
//! use tablature::page::{Frame, OwnedFrame, Size4K};
//! use tablature::riscv::RiscV;
//! use tablature::space::Of;
//! use tablature::tables::{Identity, Memory, Nothing};
//!
//! tablature::memory_map! {
//!     mod board for riscv::Sv39;
//!     physical { dram : 0x8000_0000, 1 GiB, normal; }
//!     space kernel {
//!         tables at boot;
//!         text (rx)         : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
//!         heap (rw, window) : 0xffff_ffd0_0000_0000, 64 MiB;
//!     }
//! }
//! use board::kernel::{self, heap};
//!
//! enum Kernel {}
//!
//! impl Kind for Kernel {
//!     type Regime = Of<kernel::Space>;
//!     type Memory = Memory<Identity, Nothing>; // it makes no tables
//!     type Hardware = Recorder<RiscV, 16>; // `ThisCpu` on the machine
//!     type Reach = OneCore;
//! }
//! # use tablature::plan::Slot;
//! # kernel::Space::fill(vec![Slot::ABSENT; kernel::Space::WORDS].leak(), 0x8100_0000)?;
//!
//! // After `install`, `heap::window::<Kernel>(&live)` is safe, and gives the window out once.
//! // SAFETY: no core uses the tables.
//! let mut window = unsafe { heap::assume_window::<Kernel>() }.expect("nobody else has it");
//! assert_eq!(window.len(), 16384);
//!
//! let mut cpu = Recorder::new();
//! // SAFETY: nobody else has the frame.
//! let frame = unsafe { OwnedFrame::assume(Frame::<Size4K>::at::<0x8020_0000>()) };
//! let page = window.next_page().expect("there are 16384");
//! let page = page.map(frame, Rw).flush(&mut cpu);
//! assert_eq!(page.page().start().as_u64(), heap::START);
//! let page = page.protect(Ro).flush(&mut cpu);
//! let (page, frame) = page.unmap().flush(&mut cpu);
//! assert_eq!(frame.frame(), Frame::at::<0x8020_0000>());
//! # let _ = page;
//! # Ok::<(), tablature::space::FillError>(())
//! ```
//!
//! # What it takes
//!
//! The tables of the space must be mapped writable where the linker put them, or where they were filled: `install` asks
//! for that as for all that the program touches. Who fills them with the MMU off says with `Space::see_tables_at` where they
//! are once it is on. What the region declares bounds what its pages can be mapped with:
//! rights beyond it do not compile.
//!
//! `map` is for memory, `map_device` for registers. Their type is what the window says, as in `heap (rw, window) : ..., 1 MiB,
//! memory normal_nc`; where it says nothing, `normal` and `device`, or what all memory, or all devices, of the map are. A frame
//! is to be declared with that type: on RISC-V, entries ask for one only where the bus does not have it, as in every region.
//! A type that cannot be had, and one that cannot be told, do not compile.
//!
//! A change is a store, so that what a page was mapped with is in its handle and nowhere else. Hardware that sets accessed
//! and dirty bits finds them set.
//!
//! # What it compiles to
//!
//! `page.map(frame, Rw).flush(&mut ThisCpu)` beside the same with raw pointers, whose numbers are written out, on the
//! registers that hold the page, the frame and their handles. `cargo xtask codegen` compares them; `tests/codegen/listings`
//! has more.
//!
#![doc = include_str!("listings.md")]

mod access;
mod count;
mod facts;
mod handle;

pub use access::Plain;
pub use count::{Count, One, Run};
pub use facts::WindowRegion;
pub use handle::{Device, MapRun, Mapped, MappedRun, Memory, Normal, NotMapped, Owed, Unmapped, Window};

#[doc(hidden)]
pub mod declare;
