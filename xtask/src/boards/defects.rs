//! Known defects of the boards against the rules: found, missed, or beyond what the tables of the boards say.

use std::collections::BTreeMap;

use tablature::rule::Finding;
use tablature_import::resources::{self, Run, derive, identifier, unique};
use tablature_import::system::{Num, Resource, System};
use tablature_import::twin;

use super::data::{Board, Boards, Defect, Source};
use super::declare::{format_name, measure, region, system, table_resource, tables_of};

/// What becomes of a defect.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Fate {
    /// A rule names it.
    Found(&'static str),
    /// A rule is there for it, and did not fire.
    Missed(&'static str),
    /// The tables do not say what a rule would need to know.
    Beyond(String),
}

/// The rules that find a kind of defect; or what they would have to be told.
fn rules_for(kind: &str) -> Result<&'static [&'static str], &'static str> {
    Ok(match kind {
        "wx" | "wx-everywhere" | "exec-of-firmware-ram" => &["wx", "wx-alias"],
        "device-executable" => &["device-executable"],
        "alias-memory-type" => &["memory-type-mismatch", "device-mapped-as-normal"],
        "overlap-partial"
        | "overlap-nested"
        | "overlap-different-pa"
        | "duplicate-region"
        | "redundant-nested-region" => &["va-overlap"],
        "budget-wasted" => &["budget-slack"],
        "isolation-hole" => &["reserved-memory-mapped"],
        "budget-zero-slack" => {
            return Err("no defect of a declared map: the count is exact, and one more table is an error");
        }
        "table-overhead" => return Err("a choice of the builder: the planner takes the largest leaves"),
        "shared-page" => return Err("devices smaller than a page: the tables list whole pages"),
        "user-device" => return Err("the intent: `owner` or `rights` at the resource would say it"),
        "dram-as-device" => return Err("what the bus has there: the tables list maps only"),
        "cacheable-over-nothing" => return Err("what the bus has there: with the RAM declared, `phys-undeclared`"),
        "dangling-reservation" => return Err("what the bus has there: a reservation outside every resource"),
        "rodata-writable" => return Err("the sections: with an `image` block, `section-rights-mismatch`"),
        "wrong-address-by-dead-branch" => return Err("the right address"),
        "wrong-attribute" => return Err("the code that was asked for another type"),
        "latent-map-bug" | "contiguous-hint-misuse" => return Err("the code of the mapper, not the map"),
        _ => return Err("a kind of defect that no rule is assigned to"),
    })
}

/// Prints what becomes of every line of `defects.tsv`.
pub(super) fn tell(boards: &Boards) {
    if boards.defects.is_empty() {
        return;
    }
    let mut counts = [0; 3];
    for (defect, fate) in fates(boards) {
        let (index, text) = match &fate {
            Fate::Found(rule) => (0, format!("found by {rule}")),
            Fate::Missed(rules) => (1, format!("MISSED by {rules}")),
            Fate::Beyond(what) => (2, format!("not expressible, needs {what}")),
        };
        counts[index] += 1;
        let regions = defect.regions.join(" and ");
        println!("defect {} ({}, {} {regions}): {text}", defect.id, defect.kind, defect.map);
    }
    println!(
        "{} defects: {} found, {} missed, {} not expressible",
        boards.defects.len(),
        counts[0],
        counts[1],
        counts[2]
    );
}

/// What becomes of each defect.
fn fates(boards: &Boards) -> Vec<(&Defect, Fate)> {
    let mut found = BTreeMap::<(&str, bool), Result<Vec<Finding<'static>>, String>>::new();
    let mut fate_of = |defect: &Defect| {
        let Some(board) = boards.boards.iter().find(|board| board.id == defect.map) else {
            return Fate::Beyond("a map that maps.tsv does not have".into());
        };
        // Tables are counted where regions do not overlap: in the map that the board makes of its declaration.
        let resolved = rules_for(&defect.kind) == Ok(&["budget-slack"]);
        let findings = found.entry((&board.id, resolved)).or_insert_with(|| findings(board, resolved));
        fate(defect, findings)
    };
    boards.defects.iter().map(|defect| (defect, fate_of(defect))).collect()
}

