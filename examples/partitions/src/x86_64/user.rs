//! What partitions do that Rust has no word for. All of it is inlined into them.

use core::arch::asm;
use core::sync::atomic::{Ordering, compiler_fence};

/// Calls the kernel.
#[inline(always)]
pub(crate) fn call(number: u64, first: u64, second: u64) -> (u64, u64) {
    let (one, other);
    // SAFETY: the kernel changes the two registers alone, and no memory of the caller.
    unsafe {
        asm!("int 0x80", in("rax") number, inlateout("rdi") first => one, inlateout("rsi") second => other);
    }
    (one, other)
}

/// Goes to an address.
#[inline(always)]
pub(crate) fn jump(address: u64) {
    // SAFETY: none; that it faults is what the map promises.
    unsafe { asm!("call {}", in(reg) address, clobber_abi("C")) };
}

/// Earlier stores are seen before later ones, as they always are.
#[inline(always)]
pub(crate) fn order_stores() {
    compiler_fence(Ordering::Release);
}

/// Earlier loads come before later ones, as they always do.
#[inline(always)]
pub(crate) fn order_loads() {
    compiler_fence(Ordering::Acquire);
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
                    $number => unsafe {
                        asm!($($text),+, inout("rax") 0u64 => _, inout("rcx") 0x10u64 => _, inout("rdx") 0x3f8u64 => _)
                    },
                )*
                _ => {}
            }
        }
    };
}

privileged! {
    0: "read CR3" = "mov rax, cr3";
    1: "write CR3" = "mov cr3, rax";
    2: "write CR0" = "mov cr0, rax";
    3: "write CR4" = "mov cr4, rax";
    4: "write DR7" = "mov dr7, rax";
    5: "rdmsr" = "rdmsr";
    6: "wrmsr" = "wrmsr";
    7: "lgdt" = "lgdt [rsp]";
    8: "lidt" = "lidt [rsp]";
    9: "ltr" = "ltr ax";
    10: "invlpg" = "invlpg [rsp]";
    11: "wbinvd" = "wbinvd";
    12: "hlt" = "hlt";
    13: "cli" = "cli";
    14: "in from COM1" = "in al, dx";
    15: "out to COM1" = "out dx, al";
    16: "swapgs" = "swapgs";
    17: "sysretq" = "sysretq";
    18: "the timer's interrupt" = "int 0x20";
    19: "a kernel stack segment" = "mov ss, cx";
}
