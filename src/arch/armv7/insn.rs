//! The instructions themselves.

/// Whether they exist where this is compiled for.
pub(super) const NATIVE: bool = cfg!(target_arch = "arm");

#[cfg(target_arch = "arm")]
mod native {
    use core::arch::asm;

    use crate::arch::armv7::operation::{A32, Domain, Instruction, Register, Tlb};
    use crate::flush::{Hardware, ThisCpu};

    /// The registers of 32 bits: how to reach them.
    macro_rules! short {
        (read $place:literal) => {{
            let value: u32;
            // SAFETY: reading a system register changes no state that Rust knows of.
            unsafe { asm!(concat!("mrc p15, ", $place), out(reg) value, options(nomem, nostack, preserves_flags)) };
            u64::from(value)
        }};
        (write $place:literal, $value:expr) => {
            // SAFETY: the caller of `execute` vouches for the value. Memory may be translated differently afterwards, so
            // the compiler must not move accesses across: no `nomem`.
            unsafe { asm!(concat!("mcr p15, ", $place), in(reg) $value as u32, options(nostack, preserves_flags)) }
        };
    }

    /// Those of 64 bits.
    macro_rules! long {
        (read $place:literal) => {{
            let (low, high): (u32, u32);
            // SAFETY: reading a system register changes no state that Rust knows of.
            unsafe {
                asm!(concat!("mrrc p15, ", $place), out(reg) low, out(reg) high, options(nomem, nostack, preserves_flags));
            }
            u64::from(high) << 32 | u64::from(low)
        }};
        (write $place:literal, $value:expr) => {
            // SAFETY: as for those of 32 bits.
            unsafe {
                asm!(
                    concat!("mcrr p15, ", $place),
                    in(reg) $value as u32,
                    in(reg) ($value >> 32) as u32,
                    options(nostack, preserves_flags)
                );
            }
        };
    }

    /// One instruction. The compiler must not move memory accesses across, so no `nomem`.
    macro_rules! instruction {
        ($text:literal) => {
            // SAFETY: a barrier changes no contents of memory.
            unsafe { asm!($text, options(nostack, preserves_flags)) }
        };
        ($text:literal, $operand:expr) => {
            // SAFETY: the invalidation of TLBs and branch predictors changes no contents of memory.
            unsafe { asm!(concat!("mcr p15, ", $text), in(reg) $operand, options(nostack, preserves_flags)) }
        };
    }

    /// The current mode and its masks.
    #[inline(always)]
    fn cpsr() -> u64 {
        let value: u32;
        // SAFETY: reading the status register changes nothing.
        unsafe { asm!("mrs {}, cpsr", out(reg) value, options(nomem, nostack, preserves_flags)) };
        u64::from(value)
    }

    #[inline(always)]
    fn invalidate(name: Tlb, domain: Domain, operand: u32) {
        match (name, domain) {
            (Tlb::All, Domain::Local) => instruction!("0, {}, c8, c7, 0", operand),
            (Tlb::All, Domain::Inner) => instruction!("0, {}, c8, c3, 0", operand),
            (Tlb::Mva, Domain::Local) => instruction!("0, {}, c8, c7, 1", operand),
            (Tlb::Mva, Domain::Inner) => instruction!("0, {}, c8, c3, 1", operand),
            (Tlb::Asid, Domain::Local) => instruction!("0, {}, c8, c7, 2", operand),
            (Tlb::Asid, Domain::Inner) => instruction!("0, {}, c8, c3, 2", operand),
            (Tlb::Mvaa, Domain::Local) => instruction!("0, {}, c8, c7, 3", operand),
            (Tlb::Mvaa, Domain::Inner) => instruction!("0, {}, c8, c3, 3", operand),
            (Tlb::AllH, Domain::Local) => instruction!("4, {}, c8, c7, 0", operand),
            (Tlb::AllH, Domain::Inner) => instruction!("4, {}, c8, c3, 0", operand),
            (Tlb::MvaH, Domain::Local) => instruction!("4, {}, c8, c7, 1", operand),
            (Tlb::MvaH, Domain::Inner) => instruction!("4, {}, c8, c3, 1", operand),
            (Tlb::AllNsnh, Domain::Local) => instruction!("4, {}, c8, c7, 4", operand),
            (Tlb::AllNsnh, Domain::Inner) => instruction!("4, {}, c8, c3, 4", operand),
        }
    }

