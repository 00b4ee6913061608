//! Tables that are made when the program runs: reading the registers that name them, and writing those.
//!
//! With translation off, [`Activate::activate`] is the sequence of `install` without its cache maintenance. With
//! translation on, the registers of the regime stay but for roots and identifier:
//!
//! ```text
//!   dsb ishst                                 the new tables reach the walker
//!   msr TTBR1_ELx, TTBR0_ELx; isb             those that change; the identifier goes with the one that has it
//!   msr TCR_ELx; isb                          if a half was off
//!   tlbi <the identifier, or all>; dsb nsh; isb    if old and new tables share an identifier
//! ```
//!
//! Between the two writes this core may walk the old tables of one half and the new ones of the other under one
//! identifier, so that a new root for the upper half invalidates everything of this core.

use super::Vmsa;
use super::entry::Translation;
use super::install::{Bank, Plan, check_cpu, check_privilege};
use super::operation::{A64, Barrier, Domain, Instruction, Register};
use super::regs::{HCR, MMFR0, MMFR3, TCR_EL3_PIE, TCR_ONE, TCR_TWO, TCR2_PIE, TTBR, VTCR, Words, output_bits};
use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Hardware, Id, Maintain};
use crate::format::Format;
use crate::space::{Refusal, Roots};

impl<R: Vmsa + Maintain<Architecture = A64>> Activate for R {
    fn active_with<H: Hardware<A64>>(
        format: &'static Format,
        features: Features,
        hardware: &mut H,
    ) -> Result<Active, ActiveError> {
        let bank = Bank::of(R::TRANSLATION);
        check_privilege(hardware, R::TRANSLATION)?;
        if hardware.read(bank.switch.0) & bank.switch.1 == 0 {
            return Err(ActiveError::Off);
        }
        Core { words: words::<R>(format, features), bank, hardware }.read()
    }

    unsafe fn activate_with<H: Hardware<A64>>(
        format: &'static Format,
        features: Features,
        to: &Active,
        hardware: &mut H,
    ) -> Result<(), ActiveError> {
        let bank = Bank::of(R::TRANSLATION);
        check_privilege(hardware, R::TRANSLATION)?;
        let mut core = Core { words: words::<R>(format, features), bank, hardware };
        if core.hardware.read(bank.switch.0) & bank.switch.1 != 0 {
            let control = core.hardware.read(bank.control);
            core.check_control(control)?;
            core.check_types()?;
            core.check(to, core.words.output_bits_of(control), control)?;
            core.switch(to, control);
        } else {
            check_cpu(core.hardware, &core.words)?;
            let mmfr0 = core.hardware.read(Register::IdAa64Mmfr0El1);
            core.check(to, output_bits(MMFR0::PA_RANGE.read(mmfr0)), core.words.tcr)?;
            let plan = Plan::at(&core.words, to.roots, core.identifier(to.id), mmfr0);
            // SAFETY: translation is off, and the caller vouches for the tables and the caches.
            unsafe { plan.run(core.hardware) };
        }
        Ok(())
    }
}

#[inline(always)]
fn words<R: Vmsa>(format: &Format, features: Features) -> Words {
    // Only a format that was made for indices has them in its entries.
    let is_indirect = !format.free_rights.is_empty() && format.rights_mask == format.rights_slot[15];
    let features = if is_indirect { features } else { features.without(Features::S1PIE) };
    Words::of(R::TRANSLATION, R::GRANULE, format, features, false)
}

/// The registers of a regime, as they are and as they should be.
struct Core<'a, H> {
    words: Words,
    bank: Bank,
    hardware: &'a mut H,
}

