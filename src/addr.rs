//! Addresses that cannot be confused.

use core::fmt;

macro_rules! addresses {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The address with this number.
            #[must_use]
            #[inline(always)]
            pub const fn new(address: u64) -> Self {
                Self(address)
            }

            /// The number.
            #[must_use]
            #[inline(always)]
            pub const fn as_u64(self) -> u64 {
                self.0
            }

            /// Whether it is a multiple of `unit`, which is a power of two.
            #[must_use]
            #[inline(always)]
            pub const fn is_aligned(self, unit: u64) -> bool {
                crate::size::is_aligned(self.0, unit)
            }

            /// The address `bytes` further on; `None` past 2^64 - 1.
            #[must_use]
            #[inline(always)]
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(address) => Some(Self(address)),
                    None => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }
    )* };
}

addresses! {
    /// A physical address: what the bus sees. For stage 1 under a hypervisor, an intermediate physical address.
    PhysAddr;
    /// A virtual address: what the program sees. For stage 2 and G-stage tables, a guest-physical address.
    VirtAddr;
}
