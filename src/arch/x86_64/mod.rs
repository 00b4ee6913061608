//! x86-64: paging with four and with five levels, and the extended page tables (EPT) of its guests.
//!
//! `SDM` is the "Intel 64 and IA-32 Architectures Software Developer's Manual", volume 3A, order number 253668-088US
//! (June 2025). Cited by chapter or section title: "Paging" ("4-Level Paging and 5-Level Paging", "Access Rights",
//! "Caching Translation Information"), "Memory Cache Control" ("Page Attribute Table (PAT)"); and of volume 3C, order number
//! 326019-088US, "VMX Support for Address Translation" ("The Extended Page Table Mechanism (EPT)").
//!
//! A declared space is installed, one that is made at run time is activated, and both are edited live. Extended page tables
//! are named by a pointer in a virtual-machine control structure, which is the program's: [`ExtendedPageTables::pointer`]
//! is its value.

pub(crate) mod activate;
pub mod entry;
mod ept;
mod ept_flush;
mod eptp;
#[cfg(feature = "evidence")]
pub(in crate::arch) mod evidence;
mod firmware;
pub(crate) mod flush;
mod insn;
pub mod install;
mod leaf;
pub mod operation;
mod protection;
pub mod regs;
mod switch;

pub use entry::{Level4, Level5};
pub use ept::{Ept4, Ept5};
pub use eptp::ExtendedPageTables;
pub use firmware::PowerOnPat;
pub use operation::X86;
pub use protection::WriteThroughProtection;
pub use regs::{Derive, Words, words};
