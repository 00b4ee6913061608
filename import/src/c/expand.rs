//! Macros, by the algorithm of the standard: each word carries the macros that it came from, which are none for it.

use std::collections::VecDeque;
use std::rc::Rc;

use anyhow::{Result, bail};

use super::token::{Kind, Token, tokens};
use super::unit::{Macro, Unit};

/// Words that one expansion may make.
const WORDS: usize = 200_000;
/// Calls in arguments of calls.
const DEPTH: usize = 100;

/// Expands all macros in `words` but calls of the `opaque` names, which stay as they are written.
///
/// # Errors
/// More words or deeper calls than anyone writes.
pub(crate) fn expand(unit: &Unit, words: &[Token], opaque: &[&str]) -> Result<Vec<Token>> {
    let mut left = WORDS;
    Expansion { unit, opaque }.run(words, 0, &mut left)
}

struct Expansion<'u> {
    unit: &'u Unit,
    opaque: &'u [&'u str],
}

impl Expansion<'_> {
    fn run(&self, words: &[Token], depth: usize, left: &mut usize) -> Result<Vec<Token>> {
        if depth > DEPTH {
            bail!("macros call each other more than {DEPTH} deep");
        }
        let mut input: VecDeque<Token> = words.iter().cloned().collect();
        let mut output = Vec::new();
        while let Some(token) = input.pop_front() {
            let name = token.name().unwrap_or_default();
            let calls = input.front().is_some_and(|next| next.is("("));
            if calls && self.opaque.contains(&name) {
                output.push(token);
                output.extend(parenthesized(&mut input));
                continue;
            }
            let known = self.unit.macros.get(name).filter(|_| !token.hidden.iter().any(|hidden| **hidden == *name));
            let body = match known {
                Some(Macro { parameters: None, body, .. }) => dressed(body, &token, &token.hidden),
                Some(Macro { parameters: Some(parameters), variadic, body }) if calls => {
                    let inner = parenthesized(&mut input);
                    let body = dressed(body, &token, &common(&token, inner.last()));
                    let arguments = split(inner.get(1..inner.len().max(2) - 1).unwrap_or_default());
                    let arguments = fitted(arguments, parameters, *variadic);
                    self.substitute(&body, parameters, &arguments, depth, left)?
                }
                _ => {
                    output.push(token);
                    continue;
                }
            };
            *left = left.saturating_sub(body.len() + 1);
            if *left == 0 {
                bail!("macros make more than {WORDS} words");
            }
            for word in body.into_iter().rev() {
                input.push_front(word);
            }
        }
        Ok(output)
    }

    /// The body of a macro with the arguments in place of the parameters.
    fn substitute(
        &self,
        body: &[Token],
        parameters: &[Rc<str>],
        arguments: &[Vec<Token>],
        depth: usize,
        left: &mut usize,
    ) -> Result<Vec<Token>> {
        let argument = |token: &Token| {
            let at = parameters.iter().position(|parameter| token.kind == Kind::Name && *parameter == token.text)?;
            Some(arguments.get(at).map_or(&[][..], Vec::as_slice))
        };
        let mut output: Vec<Token> = Vec::new();
        let mut index = 0;
        while let Some(token) = body.get(index) {
            let next = body.get(index + 1);
            if token.is("##") && !output.is_empty() && next.is_some() {
                let right = next.map_or(vec![], |next| argument(next).map_or(vec![next.clone()], <[Token]>::to_vec));
                paste(&mut output, &right);
                index += 2;
            } else if let Some(text) = next.filter(|_| token.is("#")).and_then(argument) {
                let text = format!("{:?}", super::token::written(text));
                output.push(Token { kind: Kind::Text, text: text.into(), ..token.clone() });
                index += 2;
            } else if let Some(words) = argument(token) {
                let raw = next.is_some_and(|next| next.is("##"));
                let words = if raw { words.to_vec() } else { self.run(words, depth + 1, left)? };
                *left = left.saturating_sub(words.len());
                if *left == 0 {
                    bail!("macros make more than {WORDS} words");
                }
                output.extend(words);
                index += 1;
            } else {
                output.push(token.clone());
                index += 1;
            }
        }
        Ok(output)
    }
}

/// What is hidden both where a call begins and where it ends.
fn common(token: &Token, close: Option<&Token>) -> Vec<Rc<str>> {
    let Some(close) = close else { return Vec::new() };
    token.hidden.iter().filter(|name| close.hidden.contains(name)).cloned().collect()
}

/// The words of a body as they stand where the macro is used.
fn dressed(body: &[Token], user: &Token, hidden: &[Rc<str>]) -> Vec<Token> {
    let from = user.from.clone().unwrap_or_else(|| user.text.clone());
    let mut hidden = hidden.to_vec();
    hidden.push(user.text.clone());
    let dress = |token: &Token| Token {
        place: user.place,
        from: Some(from.clone()),
        hidden: hidden.clone(),
        kind: token.kind,
        text: token.text.clone(),
        glued: token.glued,
        comment: token.comment.clone(),
    };
    body.iter().map(dress).collect()
}

/// Joins the last word and the first of `right` to one.
fn paste(output: &mut Vec<Token>, right: &[Token]) {
    let (Some(last), Some(first)) = (output.last().cloned(), right.first()) else {
        output.extend_from_slice(right);
        return;
    };
    output.pop();
    let joined = format!("{}{}", last.text, first.text);
    let made = tokens(&joined, 0).into_iter();
    output.extend(made.map(|token| Token { kind: token.kind, text: token.text, ..last.clone() }));
    output.extend_from_slice(&right[1..]);
}

/// Takes `( … )` off the input, the marks included; or all, if it does not end.
fn parenthesized(input: &mut VecDeque<Token>) -> Vec<Token> {
    let mut taken = Vec::new();
    let mut open = 0_usize;
    while let Some(token) = input.pop_front() {
        if token.is("(") {
            open += 1;
        } else if token.is(")") {
            open -= 1;
        }
        taken.push(token);
        if open == 0 {
            break;
        }
    }
    taken
}

/// Splits at the commas outside of brackets.
pub(crate) fn split(words: &[Token]) -> Vec<Vec<Token>> {
    let mut parts = vec![Vec::new()];
    let mut depth = 0_usize;
    for token in words {
        if token.is("(") || token.is("{") || token.is("[") {
            depth += 1;
        } else if token.is(")") || token.is("}") || token.is("]") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is(",") {
            parts.push(Vec::new());
            continue;
        }
        if let Some(last) = parts.last_mut() {
            last.push(token.clone());
        }
    }
    parts
}

/// As many arguments as parameters: the last of a variadic macro takes the rest, commas and all.
fn fitted(mut arguments: Vec<Vec<Token>>, parameters: &[Rc<str>], variadic: bool) -> Vec<Vec<Token>> {
    if variadic && arguments.len() > parameters.len() {
        let rest = arguments.split_off(parameters.len() - 1);
        let comma =
            rest.iter().flatten().next().map(|token| Token { kind: Kind::Mark, text: ",".into(), ..token.clone() });
        let mut joined = Vec::new();
        for (index, part) in rest.into_iter().enumerate() {
            joined.extend(comma.clone().filter(|_| index > 0));
            joined.extend(part);
        }
        arguments.push(joined);
    }
    arguments
}
