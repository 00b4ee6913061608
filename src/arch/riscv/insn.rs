//! The instructions: this hart as a [`Hart`](super::install::Hart).

/// Whether this is compiled for a hart with 32-bit registers.
pub(super) const NATIVE_32: bool = cfg!(target_arch = "riscv32");
/// Whether this is compiled for a hart with 64-bit registers.
pub(super) const NATIVE_64: bool = cfg!(target_arch = "riscv64");

#[cfg(any(target_arch = "riscv32", target_arch = "riscv64"))]
mod native {
    use core::arch::asm;

    use crate::flush::{Hardware, ThisCpu};
    use crate::space::{Declared, Install, Installed, Refusal, check_links};

    use super::super::Extensions;
    use super::super::install::{Hart, InstallOn, check, install};
    use super::super::operation::{Op, Register, RiscV};
    use super::super::regs::{Derive, Root, Words};

    /// Reads a control and status register by its number.
    macro_rules! read_csr {
        ($number:literal) => {{
            let value: usize;
            // SAFETY: reading the register changes nothing; whoever installs a space is in a mode that may.
            unsafe { asm!(concat!("csrr {}, ", $number), out(reg) value, options(nomem, nostack, preserves_flags)) };
            value as u64
        }};
    }

    /// Writes, sets or clears with one instruction. No `nomem`: memory is translated differently behind it.
    macro_rules! change_csr {
        ($instruction:literal, $number:literal, $value:expr) => {
            // SAFETY: the caller of the method answers for the value.
            unsafe { asm!(concat!($instruction, " ", $number, ", {}"), in(reg) $value as usize, options(nostack)) }
        };
    }

    impl Hart for ThisCpu {
        fn read(&mut self, register: Root) -> u64 {
            match register {
                Root::Satp32 | Root::Satp => read_csr!("0x180"),
                Root::Hgatp => read_csr!("0x680"),
            }
        }

        unsafe fn write(&mut self, register: Root, value: u64) {
            match register {
                Root::Satp32 | Root::Satp => change_csr!("csrw", "0x180", value),
                Root::Hgatp => change_csr!("csrw", "0x680", value),
            }
        }

        /// The operands are `x0`: all addresses, all identifiers. A register that holds zero would mean address or ASID 0.
        fn fence(&mut self, register: Root) {
            match register {
                // SAFETY: it orders memory accesses and drops cached translations, nothing else.
                Root::Satp32 | Root::Satp => unsafe { asm!("sfence.vma x0, x0", options(nostack, preserves_flags)) },
                // SAFETY: as above. `hfence.gvma x0, x0`, spelled out for assemblers without the extension.
                Root::Hgatp => unsafe {
                    asm!(".insn r 0x73, 0, 0x31, x0, x0, x0", options(nostack, preserves_flags));
                },
            }
        }

        fn status(&mut self) -> u64 {
            read_csr!("sstatus")
        }

        unsafe fn set_status(&mut self, bits: u64) {
            change_csr!("csrs", "sstatus", bits);
        }

        unsafe fn clear_status(&mut self, bits: u64) {
            change_csr!("csrc", "sstatus", bits);
        }
    }

    /// A fence or invalidation, spelled out for assemblers without the extension: major opcode SYSTEM, and the function.
    /// Operands that are `None` are `x0`; no other register stands for it, whatever it holds.
    macro_rules! fence {
        ($function:literal, $address:expr, $identifier:expr) => {
            match ($address, $identifier) {
                // SAFETY: it orders memory accesses and drops cached translations, nothing else; here and below.
                (None, None) => unsafe {
                    asm!(concat!(".insn r 0x73, 0, ", $function, ", x0, x0, x0"), options(nostack, preserves_flags));
                },
                // SAFETY: as above.
                (Some(address), None) => unsafe {
                    asm!(concat!(".insn r 0x73, 0, ", $function, ", x0, {}, x0"), in(reg) address as usize,
                        options(nostack, preserves_flags));
                },
                // SAFETY: as above.
                (None, Some(identifier)) => unsafe {
                    asm!(concat!(".insn r 0x73, 0, ", $function, ", x0, x0, {}"), in(reg) usize::from(identifier),
                        options(nostack, preserves_flags));
                },
                // SAFETY: as above.
                (Some(address), Some(identifier)) => unsafe {
                    asm!(concat!(".insn r 0x73, 0, ", $function, ", x0, {}, {}"), in(reg) address as usize,
                        in(reg) usize::from(identifier), options(nostack, preserves_flags));
                },
            }
        };
    }

