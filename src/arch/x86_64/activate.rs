//! Which tables a processor uses: reading CR3 and what says how it is read, and writing CR3 for tables that no declaration
//! knows.
//!
//! SDM volume 3A, "Paging Modes and Control Bits"; "Operations that Invalidate TLBs and Paging-Structure Caches" (what a
//! write of CR3 drops); "Initializing IA-32e Mode". Long mode has no time without paging: what has to be there before is
//! checked, and only CR3, and CR4.PCIDE for a space with an identifier, are written. Where EFER or PAT are not those of the
//! regime yet, [`install`](super::install::install) with [`Words::of`](super::Words::of) sets them and all others.

use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Hardware, Id};
use crate::format::Format;
use crate::space::{Refusal, Roots};

use super::operation::{KEEP_TRANSLATIONS, Op, Register, X86};
use super::regs::{CR0, CR3, CR4, EFER, ones};
use super::{Level4, Level5};

/// Bits of CR3 that say how linear addresses are masked (SDM volume 3A, "Linear-Address Pre-Processing"); no root has them.
const MASKING: u64 = 3 << 61;

/// Whether entries and memory types in use are those of `format` on a processor with `features`.
pub(crate) fn check_meaning<H: Hardware<X86>>(
    format: &Format,
    features: Features,
    hardware: &mut H,
) -> Result<(), ActiveError> {
    let nxe = ones(EFER::NXE);
    if features.contains(Features::NX) && format.no_execute.contains(Features::NX) {
        let found = hardware.read(Register::Efer) & nxe;
        if found != nxe {
            return Err(ActiveError::Layout { expected: nxe, found });
        }
    }
    let (expected, found) = (u64::from_le_bytes(format.memory_register.slots), hardware.read(Register::Pat));
    if expected == found { Ok(()) } else { Err(ActiveError::MemoryTypes { expected, found }) }
}

fn check<H: Hardware<X86>>(format: &Format, features: Features, hardware: &mut H) -> Result<(), ActiveError> {
    if hardware.read(Register::Cr0) & ones(CR0::PG) == 0 {
        return Err(ActiveError::Off);
    }
    let found = if hardware.read(Register::Cr4) & ones(CR4::LA57) == 0 { 48 } else { 57 };
    if found != format.input_bits {
        return Err(ActiveError::InputBits { expected: format.input_bits, found });
    }
    check_meaning(format, features, hardware)
}

/// The root in `to`, which has to fit CR3.
pub(crate) fn root_of(to: &Active, fits: u64, bits: u32) -> Result<u64, ActiveError> {
    let root = to.roots.lower.ok_or(ActiveError::NoRoot)?;
    if root & !fits != 0 {
        return Err(Refusal::OutputBits { needs: u64::BITS - root.leading_zeros(), has: bits }.into());
    }
    Ok(root)
}

fn pcid_of(id: Id) -> Result<u64, ActiveError> {
    match id {
        Id::Every => Ok(0),
        Id::One(pcid) if u64::from(pcid) <= CR3::PCID.mask => Ok(pcid.into()),
        Id::One(pcid) => Err(Refusal::AsidBits { needs: u16::BITS - pcid.leading_zeros(), has: 12 }.into()),
    }
}

/// Whether translations are tagged with PCIDs, which a regime without them cannot flush.
fn is_tagged<H: Hardware<X86>>(features: Features, hardware: &mut H) -> Result<bool, ActiveError> {
    match hardware.read(Register::Cr4) & ones(CR4::PCIDE) != 0 {
        true if !features.contains(Features::PCID) => Err(Refusal::Feature { feature: Features::PCID }.into()),
        tagged => Ok(tagged),
    }
}

fn active<H: Hardware<X86>>(format: &Format, features: Features, hardware: &mut H) -> Result<Active, ActiveError> {
    check(format, features, hardware)?;
    let (cr3, tagged) = (hardware.read(Register::Cr3), is_tagged(features, hardware)?);
    let id = if tagged { Id::One((cr3 & CR3::PCID.mask) as u16) } else { Id::Every };
    Ok(Active { roots: Roots { lower: Some(cr3 & ones(CR3::ROOT)), upper: None }, id })
}

/// # Safety
/// As for [`Activate::activate`].
unsafe fn activate<H: Hardware<X86>>(
    format: &Format,
    features: Features,
    to: &Active,
    hardware: &mut H,
) -> Result<(), ActiveError> {
    check(format, features, hardware)?;
    let (root, pcid) = (root_of(to, ones(CR3::ROOT), format.max_output_bits)?, pcid_of(to.id)?);
    let (cr3, tagged) = (hardware.read(Register::Cr3), is_tagged(features, hardware)?);
    let target = cr3 & MASKING | root;
    if tagged {
        // The translations of another PCID are not those of the tables in use, and stay.
        let keep = if cr3 & CR3::PCID.mask == pcid { 0 } else { KEEP_TRANSLATIONS };
        // SAFETY: the caller's tables map what is in use.
        unsafe { write(hardware, Register::Cr3, target | pcid | keep) };
        return Ok(());
    }
    if pcid != 0 && !features.contains(Features::PCID) {
        return Err(Refusal::Feature { feature: Features::PCID }.into());
    }
    // SAFETY: as above.
    unsafe { write(hardware, Register::Cr3, target) };
    if pcid != 0 {
        let cr4 = hardware.read(Register::Cr4);
        // SAFETY: PCIDE can be set only while the low bits of CR3 are zero, as they are.
        unsafe { write(hardware, Register::Cr4, cr4 | ones(CR4::PCIDE)) };
        // SAFETY: the same root, under its PCID.
        unsafe { write(hardware, Register::Cr3, target | pcid) };
    }
    Ok(())
}

/// # Safety
/// The processor accepts the value, and the code, stack and data in use stay mapped under it.
pub(crate) unsafe fn write<H: Hardware<X86>>(hardware: &mut H, register: Register, value: u64) {
    // SAFETY: as for this function.
    unsafe { hardware.execute(Op::Write(register, value)) };
}

activated!(X86: Level4, Level5);
