//! A position in a list of tokens, and the questions a parser asks there.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};

use crate::ast::{Expr, Name, Place};
use crate::diag::{Diagnostic, Parsed};
use crate::words;

/// A position in a list of tokens.
pub(crate) struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
    /// Where the list ends, for "expected …" at the end.
    end: Span,
}

impl Cursor {
    pub(crate) fn new(stream: TokenStream, end: Span) -> Self {
        Self { tokens: stream.into_iter().map(bare).collect(), at: 0, end }
    }

    /// The inside of a group.
    pub(crate) fn inside(group: &Group) -> Self {
        Self::new(group.stream(), group.span_close())
    }

    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// From the token at `start` to the last one read.
    pub(crate) fn since(&self, start: usize) -> Place {
        let first = self.tokens.get(start).map_or(self.end, ends::first);
        let last = self.at.checked_sub(1).filter(|last| *last >= start).map(|last| &self.tokens[last]);
        Place { first, last: last.map_or(first, ends::last) }
    }

    /// The tokens from `start` up to the cursor.
    pub(crate) fn slice(&self, start: usize) -> Vec<TokenTree> {
        self.tokens[start..self.at].to_vec()
    }

    pub(crate) fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, ends::first)
    }

    pub(crate) fn peek(&self, ahead: usize) -> Option<&TokenTree> {
        self.tokens.get(self.at + ahead)
    }

    pub(crate) fn next(&mut self) -> Option<TokenTree> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    /// "expected …, found …" at the next token.
    pub(crate) fn expected<T>(&self, what: &str) -> Parsed<T> {
        Err(Diagnostic::new(self.span(), format!("expected {what}, found {}", self.found())))
    }

    /// The same where a word of `words` may be meant.
    pub(crate) fn expected_word<T>(&self, what: &str, words: &[&str]) -> Parsed<T> {
        let meant = match self.peek(0) {
            Some(TokenTree::Ident(found)) => words::similar(&found.to_string(), words.iter().copied()),
            _ => None,
        };
        match meant {
            Some(word) => Err(Diagnostic::new(
                self.span(),
                format!("expected {what}, found {}; did you mean `{word}`?", self.found()),
            )),
            None => self.expected(what),
        }
    }

    /// The next token in words.
    fn found(&self) -> String {
        match self.peek(0) {
            None => "the end".to_owned(),
            Some(TokenTree::Group(group)) => format!("`{}`", open(group.delimiter())),
            Some(TokenTree::Punct(hash)) if hash.as_char() == '#' => match self.group_ahead(1, Delimiter::Bracket) {
                Some(group) if Cursor::inside(group).at_word("doc") => "a doc comment".to_owned(),
                _ => "an attribute".to_owned(),
            },
            Some(TokenTree::Punct(_)) => format!("`{}`", self.operator()),
            Some(token) => format!("`{token}`"),
        }
    }

    /// The punctuation at the cursor, as long as it is joint.
    fn operator(&self) -> String {
        let mut text = String::new();
        let mut ahead = 0;
        while let Some(TokenTree::Punct(punct)) = self.peek(ahead) {
            text.push(punct.as_char());
            if punct.spacing() == proc_macro2::Spacing::Alone || text.len() == 3 {
                break;
            }
            ahead += 1;
        }
        text
    }

    /// Whether the identifier `ahead` is `word`.
    pub(crate) fn word_ahead(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek(ahead), Some(TokenTree::Ident(ident)) if ident == word)
    }

    pub(crate) fn at_word(&self, word: &str) -> bool {
        self.word_ahead(0, word)
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.at += usize::from(found);
        found
    }

    /// Whether the tokens `ahead` are the characters of `punct`, joint.
    pub(crate) fn punct_ahead(&self, ahead: usize, punct: &str) -> bool {
        let last = punct.len() - 1;
        punct.chars().enumerate().all(|(i, wanted)| match self.peek(ahead + i) {
            Some(TokenTree::Punct(found)) => {
                found.as_char() == wanted && (i == last || found.spacing() == proc_macro2::Spacing::Joint)
            }
            _ => false,
        })
    }

    pub(crate) fn at_punct(&self, punct: &str) -> bool {
        self.punct_ahead(0, punct)
    }

    pub(crate) fn eat_punct(&mut self, punct: &str) -> bool {
        let found = self.at_punct(punct);
        if found {
            self.at += punct.len();
        }
        found
    }

    pub(crate) fn expect_punct(&mut self, punct: &str, form: &str) -> Parsed<()> {
        if self.eat_punct(punct) { Ok(()) } else { self.expected(&format!("`{punct}` as in `{form}`")) }
    }

    pub(crate) fn expect_word(&mut self, word: &str, form: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { self.expected(&format!("`{word}` as in `{form}`")) }
    }

    pub(crate) fn group_ahead(&self, ahead: usize, delimiter: Delimiter) -> Option<&Group> {
        match self.peek(ahead) {
            Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
            _ => None,
        }
    }

    pub(crate) fn eat_group(&mut self, delimiter: Delimiter) -> Option<Group> {
        let group = self.group_ahead(0, delimiter).cloned();
        self.at += usize::from(group.is_some());
        group
    }

    pub(crate) fn expect_group(&mut self, delimiter: Delimiter, form: &str) -> Parsed<Group> {
        match self.eat_group(delimiter) {
            Some(group) => Ok(group),
            None => self.expected(&format!("`{}` as in `{form}`", open(delimiter))),
        }
    }

    /// An identifier, keywords included.
    pub(crate) fn ident(&mut self, what: &str) -> Parsed<Ident> {
        match self.peek(0) {
            Some(TokenTree::Ident(ident)) => {
                let ident = ident.clone();
                self.at += 1;
                Ok(ident)
            }
            _ => self.expected(what),
        }
    }

    /// Whether a name stands `ahead`.
    pub(crate) fn name_ahead(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), Some(TokenTree::Ident(_) | TokenTree::Literal(_)))
    }

    /// A name: an identifier, or a literal, which is passed on to the rules.
    pub(crate) fn name(&mut self, what: &str) -> Parsed<Name> {
        let (text, span) = match self.peek(0) {
            Some(TokenTree::Ident(ident)) => (ident.to_string().trim_start_matches("r#").to_owned(), ident.span()),
            Some(TokenTree::Literal(literal)) => (unquoted(&literal.to_string()), literal.span()),
            _ => return self.expected(what),
        };
        self.at += 1;
        Ok(Name { text, span })
    }

    /// Names between commas.
    pub(crate) fn names(&mut self, what: &str) -> Parsed<Vec<Name>> {
        let mut names = vec![self.name(what)?];
        while self.eat_punct(",") {
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    /// An expression: everything up to `,`, `;`, `=>` or one of the words.
    pub(crate) fn expr(&mut self, what: &str, stops: &[&str]) -> Parsed<Expr> {
        let start = self.at;
        let mut angles = 0_usize;
        if self.starts_nothing() {
            return self.expected(what);
        }
        while !self.is_end() && (angles > 0 || !self.expr_ends(start, stops)) {
            angles = self.angles(start, angles);
            self.at += 1;
        }
        if self.at == start {
            return self.expected(what);
        }
        self.check_unit()?;
        check_units(&self.tokens[start..self.at])?;
        if matches!(self.tokens[self.at - 1], TokenTree::Punct(_)) {
            return self.expected("the rest of the expression");
        }
        Ok(Expr { tokens: self.slice(start) })
    }

    fn expr_ends(&self, start: usize, stops: &[&str]) -> bool {
        (self.at > start && self.joins_nothing())
            || self.at_punct(",")
            || self.at_punct(";")
            || self.at_punct("=>")
            || self.at_punct("->")
            || (self.at_punct("#") && self.group_ahead(1, Delimiter::Bracket).is_some())
            || (self.at > start && stops.iter().any(|word| self.at_word(word)))
    }

    /// Whether no expression starts with the operator here: rustc would lose its way.
    fn starts_nothing(&self) -> bool {
        match self.peek(0) {
            Some(TokenTree::Punct(first)) => match first.as_char() {
                '<' => matches!(self.peek(1), Some(TokenTree::Literal(_) | TokenTree::Punct(_)) | None),
                other => !['-', '!', '*', '&', ':', '|'].contains(&other),
            },
            _ => false,
        }
    }

    /// A word that is meant as a unit behind the literal that was read.
    fn check_unit(&self) -> Parsed<()> {
        match (&self.tokens[self.at - 1], self.peek(0)) {
            (TokenTree::Literal(_), Some(TokenTree::Ident(word)))
                if words::NO_UNITS.contains(&word.to_string().as_str()) =>
            {
                let text = format!("`{word}` is no unit; there are: {}", words::list(words::UNITS));
                Err(Diagnostic::new(word.span(), text))
            }
            _ => Ok(()),
        }
    }

    /// Whether two operands stand side by side, as they do where a `;` is missing.
    fn joins_nothing(&self) -> bool {
        let operand = |token: &TokenTree| match token {
            TokenTree::Literal(_) => true,
            TokenTree::Ident(ident) => !words::KEYWORDS.contains(&ident.to_string().as_str()),
            _ => false,
        };
        let (before, here) = (&self.tokens[self.at - 1], &self.tokens[self.at]);
        let unit = matches!(here, TokenTree::Ident(ident) if words::find(words::UNITS, &ident.to_string()).is_some());
        operand(before) && operand(here) && !unit
    }

    /// Whether two words that are no keywords stand here, which is no expression.
    pub(crate) fn words_side_by_side(&self) -> bool {
        let word = |ahead: usize| match self.peek(ahead) {
            Some(TokenTree::Ident(ident)) => !words::KEYWORDS.contains(&ident.to_string().as_str()),
            _ => false,
        };
        word(0) && word(1)
    }

    /// Depth of `<…>` behind the token at the cursor: only where a path or a type starts, elsewhere `<` compares.
    fn angles(&self, start: usize, depth: usize) -> usize {
        let arrow = self.at > start && matches!(&self.tokens[self.at - 1], TokenTree::Punct(p) if p.as_char() == '-');
        if self.at_punct("<") {
            let opens = match self.at.checked_sub(1).filter(|before| *before >= start) {
                None => true,
                Some(before) => depth > 0 || matches!(&self.tokens[before], TokenTree::Punct(p) if p.as_char() != '<'),
            };
            return depth + usize::from(opens);
        }
        if self.at_punct(">") && !arrow { depth.saturating_sub(1) } else { depth }
    }

    /// Tokens of a type: everything up to `;` or a brace outside `<…>`.
    pub(crate) fn ty(&mut self, what: &str) -> Parsed<TokenStream> {
        let start = self.at;
        let mut depth = 0_usize;
        while !self.is_end() {
            let brace = self.group_ahead(0, Delimiter::Brace).is_some();
            let apart = self.at > start && matches!(self.peek(0), Some(TokenTree::Ident(_))) && self.ends_path();
            if self.at_punct(";") || ((brace || apart) && depth == 0) {
                break;
            }
            if self.at_punct("<") {
                depth += 1;
            } else if self.at_punct(">") {
                depth = depth.saturating_sub(1);
            }
            self.at += 1;
        }
        if self.at == start {
            return self.expected(what);
        }
        if depth > 0 {
            return self.expected("`>` as in `aarch64::El1<G4K, 39>`");
        }
        Ok(self.tokens[start..self.at].iter().cloned().collect())
    }

    /// Whether a path may end in the token before the cursor.
    fn ends_path(&self) -> bool {
        match &self.tokens[self.at - 1] {
            TokenTree::Ident(word) => word != "dyn",
            TokenTree::Punct(punct) => punct.as_char() == '>',
            _ => false,
        }
    }

    /// Skips what is left of an item: through its `;` or its braces.
    pub(crate) fn recover(&mut self) {
        while let Some(token) = self.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => return,
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
                _ => {}
            }
        }
    }
}

