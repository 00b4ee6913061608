//! What depends on the machine that the code is compiled for.

/// Whether this is compiled for LoongArch with 64-bit registers.
pub(super) const NATIVE: bool = cfg!(target_arch = "loongarch64");
