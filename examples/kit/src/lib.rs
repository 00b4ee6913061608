//! What the firmware of every machine does alike.
//!
//! [`displacement!`](crate::displacement!) is how far above its physical addresses an image is linked, and [`Memory`] is the
//! memory of tables that are filled at boot.
#![no_std]

mod image;
mod memory;

pub use image::displacement;
pub use memory::Memory;
