//! What a core can be asked to do: registers to read and write, barriers, and the invalidation of TLBs.

use crate::flush::Architecture;

/// The A64 instruction set.
#[derive(Clone, Copy, Debug)]
pub enum A64 {}

impl Architecture for A64 {
    type Op = Instruction;
    type Register = Register;

    fn written(op: Instruction) -> Option<(Register, u64)> {
        match op {
            Instruction::Write(register, value) => Some((register, value)),
            _ => None,
        }
    }
}

/// System registers that installation, activation and maintenance read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub enum Register {
    CurrentEl,
    CtrEl0,
    IdAa64Mmfr0El1,
    IdAa64Mmfr1El1,
    IdAa64Mmfr2El1,
    IdAa64Mmfr3El1,
    IdAa64Pfr1El1,
    IdAa64Isar0El1,
    IdAa64Isar1El1,
    MairEl1,
    TcrEl1,
    Ttbr0El1,
    Ttbr1El1,
    SctlrEl1,
    MairEl2,
    TcrEl2,
    Ttbr0El2,
    Ttbr1El2,
    SctlrEl2,
    MairEl3,
    TcrEl3,
    Ttbr0El3,
    SctlrEl3,
    VtcrEl2,
    VttbrEl2,
    HcrEl2,
    PirEl1,
    Pire0El1,
    Tcr2El1,
    PirEl2,
    Pire0El2,
    Tcr2El2,
    PirEl3,
}

/// The cores that an invalidation or a barrier reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// This core.
    Local,
    /// All of the Inner Shareable domain: the cores that run one operating system or hypervisor.
    Inner,
}

/// What a `tlbi` names (DDI 0487 J.a, C5.5 "A64 System instructions for TLB maintenance").
///
/// Names are the manual's without `IS`, which [`Domain`] adds. Those that take no operand come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tlb {
    /// `vmalle1`: EL1&0, stage 1 and what combines it with stage 2, of the current VMID.
    Vmalle1,
    /// `vmalls12e1`: EL1&0, both stages and what combines them, of the current VMID.
    Vmalls12e1,
    /// `alle1`: EL1&0, both stages and what combines them, of every VMID.
    Alle1,
    /// `alle2`: EL2, or EL2&0.
    Alle2,
    /// `alle3`: EL3.
    Alle3,
    /// `aside1`: EL1&0, what belongs to one ASID.
    Aside1,
    /// `vae1`: EL1&0, one address in one ASID, or global.
    Vae1,
    /// `vale1`: the same of leaves alone.
    Vale1,
    /// `vaae1`: EL1&0, one address in every ASID.
    Vaae1,
    /// `vaale1`: the same of leaves alone.
    Vaale1,
    /// `vae2`: EL2, or EL2&0, one address, in one ASID or global.
    Vae2,
    /// `vale2`: the same of leaves alone.
    Vale2,
    /// `vae3`: EL3, one address.
    Vae3,
    /// `vale3`: the same of leaves alone.
    Vale3,
    /// `ipas2e1`: EL1&0 stage 2, one guest-physical address of the current VMID.
    Ipas2e1,
    /// `ipas2le1`: the same of leaves alone.
    Ipas2le1,
    /// `rvae1`: as `vae1`, for a range (FEAT_TLBIRANGE), and so on.
    Rvae1,
    /// `rvale1`.
    Rvale1,
    /// `rvaae1`.
    Rvaae1,
    /// `rvaale1`.
    Rvaale1,
    /// `rvae2`.
    Rvae2,
    /// `rvale2`.
    Rvale2,
    /// `rvae3`.
    Rvae3,
    /// `rvale3`.
    Rvale3,
    /// `ripas2e1`.
    Ripas2e1,
    /// `ripas2le1`.
    Ripas2le1,
}

/// A barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// `dsb sy`.
    DsbSystem,
    /// `dsb nsh` or `dsb ish`.
    Dsb(Domain),
    /// `dsb nshst` or `dsb ishst`: earlier stores alone.
    DsbStores(Domain),
    /// `isb`.
    Isb,
}

/// What a core is asked to do, one instruction each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// `msr`.
    Write(Register, u64),
    /// `dc civac`: clean and invalidate one data cache line to the point of coherency.
    CleanInvalidate(usize),
    /// `ic iallu`: invalidate all instruction caches of this core.
    InvalidateInstructions,
    /// `tlbi`, and the register it takes; 0 where it takes none.
    Invalidate(Tlb, Domain, u64),
    /// `dsb` or `isb`.
    Barrier(Barrier),
}
