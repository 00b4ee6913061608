//! Tokens to [`crate::ast`]. An error ends its item; the next item is read as if nothing had been wrong.

mod cpu;
mod image;
mod region;
mod sharing;
mod space;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

use crate::ast::{Attributes, Cpu, Declaration, Expr, Name, Phys, Place, Policy, Resource, Rights};
use crate::cursor::Cursor;
use crate::diag::{Diagnostic, Diagnostics, Parsed};
use crate::words;

const HEADER: &str = "pub mod virt for aarch64::El1<G4K, 39>;";
const BLOCKS: &str = "`cpu`, `policy`, `physical`, `space`, `channel`, `isolate`, `dma` or `transition`";

/// A declaration as far as it could be read; `None` if it has no name.
pub(crate) fn declaration(stream: TokenStream, errors: &mut Diagnostics) -> Option<Declaration> {
    let mut input = Cursor::new(stream, Span::call_site());
    let krate = match input.eat_group(Delimiter::Parenthesis) {
        Some(group) => group.stream(),
        None => "tablature".parse().unwrap_or_default(),
    };
    let data_only = input.eat_word("data");
    let mut declaration = errors.keep(header(&mut input, &krate))?;
    declaration.data_only = data_only;
    if let Err(wrong) = regime(&mut input, &mut declaration) {
        errors.push(wrong);
        input.recover();
    }
    while !input.is_end() {
        if let Err(wrong) = block(&mut input, &mut declaration, errors) {
            errors.push(wrong);
            input.recover();
        }
    }
    Some(declaration)
}

fn header(input: &mut Cursor, krate: &TokenStream) -> Parsed<Declaration> {
    let attributes = attributes(input, Owner::Module)?;
    let visibility = visibility(input);
    let start = input.position();
    input.expect_word("mod", HEADER)?;
    let name = input.ident("the name of the map")?;
    let name = Name { text: name.to_string(), span: name.span() };
    Ok(Declaration {
        krate: krate.clone(),
        data_only: false,
        attributes,
        visibility,
        place: input.since(start),
        name: name.ident(),
        regime: None,
        cpu: Cpu::default(),
        policy: Policy::default(),
        resources: Vec::new(),
        spaces: Vec::new(),
        channels: Vec::new(),
        isolation: Vec::new(),
        devices: Vec::new(),
        transitions: Vec::new(),
    })
}

fn regime(input: &mut Cursor, declaration: &mut Declaration) -> Parsed<()> {
    input.expect_word("for", HEADER)?;
    declaration.regime = Some(input.ty("a translation regime such as `riscv::Sv39`")?);
    input.expect_punct(";", HEADER)
}

fn visibility(input: &mut Cursor) -> TokenStream {
    let mut tokens = TokenStream::new();
    if input.at_word("pub")
        && let Some(token) = input.next()
    {
        token.to_tokens(&mut tokens);
        if let Some(group) = input.eat_group(Delimiter::Parenthesis) {
            group.to_tokens(&mut tokens);
        }
    }
    tokens
}

fn block(input: &mut Cursor, declaration: &mut Declaration, errors: &mut Diagnostics) -> Parsed<()> {
    let attributes = attributes(input, Owner::Other)?;
    let start = input.position();
    if input.at_word("space") {
        let space = space::space(input, attributes, errors)?;
        declaration.spaces.push(space);
        return Ok(());
    }
    if input.eat_word("cpu") {
        let body = input.expect_group(Delimiter::Brace, "cpu { pa_bits = 40; }")?;
        cpu::cpu(&mut Cursor::inside(&body), &mut declaration.cpu, input.since(start), errors);
    } else if input.eat_word("policy") {
        let body = input.expect_group(Delimiter::Brace, "policy { stack_guards; }")?;
        cpu::policy(&mut Cursor::inside(&body), &mut declaration.policy, input.since(start), errors);
    } else if input.eat_word("physical") {
        let body = input.expect_group(Delimiter::Brace, "physical { dram : 0x4000_0000, 1 GiB, normal; }")?;
        physical(&mut Cursor::inside(&body), &mut declaration.resources, errors);
    } else if input.eat_word("channel") {
        declaration.channels.push(sharing::channel(input, start)?);
    } else if input.eat_word("isolate") {
        declaration.isolation.push(sharing::isolate(input, start)?);
    } else if input.eat_word("dma") {
        declaration.devices.push(sharing::device(input, start, errors)?);
    } else if input.eat_word("transition") {
        declaration.transitions.push(sharing::transition(input, start)?);
    } else {
        return input.expected_word(BLOCKS, words::BLOCKS);
    }
    Ok(())
}

