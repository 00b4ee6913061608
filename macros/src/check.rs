//! What a declaration must be to mean anything. Names, numbers and rights are the rules' business, not this one's.

use crate::ast::{Declaration, Region};
use crate::diag::{Diagnostic, Diagnostics};

/// Reports words that contradict each other.
pub(crate) fn check(declaration: &Declaration, errors: &mut Diagnostics) {
    for space in &declaration.spaces {
        for region in &space.regions {
            if let Some(wrong) = contradiction(region, &space.name.text) {
                errors.push(wrong);
            }
        }
    }
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
    None
}
