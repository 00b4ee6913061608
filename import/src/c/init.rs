//! Initializers of structures.

use std::rc::Rc;

use anyhow::{Result, bail};

use super::expand::split;
use super::find::close;
use super::token::{Place, Token};

/// Braces in braces.
const DEPTH: usize = 32;

/// A value, or a list of them in braces.
#[derive(Clone, Debug)]
pub(crate) enum Init {
    /// An expression.
    Value(Vec<Token>),
    /// A list.
    List {
        place: Place,
        /// The comment before it.
        comment: Option<Rc<str>>,
        /// Values, by field where one is named.
        items: Vec<(Option<String>, Init)>,
    },
}

/// Every initializer in braces that `=` gives outside of any braces.
///
/// # Errors
/// Braces nest deeper than anyone writes.
pub(crate) fn initializers(words: &[Token]) -> Result<Vec<Init>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let token = &words[at];
        if token.is("=") && words.get(at + 1).is_some_and(|next| next.is("{")) {
            let end = close(words, at + 1);
            found.push(read(&words[at + 1..end.min(words.len())], 0)?);
            at = end + 1;
        } else if token.is("{") {
            at = close(words, at) + 1;
        } else {
            at += 1;
        }
    }
    Ok(found)
}

/// Reads `{ … ` without the brace that closes it, or an expression.
fn read(words: &[Token], depth: usize) -> Result<Init> {
    if depth > DEPTH {
        bail!("more than {DEPTH} braces in each other");
    }
    let [open, inner @ ..] = words else { return Ok(Init::Value(Vec::new())) };
    if !open.is("{") {
        return Ok(Init::Value(words.to_vec()));
    }
    let mut items = Vec::new();
    for part in split(inner) {
        if part.is_empty() {
            continue;
        }
        let (name, value) = designated(&part);
        let length = if value.last().is_some_and(|last| last.is("}")) { value.len() - 1 } else { value.len() };
        let value = if value.first().is_some_and(|first| first.is("{")) { &value[..length] } else { value };
        items.push((name, read(value, depth + 1)?));
    }
    Ok(Init::List { place: open.place, comment: open.comment.clone(), items })
}

/// `.name = value`.
fn designated(words: &[Token]) -> (Option<String>, &[Token]) {
    match words {
        [dot, name, equal, value @ ..] if dot.is(".") && equal.is("=") => (Some(name.text.to_string()), value),
        _ => (None, words),
    }
}

impl Init {
    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::List { items, .. } = self else { return None };
        items.iter().find(|(field, _)| field.as_deref() == Some(name)).map(|(_, value)| value)
    }

    /// The value at an index, if it has no name.
    pub(crate) fn unnamed(&self, index: usize) -> Option<&Self> {
        let Self::List { items, .. } = self else { return None };
        items.get(index).filter(|(name, _)| name.is_none()).map(|(_, value)| value)
    }

    /// All values of a list.
    pub(crate) fn items(&self) -> Vec<&Self> {
        match self {
            Self::List { items, .. } => items.iter().map(|(_, value)| value).collect(),
            Self::Value(_) => Vec::new(),
        }
    }

    /// The words of an expression.
    pub(crate) fn words(&self) -> Option<&[Token]> {
        match self {
            Self::Value(words) => Some(words),
            Self::List { .. } => None,
        }
    }

    /// Where it begins.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Value(words) => words.first().map_or(Place::default(), |word| word.place),
            Self::List { place, .. } => *place,
        }
    }

    /// The comment before it.
    pub(crate) fn comment(&self) -> Option<&str> {
        match self {
            Self::List { comment, .. } => comment.as_deref(),
            Self::Value(_) => None,
        }
    }
}
