//! Names and registers for the evidence of a map.

use std::format;
use std::vec::Vec;

use super::entry::Translation;
use super::granule::GranuleSize;
use super::install::Bank;
use super::name::Name;
use super::operation::Register as Cpu;
use super::regs::{TCR2_PIE, words};
use crate::arch::evidence::{Installation, Register, Scheme};
use crate::format::Format;

const TRANSLATIONS: [(Translation, &str, &str); 5] = [
    (Translation::El1, "aarch64-stage1-el1", "El1"),
    (Translation::El2, "aarch64-stage1-el2", "El2"),
    (Translation::El2And0, "aarch64-stage1-el20", "El2And0"),
    (Translation::El3, "aarch64-stage1-el3", "El3"),
    (Translation::Stage2, "aarch64-stage2", "Stage2"),
];
const GRANULES: [(GranuleSize, &str); 3] =
    [(GranuleSize::Four, "G4K"), (GranuleSize::Sixteen, "G16K"), (GranuleSize::SixtyFour, "G64K")];

/// Bits of a root register that are not the identifier or CnP.
const ROOT: u64 = ((1 << 48) - 1) & !1;

/// Which of the regimes a format is of, with what it is called.
fn regime(format: &Format) -> Option<(Translation, GranuleSize, Scheme)> {
    TRANSLATIONS.iter().find_map(|(translation, id, regime)| {
        GRANULES.iter().find_map(|(size, granule)| {
            let name = Name::of(*translation, *size, format.input_bits);
            let notation = || format!("aarch64::{regime}<{granule}, {}>", format.input_bits);
            (name.text() == format.name).then(|| (*translation, *size, Scheme::new("aarch64", id, notation())))
        })
    })
}

pub(in crate::arch) fn scheme(format: &Format) -> Option<Scheme> {
    regime(format).map(|(.., scheme)| scheme)
}

/// What `install` writes, in its order.
pub(in crate::arch) fn registers(of: &Installation<'_>) -> Vec<Register> {
    let Some((translation, granule, _)) = regime(of.format) else { return Vec::new() };
    let words = words(translation, granule, of.map, of.space, of.format);
    let bank = Bank::of(translation);
    // What the CPU has decides about the output size, unless the map does.
    let size = if words.pa_bits.is_some() { 0 } else { words.output_size(u64::MAX) };
    let field = (words.root(u64::MAX) & ROOT, |address| words.root(address));
    let mut list = Vec::new();
    if let Some(mair) = bank.mair {
        list.push(Register::whole(name(mair), words.mair));
    }
    list.push(Register::bits(name(bank.control), words.control(0, of.roots), !size));
    list.push(of.root(name(bank.lower), of.roots.lower, words.identifier, field));
    if let Some(upper) = bank.upper {
        list.push(of.root(name(upper), of.roots.upper, 0, field));
    }
    if let Some(permissions) = words.indirect {
        let [privileged, user, switch] = bank.indirect;
        list.extend(privileged.map(|register| Register::whole(name(register), permissions.privileged)));
        list.extend(user.map(|register| Register::whole(name(register), permissions.user)));
        list.extend(switch.map(|register| Register::bits(name(register), TCR2_PIE, TCR2_PIE)));
    }
    let (set, clear) = bank.switched();
    list.push(Register::bits(name(bank.switch.0), set, set | clear));
    list
}

/// As the manual has it.
const fn name(register: Cpu) -> &'static str {
    match register {
        Cpu::MairEl1 => "MAIR_EL1",
        Cpu::MairEl2 => "MAIR_EL2",
        Cpu::MairEl3 => "MAIR_EL3",
        Cpu::TcrEl1 => "TCR_EL1",
        Cpu::TcrEl2 => "TCR_EL2",
        Cpu::TcrEl3 => "TCR_EL3",
        Cpu::Ttbr0El1 => "TTBR0_EL1",
        Cpu::Ttbr0El2 => "TTBR0_EL2",
        Cpu::Ttbr0El3 => "TTBR0_EL3",
        Cpu::Ttbr1El1 => "TTBR1_EL1",
        Cpu::Ttbr1El2 => "TTBR1_EL2",
        Cpu::PirEl1 => "PIR_EL1",
        Cpu::Pire0El1 => "PIRE0_EL1",
        Cpu::Tcr2El1 => "TCR2_EL1",
        Cpu::PirEl2 => "PIR_EL2",
        Cpu::Pire0El2 => "PIRE0_EL2",
        Cpu::Tcr2El2 => "TCR2_EL2",
        Cpu::PirEl3 => "PIR_EL3",
        Cpu::VtcrEl2 => "VTCR_EL2",
        Cpu::VttbrEl2 => "VTTBR_EL2",
        Cpu::SctlrEl1 => "SCTLR_EL1",
        Cpu::SctlrEl2 => "SCTLR_EL2",
        Cpu::SctlrEl3 => "SCTLR_EL3",
        Cpu::HcrEl2 => "HCR_EL2",
        _ => "another register",
    }
}
