//! What the MMU says, by address-translation instructions and by trying.

use core::arch::{asm, naked_asm};

use aarch64_cpu::registers::{PAR_EL1, Readable as _};
use example_maps::aarch64::virt_aarch64::kernel;
use probe::trial::{LANDING, Try, attempt};
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};

/// `ret`.
const RETURN: u32 = 0xd65f_03c0;
/// `udf #0`.
const UNDEFINED: u32 = 0;

/// The core this runs on.
pub(crate) struct Testimony;

impl Machine for Testimony {
    const WALKS: bool = true;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        let virt = spot.virt;
        let answer = match (right, who) {
            (Right::Read, Who::Kernel) => ask_read(virt),
            (Right::Write, Who::Kernel) => ask_write(virt),
            (Right::Read, Who::User) => ask_user_read(virt),
            (Right::Write, Who::User) => ask_user_write(virt),
            // The architecture has no instruction that asks about fetches of EL1 before FEAT_ATS1A; `execute` tries.
            (Right::Execute, Who::Kernel) => return Walk::Silent,
            (Right::Execute, Who::User) => {
                return match attempt(Try::User, refusal, || run_as_user(virt)) {
                    Ok(()) => Walk::Same,
                    Err(_) => Walk::Nowhere,
                };
            }
        };
        if answer & 1 == 0 { Walk::To(answer & 0x000f_ffff_ffff_f000 | virt & 0xfff) } else { Walk::Nowhere }
    }

    fn memory(&mut self, virt: u64) -> Option<u8> {
        let answer = ask_read(virt);
        if answer & 1 == 0 { Some((answer >> 56) as u8) } else { None }
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        attempt(Try::Data, refusal, || width.pick(load_byte, load_word)(virt))
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        attempt(Try::Data, refusal, || width.pick(store_byte, store_word)(virt))
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        attempt(Try::Call, refusal, || call(virt))
    }

    fn is_harmless(&self, word: u32) -> bool {
        word == RETURN || word == UNDEFINED || is_sure_to_fault(word)
    }
}

/// Whether `word` is a load or store that faults when [`call`] calls it: LDR and STR with unsigned offset, whose base is
/// a register that points into a guard (Arm ARM DDI 0487, C4.1.94).
const fn is_sure_to_fault(word: u32) -> bool {
    let is_access = word & 0x3b00_0000 == 0x3900_0000;
    let is_prefetch = word & 0xffc0_0000 == 0xf980_0000;
    let base = word >> 5 & 31;
    is_access && !is_prefetch && base != 16 && base < 29
}

/// The fault behind a syndrome (ESR_EL1.ISS.DFSC and IFSC, Arm ARM DDI 0487).
fn refusal(syndrome: u64) -> Fault {
    match syndrome & 0x3c {
        0x04 => Fault::Unmapped,
        0x0c => Fault::Denied,
        _ => Fault::Other(syndrome),
    }
}

macro_rules! ask {
    ($(#[$doc:meta])* $name:ident, $instruction:literal) => {
        $(#[$doc])*
        fn $name(virt: u64) -> u64 {
            // SAFETY: the instruction reports a fault in PAR_EL1 and raises none.
            unsafe { asm!($instruction, "isb", in(reg) virt, options(nostack, preserves_flags)) };
            PAR_EL1.get()
        }
    };
}

ask!(/// PAR_EL1 for a load of EL1.
    ask_read, "at s1e1r, {}");
ask!(/// PAR_EL1 for a store of EL1.
    ask_write, "at s1e1w, {}");
ask!(/// PAR_EL1 for a load of EL0.
    ask_user_read, "at s1e0r, {}");
ask!(/// PAR_EL1 for a store of EL0.
    ask_user_write, "at s1e0w, {}");

/// Defines a load, and a load with a store of what was loaded (0 where the load is skipped), of one width.
///
/// The handler of a fault keeps what a function keeps, so the instructions clobber what a call does.
macro_rules! accesses {
    ($load:ident: $load_text:literal, $store:ident: $store_text:literal) => {
        fn $load(virt: u64) -> u32 {
            let value: u64;
            // SAFETY: a load has no side effects where the engine asks for one; a fault is caught by the handler.
            unsafe { asm!($load_text, in("x0") virt, lateout("x1") value, clobber_abi("C")) };
            value as u32
        }

        fn $store(virt: u64) {
            // SAFETY: the word keeps its value; faults are caught by the handler.
            unsafe { asm!("mov w1, wzr", $load_text, $store_text, in("x0") virt, clobber_abi("C")) };
        }
    };
}

accesses!(load_byte: "ldrb w1, [x0]", store_byte: "strb w1, [x0]");
accesses!(load_word: "ldr w1, [x0]", store_word: "str w1, [x0]");

/// Calls an address at EL1.
fn call(virt: u64) {
    // SAFETY: what lies there returns at once, or the handler does.
    unsafe { call_from_guard(virt, kernel::moat::START) };
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
fn run_as_user(virt: u64) {
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
            nowhere = in(reg) kernel::null::START,
            el0 = in(reg) 0x3c0u64,
            in("x0") virt,
            out("x1") _,
            out("x30") _,
            clobber_abi("C"),
        );
    }
}
