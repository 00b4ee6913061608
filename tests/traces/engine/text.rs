//! Steps as lines.

use std::collections::BTreeMap;

use tablature::attr::Rights;
use tablature::flush::Maintain;
use tablature::format::{Leaf, View};

use super::judge::{Seat, has_global};
use super::log::{Op, Step, Written};

/// Tables that are reserved are chained through their words; the judge sees that no table in use has such a word.
const NOTE: &str = "a note of the library to itself, which no core can see";

fn rights(rights: Rights) -> String {
    [(Rights::R, 'r'), (Rights::W, 'w'), (Rights::X, 'x')]
        .map(|(right, name)| if rights.contains(right) { name } else { '-' })
        .iter()
        .collect()
}

fn leaf<R: Maintain>(level: usize, leaf: &Leaf) -> String {
    let size = R::FORMAT.level[level].size();
    let kind = if leaf.run == 0 { String::new() } else { format!(", of a run of {:#x}", leaf.run) };
    let global = if leaf.global && has_global::<R>() { ", global" } else { "" };
    let (high, low) = (rights(leaf.access.privileged), rights(leaf.access.user));
    format!("leaf of {size:#x} to {:#x}, {high} {low}, {}{global}{kind}", leaf.address, leaf.memory.name())
}

fn says<R: Maintain>(level: Option<usize>, word: u64) -> String {
    let Some(level) = level else {
        return NOTE.into();
    };
    match R::FORMAT.view(level, word) {
        View::Absent => "absent".into(),
        View::Table { address } => format!("table {address:#x}"),
        View::Leaf(found) => leaf::<R>(level, &found),
        View::Reserved => NOTE.into(),
    }
}

/// The levels of all tables, old and new: a pointer says that of the table it points to.
pub(crate) fn levels<R: Maintain>(seats: &BTreeMap<u64, Seat>, steps: &[Step<Op<R>>]) -> BTreeMap<u64, usize> {
    let mut levels: BTreeMap<u64, usize> = seats.iter().map(|(table, seat)| (*table, seat.level)).collect();
    for _ in 0..R::FORMAT.levels {
        for step in steps {
            if let Step::Store(Written { table, new, .. }) = step
                && let Some(&level) = levels.get(table)
                && level > 0
                && let View::Table { address } = R::FORMAT.view(level, *new)
            {
                levels.insert(address, level - 1);
            }
        }
    }
    levels
}

/// How many stores from the first on go to entries in a row, with words that grow by the same number.
fn in_a_row<R: Maintain>(steps: &[Step<Op<R>>]) -> (usize, u64) {
    let [Step::Store(first), Step::Store(second), ..] = steps else { return (1, 0) };
    let grows = second.new.wrapping_sub(first.new);
    let (mut count, mut last) = (1, *first);
    for step in &steps[1..] {
        let Step::Store(next) = step else { break };
        let follows = next.at == last.at + u64::from(R::FORMAT.entry_bytes)
            && next.table == last.table
            && next.exchanged == last.exchanged
            && next.new == last.new.wrapping_add(grows);
        if !follows {
            break;
        }
        (count, last) = (count + 1, *next);
    }
    if count < 4 { (1, 0) } else { (count, grows) }
}

/// Each step as one line, and stores to entries in a row as one.
pub(crate) fn lines<R: Maintain>(
    steps: &[Step<Op<R>>],
    levels: &BTreeMap<u64, usize>,
    step: &dyn Fn(Op<R>) -> String,
) -> Vec<String> {
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < steps.len() {
        let (count, grows) = in_a_row::<R>(&steps[at..]);
        match steps[at] {
            Step::Store(Written { at: entry, table, new, .. })
                if entry == table && at > 0 && steps[at - 1] == Step::Allocate(table) =>
            {
                lines.push(format!("store {entry:#x} <- {new:#x}  ; {NOTE}"));
                at += 1;
                continue;
            }
            Step::Store(written) => lines.push(store::<R>(&written, count, grows, levels)),
            Step::Op(_) => {
                let of = |step: &Step<Op<R>>| if let Step::Op(op) = step { Some(*op) } else { None };
                let ops: Vec<String> = steps[at..].iter().map_while(of).map(step).collect();
                lines.extend(shortened(&ops));
                at += ops.len();
                continue;
            }
            Step::Allocate(table) => lines.push(format!("allocate {table:#x}")),
            Step::Free(table) => lines.push(format!("free {table:#x}")),
            Step::Token => lines.push("-- the token is returned, and flushed:".into()),
        }
        at += count;
    }
    lines
}

fn store<R: Maintain>(written: &Written, count: usize, grows: u64, levels: &BTreeMap<u64, usize>) -> String {
    let Written { at, table, new, exchanged, .. } = *written;
    let digits = 2 + 2 * R::FORMAT.entry_bytes as usize;
    let level = levels.get(&table).copied();
    let verb = if exchanged { "exchange" } else { "store" };
    let place = level.map_or_else(|| "no table yet".into(), |level| format!("level {level}"));
    let index = (at - table) / u64::from(R::FORMAT.entry_bytes);
    let what = says::<R>(level, new);
    if count == 1 {
        return format!("{verb} {at:#x} <- {new:#0digits$x}  ; {place} [{index}]: {what}");
    }
    let last = index + count as u64 - 1;
    let each = if grows == 0 { String::new() } else { format!(", each {grows:#x} more") };
    format!("{verb} {at:#x} … <- {new:#0digits$x}{each}  ; {place} [{index}..={last}]: {what}")
}

/// The name of an instruction, and its first operand.
fn operand(line: &str) -> Option<(&str, u64)> {
    let (name, rest) = line.split_once("0x")?;
    let digits = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    u64::from_str_radix(&rest[..digits], 16).ok().map(|operand| (name, operand))
}

/// The same, with the first and last of more than eight instructions that differ by one and the same step of an operand.
fn shortened(ops: &[String]) -> Vec<String> {
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < ops.len() {
        let step = |pair: &[String]| match (operand(&pair[0]), operand(&pair[1])) {
            (Some((a, first)), Some((b, second))) if a == b => Some(second.wrapping_sub(first)),
            _ => None,
        };
        let grows = ops.get(at..at + 2).and_then(step);
        let more = ops[at..].windows(2).take_while(|pair| grows.is_some() && step(pair) == grows).count();
        if let Some(grows) = grows
            && more > 8
        {
            lines.push(ops[at].clone());
            lines.push(format!("… {} more, the operand of each {grows:#x} more than of the one before, to", more));
            lines.push(ops[at + more].clone());
            at += more + 1;
        } else {
            lines.push(ops[at].clone());
            at += 1;
        }
    }
    lines
}
