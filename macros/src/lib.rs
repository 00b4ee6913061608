//! The `memory_map!` macro of [tablature](https://docs.rs/tablature): a small compiler in three steps.
//!
//! Reading order: `ast` is the notation, `parse` reads it, `check` finds words that contradict each other,
//! `expand` writes the map as data for the library's rules to judge. Nothing is judged here.

mod ast;
mod check;
mod cursor;
mod diag;
mod expand;
mod parse;
#[cfg(test)]
mod tests;
mod words;

use proc_macro2::TokenStream;

/// The compiler behind `tablature::memory_map!`, which passes its own path in parentheses first.
#[proc_macro]
pub fn memory_map(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    compile(input.into()).into()
}

fn compile(input: TokenStream) -> TokenStream {
    let mut errors = diag::Diagnostics::default();
    let mut declaration = parse::declaration(input, &mut errors);
    if let Some(declaration) = &mut declaration {
        check::check(declaration, &mut errors);
    }
    let mut output = errors.emit();
    if let Some(declaration) = &declaration {
        output.extend(expand::expand(declaration, errors.is_empty()));
    }
    output
}
