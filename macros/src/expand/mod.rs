//! [`crate::ast`] to tokens. Nothing here can fail.

mod data;
mod module;
mod number;
mod verdict;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::ast::{Declaration, Name, Place};

/// What every part of the expansion needs.
pub(crate) struct Context<'a> {
    declaration: &'a Declaration,
    /// The crate, as `$crate` of the shell.
    krate: &'a TokenStream,
    /// Items resolve where the macro is called, local variables do not: hygienic, and no lint's business.
    site: Span,
}

/// The tokens that declared each object: `places[n]` belongs to anchor `n`.
struct Anchors {
    places: Vec<Place>,
    /// Anchors of objects that the warning rules may name.
    warned: Vec<u16>,
}

impl Anchors {
    fn add(&mut self, place: Place) -> u16 {
        self.places.push(place);
        u16::try_from(self.places.len() - 1).unwrap_or(u16::MAX)
    }

    fn add_warned(&mut self, place: Place) -> u16 {
        let anchor = self.add(place);
        self.warned.push(anchor);
        anchor
    }
}

/// The whole expansion. A declaration that is not `sound` syntax gives the same items, but no verdict and no tables.
pub(crate) fn expand(declaration: &Declaration, sound: bool) -> TokenStream {
    let context = Context { declaration, krate: &declaration.krate, site: Span::mixed_site() };
    let mut anchors = Anchors { places: vec![declaration.place], warned: Vec::new() };
    let map = data::map(&context, &mut anchors);
    let verdict = if sound { verdict::verdict(&context, &anchors) } else { verdict::none(&context) };
    let beside = module::beside(&context, &map);
    let module = module::module(&context, &verdict);
    quote!(#module #beside)
}

impl Context<'_> {
    /// `&[…]`
    fn slice(&self, items: impl IntoIterator<Item = TokenStream>) -> TokenStream {
        let items = items.into_iter();
        quote_spanned!(self.site=> &[#(#items),*])
    }

    fn some(&self, value: TokenStream) -> TokenStream {
        let krate = self.krate;
        quote_spanned!(self.site=> #krate::__private::core::option::Option::Some(#value))
    }

    fn option(&self, value: Option<TokenStream>) -> TokenStream {
        let krate = self.krate;
        match value {
            Some(value) => self.some(value),
            None => quote_spanned!(self.site=> #krate::__private::core::option::Option::None),
        }
    }

    fn text(&self, text: &str) -> Literal {
        let mut literal = Literal::string(text);
        literal.set_span(self.site);
        literal
    }

    fn name(&self, name: &Name) -> Literal {
        self.text(&name.text)
    }

    fn names(&self, names: &[Name]) -> TokenStream {
        let names = names.iter().map(|name| self.name(name));
        quote_spanned!(self.site=> &[#(#names),*])
    }
}