/// The items of a braced block, each up to and with its `;`.
fn items(
    body: &mut Cursor,
    errors: &mut Diagnostics,
    mut item: impl FnMut(&mut Cursor, &mut Diagnostics) -> Parsed<()>,
) {
    while !body.is_end() {
        if let Err(wrong) = item(body, errors) {
            errors.push(wrong);
            body.recover();
        }
    }
}

/// Reports a word that stands a second time, where it can stand only once.
fn once(seen: &mut Vec<String>, input: &Cursor, repeatable: &[&str]) -> Parsed<()> {
    let Some(TokenTree::Ident(word)) = input.peek(0) else { return Ok(()) };
    let mut text = word.to_string();
    match (text.as_str(), input.peek(1)) {
        ("guard", Some(side @ TokenTree::Ident(_))) | ("page", Some(side @ TokenTree::Punct(_))) => {
            text = format!("{text} {side}");
        }
        _ => {}
    }
    if repeatable.contains(&text.as_str()) {
        return Ok(());
    }
    if seen.contains(&text) {
        return Err(Diagnostic::new(word.span(), format!("a second `{text}`: say it once")));
    }
    seen.push(text);
    Ok(())
}

/// The `;` behind an item that has clauses. Where it is missing and another item follows, that one is read all the same.
fn end(body: &mut Cursor, form: &str, errors: &mut Diagnostics) -> Parsed<()> {
    if body.eat_punct(";") {
        return Ok(());
    }
    let missing = body.expected(&format!("`,` or `;` as in `{form}`"));
    if at_item(body) {
        errors.keep::<()>(missing);
        return Ok(());
    }
    missing
}

/// Whether an item starts here, as far as the next tokens say.
fn at_item(body: &Cursor) -> bool {
    let grants = usize::from(body.group_ahead(1, Delimiter::Parenthesis).is_some());
    let line = body.name_ahead(0) && body.punct_ahead(1 + grants, ":");
    line || body.at_punct("#") || words::SPACE_ITEMS.iter().any(|word| body.at_word(word))
}

const RESOURCE: &str = "dram : 0x4000_0000, 1 GiB, normal;";

fn physical(body: &mut Cursor, resources: &mut Vec<Resource>, errors: &mut Diagnostics) {
    items(body, errors, |body, errors| {
        attributes(body, Owner::Other)?;
        let start = body.position();
        let name = body.name("the name of a resource")?;
        let mut resource = Resource {
            place: Place::at(name.span),
            name,
            base: None,
            size: None,
            memory: "NormalWb",
            reserved: false,
            owner: None,
            rights: None,
            within: None,
        };
        let result = resource_line(body, &mut resource);
        resource.place = body.since(start);
        resources.push(resource);
        result?;
        end(body, RESOURCE, errors)
    });
}

fn resource_line(body: &mut Cursor, resource: &mut Resource) -> Parsed<()> {
    body.expect_punct(":", RESOURCE)?;
    resource.base = Some(body.expr("its first address", &[])?);
    body.expect_punct(",", RESOURCE)?;
    resource.size = Some(body.expr("its size", &[])?);
    body.expect_punct(",", RESOURCE)?;
    resource.memory = memory(body)?;
    let mut seen = Vec::new();
    while body.eat_punct(",") {
        once(&mut seen, body, &[])?;
        if body.eat_word("reserved") {
            resource.reserved = true;
        } else if body.eat_word("owner") {
            resource.owner = Some(body.name("the space that owns it")?);
        } else if body.eat_word("rights") {
            resource.rights = Some(rights(body, &resource.name.text)?);
        } else if body.eat_word("within") {
            resource.within = Some(body.name("the resource it is a part of")?);
        } else {
            return body.expected("`reserved`, `owner SPACE`, `rights rw` or `within RESOURCE`");
        }
    }
    Ok(())
}

/// What attributes belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Any attribute goes to the module.
    Module,
    /// Docs and requirements.
    Region,
    /// Docs.
    Other,
}

