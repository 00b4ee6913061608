//! What depends on the machine that the code is compiled for.

/// Whether this is compiled for the 32-bit instruction set.
pub(super) const NATIVE: bool = cfg!(target_arch = "x86");

#[cfg(target_arch = "x86")]
mod native {
    use core::arch::asm;

    use crate::flush::{Hardware, ThisCpu};
    use crate::x86_64::operation::{Invpcid, Op, Register, X86};
    use crate::x86_64::regs::{MSR_EFER, MSR_PAT};

    /// Reads a control register.
    macro_rules! control {
        ($name:literal) => {{
            let value: u32;
            // SAFETY: reading the register changes nothing; whoever has a live space is in ring 0.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags)) };
            u64::from(value)
        }};
    }

    /// Writes a control register. No `nomem`: memory is translated differently behind it.
    macro_rules! set_control {
        ($name:literal, $value:expr) => {
            // SAFETY: the caller of `execute` answers for the value.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) $value as u32, options(nostack, preserves_flags)) }
        };
    }

    fn msr(number: u32) -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: reading the register changes nothing; whoever asks for it has found that it is there.
        unsafe {
            asm!("rdmsr", in("ecx") number, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
        }
        u64::from(low) | u64::from(high) << 32
    }

    /// # Safety
    /// The caller of `execute` answers for the value.
    unsafe fn set_msr(number: u32, value: u64) {
        // SAFETY: as for this function.
        unsafe {
            asm!("wrmsr", in("ecx") number, in("eax") value as u32, in("edx") (value >> 32) as u32,
                options(nostack, preserves_flags));
        }
    }

    impl Hardware<X86> for ThisCpu {
        #[inline]
        fn read(&mut self, register: Register) -> u64 {
            match register {
                Register::Cr0 => control!("cr0"),
                Register::Cr3 => control!("cr3"),
                Register::Cr4 => control!("cr4"),
                Register::Efer => msr(MSR_EFER),
                Register::Pat => msr(MSR_PAT),
            }
        }

        #[inline]
        unsafe fn execute(&mut self, op: Op) {
            match op {
                Op::Write(Register::Cr0, value) => set_control!("cr0", value),
                Op::Write(Register::Cr3, value) => set_control!("cr3", value),
                Op::Write(Register::Cr4, value) => set_control!("cr4", value),
                // SAFETY: passed on to the caller.
                Op::Write(Register::Efer, value) => unsafe { set_msr(MSR_EFER, value) },
                // SAFETY: passed on to the caller.
                Op::Write(Register::Pat, value) => unsafe { set_msr(MSR_PAT, value) },
                Op::Invlpg(linear) => {
                    // SAFETY: it drops cached translations, nothing else.
                    unsafe { asm!("invlpg [{}]", in(reg) linear as u32, options(nostack, preserves_flags)) }
                }
                Op::Invpcid(Invpcid::Address { pcid, linear }) => invpcid(0, [pcid.into(), linear]),
                Op::Invpcid(Invpcid::Context { pcid }) => invpcid(1, [pcid.into(), 0]),
                Op::Invpcid(Invpcid::All) => invpcid(2, [0, 0]),
                // SAFETY: as above; spelled out for assemblers without the extension.
                Op::Invlpgb(operands) => unsafe {
                    asm!(".byte 0x0f, 0x01, 0xfe", in("eax") operands.rax as u32, in("ecx") operands.ecx,
                        in("edx") operands.edx, options(nostack, preserves_flags));
                },
                // SAFETY: it waits, nothing else.
                Op::Tlbsync => unsafe { asm!(".byte 0x0f, 0x01, 0xff", options(nostack, preserves_flags)) },
                Op::InveptAll => invept(2),
            }
        }
    }

    fn invpcid(kind: u32, descriptor: [u64; 2]) {
        // SAFETY: it reads the descriptor and drops cached translations, nothing else.
        unsafe { asm!("invpcid {}, [{}]", in(reg) kind, in(reg) &descriptor, options(nostack, preserves_flags)) };
    }

    fn invept(kind: u32) {
        let descriptor = [0u64; 2];
        // SAFETY: as above. It reports in the flags, so they are not preserved; the type is one that every processor with
        // the instruction has.
        unsafe { asm!("invept {}, [{}]", in(reg) kind, in(reg) &descriptor, options(nostack)) };
    }
}
