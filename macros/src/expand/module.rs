//! The module of the map, and what must stand beside it so that the user's paths resolve.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::Context;
use crate::ast::{Kind, Location, Region, Space};

/// A map of more regions gives those that are no windows a type with a number in place of one of their own.
const MANY_REGIONS: usize = 512;

impl Context<'_> {
    /// The type that carries the regime of a space.
    pub(super) fn in_regime(&self, index: usize) -> TokenStream {
        let (module, index) = (&self.declaration.name, Literal::usize_unsuffixed(index));
        quote_spanned!(self.site=> #module::__Space<#index>)
    }
}

/// Impls beside the module: the user's constants and regimes are named here, where the user stands.
///
/// The names of the regimes are in scope for the regimes only, so that they shadow nothing in an expression. The impls
/// stand in an unnamed constant, which works inside a function body too, where the module could not name its parent.
pub(super) fn beside(c: &Context<'_>, map: &TokenStream) -> TokenStream {
    let (krate, d) = (c.krate, c.declaration);
    let (module, conditions) = (&d.name, &d.attributes.conditions);
    let Some(whole) = &d.regime else { return TokenStream::new() };
    let regimes = d.spaces.iter().map(|space| space.regime.as_ref().unwrap_or(whole));
    let indices = (0..d.spaces.len()).map(Literal::usize_unsuffixed);
    quote_spanned! {c.site=>
        #(#conditions)*
        #[allow(unused_parens, unused_braces, non_local_definitions, unused_qualifications)]
        #[allow(clippy::all, clippy::pedantic)]
        const _: () = {
            impl #krate::__private::Declaration for #module::__Declaration {
                const MAP: #krate::map::Map<'static> = #map;
            }
        };
        #(#conditions)*
        #[allow(unused_imports, non_local_definitions, unused_qualifications)]
        const _: () = {
            use #krate::__private::regimes::*;
            impl #krate::__private::InRegime for #module::__Space<{ #krate::__private::WHOLE_MAP }> {
                type Regime = #whole;
            }
            #(
                impl #krate::__private::InRegime for #module::__Space<#indices> {
                    type Regime = #regimes;
                }
            )*
        };
    }
}

