//! How the map becomes real: transitions, tables with their hashes, registers.

use maud::{Markup, html};

use super::{section, table};
use crate::number::Size;
use crate::report::document::Transition;
use crate::report::entries;
use crate::report::model::{Page, shown};

/// Columns of the transitions.
pub(super) const TRANSITIONS: [&str; 5] = ["transition", "from → to", "registers", "flush", "break before make"];
/// Columns of the tables.
pub(super) const TABLES: [&str; 6] = ["table", "level", "translates from", "address", "entries", "SHA-256"];
/// Columns of the registers.
pub(super) const REGISTERS: [&str; 4] = ["space", "register", "value", "bits that the map decides"];

/// How one space follows another.
pub(super) fn transitions(page: &Page<'_>) -> Markup {
    let transitions = &page.evidence.more.transitions;
    let rows = html! { @for transition in transitions { (one(transition)) } };
    let content = html! {
        @if transitions.is_empty() { p.dim { "None is declared." } } @else { (table("transitions", &TRANSITIONS, rows)) }
    };
    section("transitions", "Transitions", content)
}

fn one(transition: &Transition) -> Markup {
    let from = transition.from.as_deref().unwrap_or("MMU off");
    let places = [("code", transition.pc), ("stack", transition.sp), ("vectors", transition.vectors)];
    html! { tr {
        th scope="row" { (shown(&transition.name)) }
        td { (shown(from)) " → " (shown(&transition.to)) @if transition.in_place { ", in place" }
            @for (what, at) in places { @if let Some(at) = at { br; small { (what) " at " code { (at) } } } } }
        td { @if transition.registers.is_empty() { "none differs" }
            @else { (shown(&transition.registers.join(", "))) } }
        td { (shown(&transition.flush)) }
        td { (if transition.break_before_make { "needed" } else { "not needed" }) }
    } }
}

/// Every table, with its hash.
pub(super) fn tables(page: &Page<'_>) -> Markup {
    let content = html! {
        p.dim { "The hash is over a table's entries as little-endian words, where a pointer to another of these tables is "
            "that table's distance from the first." }
        @for view in &page.spaces {
            @let tables = &view.space.tables;
            details open[view.space.tables.list.len() <= 64] {
                summary { (shown(&view.space.name)) ": " (tables.count) " tables, " (Size(tables.bytes.into()))
                    @if let Some(symbol) = &tables.symbol { ", at " code { (shown(symbol)) } } }
                (table("tables", &TABLES, html! { @for entry in &tables.list { tr {
                    @let is_root = [tables.lower_root, tables.upper_root].contains(&Some(entry.index));
                    th scope="row" { (entry.index) @if is_root { " " small { "root" } } }
                    td { (entry.level) }
                    td.mono { (entry.virt) }
                    td.mono { @match entries::address(view.space, entry) {
                        Some(address) => (address),
                        None => "by the linker, or at boot",
                    } }
                    td { (entry.entries) }
                    td.mono.hash { (shown(&entry.sha256)) }
                } } }))
            }
        }
    };
    section("tables", "Tables", content)
}

/// What the installation writes.
pub(super) fn registers(page: &Page<'_>) -> Markup {
    let rows = html! { @for view in &page.spaces { @for register in &view.space.registers { tr {
        th scope="row" { (shown(&view.space.name)) }
        td.mono { (shown(&register.name)) }
        td.mono { (register.value) }
        td.mono { @match register.mask { Some(mask) => (mask), None => "all" } }
    } } } };
    section("registers", "Registers", table("registers", &REGISTERS, rows))
}
