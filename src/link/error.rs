//! What keeps a fragment from being written.

use core::fmt;
use std::boxed::Box;
use std::path::PathBuf;
use std::string::String;

/// Why there is no fragment.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A name has other characters than letters, digits, `_`, `.` and `$`.
    Name {
        /// The name.
        name: String,
    },
    /// Two sections, segments or symbols would have one name.
    Twice {
        /// The name.
        name: String,
    },
    /// A section has no place: its region is none, or has no address.
    Section {
        /// The section.
        section: String,
    },
    /// No space has such an image.
    NoImage {
        /// Its name.
        image: String,
    },
    /// Tables are declared where a section does not start.
    TablesInside {
        /// The space of the tables.
        space: String,
        /// Their physical address.
        at: u64,
        /// The section around them.
        section: String,
    },
    /// All sections in the region of linked tables are without bytes in the file.
    NoRoom {
        /// The space of the tables.
        space: String,
        /// The region.
        region: String,
    },
    /// More regions than can be laid out.
    TooManyRegions {
        /// How many there are.
        regions: usize,
    },
    /// Cargo did not set a variable that it sets for build scripts.
    NoBuildScript {
        /// The variable.
        variable: &'static str,
    },
    /// The file cannot be written.
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<std::io::Error>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name } => {
                write!(f, "`{name}` cannot be written in a linker script: use letters, digits, `_`, `.` and `$`")
            }
            Self::Twice { name } => write!(f, "two sections or symbols of the image are `{name}`: rename one"),
            Self::Section { section } => {
                write!(f, "the section `{section}` has no place: no region of its space is the one it names")
            }
            Self::NoImage { image } => write!(f, "no space has an image `{image}`"),
            Self::TablesInside { space, at, section } => write!(
                f,
                "the tables of `{space}` are declared at {at:#x}, inside the section `{section}`: \
                 place them where it starts, or give them a region of their own"
            ),
            Self::NoRoom { space, region } => write!(
                f,
                "the tables of `{space}` are linked in `{region}`, whose sections are not in the file: \
                 declare one there that is"
            ),
            Self::TooManyRegions { regions } => {
                write!(f, "{regions} regions are more than the {} that are laid out", super::region::MOST)
            }
            Self::NoBuildScript { variable } => write!(f, "{variable} is not set: call this in a build script"),
            Self::Io { path, error } => write!(f, "cannot write {}: {error}", path.display()),
        }
    }
}

impl core::error::Error for Error {}

/// A name that a linker script can hold without quotes.
pub(super) fn written(name: &str) -> Result<&str, Error> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte);
    let starts = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts && name.bytes().all(good) { Ok(name) } else { Err(Error::Name { name: name.into() }) }
}
