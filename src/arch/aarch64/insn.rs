//! The instructions themselves, and the spaces they install.

/// Whether they exist where this is compiled for.
pub(super) const NATIVE: bool = cfg!(target_arch = "aarch64");

#[cfg(target_arch = "aarch64")]
mod native {
    use core::arch::asm;

    use crate::arch::aarch64::Vmsa;
    use crate::arch::aarch64::install::install;
    use crate::arch::aarch64::operation::{A64, Barrier, Domain, Instruction, Register, Tlb};
    use crate::flush::{Hardware, ThisCpu};
    use crate::space::{Declared, Install, Installed, Refusal};

    macro_rules! registers {
        ($($name:ident = $text:literal $access:ident,)*) => {
            #[inline(always)]
            fn read_register(register: Register) -> u64 {
                match register {
                    $(Register::$name => {
                        let value: u64;
                        // SAFETY: reading a system register changes no state that Rust knows of; `install` reads those of
                        // the current Exception level only.
                        unsafe {
                            asm!(concat!("mrs {}, ", $text), out(reg) value, options(nomem, nostack, preserves_flags));
                        }
                        value
                    })*
                }
            }

            /// # Safety
            ///
            /// As for [`Hardware::execute`].
            #[inline(always)]
            unsafe fn write_register(register: Register, value: u64) {
                match register {
                    $(Register::$name => registers!(@$access $text, value),)*
                }
            }
        };
        (@rw $text:literal, $value:ident) => {
            // SAFETY: the caller vouches for the value. Memory may be translated differently afterwards, so the compiler
            // must not move accesses across: no `nomem`.
            unsafe { asm!(concat!("msr ", $text, ", {}"), in(reg) $value, options(nostack, preserves_flags)) }
        };
        (@r $text:literal, $value:ident) => {{
            // A register that cannot be written; the sequence writes none of these.
            let _ = $value;
        }};
    }

    // Names that assemblers for Armv8.0 do not know are spelled by their encoding: TTBR1_EL2, ID_AA64MMFR3_EL1, the
    // registers of permission indirection.
    registers! {
        CurrentEl = "CurrentEL" r,
        CtrEl0 = "CTR_EL0" r,
        IdAa64Mmfr0El1 = "ID_AA64MMFR0_EL1" r,
        IdAa64Mmfr1El1 = "ID_AA64MMFR1_EL1" r,
        IdAa64Mmfr2El1 = "S3_0_C0_C7_2" r,
        IdAa64Mmfr3El1 = "S3_0_C0_C7_3" r,
        IdAa64Pfr1El1 = "ID_AA64PFR1_EL1" r,
        IdAa64Isar0El1 = "ID_AA64ISAR0_EL1" r,
        IdAa64Isar1El1 = "ID_AA64ISAR1_EL1" r,
        MairEl1 = "MAIR_EL1" rw,
        TcrEl1 = "TCR_EL1" rw,
        Ttbr0El1 = "TTBR0_EL1" rw,
        Ttbr1El1 = "TTBR1_EL1" rw,
        SctlrEl1 = "SCTLR_EL1" rw,
        MairEl2 = "MAIR_EL2" rw,
        TcrEl2 = "TCR_EL2" rw,
        Ttbr0El2 = "TTBR0_EL2" rw,
        Ttbr1El2 = "S3_4_C2_C0_1" rw,
        SctlrEl2 = "SCTLR_EL2" rw,
        MairEl3 = "MAIR_EL3" rw,
        TcrEl3 = "TCR_EL3" rw,
        Ttbr0El3 = "TTBR0_EL3" rw,
        SctlrEl3 = "SCTLR_EL3" rw,
        VtcrEl2 = "VTCR_EL2" rw,
        VttbrEl2 = "VTTBR_EL2" rw,
        HcrEl2 = "HCR_EL2" rw,
        PirEl1 = "S3_0_C10_C2_3" rw,
        Pire0El1 = "S3_0_C10_C2_2" rw,
        Tcr2El1 = "S3_0_C2_C0_3" rw,
        PirEl2 = "S3_4_C10_C2_3" rw,
        Pire0El2 = "S3_4_C10_C2_2" rw,
        Tcr2El2 = "S3_4_C2_C0_3" rw,
        PirEl3 = "S3_6_C10_C2_3" rw,
    }

    /// One instruction with an optional operand. The compiler must not move memory accesses across, so no `nomem`.
    macro_rules! instruction {
        ($text:literal) => {
            // SAFETY: barriers and the invalidation of TLBs and instruction caches change no contents of memory.
            unsafe { asm!($text, options(nostack, preserves_flags)) }
        };
        ($text:literal, $operand:expr) => {
            // SAFETY: an invalidation is sound for any operand, and the caller of `execute` vouches for an address.
            unsafe { asm!(concat!($text, ", {}"), in(reg) $operand, options(nostack, preserves_flags)) }
        };
    }

