//! The mappers.

mod aarch64;
mod generic;
mod multiarch;
mod ours;
mod patina;
mod raw;
mod slot;
mod x86;

pub use aarch64::Aarch64Paging;
pub use generic::PageTableGeneric;
pub use multiarch::Multiarch;
pub use ours::Ours;
pub use patina::Patina;
pub use raw::Raw;
pub use slot::{Slot, Window};
pub use x86::X86Crate;
