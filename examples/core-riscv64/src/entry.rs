//! From OpenSBI to Rust, and to the upper half.

/// Defines `_start`, entered by OpenSBI at its physical address, in S-mode, without translation: it sets the stack that ends
/// at the linker's symbol `stack_end`, and jumps to the function, which never returns and finds what OpenSBI passes.
///
/// `riscv-rt` does not fit here: its first instructions jump to the link address of the rest, which is not mapped yet, and
/// it zeroes `.bss` in a loop, which the loader of the ELF image has done.
#[macro_export]
macro_rules! start {
    ($on_reset:path) => {
        /// # Safety
        /// For OpenSBI only, once.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".init")]
        unsafe extern "C" fn _start() -> ! {
            ::core::arch::naked_asm!(
                "csrw sie, zero",
                "csrw sscratch, zero",
                "lla sp, stack_end",
                "mv s0, zero",
                "tail {on_reset}",
                on_reset = sym $on_reset,
            )
        }
    };
}

/// Goes on in a function with one argument, at the same place of the image so many bytes above, and never comes back.
///
/// # Safety
/// Text and stack are mapped there, by a map that is live; nothing on the stack is needed any more.
#[macro_export]
macro_rules! rise {
    ($rise:expr, $main:path, $argument:expr) => {
        ::core::arch::asm!(
            "add sp, sp, {rise}",
            "lla t0, {main}",
            "add t0, t0, {rise}",
            "mv s0, zero",
            "mv ra, zero",
            "jr t0",
            rise = in(reg) $rise,
            main = sym $main,
            in("a0") $argument,
            options(noreturn),
        )
    };
}
