//! The findings of the rules as compile errors at the user's tokens.
//!
//! All rules run once, in `CHECKED`. Each declared object has a few constants; the n-th of them fails if the object is
//! to blame for n findings. rustc underlines the body of that constant, and every call below it that is not
//! `track_caller`: so the body is a call at the object's tokens, and each further culprit is a call at its tokens, an
//! arm of `the_other_culprit`. The names of these items are printed, so they are sentences.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::{Anchors, Context, Object};
use crate::ast::Place;

/// Constants of one object, by what they say it does.
const SAYS: [&str; 4] = ["breaks_a_rule", "breaks_another_rule", "breaks_a_third_rule", "breaks_a_fourth_rule"];
/// Findings of each kind that are kept at most.
const MOST_FINDINGS: usize = 128;
/// A map of more objects has fewer constants for each.
const MANY_OBJECTS: usize = 128;

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
    let (krate, says) = (c.krate, says(anchors));
    let kept = Literal::usize_unsuffixed((4 * anchors.objects.len() + 16).min(MOST_FINDINGS));
    let items = anchors.objects.iter().enumerate().flat_map(|(anchor, object)| {
        says.iter().enumerate().map(move |(nth, says)| item(c, anchor, nth, object, says))
    });
    let warnings = anchors.objects.iter().enumerate().filter(|(_, object)| object.warned > 0);
    let warnings = warnings.map(|(anchor, object)| warning(c, anchor, object));
    let rest = call("judge_the_rest", c.declaration.place, TokenStream::new());
    let judges = judges(c, anchors, says.len() - 1);
    quote_spanned! {c.site=>
        #[allow(long_running_const_eval)]
        const CHECKED: &(#krate::rule::Findings<'static, #kept>, #krate::rule::Findings<'static, #kept>) =
            &#krate::rule::check(MAP, &LAYOUT);
        /// Whether the map breaks no rule.
        pub const SOUND: #krate::__private::core::primitive::bool = CHECKED.0.is_empty();

        #(#items)*
        #[allow(non_upper_case_globals, dead_code)]
        const more_rules_are_broken: () = #rest;
        #judges
        #(#warnings)*
    }
}

/// The functions that the constants call; `last` is the number of the last constant of an object.
fn judges(c: &Context<'_>, anchors: &Anchors, last: usize) -> TokenStream {
    let (krate, last) = (c.krate, Literal::usize_unsuffixed(last));
    let arms = anchors.objects.iter().enumerate().map(|(anchor, object)| {
        let anchor = Literal::usize_unsuffixed(anchor);
        let next = call("judge", object.place, quote_spanned!(c.site=> blamed, nth, seen));
        quote_spanned!(c.site=> #anchor => #next,)
    });
    let number = quote_spanned!(c.site=> #krate::__private::core::primitive::usize);
    let anchor = quote_spanned!(c.site=> #krate::__private::core::primitive::u16);
    quote_spanned! {c.site=>
        #[track_caller]
        const fn judge_the_rest() {
            #krate::__private::refuse_rest(&CHECKED.0);
        }
        #[track_caller]
        const fn judge(blamed: #anchor, nth: #number, seen: #number) {
            match #krate::__private::verdict(&CHECKED.0, blamed, nth, seen) {
                #krate::__private::Verdict::Fine => {}
                #krate::__private::Verdict::With { anchor, seen } => the_other_culprit(anchor, blamed, nth, seen),
                #krate::__private::Verdict::Wrong => #krate::__private::refuse(&CHECKED.0, blamed, nth, nth == #last),
            }
        }
        const fn the_other_culprit(anchor: #anchor, blamed: #anchor, nth: #number, seen: #number) {
            match anchor {
                #(#arms)*
                _ => judge(blamed, nth, seen),
            }
        }
    }
}

fn says(anchors: &Anchors) -> &'static [&'static str] {
    if anchors.objects.len() > MANY_OBJECTS { &SAYS[..2] } else { &SAYS }
}

/// The constant that fails if the object is to blame for more than `nth` findings.
fn item(c: &Context<'_>, anchor: usize, nth: usize, object: &Object, says: &str) -> TokenStream {
    let name = Ident::new(&format!("{}_{says}", object.label), c.site);
    let (anchor, nth) = (Literal::usize_unsuffixed(anchor), Literal::usize_unsuffixed(nth));
    let body = call("judge", object.place, quote_spanned!(c.site=> #anchor, #nth, 1));
    quote_spanned!(c.site=> #[allow(non_upper_case_globals, dead_code)] const #name: () = #body;)
}

/// A call whose span runs from the first to the last token of `place`.
fn call(name: &str, place: Place, arguments: TokenStream) -> TokenStream {
    let name = Ident::new(name, place.first);
    let mut group = Group::new(Delimiter::Parenthesis, arguments);
    group.set_span(place.last);
    quote!(#name #group)
}

/// A use of something deprecated at the object's tokens, if there is something to warn of.
fn warning(c: &Context<'_>, anchor: usize, object: &Object) -> TokenStream {
    let (place, label) = (object.place, &object.label);
    let krate = c.krate;
    let here = Ident::new("here", place.first);
    // Whoever allows deprecated things has not heard of these. The attribute's place is printed, too: the same one.
    let lint = quote_spanned!(place.first=> #[warn(deprecated)]);
    let nth = (0..object.warned).map(Literal::usize_unsuffixed);
    let at = Literal::usize_unsuffixed(anchor);
    // In a function: where the map cannot even be evaluated, the fallback applies, and it is no `const fn`.
    let name = Ident::new(&format!("{label}_deserves_a_look"), c.site);
    quote_spanned! {c.site=>
        #lint
        #[allow(dead_code)]
        fn #name() {
            #[allow(unused_imports)]
            use #krate::rule::NoWarning as _;
            #(#krate::rule::Warning::<{ #krate::__private::warning(&CHECKED.1, #at, #nth) }>::#here();)*
        }
    }
}
