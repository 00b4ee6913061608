//! What a core can be asked to do: registers to read and write, a barrier, and the invalidation of the TLB.

use crate::flush::Architecture;

/// The privileged instruction set of LoongArch.
#[derive(Clone, Copy, Debug)]
pub enum LoongArch {}

impl Architecture for LoongArch {
    type Op = Op;
    type Register = Register;

    fn written(op: Op) -> Option<(Register, u64)> {
        match op {
            Op::Write(register, value) => Some((register, value)),
            _ => None,
        }
    }
}

/// Control and status registers that activation and maintenance read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Current mode: whether translation goes through the page tables.
    Crmd,
    /// Address-space identifier in bits 9 to 0.
    Asid,
    /// Root of the lower half.
    Pgdl,
    /// Root of the upper half.
    Pgdh,
    /// Index bits of the lower levels.
    Pwcl,
    /// Index bits of the upper levels.
    Pwch,
}

/// What an `invtlb` drops (LOONG "INVTLB", the table of its operations).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invtlb {
    /// Operation 0: everything.
    All,
    /// Operation 4: what is not global and belongs to the ASID.
    Asid(u16),
    /// Operation 5: of that, the entry of one address, which holds a pair of pages.
    Address {
        /// The ASID.
        asid: u16,
        /// The address.
        virt: u64,
    },
}

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `csrwr`.
    Write(Register, u64),
    /// `dbar 0`: all earlier accesses come before all later ones.
    Dbar,
    /// `invtlb`.
    Invtlb(Invtlb),
}
