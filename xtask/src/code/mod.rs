//! Machine code, as far as control flow and memory accesses go.
//!
//! Just enough of three instruction sets to say of an instruction where it goes, whether it touches memory by load or
//! store, and whether it may turn the MMU on.

mod aarch64;
mod clear;
pub(crate) mod path;
mod riscv;
mod x86_64;

use crate::elf::Image;
use crate::machine::Arch;

/// Where control goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the next one.
    Next,
    /// To a known address.
    Jump(u64),
    /// To a known address or to the next one.
    Branch(u64),
    /// To a known address, and from there back to the next one.
    Call(u64),
    /// Somewhere, and from there back to the next one.
    UnknownCall,
    /// To the caller.
    Return,
    /// Somewhere.
    Unknown,
    /// Nowhere: a trap.
    Stop,
}

/// What an instruction does with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Touch {
    /// Nothing; cache maintenance by address included.
    Nothing,
    /// Loads.
    Loads,
    /// Stores at an address that the stack pointer gives.
    Stack,
    /// Stores elsewhere, or is not known.
    Stores,
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Bytes.
    pub(crate) length: u64,
    /// Where it goes.
    pub(crate) flow: Flow,
    /// What it does with memory.
    pub(crate) touch: Touch,
    /// It writes the register that holds the MMU's enable bit.
    pub(crate) writes_mmu_control: bool,
}

impl Instruction {
    /// An instruction that computes.
    const fn plain(length: u64) -> Self {
        Self { length, flow: Flow::Next, touch: Touch::Nothing, writes_mmu_control: false }
    }

    const fn flowing(self, flow: Flow) -> Self {
        Self { flow, ..self }
    }
}

/// What the bytes at an address are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// AArch64.
    Aarch64,
    /// RISC-V, compressed instructions included.
    Riscv,
    /// x86 in 32-bit protected mode.
    X86,
    /// x86-64.
    X86Long,
}

impl Encoding {
    /// That of ordinary code on a machine.
    pub(crate) const fn of(arch: Arch) -> Self {
        match arch {
            Arch::Aarch64 => Self::Aarch64,
            Arch::Riscv64 => Self::Riscv,
            Arch::X86_64 => Self::X86Long,
        }
    }

    /// The instruction at `address`; `None` where there is no code.
    pub(crate) fn decode(self, image: &Image, address: u64) -> Option<Instruction> {
        let bytes = image.code_at(address)?;
        match self {
            Self::Aarch64 => Some(aarch64::decode(address, u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?))),
            Self::Riscv => riscv::decode(image, address, bytes),
            Self::X86 => x86_64::decode(image, address, bytes, 32),
            Self::X86Long => x86_64::decode(image, address, bytes, 64),
        }
    }
}

/// `word`'s bits `low..low + count` as a signed number.
const fn signed_field(word: u32, low: u32, count: u32) -> i64 {
    let left = 32 - low - count;
    ((word << left) as i32 >> (32 - count)) as i64
}
