//! What a map proves, as a document: for reviewers, for reports, and for a checker that compares the final image with it.
//!
//! [`Evidence::of`] takes the constant `MAP` of a declaration, or any other [`Map`]; [`Evidence::to_json`] is a document of
//! `schema/evidence-1.schema.json`: spaces, regions with their requirements and leaves, number and hash of tables, registers,
//! every rule with its verdict and reference, waivers, isolation pair by pair, channels, DMA, transitions, and what made it.
//!
//! In a build script that includes the declaration, or in a program of the host:
//!
//! ```
//! mod board {
//!     tablature::memory_map! {
//!         pub mod plant for riscv::Sv39;
//!         physical { dram : 0x8000_0000, 1 GiB, normal; }
//!         space kernel {
//!             #[req("SYS-12")]
//!             text (rx) : 0xffff_ffc0_0000_0000 => dram, 2 MiB;
//!         }
//!     }
//! }
//! use tablature::evidence::Evidence;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let evidence = Evidence::of(board::plant::MAP, &tablature::generator!()?)?;
//! assert!(evidence.to_json().contains("SYS-12"));
//! # let directory = std::env::temp_dir();
//! std::fs::write(directory.join("plant.json"), evidence.to_json())?;
//! # Ok(())
//! # }
//! ```
//!
//! A map that breaks a rule has a document, too, if it is built at run time (in the notation it does not compile): the
//! [verdict](Evidence::verdict) is `violated`, the broken rules say what was found, and there are no tables.
//!
//! Tables are hashed as they are with the first one at address 0, so that a hash depends on the declaration alone, wherever
//! the linker puts them.

mod document;
mod facts;
mod hex;
mod isolation;
mod judge;
mod masters;
mod sharing;
mod spaces;
mod tables;
mod transitions;

use std::string::String;
use std::{fmt, io};

use document::Document;
use judge::Judged;

use crate::map::Map;

/// The version of the document.
const SCHEMA: &str = "tablature-evidence/1";

/// What made a document: a crate and the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    name: String,
    version: String,
    rustc: String,
}

impl Generator {
    /// A crate, and the compiler that Cargo uses: `$RUSTC`, which is set in build scripts, or `rustc`.
    ///
    /// [`generator!`](crate::generator) fills in the name and version of the crate that it stands in.
    ///
    /// # Errors
    /// The compiler cannot be asked for its version.
    pub fn new(name: &str, version: &str) -> io::Result<Self> {
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = std::process::Command::new(compiler).arg("--version").output()?;
        if !output.status.success() {
            return Err(io::Error::other("the compiler does not tell its version"));
        }
        Ok(Self::with_compiler(name, version, String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// A crate, and what `rustc --version` said.
    #[must_use]
    pub fn with_compiler(name: &str, version: &str, rustc: &str) -> Self {
        Self { name: name.into(), version: version.into(), rustc: rustc.into() }
    }
}

/// The [`Generator`](crate::evidence::Generator) of the crate that this stands in, or why the compiler did not tell its
/// version.
#[macro_export]
macro_rules! generator {
    () => {
        $crate::evidence::Generator::new(::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_PKG_VERSION"))
    };
}

/// How a map keeps the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing was found.
    Kept,
    /// There are warnings.
    Warned,
    /// What was found is waived, with reasons.
    Waived,
    /// A rule is broken.
    Violated,
}

impl Verdict {
    /// Its name in a document.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "held",
            Self::Warned => "warned",
            Self::Waived => "waived",
            Self::Violated => "violated",
        }
    }
}

/// Why there is no document of a map.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// More regions than a program can name.
    TooManyRegions {
        /// Regions of the map.
        regions: usize,
    },
    /// More findings than are kept; a document that leaves some out would be none.
    TooManyFindings {
        /// How many there are.
        findings: usize,
    },
    /// The tables of a space have more bytes than a program of the host should hold.
    TooManyTables {
        /// The space.
        space: String,
        /// How many there are.
        tables: usize,
    },
    /// The map needs more stack than a thread gets.
    Thread(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRegions { regions } => {
                write!(f, "the map has {regions} regions, and at most {} can be judged", judge::MOST_REGIONS)
            }
            Self::TooManyFindings { findings } => {
                write!(f, "there are {findings} findings, and at most {} are kept", judge::MOST_FINDINGS)
            }
            Self::TooManyTables { space, tables } => {
                write!(f, "space `{space}` has {tables} tables, more than {} bytes", tables::MOST_BYTES)
            }
            Self::Thread(error) => write!(f, "no thread to judge the map in: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Thread(error) => Some(error),
            _ => None,
        }
    }
}

/// The evidence of a map.
#[derive(Debug)]
pub struct Evidence {
    document: Document,
    verdict: Verdict,
}

impl Evidence {
    /// Judges and plans `map` once more, and writes down what comes out.
    ///
    /// The cost is that of constant evaluation at the speed of the host: milliseconds for maps of a hundred regions. The work
    /// is done in a thread with a large stack.
    ///
    /// # Errors
    /// The map is larger than anything that a document should be made of.
    pub fn of(map: &Map<'_>, generator: &Generator) -> Result<Self, Error> {
        let judged = Judged::of(map)?;
        let document = Document {
            schema: SCHEMA,
            generator: document::Generator {
                tablature: env!("CARGO_PKG_VERSION"),
                rustc: generator.rustc.clone(),
                package: document::Package { name: generator.name.clone(), version: generator.version.clone() },
            },
            map: document::Named { name: map.name.into() },
            verdict: judged.verdict().name(),
            format: facts::format(map, &facts::map_format(map)),
            cpu: facts::cpu(map),
            policy: facts::policy(map),
            resources: facts::resources(map),
            spaces: spaces::of(map, &judged)?,
            channels: sharing::channels(map, &judged),
            devices: sharing::devices(map),
            transitions: transitions::of(map, &judged),
            isolation: isolation::of(map, &judged),
            dma_isolation: masters::of(map, &judged),
            waivers: judged.waivers(map),
            rules: judged.rules(),
        };
        Ok(Self { document, verdict: judged.verdict() })
    }

    /// The worst verdict of a rule.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists: nothing here can fail to be serialized.
        serde_json::to_string_pretty(&self.document).unwrap_or_default()
    }
}
