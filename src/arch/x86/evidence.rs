//! Names and registers for the evidence of a map.

use std::vec;
use std::vec::Vec;

use super::activate::Mode;
use super::{Legacy32, Pae};
use crate::arch::evidence::{Installation, Register, Scheme};
use crate::attr::Features;
use crate::format::Format;
use crate::layout::features;
use crate::regime::Regime;
use crate::x86_64::regs::{CR0, EFER, ones};

pub(in crate::arch) fn scheme(format: &Format) -> Option<Scheme> {
    let table = [(Legacy32::FORMAT.name, "x86-legacy", "x86::Legacy32"), (Pae::FORMAT.name, "x86-pae", "x86::Pae")];
    Scheme::find("x86", format, &table)
}

/// What `activate` writes, and PAT, which has to be there before.
pub(in crate::arch) fn registers(of: &Installation<'_>) -> Vec<Register> {
    let features = features(of.map);
    let mode = Mode::of(of.format, features);
    let nxe = if features.contains(Features::NX) && !of.format.no_execute.is_empty() { ones(EFER::NXE) } else { 0 };
    let mut list = vec![
        Register::bits("CR4", mode.value, mode.mask),
        of.root("CR3", of.roots.lower, 0, (mode.root, |root| root)),
        Register::bits("CR0", ones(CR0::WP), ones(CR0::WP)),
    ];
    if nxe != 0 {
        list.insert(0, Register::bits("IA32_EFER", nxe, nxe));
    }
    if !of.format.memory_register.name.is_empty() {
        list.insert(0, Register::whole("IA32_PAT", u64::from_le_bytes(of.format.memory_register.slots)));
    }
    list
}
