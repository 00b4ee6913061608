//! ARMv7-A: short descriptors, and the long ones of the Large Physical Address Extension.
//!
//! Section titles are those of the *Arm Architecture Reference Manual, ARMv7-A and ARMv7-R edition*, DDI 0406 issue C.d
//! ("DDI 0406" from here on), B3 "Virtual Memory System Architecture (VMSA)".
//!
//! Spaces are edited live in all of these regimes. Those with long descriptors [`Activate`](crate::edit::Activate) puts into
//! the registers, declared ones, too; for [`Short`] the program writes TTBCR, TTBR0, DACR and CONTEXTIDR itself. There is no
//! `install`.
//!
//! | regime | type | root | identifier | what it is |
//! |---|---|---|---|---|
//! | PL1&0 stage 1 | [`Short`] | `TTBR0`, `TTBCR.{EAE, N}` = {0, 0} | ASID | kernels |
//! | PL1&0 stage 1 | [`Lpae`] | `TTBR0`, `TTBCR.{EAE, T0SZ}` = {1, 0} | ASID | kernels |
//! | Non-secure PL2 stage 1 | [`LpaeHyp`] | `HTTBR` | none | hypervisors |
//! | Non-secure PL1&0 stage 2 | [`LpaeStage2`] | `VTTBR` | VMID | guests |
//!
//! ```
//! use tablature::armv7::{Lpae, LpaeStage2};
//! use tablature::regime::Regime;
//!
//! // Four entries of 1 GiB each are the root of a 32-bit space.
//! assert_eq!((Lpae::FORMAT.levels, Lpae::FORMAT.root_bits()), (3, 2));
//!
//! // 40 bits of guest-physical addresses are three levels with two root tables side by side.
//! let guest = <LpaeStage2>::FORMAT;
//! assert_eq!((guest.levels, guest.root_tables()), (3, 2));
//! ```

mod activate;
#[cfg(feature = "evidence")]
pub(in crate::arch) mod evidence;
mod flush;
mod insn;
mod leaf;
mod lpae;
mod operation;
mod short;

pub use lpae::{Lpae, LpaeHyp, LpaeStage2};
pub use operation::{A32, Domain, Instruction, Register, Tlb};
pub use short::Short;
