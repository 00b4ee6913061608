//! A declared space at run time: where its tables are, and how it comes into force.

use core::fmt;
use core::marker::PhantomData;

use crate::attr::Features;
use crate::format::Format;
use crate::map::Map;
use crate::regime::Regime;

/// A space of a declaration; the declaration makes the type and implements this.
pub trait Declared: 'static {
    /// The regime that reads its tables.
    type Regime: Regime;
    /// The declaration.
    const MAP: &'static Map<'static>;
    /// Index of the space in the declaration.
    const INDEX: usize;
    /// The format as the declaration's CPU block shapes it.
    const FORMAT: Format;

    /// Physical addresses of the roots.
    fn roots() -> Roots;

    /// All of its tables: physical start, bytes, and the address at which the bytes can be read now.
    fn tables() -> (u64, usize, usize);
}

/// Physical addresses of the root tables. Where one root serves both halves it is `lower`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Root of the lower half, or of everything.
    pub lower: Option<u64>,
    /// Root of the upper half.
    pub upper: Option<u64>,
}

/// Why a space was not installed. Nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The map uses a feature that this CPU does not have.
    Feature {
        /// The first such feature.
        feature: Features,
    },
    /// The CPU has fewer physical address bits than the map was declared for.
    OutputBits {
        /// Bits that the map needs.
        needs: u32,
        /// Bits that the CPU has.
        has: u32,
    },
    /// The CPU translates fewer input bits.
    InputBits {
        /// Bits that the map needs.
        needs: u32,
        /// Bits that the CPU has.
        has: u32,
    },
    /// The code runs at a privilege from which the registers of the regime cannot be written.
    Privilege {
        /// What is needed.
        needs: &'static str,
        /// The privilege found, as the architecture numbers it.
        found: u64,
    },
    /// Another map is in force: changing maps is a switch, not an installation.
    Busy,
    /// The tables still hold link-time addresses: the image was moved and not relocated.
    NotRelocated {
        /// The first table pointer as it should be.
        expected: u64,
        /// The word found.
        found: u64,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature { feature } => write!(f, "the map needs `{}`, which this CPU does not have", feature.name()),
            Self::OutputBits { needs, has } => {
                write!(f, "the map needs {needs} physical address bits, this CPU has {has}")
            }
            Self::InputBits { needs, has } => write!(f, "the map needs {needs} input bits, this CPU has {has}"),
            Self::Privilege { needs, found } => write!(f, "installing needs {needs}, found privilege {found}"),
            Self::Busy => f.write_str("another map is in force"),
            Self::NotRelocated { expected, found } => {
                write!(f, "the tables are not relocated: expected {expected:#x}, found {found:#x}")
            }
        }
    }
}

impl core::error::Error for Refusal {}

/// Proof that `S` is in force on this core. Only a real backend makes one.
#[derive(Debug)]
pub struct Installed<S>(PhantomData<S>);

impl<S: Declared> Installed<S> {
    /// # Safety
    ///
    /// The tables of `S` are what this core translates with.
    #[allow(dead_code, reason = "no backend is compiled on this target")]
    pub(crate) const unsafe fn assert() -> Self {
        Self(PhantomData)
    }
}

/// A regime that this target can install; implemented beside the instructions.
pub trait Install<S: Declared>: Regime {
    /// Puts the tables of `S` into force.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]; nothing has been changed then.
    ///
    /// # Safety
    ///
    /// See [`install`].
    unsafe fn install() -> Result<Installed<S>, Refusal>;
}

/// Puts the tables of `S` into force on this core. A second call finds them in force and writes nothing.
///
/// # Errors
///
/// See [`Refusal`]; nothing has been changed then.
///
/// # Safety
///
/// The running code, its stack, the exception vectors and everything a live pointer refers to are mapped by `S` at the
/// addresses at which they are used now, with the rights they need.
pub unsafe fn install<S: Declared>() -> Result<Installed<S>, Refusal>
where
    S::Regime: Install<S>,
{
    // SAFETY: the caller keeps the contract, which is that of `Install::install`.
    unsafe { <S::Regime as Install<S>>::install() }
}
