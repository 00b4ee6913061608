//! QEMU's RISC-V `virt`: S-mode under OpenSBI, partitions in U-mode.

mod boot;
mod trap;
pub(crate) mod user;

pub(crate) use core_riscv64::Console;
pub(crate) use trap::{Context, resume};
pub(crate) use user::PRIVILEGED;

pub(crate) use example_maps::partitions::riscv64::partitions_riscv64 as system;

use crate::attempts::{Fault, Kind};

/// Registers that only the kernel has.
pub(crate) const DEVICE: (&str, u64) = ("console registers", system::boot::uart0::START);

/// One past the last address of the lower half.
pub(crate) const LOWER_END: u64 = 1 << 38;

/// What an access to `address` raises: a page fault, also between the halves (PRIV "Sv39: Addressing and Memory Protection").
pub(crate) const fn fault_at(kind: Kind, address: u64) -> Fault {
    Fault { kind, address }
}

/// Ends the emulation with that status.
pub(crate) fn exit(status: u32) -> ! {
    core_riscv64::exit(system::boot::test::START, status)
}

/// Ticks of the 10 MHz timer in a turn.
const TURN: u64 = 5_000;

/// The timer of the supervisor, by SBI.
#[derive(Debug)]
pub(crate) struct Timer;

impl Timer {
    /// The first turn begins.
    pub(crate) fn start(&mut self) {
        self.rearm();
        // SAFETY: the trap handler is in place, and U-mode is interrupted whatever SIE says.
        unsafe { riscv::register::sie::set_stimer() };
    }

    /// The next turn begins.
    pub(crate) fn rearm(&mut self) {
        // Setting it anew takes the pending interrupt back; OpenSBI has the timer.
        let _ = sbi_rt::set_timer(riscv::register::time::read64() + TURN);
    }
}
