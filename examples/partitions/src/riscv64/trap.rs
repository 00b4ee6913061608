//! From a partition to the kernel and back.

use core::arch::naked_asm;

use riscv::register::stvec::{self, Stvec, TrapMode};
use riscv::register::{scause, sepc, stval};

use crate::attempts::{Fault, Kind};
use crate::rtos::{self, Event};

/// The registers of a partition.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Context {
    /// x1 to x31.
    registers: [u64; 31],
    program_counter: u64,
}

/// Positions in `registers`.
const SP: usize = 1;
const A0: usize = 9;
const A1: usize = 10;
const A7: usize = 16;

impl Context {
    /// A program at its first instruction.
    pub(crate) const fn new(entry: u64, stack: u64) -> Self {
        let mut registers = [0; 31];
        registers[SP] = stack;
        Self { registers, program_counter: entry }
    }

    /// Number and arguments of a call.
    pub(crate) const fn arguments(&self) -> [u64; 3] {
        [self.registers[A7], self.registers[A0], self.registers[A1]]
    }

    /// What a call answers.
    pub(crate) const fn answer(&mut self, values: [u64; 2]) {
        [self.registers[A0], self.registers[A1]] = values;
    }

    /// The instruction that is next.
    pub(crate) const fn program_counter(&self) -> u64 {
        self.program_counter
    }
}

/// Directs traps to this module.
pub(super) fn init() {
    let vector = Stvec::new(entry as *const () as usize, TrapMode::Direct);
    // SAFETY: `entry` handles every trap.
    unsafe { stvec::write(vector) };
}

/// Saves all registers in the context that `sscratch` points to while a partition runs, and handles the trap on the
/// kernel's stack. `sscratch` is 0 while the kernel runs, which nothing interrupts.
///
/// # Safety
/// For the hart only, as its trap vector.
#[unsafe(naked)]
unsafe extern "C" fn entry() {
    naked_asm!(
        ".balign 4",
        "csrrw t6, sscratch, t6",
        "beqz t6, {kernel}",
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
        "sd x\\n, (\\n - 1) * 8(t6)",
        ".endr",
        "csrrw t0, sscratch, zero",
        "sd t0, 30 * 8(t6)",
        "csrr t0, sepc",
        "sd t0, 31 * 8(t6)",
        "lla sp, stack_end",
        "mv a0, t6",
        "call {handle}",
        "tail {resume}",
        kernel = sym kernel,
        handle = sym handle,
        resume = sym resume,
    )
}

/// Goes on in U-mode.
///
/// # Safety
/// The context is that of a partition whose space is live.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn resume(context: *mut Context) -> ! {
    naked_asm!(
        "csrw sscratch, a0",
        "ld t0, 31 * 8(a0)",
        "csrw sepc, t0",
        // SPP: to U-mode.
        "li t0, 0x100",
        "csrc sstatus, t0",
        "mv t6, a0",
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
        "ld x\\n, (\\n - 1) * 8(t6)",
        ".endr",
        "ld t6, 30 * 8(t6)",
        "sret",
    )
}

/// Exception codes and the timer (PRIV "Supervisor Cause (scause) Register").
const ILLEGAL: u64 = 2;
const CALL: u64 = 8;
const FETCH_PAGE_FAULT: u64 = 12;
const LOAD_PAGE_FAULT: u64 = 13;
const STORE_PAGE_FAULT: u64 = 15;
const TIMER: u64 = 1 << 63 | 5;

/// # Safety
/// For `entry`.
unsafe extern "C" fn handle(context: &mut Context) -> *mut Context {
    let (cause, address) = (scause::read().bits() as u64, stval::read() as u64);
    let fault = |kind, address| Event::Fault(Fault { kind, address });
    let event = match cause {
        TIMER => Event::Timer,
        CALL => {
            context.program_counter += 4;
            Event::Call
        }
        FETCH_PAGE_FAULT => fault(Kind::Execute, address),
        LOAD_PAGE_FAULT => fault(Kind::Read, address),
        STORE_PAGE_FAULT => fault(Kind::Write, address),
        ILLEGAL => fault(Kind::Refused, 0),
        other => Event::Other(other),
    };
    // SAFETY: the registers are saved in the context that was resumed.
    unsafe { rtos::handle(event) }
}

/// A trap of the kernel itself.
extern "C" fn kernel() -> ! {
    panic!("trap {:#x} of the kernel at {:#x}, address {:#x}", scause::read().bits(), sepc::read(), stval::read())
}
