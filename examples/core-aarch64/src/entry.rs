//! From the emulator to Rust, and to the upper half.

/// Defines `_start`, entered by the emulator at its physical address with the MMU off: it turns on what the compiler
/// uses, sets the stack that ends at the linker's symbol `stack_end`, and jumps to the function, which never returns.
///
/// `aarch64-rt` does not fit here: its entry zeroes `.bss`, a loop over memory without caches. Whoever loads an ELF image
/// has done that, and finished tables need no loop either.
#[macro_export]
macro_rules! start {
    ($on_reset:path) => {
        /// # Safety
        /// For the loader only, once.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".init")]
        unsafe extern "C" fn _start() -> ! {
            ::core::arch::naked_asm!(
                // The compiler uses the vector registers (CPACR_EL1.FPEN; EL2 and EL3 trap none after reset).
                "mrs x8, cpacr_el1",
                "orr x8, x8, #(3 << 20)",
                "msr cpacr_el1, x8",
                "isb",
                "adrp x8, stack_end",
                "add x8, x8, :lo12:stack_end",
                "mov sp, x8",
                "mov x29, xzr",
                "mov x30, xzr",
                "b {on_reset}",
                on_reset = sym $on_reset,
            )
        }
    };
}

/// Goes on in a function at the same place of the image so many bytes above, and never comes back.
///
/// # Safety
/// Text and stack are mapped there, by a map that is live; nothing on the stack is needed any more.
#[macro_export]
macro_rules! rise {
    ($rise:expr, $main:path) => {
        ::core::arch::asm!(
            "add sp, sp, {rise}",
            "adrp {at}, {main}",
            "add {at}, {at}, :lo12:{main}",
            "add {at}, {at}, {rise}",
            "mov x29, xzr",
            "mov x30, xzr",
            "br {at}",
            rise = in(reg) $rise,
            at = in(reg) 0u64,
            main = sym $main,
            options(noreturn),
        )
    };
}
