//! What a core can be asked to do: registers to read and write, barriers, and the invalidation of TLBs.

use crate::flush::Architecture;

/// The A32 and T32 instruction sets of ARMv7-A, and their system control coprocessor.
#[derive(Clone, Copy, Debug)]
pub enum A32 {}

impl Architecture for A32 {
    type Op = Instruction;
    type Register = Register;

    fn written(op: Instruction) -> Option<(Register, u64)> {
        match op {
            Instruction::Write(register, value) => Some((register, value)),
            _ => None,
        }
    }
}

/// System control registers; those of 64 bits where the Large Physical Address Extension has them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub enum Register {
    Cpsr,
    Sctlr,
    Ttbcr,
    Ttbr0,
    Ttbr1,
    Mair0,
    Mair1,
    Hsctlr,
    Htcr,
    Httbr,
    Hmair0,
    Hmair1,
    Hcr,
    Vtcr,
    Vttbr,
}

/// The cores that an operation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// This core.
    Local,
    /// All of the Inner Shareable domain (Multiprocessing Extensions).
    Inner,
}

/// TLB maintenance (DDI 0406, B4.2 "Functional grouping of VMSAv7 system control registers"): the manual's names without
/// `IS`, which [`Domain`] adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tlb {
    /// `TLBIALL`: PL1&0, of the current VMID; both stages where Hyp mode executes it.
    All,
    /// `TLBIASID`: PL1&0, what belongs to one ASID.
    Asid,
    /// `TLBIMVA`: PL1&0, one address in one ASID, or global.
    Mva,
    /// `TLBIMVAA`: PL1&0, one address in every ASID.
    Mvaa,
    /// `TLBIALLH`: PL2.
    AllH,
    /// `TLBIMVAH`: PL2, one address.
    MvaH,
    /// `TLBIALLNSNH`: PL1&0, both stages, of every VMID.
    AllNsnh,
}

/// What a core is asked to do, one instruction each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// A write of a register.
    Write(Register, u64),
    /// TLB maintenance, and the register it takes; 0 where it takes none.
    Invalidate(Tlb, Domain, u32),
    /// `BPIALL` or `BPIALLIS`: all branch predictors.
    InvalidateBranches(Domain),
    /// `ICIALLU`: all instruction caches of this core.
    InvalidateInstructions,
    /// `DSB NSH` or `DSB ISH`.
    Dsb(Domain),
    /// `DSB NSHST` or `DSB ISHST`: earlier stores alone.
    DsbStores(Domain),
    /// `ISB`.
    Isb,
}
