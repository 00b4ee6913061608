//! One region of a space.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{memory, once, phys, rights, rights_of};
use crate::ast::{Attributes, Clauses, Expr, Grants, Guard, Place, Region, Virt, Waiver};
use crate::cursor::Cursor;
use crate::diag::{Diagnostic, Parsed};
use crate::words;

pub(super) const FORM: &str = "text (rx) : 0xffff_ff80_0000_0000 => dram, 2 MiB;";

/// A region, and what was wrong with it: where only its name could be read, the rest is blank.
pub(super) fn region(body: &mut Cursor, attributes: Attributes, space: &str) -> Parsed<(Region, Parsed<()>)> {
    let start = body.position();
    let name = body.name("a region, `tables`, `image`, `asid` or `self_map`")?;
    let mut region = Region {
        attributes,
        place: Place::at(name.span),
        name,
        text: String::new(),
        grants: Grants::default(),
        virt: None,
        phys: None,
        size: None,
        size_symbol: None,
        clauses: Clauses::default(),
    };
    let result = line(body, &mut region, space);
    region.place = body.since(start);
    let text = body.slice(start).into_iter().collect::<TokenStream>().to_string();
    region.text = text.replace('\n', " ").replace(" :: ", "::");
    Ok((region, result))
}

fn line(body: &mut Cursor, region: &mut Region, space: &str) -> Parsed<()> {
    let Some(group) = body.eat_group(Delimiter::Parenthesis) else {
        let meant = words::similar(&region.name.text, words::SPACE_ITEMS.iter().copied());
        let hint =
            meant.map_or_else(String::new, |word| format!(" behind the name of a region, or `{word}` in its place"));
        return body.expected(&format!("`(` as in `{FORM}`{hint}"));
    };
    // A wrong grant is not the end of the line: what follows is read, so that it is not reported as well.
    let granted = grants(&mut Cursor::inside(&group), &mut region.grants, &format!("{space}.{}", region.name.text));
    body.expect_punct(":", FORM)?;
    region.virt = Some(virt(body)?);
    if body.eat_punct("=>") {
        region.phys = Some(phys(body, &[])?);
    } else if body.at_punct("->") {
        return body.expected("`=>` before the physical place");
    }
    let (mut first, mut seen) = (true, Vec::new());
    while body.eat_punct(",") {
        if at_clause(body) {
            once(&mut seen, body, &["waive"])?;
            clause(body, &mut region.clauses)?;
        } else if first && body.at_word("symbol") && body.name_ahead(1) {
            body.next();
            region.size_symbol = Some(body.name("a linker symbol")?);
            body.expect_word("max", "symbol __text_size max 2 MiB")?;
            region.size = Some(body.expr("the most bytes that the symbol may stand for", &[])?);
        } else if first {
            region.size = Some(body.expr("a size or a clause such as `guard below`", &[])?);
        } else {
            return body.expected_word(&format!("a clause: {}", words::CLAUSES.join(", ")), words::CLAUSES);
        }
        first = false;
    }
    granted
}

fn grants(inner: &mut Cursor, grants: &mut Grants, owner: &str) -> Parsed<()> {
    while !inner.is_end() {
        grant(inner, grants, owner)?;
        if !inner.is_end() && !inner.eat_punct(",") {
            return inner.expected("`,` or `)`");
        }
    }
    Ok(())
}

fn grant(inner: &mut Cursor, grants: &mut Grants, owner: &str) -> Parsed<()> {
    const WHAT: &str = "rights such as `rx`, or `user`, `guard`, `window`, `linear`, `stack`, `global`, `tables`";
    let word = inner.name(WHAT)?;
    let span = word.span;
    match word.text.as_str() {
        "user" if inner.name_ahead(0) => grants.user_rights = Some(rights(inner, owner)?),
        "priv" => grants.privileged = Some(rights(inner, owner)?),
        "user" => grants.user = true,
        "guard" => grants.guard = Some(span),
        "window" => grants.window = Some(span),
        "linear" => grants.linear = Some(span),
        "stack" => grants.stack = Some(span),
        "global" => grants.global = true,
        "tables" => grants.tables = true,
        _ if grants.rights.is_some() => {
            return Err(Diagnostic::new(span, format!("`{owner}` has rights already; expected {WHAT}")));
        }
        _ => grants.rights = Some(rights_of(&word, owner)?),
    }
    Ok(())
}

