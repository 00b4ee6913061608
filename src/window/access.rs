//! The memory of mapped pages, as far as their rights go.

use core::ptr;

use super::count::Count;
use super::facts::WindowRegion;
use super::handle::{Device, Mapped, Memory, Normal};
use crate::edit::{CanRead, CanWrite, Granted, Kind};
use crate::page::PageSize;
use crate::space::{Declared, Installed, Of, RegisterBlock};

/// A number that a page can be read and written as: every pattern of its bits is one.
pub trait Plain: Copy + sealed::Sealed {}

macro_rules! plain {
    ($($number:ty),*) => { $(
        impl Plain for $number {}
        impl sealed::Sealed for $number {}
    )* };
}

plain!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

mod sealed {
    pub trait Sealed {}
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, A: Granted, M: Memory, N: Count> Mapped<R, K, A, M, N> {
    /// Where its first byte is, for code that runs where the space is live.
    #[must_use]
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        const { assert!(!<R::Space as Declared>::FORMAT.guest, "a guest's addresses are not the program's") };
        ptr::with_exposed_provenance_mut(self.page().start().as_u64() as usize)
    }

    /// Where a `T` at `offset` is, if it lies in the pages, aligned.
    #[inline]
    fn at<T>(&self, offset: usize) -> Option<*mut T> {
        const { assert!(align_of::<T>() as u64 <= R::Size::BYTES, "aligned to more than a page is") };
        let fits = offset % align_of::<T>() == 0 && offset.checked_add(size_of::<T>())? <= self.size();
        fits.then(|| self.as_ptr().wrapping_add(offset).cast())
    }
}

/// Ordinary memory. Its contents are whatever was there before.
impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, A: Granted, N: Count> Mapped<R, K, A, Normal, N> {
    /// Reads a number at `offset`, once, and whole if a register holds it; `None` if it does not lie in the pages, aligned.
    #[must_use]
    #[inline]
    pub fn read<T: Plain>(&self, _live: &Installed<R::Space>, offset: usize) -> Option<T>
    where
        A: CanRead,
    {
        let at = self.at::<T>(offset)?;
        // SAFETY: the space is live on this core, and the page is mapped readable, for this is its handle, and came out of the
        // token of that; it is memory that nobody else uses, inside and aligned, and every pattern is a number.
        Some(unsafe { at.read_volatile() })
    }

    /// Writes a number at `offset` in the same way; `None` if it does not lie in the pages, aligned: nothing is written.
    #[inline]
    pub fn write<T: Plain>(&mut self, _live: &Installed<R::Space>, offset: usize, number: T) -> Option<()>
    where
        A: CanWrite,
    {
        let at = self.at::<T>(offset)?;
        // SAFETY: as in `read`, and the page is mapped writable.
        unsafe { at.write_volatile(number) };
        Some(())
    }

    /// All bytes.
    ///
    /// # Safety
    /// They are initialized.
    #[must_use]
    #[inline]
    pub unsafe fn bytes(&self, _live: &Installed<R::Space>) -> &[u8]
    where
        A: CanRead,
    {
        // SAFETY: as in `read`; the borrow of `self` keeps the page mapped, and `bytes_mut` out.
        unsafe { core::slice::from_raw_parts(self.as_ptr(), self.size()) }
    }

    /// All bytes, to write.
    ///
    /// # Safety
    /// They are initialized.
    #[must_use]
    #[inline]
    pub unsafe fn bytes_mut(&mut self, _live: &Installed<R::Space>) -> &mut [u8]
    where
        A: CanWrite,
    {
        // SAFETY: as in `bytes`, and the exclusive borrow of `self` keeps everybody else out.
        unsafe { core::slice::from_raw_parts_mut(self.as_ptr(), self.size()) }
    }

    /// Sets all bytes to 0.
    #[inline]
    pub fn zero(&mut self, _live: &Installed<R::Space>)
    where
        A: CanWrite,
    {
        // SAFETY: as in `write`.
        unsafe { self.as_ptr().write_bytes(0, self.size()) }
    }
}

impl<R: WindowRegion, K: Kind<Regime = Of<R::Space>>, A: CanRead, N: Count> Mapped<R, K, A, Device, N> {
    /// The registers, as `T` lays them out from the start of the pages; `None` if it is larger. Registers that it writes must be
    /// mapped with rights that write.
    #[must_use]
    #[inline]
    pub fn registers<T: RegisterBlock>(&self, _live: &Installed<R::Space>) -> Option<&T>
    where
        A: CanWrite,
    {
        let at = self.at::<T>(0)?;
        // SAFETY: the space is live on this core, and the pages are mapped as device memory of at least that size and
        // alignment while `self` is borrowed; `RegisterBlock` promises that shared access is all it needs.
        Some(unsafe { &*at })
    }
}
