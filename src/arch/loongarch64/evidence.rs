//! Names and registers for the evidence of a map.

use std::vec;
use std::vec::Vec;

use super::La64;
use super::activate::walk_of;
use crate::arch::evidence::{Installation, Register, Scheme};
use crate::format::Format;
use crate::regime::Regime;

pub(in crate::arch) fn scheme(format: &Format) -> Option<Scheme> {
    Scheme::find("loongarch64", format, &[(La64::FORMAT.name, "loongarch64", "loongarch64::La64")])
}

/// What `activate` writes or wants to find there.
pub(in crate::arch) fn registers(of: &Installation<'_>) -> Vec<Register> {
    let [low, high] = walk_of(of.format);
    let root = |name, root| of.root(name, root, 0, (!0xfff, |address| address));
    vec![
        Register::whole("PWCL", low),
        Register::whole("PWCH", high),
        root("PGDL", of.roots.lower),
        root("PGDH", of.roots.upper),
        Register::bits("ASID", of.identifier(), 0x3ff),
    ]
}
