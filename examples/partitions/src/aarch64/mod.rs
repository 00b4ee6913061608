//! QEMU's AArch64 `virt`: the kernel at EL1 under TTBR1, partitions at EL0 under TTBR0.

mod boot;
mod timer;
mod trap;
pub(crate) mod user;

pub(crate) use core_aarch64::{Console, exit};
pub(crate) use timer::Timer;
pub(crate) use trap::{Context, resume};
pub(crate) use user::PRIVILEGED;

pub(crate) use example_maps::partitions::aarch64::partitions_aarch64 as system;

use crate::attempts::{Fault, Kind};

/// Registers that only the kernel has.
pub(crate) const DEVICE: (&str, u64) = ("console registers", system::boot::uart0::START);

/// One past the last address of the lower half.
pub(crate) const LOWER_END: u64 = 1 << 39;

/// What an access to `address` raises: an abort, also between the halves (DDI 0487 D8, translation fault of level 0).
pub(crate) const fn fault_at(kind: Kind, address: u64) -> Fault {
    Fault { kind, address }
}
