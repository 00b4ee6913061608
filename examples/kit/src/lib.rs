//! What the firmware of every machine does alike.
//!
//! [`image!`] tells the linker script where the regions of the image lie, and [`Memory`] is the memory of tables that are
//! filled at boot.
#![no_std]

mod image;
mod memory;

pub use image::displacement;
pub use memory::Memory;
