//! Lets the hardware testify for every region of a declared map.
//!
//! [`run`] walks over the regions of one space of a [`Map`], which is the declaration and not the tables, and asks a
//! [`Machine`] at the first and last word of every sampled leaf: where does this address go, may it be read, written,
//! executed, and by whom. Guards, and the pages just outside each region, must not be mapped at all. One line is
//! written per region, and the [`Report`] ends the list.
//!
//! Nothing that is probed is destroyed: writes put back what they read, and execution is tried at an instruction that
//! returns or traps at once.
#![cfg_attr(not(test), no_std)]

mod declared;
mod engine;
mod leaves;
mod machine;
mod report;
pub mod trial;
pub mod window;

pub use declared::{Declared, Expected};
pub use engine::{run, testify};
pub use machine::{Fault, Machine, Right, Spot, Walk, Who, Width};
pub use report::Report;

/// A device register that may be read without side effects.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// The region it lies in.
    pub region: &'static str,
    /// Bytes into the region.
    pub offset: u64,
    /// How wide it is accessed.
    pub width: Width,
    /// Two values it can hold and be left with for an instant; `None` where it must not be written.
    pub marks: Option<[u32; 2]>,
}

#[cfg(doc)]
use tablature::map::Map;

#[cfg(test)]
mod tests;
