//! The registers that say which tables hardware uses: reading them, and making other tables the ones in use.

use core::fmt;

use crate::attr::Features;
use crate::flush::{Hardware, Id, Maintain};
use crate::format::Format;
use crate::regime::{Regime, With};
use crate::space::{Declared, Of, Refusal, Roots};

/// What the registers of a core hold: which tables, and under which identifier their translations are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// The roots; none for a half that is off.
    pub roots: Roots,
    /// The identifier (ASID, VMID, PCID); [`Id::Every`] in a regime that has none.
    pub id: Id,
}

/// A regime whose registers this crate can read and write.
///
/// Which registers and which values follow from the regime: granule or mode, widths, memory types. Only roots and
/// identifier are chosen when the program runs.
///
/// An [`AddressSpace`](super::AddressSpace) does all of it by `activate`, `switch` and `open_active`. A declared space on
/// an architecture without [`install`](crate::install) is one of the regime [`Of`] it:
///
/// ```
/// tablature::memory_map! {
///     mod board for armv7::Lpae;
///     physical { ram : 0x4000_0000, 1 GiB, normal; pool : 0x8000_0000, 1 MiB, normal; }
///     space kernel {
///         tables <= 3 at pool, 12 KiB;
///         text (rx, global) : 0xc000_0000 => ram, 2 MiB;
///     }
/// }
/// use board::kernel::Space;
/// use tablature::armv7::{A32, Register};
/// use tablature::edit::{Activate, Active};
/// use tablature::flush::{Id, Recorder};
/// use tablature::space::{Declared, Of};
///
/// let kernel = Active { roots: Space::roots(), id: Id::One(0) };
/// let mut core = Recorder::<A32, 32>::new().with(Register::Cpsr, 0x1d3); // `ThisCpu` on the machine
/// // SAFETY: a recorder translates nothing.
/// unsafe { Of::<Space>::activate(&kernel, &mut core) }?;
/// assert_eq!(Of::<Space>::active(&mut core)?, kernel);
/// # Ok::<(), tablature::edit::ActiveError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this crate knows the tables of `{Self}`, but not its registers",
    label = "cannot be read from the registers, or written to them",
    note = "use `AddressSpace::from_roots` and `into_roots`, and read and write the registers yourself"
)]
pub trait Activate: Maintain {
    /// What the registers hold, if they hold tables of `format` on a CPU with `features`.
    ///
    /// # Errors
    /// [`ActiveError`]: translation is off, or what is in use is not of this regime.
    fn active_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        hardware: &mut H,
    ) -> Result<Active, ActiveError>;

    /// Makes `to` what hardware uses on this core, as [`Activate::activate`] says.
    ///
    /// # Safety
    /// As for [`Activate::activate`].
    ///
    /// # Errors
    /// As for [`Activate::activate`].
    unsafe fn activate_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        to: &Active,
        hardware: &mut H,
    ) -> Result<(), ActiveError>;

    /// What the registers of this core hold.
    ///
    /// # Errors
    /// [`ActiveError`]: translation is off, or what is in use is not of this regime.
    fn active<H: Hardware<Self::Architecture>>(hardware: &mut H) -> Result<Active, ActiveError> {
        Self::active_with(const { &<Self as Regime>::FORMAT }, Self::FEATURES, hardware)
    }

    /// Makes `to` what hardware uses on this core: all registers where translation is off, and then turns it on; where it
    /// is on, roots and identifier alone. A half without a root in `to` stays as it is if translation is on.
    ///
    /// What is cached under the identifier that is in use now is invalidated on this core if `to` has the same, or if the
    /// regime has none. What is cached of earlier use of another identifier is not: whoever gives them out does that.
    ///
    /// # Safety
    /// * The code that runs, its stack and whatever else the program touches next are mapped by `to` to where they are now.
    ///   If the identifier stays, what both spaces map is mapped in leaves of one size to one address with one memory type.
    /// * What is global in the tables in use now is so in `to`, or was flushed: global translations stay where translation is
    ///   on.
    /// * The tables are of this regime. Where translation is off, no cache holds lines of what they were before.
    ///
    /// # Errors
    /// [`ActiveError`] if what is in use is not of this regime, or, with translation off, if the CPU lacks what the regime
    /// needs; then nothing was written.
    unsafe fn activate<H: Hardware<Self::Architecture>>(to: &Active, hardware: &mut H) -> Result<(), ActiveError> {
        // SAFETY: passed on to the caller word by word.
        unsafe { Self::activate_with(const { &<Self as Regime>::FORMAT }, Self::FEATURES, to, hardware) }
    }
}

/// Why the registers do not hold a space of the regime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActiveError {
    /// Translation is off.
    Off,
    /// The CPU, or its privilege, is not one for the regime.
    Refused(Refusal),
    /// Another granule or mode is in use; both as the register has them.
    Mode {
        /// What the regime has.
        expected: u64,
        /// What the register holds.
        found: u64,
    },
    /// Another input width is in use.
    InputBits {
        /// Bits of the regime.
        expected: u32,
        /// Bits of what is in use.
        found: u32,
    },
    /// The walk starts at another level; both as the register has them.
    StartLevel {
        /// What the regime has.
        expected: u64,
        /// What the register holds.
        found: u64,
    },
    /// Entries of another layout are in use (52-bit addresses, permission indices); both as the registers have them.
    Layout {
        /// What the regime has.
        expected: u64,
        /// What the registers hold.
        found: u64,
    },
    /// The register behind the memory types holds others.
    MemoryTypes {
        /// What the regime has.
        expected: u64,
        /// What the register holds.
        found: u64,
    },
    /// There is no root to use.
    NoRoot,
}

impl From<Refusal> for ActiveError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for ActiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("translation is off"),
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::Mode { expected, found } => {
                write!(f, "the granule or mode in use is {found:#x}, that of the regime {expected:#x}")
            }
            Self::InputBits { expected, found } => {
                write!(f, "addresses in use have {found} bits, those of the regime {expected}")
            }
            Self::StartLevel { expected, found } => {
                write!(f, "the walk in use starts at {found:#x}, that of the regime at {expected:#x}")
            }
            Self::Layout { expected, found } => {
                write!(f, "entries in use have the layout {found:#x}, those of the regime {expected:#x}")
            }
            Self::MemoryTypes { expected, found } => {
                write!(f, "the memory types in use are {found:#x}, those of the regime {expected:#x}")
            }
            Self::NoRoot => f.write_str("there is no root"),
        }
    }
}

impl core::error::Error for ActiveError {}

impl<R: Activate, const FEATURES: u64> Activate for With<R, FEATURES> {
    fn active_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        hardware: &mut H,
    ) -> Result<Active, ActiveError> {
        R::active_with(format, features, hardware)
    }

    unsafe fn activate_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        to: &Active,
        hardware: &mut H,
    ) -> Result<(), ActiveError> {
        // SAFETY: passed on to the caller word by word.
        unsafe { R::activate_with(format, features, to, hardware) }
    }
}

impl<S: Declared> Activate for Of<S>
where
    S::Regime: Activate,
{
    fn active_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        hardware: &mut H,
    ) -> Result<Active, ActiveError> {
        S::Regime::active_with(format, features, hardware)
    }

    unsafe fn activate_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        to: &Active,
        hardware: &mut H,
    ) -> Result<(), ActiveError> {
        // SAFETY: passed on to the caller word by word.
        unsafe { S::Regime::activate_with(format, features, to, hardware) }
    }
}
