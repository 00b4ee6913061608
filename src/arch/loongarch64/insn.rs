//! What depends on the machine that the code is compiled for.

/// Whether this is compiled for LoongArch with 64-bit registers.
pub(super) const NATIVE: bool = cfg!(target_arch = "loongarch64");

#[cfg(target_arch = "loongarch64")]
mod native {
    use core::arch::asm;

    use crate::flush::{Hardware, ThisCpu};

    use super::super::operation::{Invtlb, LoongArch, Op, Register};

    /// Reads a control and status register by its number.
    macro_rules! read_csr {
        ($number:literal) => {{
            let value: u64;
            // SAFETY: reading the register changes nothing; whoever has a live space is at PLV 0.
            unsafe { asm!(concat!("csrrd {}, ", $number), out(reg) value, options(nomem, nostack, preserves_flags)) };
            value
        }};
    }

    /// Writes one. No `nomem`: memory is translated differently behind it. The instruction returns the old value.
    macro_rules! write_csr {
        ($number:literal, $value:expr) => {
            // SAFETY: the caller of `execute` answers for the value.
            unsafe {
                asm!(concat!("csrwr {}, ", $number), inout(reg) $value => _, options(nostack, preserves_flags));
            }
        };
    }

    impl Hardware<LoongArch> for ThisCpu {
        #[inline]
        fn read(&mut self, register: Register) -> u64 {
            match register {
                Register::Crmd => read_csr!("0x0"),
                Register::Asid => read_csr!("0x18"),
                Register::Pgdl => read_csr!("0x19"),
                Register::Pgdh => read_csr!("0x1a"),
                Register::Pwcl => read_csr!("0x1c"),
                Register::Pwch => read_csr!("0x1d"),
            }
        }

        #[inline]
        unsafe fn execute(&mut self, op: Op) {
            match op {
                Op::Write(Register::Crmd, value) => write_csr!("0x0", value),
                Op::Write(Register::Asid, value) => write_csr!("0x18", value),
                Op::Write(Register::Pgdl, value) => write_csr!("0x19", value),
                Op::Write(Register::Pgdh, value) => write_csr!("0x1a", value),
                Op::Write(Register::Pwcl, value) => write_csr!("0x1c", value),
                Op::Write(Register::Pwch, value) => write_csr!("0x1d", value),
                // SAFETY: it orders memory accesses, nothing else.
                Op::Dbar => unsafe { asm!("dbar 0", options(nostack, preserves_flags)) },
                // SAFETY: it drops cached translations, nothing else; here and below.
                Op::Invtlb(Invtlb::All) => unsafe {
                    asm!("invtlb 0x0, $zero, $zero", options(nostack, preserves_flags));
                },
                // SAFETY: as above.
                Op::Invtlb(Invtlb::Asid(asid)) => unsafe {
                    asm!("invtlb 0x4, {}, $zero", in(reg) u64::from(asid), options(nostack, preserves_flags));
                },
                // SAFETY: as above.
                Op::Invtlb(Invtlb::Address { asid, virt }) => unsafe {
                    asm!("invtlb 0x5, {}, {}", in(reg) u64::from(asid), in(reg) virt, options(nostack, preserves_flags));
                },
            }
        }
    }
}
