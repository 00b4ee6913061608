//! A file with its headers: directives are followed, what is left are words and definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use super::token::{Kind, Place, Token, tokens};
use super::value;

/// Files that may include each other.
const DEPTH: usize = 64;
/// Words in all files.
const WORDS: usize = 4_000_000;
/// Bytes of one file.
const BYTES: u64 = 16 << 20;

/// A definition.
#[derive(Clone, Debug)]
pub(crate) struct Macro {
    /// Names of the arguments, if it takes any.
    pub(crate) parameters: Option<Vec<Rc<str>>>,
    /// Whether the last one takes the rest.
    pub(crate) variadic: bool,
    pub(crate) body: Vec<Token>,
}

/// Where headers are, and what is defined from outside.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Directories of headers, as of `-I`.
    pub include: Vec<PathBuf>,
    /// Definitions, as of `-D`: `NAME=VALUE`, `NAME`, or a call such as `DT_REG_ADDR(DT_NODELABEL(uart0))=0x9000000`.
    pub define: Vec<String>,
}

/// Definitions of a format.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prelude {
    /// Those that hold whatever the headers say.
    pub(crate) fixed: &'static str,
    /// Those that hold unless the headers say otherwise.
    pub(crate) default: &'static str,
}

/// One file and all that it includes.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    files: Vec<String>,
    include: Vec<PathBuf>,
    pub(crate) macros: BTreeMap<Rc<str>, Macro>,
    /// Calls whose value is known, without spaces.
    pub(crate) calls: BTreeMap<String, i128>,
    /// Names that keep the definition they have.
    fixed: BTreeSet<Rc<str>>,
    pub(crate) words: Vec<Token>,
    /// Headers that are nowhere.
    pub(crate) missing: BTreeSet<String>,
    /// Names that a condition asked for and nobody defined.
    pub(crate) unknown: BTreeSet<String>,
}

impl Unit {
    /// Reads a text: that of the file at `path`.
    ///
    /// # Errors
    /// A header cannot be read, or something exceeds a bound; an `#error` is reached or a directive is malformed.
    pub(crate) fn of(text: &str, path: &Path, prelude: Prelude, surroundings: &Surroundings) -> Result<Self> {
        let mut unit = Self { include: surroundings.include.clone(), ..Self::default() };
        unit.take(prelude.fixed, Path::new("the format"), 0)?;
        unit.fixed = unit.macros.keys().cloned().collect();
        unit.take(prelude.default, Path::new("the format"), 0)?;
        unit.unknown.clear();
        for definition in &surroundings.define {
            unit.define_outside(definition)?;
        }
        unit.take(text, path, 0)?;
        Ok(unit)
    }

    /// What may be the reason that something is not there: headers that were not found, conditions that nobody decided.
    pub(crate) fn gaps(&self) -> String {
        let list = |names: &BTreeSet<String>| names.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
        let mut text = String::new();
        if !self.missing.is_empty() {
            text += &format!("\n  headers that were not found (say -I): {}", list(&self.missing));
        }
        if !self.unknown.is_empty() {
            text += &format!("\n  conditions that nobody decided (say -D): {}", list(&self.unknown));
        }
        text
    }

    /// `FILE:LINE`.
    pub(crate) fn place(&self, place: Place) -> String {
        format!("{}:{}", self.files.get(place.file).map_or("?", String::as_str), place.line)
    }

    fn define_outside(&mut self, definition: &str) -> Result<()> {
        let (name, value) = definition.split_once('=').unwrap_or((definition, "1"));
        let value = value.trim();
        if name.contains('(') {
            let words: Vec<Token> = tokens(value, 0);
            let number = value::evaluate(self, &words).with_context(|| format!("the value of `{name}`"))?;
            self.calls.insert(name.split_whitespace().collect(), number);
            return Ok(());
        }
        let name: Rc<str> = name.trim().into();
        self.macros.insert(name.clone(), Macro { parameters: None, variadic: false, body: tokens(value, 0) });
        self.fixed.insert(name);
        Ok(())
    }