/// The module of a map that is data and nothing more.
pub(super) fn data(c: &Context<'_>) -> TokenStream {
    let (attributes, visibility, name) =
        (&c.declaration.attributes.kept, &c.declaration.visibility, &c.declaration.name);
    let map = map_item(c);
    quote_spanned!(c.site=> #(#attributes)* #visibility mod #name { #map })
}

fn map_item(c: &Context<'_>) -> TokenStream {
    let krate = c.krate;
    quote_spanned! {c.site=>
        #[doc(hidden)]
        pub enum __Declaration {}
        #[doc(hidden)]
        pub enum __Space<const INDEX: #krate::__private::core::primitive::usize> {}

        /// The declaration as data.
        pub const MAP: &#krate::map::Map<'static> = &<__Declaration as #krate::__private::Declaration>::MAP;
    }
}

/// The module.
pub(super) fn module(c: &Context<'_>, verdict: &TokenStream) -> TokenStream {
    let (krate, d) = (c.krate, c.declaration);
    let (attributes, visibility, name) = (&d.attributes.kept, &d.visibility, &d.name);
    if d.regime.is_none() {
        return quote_spanned!(c.site=> #(#attributes)* #visibility mod #name {});
    }
    let map = map_item(c);
    let regions = Literal::usize_unsuffixed(d.region_count());
    // Few regions need more than two runs of leaves; the plans of spaces that do not fit are made where they are used.
    let steps = Literal::usize_unsuffixed(2 * d.region_count() + 64);
    let space_count = Literal::usize_unsuffixed(d.spaces.len());
    let names = unique(d.spaces.iter().map(|space| space.name.ident()));
    let spaces = d.spaces.iter().zip(names).enumerate().map(|(i, (space, name))| space_item(c, i, space, &name));
    quote_spanned! {c.site=>
        #(#attributes)*
        #visibility mod #name {
            #map
            #[allow(long_running_const_eval, dead_code)]
            const LAYOUT: &#krate::layout::Layout<#regions> = &#krate::layout::Layout::of(MAP);
            #[allow(dead_code)]
            const DEMANDS: #krate::layout::Demands = #krate::layout::Demands::of(MAP);
            #[allow(long_running_const_eval, dead_code)]
            const PLANS: &#krate::plan::Plans<#steps, #space_count> = &#krate::plan::Plans::of(MAP, LAYOUT, &DEMANDS);
            #[allow(dead_code)]
            static __TAKEN: #krate::__private::Taken<#regions> = #krate::__private::Taken::new();

            #verdict
            #(#spaces)*
        }
    }
}

fn space_item(c: &Context<'_>, index: usize, space: &Space, name: &Ident) -> TokenStream {
    let krate = c.krate;
    let docs = docs(c, &space.attributes.kept, &format!("The space `{}`.", space.name.text));
    let symbol = format!("__tablature_{}_{}", c.declaration.name, name);
    let (symbol, quarter) = (c.text(&symbol), c.text(&format!("{symbol}_q")));
    let placement = match space.tables.as_ref().map(|tables| &tables.location) {
        Some(Location::Placed(_)) => "placed",
        Some(Location::Boot(_)) => "boot",
        Some(Location::Linked | Location::LinkedIn(_)) | None => "linked",
    };
    let placement = Ident::new(placement, c.site);
    let names = unique(space.regions.iter().map(|region| region.name.ident()));
    let regions = space.regions.iter().zip(names).enumerate().map(|(i, (region, name))| {
        let docs = region_docs(c, region);
        let (i, kind) = (Literal::usize_suffixed(i), Ident::new(region.kind().word(), c.site));
        let own = c.declaration.region_count() <= MANY_REGIONS || matches!(region.kind(), Kind::Window);
        let form = Ident::new(if own { "own" } else { "numbered" }, c.site);
        quote_spanned!(c.site=> { docs = [#docs]; name = #name; index = #i; kind = #kind; form = #form; })
    });
    let (number, index) = (Literal::usize_suffixed(index), Literal::usize_unsuffixed(index));
    quote_spanned! {c.site=>
        #krate::__declare_space! {
            crate = [#krate];
            docs = [#docs];
            space = #name;
            index = #number;
            regime = [<super::__Space<#index> as #krate::__private::InRegime>::Regime];
            placement = #placement;
            symbol = #symbol;
            symbol_quarter = #quarter;
            regions = [#(#regions)*];
        }
    }
}

/// The docs of a region, and how it was declared.
fn region_docs(c: &Context<'_>, region: &Region) -> TokenStream {
    let docs = docs(c, &region.attributes.kept, &format!("The region `{}`.", region.name.text));
    let text = c.text(&format!("\n```text\n{}\n```", region.text));
    quote_spanned!(c.site=> #docs #[doc = #text])
}

/// The user's docs, or what there is to say without them.
fn docs(c: &Context<'_>, docs: &[TokenStream], default: &str) -> TokenStream {
    if docs.is_empty() {
        let text = c.text(default);
        return quote_spanned!(c.site=> #[doc = #text]);
    }
    quote!(#(#docs)*)
}

/// Names that collide get an underscore: the rules report them, and rustc has nothing to add.
fn unique(names: impl Iterator<Item = Ident>) -> Vec<Ident> {
    let mut seen: Vec<Ident> = Vec::new();
    for mut name in names {
        while RESERVED.iter().any(|reserved| name == reserved) || seen.contains(&name) {
            name = Ident::new(&format!("{name}_"), name.span());
        }
        seen.push(name);
    }
    seen
}

/// Items that the expansion of a space has of its own.
const RESERVED: &[&str] = &[
    "DECLARATION",
    "DELTA",
    "EXTENTS",
    "FILLED",
    "FORMAT",
    "IN_IMAGE",
    "ORIGIN",
    "REGIONS",
    "Regime",
    "SHAPE",
    "SLOTS",
    "STEPS",
    "STEP_COUNT",
    "Space",
    "TABLES",
    "TABLES_AT",
    "base_",
    "__private_",
];
