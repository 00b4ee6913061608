//! Names and registers for the evidence of a map.

use std::vec;
use std::vec::Vec;

use super::regs::{Root, words};
use super::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};
use crate::arch::evidence::{Installation, Register, Scheme};
use crate::format::Format;
use crate::regime::Regime;

pub(in crate::arch) fn scheme(format: &Format) -> Option<Scheme> {
    let table = [
        (Sv32::FORMAT.name, "riscv-sv32", "riscv::Sv32"),
        (Sv39::FORMAT.name, "riscv-sv39", "riscv::Sv39"),
        (Sv48::FORMAT.name, "riscv-sv48", "riscv::Sv48"),
        (Sv57::FORMAT.name, "riscv-sv57", "riscv::Sv57"),
        (Sv39x4::FORMAT.name, "riscv-sv39x4", "riscv::Sv39x4"),
        (Sv48x4::FORMAT.name, "riscv-sv48x4", "riscv::Sv48x4"),
        // Its memory types are bits that the architecture reserves.
        (Sv39C9xx::FORMAT.name, "riscv-sv39-c9xx", "riscv::Sv39C9xx"),
    ];
    Scheme::find("riscv", format, &table)
}

/// What `install` writes: the root, and SUM and MXR as far as the map decides about them.
pub(in crate::arch) fn registers(of: &Installation<'_>) -> Vec<Register> {
    let words = words(of.map, of.space, of.format);
    let name = if matches!(words.register, Root::Hgatp) { "hgatp" } else { "satp" };
    let others = words.register.mode() | words.register.identifier();
    let mut list = vec![of.root(name, of.roots.lower, words.value, (!others, |root| words.rooted(root)))];
    let status = words.sstatus | words.sstatus_clear;
    if status != 0 {
        list.push(Register::bits("sstatus", words.sstatus, status));
    }
    list
}