fn virt(body: &mut Cursor) -> Parsed<Virt> {
    if body.at_word("after") && body.name_ahead(1) {
        body.next();
        let region = body.name("a region")?;
        let gap = if body.eat_punct("+") { Some(body.expr("a gap in bytes", &[])?) } else { None };
        return Ok(Virt::After { region, gap });
    }
    if body.eat_word("identity") {
        let bare = body.is_end() || [",", ";", "=>"].iter().any(|end| body.at_punct(end));
        return Ok(Virt::Identity(if bare { None } else { Some(body.expr("a virtual address", &[])?) }));
    }
    if body.words_side_by_side() {
        return body.expected_word("a virtual address, `after REGION` or `identity`", &["after", "identity"]);
    }
    Ok(Virt::At(body.expr("a virtual address, `after REGION` or `identity`", &[])?))
}

/// A clause's word, unless it starts a path: `page::SIZE` is a size.
fn at_clause(body: &Cursor) -> bool {
    matches!(body.peek(0), Some(TokenTree::Ident(ident)) if words::CLAUSES.contains(&ident.to_string().as_str()))
        && !body.punct_ahead(1, "::")
}

fn clause(body: &mut Cursor, clauses: &mut Clauses) -> Parsed<()> {
    let start = body.position();
    let word = body.ident("a clause")?;
    match word.to_string().as_str() {
        "guard" => guard(body, clauses)?,
        "grows" => {
            if !body.eat_word("down") {
                body.expect_word("up", "grows up")?;
                clauses.grows_up = true;
            }
        }
        "worst_case" => clauses.worst_case = Some(number(body, "the stack's worst case in bytes")?),
        "page" if body.eat_punct("<=") => clauses.page_max = Some(number(body, "the largest leaf size")?),
        "page" if body.eat_punct(">=") => clauses.page_min = Some(number(body, "the smallest leaf size")?),
        "page" => clauses.page = Some(number(body, "a leaf size")?),
        "contiguous" => clauses.contiguous = Some(number(body, "the size of a run")?),
        "round" => clauses.round = Some(bytes_or_page(body)?),
        "alias_of" => clauses.alias_of = Some(body.name("the region it is a second map of")?),
        "memory" => clauses.memory = Some(memory(body)?),
        "software" => clauses.software = Some(number(body, "the value of the software field")?),
        "raw_memory" => clauses.raw_memory = Some(number(body, "the value of the memory field")?),
        "dirty" => clauses.dirty = true,
        "bti" => clauses.bti = true,
        "of" => clauses.of = Some(body.name("the stack it guards")?),
        "inside" => clauses.inside = Some(body.name("the region it lies in")?),
        _ => {
            let waiver = waiver(body, start)?;
            clauses.waivers.push(waiver);
        }
    }
    Ok(())
}

fn number(body: &mut Cursor, what: &str) -> Parsed<Expr> {
    body.expr(what, &[])
}

fn bytes_or_page(body: &mut Cursor) -> Parsed<Guard> {
    let bare = body.is_end() || body.at_punct(",") || body.at_punct(";");
    Ok(if bare { Guard::Page } else { Guard::Bytes(number(body, "a size")?) })
}

fn guard(body: &mut Cursor, clauses: &mut Clauses) -> Parsed<()> {
    if body.eat_word("below") {
        clauses.guard_below = Some(bytes_or_page(body)?);
    } else if body.eat_word("above") {
        clauses.guard_above = Some(bytes_or_page(body)?);
    } else {
        return body.expected("`below` or `above` as in `guard below` or `guard above 16 KiB`");
    }
    Ok(())
}

fn waiver(body: &mut Cursor, start: usize) -> Parsed<Waiver> {
    const FORM: &str = "waive(null_page_mapped, \"why\")";
    let group = body.expect_group(Delimiter::Parenthesis, FORM)?;
    let mut inner = Cursor::inside(&group);
    let quoted = matches!(inner.peek(0), Some(TokenTree::Literal(_)));
    let rule = inner.name("the rule")?.text;
    let rule = if quoted { rule } else { rule.replace('_', "-") };
    let mut reason = None;
    if !inner.is_end() {
        inner.expect_punct(",", FORM)?;
        if !inner.is_end() {
            reason = Some(inner.expr("the reason as a string", &[])?);
        }
    }
    Ok(Waiver { place: body.since(start), rule, reason })
}