/// The value of an integer literal; `None` for any other, and beyond 128 bits.
pub(crate) fn value(literal: &str) -> Option<u128> {
    let digits = literal.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ => (digits.as_str(), 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let integer = suffix.is_empty() || suffix.starts_with(['u', 'i']) || words::find(words::UNITS, suffix).is_some();
    u128::from_str_radix(digits, radix).ok().filter(|_| integer)
}

/// An integer that no address or size can have: rustc would cut it off first, and the rules would see what is left.
fn check_range(literal: &Literal, unit: u128) -> Parsed<()> {
    let text = literal.to_string();
    match value(&text) {
        Some(number) if number.checked_mul(unit).is_none_or(|bytes| bytes > u128::from(u64::MAX)) => {
            Err(Diagnostic::new(literal.span(), format!("`{text}` is out of range: addresses and sizes have 64 bits")))
        }
        _ => Ok(()),
    }
}

/// A unit stands behind an integer literal and nowhere else, and together they fit 64 bits.
fn check_units(tokens: &[TokenTree]) -> Parsed<()> {
    let mut behind_literal = false;
    for (i, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => check_units(&group.stream().into_iter().collect::<Vec<_>>())?,
            TokenTree::Literal(literal) => check_range(literal, unit_behind(literal, tokens.get(i + 1)))?,
            _ => {}
        }
        if let TokenTree::Ident(unit) = token
            && let Some(constant) = words::find(words::UNITS, &unit.to_string())
            && !behind_literal
        {
            let form = format!("as in `64 {unit}`; elsewhere multiply: `N * tablature::size::{constant}`");
            return Err(Diagnostic::new(unit.span(), format!("`{unit}` follows an integer literal, {form}")));
        }
        behind_literal = matches!(token, TokenTree::Literal(_));
    }
    Ok(())
}

