//! The name of a format, built in constant evaluation.

use super::entry::Translation;
use super::granule::GranuleSize;

/// Text of at most [`Name::CAPACITY`] bytes.
///
/// # Invariants
///
/// The first `len` bytes are UTF-8: whole string slices and ASCII digits are all that is ever appended.
#[derive(Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Name {
    /// Enough for the longest name, `AArch64 EL2&0, 64 KiB granule, 4294967295 bits`, which has 48 bytes.
    const CAPACITY: usize = 64;

    /// `AArch64 EL1, 4 KiB granule, 39 bits`.
    pub(super) const fn of(translation: Translation, granule: GranuleSize, bits: u32) -> Self {
        let name = Self { bytes: [0; Self::CAPACITY], len: 0 };
        name.text_added("AArch64 ")
            .text_added(translation.name())
            .text_added(", ")
            .number_added(1 << (granule.page_shift() - 10))
            .text_added(" KiB granule, ")
            .number_added(bits)
            .text_added(" bits")
    }

    /// The text.
    pub(super) const fn text(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "AArch64",
        }
    }

    const fn text_added(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.len < Self::CAPACITY {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    const fn number_added(self, number: u32) -> Self {
        let mut name = if number >= 10 { self.number_added(number / 10) } else { self };
        if name.len < Self::CAPACITY {
            name.bytes[name.len] = b'0' + (number % 10) as u8;
            name.len += 1;
        }
        name
    }
}
