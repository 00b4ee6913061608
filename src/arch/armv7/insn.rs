//! What depends on the machine that the code is compiled for.

/// Whether this is compiled for the A32 or T32 instruction set.
pub(super) const NATIVE: bool = cfg!(target_arch = "arm");
