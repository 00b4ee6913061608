//! What partitions do that Rust has no word for. All of it is inlined into them.

use core::arch::asm;

/// Calls the kernel.
#[inline(always)]
pub(crate) fn call(number: u64, first: u64, second: u64) -> (u64, u64) {
    let (one, other);
    // SAFETY: the kernel changes the two registers alone, and no memory of the caller.
    unsafe {
        asm!("svc #0", in("x8") number, inlateout("x0") first => one, inlateout("x1") second => other, options(nostack));
    }
    (one, other)
}

/// Goes to an address.
#[inline(always)]
pub(crate) fn jump(address: u64) {
    // SAFETY: none; that it faults is what the map promises.
    unsafe { asm!("blr {}", in(reg) address, clobber_abi("C")) };
}

/// Earlier stores are seen before later ones.
#[inline(always)]
pub(crate) fn order_stores() {
    // SAFETY: a barrier.
    unsafe { asm!("dmb ishst", options(nostack, preserves_flags)) };
}

/// Earlier loads come before later ones.
#[inline(always)]
pub(crate) fn order_loads() {
    // SAFETY: a barrier.
    unsafe { asm!("dmb ishld", options(nostack, preserves_flags)) };
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
                    $number => unsafe { asm!($($text),+, out("x2") _) },
                )*
                _ => {}
            }
        }
    };
}

privileged! {
    0: "read TTBR0_EL1" = "mrs x2, ttbr0_el1";
    1: "write TTBR0_EL1" = "msr ttbr0_el1, xzr";
    2: "write TTBR1_EL1" = "msr ttbr1_el1, xzr";
    3: "write SCTLR_EL1" = "msr sctlr_el1, xzr";
    4: "write TCR_EL1" = "msr tcr_el1, xzr";
    5: "write VBAR_EL1" = "msr vbar_el1, xzr";
    6: "write DAIF" = "msr daifset, #2";
    7: "read CNTV_CTL_EL0" = "mrs x2, cntv_ctl_el0";
    8: "write CNTV_CTL_EL0" = "msr cntv_ctl_el0, xzr";
    9: "tlbi vmalle1" = "tlbi vmalle1";
    10: "ic iallu" = "ic iallu";
    11: "at s1e1r" = "at s1e1r, xzr";
    12: "eret" = "eret";
    13: "hvc" = "hvc #0";
    14: "smc" = "smc #0";
}
