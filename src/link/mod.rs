//! The image follows the map: a linker script from the declaration, written by a build script.
//!
//! ```no_run
//! # tablature::memory_map! {
//! #     mod virt for riscv::Sv39;
//! #     physical { dram : 0x8000_0000, 1 GiB, normal; }
//! #     space kernel { tables in data; data (rw) : 0xffff_ffc0_8000_0000 => dram, 2 MiB; }
//! # }
//! fn main() -> Result<(), tablature::link::Error> {
//!     tablature::link::write(virt::MAP)
//! }
//! ```
//!
//! writes `virt.ld` into `OUT_DIR` and hands it to the linker of each binary, where the target has no operating system.
//! The declaration comes into the build script in one of two ways, both with the feature `std` of this crate:
//!
//! * It has a crate of its own, a dependency and a build-dependency: what the example firmware does.
//! * `#[path = "src/map.rs"] mod map;` in `build.rs`, beside `mod map;` in the program. Constants that it names by their
//!   path have to be found in both.
//!
//! Whoever calls the linker otherwise writes the text of a [`Fragment`] where it is needed.
//!
//! # What is in it
//!
//! From the [`image`](crate::memory_map#grammar) blocks, for GNU ld and lld alike:
//!
//! * `MEMORY`: one entry for each section, `SPACE.REGION`, with the capacity of the section. What has no place in the
//!   script is counted where the linker puts it. An image that outgrows one does not link:
//!   ``section '.text' will not fit in region 'kernel.text': overflowed by 906 bytes``.
//! * `PHDRS` and `SECTIONS`: one segment and one output section each, linked at its virtual address and loaded where the
//!   space maps that.
//! * The tables: linked ones are the first bytes of the first section in their region, or have a section of their own,
//!   `.tablature.SPACE`; placed ones lie where they are declared. Images of partitions and guests have none.
//! * `ENTRY`, if the image has one.
//!
//! From any map:
//!
//! * `__tablature_MAP_SPACE_REGION_start`, `…_end`, `…_size` and, where there is physical memory, `…_phys`: of the
//!   spaces with an image, or else of all.
//! * `__tablature_MAP_SPACE_q`, the address of linked tables shifted right by 2, of which RISC-V has no relocation.
//! * `ASSERT`s: sections start where they are declared and fit; tables are aligned, and lie in their region or at their
//!   place; the entry point is where it is declared; no symbol of a size is above its `max`; and the image is not
//!   position-independent, for the entries of its tables would be dynamic relocations, which nobody applies.
//!
//! # What is left to say
//!
//! A script of your own adds to it: its sections name an entry of `MEMORY` and a segment, and where they go.
//!
//! ```text
//! PHDRS { note PT_NOTE FLAGS(4); }
//! SECTIONS { .note.pvh : { KEEP(*(.note.pvh)) } > kernel.rodata :rodata :note } INSERT AFTER .rodata;
//! SECTIONS { /DISCARD/ : { *(.eh_frame .comment) } }
//! ```
//!
//! GNU ld has to read it first, so it is printed in front of the call of [`write`](write()):
//! `println!("cargo::rustc-link-arg-bins=-Tlink.ld")`.

mod error;
mod output;
mod region;
mod script;
mod tables;

use std::boxed::Box;
use std::path::{Path, PathBuf};
use std::println;
use std::string::String;
use std::vec::Vec;

pub use error::Error;
use output::Output;
use region::Places;

use crate::map::Map;

/// The linker script of a map; its text is its [`Display`](core::fmt::Display).
#[derive(Clone, Debug)]
pub struct Fragment<'a> {
    map: &'a str,
    /// Names and values.
    symbols: Vec<(String, u64)>,
    /// Symbols of tables, and of the same shifted right.
    shifted: Vec<(String, String, u32)>,
    entry: Option<String>,
    outputs: Vec<Output<'a>>,
    /// Whether the words of tables are in the image.
    has_tables: bool,
    /// Conditions, and what is said where they do not hold.
    asserts: Vec<(String, String)>,
}

impl<'a> Fragment<'a> {
    /// That of a program with all images of the map. Judges nothing: a map that compiles is sound.
    ///
    /// # Errors
    /// [`Error`], if a name cannot be written, a section has no place or not one of its own, or tables cannot lie where
    /// they are declared.
    pub fn of(map: &Map<'a>) -> Result<Self, Error> {
        Self::with(map, &|_| true)
    }

    /// That of a program with only the image of that name, where partitions are linked one by one.
    ///
    /// # Errors
    /// Those of [`of`](Self::of), and [`Error::NoImage`].
    pub fn of_image(map: &Map<'a>, image: &str) -> Result<Self, Error> {
        if !map.spaces.iter().any(|space| space.image.is_some_and(|it| it.name == image)) {
            return Err(Error::NoImage { image: image.into() });
        }
        Self::with(map, &|name| name == image)
    }

    fn with(map: &Map<'a>, is_wanted: &dyn Fn(&str) -> bool) -> Result<Self, Error> {
        let places = Places::of(map)?;
        let mut fragment = Self {
            map: error::written(map.name)?,
            symbols: Vec::new(),
            shifted: Vec::new(),
            entry: None,
            outputs: Vec::new(),
            has_tables: false,
            asserts: Vec::new(),
        };
        fragment.regions(map, &places, is_wanted)?;
        fragment.images(map, &places, is_wanted)?;
        fragment.tables(map, &places, is_wanted)?;
        fragment.order()?;
        Ok(fragment)
    }

    /// Writes it to a file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        use std::string::ToString;
        let io = |error| Error::Io { path: path.into(), error: Box::new(error) };
        std::fs::write(path, self.to_string()).map_err(io)
    }

    /// Writes it to `MAP.ld` in `OUT_DIR`, and tells cargo to link the package's binaries by it, if their target has no
    /// operating system; the path of the file. For a build script.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::NoBuildScript`] anywhere else.
    pub fn emit(&self) -> Result<PathBuf, Error> {
        let variable = |name| std::env::var(name).map_err(|_| Error::NoBuildScript { variable: name });
        let path = PathBuf::from(variable("OUT_DIR")?).join(std::format!("{}.ld", self.map));
        self.write(&path)?;
        if variable("CARGO_CFG_TARGET_OS")? == "none" {
            println!("cargo::rustc-link-arg-bins=-T{}", path.display());
        }
        println!("cargo::rerun-if-changed=build.rs");
        Ok(path)
    }
}

/// [`Fragment::of`] the map, [`emit`](Fragment::emit)ted.
///
/// # Errors
/// Those of both.
pub fn write(map: &Map<'_>) -> Result<(), Error> {
    Fragment::of(map)?.emit().map(drop)
}
