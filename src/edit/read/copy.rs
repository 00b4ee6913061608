//! Bytes of a space, read and written through its translations.

use core::fmt;

use super::super::range::{RangeError, Span};
use super::trail::Trail;
use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::attr::{Access, Rights};
use crate::regime::Regime;
use crate::tables::PhysicalView;
use crate::walk::Fault;

/// Whose rights count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Those of the user: what a system call copies for its caller.
    User,
    /// Those of the privileged level.
    Privileged,
    /// Nobody's: what is mapped is copied. For loaders and debuggers.
    Mapped,
}

impl Rule {
    const fn allows(self, access: Access, right: Rights) -> bool {
        match self {
            Self::User => access.user.contains(right),
            Self::Privileged => access.privileged.contains(right),
            Self::Mapped => true,
        }
    }
}

/// There is no memory at a physical address, or none that may be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfReach;

/// How the program reads and writes the frames that a space maps.
///
/// The calls are safe, and so an implementation gives access only to what may be copied at any time: bytes that no
/// reference of the program covers. [`Frames`] is one, made by a caller who answers for that.
pub trait PhysicalBytes {
    /// Copies the bytes from `phys` on.
    ///
    /// # Errors
    /// [`OutOfReach`] if some are not there; what `bytes` holds then is arbitrary.
    fn read(&self, phys: PhysAddr, bytes: &mut [u8]) -> Result<(), OutOfReach>;

    /// Copies `bytes` to `phys` on.
    ///
    /// # Errors
    /// [`OutOfReach`] if some of the memory is not there; then none is written.
    fn write(&mut self, phys: PhysAddr, bytes: &[u8]) -> Result<(), OutOfReach>;
}

/// Physical memory as the program sees it.
///
/// # Invariants
/// No reference of the program covers bytes that the view shows, and none of them is part of a table.
#[derive(Debug)]
pub struct Frames<V> {
    view: V,
}

/// Views may show no more than one page at a time.
const PIECE: u64 = 1 << 12;

impl<V: PhysicalView> Frames<V> {
    /// What `view` shows.
    ///
    /// # Safety
    /// As long as the value is used, no reference of the program covers bytes that `view` shows, and none of them is part
    /// of a table.
    #[must_use]
    pub const unsafe fn new(view: V) -> Self {
        Self { view }
    }

    /// Calls `copy` with a pointer to each piece, and with its part of the buffer.
    fn pieces(
        &self,
        phys: PhysAddr,
        bytes: usize,
        mut copy: impl FnMut(*mut u8, usize, usize),
    ) -> Result<(), OutOfReach> {
        let mut done = 0;
        while done < bytes {
            let at = phys.checked_add(done as u64).ok_or(OutOfReach)?;
            let left = PIECE - at.as_u64() % PIECE;
            let until = bytes.min(done.saturating_add(left as usize));
            let pointer = self.view.pointer(at, (until - done) as u64).ok_or(OutOfReach)?;
            copy(pointer.as_ptr(), done, until);
            done = until;
        }
        Ok(())
    }
}

impl<V: PhysicalView> PhysicalBytes for Frames<V> {
    fn read(&self, phys: PhysAddr, bytes: &mut [u8]) -> Result<(), OutOfReach> {
        self.pieces(phys, bytes.len(), |from, start, end| {
            if let Some(piece) = bytes.get_mut(start..end) {
                // SAFETY: the view shows as many bytes at `from`, and by the invariant no reference covers them.
                unsafe { from.copy_to_nonoverlapping(piece.as_mut_ptr(), piece.len()) };
            }
        })
    }

    fn write(&mut self, phys: PhysAddr, bytes: &[u8]) -> Result<(), OutOfReach> {
        self.pieces(phys, bytes.len(), |_, _, _| ())?;
        self.pieces(phys, bytes.len(), |to, start, end| {
            if let Some(piece) = bytes.get(start..end) {
                // SAFETY: as above; tables are not among them.
                unsafe { to.copy_from_nonoverlapping(piece.as_ptr(), piece.len()) };
            }
        })
    }
}

