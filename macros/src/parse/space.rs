//! `space … { … }` and its tables.

use proc_macro2::Delimiter;

use super::{Owner, attributes, end, image, items, phys, region, word};
use crate::ast::{Attributes, Location, Space, Tables};
use crate::cursor::Cursor;
use crate::diag::{Diagnostics, Parsed};
use crate::words;

const FORM: &str = "space plc (user) { … }";

pub(super) fn space(input: &mut Cursor, attributes: Attributes, errors: &mut Diagnostics) -> Parsed<Space> {
    let start = input.position();
    input.expect_word("space", FORM)?;
    let name = input.name("the name of the space")?;
    let mut role = "Kernel";
    if let Some(group) = input.eat_group(Delimiter::Parenthesis) {
        let mut inner = Cursor::inside(&group);
        role = errors.keep(word(&mut inner, words::ROLES, "role of a space")).unwrap_or(role);
        if !inner.is_end() {
            errors.keep(inner.expected::<()>("`)`"));
        }
    }
    let place = input.since(start);
    let regime = if input.eat_word("for") { Some(input.ty("a translation regime")?) } else { None };
    let body = input.expect_group(Delimiter::Brace, FORM)?;
    let mut space = Space {
        attributes,
        name,
        place,
        role,
        regime,
        asid: None,
        self_map: None,
        tables: None,
        image: None,
        regions: Vec::new(),
    };
    let mut seen = Vec::new();
    items(&mut Cursor::inside(&body), errors, |body, errors| item(body, &mut space, &mut seen, errors));
    Ok(space)
}

fn item(body: &mut Cursor, space: &mut Space, seen: &mut Vec<String>, errors: &mut Diagnostics) -> Parsed<()> {
    let attributes = attributes(body, Owner::Region)?;
    if !is_region(body) {
        super::once(seen, body, &[])?;
        if !attributes.requirements.is_empty() {
            return body.expected("a region behind its requirements");
        }
        let start = body.position();
        if body.eat_word("image") {
            space.image = Some(image::image(body, start, errors)?);
            return Ok(());
        }
        if body.eat_word("tables") {
            space.tables = Some(tables(body, start)?);
            return body.expect_punct(";", "tables <= 8 in dram;");
        }
        if body.eat_word("asid") {
            space.asid = Some(body.expr("an address space identifier", &[])?);
            return body.expect_punct(";", "asid 3;");
        }
        if body.eat_word("self_map") {
            space.self_map = Some(body.expr("a slot of the root table", &[])?);
            return body.expect_punct(";", "self_map 510;");
        }
    }
    let (region, result) = region::region(body, attributes, &space.name.text)?;
    space.regions.push(region);
    result?;
    end(body, region::FORM, errors)
}

/// Whether `NAME ( … ) :` or `NAME :` stands here, so that a region may be called `tables` or `image`.
fn is_region(body: &Cursor) -> bool {
    let grants = usize::from(body.group_ahead(1, Delimiter::Parenthesis).is_some());
    body.name_ahead(0) && body.punct_ahead(1 + grants, ":")
}

fn tables(body: &mut Cursor, start: usize) -> Parsed<Tables> {
    let budget = if body.eat_punct("<=") { Some(body.expr("a number of tables", &["in", "at"])?) } else { None };
    let location = location(body)?;
    let mut tables = Tables {
        place: body.since(start),
        budget,
        location,
        size: None,
        hw_ad: false,
        preset_ad: false,
        runtime_edit: false,
    };
    let mut first = true;
    while body.eat_punct(",") {
        if body.eat_word("hw_ad") {
            tables.hw_ad = true;
        } else if body.eat_word("preset_ad") {
            tables.preset_ad = true;
        } else if body.eat_word("runtime_edit") {
            tables.runtime_edit = true;
        } else if first {
            tables.size = Some(body.expr("the size of the pool, `hw_ad`, `preset_ad` or `runtime_edit`", &[])?);
        } else {
            return body.expected("`hw_ad`, `preset_ad` or `runtime_edit`");
        }
        first = false;
    }
    tables.place = body.since(start);
    Ok(tables)
}

fn location(body: &mut Cursor) -> Parsed<Location> {
    if body.eat_word("in") {
        return Ok(Location::LinkedIn(body.name("a resource or a region")?));
    }
    if !body.eat_word("at") {
        let done = body.is_end() || body.at_punct(";") || body.at_punct(",");
        return if done {
            Ok(Location::Linked)
        } else {
            body.expected("`<= BUDGET`, `in RESOURCE`, `at PLACE`, `at boot`, `,` or `;`")
        };
    }
    if body.at_word("boot") && !body.punct_ahead(1, "+") {
        body.next();
        let resource = if body.eat_word("in") { Some(body.name("a resource")?) } else { None };
        return Ok(Location::Boot(resource));
    }
    Ok(Location::Placed(phys(body, &[])?))
}
