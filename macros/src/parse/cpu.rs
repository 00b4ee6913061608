//! `cpu { … }` and `policy { … }`.

use proc_macro2::Delimiter;

use super::{items, once, phys, word};
use crate::ast::{Cpu, Expr, Parent, Place, Policy, Pool, Range};
use crate::cursor::Cursor;
use crate::diag::{Diagnostic, Diagnostics, Parsed};
use crate::words;

const ITEMS: &str = "`pa_bits`, `features`, `modes`, `start_level`, `mair`, `pat`, `mtrr`, `pmp` or `deny`";

const WORDS: &[&str] = &["pa_bits", "features", "modes", "start_level", "mair", "pat", "mtrr", "pmp", "deny"];

pub(super) fn cpu(body: &mut Cursor, cpu: &mut Cpu, place: Place, errors: &mut Diagnostics) {
    if cpu.place.is_some() {
        errors.push(Diagnostic::over(place, "a second `cpu` block: one block says all there is to know of the CPU"));
    }
    cpu.place = Some(place);
    let mut seen = Vec::new();
    items(body, errors, |body, _| {
        once(&mut seen, body, &["mtrr", "pmp", "deny"])?;
        cpu_item(body, cpu)?;
        body.expect_punct(";", "pa_bits = 40;")
    });
}

fn cpu_item(body: &mut Cursor, cpu: &mut Cpu) -> Parsed<()> {
    let start = body.position();
    if body.eat_word("pa_bits") {
        cpu.pa_bits = Some(value(body, "pa_bits = 40;")?);
    } else if body.eat_word("start_level") {
        cpu.start_level = Some(value(body, "start_level = 1;")?);
    } else if body.eat_word("features") {
        cpu.features = Some(flags(body, words::FEATURES, "feature", "features = [lpa2, hafdbs];")?);
    } else if body.eat_word("modes") {
        cpu.modes = Some(flags(body, words::MODES, "granule or mode", "modes = [G4K, G64K];")?);
    } else if body.eat_word("mair") {
        cpu.mair = Some(list(body, "mair = [0xff, 0x04];")?);
    } else if body.eat_word("pat") {
        cpu.pat = Some(list(body, "pat = [6, 4, 7, 0];")?);
    } else if body.eat_word("mtrr") {
        cpu.mtrr.push(range(body, start, "mtrr low : 0x0, 512 KiB, wb;")?);
    } else if body.eat_word("pmp") {
        cpu.pmp.push(range(body, start, "pmp firmware : 0x8000_0000, 2 MiB, rx;")?);
    } else if body.eat_word("deny") {
        cpu.parents.push(parent(body, start)?);
    } else {
        return body.expected_word(ITEMS, WORDS);
    }
    Ok(())
}

fn value(body: &mut Cursor, form: &str) -> Parsed<Expr> {
    body.expect_punct("=", form)?;
    body.expr("a number", &[])
}

fn flags(body: &mut Cursor, table: &[(&str, &'static str)], what: &str, form: &str) -> Parsed<Vec<&'static str>> {
    body.expect_punct("=", form)?;
    let group = body.expect_group(Delimiter::Bracket, form)?;
    let mut inner = Cursor::inside(&group);
    let mut found = Vec::new();
    while !inner.is_end() {
        found.push(word(&mut inner, table, what)?);
        if !inner.is_end() {
            inner.expect_punct(",", form)?;
        }
    }
    Ok(found)
}

fn list(body: &mut Cursor, form: &str) -> Parsed<Vec<Expr>> {
    body.expect_punct("=", form)?;
    let group = body.expect_group(Delimiter::Bracket, form)?;
    let mut inner = Cursor::inside(&group);
    let mut found = Vec::new();
    while !inner.is_end() {
        found.push(inner.expr("a register value", &[])?);
        if !inner.is_end() {
            inner.expect_punct(",", form)?;
        }
    }
    Ok(found)
}

fn range(body: &mut Cursor, start: usize, form: &str) -> Parsed<Range> {
    let name = body.name("the name of the range")?;
    body.expect_punct(":", form)?;
    let base = body.expr("its first address", &[])?;
    body.expect_punct(",", form)?;
    let size = body.expr("its size", &[])?;
    body.expect_punct(",", form)?;
    let kind = body.name("its type or rights")?;
    Ok(Range { name, place: body.since(start), base, size, kind })
}

fn parent(body: &mut Cursor, start: usize) -> Parsed<Parent> {
    const FORM: &str = "deny top in kernel : 0xffff_8000_0000_0000, 512 GiB, user write;";
    let name = body.name("the name of the restriction")?;
    body.expect_word("in", FORM)?;
    let space = body.name("a space")?;
    body.expect_punct(":", FORM)?;
    let virt = body.expr("its first virtual address", &[])?;
    body.expect_punct(",", FORM)?;
    let size = body.expr("its size", &[])?;
    body.expect_punct(",", FORM)?;
    let (mut user, mut write, mut exec) = (false, false, false);
    while !body.is_end() && !body.at_punct(";") {
        if body.eat_word("user") {
            user = true;
        } else if body.eat_word("write") {
            write = true;
        } else if body.eat_word("exec") {
            exec = true;
        } else {
            return body.expected("`user`, `write` or `exec`");
        }
    }
    Ok(Parent { name, place: body.since(start), space, virt, size, user, write, exec })
}

pub(super) fn policy(body: &mut Cursor, policy: &mut Policy, place: Place, errors: &mut Diagnostics) {
    if policy.seen {
        errors.push(Diagnostic::over(place, "a second `policy` block: one block says what the project decided"));
    }
    policy.seen = true;
    let mut seen = Vec::new();
    items(body, errors, |body, _| {
        once(&mut seen, body, &[])?;
        policy_item(body, policy)?;
        body.expect_punct(";", "stack_guards;")
    });
}

fn policy_item(body: &mut Cursor, policy: &mut Policy) -> Parsed<()> {
    let start = body.position();
    if body.eat_word("stack_guards") {
        policy.stack_guards = true;
    } else if body.eat_word("pages_only") {
        policy.pages_only = true;
    } else if body.eat_word("tables_below") {
        policy.tables_below = Some(value(body, "tables_below = 4 GiB;")?);
    } else if body.eat_word("table_pool") {
        const FORM: &str = "table_pool = dram + 16 MiB, 64 KiB;";
        body.expect_punct("=", FORM)?;
        let place = phys(body, &[])?;
        body.expect_punct(",", FORM)?;
        let size = body.expr("the size of the pool", &[])?;
        policy.table_pool = Some(Pool { place: body.since(start), phys: place, size });
    } else {
        const WORDS: &[&str] = &["stack_guards", "pages_only", "tables_below", "table_pool"];
        return body.expected_word("`stack_guards`, `pages_only`, `tables_below` or `table_pool`", WORDS);
    }
    Ok(())
}
