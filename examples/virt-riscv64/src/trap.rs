//! Faults that are expected, and others.

use core::arch::naked_asm;
use core::sync::atomic::Ordering::Relaxed;

use probe::Fault;
use probe::trial::{LANDING, Try, refuse, tried};
use riscv::register::sstatus::{self, SPP};
use riscv::register::stvec::{self, Stvec, TrapMode};
use riscv::register::{scause, stval};

/// Exception codes (RISC-V Privileged Architecture 20240411, 10.1.8 `scause`).
const FETCH_ACCESS_FAULT: u64 = 1;
/// The first of the codes 4 to 7: loads and stores, misaligned or refused by the bus or by physical memory protection.
const FIRST_DATA: u64 = 4;
const LAST_DATA: u64 = 7;
/// Refused by the tables.
const FETCH_PAGE_FAULT: u64 = 12;
const LOAD_PAGE_FAULT: u64 = 13;
const STORE_PAGE_FAULT: u64 = 15;
/// Refused by the G-stage (PRIV "Hypervisor Extension").
const FETCH_GUEST_PAGE_FAULT: u64 = 20;
const LOAD_GUEST_PAGE_FAULT: u64 = 21;
const STORE_GUEST_PAGE_FAULT: u64 = 23;

/// The fault behind a cause.
pub(crate) fn refusal(cause: u64) -> Fault {
    match cause {
        FETCH_PAGE_FAULT | LOAD_PAGE_FAULT | STORE_PAGE_FAULT => Fault::Page,
        FETCH_GUEST_PAGE_FAULT | LOAD_GUEST_PAGE_FAULT | STORE_GUEST_PAGE_FAULT => Fault::Page,
        other => Fault::Other(other),
    }
}

/// Whether a cause is that of a fetch that was refused.
const fn is_refused_fetch(cause: u64) -> bool {
    matches!(cause, FETCH_ACCESS_FAULT | FETCH_PAGE_FAULT | FETCH_GUEST_PAGE_FAULT)
}

/// Whether a cause is that of a load or store that was refused.
const fn is_refused_access(cause: u64) -> bool {
    matches!(
        cause,
        FIRST_DATA..=LAST_DATA | LOAD_PAGE_FAULT | STORE_PAGE_FAULT | LOAD_GUEST_PAGE_FAULT | STORE_GUEST_PAGE_FAULT
    )
}

/// Directs traps to this module. The address is the one the code runs at.
pub(crate) fn take_over() {
    let vector = Stvec::new(entry as *const () as usize, TrapMode::Direct);
    // SAFETY: `entry` handles every trap.
    unsafe { stvec::write(vector) };
}

/// What a trap may clobber: the caller-saved integer registers.
#[repr(C)]
struct Frame {
    ra: u64,
    t: [u64; 7],
    a: [u64; 8],
    sepc: u64,
    padding: u64,
}

const _: () = assert!(size_of::<Frame>() == 144, "as `entry` lays it out");

/// Saves, handles, restores. `sscratch` holds the kernel's stack while U-mode runs, and 0 otherwise.
///
/// # Safety
/// For the hart only, as its trap vector.
#[unsafe(naked)]
#[unsafe(link_section = ".text.trap")]
unsafe extern "C" fn entry() {
    naked_asm!(
        ".balign 4",
        "csrrw sp, sscratch, sp",
        "bnez sp, 1f",
        "csrr sp, sscratch",
        "1:",
        "addi sp, sp, -144",
        "sd ra, 0(sp)",
        "sd t0, 8(sp)",
        "sd t1, 16(sp)",
        "sd t2, 24(sp)",
        "sd t3, 32(sp)",
        "sd t4, 40(sp)",
        "sd t5, 48(sp)",
        "sd t6, 56(sp)",
        "sd a0, 64(sp)",
        "sd a1, 72(sp)",
        "sd a2, 80(sp)",
        "sd a3, 88(sp)",
        "sd a4, 96(sp)",
        "sd a5, 104(sp)",
        "sd a6, 112(sp)",
        "sd a7, 120(sp)",
        "csrr t0, sepc",
        "sd t0, 128(sp)",
        "csrw sscratch, zero",
        "mv a0, sp",
        "call {handle}",
        "ld t0, 128(sp)",
        "csrw sepc, t0",
        "ld ra, 0(sp)",
        "ld t0, 8(sp)",
        "ld t1, 16(sp)",
        "ld t2, 24(sp)",
        "ld t3, 32(sp)",
        "ld t4, 40(sp)",
        "ld t5, 48(sp)",
        "ld t6, 56(sp)",
        "ld a0, 64(sp)",
        "ld a1, 72(sp)",
        "ld a2, 80(sp)",
        "ld a3, 88(sp)",
        "ld a4, 96(sp)",
        "ld a5, 104(sp)",
        "ld a6, 112(sp)",
        "ld a7, 120(sp)",
        "addi sp, sp, 144",
        "sret",
        handle = sym handle,
    )
}

extern "C" fn handle(frame: &mut Frame) {
    let cause = scause::read().bits() as u64;
    match (tried(), cause) {
        (Try::Data, _) if is_refused_access(cause) => {
            refuse(cause);
            // The loads and stores of the probes are not compressed.
            frame.sepc += 4;
        }
        (Try::Call, _) => {
            // Whatever else than a refused fetch was raised by an instruction that was fetched.
            if is_refused_fetch(cause) {
                refuse(cause);
            }
            frame.sepc = frame.ra;
        }
        (Try::User, _) => {
            // The address that was tried is in a0. A refused fetch elsewhere is one of the address returned to.
            if is_refused_fetch(cause) && frame.sepc == frame.a[0] {
                refuse(cause);
            }
            frame.sepc = LANDING.load(Relaxed);
            // SAFETY: the probe goes on behind its `sret`, in S-mode and on the stack it had.
            unsafe { sstatus::set_spp(SPP::Supervisor) };
            #[cfg(feature = "guest")]
            crate::guest::leave();
        }
        _ => panic!("trap {cause:#x} at {:#x}, address {:#x}", frame.sepc, stval::read()),
    }
}
