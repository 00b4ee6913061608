//! The virtual timer, and the interrupt controller in between.

use aarch64_cpu::registers::{CNTFRQ_EL0, CNTKCTL_EL1, CNTV_CTL_EL0, CNTV_TVAL_EL0, Readable as _, Writeable as _};
use tablature::space::{Handle, RegisterBlock};
use tock_registers::registers::ReadWrite;

use super::system::boot;

/// GICv2 (IHI 0048B, "Distributor register map"), as far as it is used.
#[repr(C)]
struct Distributor {
    control: ReadWrite<u32>,
    others: [ReadWrite<u32>; 63],
    set_enable: [ReadWrite<u32>; 32],
}

/// GICv2 (IHI 0048B, "CPU interface register map"), as far as it is used.
#[repr(C)]
struct Interface {
    control: ReadWrite<u32>,
    priority_mask: ReadWrite<u32>,
    binary_point: ReadWrite<u32>,
    acknowledge: ReadWrite<u32>,
    end: ReadWrite<u32>,
}

// SAFETY: register cells; every bit pattern is valid.
unsafe impl RegisterBlock for Distributor {}
// SAFETY: as above.
unsafe impl RegisterBlock for Interface {}

/// Interrupt of the virtual timer.
const VIRTUAL_TIMER: u32 = 27;
/// Turns in a second.
const TURNS: u64 = 2_000;

/// The timer of a core.
pub(crate) struct Timer {
    distributor: &'static Distributor,
    interface: &'static Interface,
}

impl Timer {
    pub(super) const fn new(distributor: Handle<boot::gicd>, interface: Handle<boot::gicc>) -> Self {
        Self { distributor: distributor.registers(), interface: interface.registers() }
    }

    /// The first turn begins.
    pub(crate) fn start(&mut self) {
        // Partitions have no access to timers and counters.
        CNTKCTL_EL1.set(0);
        self.distributor.set_enable[0].set(1 << VIRTUAL_TIMER);
        self.distributor.control.set(1);
        self.interface.priority_mask.set(0xff);
        self.interface.control.set(1);
        Self::arm();
    }

    /// The next turn begins.
    pub(crate) fn rearm(&mut self) {
        let number = self.interface.acknowledge.get();
        Self::arm();
        self.interface.end.set(number);
    }

    fn arm() {
        CNTV_TVAL_EL0.set(CNTFRQ_EL0.get() / TURNS);
        CNTV_CTL_EL0.write(CNTV_CTL_EL0::ENABLE::SET + CNTV_CTL_EL0::IMASK::CLEAR);
    }
}