    impl Hardware<A32> for ThisCpu {
        #[inline(always)]
        fn read(&mut self, register: Register) -> u64 {
            match register {
                Register::Cpsr => cpsr(),
                Register::Sctlr => short!(read "0, {}, c1, c0, 0"),
                Register::Ttbcr => short!(read "0, {}, c2, c0, 2"),
                Register::Ttbr0 => long!(read "0, {}, {}, c2"),
                Register::Ttbr1 => long!(read "1, {}, {}, c2"),
                Register::Mair0 => short!(read "0, {}, c10, c2, 0"),
                Register::Mair1 => short!(read "0, {}, c10, c2, 1"),
                Register::Hmair0 => short!(read "4, {}, c10, c2, 0"),
                Register::Hmair1 => short!(read "4, {}, c10, c2, 1"),
                Register::Hsctlr => short!(read "4, {}, c1, c0, 0"),
                Register::Htcr => short!(read "4, {}, c2, c0, 2"),
                Register::Httbr => long!(read "4, {}, {}, c2"),
                Register::Hcr => short!(read "4, {}, c1, c1, 0"),
                Register::Vtcr => short!(read "4, {}, c2, c1, 2"),
                Register::Vttbr => long!(read "6, {}, {}, c2"),
            }
        }

        #[inline(always)]
        unsafe fn execute(&mut self, instruction: Instruction) {
            match instruction {
                Instruction::Write(Register::Cpsr, _) => {} // No sequence writes it.
                Instruction::Write(Register::Sctlr, value) => short!(write "0, {}, c1, c0, 0", value),
                Instruction::Write(Register::Ttbcr, value) => short!(write "0, {}, c2, c0, 2", value),
                Instruction::Write(Register::Ttbr0, value) => long!(write "0, {}, {}, c2", value),
                Instruction::Write(Register::Ttbr1, value) => long!(write "1, {}, {}, c2", value),
                Instruction::Write(Register::Mair0, value) => short!(write "0, {}, c10, c2, 0", value),
                Instruction::Write(Register::Mair1, value) => short!(write "0, {}, c10, c2, 1", value),
                Instruction::Write(Register::Hmair0, value) => short!(write "4, {}, c10, c2, 0", value),
                Instruction::Write(Register::Hmair1, value) => short!(write "4, {}, c10, c2, 1", value),
                Instruction::Write(Register::Hsctlr, value) => short!(write "4, {}, c1, c0, 0", value),
                Instruction::Write(Register::Htcr, value) => short!(write "4, {}, c2, c0, 2", value),
                Instruction::Write(Register::Httbr, value) => long!(write "4, {}, {}, c2", value),
                Instruction::Write(Register::Hcr, value) => short!(write "4, {}, c1, c1, 0", value),
                Instruction::Write(Register::Vtcr, value) => short!(write "4, {}, c2, c1, 2", value),
                Instruction::Write(Register::Vttbr, value) => long!(write "6, {}, {}, c2", value),
                Instruction::Invalidate(name, domain, operand) => invalidate(name, domain, operand),
                Instruction::InvalidateBranches(Domain::Local) => instruction!("0, {}, c7, c5, 6", 0),
                Instruction::InvalidateBranches(Domain::Inner) => instruction!("0, {}, c7, c1, 6", 0),
                Instruction::InvalidateInstructions => instruction!("0, {}, c7, c5, 0", 0),
                Instruction::Dsb(Domain::Local) => instruction!("dsb nsh"),
                Instruction::Dsb(Domain::Inner) => instruction!("dsb ish"),
                Instruction::DsbStores(Domain::Local) => instruction!("dsb nshst"),
                Instruction::DsbStores(Domain::Inner) => instruction!("dsb ishst"),
                Instruction::Isb => instruction!("isb"),
            }
        }
    }
}
