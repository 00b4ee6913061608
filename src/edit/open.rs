//! Spaces that are in the registers: opening what is there, and putting one's own there.

use core::fmt;

use super::active::{Activate, Active, ActiveError};
use super::kind::{Kind, Live, Offline};
use super::read::{Reader, Words};
use super::space::{AddressSpace, OpenError};
use crate::flush::Hardware;
use crate::regime::Regime;

/// Why the space in the registers was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenActiveError {
    /// The registers hold no tables of the regime.
    Registers(ActiveError),
    /// The tables are none of a space.
    Tables(OpenError),
}

impl fmt::Display for OpenActiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registers(error) => error.fmt(f),
            Self::Tables(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenActiveError {}

/// A space that did not become the one in use, and the hardware that was to use it.
pub struct NotActivated<K: Kind> {
    /// The space, as it was.
    pub space: AddressSpace<K, Offline>,
    /// The hardware.
    pub hardware: K::Hardware,
    /// Why not.
    pub error: ActiveError,
}

impl<K: Kind> fmt::Debug for NotActivated<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotActivated").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<K: Kind> fmt::Display for NotActivated<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<K: Kind> core::error::Error for NotActivated<K> {}

impl<K: Kind> AddressSpace<K, Live>
where
    K::Regime: Activate,
{
    /// The space that is in the registers of this core, whoever made it. [`Reader::audit`] looks at its tables as a whole.
    ///
    /// # Safety
    /// `memory` reaches the tables, nobody else edits them, and tables that `memory` did not give out it leaves alone in
    /// `free`. No run in them is larger than [`Kind::LARGEST_LEAF`]. `hardware` is the core that runs this whenever the space
    /// is edited.
    ///
    /// # Errors
    /// [`OpenActiveError`]; nothing was written.
    pub unsafe fn open_active(memory: K::Memory, mut hardware: K::Hardware) -> Result<Self, OpenActiveError> {
        let Active { roots, id } = K::Regime::active(&mut hardware).map_err(OpenActiveError::Registers)?;
        // SAFETY: the tables are the regime's, for hardware uses them as such; that it does is what `assume_live` says below.
        let space = unsafe { AddressSpace::from_roots(roots, memory) }.map_err(OpenActiveError::Tables)?;
        // SAFETY: the program runs on these tables already.
        Ok(unsafe { space.with_id(id).assume_live(hardware) })
    }

    /// Makes it the space in use on this core.
    ///
    /// # Safety
    /// As for [`Activate::activate`].
    ///
    /// # Errors
    /// [`ActiveError`]; then another one is still in use.
    pub unsafe fn switch(&mut self) -> Result<(), ActiveError> {
        let to = Active { roots: self.roots, id: self.id };
        // SAFETY: passed on to the caller.
        unsafe { K::Regime::activate(&to, &mut self.hardware) }
    }
}

impl<K: Kind> AddressSpace<K, Offline>
where
    K::Regime: Activate,
{
    /// Makes it the space in use on this core.
    ///
    /// # Safety
    /// As for [`Activate::activate`] and for [`AddressSpace::assume_live`].
    ///
    /// # Errors
    /// [`NotActivated`], with the space as it was.
    #[expect(clippy::result_large_err, reason = "a failed transition gives the same state back, and there is no heap")]
    pub unsafe fn activate(self, mut hardware: K::Hardware) -> Result<AddressSpace<K, Live>, NotActivated<K>> {
        let to = Active { roots: self.roots, id: self.id };
        // SAFETY: passed on to the caller.
        match unsafe { K::Regime::activate(&to, &mut hardware) } {
            // SAFETY: the caller says that the space may be live, and so it is now.
            Ok(()) => Ok(unsafe { self.assume_live(hardware) }),
            Err(error) => Err(NotActivated { space: self, hardware, error }),
        }
    }
}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// A reader of the tables that are in the registers.
    ///
    /// # Errors
    /// [`ActiveError`] if they hold no tables of the regime.
    pub fn active<H: Hardware<R::Architecture>>(hardware: &mut H, words: W) -> Result<Self, ActiveError>
    where
        R: Activate,
    {
        R::active(hardware).map(|active| Self::new(active.roots, words))
    }
}
