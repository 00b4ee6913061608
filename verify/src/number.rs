//! Numbers as people write them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of up to 64 bits, or the exclusive end 2^64: `0x1000` in documents and on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex(pub u128);

impl Hex {
    /// The greatest.
    pub const END: Self = Self(1 << 64);

    /// As an address; 2^64 is none.
    #[must_use]
    pub fn address(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl From<u64> for Hex {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for Hex {
    type Err = anyhow::Error;

    /// `0x1f`, `31`, or `4K`, `2M`, `1G`, `1T`; underscores are ignored.
    fn from_str(text: &str) -> Result<Self> {
        let plain = text.replace('_', "");
        let (digits, shift) = match plain.char_indices().last() {
            Some((at, 'K' | 'k')) => (&plain[..at], 10),
            Some((at, 'M' | 'm')) => (&plain[..at], 20),
            Some((at, 'G' | 'g')) => (&plain[..at], 30),
            Some((at, 'T' | 't')) => (&plain[..at], 40),
            _ => (plain.as_str(), 0),
        };
        let value = match digits.strip_prefix("0x") {
            Some(digits) if !digits.starts_with('+') => u128::from_str_radix(digits, 16),
            None if !digits.starts_with('+') => digits.parse(),
            _ => bail!("`{text}` is no number"),
        };
        match value.ok().and_then(|value| value.checked_mul(1 << shift)) {
            Some(value) if value <= Self::END.0 => Ok(Self(value)),
            _ => bail!("`{text}` is no number from 0 to 2^64"),
        }
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    /// Documents have one way to write a number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<Self>() {
            Ok(value) if value.to_string() == text => Ok(value),
            _ => Err(de::Error::custom(format!("`{text}` is no number in lower-case hexadecimal such as 0x1000"))),
        }
    }
}

/// Bytes in the largest unit that divides them: `2 MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u128);

impl Size {
    /// In a unit that makes it short, cut to tenths: `64.4 MiB`.
    #[must_use]
    pub fn roughly(self) -> String {
        let units = [(60, "EiB"), (50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        match units.into_iter().find(|(shift, _)| self.0 >> shift != 0) {
            Some((shift, _)) if self.0 % (1 << shift) == 0 => self.to_string(),
            Some((shift, unit)) => format!("{}.{} {unit}", self.0 >> shift, ((self.0 * 10) >> shift) % 10),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(60, "EiB"), (50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        let fit = units.into_iter().find(|(shift, _)| self.0 != 0 && self.0 % (1 << shift) == 0);
        match fit {
            Some((shift, unit)) => write!(f, "{} {unit}", self.0 >> shift),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, value) in
            [("0x1000", 0x1000), ("4096", 4096), ("4K", 4096), ("0x2M", 2 << 20), ("1_000", 1000), ("0", 0)]
        {
            assert_eq!(text.parse::<Hex>().expect(text), Hex(value), "{text}");
        }
        assert_eq!("0x10000000000000000".parse::<Hex>().expect("2^64"), Hex::END);
        for text in
            ["", "K", "0x", "-1", "+1", "0x+1", "0x10000000000000001", "1.5", "0xffffffffffffffffffffffffffffffffT"]
        {
            assert!(text.parse::<Hex>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_document_has_one_way_to_write_a_number() {
        assert_eq!(serde_json::from_str::<Hex>("\"0x1f\"").expect("a number"), Hex(0x1f));
        for text in ["\"31\"", "\"0x1F\"", "\"0x01\"", "\"4K\"", "31", "\"\""] {
            assert!(serde_json::from_str::<Hex>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_in_the_largest_unit_that_divides_them() {
        assert_eq!(Size(0x20_0000).to_string(), "2 MiB");
        assert_eq!(Size(0x1800).to_string(), "6 KiB");
        assert_eq!(Size(1 << 64).to_string(), "16 EiB");
        assert_eq!(Size(7).to_string(), "7 bytes");
        assert_eq!(Size(0).to_string(), "0 bytes");
        assert_eq!(Size(0x1800).roughly(), "6 KiB");
        assert_eq!(Size((1 << 64) - 4096).roughly(), "15.9 EiB");
        assert_eq!(Size(0x20_0000).roughly(), "2 MiB");
    }
}
