//! The user's expressions as numbers.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};

use super::Context;
use crate::ast::Expr;
use crate::cursor::value;
use crate::diag::at;
use crate::words;

impl Context<'_> {
    /// An expression as `u64`. Literals alone take the type from where they stand; a constant may be of any integer
    /// type.
    ///
    /// Each is a constant of its own in a type, and not part of the map's: where one has no value, rustc says so once,
    /// and not at everything that is made of the map.
    pub(super) fn number(&self, expr: &Expr) -> TokenStream {
        let tokens = self.verbatim(expr);
        let is_one = tokens.clone().into_iter().nth(1).is_none();
        if is_one && is_literal(&expr.tokens) {
            return tokens;
        }
        // At the expression, so that rustc does not point at the whole declaration.
        let (place, end) = (expr.tokens[0].span(), expr.tokens[expr.tokens.len() - 1].span());
        let krate: TokenStream = self.krate.clone().into_iter().map(|token| at(token, place)).collect();
        let value = if is_literal(&expr.tokens) {
            tokens
        } else {
            let mut argument = Group::new(Delimiter::Parenthesis, tokens);
            argument.set_span(end);
            quote_spanned!(self.site.located_at(place)=> #krate::__private::number #argument)
        };
        let mut block = Group::new(Delimiter::Brace, value);
        block.set_span(end);
        quote_spanned!(self.site.located_at(place)=> #krate::__private::Value::<#block>::OF)
    }

    /// An expression as `u32`; greater numbers are all alike wrong.
    pub(super) fn small(&self, expr: &Expr) -> TokenStream {
        let (krate, value) = (self.krate, self.number(expr));
        quote_spanned!(self.site=> #krate::__private::small(#value))
    }

    /// An expression as `i32`.
    pub(super) fn signed(&self, expr: &Expr) -> TokenStream {
        let (krate, tokens) = (self.krate, self.verbatim(expr));
        if is_literal(&expr.tokens) {
            return tokens;
        }
        quote_spanned!(self.site=> (#tokens) as #krate::__private::core::primitive::i32)
    }

    /// An expression as it is.
    pub(super) fn verbatim(&self, expr: &Expr) -> TokenStream {
        self.units(&expr.tokens)
    }

    /// The tokens with `64 KiB` written out as `(64 * size::KIB)`.
    fn units(&self, tokens: &[TokenTree]) -> TokenStream {
        let mut out = TokenStream::new();
        let mut rest = tokens.iter().peekable();
        while let Some(token) = rest.next() {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let mut new = Group::new(group.delimiter(), self.units(&inner));
                    new.set_span(group.span());
                    new.to_tokens(&mut out);
                }
                TokenTree::Literal(literal) => match unit(literal, rest.peek().copied()) {
                    Some((number, constant, behind)) => {
                        if behind {
                            rest.next();
                        }
                        self.multiple(&number, constant).to_tokens(&mut out);
                    }
                    None => literal.to_tokens(&mut out),
                },
                _ => token.to_tokens(&mut out),
            }
        }
        out
    }

    /// The product, as a literal where the number fits one.
    fn multiple(&self, number: &Literal, constant: &str) -> TokenTree {
        let unit = match constant {
            "KIB" => 1 << 10,
            "MIB" => 1 << 20,
            "GIB" => 1 << 30,
            _ => 1_u64 << 40,
        };
        if let Some(product) = value(&number.to_string()).and_then(|it| u64::try_from(it).ok()?.checked_mul(unit)) {
            let mut product = Literal::u64_unsuffixed(product);
            product.set_span(number.span());
            return product.into();
        }
        let (krate, constant) = (self.krate, Ident::new(constant, self.site));
        let product = quote_spanned!(self.site=> #number * #krate::size::#constant);
        let mut group = Group::new(Delimiter::Parenthesis, product);
        group.set_span(number.span());
        group.into()
    }
}

/// The number and its unit, of `64 KiB` or `64KiB`, and whether the unit is a token of its own.
fn unit(literal: &Literal, next: Option<&TokenTree>) -> Option<(Literal, &'static str, bool)> {
    if let Some(TokenTree::Ident(ident)) = next
        && let Some(constant) = words::find(words::UNITS, &ident.to_string())
    {
        return Some((literal.clone(), constant, true));
    }
    let text = literal.to_string();
    let (word, constant) = words::UNITS.iter().find(|(word, _)| text.ends_with(word))?;
    let mut number: Literal = text.strip_suffix(word)?.trim_end_matches('_').parse().ok()?;
    number.set_span(literal.span());
    Some((number, constant, false))
}

/// Whether an expression is made of integer literals alone, so that its type comes from where it stands.
fn is_literal(tokens: &[TokenTree]) -> bool {
    tokens.iter().all(|token| match token {
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let digits = text.starts_with(|c: char| c.is_ascii_digit());
            digits && !["usize", "u8", "u16", "u32", "i32", "i64"].iter().any(|suffix| text.ends_with(suffix))
        }
        TokenTree::Ident(ident) => words::find(words::UNITS, &ident.to_string()).is_some(),
        TokenTree::Group(group) => is_literal(&group.stream().into_iter().collect::<Vec<_>>()),
        TokenTree::Punct(_) => true,
    })
}
