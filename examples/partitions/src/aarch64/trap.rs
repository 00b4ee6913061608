//! From a partition to the kernel and back.

use core::arch::naked_asm;
use core::mem::offset_of;

use aarch64_cpu::registers::{ELR_EL1, ESR_EL1, FAR_EL1, Readable as _, VBAR_EL1, Writeable as _};

use crate::attempts::{Fault, Kind};
use crate::rtos::{self, Event};

/// The registers of a partition.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Context {
    /// x0 to x30.
    registers: [u64; 31],
    stack: u64,
    program_counter: u64,
    /// SPSR_EL1: 0 is EL0, interrupted by anything.
    status: u64,
    vectors: [u128; 32],
}

const STACK: usize = offset_of!(Context, stack);
const STATUS: usize = offset_of!(Context, status);
const VECTORS: usize = offset_of!(Context, vectors);

impl Context {
    /// A program at its first instruction.
    pub(crate) const fn new(entry: u64, stack: u64) -> Self {
        Self { registers: [0; 31], stack, program_counter: entry, status: 0, vectors: [0; 32] }
    }

    /// Number and arguments of a call.
    pub(crate) const fn arguments(&self) -> [u64; 3] {
        [self.registers[8], self.registers[0], self.registers[1]]
    }

    /// What a call answers.
    pub(crate) const fn answer(&mut self, values: [u64; 2]) {
        [self.registers[0], self.registers[1]] = values;
    }

    /// The instruction that is next.
    pub(crate) const fn program_counter(&self) -> u64 {
        self.program_counter
    }
}

/// Directs exceptions to this module.
pub(super) fn init() {
    VBAR_EL1.set(vectors as *const () as u64);
}

/// The vectors (DDI 0487 D1.4): four of this level with SP_EL0, four with its own, four of EL0, four of AArch32.
///
/// # Safety
/// For the core only.
#[unsafe(naked)]
#[unsafe(link_section = ".text.vectors")]
unsafe extern "C" fn vectors() {
    naked_asm!(
        ".balign 2048",
        ".rept 8",
        ".balign 128",
        "b {kernel}",
        ".endr",
        ".balign 128",
        "stp x0, x1, [sp, #-16]!",
        "mov x1, #0",
        "b {enter}",
        ".balign 128",
        "stp x0, x1, [sp, #-16]!",
        "mov x1, #1",
        "b {enter}",
        ".rept 6",
        ".balign 128",
        "b {kernel}",
        ".endr",
        kernel = sym kernel,
        enter = sym enter,
    )
}

/// Saves all registers in the context that TPIDR_EL1 points to, and handles the exception: x1 tells an interrupt, and x0
/// and x1 are on the stack.
///
/// # Safety
/// For the vectors only.
#[unsafe(naked)]
unsafe extern "C" fn enter() {
    naked_asm!(
        "mrs x0, tpidr_el1",
        ".irp n, 2,4,6,8,10,12,14,16,18,20,22,24,26,28",
        "str x\\n, [x0, #8 * \\n]",
        ".endr",
        ".irp n, 3,5,7,9,11,13,15,17,19,21,23,25,27,29,30",
        "str x\\n, [x0, #8 * \\n]",
        ".endr",
        "ldp x2, x3, [sp], #16",
        "stp x2, x3, [x0]",
        "mrs x2, sp_el0",
        "mrs x3, elr_el1",
        "stp x2, x3, [x0, #{stack}]",
        "mrs x2, spsr_el1",
        "str x2, [x0, #{status}]",
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
        "str q\\n, [x0, #{vectors} + 16 * \\n]",
        ".endr",
        "bl {handle}",
        "b {resume}",
        stack = const STACK,
        status = const STATUS,
        vectors = const VECTORS,
        handle = sym handle,
        resume = sym resume,
    )
}

/// Goes on at EL0.
///
/// # Safety
/// The context is that of a partition whose space is live.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn resume(context: *mut Context) -> ! {
    naked_asm!(
        "adrp x1, stack_end",
        "add x1, x1, :lo12:stack_end",
        "mov sp, x1",
        "msr tpidr_el1, x0",
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
        "ldr q\\n, [x0, #{vectors} + 16 * \\n]",
        ".endr",
        "ldr x2, [x0, #{status}]",
        "msr spsr_el1, x2",
        "ldp x2, x3, [x0, #{stack}]",
        "msr sp_el0, x2",
        "msr elr_el1, x3",
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
        "ldr x\\n, [x0, #8 * \\n]",
        ".endr",
        "ldr x0, [x0]",
        "eret",
        stack = const STACK,
        status = const STATUS,
        vectors = const VECTORS,
    )
}

/// Exception classes (DDI 0487 D19.2, ESR_EL1.EC).
const UNKNOWN: u64 = 0x00;
const CALL: u64 = 0x15;
const SYSTEM_REGISTER: u64 = 0x18;
const FETCH: u64 = 0x20;
const ACCESS: u64 = 0x24;
/// ESR_EL1.ISS.WnR.
const WRITE: u64 = 1 << 6;

/// # Safety
/// For `enter`.
unsafe extern "C" fn handle(_: &mut Context, interrupt: u64) -> *mut Context {
    let (syndrome, address) = (ESR_EL1.get(), FAR_EL1.get());
    let fault = |kind, address| Event::Fault(Fault { kind, address });
    let event = match syndrome >> 26 {
        _ if interrupt != 0 => Event::Timer,
        CALL => Event::Call,
        FETCH if is_refused(syndrome) => fault(Kind::Execute, address),
        ACCESS if is_refused(syndrome) => fault(if syndrome & WRITE == 0 { Kind::Read } else { Kind::Write }, address),
        UNKNOWN | SYSTEM_REGISTER => fault(Kind::Refused, 0),
        _ => Event::Other(syndrome),
    };
    // SAFETY: the registers are saved in the context that was resumed.
    unsafe { rtos::handle(event) }
}

/// Whether the tables refused an access: a translation fault or a permission fault (ISS.DFSC, ISS.IFSC).
const fn is_refused(syndrome: u64) -> bool {
    matches!(syndrome & 0x3c, 0x04 | 0x0c)
}

/// An exception of the kernel itself, or one that nobody has switched on.
extern "C" fn kernel() -> ! {
    panic!("exception {:#x} at {:#x}, address {:#x}", ESR_EL1.get(), ELR_EL1.get(), FAR_EL1.get())
}
