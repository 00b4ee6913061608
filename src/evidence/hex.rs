//! Numbers of 64 bits and more, which JSON has not.

use std::fmt;

use serde::{Serialize, Serializer};

/// An address or a size; serialized in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hex(pub(super) u128);

impl From<u64> for Hex {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What lies beyond 2^64 is that of a map with findings, which name the numbers.
        write!(f, "{:#x}", self.0.min(1 << 64))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}
