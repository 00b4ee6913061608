//! [`crate::ast`] to tokens. Nothing here can fail.

mod data;
mod module;
mod number;
mod verdict;

use std::collections::HashSet;

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

/// A declared object.
struct Object {
    /// The tokens that declared it.
    place: Place,
    /// Its name in the names of items, unlike any other.
    label: String,
    /// How many warnings of it are shown at most.
    warned: usize,
    /// The objects behind it belong to it as long as they are `in_space`: it is a space.
    opens: bool,
    /// It belongs to the space before it.
    in_space: bool,
}

/// The declared objects: `objects[n]` has anchor `n`.
struct Anchors {
    objects: Vec<Object>,
    /// Objects that are added belong to the last space.
    in_space: bool,
    labels: HashSet<String>,
}

impl Anchors {
    fn new(declaration: &Declaration) -> Self {
        let mut anchors = Self { objects: Vec::new(), in_space: false, labels: HashSet::new() };
        anchors.add(declaration.place, "the_map");
        anchors
    }

    /// A space; what is added until [`Anchors::leave_space`] belongs to it.
    fn enter_space(&mut self, place: Place, label: &str) -> u16 {
        self.in_space = false;
        let anchor = self.add(place, label);
        if let Some(object) = self.objects.last_mut() {
            object.opens = true;
        }
        self.in_space = true;
        anchor
    }

    const fn leave_space(&mut self) {
        self.in_space = false;
    }

    fn add(&mut self, place: Place, label: &str) -> u16 {
        let mut label: String = label.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        if label.starts_with(|c: char| c.is_ascii_digit()) {
            label.insert(0, '_');
        }
        while !self.labels.insert(label.clone()) {
            label.push('_');
        }
        self.objects.push(Object { place, label, warned: 0, opens: false, in_space: self.in_space });
        u16::try_from(self.objects.len() - 1).unwrap_or(u16::MAX)
    }

    fn add_warned(&mut self, place: Place, label: &str, warned: usize) -> u16 {
        let anchor = self.add(place, label);
        if let Some(object) = self.objects.last_mut() {
            object.warned = warned;
        }
        anchor
    }
}

/// The whole expansion. A declaration that is not `sound` syntax gives the same items, but no verdict and no tables.
pub(crate) fn expand(declaration: &Declaration, sound: bool) -> TokenStream {
    let context = Context { declaration, krate: &declaration.krate, site: Span::mixed_site() };
    let mut anchors = Anchors::new(declaration);
    let map = data::map(&context, &mut anchors);
    let verdict = if sound { verdict::verdict(&context, &anchors) } else { verdict::none(&context) };
    let beside = module::beside(&context, &map);
    let module = match declaration.data_only {
        true => module::data(&context),
        false => module::module(&context, &verdict),
    };
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
