//! Page sizes as types, and the frames and pages that have them.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use typenum::{U12, U14, U16, U20, U21, U22, U25, U29, U30, U36, U39, U42, U48, Unsigned};

use crate::addr::{PhysAddr, VirtAddr};
use crate::regime::Regime;

/// The size of a leaf, as a type.
pub trait PageSize: Copy + 'static {
    /// log2 of the bytes.
    type Shift: Unsigned;
    /// Bytes.
    const BYTES: u64 = 1 << <Self::Shift as Unsigned>::U32;
    /// For messages.
    const NAME: &'static str;
}

macro_rules! page_sizes {
    ($($name:ident = $shift:ty, $text:literal;)*) => { $(
        #[doc = concat!("Leaves of ", $text, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl PageSize for $name {
            type Shift = $shift;
            const NAME: &'static str = $text;
        }
    )* };
}

page_sizes! {
    Size4K = U12, "4 KiB";
    Size16K = U14, "16 KiB";
    Size64K = U16, "64 KiB";
    Size1M = U20, "1 MiB";
    Size2M = U21, "2 MiB";
    Size4M = U22, "4 MiB";
    Size32M = U25, "32 MiB";
    Size512M = U29, "512 MiB";
    Size1G = U30, "1 GiB";
    Size64G = U36, "64 GiB";
    Size512G = U39, "512 GiB";
    Size4T = U42, "4 TiB";
    Size256T = U48, "256 TiB";
}

/// The number of a page size that is a type.
#[diagnostic::on_unimplemented(
    message = "no type has pages of 1 << `{Self}` bytes",
    label = "windows have pages of 4, 16 or 64 KiB"
)]
pub trait SizeOfShift: Unsigned {
    /// The size.
    type Size: PageSize<Shift = Self>;
}

macro_rules! sizes_of_shifts {
    ($($shift:ty = $size:ty),*) => { $(
        impl SizeOfShift for $shift {
            type Size = $size;
        }
    )* };
}

sizes_of_shifts!(U12 = Size4K, U14 = Size16K, U16 = Size64K);

/// The regime has leaves of size `S` at some level, with or without an optional feature.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no leaves of `{S}`",
    label = "this regime or granule lacks that page size",
    note = "4 KiB tables have 4 KiB, 2 MiB and 1 GiB leaves; the 16 KiB granule has 16 KiB and 32 MiB; the 64 KiB granule has 64 KiB and 512 MiB"
)]
pub trait HasLeaf<S: PageSize>: Regime {}

/// An address is not aligned to the size of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misaligned {
    /// The address.
    pub address: u64,
    /// The size it should be a multiple of.
    pub size: u64,
}

impl fmt::Display for Misaligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} is not a multiple of {:#x}", self.address, self.size)
    }
}

impl core::error::Error for Misaligned {}

