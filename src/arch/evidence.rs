//! What the architectures add to the evidence of a map: what their formats are called, and which registers the tables of a
//! declared space stand behind.

use std::string::String;
use std::vec::Vec;

use super::{aarch64, armv7, loongarch64, riscv, x86, x86_64};
use crate::format::Format;
use crate::map::{Map, Space};
use crate::space::Roots;

/// What a format is called.
pub(crate) struct Scheme {
    /// Its architecture.
    pub(crate) architecture: &'static str,
    /// What a decoder chooses by.
    pub(crate) id: &'static str,
    /// Its name in the notation.
    pub(crate) notation: String,
}

impl Scheme {
    /// That of `format`, by the name that the architectures give it.
    pub(crate) fn of(format: &Format) -> Self {
        let architectures: [fn(&Format) -> Option<Self>; 6] = [
            aarch64::evidence::scheme,
            riscv::evidence::scheme,
            x86_64::evidence::scheme,
            x86::evidence::scheme,
            armv7::evidence::scheme,
            loongarch64::evidence::scheme,
        ];
        let other = || Self::new("other", "other", format.name);
        architectures.iter().find_map(|scheme| scheme(format)).unwrap_or_else(other)
    }

    pub(super) fn new(architecture: &'static str, id: &'static str, notation: impl Into<String>) -> Self {
        Self { architecture, id, notation: notation.into() }
    }

    /// The row of `table` (name of the format, id, name in the notation) that is about `format`.
    pub(super) fn find(
        architecture: &'static str,
        format: &Format,
        table: &[(&str, &'static str, &str)],
    ) -> Option<Self> {
        let (_, id, notation) = table.iter().find(|(name, ..)| *name == format.name)?;
        Some(Self::new(architecture, id, *notation))
    }
}

/// What the installation of a space's tables writes to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register {
    /// As the manual names it.
    pub(crate) name: &'static str,
    /// The value; bits that the map does not decide about are 0.
    pub(crate) value: u64,
    /// The bits that the map decides about.
    pub(crate) mask: u64,
    /// It holds a root.
    pub(crate) is_root: bool,
}

impl Register {
    /// A register that is written as a whole.
    pub(super) const fn whole(name: &'static str, value: u64) -> Self {
        Self::bits(name, value, u64::MAX)
    }

    /// Some bits of a register.
    pub(super) const fn bits(name: &'static str, value: u64, mask: u64) -> Self {
        Self { name, value: value & mask, mask, is_root: false }
    }
}

/// A space whose registers are asked for.
pub(crate) struct Installation<'m> {
    pub(crate) map: &'m Map<'m>,
    pub(crate) space: usize,
    pub(crate) format: &'m Format,
    /// Where the roots lie; from 0 on, where only the linker or the boot loop knows.
    pub(crate) roots: Roots,
    /// Whether the roots lie there.
    pub(crate) placed: bool,
}

impl Installation<'_> {
    /// The registers, in the order of the manual's installation.
    pub(crate) fn registers(&self) -> Vec<Register> {
        let mut list = match Scheme::of(self.format).architecture {
            "aarch64" => aarch64::evidence::registers(self),
            "riscv" => riscv::evidence::registers(self),
            "x86_64" => x86_64::evidence::registers(self),
            "x86" => x86::evidence::registers(self),
            "armv7" => armv7::evidence::registers(self),
            "loongarch64" => loongarch64::evidence::registers(self),
            _ => Vec::new(),
        };
        // What the map has nothing to say about, it does not change.
        list.retain(|register| register.mask != 0);
        list
    }

    pub(super) fn declaration(&self) -> &Space<'_> {
        &self.map.spaces[self.space]
    }

    /// The identifier of the address space, 0 if it has none.
    pub(super) fn identifier(&self) -> u64 {
        self.declaration().asid.unwrap_or(0).into()
    }

    /// A register that holds a root in the bits `field`: 0 if there is none, or `encode` of its address; and `others` beside it.
    pub(super) fn root(
        &self,
        name: &'static str,
        root: Option<u64>,
        others: u64,
        (field, encode): (u64, impl Fn(u64) -> u64),
    ) -> Register {
        let mask = if self.placed || root.is_none() { u64::MAX } else { !field };
        let word = root.map_or(0, encode) & field | others;
        Register { is_root: root.is_some(), ..Register::bits(name, word, mask) }
    }
}
