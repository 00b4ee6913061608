#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(test, feature = "std"))]
extern crate std;

// 0: vocabulary
pub mod addr;
pub mod attr;
pub mod size;
pub mod text;

// 1: the contract, and the declaration as data
pub mod format;
pub mod layout;
pub mod map;
pub mod page;
pub mod regime;

// 2: architectures
mod arch;
pub use arch::{aarch64, armv7, loongarch64, riscv, x86, x86_64};

// 3: structures
pub mod table;
pub mod walk;

// 4: the rules, for declarations and for maps known at run time alone
pub mod rule;

// 5: the planner of static tables
pub mod plan;

// 6: run time: a declared space made live; spaces that are built, edited and read; what edits owe; memory for
// tables; windows
pub mod space;
pub use space::install;

pub mod edit;
pub mod flush;
pub mod tables;
pub mod window;

// 7: what a map proves, as data, and what follows from it, for build scripts
#[cfg(feature = "evidence")]
pub mod evidence;

#[cfg(any(test, feature = "std"))]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub mod link;

#[doc(hidden)]
pub mod __private;

#[doc = include_str!("notation.md")]
#[macro_export]
macro_rules! memory_map {
    ($($notation:tt)*) => {
        $crate::__private::memory_map! { ($crate) $($notation)* }
    };
}

/// A map as data that nobody judges: a module with the constant `MAP`. For tests of the rules.
#[doc(hidden)]
#[macro_export]
macro_rules! __map_as_data {
    ($($notation:tt)*) => {
        $crate::__private::memory_map! { ($crate) data $($notation)* }
    };
}
