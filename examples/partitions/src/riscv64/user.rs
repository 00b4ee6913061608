//! What partitions do that Rust has no word for. All of it is inlined into them.

use core::arch::asm;

/// Calls the kernel.
#[inline(always)]
pub(crate) fn call(number: u64, first: u64, second: u64) -> (u64, u64) {
    let (one, other);
    // SAFETY: the kernel changes the two registers alone, and no memory of the caller.
    unsafe {
        asm!("ecall", in("a7") number, inlateout("a0") first => one, inlateout("a1") second => other, options(nostack));
    }
    (one, other)
}

/// Goes to an address.
#[inline(always)]
pub(crate) fn jump(address: u64) {
    // SAFETY: none; that it faults is what the map promises.
    unsafe { asm!("jalr ra, 0({})", in(reg) address, clobber_abi("C")) };
}

/// Earlier stores are seen before later ones.
#[inline(always)]
pub(crate) fn order_stores() {
    // SAFETY: a fence.
    unsafe { asm!("fence w, w", options(nostack, preserves_flags)) };
}

/// Earlier loads come before later ones.
#[inline(always)]
pub(crate) fn order_loads() {
    // SAFETY: a fence.
    unsafe { asm!("fence r, r", options(nostack, preserves_flags)) };
}

macro_rules! privileged {
    ($($number:literal: $name:literal = $($text:literal),+;)*) => {
        /// The privileged instructions that are tried.
        pub(crate) const PRIVILEGED: &[&str] = &[$($name),*];

        /// Executes one of them.
        #[inline(always)]
        pub(crate) fn privileged(number: u64) {
            match number {
                $(
                    // SAFETY: none; that it faults is what the CPU promises.
                    $number => unsafe { asm!($($text),+, out("t0") _) },
                )*
                _ => {}
            }
        }
    };
}

privileged! {
    0: "read satp" = "csrr t0, satp";
    1: "write satp" = "csrw satp, zero";
    2: "write sstatus" = "csrw sstatus, zero";
    3: "write stvec" = "csrw stvec, zero";
    4: "write sscratch" = "csrw sscratch, zero";
    5: "write sie" = "csrw sie, zero";
    6: "write sepc" = "csrw sepc, zero";
    7: "sfence.vma" = "sfence.vma";
    8: "sret" = "sret";
    9: "mret" = "mret";
    10: "read mstatus" = "csrr t0, mstatus";
}
