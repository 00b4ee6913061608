//! Constant expressions.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use super::expand::expand;
use super::token::{Kind, Token, written};
use super::unit::Unit;

/// Brackets in brackets.
const DEPTH: usize = 200;

/// The value of an expression.
///
/// # Errors
/// It has none; every name without a value is named.
pub(crate) fn evaluate(unit: &Unit, words: &[Token]) -> Result<i128> {
    let words = expand(unit, words, &[])?;
    let mut reader = Reader { unit, words: &words, at: 0, depth: 0, unknown: BTreeSet::new() };
    let value = reader.whole().with_context(|| format!("`{}` is no constant", written(&words)))?;
    if reader.unknown.is_empty() {
        return Ok(value);
    }
    let names: Vec<String> = reader.unknown.iter().map(|name| format!("`{name}`")).collect();
    let (verb, first) = (if names.len() == 1 { "has" } else { "have" }, reader.unknown.iter().next());
    let first = first.map_or("", String::as_str);
    bail!("{} {verb} no value here: give the header by -I, or the value by -D '{first}=…'", names.join(", "))
}

/// The value as an address or a size: 64 bits.
///
/// # Errors
/// There is none, or it has more bits.
pub(crate) fn address(unit: &Unit, words: &[Token]) -> Result<u64> {
    let value = evaluate(unit, words)?;
    // A negative one is what `~0` is.
    let wrapped = u64::try_from(value).or_else(|_| i64::try_from(value).map(i64::cast_unsigned));
    wrapped.with_context(|| format!("{value:#x} has more than 64 bits"))
}

/// The value of a condition of the preprocessor, where names that nobody defined are 0; and those names.
pub(crate) fn condition(unit: &Unit, words: &[Token]) -> (i128, BTreeSet<String>) {
    let Ok(words) = expand(unit, words, &[]) else { return (0, BTreeSet::new()) };
    let mut reader = Reader { unit, words: &words, at: 0, depth: 0, unknown: BTreeSet::new() };
    let value = reader.whole().unwrap_or(0);
    (value, reader.unknown)
}

struct Reader<'w> {
    unit: &'w Unit,
    words: &'w [Token],
    at: usize,
    depth: usize,
    unknown: BTreeSet<String>,
}