fn fate(defect: &Defect, findings: &Result<Vec<Finding<'static>>, String>) -> Fate {
    let rules = match (rules_for(&defect.kind), findings) {
        (Err(what), _) => return Fate::Beyond(what.into()),
        (_, Err(what)) => return Fate::Beyond(what.clone()),
        (Ok(rules), Ok(_)) => rules,
    };
    let findings = findings.as_deref().unwrap_or_default();
    let names: Vec<String> = defect.regions.iter().map(|name| identifier(name)).collect();
    let names_it = |finding: &&Finding<'static>| {
        let culprits = &finding.culprits[..finding.culprit_count];
        names.is_empty() || names.iter().any(|name| culprits.iter().any(|culprit| culprit.name == name))
    };
    for rule in rules {
        if findings.iter().filter(|finding| finding.rule.id() == *rule).any(|finding| names_it(&finding)) {
            return Fate::Found(rule);
        }
    }
    Fate::Missed(rules[0])
}

/// What the rules find in the regions as the board's source declares them, overlaps and all; or in the map that comes of
/// them.
fn findings(board: &Board, resolved: bool) -> Result<Vec<Finding<'static>>, String> {
    let format = format_name(board).map_err(|regime| format!("the regime {regime}"))?;
    if board.sources.is_empty() {
        return Err("declared regions of this map".into());
    }
    let (runs, names): (Vec<Run>, Vec<String>) = if resolved {
        board.runs.iter().enumerate().map(|(at, run)| (run.clone(), format!("run_{at}"))).unzip()
    } else {
        let mut taken = BTreeMap::new();
        let mut name = |source: &Source| unique(&identifier(&source.name), &mut taken);
        board.sources.iter().map(|source| (source.run.clone(), name(source))).unzip()
    };
    let (resources, places) = derive(&runs, &names, board.bus_decides())?;
    let regions = runs.iter().zip(&names).zip(&places).map(|((run, name), place)| region(run, name, place, None));
    let mut case = system(board, &format, resources, "kernel", "kernel", regions.collect());
    reserve(board, &mut case);
    budget(board, &mut case)?;
    let found = twin::findings(&twin::map(&case)?)?;
    Ok(found.errors.into_iter().chain(found.warnings).collect())
}

/// Declares the forbidden memory reserved; it lies within the resource it is a part of.
fn reserve(board: &Board, case: &mut System) {
    for (name, base, size) in &board.forbidden {
        let holds = |r: &&Resource| r.within.is_none() && r.base.0 <= *base && base + size <= r.base.0 + r.size.0;
        let within = case.resources.iter().find(holds).map(|r| r.name.clone());
        case.resources.push(Resource {
            note: Vec::new(),
            name: identifier(name),
            base: Num(*base),
            size: Num(*size),
            memory: "normal_wb".into(),
            reserved: true,
            owner: None,
            rights: None,
            within,
        });
    }
}

/// A table pool as large as the board's own, where it has one: in a resource far from everything.
fn budget(board: &Board, case: &mut System) -> Result<(), String> {
    let Some(budget) = board.own_budget else { return Ok(()) };
    let (need, table, of_root) = measure(&twin::map(case)?)?;
    let size = budget.max(need) * table;
    let runs: Vec<Run> = board.sources.iter().map(|source| source.run.clone()).collect();
    let avoid: Vec<(u64, u64)> = board.forbidden.iter().map(|(_, base, size)| (*base, *size)).collect();
    let alignment = table * of_root;
    let at = resources::free(&runs, &avoid, size, alignment, 1 << board.pa_bits).ok_or("room for the tables")?;
    case.resources.push(table_resource(at, size));
    case.spaces[0].tables = Some(tables_of(size));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_defect_of_the_boards_is_missed() {
        let boards = super::super::data::load(&super::super::Arguments::default().directory).expect("boards");
        let missed: Vec<_> = fates(&boards).into_iter().filter(|(_, fate)| matches!(fate, Fate::Missed(_))).collect();
        assert!(missed.is_empty(), "{missed:?}");
        let found = fates(&boards).into_iter().filter(|(_, fate)| matches!(fate, Fate::Found(_))).count();
        assert!(found > 70, "{found}");
    }

    #[test]
    fn every_kind_with_a_rule_names_a_rule_that_exists() {
        let ids = twin::rules();
        for kind in
            ["wx", "device-executable", "alias-memory-type", "overlap-nested", "budget-wasted", "isolation-hole"]
        {
            for rule in rules_for(kind).expect(kind) {
                assert!(ids.contains(rule), "{rule}");
            }
        }
        assert!(rules_for("something new").is_err());
    }
}
