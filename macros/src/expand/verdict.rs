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
/// A map of more objects has a few constants for all of them, at its name, because each costs the compiler half a
/// millisecond: the calls below them still underline every culprit.
const VERY_MANY_OBJECTS: usize = 512;
/// How many findings those constants show.
const FINDINGS_SHOWN: usize = 32;
/// How many warnings a space shows for all that is declared in it, where there are very many objects.
const WARNINGS_SHOWN: usize = 4;

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
    let many = anchors.objects.len() > VERY_MANY_OBJECTS;
    let items: TokenStream = if many { items_of_all(c) } else { items_of_each(c, anchors, says) };
    let groups = if many { anchors.grouped() } else { anchors.alone() };
    let warnings = groups.into_iter().filter(|group| group.warned > 0).map(|group| warning(c, anchors, &group));
    let judges = judges(c, anchors, says.len() - 1);
    quote_spanned! {c.site=>
        #[allow(long_running_const_eval)]
        const CHECKED: &(#krate::rule::Findings<'static, #kept>, #krate::rule::Findings<'static, #kept>) =
            &#krate::__private::check(MAP, LAYOUT, &DEMANDS, PLANS);
        /// Whether the map breaks no rule.
        pub const SOUND: #krate::__private::core::primitive::bool = CHECKED.0.is_empty();

        #items
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

/// The constants of every object, and one for the findings that were not kept.
fn items_of_each(c: &Context<'_>, anchors: &Anchors, says: &[&str]) -> TokenStream {
    let krate = c.krate;
    let items = anchors.objects.iter().enumerate().flat_map(|(anchor, object)| {
        says.iter().enumerate().map(move |(nth, says)| item(c, anchor, nth, object, says))
    });
    let rest = rest(c, &quote_spanned!(c.site=> #krate::__private::refuse_rest(&CHECKED.0)));
    quote_spanned!(c.site=> #(#items)* #rest)
}

/// Constants that each show one finding, whoever is to blame for it, and one for all that they do not show.
fn items_of_all(c: &Context<'_>) -> TokenStream {
    let (krate, place) = (c.krate, c.declaration.place);
    let shown = (0..FINDINGS_SHOWN).map(|nth| {
        let name = Ident::new(&format!("a_rule_is_broken_{nth}"), c.site);
        let nth = Literal::usize_unsuffixed(nth);
        let body = call("judge_one", place, quote_spanned!(c.site=> #nth));
        quote_spanned!(c.site=> #[allow(non_upper_case_globals, dead_code)] const #name: () = #body;)
    });
    let last = Literal::usize_unsuffixed(FINDINGS_SHOWN);
    let rest = rest(c, &quote_spanned!(c.site=> #krate::__private::refuse_behind(&CHECKED.0, #last)));
    quote_spanned! {c.site=>
        #[track_caller]
        const fn judge_one(nth: #krate::__private::core::primitive::usize) {
            if let #krate::__private::core::option::Option::Some((blamed, nth)) =
                #krate::__private::blamed(&CHECKED.0, nth)
            {
                the_other_culprit(blamed, blamed, nth, 1);
            }
        }
        #(#shown)*
        #rest
    }
}

/// The constant that says how many findings no other shows.
fn rest(c: &Context<'_>, refuse: &TokenStream) -> TokenStream {
    let rest = call("judge_the_rest", c.declaration.place, TokenStream::new());
    quote_spanned! {c.site=>
        #[track_caller]
        const fn judge_the_rest() {
            #refuse;
        }
        #[allow(non_upper_case_globals, dead_code)]
        const more_rules_are_broken: () = #rest;
    }
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

/// A use of something deprecated at the group's tokens, if there is something to warn of.
fn warning(c: &Context<'_>, anchors: &Anchors, group: &Warned) -> TokenStream {
    let object = &anchors.objects[group.at];
    let (place, label) = (object.place, &object.label);
    let krate = c.krate;
    let here = Ident::new("here", place.first);
    // Whoever allows deprecated things has not heard of these. The attribute's place is printed, too: the same one.
    let lint = quote_spanned!(place.first=> #[warn(deprecated)]);
    let nth = (0..group.warned).map(Literal::usize_unsuffixed);
    let (first, last) = (Literal::usize_unsuffixed(group.first), Literal::usize_unsuffixed(group.last));
    // In a function: where the map cannot even be evaluated, the fallback applies, and it is no `const fn`.
    let name = Ident::new(&format!("{label}_deserves_a_look"), c.site);
    quote_spanned! {c.site=>
        #lint
        #[allow(dead_code)]
        fn #name() {
            #[allow(unused_imports)]
            use #krate::rule::NoWarning as _;
            #(#krate::rule::Warning::<{ #krate::__private::warning(&CHECKED.1, #first, #last, #nth) }>::#here();)*
        }
    }
}

/// Objects whose warnings are shown at one of them.
struct Warned {
    /// Where.
    at: usize,
    /// The first of them.
    first: usize,
    /// The last of them.
    last: usize,
    /// How many warnings are shown at most.
    warned: usize,
}

impl Anchors {
    /// Every object by itself.
    fn alone(&self) -> Vec<Warned> {
        let object = |(at, object): (usize, &Object)| Warned { at, first: at, last: at, warned: object.warned };
        self.objects.iter().enumerate().map(object).collect()
    }

    /// A space with all that is declared in it, and every other object by itself.
    fn grouped(&self) -> Vec<Warned> {
        let mut groups: Vec<Warned> = Vec::new();
        for group in self.alone() {
            match groups.last_mut() {
                Some(space) if self.objects[group.at].in_space && self.objects[space.at].opens => {
                    space.last = group.at;
                    space.warned = WARNINGS_SHOWN;
                }
                _ => groups.push(group),
            }
        }
        groups
    }
}
