//! Names and registers for the evidence of a map.

use std::vec;
use std::vec::Vec;

use super::regs::{CR3, ones, words};
use super::{Ept4, Ept5, ExtendedPageTables as _, Level4, Level5};
use crate::arch::evidence::{Installation, Register, Scheme};
use crate::attr::Features;
use crate::format::Format;
use crate::layout::features;
use crate::regime::{Regime, With};

pub(in crate::arch) fn scheme(format: &Format) -> Option<Scheme> {
    let table = [
        (Level4::FORMAT.name, "x86_64-level4", "x86_64::Level4"),
        (Level5::FORMAT.name, "x86_64-level5", "x86_64::Level5"),
        (Ept4::FORMAT.name, "ept", "x86_64::Ept4"),
        (Ept5::FORMAT.name, "ept", "x86_64::Ept5"),
    ];
    Scheme::find("x86_64", format, &table)
}

/// What `install` writes; for a guest, the pointer of the virtual-machine control structure.
pub(in crate::arch) fn registers(of: &Installation<'_>) -> Vec<Register> {
    if of.format.guest {
        return vec![of.root("EPTP", of.roots.lower, pointer(of, 0), (ones(CR3::ROOT), |root| pointer(of, root)))];
    }
    let words = words(of.map, of.space, of.format);
    vec![
        Register::bits("IA32_EFER", words.efer, words.efer),
        Register::whole("IA32_PAT", words.pat),
        of.root("CR3", of.roots.lower, words.cr3, (ones(CR3::ROOT), |root| root)),
        Register::bits("CR4", words.cr4, words.cr4 | words.cr4_clear),
        Register::bits("CR0", words.cr0, words.cr0),
    ]
}

fn pointer(of: &Installation<'_>, root: u64) -> u64 {
    const UPDATES: u64 = Features::EPT_AD.bits();
    match (of.format.levels, features(of.map).contains(Features::EPT_AD)) {
        (4, false) => Ept4::pointer(root),
        (4, true) => <With<Ept4, UPDATES>>::pointer(root),
        (_, false) => Ept5::pointer(root),
        (_, true) => <With<Ept5, UPDATES>>::pointer(root),
    }
}
