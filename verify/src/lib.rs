//! An independent checker of page tables: it reads the final image (or a memory dump), walks what it finds there with a
//! decoder of its own, and compares it with the evidence of a declared memory map.
//!
//! In the order in which they build on each other:
//!
//! * [`number`], [`rights`]: vocabulary;
//! * [`elf`], [`memory`]: an image, and the physical memory that it and dumps make;
//! * [`scheme`], [`decode`]: what tables there are, and what a word in one means, from the architectures' manuals;
//! * [`walk`]: all that a root reaches, as maximal runs of equal leaves;
//! * [`evidence`]: the document;
//! * [`source`]: which tables of a file to look at;
//! * [`check`], [`show`], [`diff`], [`report`]: the commands, and `import` of the feature of that name.
//!
//! # Invariants
//! Input is never trusted: an image, a dump, a document may hold anything, and what comes of it is an error or a finding.
//! A walk ends: it is no deeper than its format has levels, never enters a table below itself, and reads a bounded number
//! of entries.

pub mod check;
pub mod cli;
pub mod decode;
pub mod diff;
pub mod elf;
pub mod evidence;
#[cfg(feature = "import")]
pub mod import;
pub mod memory;
pub mod number;
pub mod report;
pub mod rights;
pub mod scheme;
pub mod show;
pub mod source;
pub mod walk;
