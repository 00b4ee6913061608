//! LoongArch with 64-bit registers: the page tables that `LDDIR` and `LDPTE` walk.
//!
//! `LOONG` is the "LoongArch Reference Manual, Volume 1: Basic Architecture", version 1.10, cited by section title.
//!
//! Spaces are edited live, and [`Activate`](crate::edit::Activate) puts other roots and another identifier into the registers
//! of a core that translates already. The refill handler, `PWCL` and `PWCH` are the program's, and so is turning it on: there
//! is no `install`.
//!
//! The roots are `PGDL` (bit 47 of the address clear) and `PGDH` (set); software says in `PWCL` and `PWCH` which index bits
//! each level has, and [`La64`] is the usual choice: four levels of nine bits above pages of 4 KiB.
//!
//! # The refill handler must know absent directories
//!
//! An entry that points to a table has no valid bit: `LDDIR` takes any word whose bit 6 is clear for an address. In these
//! tables an absent entry is zero, so a handler must test what `LDDIR` gives for zero before it goes on, or physical
//! address 0 is walked as a table.

mod activate;
mod entry;
#[cfg(feature = "evidence")]
pub(in crate::arch) mod evidence;
mod flush;
mod insn;
mod leaf;
pub mod operation;

pub use entry::La64;
pub use operation::LoongArch;
