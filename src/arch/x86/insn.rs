//! What depends on the machine that the code is compiled for.

/// Whether this is compiled for the 32-bit instruction set.
pub(super) const NATIVE: bool = cfg!(target_arch = "x86");
