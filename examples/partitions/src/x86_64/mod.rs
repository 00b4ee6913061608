//! QEMU's `q35`: the kernel in ring 0 and in the top 2 GiB, partitions in ring 3.

mod boot;
mod segments;
mod timer;
mod trap;
pub(crate) mod user;

pub(crate) use core_x86_64::{Console, exit};
pub(crate) use timer::Timer;
pub(crate) use trap::{Context, resume};
pub(crate) use user::PRIVILEGED;

pub(crate) use example_maps::partitions::x86_64::partitions_x86_64 as system;

use crate::attempts::{Fault, Kind};

/// Registers that only the kernel has.
pub(crate) const DEVICE: (&str, u64) = ("interrupt controller", system::boot::lapic::START);

/// One past the last address of the lower half.
pub(crate) const LOWER_END: u64 = 1 << 47;

/// What an access to `address` raises: a page fault, but a general protection without an address between the halves (SDM
/// volume 1, "Canonical Addressing").
pub(crate) const fn fault_at(kind: Kind, address: u64) -> Fault {
    if address >= LOWER_END && address < 0u64.wrapping_sub(LOWER_END) {
        return Fault { kind: Kind::Refused, address: 0 };
    }
    Fault { kind, address }
}
