//! What a declaration must be to mean anything. Names, numbers and rights are the rules' business, not this one's.

use proc_macro2::{Span, TokenStream, TokenTree};

use crate::ast::{Declaration, Phys, Region, Resource, Virt};
use crate::diag::{Diagnostic, Diagnostics};
use crate::words;

/// Reports regimes that do not exist and words that contradict each other.
pub(crate) fn check(declaration: &mut Declaration, errors: &mut Diagnostics) {
    let own = declaration.spaces.iter_mut().map(|space| &mut space.regime);
    for regime in own.chain([&mut declaration.regime]).flatten() {
        if let Some(wrong) = unknown_regime(regime) {
            errors.push(wrong);
            // Any regime will do for the skeleton.
            *regime = "riscv::Sv39".parse().unwrap_or_default();
        }
    }
    for space in &declaration.spaces {
        for region in &space.regions {
            if let Some(wrong) = contradiction(region, &space.name.text) {
                errors.push(wrong);
            }
            if let Some(wrong) = calculated(region, &declaration.resources) {
                errors.push(wrong);
            }
        }
    }
}

/// A regime of ours by its path, `riscv::Sv93`. Any other path may be the user's own.
fn unknown_regime(regime: &TokenStream) -> Option<Diagnostic> {
    let mut tokens = regime.clone().into_iter();
    let TokenTree::Ident(architecture) = tokens.next()? else { return None };
    let (_, known) = words::REGIMES.iter().find(|(name, _)| architecture == name)?;
    let colons =
        tokens.by_ref().take(2).filter(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ':')).count();
    let Some(TokenTree::Ident(name)) = tokens.next().filter(|_| colons == 2) else { return None };
    let is_known = known.iter().any(|known| name == known);
    let message = || format!("`{architecture}` has no regime `{name}`; it has: {}", known.join(", "));
    (!is_known).then(|| Diagnostic::new(name.span(), message()))
}

/// A resource in an expression, which knows nothing of resources.
fn calculated(region: &Region, resources: &[Resource]) -> Option<Diagnostic> {
    let Some(Phys::At(address)) = &region.phys else { return None };
    let (TokenTree::Ident(first), TokenTree::Punct(_)) = (address.tokens.first()?, address.tokens.get(1)?) else {
        return None;
    };
    let path = matches!(&address.tokens[1], TokenTree::Punct(p) if p.as_char() == ':');
    let resource = resources.iter().find(|resource| first == &resource.name.text).filter(|_| !path)?;
    let form = format!("`{0}` is a resource, and takes an offset alone: `{0}`, or `{0} + OFFSET`", resource.name.text);
    Some(Diagnostic::new(first.span(), form))
}

fn contradiction(region: &Region, space: &str) -> Option<Diagnostic> {
    let grants = &region.grants;
    let name = format!("{space}.{}", region.name.text);
    let kinds =
        [("guard", grants.guard), ("window", grants.window), ("linear", grants.linear), ("stack", grants.stack)];
    let mut said = kinds.iter().filter_map(|(word, span)| span.map(|span| (*word, span)));
    if let (Some((first, _)), Some((second, span))) = (said.next(), said.next()) {
        return Some(Diagnostic::new(span, format!("`{name}` is either `{first}` or `{second}`, not both")));
    }
    if grants.rights.is_some() && grants.privileged.is_some() {
        return Some(Diagnostic::over(
            region.place,
            format!("`{name}` has rights twice; write `(rx, user)`, or both sides as in `(priv rw, user r)`"),
        ));
    }
    grants.window.and_then(|span| of_a_window(region, span, &name))
}

/// What a window does not have: frames that are known before the program runs, and leaves but pages.
fn of_a_window(region: &Region, span: Span, name: &str) -> Option<Diagnostic> {
    let clauses = &region.clauses;
    let has = [
        ("a physical place", region.phys.is_some()),
        ("`identity`", matches!(region.virt, Some(Virt::Identity(_)))),
        ("`page`", clauses.page.is_some()),
        ("`page >=`", clauses.page_min.is_some()),
        ("`contiguous`", clauses.contiguous.is_some()),
        ("`round`", clauses.round.is_some()),
        ("`alias_of`", clauses.alias_of.is_some()),
        ("`raw_memory`", clauses.raw_memory.is_some()),
        ("`dirty`", clauses.dirty),
        ("`symbol`", region.size_symbol.is_some()),
    ];
    let (what, _) = has.into_iter().find(|(_, has)| *has)?;
    let why = "pages of the smallest size get their frames when the program runs";
    Some(Diagnostic::new(span, format!("`{name}` is a `window`, where {why}: it cannot have {what}")))
}
