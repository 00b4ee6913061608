//! What a hart can be asked to do: registers to read and write, fences, and the invalidation of cached translations.

use crate::flush::Architecture;

/// The privileged instruction set of RISC-V.
#[derive(Clone, Copy, Debug)]
pub enum RiscV {}

impl Architecture for RiscV {
    type Op = Op;
    type Register = Register;

    fn written(op: Op) -> Option<(Register, u64)> {
        match op {
            Op::Write(register, value) => Some((register, value)),
            _ => None,
        }
    }
}

/// Registers that activation and maintenance read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Root of the supervisor's translation; the layout is that of the register width.
    Satp,
    /// Root of the guest-physical translation.
    Hgatp,
}

/// One instruction. An operand of a fence or an invalidation that is `None` is `x0` and means all of them; a register
/// that holds zero would mean address 0, or identifier 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `csrw`.
    Write(Register, u64),
    /// `sfence.vma`: a virtual address, an ASID.
    SfenceVma(Option<u64>, Option<u16>),
    /// `hfence.gvma`: a guest-physical address shifted right by two, a VMID.
    HfenceGvma(Option<u64>, Option<u16>),
    /// `sfence.w.inval` (Svinval): earlier stores come before the invalidations that follow.
    SfenceWInval,
    /// `sinval.vma` (Svinval): operands as for [`Op::SfenceVma`].
    SinvalVma(Option<u64>, Option<u16>),
    /// `hinval.gvma` (Svinval): operands as for [`Op::HfenceGvma`].
    HinvalGvma(Option<u64>, Option<u16>),
    /// `sfence.inval.ir` (Svinval): earlier invalidations come before the walks that follow.
    SfenceInvalIr,
}
