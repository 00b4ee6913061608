//! A broken rule with everything a message says about it.

use core::fmt;

use super::catalogue::{Class, Rule};
use crate::text::Text;

/// Most culprits that a finding names.
pub const MAX_CULPRITS: usize = 6;
/// Most numbers that a finding holds.
pub const MAX_NUMBERS: usize = 4;
/// Bytes of a message that are kept.
pub const MESSAGE: usize = 1024;

/// A declared object that a finding is about.
#[derive(Clone, Copy, Debug)]
pub struct Culprit<'a> {
    /// What it belongs to: a space, a device; empty where there is no such thing. A kind of thing ends in a colon
    /// (`feature:`).
    pub owner: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The tokens that declare it; 0 for none.
    pub anchor: u16,
}

impl<'a> Culprit<'a> {
    /// Nothing.
    pub const NONE: Self = Self { owner: "", name: "", anchor: 0 };

    /// An object that stands on its own.
    #[must_use]
    pub const fn named(name: &'a str, anchor: u16) -> Self {
        Self { owner: "", name, anchor }
    }

    /// An object within another.
    #[must_use]
    pub const fn of(owner: &'a str, name: &'a str, anchor: u16) -> Self {
        Self { owner, name, anchor }
    }

    /// Whether the two are one.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        self.anchor == other.anchor
            && crate::text::same(self.name, other.name)
            && crate::text::same(self.owner, other.owner)
    }

    const fn write<const N: usize>(&self, text: &mut Text<N>) {
        if !self.owner.is_empty() {
            text.push(self.owner);
            if self.owner.as_bytes()[self.owner.len() - 1] != b':' {
                text.push(".");
            }
        }
        text.push(self.name);
    }
}

/// One broken rule.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The rule.
    pub rule: Rule,
    /// Who broke it, the object to blame first; blank from `culprit_count` on.
    pub culprits: [Culprit<'a>; MAX_CULPRITS],
    /// How many culprits there are.
    pub culprit_count: usize,
    /// Addresses, sizes and counts, as the message of the rule uses them; 0 from `number_count` on.
    pub numbers: [u128; MAX_NUMBERS],
    /// How many numbers there are.
    pub number_count: usize,
    /// A name that was perhaps meant, or nothing.
    pub hint: &'a str,
}

