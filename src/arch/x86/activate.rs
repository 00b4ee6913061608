//! Which tables a processor uses in 32-bit mode: reading CR3 and what says how it is read, writing it, and turning paging
//! on (SDM volume 3A, "Paging Modes and Control Bits", "Paging-Mode Enabling").

use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Hardware, Id};
use crate::format::Format;
use crate::space::Roots;
use crate::x86_64::activate::{check_meaning, root_of, write};
use crate::x86_64::operation::{Register, X86};
use crate::x86_64::regs::{CR0, CR4, EFER, ones};

use super::{Legacy32, Pae};

/// 4 MiB pages of 32-bit paging.
const PSE: u64 = 1 << 4;

/// What of CR4 says how entries are read, and its value for a regime.
pub(super) struct Mode {
    pub(super) mask: u64,
    pub(super) value: u64,
    /// Bits of a root in CR3.
    pub(super) root: u64,
}

impl Mode {
    pub(super) fn of(format: &Format, features: Features) -> Self {
        let pae = ones(CR4::PAE);
        if format.levels == 3 {
            return Self { mask: pae, value: pae, root: 0xffff_ffe0 };
        }
        let value = if features.contains(Features::PSE) { PSE } else { 0 };
        Self { mask: pae | PSE, value, root: 0xffff_f000 }
    }
}

fn active<H: Hardware<X86>>(format: &Format, features: Features, hardware: &mut H) -> Result<Active, ActiveError> {
    if hardware.read(Register::Cr0) & ones(CR0::PG) == 0 {
        return Err(ActiveError::Off);
    }
    let mode = Mode::of(format, features);
    let found = hardware.read(Register::Cr4) & mode.mask;
    if found != mode.value {
        return Err(ActiveError::Mode { expected: mode.value, found });
    }
    check_meaning(format, features, hardware)?;
    let root = hardware.read(Register::Cr3) & mode.root;
    Ok(Active { roots: Roots { lower: Some(root), upper: None }, id: Id::Every })
}

/// # Safety
/// As for [`Activate::activate`].
unsafe fn activate<H: Hardware<X86>>(
    format: &Format,
    features: Features,
    to: &Active,
    hardware: &mut H,
) -> Result<(), ActiveError> {
    let mode = Mode::of(format, features);
    let root = root_of(to, mode.root, u32::BITS)?;
    match active(format, features, hardware) {
        Ok(_) => {
            // SAFETY: the caller's tables map what is in use.
            unsafe { write(hardware, Register::Cr3, root) };
            Ok(())
        }
        // SAFETY: passed on to the caller word by word.
        Err(ActiveError::Off) => unsafe { turn_on(&mode, format, features, root, hardware) },
        Err(other) => Err(other),
    }
}

/// # Safety
/// As for [`Activate::activate`], and paging is off.
unsafe fn turn_on<H: Hardware<X86>>(
    mode: &Mode,
    format: &Format,
    features: Features,
    root: u64,
    hardware: &mut H,
) -> Result<(), ActiveError> {
    // PAT can change only with the caches empty: that is done before.
    check_meaning(format, Features::NONE, hardware)?;
    let nxe = if features.contains(Features::NX) && !format.no_execute.is_empty() { ones(EFER::NXE) } else { 0 };
    if nxe != 0 {
        let efer = hardware.read(Register::Efer);
        // SAFETY: a bit that the regime has; nothing is translated yet.
        unsafe { write(hardware, Register::Efer, efer | nxe) };
    }
    let (cr0, cr4) = (hardware.read(Register::Cr0), hardware.read(Register::Cr4));
    // SAFETY: the paging mode of the regime; nothing is translated yet.
    unsafe { write(hardware, Register::Cr4, cr4 & !mode.mask | mode.value) };
    // SAFETY: nothing is translated yet.
    unsafe { write(hardware, Register::Cr3, root) };
    // Without WP the kernel is not held to what the entries say.
    // SAFETY: the caller's tables map what is in use.
    unsafe { write(hardware, Register::Cr0, cr0 | ones(CR0::PG) | ones(CR0::WP)) };
    Ok(())
}

activated!(X86: Legacy32, Pae);
