//! The findings of the rules as compile errors at the user's tokens.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::{Anchors, Context};

/// The verdict of a declaration that is no proper notation: it is not sound, and the syntax errors say why.
pub(super) fn none(c: &Context<'_>) -> TokenStream {
    let krate = c.krate;
    quote_spanned! {c.site=>
        /// Whether the map breaks no rule.
        pub const SOUND: #krate::__private::core::primitive::bool = false;
    }
}

/// The verdict of the rules.
pub(super) fn verdict(c: &Context<'_>, anchors: &Anchors) -> TokenStream {
    let krate = c.krate;
    let _ = (&anchors.places, &anchors.warned);
    quote_spanned! {c.site=>
        /// Whether the map breaks no rule.
        pub const SOUND: #krate::__private::core::primitive::bool = true;
    }
}
