//! Memory maps of other systems: as declarations of [`tablature`], and as findings of its rules.
//!
//! * [`system`]: a system of address spaces as data;
//! * [`notation`]: the same as a declaration;
//! * [`twin`]: the same as a value that the rules judge, with the regimes by name in [`formats`];
//! * [`resources`]: what exists on the bus, read off a map.

pub mod formats;
pub mod notation;
pub mod resources;
pub mod system;
pub mod twin;
