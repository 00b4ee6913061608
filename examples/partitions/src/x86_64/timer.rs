//! The timer of the local APIC (SDM volume 3A, "Advanced Programmable Interrupt Controller (APIC)").

use tablature::space::{Handle, RegisterBlock};
use tock_registers::interfaces::Writeable as _;
use tock_registers::registers::ReadWrite;
use x86_64::instructions::port::PortWriteOnly;

use super::system::control;
use super::trap::{SPURIOUS, TIMER};

/// The registers, 16 bytes apart.
#[repr(C)]
struct Apic([Cell; 64]);

#[repr(C, align(16))]
struct Cell(ReadWrite<u32>);

// SAFETY: register cells; every bit pattern is valid.
unsafe impl RegisterBlock for Apic {}

const END_OF_INTERRUPT: usize = 0xb;
const SPURIOUS_VECTOR: usize = 0xf;
const TIMER_ENTRY: usize = 0x32;
const INITIAL_COUNT: usize = 0x38;
const DIVIDE: usize = 0x3e;

/// Of the spurious-vector register: the APIC is on.
const ENABLED: u32 = 1 << 8;
/// Divides by one.
const BY_ONE: u32 = 0xb;
/// A turn, by QEMU's clock of 1 GHz.
const TURN: u32 = 500_000;

/// The timer of a processor.
pub(crate) struct Timer(&'static Apic);

impl Timer {
    pub(super) const fn new(apic: Handle<control::lapic>) -> Self {
        Self(apic.registers())
    }

    fn set(&self, register: usize, value: u32) {
        self.0.0[register].0.set(value);
    }

    /// The first turn begins.
    pub(crate) fn start(&mut self) {
        for port in [0x21, 0xa1] {
            // SAFETY: it masks the interrupts of one of the two old controllers.
            unsafe { PortWriteOnly::<u8>::new(port).write(0xff) };
        }
        self.set(SPURIOUS_VECTOR, ENABLED | SPURIOUS);
        self.set(DIVIDE, BY_ONE);
        self.set(TIMER_ENTRY, TIMER);
        self.set(INITIAL_COUNT, TURN);
    }

    /// The next turn begins.
    pub(crate) fn rearm(&mut self) {
        self.set(INITIAL_COUNT, TURN);
        self.set(END_OF_INTERRUPT, 0);
    }
}