impl<'a> Finding<'a> {
    /// A finding about nobody.
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Self {
            rule,
            culprits: [Culprit::NONE; MAX_CULPRITS],
            culprit_count: 0,
            numbers: [0; MAX_NUMBERS],
            number_count: 0,
            hint: "",
        }
    }

    /// The message: rule, what and where, how to fix it, why.
    #[must_use]
    pub const fn text(&self) -> Text<MESSAGE> {
        let info = self.rule.info();
        let mut text = Text::EMPTY;
        text.push(info.id);
        text.push(": ");
        self.expand(info.what, &mut text);
        text.push("\n  fix: ");
        self.expand(info.fix, &mut text);
        text.push("\n  why: ");
        text.push(info.statement);
        text.push(" (");
        text.push(info.reference);
        text.push(")");
        text
    }

    /// Whether the two say the same.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        if self.rule as u8 != other.rule as u8
            || self.culprit_count != other.culprit_count
            || self.number_count != other.number_count
        {
            return false;
        }
        let mut i = 0;
        while i < self.culprit_count {
            if !self.culprits[i].is(&other.culprits[i]) {
                return false;
            }
            i += 1;
        }
        i = 0;
        while i < self.number_count {
            if self.numbers[i] != other.numbers[i] {
                return false;
            }
            i += 1;
        }
        true
    }

    /// Writes a template of the catalogue.
    const fn expand(&self, template: &str, text: &mut Text<MESSAGE>) {
        let bytes = template.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            match bytes[i] {
                b'[' if !self.has_all(bytes, i + 1) => i = end_of(bytes, i, b']'),
                b'[' | b']' => {}
                b'{' => {
                    let end = end_of(bytes, i, b'}');
                    self.write(bytes, i + 1, end, text);
                    i = end;
                }
                byte => text.push_byte(byte),
            }
            i += 1;
        }
    }

    /// Whether every value of the bracket that starts at `i` is there.
    const fn has_all(&self, bytes: &[u8], mut i: usize) -> bool {
        while i < bytes.len() && bytes[i] != b']' {
            if bytes[i] == b'{' && !self.has(bytes, i + 1) {
                return false;
            }
            i += 1;
        }
        true
    }

    const fn has(&self, bytes: &[u8], i: usize) -> bool {
        let number = bytes[i + 1].wrapping_sub(b'0') as usize;
        match (bytes[i], bytes[i + 1]) {
            (b'x', _) => number < self.number_count,
            (b'd', b'0'..=b'3') => number < self.number_count,
            (b'h', _) => !self.hint.is_empty(),
            (b'r', _) => self.culprit_count > 1,
            (b'a'..=b'd', b'}' | b'n') => ((bytes[i] - b'a') as usize) < self.culprit_count,
            _ => self.number_count > 1,
        }
    }

    /// Writes the value that stands between `from` and `to` in a template.
    const fn write(&self, bytes: &[u8], from: usize, to: usize, text: &mut Text<MESSAGE>) {
        let number = bytes[from + 1].wrapping_sub(b'0') as usize % MAX_NUMBERS;
        let (value, unit) = (self.numbers[0], self.numbers[1]);
        match (bytes[from], bytes[from + 1]) {
            (b'x', _) => text.push_hex(self.numbers[number]),
            (b'd', b'0'..=b'3') => text.push_decimal(self.numbers[number]),
            (b'd', b'o') if unit > 0 => text.push_hex(value - value % unit),
            (b'u', _) if unit > 0 => text.push_hex(value - value % unit + unit),
            (b'e', _) => text.push_hex(value.saturating_add(unit)),
            (b'h', _) => text.push(self.hint),
            (b'r', _) => self.write_rest(text),
            (b'a'..=b'd', b'n') => text.push(self.culprits[(bytes[from] - b'a') as usize].name),
            (b'a'..=b'd', _) if to == from + 1 => {
                text.push("`");
                self.culprits[(bytes[from] - b'a') as usize].write(text);
                text.push("`");
            }
            _ => {}
        }
    }

    const fn write_rest(&self, text: &mut Text<MESSAGE>) {
        let mut i = 1;
        while i < self.culprit_count {
            if i > 1 {
                text.push(", ");
            }
            text.push("`");
            self.culprits[i].write(text);
            text.push("`");
            i += 1;
        }
    }
}

const fn end_of(bytes: &[u8], mut i: usize, mark: u8) -> usize {
    while i < bytes.len() && bytes[i] != mark {
        i += 1;
    }
    i
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

/// The findings of one check, in the order of the rules' groups.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a, const N: usize> {
    /// Those that were kept; meaningless from `len` on.
    pub list: [Finding<'a>; N],
    /// How many were kept.
    pub len: usize,
    /// How many there were; may exceed `N`.
    pub total: usize,
}

impl<'a, const N: usize> Findings<'a, N> {
    /// None.
    pub const NONE: Self = Self { list: [Finding::new(Rule::ALL[0]); N], len: 0, total: 0 };

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Those that were kept.
    #[must_use]
    pub const fn as_slice(&self) -> &[Finding<'a>] {
        self.list.split_at(self.len).0
    }

    /// Whether a finding of `rule` was kept.
    #[must_use]
    pub const fn has(&self, rule: Rule) -> bool {
        let mut i = 0;
        while i < self.len {
            if self.list[i].rule as u8 == rule as u8 {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Adds a finding, unless it is there.
    pub(super) const fn add(&mut self, finding: Finding<'a>) {
        let mut i = 0;
        while i < self.len {
            if self.list[i].is(&finding) {
                return;
            }
            i += 1;
        }
        self.total += 1;
        if self.len < N {
            self.list[self.len] = finding;
            self.len += 1;
        }
    }
}

/// Refuses a map at compile time: panics with the message of `finding`.
///
/// # Panics
/// Always; that is its purpose. Only a verdict in a `const` item calls it.
#[track_caller]
pub const fn fail(finding: &Finding<'_>) -> ! {
    panic!("{}", finding.text().as_str())
}

impl Rule {
    /// Whether breaking it stops the build.
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(self.info().class, Class::Warning)
    }
}
