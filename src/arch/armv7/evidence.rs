//! Names and registers for the evidence of a map.

use std::format;
use std::vec;
use std::vec::Vec;

use super::activate::Bank;
use super::operation::Register as Cpu;
use super::{Lpae, LpaeHyp, LpaeStage2, Short};
use crate::arch::evidence::{Installation, Register, Scheme};
use crate::format::Format;
use crate::regime::Regime;

pub(in crate::arch) fn scheme(format: &Format) -> Option<Scheme> {
    let guest = format!("armv7::LpaeStage2<{}>", format.input_bits);
    let table = [
        (Short::FORMAT.name, "armv7-short", "armv7::Short"),
        (Lpae::FORMAT.name, "armv7-lpae", "armv7::Lpae"),
        (LpaeHyp::FORMAT.name, "armv7-lpae-pl2", "armv7::LpaeHyp"),
        (<LpaeStage2>::FORMAT.name, "armv7-lpae-stage2", guest.as_str()),
    ];
    Scheme::find("armv7", format, &table)
}

/// What `activate` writes; for short descriptors the root alone, because the program does the rest.
pub(in crate::arch) fn registers(of: &Installation<'_>) -> Vec<Register> {
    if of.format.name == Short::FORMAT.name {
        return vec![of.root("TTBR0", of.roots.lower, 0, (0xffff_c000, |root| root))];
    }
    let bank = match of.format {
        format if format.name == LpaeHyp::FORMAT.name => Bank::PL2,
        format if format.guest => Bank::stage2(format.input_bits, format.levels),
        _ => Bank::PL1,
    };
    let types = u64::from_le_bytes(of.format.memory_register.slots);
    let mut list = Vec::new();
    if let Some([low, high]) = bank.mair {
        list.push(Register::whole(name(low), types & u64::from(u32::MAX)));
        list.push(Register::whole(name(high), types >> 32));
    }
    let id = if bank.has_identifier { of.identifier() << 48 } else { 0 };
    list.push(Register::whole(name(bank.control), bank.word));
    list.push(of.root(name(bank.root), of.roots.lower, id, ((1 << 48) - 1, |root| root)));
    list.push(Register::bits(name(bank.switch.0), bank.switch.2, bank.switch.2));
    list
}

/// As the manual has it.
const fn name(register: Cpu) -> &'static str {
    match register {
        Cpu::Cpsr => "CPSR",
        Cpu::Sctlr => "SCTLR",
        Cpu::Ttbcr => "TTBCR",
        Cpu::Ttbr0 => "TTBR0",
        Cpu::Ttbr1 => "TTBR1",
        Cpu::Mair0 => "MAIR0",
        Cpu::Mair1 => "MAIR1",
        Cpu::Hsctlr => "HSCTLR",
        Cpu::Htcr => "HTCR",
        Cpu::Httbr => "HTTBR",
        Cpu::Hmair0 => "HMAIR0",
        Cpu::Hmair1 => "HMAIR1",
        Cpu::Hcr => "HCR",
        Cpu::Vtcr => "VTCR",
        Cpu::Vttbr => "VTTBR",
    }
}