/// The unit of a literal in bytes.
fn unit_behind(literal: &Literal, next: Option<&TokenTree>) -> u128 {
    let text = literal.to_string();
    let own = words::UNITS.iter().map(|(word, _)| *word).find(|word| text.ends_with(word));
    let behind = match next {
        Some(TokenTree::Ident(word)) => word.to_string(),
        _ => String::new(),
    };
    match own.unwrap_or(&behind) {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => 1,
    }
}

/// A fragment of one token, as a macro passes it on, without its invisible group.
fn bare(token: TokenTree) -> TokenTree {
    if let TokenTree::Group(group) = &token
        && group.delimiter() == Delimiter::None
    {
        let mut inner = group.stream().into_iter();
        if let (Some(only), None) = (inner.next(), inner.next()) {
            return bare(only);
        }
    }
    token
}

fn open(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Parenthesis => "(",
        Delimiter::Brace => "{",
        Delimiter::Bracket => "[",
        Delimiter::None => "an expression",
    }
}

/// The text of a string literal; any other literal as it is written.
pub(crate) fn unquoted(literal: &str) -> String {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(literal).replace("\\\"", "\"").replace("\\\\", "\\")
}

/// First and last place of a token tree.
mod ends {
    use super::{Span, TokenTree};

    pub(super) fn first(token: &TokenTree) -> Span {
        match token {
            TokenTree::Group(group) => group.span_open(),
            other => other.span(),
        }
    }

    pub(super) fn last(token: &TokenTree) -> Span {
        match token {
            TokenTree::Group(group) => group.span_close(),
            other => other.span(),
        }
    }
}