impl<H: Hardware<A64>> Core<'_, H> {
    /// What the registers hold.
    fn read(&mut self) -> Result<Active, ActiveError> {
        let control = self.hardware.read(self.bank.control);
        self.check_control(control)?;
        self.check_types()?;
        self.check_indirection()?;
        let lower = self.hardware.read(self.bank.lower);
        let upper = self.bank.upper.map(|register| self.hardware.read(register));
        let is_on = |off: u64| control & off == 0;
        let roots = Roots {
            lower: is_on(self.words.no_root.0).then(|| self.words.root_in(lower)),
            upper: upper.filter(|_| is_on(self.words.no_root.1)).map(|upper| self.words.root_in(upper)),
        };
        let owner = if self.is_upper_owner(control) { upper.unwrap_or(0) } else { lower };
        let bits = if self.is_wide_identifier(control) { 0xffff } else { 0xff };
        let identifier = TTBR::IDENTIFIER.read(owner) & bits;
        Ok(Active { roots, id: if self.has_identifier() { Id::One(identifier as u16) } else { Id::Every } })
    }

    /// Granule, width, start level and layout, for the halves that are on.
    fn check_control(&self, found: u64) -> Result<(), ActiveError> {
        let expected = self.words.tcr;
        let two = matches!(self.words.translation, Translation::El1 | Translation::El2And0);
        let bits = |offset: u64| 64 - offset as u32;
        let mut halves = [None; 2];
        if !two || !TCR_TWO::EPD0.is_set(found) {
            // The three control registers have these two at the same place.
            halves[0] = Some((TCR_TWO::TG0, TCR_TWO::T0SZ));
        }
        if two && !TCR_TWO::EPD1.is_set(found) {
            halves[1] = Some((TCR_TWO::TG1, TCR_TWO::T1SZ));
        }
        for (granule, offset) in halves.into_iter().flatten() {
            if granule.read(found) != granule.read(expected) {
                return Err(ActiveError::Mode { expected: granule.read(expected), found: granule.read(found) });
            }
            if offset.read(found) != offset.read(expected) {
                let (expected, found) = (bits(offset.read(expected)), bits(offset.read(found)));
                return Err(ActiveError::InputBits { expected, found });
            }
        }
        if matches!(self.words.translation, Translation::Stage2) {
            let level = |word: u64| VTCR::SL2.read(word) << 2 | VTCR::SL0.read(word);
            if level(found) != level(expected) {
                return Err(ActiveError::StartLevel { expected: level(expected), found: level(found) });
            }
        }
        let layout = if two { TCR_TWO::DS::SET.value } else { TCR_ONE::DS::SET.value };
        if (found ^ expected) & layout != 0 {
            return Err(ActiveError::Layout { expected: expected & layout, found: found & layout });
        }
        Ok(())
    }

    /// MAIR_ELx; at stage 2, what MemAttr means.
    fn check_types(&mut self) -> Result<(), ActiveError> {
        let Some(mair) = self.bank.mair else {
            // FEAT_S2FWB gives MemAttr another meaning.
            let found = HCR::FWB.read(self.hardware.read(Register::HcrEl2));
            return if found == 0 { Ok(()) } else { Err(ActiveError::Layout { expected: 0, found }) };
        };
        let found = self.hardware.read(mair);
        if found == self.words.mair {
            Ok(())
        } else {
            Err(ActiveError::MemoryTypes { expected: self.words.mair, found })
        }
    }

    /// Whether permissions are indirect, and which indices permit what.
    fn check_indirection(&mut self) -> Result<(), ActiveError> {
        if self.bank.mair.is_none() {
            return Ok(());
        }
        // TCR2_ELx is there where the CPU has permission indirection.
        if MMFR3::S1PIE.read(self.hardware.read(Register::IdAa64Mmfr3El1)) == 0 {
            return Ok(());
        }
        let [privileged, user, switch] = self.bank.indirect;
        let (register, bit) = switch.map_or((self.bank.control, TCR_EL3_PIE), |register| (register, TCR2_PIE));
        let found = self.hardware.read(register) & bit;
        let expected = if self.words.indirect.is_some() { bit } else { 0 };
        if found != expected {
            return Err(ActiveError::Layout { expected, found });
        }
        if let Some(permissions) = self.words.indirect {
            for (register, expected) in [(privileged, permissions.privileged), (user, permissions.user)] {
                let found = register.map_or(expected, |register| self.hardware.read(register));
                if found != expected {
                    return Err(ActiveError::Layout { expected, found });
                }
            }
        }
        Ok(())
    }

    /// Whether roots of `to` lie below 2^`has`, and its identifier is one with `control`.
    fn check(&self, to: &Active, has: u32, control: u64) -> Result<(), ActiveError> {
        if to.roots.lower.is_none() && to.roots.upper.is_none() {
            return Err(ActiveError::NoRoot);
        }
        let reach = if self.words.wide || has < 48 { has } else { 48 };
        for root in [to.roots.lower, to.roots.upper].into_iter().flatten() {
            if root >> reach != 0 {
                let needs = u64::BITS - root.leading_zeros();
                return Err(Refusal::OutputBits { needs, has: reach }.into());
            }
        }
        match to.id {
            Id::One(id) if self.has_identifier() && id >> 8 != 0 && !self.is_wide_identifier(control) => {
                Err(Refusal::AsidBits { needs: u16::BITS - id.leading_zeros(), has: 8 }.into())
            }
            _ => Ok(()),
        }
    }

    /// Roots and identifier alone; everything else is what it should be.
    fn switch(&mut self, to: &Active, control: u64) {
        let old = self.hardware.read(self.bank.lower);
        let old_upper = self.bank.upper.map_or(0, |register| self.hardware.read(register));
        let is_upper_owner = self.is_upper_owner(control);
        let new = self.root(to.roots.lower, to.id, old, !is_upper_owner);
        let new_upper = self.root(to.roots.upper, to.id, old_upper, is_upper_owner);
        let mut off = 0;
        if to.roots.lower.is_some() {
            off |= self.words.no_root.0;
        }
        if to.roots.upper.is_some() {
            off |= self.words.no_root.1;
        }
        if (old, old_upper, control & off) == (new, new_upper, 0) {
            return;
        }
        self.barrier(Barrier::DsbStores(Domain::Inner));
        let upper = self.bank.upper.filter(|_| old_upper != new_upper);
        if let Some(register) = upper {
            self.execute(Instruction::Write(register, new_upper));
        }
        if old != new {
            self.execute(Instruction::Write(self.bank.lower, new));
        }
        self.barrier(Barrier::Isb);
        if control & off != 0 {
            self.execute(Instruction::Write(self.bank.control, control & !off));
            self.barrier(Barrier::Isb);
        }
        let owner = |lower, upper| TTBR::IDENTIFIER.read(if is_upper_owner { upper } else { lower });
        if upper.is_some() || owner(old, old_upper) == owner(new, new_upper) {
            self.execute(Instruction::Invalidate(self.bank.tlb, Domain::Local, 0));
            self.barrier(Barrier::Dsb(Domain::Local));
            self.barrier(Barrier::Isb);
        }
    }

    /// The word of a root; `old` where it stays, but for the identifier, if the register `owns` it.
    fn root(&self, root: Option<u64>, id: Id, old: u64, owns: bool) -> u64 {
        let identifier = TTBR::IDENTIFIER.val(u64::from(u16::MAX)).value;
        let kept = match root {
            Some(root) => self.words.root(root) | old & identifier,
            None => old,
        };
        if owns && self.has_identifier() { kept & !identifier | self.identifier(id) } else { kept }
    }

    fn identifier(&self, id: Id) -> u64 {
        match id {
            Id::One(id) if self.has_identifier() => TTBR::IDENTIFIER.val(u64::from(id)).value,
            _ => 0,
        }
    }

    const fn has_identifier(&self) -> bool {
        !matches!(self.words.translation, Translation::El2 | Translation::El3)
    }

    /// TCR_ELx.AS, VTCR_EL2.VS.
    fn is_wide_identifier(&self, control: u64) -> bool {
        match self.words.translation {
            Translation::Stage2 => VTCR::VS.is_set(control),
            _ => TCR_TWO::AS.is_set(control),
        }
    }

    /// TCR_ELx.A1: TTBR1_ELx has the identifier.
    fn is_upper_owner(&self, control: u64) -> bool {
        self.bank.upper.is_some() && TCR_TWO::A1.is_set(control)
    }

    fn barrier(&mut self, barrier: Barrier) {
        self.execute(Instruction::Barrier(barrier));
    }

    fn execute(&mut self, instruction: Instruction) {
        // SAFETY: barriers and invalidations are sound; the caller of `activate` vouches for the roots, and other registers
        // keep what they hold.
        unsafe { self.hardware.execute(instruction) }
    }
}
