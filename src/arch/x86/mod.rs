//! x86 with 32-bit linear addresses: 32-bit paging and PAE paging.
//!
//! `SDM` is that of [`x86_64`](crate::x86_64), with "Paging", "32-Bit Paging" and "PAE Paging".
//!
//! Spaces are edited live, and [`Activate`](crate::edit::Activate) puts them into the registers and turns paging on, those of
//! a declaration, too: `install` is for the architectures of 64 bits. What PAT holds has to be what the format says before.
//!
//! | regime | type | `CR4.PAE` | levels | entries | what it lacks |
//! |---|---|---|---|---|---|
//! | 32-bit paging | [`Legacy32`] | 0 | 2 | 4 bytes | execute-disable; addresses above 4 GiB |
//! | PAE paging | [`Pae`] | 1 | 3, the root of four entries | 8 bytes | 1 GiB pages |

mod activate;
#[cfg(feature = "evidence")]
pub(in crate::arch) mod evidence;
mod flush;
mod insn;
mod leaf;
mod legacy;
mod pae;

pub use legacy::Legacy32;
pub use pae::Pae;
