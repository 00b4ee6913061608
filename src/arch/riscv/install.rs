//! The sequence that makes a space live, over a trait for the hardware.
//!
//! PRIV "Supervisor-Level ISA": "Supervisor Address Translation and Protection (satp) Register" and "Supervisor
//! Memory-Management Fence Instruction"; "Hypervisor Extension": "Hypervisor Guest Address Translation and Protection
//! (hgatp) Register" and "Hypervisor Memory-Management Fence Instructions".

use crate::regime::Regime;
use crate::space::{Declared, Installed, Refusal};

use super::extensions::Extensions;
use super::regs::{Root, Words};

/// The operations of a hart that translation needs: the real ones, or a recorder's.
pub trait Hart {
    /// Reads a root register.
    fn read(&mut self, register: Root) -> u64;

    /// Writes a root register.
    ///
    /// # Safety
    /// The code, stack and data in use stay mapped under it.
    unsafe fn write(&mut self, register: Root, value: u64);

    /// Orders all earlier stores before the walks that follow, and drops every translation that came from the register,
    /// global ones included: `sfence.vma x0, x0`, or `hfence.gvma x0, x0`.
    fn fence(&mut self, register: Root);

    /// Reads `sstatus`.
    fn status(&mut self) -> u64;

    /// Sets bits of `sstatus`.
    ///
    /// # Safety
    /// They are SUM or MXR.
    unsafe fn set_status(&mut self, bits: u64);

    /// Clears bits of `sstatus`.
    ///
    /// # Safety
    /// They are SUM or MXR.
    unsafe fn clear_status(&mut self, bits: u64);
}

/// Makes the tables at `root` live with the status bits that go with them.
///
/// It replaces whatever map is live. Where the registers hold their words already it writes nothing. A mode or an
/// identifier that the hart lacks shows when the register is read back: both fields are WARL, and a write of `satp` with
/// a mode that the hart lacks has no effect at all.
///
/// # Errors
/// [`Refusal`] where the hart lacks what the map needs, or is not known to have it; the registers are as before then.
///
/// # Safety
/// `root` is the physical address of the root of filled tables, of the format and map that `words` come from; the stores
/// that filled them are visible to this hart; they map the running code, its stack and the trap handler to where they
/// are now. `extensions` are true.
pub unsafe fn install<H: Hart>(hart: &mut H, words: &Words, root: u64, extensions: Extensions) -> Result<(), Refusal> {
    check(words, extensions)?;
    let target = words.rooted(root);
    let before = hart.read(words.register);
    if before != target {
        // SAFETY: the caller's tables map what is in use.
        unsafe { change_root(hart, words, before, target)? };
    }
    let status = hart.status();
    let (set, clear) = (words.sstatus & !status, words.sstatus_clear & status);
    if set != 0 {
        // SAFETY: words name no other bits.
        unsafe { hart.set_status(set) };
    }
    if clear != 0 {
        // SAFETY: words name no other bits.
        unsafe { hart.clear_status(clear) };
    }
    Ok(())
}

/// A regime that this target can install, given what is known of the hart; implemented beside the instructions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be installed on the architecture this is compiled for",
    label = "the regime of this space belongs to another architecture",
    note = "formats build on every host; `install_on` needs the target of the regime: `--target riscv64gc-unknown-none-elf`"
)]
pub trait InstallOn<S: Declared>: Regime {
    /// Makes `S` live.
    ///
    /// # Errors
    /// As for [`install_on`].
    ///
    /// # Safety
    /// As for [`install_on`].
    unsafe fn install_on(extensions: Extensions) -> Result<Installed<S>, Refusal>;
}

/// Makes the space `S` live on this hart, whose tables may use extensions that supervisor mode cannot ask for.
///
/// [`crate::space::install`] does the same for spaces that use none.
///
/// # Errors
/// As for [`crate::space::install`].
///
/// # Safety
/// As for [`crate::space::install`], and this hart has all of `extensions`.
pub unsafe fn install_on<S: Declared>(extensions: Extensions) -> Result<Installed<S>, Refusal>
where
    S::Regime: InstallOn<S>,
{
    // SAFETY: passed on to the caller.
    unsafe { <S::Regime as InstallOn<S>>::install_on(extensions) }
}

/// Refuses what the hart is not known to have.
pub(super) const fn check(words: &Words, extensions: Extensions) -> Result<(), Refusal> {
    if matches!(words.register, Root::Hgatp) && !extensions.has_hypervisor() {
        return Err(Refusal::Privilege { needs: "HS-mode (extension H)", found: 1 });
    }
    let missing = words.needs.without(extensions.features());
    if missing.is_empty() { Ok(()) } else { Err(Refusal::Feature { feature: missing.first() }) }
}

/// # Safety
/// As for [`install`], and `before` is what the register holds.
unsafe fn change_root<H: Hart>(hart: &mut H, words: &Words, before: u64, target: u64) -> Result<(), Refusal> {
    let register = words.register;
    // The stores that filled the tables come before the first walk of them.
    hart.fence(register);
    // SAFETY: as for this function.
    unsafe { hart.write(register, target) };
    let now = hart.read(register);
    if now != target {
        // SAFETY: the value it had.
        unsafe { hart.write(register, before) };
    }
    // Translations that the old tables left under the same ASID, and those of a refused identifier.
    hart.fence(register);
    if now == target { Ok(()) } else { Err(refusal(words, target, now)) }
}

/// Why the register does not hold `target`: the first of its fields that the hart cannot hold.
pub(super) const fn refusal(words: &Words, target: u64, now: u64) -> Refusal {
    let identifier = words.register.identifier();
    let lost = target & !now;
    if (target ^ now) & words.register.mode() != 0 {
        Refusal::Feature { feature: words.mode }
    } else if lost & identifier != 0 {
        let shift = identifier.trailing_zeros();
        let needs = u64::BITS - ((target & identifier) >> shift).leading_zeros();
        Refusal::AsidBits { needs, has: (lost & identifier).trailing_zeros() - shift }
    } else {
        // The rest is the page number; the address has 12 bits more.
        let needs = u64::BITS - (target & !(words.register.mode() | identifier)).leading_zeros() + 12;
        Refusal::OutputBits { needs, has: lost.trailing_zeros() + 12 }
    }
}

#[cfg(test)]
mod tests;
