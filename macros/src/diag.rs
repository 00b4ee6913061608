//! Syntax errors: collected, each at its tokens.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

use crate::ast::Place;

/// One syntax error.
#[derive(Debug)]
pub(crate) struct Diagnostic {
    first: Span,
    last: Span,
    text: String,
}

/// What a parse function returns.
pub(crate) type Parsed<T> = Result<T, Diagnostic>;

impl Diagnostic {
    pub(crate) fn new(span: Span, text: impl Into<String>) -> Self {
        Self { first: span, last: span, text: text.into() }
    }

    pub(crate) fn over(place: Place, text: impl Into<String>) -> Self {
        Self { first: place.first, last: place.last, text: text.into() }
    }

    /// The text.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// All syntax errors of a declaration.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Keeps the error, or gives the value.
    pub(crate) fn keep<T>(&mut self, parsed: Parsed<T>) -> Option<T> {
        parsed.map_err(|diagnostic| self.push(diagnostic)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.list.iter().map(Diagnostic::text).collect()
    }

    /// A `compile_error!` each, which underlines from the first to the last token.
    ///
    /// All of it has the user's own spans, `$crate` would not: rustc would say that the error is the macro's.
    pub(crate) fn emit(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for Diagnostic { first, last, text } in &self.list {
            out.extend(quote_spanned!(*first=> ::core::compile_error!));
            let mut body = Group::new(Delimiter::Brace, quote_spanned!(*last=> #text));
            body.set_span(*last);
            body.to_tokens(&mut out);
        }
        out
    }
}

/// The token at another place; `$crate` keeps its meaning.
pub(crate) fn at(mut tree: TokenTree, place: Span) -> TokenTree {
    tree.set_span(tree.span().located_at(place));
    tree
}
