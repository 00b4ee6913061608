//! `image … { … }`: its entry point and its sections.

use proc_macro2::{Delimiter, TokenTree};

use super::{items, once, rights};
use crate::ast::{Image, Input, Section};
use crate::cursor::Cursor;
use crate::diag::{Diagnostic, Diagnostics, Parsed};
use crate::words::SECTION_CLAUSES;

pub(super) fn image(body: &mut Cursor, start: usize, errors: &mut Diagnostics) -> Parsed<Image> {
    let name = body.name("the name of the image")?;
    let place = body.since(start);
    let group = body.expect_group(Delimiter::Brace, "image firmware { section text (rx) : 0x8000, 64 KiB; }")?;
    let mut image = Image { name, place, entry: None, entry_symbol: None, sections: Vec::new() };
    let mut seen = Vec::new();
    items(&mut Cursor::inside(&group), errors, |body, _| {
        once(&mut seen, body, &["section"])?;
        let start = body.position();
        if body.eat_word("entry") {
            image.entry = Some(body.expr("the entry point", &[])?);
            if body.eat_punct(",") {
                body.expect_word("symbol", "entry 0x8000, symbol _start;")?;
                image.entry_symbol = Some(body.name("the symbol at the entry point")?);
            }
        } else if body.eat_word("section") {
            image.sections.push(section(body, start, &image.name.text)?);
        } else {
            return body.expected("`entry` or `section`");
        }
        body.expect_punct(";", "entry 0x8000;")
    });
    Ok(image)
}

fn section(body: &mut Cursor, start: usize, image: &str) -> Parsed<Section> {
    const FORM: &str = "section \".text\" (rx) : 0x8000, 64 KiB, load 0x4000_8000;";
    let name = body.name("the name of a section")?;
    let group = body.expect_group(Delimiter::Parenthesis, FORM)?;
    let rights = rights(&mut Cursor::inside(&group), &format!("{image}.{}", name.text))?;
    let mut section = Section {
        name,
        place: body.since(start),
        rights,
        region: None,
        virt: None,
        size: None,
        load: None,
        contents: "Loaded",
        inputs: Vec::new(),
    };
    if body.eat_word("in") {
        section.region = Some(body.name("the region it lies in")?);
        section.virt = if body.eat_punct("+") { Some(body.expr("bytes into the region", &[])?) } else { None };
    } else {
        body.expect_punct(":", FORM)?;
        section.virt = Some(body.expr("its link address", &[])?);
        body.expect_punct(",", FORM)?;
        section.size = Some(body.expr("its size", &[])?);
    }
    clauses(body, &mut section)?;
    if let (Some(input), "Reserved") = (section.inputs.first(), section.contents) {
        return Err(Diagnostic::new(input.name.span, "a section that is `reserve` has no input"));
    }
    section.place = body.since(start);
    Ok(section)
}

fn clauses(body: &mut Cursor, section: &mut Section) -> Parsed<()> {
    let (mut first, mut seen) = (section.region.is_some(), Vec::new());
    while body.eat_punct(",") {
        if at_clause(body) {
            once(&mut seen, body, &["from", "keep"])?;
            clause(body, section)?;
        } else if first {
            section.size = Some(body.expr("its size, `load`, `nobits`, `reserve`, `from` or `keep`", &[])?);
        } else {
            return body.expected_word("`load`, `nobits`, `reserve`, `from` or `keep`", SECTION_CLAUSES);
        }
        first = false;
    }
    Ok(())
}

fn clause(body: &mut Cursor, section: &mut Section) -> Parsed<()> {
    let word = body.ident("a clause")?;
    match word.to_string().as_str() {
        "load" => section.load = Some(body.expr("its load address", &[])?),
        "nobits" => section.contents = "NoBits",
        "reserve" => section.contents = "Reserved",
        word => {
            let name = body.name("the name of input sections")?;
            section.inputs.push(Input { name, keep: word == "keep" });
        }
    }
    Ok(())
}

/// A clause's word, unless it starts a path: `load::SIZE` is a size.
fn at_clause(body: &Cursor) -> bool {
    matches!(body.peek(0), Some(TokenTree::Ident(ident)) if SECTION_CLAUSES.contains(&ident.to_string().as_str()))
        && !body.punct_ahead(1, "::")
}
