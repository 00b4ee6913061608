//! From a partition to the kernel and back.

use core::arch::naked_asm;

use core_x86_64::{USER_CODE, USER_DATA};
use x86_64::registers::control::Cr2;

use super::segments::set_stack;
use crate::attempts::{Fault, Kind};
use crate::rtos::{self, Event};

/// The registers of a partition. What interrupts it pushes them here: the stack of ring 0 ends where its context ends.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct Context {
    /// r15 to r8, rbp, rdi, rsi, rdx, rcx, rbx, rax.
    registers: [u64; 15],
    vector: u64,
    code: u64,
    program_counter: u64,
    code_segment: u64,
    flags: u64,
    stack: u64,
    stack_segment: u64,
}

const _: () =
    assert!(size_of::<Context>() == 176, "as `enter` lays it out; the processor aligns its frame to 16 bytes");

/// Positions in `registers`.
const RDI: usize = 9;
const RSI: usize = 10;
const RAX: usize = 14;

/// RFLAGS: interrupts are on, and a bit that is always set.
const FLAGS: u64 = 1 << 9 | 1 << 1;

impl Context {
    /// A program at its first instruction.
    pub(crate) const fn new(entry: u64, stack: u64) -> Self {
        Self {
            registers: [0; 15],
            vector: 0,
            code: 0,
            program_counter: entry,
            code_segment: USER_CODE as u64,
            flags: FLAGS,
            stack,
            stack_segment: USER_DATA as u64,
        }
    }

    /// Number and arguments of a call.
    pub(crate) const fn arguments(&self) -> [u64; 3] {
        [self.registers[RAX], self.registers[RDI], self.registers[RSI]]
    }

    /// What a call answers.
    pub(crate) const fn answer(&mut self, values: [u64; 2]) {
        [self.registers[RDI], self.registers[RSI]] = values;
    }

    /// The instruction that is next.
    pub(crate) const fn program_counter(&self) -> u64 {
        self.program_counter
    }
}

/// Vector of the timer.
pub(super) const TIMER: u32 = 32;
/// Vector of system calls.
pub(super) const CALL: u32 = 0x80;
/// Vector of interrupts that are none.
pub(super) const SPURIOUS: u32 = 0xff;
/// An entry for each vector from 0 to 32, and for the other two: vector and, where the processor pushes none, an error code
/// of 0.
///
/// # Safety
/// For the processor only.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn entries() {
    naked_asm!(
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32",
        ".balign 16",
        // Vectors with an error code: 8, 10 to 14, 17, 21, 29, 30.
        ".ifeq (0x60227d00 >> \\n) & 1",
        "push 0",
        ".endif",
        "push \\n",
        "jmp {enter}",
        ".endr",
        ".balign 16",
        "push 0",
        "push {call}",
        "jmp {enter}",
        ".balign 16",
        "push 0",
        "push {spurious}",
        "jmp {enter}",
        enter = sym enter,
        call = const CALL,
        spurious = const SPURIOUS,
    )
}

/// Saves all registers in the context that the stack lies in, and handles the trap on the kernel's stack.
///
/// # Safety
/// For the entries only.
#[unsafe(naked)]
unsafe extern "C" fn enter() {
    naked_asm!(
        // The interrupted code segment.
        "test byte ptr [rsp + 24], 3",
        "jz {kernel}",
        "push rax",
        "push rbx",
        "push rcx",
        "push rdx",
        "push rsi",
        "push rdi",
        "push rbp",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "cld",
        "mov rdi, rsp",
        "lea rsp, [rip + stack_end]",
        "xor ebp, ebp",
        "call {handle}",
        "mov rdi, rax",
        "jmp {resume}",
        kernel = sym kernel_trap,
        handle = sym handle,
        resume = sym resume,
    )
}

/// Goes on in ring 3.
///
/// # Safety
/// The context is that of a partition whose space is live.
pub(crate) unsafe fn resume(context: *mut Context) -> ! {
    set_stack(context as u64 + size_of::<Context>() as u64);
    // SAFETY: as for this function.
    unsafe { leave(context) }
}

/// # Safety
/// As for [`resume`].
#[unsafe(naked)]
unsafe extern "C" fn leave(context: *mut Context) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rbp",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop rcx",
        "pop rbx",
        "pop rax",
        // Vector and error code.
        "add rsp, 16",
        "iretq",
    )
}

/// Vectors (SDM volume 3A, "Interrupt and Exception Handling").
const UNDEFINED: u64 = 6;
const STACK_FAULT: u64 = 12;
const PROTECTION: u64 = 13;
const PAGE_FAULT: u64 = 14;
/// Bits of a page fault's error code: a write, in ring 3, a fetch.
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const FETCH: u64 = 1 << 4;

/// # Safety
/// For `enter`.
unsafe extern "C" fn handle(context: &mut Context) -> *mut Context {
    let (vector, code) = (context.vector, context.code);
    let event = match vector {
        _ if vector == TIMER.into() => Event::Timer,
        _ if vector == CALL.into() => Event::Call,
        PAGE_FAULT if code & USER != 0 => {
            let kind = match (code & FETCH != 0, code & WRITE != 0) {
                (true, _) => Kind::Execute,
                (false, true) => Kind::Write,
                (false, false) => Kind::Read,
            };
            Event::Fault(Fault { kind, address: Cr2::read_raw() })
        }
        UNDEFINED | STACK_FAULT | PROTECTION => Event::Fault(Fault { kind: Kind::Refused, address: 0 }),
        _ => Event::Other(vector),
    };
    // SAFETY: the registers are saved in the context that was resumed.
    let next = unsafe { rtos::handle(event) };
    set_stack(next as u64 + size_of::<Context>() as u64);
    next
}

/// A trap of the kernel itself: vector, error code and frame are on its stack.
///
/// # Safety
/// For `enter`.
#[unsafe(naked)]
unsafe extern "C" fn kernel_trap() {
    naked_asm!("pop rdi", "pop rsi", "mov rdx, [rsp]", "and rsp, -16", "call {kernel}", kernel = sym kernel)
}

extern "C" fn kernel(vector: u64, code: u64, at: u64) -> ! {
    panic!("trap {vector} of the kernel, code {code:#x}, at {at:#x}, address {:#x}", Cr2::read_raw())
}