/// Binary operators by how tightly they bind.
const OPERATORS: [(&str, u8); 18] = [
    ("||", 1),
    ("&&", 2),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("==", 6),
    ("!=", 6),
    ("<", 7),
    (">", 7),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

impl Reader<'_> {
    fn whole(&mut self) -> Result<i128> {
        let value = self.choice()?;
        match self.words.get(self.at) {
            None => Ok(value),
            Some(token) => bail!("`{}` is not expected there", token.text),
        }
    }

    fn takes(&mut self, mark: &str) -> bool {
        let takes = self.words.get(self.at).is_some_and(|token| token.is(mark));
        self.at += usize::from(takes);
        takes
    }

    fn expect(&mut self, mark: &str) -> Result<()> {
        if self.takes(mark) { Ok(()) } else { bail!("`{mark}` is missing") }
    }

    fn choice(&mut self) -> Result<i128> {
        self.depth += 1;
        if self.depth > DEPTH {
            bail!("more than {DEPTH} brackets in each other");
        }
        let mut value = self.binary(1)?;
        if self.takes("?") {
            let first = self.choice()?;
            self.expect(":")?;
            let second = self.choice()?;
            value = if value != 0 { first } else { second };
        }
        self.depth -= 1;
        Ok(value)
    }

    fn binary(&mut self, least: u8) -> Result<i128> {
        let mut left = self.unary()?;
        while let Some(token) = self.words.get(self.at).filter(|token| token.kind == Kind::Mark) {
            let found = OPERATORS.iter().find(|(mark, strength)| token.is(mark) && *strength >= least);
            let Some((mark, strength)) = found else { break };
            self.at += 1;
            let right = self.binary(strength + 1)?;
            left = apply(mark, left, right)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<i128> {
        let mut marks = Vec::new();
        while let Some(token) = self.words.get(self.at).filter(|token| ["-", "+", "~", "!"].iter().any(|m| token.is(m)))
        {
            marks.push(token.text.clone());
            self.at += 1;
        }
        let mut value = self.primary()?;
        for mark in marks.iter().rev() {
            value = match &**mark {
                "-" => value.checked_neg().context("a number too large")?,
                "~" => !value,
                "!" => i128::from(value == 0),
                _ => value,
            };
        }
        Ok(value)
    }

    fn primary(&mut self) -> Result<i128> {
        let token = self.words.get(self.at).context("it ends too early")?;
        self.at += 1;
        match token.kind {
            Kind::Number => number(&token.text).with_context(|| format!("`{}` is no number", token.text)),
            Kind::Name => Ok(self.name(token)),
            Kind::Mark if token.is("(") => {
                if self.takes_cast() {
                    return self.unary_below();
                }
                let value = self.choice()?;
                self.expect(")")?;
                Ok(value)
            }
            _ => bail!("`{}` is not expected there", token.text),
        }
    }

    /// What a cast is applied to: casts in casts are brackets in brackets.
    fn unary_below(&mut self) -> Result<i128> {
        self.depth += 1;
        if self.depth > DEPTH {
            bail!("more than {DEPTH} brackets in each other");
        }
        let value = self.unary();
        self.depth -= 1;
        value
    }

    /// A name without a value, or a call whose value is known.
    fn name(&mut self, token: &Token) -> i128 {
        if !self.words.get(self.at).is_some_and(|next| next.is("(")) {
            self.unknown.insert(token.text.to_string());
            return 0;
        }
        let start = self.at - 1;
        let mut open = 0_usize;
        while let Some(next) = self.words.get(self.at) {
            self.at += 1;
            open = if next.is("(") { open + 1 } else { open - usize::from(next.is(")")) };
            if open == 0 {
                break;
            }
        }
        let call: String = self.words[start..self.at].iter().map(|token| &*token.text).collect();
        let value = self.unit.calls.get(&call).copied();
        value.unwrap_or_else(|| {
            self.unknown.insert(call);
            0
        })
    }

    /// Takes the rest of `(uint64_t)` off.
    fn takes_cast(&mut self) -> bool {
        let rest = &self.words[self.at..];
        let Some(close) = rest.iter().take(6).position(|token| token.is(")")) else { return false };
        let is_type = |token: &Token| token.is("*") || token.name().is_some_and(is_type);
        let is = close > 0 && rest[..close].iter().all(is_type);
        self.at += if is { close + 1 } else { 0 };
        is
    }
}

fn is_type(name: &str) -> bool {
    const TYPES: [&str; 14] = [
        "unsigned", "signed", "long", "int", "short", "char", "u8", "u16", "u32", "u64", "__u32", "__u64", "const",
        "void",
    ];
    TYPES.contains(&name) || name.ends_with("_t")
}

fn apply(mark: &str, left: i128, right: i128) -> Result<i128> {
    let shift = || u32::try_from(right).ok().filter(|bits| *bits < 64).with_context(|| format!("a shift by {right}"));
    let large = "a number too large";
    Ok(match mark {
        "||" => i128::from(left != 0 || right != 0),
        "&&" => i128::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i128::from(left == right),
        "!=" => i128::from(left != right),
        "<" => i128::from(left < right),
        ">" => i128::from(left > right),
        "<=" => i128::from(left <= right),
        ">=" => i128::from(left >= right),
        "<<" => left.checked_mul(1_i128 << shift()?).context(large)?,
        ">>" => left >> shift()?,
        "+" => left.checked_add(right).context(large)?,
        "-" => left.checked_sub(right).context(large)?,
        "*" => left.checked_mul(right).context(large)?,
        "/" => left.checked_div(right).context("a division by 0")?,
        _ => left.checked_rem(right).context("a division by 0")?,
    })
}

/// `0x1000UL`.
pub(crate) fn number(text: &str) -> Option<i128> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        u64::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = digits.strip_prefix("0b") {
        u64::from_str_radix(binary, 2).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        u64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(i128::from(value))
}
