//! Instructions as the halves by hand write them. The test that runs those halves has macros of the same names.

/// Executes an instruction that changes nothing Rust knows of but how memory is translated: so no `nomem`.
macro_rules! execute {
    ($text:literal $(, $value:expr)?) => {
        // SAFETY: barriers and invalidations are sound; registers get what maps the code that runs.
        unsafe { core::arch::asm!($text $(, in(reg) $value)?, options(nostack, preserves_flags)) }
    };
}

/// Reads a register.
macro_rules! read {
    ($text:literal) => {{
        let value: u64;
        // SAFETY: it is read.
        unsafe { core::arch::asm!($text, out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }};
}

/// Reads a register that has a number.
#[cfg(target_arch = "x86_64")]
macro_rules! read_msr {
    ($number:expr) => {{
        let (low, high): (u32, u32);
        // SAFETY: it is read.
        unsafe {
            core::arch::asm!("rdmsr", in("ecx") $number, out("eax") low, out("edx") high,
                options(nomem, nostack, preserves_flags));
        };
        u64::from(low) | u64::from(high) << 32
    }};
}

/// Writes one.
#[cfg(target_arch = "x86_64")]
macro_rules! write_msr {
    ($number:expr, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the caller has a value that the processor has.
        unsafe {
            core::arch::asm!("wrmsr", in("ecx") $number, in("eax") value as u32, in("edx") (value >> 32) as u32,
                options(nostack));
        };
    }};
}

/// Reads the flags: whether interrupts are enabled is among them.
#[cfg(target_arch = "x86_64")]
macro_rules! read_flags {
    () => {{
        let flags: u64;
        // SAFETY: it is read.
        unsafe { core::arch::asm!("pushfq", "pop {}", out(reg) flags) };
        flags
    }};
}