    fn take(&mut self, text: &str, path: &Path, depth: usize) -> Result<()> {
        if depth > DEPTH {
            bail!("{}: headers include each other more than {DEPTH} deep", path.display());
        }
        let file = self.files.len();
        self.files.push(path.display().to_string());
        let all = tokens(text, file);
        if self.words.len() + all.len() > WORDS {
            bail!("{}: more than {WORDS} words", path.display());
        }
        // Of each open condition: whether its part is read, and whether some part was.
        let mut open: Vec<(bool, bool)> = Vec::new();
        for line in all.split(|token| token.kind == Kind::Line) {
            let reads = open.iter().all(|(reads, _)| *reads);
            match line {
                [] => {}
                [hash, directive, rest @ ..] if hash.is("#") => {
                    let done = match &*directive.text {
                        "if" | "ifdef" | "ifndef" | "elif" | "else" | "endif" => {
                            self.condition(&directive.text, rest, &mut open)
                        }
                        "include" if reads => self.follow(rest, path, depth),
                        other if reads => self.direct(other, rest),
                        _ => Ok(()),
                    };
                    done.with_context(|| self.place(directive.place))?;
                }
                [hash, ..] if hash.is("#") => {}
                words if reads => self.words.extend_from_slice(words),
                _ => {}
            }
        }
        Ok(())
    }

    /// Obeys a directive that is no condition and no `#include`.
    fn direct(&mut self, directive: &str, rest: &[Token]) -> Result<()> {
        match directive {
            "define" => self.define(rest)?,
            "undef" => {
                if let Some(name) = rest.first().filter(|name| !self.fixed.contains(&name.text)) {
                    self.macros.remove(&name.text);
                }
            }
            "error" => bail!("#error {}", super::token::written(rest)),
            _ => {}
        }
        Ok(())
    }

    fn define(&mut self, rest: &[Token]) -> Result<()> {
        let [name, rest @ ..] = rest else { bail!("#define without a name") };
        if self.fixed.contains(&name.text) {
            return Ok(());
        }
        let mut parameters = None;
        let mut variadic = false;
        let mut body = rest;
        if let [open, inner @ ..] = rest
            && open.is("(")
            && open.glued
        {
            let close = inner.iter().position(|token| token.is(")")).context("a definition without `)`")?;
            let list = inner[..close].iter().filter(|token| !token.is(","));
            let mut names: Vec<Rc<str>> = list.map(|token| token.text.clone()).collect();
            if names.last().is_some_and(|last| &**last == "...") {
                variadic = true;
                let last = names.len() - 1;
                names[last] = "__VA_ARGS__".into();
            }
            parameters = Some(names);
            body = &inner[close + 1..];
        }
        self.macros.insert(name.text.clone(), Macro { parameters, variadic, body: body.to_vec() });
        Ok(())
    }

    /// Reads a header where it is found; most of those of a project say nothing about its map.
    fn follow(&mut self, rest: &[Token], path: &Path, depth: usize) -> Result<()> {
        let (name, near) = match rest {
            [text, ..] if text.kind == Kind::Text => (text.text.trim_matches('"').to_owned(), true),
            [open, inner @ ..] if open.is("<") => {
                let parts = inner.iter().take_while(|token| !token.is(">")).map(|token| &*token.text);
                (parts.collect::<String>(), false)
            }
            _ => return Ok(()),
        };
        let beside = near.then(|| path.parent().unwrap_or(Path::new("")).to_path_buf());
        let found =
            beside.iter().chain(&self.include).map(|directory| directory.join(&name)).find(|file| file.is_file());
        match found {
            Some(file) => self.take(&load(&file)?, &file, depth + 1),
            None => {
                self.missing.insert(name);
                Ok(())
            }
        }
    }
}

/// The text of a file; bytes that are no UTF-8 are in comments, so they are replaced.
pub(crate) fn load(path: &Path) -> Result<String> {
    let name = || format!("cannot read {}", path.display());
    let size = std::fs::metadata(path).with_context(name)?.len();
    if size > BYTES {
        bail!("{} has {size:#x} bytes, and at most {BYTES:#x} are read", path.display());
    }
    Ok(String::from_utf8_lossy(&std::fs::read(path).with_context(name)?).into_owned())
}
