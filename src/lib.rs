//! Page tables, written down once and proven by rustc.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod attr;
pub mod format;
pub mod layout;
pub mod map;
pub mod regime;
pub mod size;
pub mod text;

mod arch;
pub use arch::{aarch64, riscv, x86_64};

#[doc(hidden)]
pub mod __private;
pub mod plan;
pub mod space;
