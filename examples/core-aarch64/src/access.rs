//! Loads, stores and calls that may fault.

use core::arch::{asm, naked_asm};

use probe::trial::LANDING;

/// Defines a load, and a load with a store of what was loaded (0 where the load is skipped), of one width.
///
/// The handler of a fault keeps what a function keeps, so the instructions clobber what a call does.
macro_rules! accesses {
    ($load:ident: $load_text:literal, $store:ident: $store_text:literal) => {
        pub(crate) fn $load(virt: u64) -> u32 {
            let value: u64;
            // SAFETY: a load has no side effects where the engine asks for one; a fault is caught by the handler.
            unsafe { asm!($load_text, in("x0") virt, lateout("x1") value, clobber_abi("C")) };
            value as u32
        }

        pub(crate) fn $store(virt: u64) {
            // SAFETY: the word keeps its value; faults are caught by the handler.
            unsafe { asm!("mov w1, wzr", $load_text, $store_text, in("x0") virt, clobber_abi("C")) };
        }
    };
}

accesses!(load_byte: "ldrb w1, [x0]", store_byte: "strb w1, [x0]");
accesses!(load_word: "ldr w1, [x0]", store_word: "str w1, [x0]");

/// Calls an address.
pub(crate) fn call(virt: u64, guard: u64) {
    // SAFETY: what lies there returns at once, or the handler does.
    unsafe { call_from_guard(virt, guard) };
}

/// Calls the address in x0, with the address in x1 in every register but x16 and those of the calling convention.
///
/// # Safety
/// What lies there does no harm under these conditions.
#[unsafe(naked)]
unsafe extern "C" fn call_from_guard(virt: u64, guard: u64) {
    naked_asm!(
        "stp x29, x30, [sp, #-96]!",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "mov x16, x0",
        ".irp n, 0,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17,18,19,20,21,22,23,24,25,26,27,28",
        "mov x\\n, x1",
        ".endr",
        "blr x16",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp x29, x30, [sp], #96",
        "ret",
    )
}

/// Calls an address at EL0, with a return address where nothing is mapped.
///
/// At EL2 with HCR_EL2.E2H set, the names of EL1 mean the registers of EL2.
pub(crate) fn run_as_user(virt: u64, nowhere: u64) {
    // SAFETY: what lies there cannot do more than EL0 may; the exception that ends it comes back behind the `eret`, with
    // the registers that a function keeps.
    unsafe {
        asm!(
            "adr x1, 2f",
            "str x1, [{landing}]",
            "mov x30, {nowhere}",
            "msr elr_el1, x0",
            "msr spsr_el1, {el0}",
            "eret",
            "2:",
            landing = in(reg) LANDING.as_ptr(),
            nowhere = in(reg) nowhere,
            el0 = in(reg) 0x3c0u64,
            in("x0") virt,
            out("x1") _,
            out("x30") _,
            clobber_abi("C"),
        );
    }
}