macro_rules! aligned {
    ($($(#[$doc:meta])* $name:ident of $address:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// # Invariants
        /// The address is a multiple of the size.
        #[repr(transparent)]
        pub struct $name<S: PageSize>($address, PhantomData<S>);

        impl<S: PageSize> Clone for $name<S> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<S: PageSize> Copy for $name<S> {}

        impl<S: PageSize> PartialEq for $name<S> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl<S: PageSize> Eq for $name<S> {}

        impl<S: PageSize> PartialOrd for $name<S> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl<S: PageSize> Ord for $name<S> {
            fn cmp(&self, other: &Self) -> Ordering {
                self.0.cmp(&other.0)
            }
        }

        impl<S: PageSize> Hash for $name<S> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl<S: PageSize> $name<S> {
            /// The one that starts at `address`.
            ///
            /// # Errors
            /// [`Misaligned`] if the address is not a multiple of the size.
            pub const fn new(address: $address) -> Result<Self, Misaligned> {
                if address.is_aligned(S::BYTES) {
                    Ok(Self(address, PhantomData))
                } else {
                    Err(Misaligned { address: address.as_u64(), size: S::BYTES })
                }
            }

            /// The one that starts at `ADDRESS`; another multiple than of the size does not compile.
            #[must_use]
            pub const fn at<const ADDRESS: u64>() -> Self {
                const { assert!(ADDRESS & (S::BYTES - 1) == 0, "the address is not a multiple of the page size") };
                Self($address::new(ADDRESS), PhantomData)
            }

            /// The one that holds `address`.
            #[must_use]
            pub const fn containing(address: $address) -> Self {
                Self($address::new(crate::size::align_down(address.as_u64(), S::BYTES)), PhantomData)
            }

            /// The one that many further on, around at 2^64.
            #[must_use]
            pub(crate) const fn ahead(self, count: usize) -> Self {
                let bytes = (count as u64).wrapping_mul(S::BYTES);
                Self($address::new(self.0.as_u64().wrapping_add(bytes)), PhantomData)
            }

            /// Its first byte.
            #[must_use]
            #[inline(always)]
            pub const fn start(self) -> $address {
                // SAFETY: the invariant.
                unsafe { core::hint::assert_unchecked(self.0.is_aligned(S::BYTES)) };
                self.0
            }
        }

        impl<S: PageSize> fmt::Debug for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} of {} at {:?}", stringify!($name), S::NAME, self.0)
            }
        }
    )* };
}

aligned! {
    /// Physical memory of the size of a leaf.
    Frame of PhysAddr;
    /// Virtual memory of the size of a leaf.
    Page of VirtAddr;
}

/// A frame that nobody else uses: it can be mapped anywhere without an alias.
///
/// Neither `Clone` nor `Copy`; what is dropped is lost to its allocator.
#[must_use = "a frame that is dropped is lost to its allocator"]
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct OwnedFrame<S: PageSize>(Frame<S>);

impl<S: PageSize> OwnedFrame<S> {
    /// Takes `frame` for owned.
    ///
    /// # Safety
    /// Nothing maps the frame, nobody uses its memory, and no other [`OwnedFrame`] holds a part of it, until this one is
    /// given up. The CPU can address it in every space that it is mapped in.
    pub const unsafe fn assume(frame: Frame<S>) -> Self {
        Self(frame)
    }

    /// The frame.
    #[must_use]
    pub const fn frame(&self) -> Frame<S> {
        self.0
    }

    /// The frame, which nobody owns any more.
    #[must_use]
    pub const fn into_frame(self) -> Frame<S> {
        self.0
    }
}

/// Frames side by side that nobody else uses.
///
/// Neither `Clone` nor `Copy`; what is dropped is lost to its allocator.
#[must_use = "frames that are dropped are lost to their allocator"]
#[derive(Debug, PartialEq, Eq)]
pub struct OwnedFrames<S: PageSize> {
    first: Frame<S>,
    count: usize,
}

impl<S: PageSize> OwnedFrames<S> {
    /// Takes `count` frames from `first` on for owned.
    ///
    /// # Safety
    /// As for [`OwnedFrame::assume`], of each of them.
    pub const unsafe fn assume(first: Frame<S>, count: usize) -> Self {
        Self { first, count }
    }

    /// The first frame.
    #[must_use]
    pub const fn first(&self) -> Frame<S> {
        self.first
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the first `frames` out of it, or all if there are fewer.
    pub const fn take_run(&mut self, frames: usize) -> Self {
        let count = if frames < self.count { frames } else { self.count };
        let run = Self { first: self.first, count };
        self.first = self.first.ahead(count);
        self.count -= count;
        run
    }

    /// Takes the first frame out of it.
    pub const fn next_frame(&mut self) -> Option<OwnedFrame<S>> {
        if self.count == 0 { None } else { Some(OwnedFrame(self.take_run(1).first)) }
    }
}

impl<S: PageSize> From<OwnedFrame<S>> for OwnedFrames<S> {
    fn from(frame: OwnedFrame<S>) -> Self {
        Self { first: frame.0, count: 1 }
    }
}
