//! Text in constant evaluation: comparison, hashing, distance and a fixed buffer.

use core::fmt;

/// Whether two strings are equal.
#[must_use]
pub const fn same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    while a.len() >= 8
        && let (Some((x, rest_a)), Some((y, rest_b))) = (a.split_first_chunk::<8>(), b.split_first_chunk::<8>())
    {
        if u64::from_ne_bytes(*x) != u64::from_ne_bytes(*y) {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// A number that equal strings share, and different ones rarely.
#[must_use]
pub const fn hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let len = bytes.len();
    let (mut hash, mut i) = (len as u64, 0);
    while i < len {
        hash = (hash * 0x9e37_79b1 + bytes[i] as u64) & 0xffff_ffff;
        i += 1;
    }
    hash >> 8 ^ hash
}

/// Whether two names are the same when `_` and `-` count as one.
#[must_use]
pub const fn same_spelling(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        let (x, y) = (a[i], b[i]);
        if x != y && !(matches!(x, b'_' | b'-') && matches!(y, b'_' | b'-')) {
            return false;
        }
        i += 1;
    }
    true
}

/// Longest name that [`distance`] looks at, in bytes.
const LONGEST: usize = 48;

/// How many single-byte edits lie between two names; `usize::MAX` where one of them is longer than 48 bytes.
#[must_use]
pub const fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let mut row = [0; LONGEST + 1];
    let mut j = 0;
    while j <= b.len() {
        row[j] = j;
        j += 1;
    }
    let mut i = 0;
    while i < a.len() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        j = 0;
        while j < b.len() {
            let swap = diagonal + (a[i] != b[j]) as usize;
            diagonal = row[j + 1];
            let gap = if row[j] < row[j + 1] { row[j] + 1 } else { row[j + 1] + 1 };
            row[j + 1] = if swap < gap { swap } else { gap };
            j += 1;
        }
        i += 1;
    }
    row[b.len()]
}

/// Whether `close` may be what somebody meant who wrote `name`: few edits away, or one begins with the other.
#[must_use]
pub const fn resembles(name: &str, close: &str) -> bool {
    let shorter = if name.len() < close.len() { name.len() } else { close.len() };
    let budget = 1 + shorter / 4;
    distance(name, close) <= budget || (shorter >= 3 && (begins(name, close) || begins(close, name)))
}

const fn begins(whole: &str, part: &str) -> bool {
    let (whole, part) = (whole.as_bytes(), part.as_bytes());
    if part.len() > whole.len() {
        return false;
    }
    let mut i = 0;
    while i < part.len() {
        if whole[i] != part[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// A string of at most `N` bytes, built in constant evaluation. What does not fit is cut off.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// Nothing.
    pub const EMPTY: Self = Self { bytes: [0; N], len: 0 };

    /// Appends `text`.
    pub const fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.push_byte(bytes[i]);
            i += 1;
        }
    }

    /// Appends one byte of UTF-8.
    pub const fn push_byte(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    /// Appends `value` as `0x` and lower-case digits without leading zeros.
    pub const fn push_hex(&mut self, value: u128) {
        self.push("0x");
        self.push_digits(value, 16);
    }

    /// Appends `value` in decimal.
    pub const fn push_decimal(&mut self, value: u128) {
        self.push_digits(value, 10);
    }

    const fn push_digits(&mut self, value: u128, base: u128) {
        let mut weight = 1;
        while value / weight >= base {
            weight *= base;
        }
        while weight > 0 {
            self.push_byte(b"0123456789abcdef"[(value / weight % base) as usize]);
            weight /= base;
        }
    }

    /// The text so far.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        let (used, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(used) {
            Ok(text) => text,
            Err(cut) => match core::str::from_utf8(used.split_at(cut.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "",
            },
        }
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn equality_looks_at_every_byte() {
        assert!(same("", "") && same("a", "a") && same("abcdefgh", "abcdefgh") && same("abcdefghi", "abcdefghi"));
        assert!(
            !same("a", "b") && !same("abcdefgh", "abcdefgi") && !same("abcdefghi", "abcdefghj") && !same("a", "ab")
        );
    }

    #[test]
    fn numbers_print_as_rust_prints_them() {
        for value in [0, 1, 9, 10, 15, 16, 0xffff_ff80_0000_0000, 1 << 64, u128::MAX] {
            let mut text = Text::<96>::EMPTY;
            text.push_hex(value);
            text.push(" ");
            text.push_decimal(value);
            assert_eq!(text.to_string(), std::format!("{value:#x} {value}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_at_a_character() {
        let mut text = Text::<4>::EMPTY;
        text.push("abcé");
        assert_eq!(text.as_str(), "abc");
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("hmmi", "hmi"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert!(resembles("hmmi", "hmi") && resembles("mem", "memory") && !resembles("ram", "uart"));
    }

    #[test]
    fn spelling_ignores_the_kind_of_dash() {
        assert!(same_spelling("wx_alias", "wx-alias") && !same_spelling("wx_alias", "wx-aliaz"));
    }
}
