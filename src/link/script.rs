//! The text.

use core::fmt::{self, Display, Formatter};
use std::vec::Vec;

use super::Fragment;
use super::output::Output;
use crate::map::{Contents, Input};

const PIC: &str = "position-independent link: the entries of the tables would be dynamic relocations, which nobody applies \
                   before the MMU is on; link with -C relocation-model=static, or fill the tables at boot";

impl Display for Fragment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "/* Written by tablature from the map {}: the map decides, the linker follows. */", self.map)?;
        if let Some(entry) = &self.entry {
            writeln!(f, "\nENTRY({entry})")?;
        }
        self.symbols(f)?;
        if !self.outputs.is_empty() {
            self.memory(f)?;
            self.segments(f)?;
            self.sections(f)?;
        }
        self.assertions(f)
    }
}

impl Fragment<'_> {
    fn symbols(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for (name, value) in &self.symbols {
            writeln!(f, "{name} = {value:#x};")?;
        }
        if !self.shifted.is_empty() {
            writeln!(f, "\n/* An entry holds an address shifted right, which no relocation can express. */")?;
        }
        for (symbol, name, shift) in &self.shifted {
            writeln!(f, "{name} = DEFINED({symbol}) ? {symbol} >> {shift} : 0;")?;
        }
        Ok(())
    }

    fn memory(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nMEMORY\n{{")?;
        for it in self.ascending() {
            writeln!(f, "    {} : ORIGIN = {:#x}, LENGTH = {:#x}", it.memory, it.start, it.size)?;
        }
        writeln!(f, "}}")
    }

    fn segments(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nPHDRS\n{{")?;
        for it in self.ascending() {
            writeln!(f, "    {} PT_LOAD FLAGS({});", it.segment(), it.flags())?;
        }
        writeln!(f, "}}")
    }

    fn ascending(&self) -> Vec<&Output<'_>> {
        let mut outputs: Vec<_> = self.outputs.iter().collect();
        outputs.sort_by_key(|output| output.start);
        outputs
    }

    fn sections(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nSECTIONS\n{{")?;
        let mut relocations = self.has_tables;
        for (i, it) in self.outputs.iter().enumerate() {
            writeln!(f, "{}{it}", if i == 0 { "" } else { "\n" })?;
            if relocations && it.contents == Contents::Loaded {
                relocations = false;
                writeln!(f, "\n    /* Only a position-independent link has any. */")?;
                writeln!(f, "    .rela.dyn : {{")?;
                writeln!(f, "        *(.rela .rela.* .rel .rel.* .relr .relr.*)")?;
                writeln!(f, "    }} > {} :{}", it.memory, it.segment())?;
            }
        }
        writeln!(f, "}}")
    }

    fn assertions(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for Output { name, start, size, memory, .. } in &self.outputs {
            writeln!(
                f,
                "ASSERT(SIZEOF({name}) <= {size:#x}, \"{name} outgrows {memory}, which has {size:#x} bytes\")"
            )?;
            writeln!(f, "ASSERT(SIZEOF({name}) == 0 || ADDR({name}) == {start:#x},")?;
            writeln!(f, "    \"{name} does not start at {start:#x}: its contents ask for a larger alignment\")")?;
        }
        for (condition, text) in &self.asserts {
            writeln!(f, "ASSERT({condition},\n    \"{text}\")")?;
        }
        if self.has_tables {
            let sections: &[&str] =
                if self.outputs.is_empty() { &[".rela.dyn", ".rel.dyn", ".relr.dyn"] } else { &[".rela.dyn"] };
            write!(f, "ASSERT(")?;
            for (i, section) in sections.iter().enumerate() {
                write!(f, "{}SIZEOF({section}) == 0", if i == 0 { "" } else { " && " })?;
            }
            writeln!(f, ",\n    \"{PIC}\")")?;
        }
        Ok(())
    }
}

impl Output<'_> {
    /// Flags of its segment: those of ELF are the rights in the opposite order.
    fn flags(&self) -> u8 {
        let flag = |right, bit| if self.rights.contains(right) { bit } else { 0 };
        flag(crate::attr::Rights::R, 4) | flag(crate::attr::Rights::W, 2) | flag(crate::attr::Rights::X, 1)
    }
}

impl Display for Output<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "    {} ", self.name)?;
        if self.contents != Contents::Loaded {
            write!(f, "(NOLOAD) ")?;
        }
        write!(f, ": ")?;
        if let Some(load) = self.load.filter(|load| *load != self.start) {
            write!(f, "AT({load:#x}) ")?;
        }
        writeln!(f, "{{")?;
        for symbol in &self.tables {
            writeln!(f, "        KEEP(*(.tablature.{symbol}))\n        KEEP(*(.data.{symbol}))")?;
        }
        for input in &self.inputs {
            write_input(f, input)?;
        }
        if self.contents == Contents::Reserved {
            writeln!(f, "        . += {:#x};", self.size)?;
        }
        write!(f, "    }} > {} :{}", self.memory, self.segment())
    }
}

/// Input sections of a name, those of small data included, where compilers make them.
fn write_input(f: &mut Formatter<'_>, input: &Input<'_>) -> fmt::Result {
    let name = input.name;
    let more = match name {
        ".rodata" => " .srodata .srodata.*",
        ".data" => " .sdata .sdata.*",
        ".bss" => " .sbss .sbss.* COMMON",
        _ => "",
    };
    let (open, close) = if input.keep { ("KEEP(", ")") } else { ("", "") };
    writeln!(f, "        {open}*({name} {name}.*{more}){close}")
}
