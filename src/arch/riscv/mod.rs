//! RISC-V: `Sv32` to `Sv57`, and the G-stage formats of the hypervisor extension.
//!
//! `PRIV` is "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture", version 20250508. Cited by
//! chapter: "Supervisor-Level ISA" (with `satp`, `SFENCE.VMA`, Sv32 to Sv57), "Svnapot", "Svpbmt", "Svadu" and
//! "Hypervisor Extension" (`hgatp`, two-stage translation).

mod activate;
mod c9xx;
pub mod entry;
#[cfg(feature = "evidence")]
pub(in crate::arch) mod evidence;
mod extensions;
mod flush;
mod insn;
pub mod install;
mod leaf;
pub mod operation;
pub mod regs;
mod switch;

pub use c9xx::Sv39C9xx;
pub use entry::{Sv32, Sv39, Sv39x4, Sv48, Sv48x4, Sv57};
pub use extensions::Extensions;
pub use install::{InstallOn, install_on};
pub use operation::RiscV;
pub use regs::{Derive, Words, words};
