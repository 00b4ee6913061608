//! Calls among the words of a unit.

use std::rc::Rc;

use anyhow::{Result, bail};

use super::expand::split;
use super::token::{Kind, Place, Token};

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: Rc<str>,
    pub(crate) arguments: Vec<Vec<Token>>,
    pub(crate) place: Place,
    /// The macro that made the call.
    pub(crate) from: Option<Rc<str>>,
    /// All of it.
    pub(crate) words: Vec<Token>,
}

/// Most calls of a file.
const CALLS: usize = 4096;

/// Every call of one of `names`. A declaration or definition of such a function is none: there the word before is a type.
///
/// # Errors
/// There are more than anyone writes.
pub(crate) fn calls(words: &[Token], names: &[&str]) -> Result<Vec<Call>> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let token = &words[index];
        let is_call = token.name().is_some_and(|name| names.contains(&name))
            && words.get(index + 1).is_some_and(|next| next.is("("))
            && !index.checked_sub(1).is_some_and(|before| is_type(&words[before]));
        if !is_call {
            index += 1;
            continue;
        }
        let end = close(words, index + 1);
        if found.len() == CALLS {
            bail!("more than {CALLS} calls of {}", names[0]);
        }
        found.push(Call {
            name: token.text.clone(),
            arguments: split(words.get(index + 2..end).unwrap_or_default()),
            place: token.place,
            from: token.from.clone(),
            words: words[index..(end + 1).min(words.len())].to_vec(),
        });
        index = end.max(index) + 1;
    }
    Ok(found)
}

/// Whether a name after this word is declared.
fn is_type(token: &Token) -> bool {
    token.kind == Kind::Name && !matches!(&*token.text, "else" | "do" | "return")
}

/// The index of the bracket that closes the one at `open`, or the number of words.
pub(crate) fn close(words: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in words.iter().enumerate().skip(open) {
        if token.is("(") || token.is("{") || token.is("[") {
            depth += 1;
        } else if token.is(")") || token.is("}") || token.is("]") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        }
    }
    words.len()
}
