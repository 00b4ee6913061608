//! The instructions: this processor as a [`Cpu`](super::install::Cpu).

/// Whether they exist where this is compiled for.
pub(super) const NATIVE: bool = cfg!(target_arch = "x86_64");

#[cfg(target_arch = "x86_64")]
mod native {
    use core::arch::asm;
    use core::arch::x86_64::__cpuid_count;

    use ::x86_64::PhysAddr;
    use ::x86_64::instructions::interrupts;
    use ::x86_64::instructions::segmentation::{CS, Segment};
    use ::x86_64::registers::control::{Cr0, Cr3, Cr4};
    use ::x86_64::registers::model_specific::Msr;
    use ::x86_64::structures::paging::PhysFrame;

    use crate::flush::{Hardware, ThisCpu};
    use crate::space::{Declared, Install, Installed, Refusal, check_links};

    use super::super::install::{Cpu, Cpuid, Register, install};
    use super::super::operation::{Invpcid, Op, X86};
    use super::super::regs::{CR3, Derive, MSR_EFER, MSR_PAT, Words};
    use super::super::{Level4, Level5};

    impl Cpu for ThisCpu {
        fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Cpuid {
            let result = __cpuid_count(leaf, subleaf);
            Cpuid { eax: result.eax, ebx: result.ebx, ecx: result.ecx, edx: result.edx }
        }

        fn privilege(&mut self) -> u8 {
            CS::get_reg().rpl() as u8
        }

        // Each caller names one register, so that only its instruction remains, and no table of jumps.
        #[inline(always)]
        fn read(&mut self, register: Register) -> u64 {
            match register {
                Register::Cr0 => Cr0::read_raw(),
                Register::Cr3 => {
                    let (frame, low) = Cr3::read_raw();
                    frame.start_address().as_u64() | u64::from(low)
                }
                Register::Cr4 => Cr4::read_raw(),
                // SAFETY: long mode has this register, and `install` checked that this is ring 0.
                Register::Efer => unsafe { Msr::new(MSR_EFER).read() },
                // SAFETY: `install` found PAT in CPUID, and that this is ring 0.
                Register::Pat => unsafe { Msr::new(MSR_PAT).read() },
            }
        }

        #[inline(always)]
        unsafe fn write(&mut self, register: Register, value: u64) {
            match register {
                // SAFETY: passed on to the caller, for this and the others.
                Register::Cr0 => unsafe { Cr0::write_raw(value) },
                Register::Cr3 => {
                    let root = PhysFrame::containing_address(PhysAddr::new_truncate(value));
                    // SAFETY: as above; bit 63 is clear, so the translations of the PCID are dropped.
                    unsafe { Cr3::write_raw(root, (value & CR3::PCID.mask) as u16) };
                }
                // SAFETY: as above.
                Register::Cr4 => unsafe { Cr4::write_raw(value) },
                // SAFETY: as above.
                Register::Efer => unsafe { Msr::new(MSR_EFER).write(value) },
                // SAFETY: as above.
                Register::Pat => unsafe { Msr::new(MSR_PAT).write(value) },
            }
        }

        unsafe fn write_back_caches(&mut self) {
            // SAFETY: ring 0, by the caller; it changes no register and no byte that a program can see.
            unsafe { asm!("wbinvd", options(nostack, preserves_flags)) };
        }

        unsafe fn disable_interrupts(&mut self) -> bool {
            let enabled = interrupts::are_enabled();
            interrupts::disable();
            enabled
        }

        unsafe fn enable_interrupts(&mut self) {
            interrupts::enable();
        }
    }

    impl Hardware<X86> for ThisCpu {
        #[inline(always)]
        fn read(&mut self, register: Register) -> u64 {
            match register {
                Register::Cr3 => cr3(),
                other => Cpu::read(self, other),
            }
        }

        #[inline(always)]
        unsafe fn execute(&mut self, op: Op) {
            match op {
                Op::Write(Register::Cr3, value) => {
                    // SAFETY: the caller answers for the root. No `nomem`: memory is translated differently behind it.
                    unsafe { asm!("mov cr3, {}", in(reg) value, options(nostack, preserves_flags)) }
                }
                // SAFETY: passed on to the caller.
                Op::Write(register, value) => unsafe { self.write(register, value) },
                // SAFETY: it drops cached translations, nothing else.
                Op::Invlpg(linear) => unsafe { asm!("invlpg [{}]", in(reg) linear, options(nostack, preserves_flags)) },
                Op::Invpcid(Invpcid::Address { pcid, linear }) => invpcid(0, [pcid.into(), linear]),
                Op::Invpcid(Invpcid::Context { pcid }) => invpcid(1, [pcid.into(), 0]),
                Op::Invpcid(Invpcid::All) => invpcid(2, [0, 0]),
                // SAFETY: as above; spelled out for assemblers without the extension.
                Op::Invlpgb(operands) => unsafe {
                    asm!(".byte 0x0f, 0x01, 0xfe", in("rax") operands.rax, in("ecx") operands.ecx,
                        in("edx") operands.edx, options(nostack, preserves_flags));
                },
                // SAFETY: it waits, nothing else.
                Op::Tlbsync => unsafe { asm!(".byte 0x0f, 0x01, 0xff", options(nostack, preserves_flags)) },
                Op::InveptAll => invept(2),
            }
        }
    }

    /// All of its bits: those of linear-address masking have to be written back.
    #[inline(always)]
    fn cr3() -> u64 {
        let value;
        // SAFETY: reading the register changes nothing; whoever has a live space is in ring 0.
        unsafe { asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }

    fn invpcid(kind: u64, descriptor: [u64; 2]) {
        // SAFETY: it reads the descriptor and drops cached translations, nothing else.
        unsafe { asm!("invpcid {}, [{}]", in(reg) kind, in(reg) &descriptor, options(nostack, preserves_flags)) };
    }

    fn invept(kind: u64) {
        let descriptor = [0u64; 2];
        // SAFETY: as above. It reports in the flags, so they are not preserved; the type is one that every processor with
        // the instruction has.
        unsafe { asm!("invept {}, [{}]", in(reg) kind, in(reg) &descriptor, options(nostack)) };
    }

    /// The root is the first of the tables, and serves both halves.
    unsafe fn install_words<S: Declared>(words: &Words) -> Result<Installed<S>, Refusal> {
        let root = S::memory().physical;
        // Under the map itself its tables need not be mapped, and are as they were when it was installed.
        let live = root != 0 && ThisCpu.privilege() == 0 && Cpu::read(&mut ThisCpu, Register::Cr3) == root | words.cr3;
        if !live {
            check_links::<S>()?;
        }
        // SAFETY: `words` come from the declaration of `S`, `check_links` found its tables filled at `root`, and the caller
        // of `space::install` promised that they map what is in use.
        unsafe { install(&mut ThisCpu, words, root)? };
        // SAFETY: `install` returned `Ok`: CR3 holds the root, the other registers their words.
        Ok(unsafe { Installed::assert() })
    }

    impl<S: Declared<Regime = Self>> Install<S> for Level4 {
        unsafe fn install() -> Result<Installed<S>, Refusal> {
            // SAFETY: the caller's promise.
            unsafe { install_words(&<Self as Derive<S>>::WORDS) }
        }
    }

    impl<S: Declared<Regime = Self>> Install<S> for Level5 {
        unsafe fn install() -> Result<Installed<S>, Refusal> {
            // SAFETY: the caller's promise.
            unsafe { install_words(&<Self as Derive<S>>::WORDS) }
        }
    }
}