    macro_rules! invalidations {
        (whole { $($name:ident = $local:literal, $inner:literal;)* }
         with_operand { $($at:ident = $at_local:literal, $at_inner:literal;)* }) => {
            #[inline(always)]
            fn invalidate(name: Tlb, domain: Domain, operand: u64) {
                match (name, domain) {
                    $((Tlb::$name, Domain::Local) => instruction!($local),
                    (Tlb::$name, Domain::Inner) => instruction!($inner),)*
                    $((Tlb::$at, Domain::Local) => instruction!($at_local, operand),
                    (Tlb::$at, Domain::Inner) => instruction!($at_inner, operand),)*
                }
            }
        };
    }

    // Those of FEAT_TLBIRANGE, which assemblers for Armv8.0 do not know, are spelled by their encoding.
    invalidations! {
        whole {
            Vmalle1 = "tlbi vmalle1", "tlbi vmalle1is";
            Vmalls12e1 = "tlbi vmalls12e1", "tlbi vmalls12e1is";
            Alle1 = "tlbi alle1", "tlbi alle1is";
            Alle2 = "tlbi alle2", "tlbi alle2is";
            Alle3 = "tlbi alle3", "tlbi alle3is";
        }
        with_operand {
            Aside1 = "tlbi aside1", "tlbi aside1is";
            Vae1 = "tlbi vae1", "tlbi vae1is";
            Vale1 = "tlbi vale1", "tlbi vale1is";
            Vaae1 = "tlbi vaae1", "tlbi vaae1is";
            Vaale1 = "tlbi vaale1", "tlbi vaale1is";
            Vae2 = "tlbi vae2", "tlbi vae2is";
            Vale2 = "tlbi vale2", "tlbi vale2is";
            Vae3 = "tlbi vae3", "tlbi vae3is";
            Vale3 = "tlbi vale3", "tlbi vale3is";
            Ipas2e1 = "tlbi ipas2e1", "tlbi ipas2e1is";
            Ipas2le1 = "tlbi ipas2le1", "tlbi ipas2le1is";
            Rvae1 = "sys #0, c8, c6, #1", "sys #0, c8, c2, #1";
            Rvaae1 = "sys #0, c8, c6, #3", "sys #0, c8, c2, #3";
            Rvale1 = "sys #0, c8, c6, #5", "sys #0, c8, c2, #5";
            Rvaale1 = "sys #0, c8, c6, #7", "sys #0, c8, c2, #7";
            Rvae2 = "sys #4, c8, c6, #1", "sys #4, c8, c2, #1";
            Rvale2 = "sys #4, c8, c6, #5", "sys #4, c8, c2, #5";
            Rvae3 = "sys #6, c8, c6, #1", "sys #6, c8, c2, #1";
            Rvale3 = "sys #6, c8, c6, #5", "sys #6, c8, c2, #5";
            Ripas2e1 = "sys #4, c8, c4, #2", "sys #4, c8, c0, #2";
            Ripas2le1 = "sys #4, c8, c4, #6", "sys #4, c8, c0, #6";
        }
    }

    impl Hardware<A64> for ThisCpu {
        #[inline(always)]
        fn read(&mut self, register: Register) -> u64 {
            read_register(register)
        }

        #[inline(always)]
        unsafe fn execute(&mut self, instruction: Instruction) {
            match instruction {
                // SAFETY: the caller vouches for the value.
                Instruction::Write(register, value) => unsafe { write_register(register, value) },
                Instruction::CleanInvalidate(address) => instruction!("dc civac", address),
                Instruction::InvalidateInstructions => instruction!("ic iallu"),
                Instruction::Invalidate(name, domain, operand) => invalidate(name, domain, operand),
                Instruction::Barrier(Barrier::DsbSystem) => instruction!("dsb sy"),
                Instruction::Barrier(Barrier::Dsb(Domain::Local)) => instruction!("dsb nsh"),
                Instruction::Barrier(Barrier::Dsb(Domain::Inner)) => instruction!("dsb ish"),
                Instruction::Barrier(Barrier::DsbStores(Domain::Local)) => instruction!("dsb nshst"),
                Instruction::Barrier(Barrier::DsbStores(Domain::Inner)) => instruction!("dsb ishst"),
                Instruction::Barrier(Barrier::Isb) => instruction!("isb"),
            }
        }
    }

    impl<R: Vmsa, S: Declared<Regime = R>> Install<S> for R {
        #[inline(always)]
        unsafe fn install() -> Result<Installed<S>, Refusal> {
            // SAFETY: the caller keeps the contract of `space::install`.
            unsafe { install::<S, _>(&mut ThisCpu) }?;
            // SAFETY: the registers of this core now name the tables of `S`.
            Ok(unsafe { Installed::assert() })
        }
    }
}