/// `#[…]`, any number.
fn attributes(input: &mut Cursor, owner: Owner) -> Parsed<Attributes> {
    let mut out = Attributes::default();
    while input.at_punct("#") {
        let hash = input.next();
        let group = input.expect_group(Delimiter::Bracket, "#[req(\"SYS-12\")]")?;
        let mut inner = Cursor::inside(&group);
        let tokens = [hash.into_token_stream(), group.to_token_stream()].into_iter().collect::<TokenStream>();
        if owner == Owner::Module && inner.at_word("cfg") {
            out.conditions.push(tokens.clone());
        }
        if owner == Owner::Module || inner.at_word("doc") {
            out.kept.push(tokens);
        } else if owner == Owner::Region && inner.eat_word("req") {
            let list = inner.expect_group(Delimiter::Parenthesis, "#[req(\"SYS-12\")]")?;
            requirements(&mut Cursor::inside(&list), &mut out)?;
        } else {
            let what = if owner == Owner::Region { "a doc comment or `req(\"…\")`" } else { "a doc comment" };
            return inner.expected(&format!("{what}, the only attributes here"));
        }
    }
    Ok(out)
}

fn requirements(list: &mut Cursor, out: &mut Attributes) -> Parsed<()> {
    while !list.is_end() {
        match list.peek(0) {
            Some(token @ TokenTree::Literal(_)) => out.requirements.push(token.clone()),
            _ => return list.expected("a requirement's identifier as a string"),
        }
        list.next();
        if !list.is_end() && !list.eat_punct(",") {
            return list.expected("`,` between requirements");
        }
    }
    Ok(())
}

/// A memory type.
fn memory(input: &mut Cursor) -> Parsed<&'static str> {
    word(input, words::MEMORY, "memory type")
}

/// A word of a table, as the constant it stands for.
fn word(input: &mut Cursor, table: &[(&str, &'static str)], what: &str) -> Parsed<&'static str> {
    let ident = input.ident(&format!("a {what}"))?;
    words::find(table, &ident.to_string()).ok_or_else(|| {
        let meant = words::similar(&ident.to_string(), table.iter().map(|(word, _)| *word));
        let hint = meant.map_or_else(String::new, |word| format!("did you mean `{word}`? "));
        Diagnostic::new(ident.span(), format!("`{ident}` is no {what}; {hint}there are: {}", words::list(table)))
    })
}

/// `r`, `w`, `x` in any combination, or `none`.
fn rights(input: &mut Cursor, owner: &str) -> Parsed<Rights> {
    let word = input.name("rights such as `rx`")?;
    rights_of(&word, owner)
}

fn rights_of(word: &Name, owner: &str) -> Parsed<Rights> {
    let text = &word.text;
    words::rights(text).ok_or_else(|| {
        let form = "write `r`, `w` and `x`, each at most once, or `none`";
        Diagnostic::new(word.span, format!("invalid-name: `{owner}` cannot have the rights `{text}`: {form}"))
    })
}

/// A physical place.
fn phys(input: &mut Cursor, stops: &[&str]) -> Parsed<Phys> {
    const WHAT: &str = "a physical place: `RESOURCE`, `RESOURCE + OFFSET`, `channel CHANNEL` or an address";
    if input.at_word("channel") && input.name_ahead(1) {
        input.next();
        let name = input.name("the name of a channel")?;
        return Ok(Phys::Channel { name, offset: offset(input, stops)? });
    }
    let named = is_name(input, stops);
    if !named {
        return Ok(Phys::At(input.expr(WHAT, stops)?));
    }
    let start = input.position();
    let name = input.name(WHAT)?;
    let offset = offset(input, stops)?;
    Ok(Phys::Named { name, offset, whole: Expr { tokens: input.slice(start) } })
}

/// Whether a name stands here, alone or before `+`.
fn is_name(input: &Cursor, stops: &[&str]) -> bool {
    let quoted = matches!(input.peek(0), Some(TokenTree::Literal(l)) if l.to_string().starts_with('"'));
    let ident = matches!(input.peek(0), Some(TokenTree::Ident(_)));
    let ends = input.peek(1).is_none()
        || ["+", ",", ";"].iter().any(|end| input.punct_ahead(1, end))
        || stops.iter().any(|word| input.word_ahead(1, word));
    (quoted || ident) && ends
}

/// `+ EXPR`, if it is there.
fn offset(input: &mut Cursor, stops: &[&str]) -> Parsed<Option<Expr>> {
    if input.eat_punct("+") { input.expr("an offset", stops).map(Some) } else { Ok(None) }
}

impl Name {
    /// An identifier for items: a keyword gets an underscore, other characters become underscores.
    pub(crate) fn ident(&self) -> Ident {
        let mut text: String =
            self.text.chars().map(|c| if c == '_' || c.is_alphanumeric() { c } else { '_' }).collect();
        if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
            text.insert(0, '_');
        }
        if words::KEYWORDS.contains(&text.as_str()) {
            text.push('_');
        }
        Ident::new(&text, self.span)
    }
}