    impl Hardware<RiscV> for ThisCpu {
        #[inline(always)]
        fn read(&mut self, register: Register) -> u64 {
            match register {
                Register::Satp => read_csr!("0x180"),
                Register::Hgatp => read_csr!("0x680"),
            }
        }

        #[inline(always)]
        unsafe fn execute(&mut self, op: Op) {
            match op {
                Op::Write(Register::Satp, value) => change_csr!("csrw", "0x180", value),
                Op::Write(Register::Hgatp, value) => change_csr!("csrw", "0x680", value),
                Op::SfenceVma(address, asid) => fence!("0x09", address, asid),
                Op::HfenceGvma(address, vmid) => fence!("0x31", address, vmid),
                Op::SinvalVma(address, asid) => fence!("0x0b", address, asid),
                Op::HinvalGvma(address, vmid) => fence!("0x33", address, vmid),
                // SAFETY: `sfence.w.inval` orders, nothing else.
                Op::SfenceWInval => unsafe { asm!(".word 0x18000073", options(nostack, preserves_flags)) },
                // SAFETY: `sfence.inval.ir` orders, nothing else.
                Op::SfenceInvalIr => unsafe { asm!(".word 0x18100073", options(nostack, preserves_flags)) },
            }
        }
    }

    /// The root is the first of the tables.
    unsafe fn install_words<S: Declared>(words: &Words, extensions: Extensions) -> Result<Installed<S>, Refusal> {
        // Before anything else: without extension H there is no hgatp to read.
        check(words, extensions)?;
        let root = S::memory().physical;
        // Under the map itself its tables need not be mapped, and are as they were when it was installed.
        if root == 0 || Hart::read(&mut ThisCpu, words.register) != words.rooted(root) {
            check_links::<S>()?;
        }
        // SAFETY: `words` come from the declaration of `S`, `check_links` finds its tables filled at `root`, and the caller
        // of `space::install` promised that they map what is in use.
        unsafe { install(&mut ThisCpu, words, root, extensions)? };
        // SAFETY: `install` returned `Ok`: the register holds the root, `sstatus` its bits.
        Ok(unsafe { Installed::assert() })
    }

    macro_rules! installs {
        ($width:literal: $($regime:ident),*) => { $(
            #[cfg(target_pointer_width = $width)]
            impl<S: Declared<Regime = Self>> Install<S> for super::super::$regime {
                /// Refuses a space whose tables use extensions: see [`InstallOn`].
                unsafe fn install() -> Result<Installed<S>, Refusal> {
                    // SAFETY: the caller's promise; no extension is claimed.
                    unsafe { <Self as InstallOn<S>>::install_on(Extensions::NONE) }
                }
            }

            #[cfg(target_pointer_width = $width)]
            impl<S: Declared<Regime = Self>> InstallOn<S> for super::super::$regime {
                unsafe fn install_on(extensions: Extensions) -> Result<Installed<S>, Refusal> {
                    // SAFETY: the caller's promise.
                    unsafe { install_words(&<Self as Derive<S>>::WORDS, extensions) }
                }
            }
        )* };
    }

    installs!("32": Sv32);
    installs!("64": Sv39, Sv39C9xx, Sv48, Sv57, Sv39x4, Sv48x4);
}