/// Why bytes were not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyError {
    /// The range is none. Nothing was copied.
    Range(RangeError),
    /// An address does not translate. Nothing was copied.
    Fault {
        /// The first that does not.
        at: VirtAddr,
        /// Why.
        fault: Fault,
    },
    /// A page lacks the right. Nothing was copied.
    Denied {
        /// The first address without it.
        at: VirtAddr,
        /// What the page allows.
        access: Access,
    },
    /// A frame cannot be reached.
    OutOfReach {
        /// Its address.
        phys: PhysAddr,
        /// How many bytes were copied before.
        copied: usize,
    },
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(error) => error.fmt(f),
            Self::Fault { at, fault } => write!(f, "{at:?}: {fault}"),
            Self::Denied { at, access } => {
                write!(f, "{at:?} allows {:?} to the kernel and {:?} to the user", access.privileged, access.user)
            }
            Self::OutOfReach { phys, copied } => write!(f, "{phys:?} is out of reach, after {copied:#x} bytes"),
        }
    }
}

impl core::error::Error for CopyError {}

impl<R: Regime, W: Words<R>> Reader<R, W> {
    /// Copies the bytes from `virt` on into `bytes`, over borders of pages of any size.
    ///
    /// # Errors
    /// [`CopyError`]. All translations and rights are looked at first: nothing is copied unless they allow all of it.
    pub fn copy_out<M: PhysicalBytes>(
        &self,
        virt: VirtAddr,
        bytes: &mut [u8],
        rule: Rule,
        memory: &M,
    ) -> Result<(), CopyError> {
        self.pieces(virt, bytes.len(), rule, Rights::R, |_, _, _| Ok(()))?;
        self.pieces(virt, bytes.len(), rule, Rights::R, |phys, from, to| match bytes.get_mut(from..to) {
            Some(piece) => memory.read(phys, piece),
            None => Ok(()),
        })
    }

    /// Copies `bytes` to `virt` on, over borders of pages of any size.
    ///
    /// # Errors
    /// [`CopyError`]. All translations and rights are looked at first: nothing is copied unless they allow all of it.
    pub fn copy_in<M: PhysicalBytes>(
        &self,
        virt: VirtAddr,
        bytes: &[u8],
        rule: Rule,
        memory: &mut M,
    ) -> Result<(), CopyError> {
        self.pieces(virt, bytes.len(), rule, Rights::W, |_, _, _| Ok(()))?;
        self.pieces(virt, bytes.len(), rule, Rights::W, |phys, from, to| match bytes.get(from..to) {
            Some(piece) => memory.write(phys, piece),
            None => Ok(()),
        })
    }

    /// Calls `copy` with the physical address and the part of the buffer of each leaf.
    fn pieces(
        &self,
        virt: VirtAddr,
        bytes: usize,
        rule: Rule,
        right: Rights,
        mut copy: impl FnMut(PhysAddr, usize, usize) -> Result<(), OutOfReach>,
    ) -> Result<(), CopyError> {
        if bytes == 0 {
            return Ok(());
        }
        let format = Self::FORMAT;
        let last = Span::new(format, virt, bytes as u64, 1).map_err(CopyError::Range)?.last;
        let mut trail = Trail::<R>::new();
        let (mut at, mut done) = (virt.as_u64(), 0);
        loop {
            let fault = |fault| CopyError::Fault { at: VirtAddr::new(at), fault };
            let spot = trail.seek(self, at).ok_or_else(|| fault(self.nothing_at(at).0))?;
            let leaf = spot.leaf::<R>().map_err(fault)?;
            if !rule.allows(leaf.access, right) {
                return Err(CopyError::Denied { at: VirtAddr::new(at), access: leaf.access });
            }
            let phys = PhysAddr::new(leaf.address + (at - spot.first::<R>()));
            let end = spot.last::<R>().min(last);
            // No more than the buffer has, which `usize` counts.
            let until = done + (end - at) as usize + 1;
            copy(phys, done, until).map_err(|OutOfReach| CopyError::OutOfReach { phys, copied: done })?;
            if end == last {
                return Ok(());
            }
            (at, done) = (end + 1, until);
        }
    }
}
