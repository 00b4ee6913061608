//! What a processor can be asked to do: registers to read and write, and the invalidation of cached translations.

use crate::flush::Architecture;

pub use super::install::Register;

/// The instruction set of x86, in 32-bit and in 64-bit mode.
#[derive(Clone, Copy, Debug)]
pub enum X86 {}

impl Architecture for X86 {
    type Op = Op;
    type Register = Register;

    fn written(op: Op) -> Option<(Register, u64)> {
        match op {
            // Bit 63 is an order to the processor, and no bit of the register.
            Op::Write(Register::Cr3, value) => Some((Register::Cr3, value & !KEEP_TRANSLATIONS)),
            Op::Write(register, value) => Some((register, value)),
            _ => None,
        }
    }
}

/// In a value for CR3: the translations of its PCID stay.
pub const KEEP_TRANSLATIONS: u64 = 1 << 63;

/// What an `invpcid` drops (SDM volume 2A, "INVPCID - Invalidate Process-Context Identifier").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invpcid {
    /// Type 0: what one PCID has of one linear address, but for global translations.
    Address {
        /// The PCID.
        pcid: u16,
        /// The address.
        linear: u64,
    },
    /// Type 1: what one PCID has, but for global translations.
    Context {
        /// The PCID.
        pcid: u16,
    },
    /// Type 2: everything, of every PCID, global translations included.
    All,
}

/// The operands of an `invlpgb` (AMD64 "Architecture Programmer's Manual", volume 3, "INVLPGB").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invlpgb {
    /// Address and flags.
    pub rax: u64,
    /// Number of further pages, and their stride: neither is used here.
    pub ecx: u32,
    /// ASID of a virtual machine, which is 0 outside of one, and PCID.
    pub edx: u32,
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `mov` to a control register, or `wrmsr`. Bit 63 of what goes to CR3 keeps the translations of its PCID.
    Write(Register, u64),
    /// `invlpg`: what the current PCID has of one linear address, and global translations of it.
    Invlpg(u64),
    /// `invpcid`.
    Invpcid(Invpcid),
    /// `invlpgb`: on every core, some time before the next [`Op::Tlbsync`] ends.
    Invlpgb(Invlpgb),
    /// `tlbsync`: waits for every `invlpgb` of this core.
    Tlbsync,
    /// `invept` of type 2: whatever came from any extended page table.
    InveptAll,
}
