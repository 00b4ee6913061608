//! Every case of the corpus by the rules alone: the rule it names, its culprits, its numbers, and nothing else.
//!
//! [`judge`](super::judge) reads messages, as a user does; here the findings themselves are compared.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;
use serde_json::Value;
use tablature::rule::{Culprit, Finding, Rule};
use tablature_import::twin::{Findings, findings, map};

use super::case::{self, Case, Expect, ExpectedError, ExpectedWarning, Written};
use crate::process::root;

/// Rule, culprits and numbers, as the independent judge writes them.
type Wanted = (String, BTreeSet<String>, Vec<Written>);

/// A case with a few random changes, and all findings that an independent judge has about it.
#[derive(Deserialize)]
struct Changed {
    found: Vec<Wanted>,
    warned: Vec<Wanted>,
}

fn data(name: &str) -> String {
    fs::read_to_string(root().join("tests/data").join(name)).expect("a file of the repository")
}

/// The cases, in the order of the file.
fn cases() -> Vec<Case> {
    let lines = case::read(&data("corpus.jsonl")).expect("JSON lines");
    lines.into_iter().map(|line| line.case.unwrap_or_else(|reason| panic!("{}: {reason}", line.id))).collect()
}

fn changed_cases() -> Vec<(Case, Changed)> {
    let read = |(index, line): (usize, &str)| {
        let mut value: Value = serde_json::from_str(line).expect("a JSON line");
        // The verdict of these is the list of findings.
        value["id"] = format!("changed_{index}").into();
        value["expect"] = "ok".into();
        let changed = Changed::deserialize(&value).unwrap_or_else(|error| panic!("line {index}: {error}"));
        let case = serde_json::from_value(value).unwrap_or_else(|error| panic!("line {index}: {error}"));
        (case, changed)
    };
    data("single_changes.jsonl").lines().enumerate().map(read).collect()
}

fn judge(case: &Case) -> Findings {
    map(case).and_then(|map| findings(&map)).unwrap_or_else(|reason| panic!("{}: {reason}", case.id))
}

fn name(culprit: &Culprit<'_>) -> String {
    match culprit.owner {
        "" => culprit.name.to_owned(),
        kind if kind.ends_with(':') => format!("{kind}{}", culprit.name),
        owner => format!("{owner}.{}", culprit.name),
    }
}

fn culprits(finding: &Finding<'_>) -> BTreeSet<String> {
    finding.culprits[..finding.culprit_count].iter().map(name).collect()
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

fn has_numbers(finding: &Finding<'_>, numbers: &[Written]) -> bool {
    let found = &finding.numbers[..finding.number_count];
    numbers.iter().all(|number| found.contains(&value(number)))
}

/// A number that a case expects: up to 2⁶⁴, which is where the last byte of an address space ends.
fn value(number: &Written) -> u128 {
    let parsed = match number.0.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16),
        None => number.0.parse(),
    };
    parsed.unwrap_or_else(|error| panic!("{number:?}: {error}"))
}

fn show(findings: &[Finding<'_>]) -> String {
    let one =
        |f: &Finding<'_>| format!("\n      {} {:?} {:x?}", f.rule.id(), culprits(f), &f.numbers[..f.number_count]);
    findings.iter().map(one).collect()
}

/// Whether the finding blames whom the case blames. A budget finding may name further regions that would do.
fn blames(finding: &Finding<'_>, expected: &BTreeSet<String>) -> bool {
    let found = culprits(finding);
    match finding.rule {
        Rule::TableBudgetExceeded => expected.is_subset(&found),
        _ => found == *expected,
    }
}

fn complaints(case: &Case) -> Vec<String> {
    let found = judge(case);
    match (case.expect, &case.error) {
        (Expect::Error, Some(error)) => error_complaints(error, &found.errors),
        (Expect::Error, None) => vec!["the rule it breaks is not named".into()],
        (Expect::Ok, _) => {
            let mut complaints = warning_complaints(&case.warnings, &found.warnings);
            if !found.errors.is_empty() {
                complaints.push(format!("unexpected errors:{}", show(&found.errors)));
            }
            complaints
        }
    }
}

fn error_complaints(error: &ExpectedError, errors: &[Finding<'_>]) -> Vec<String> {
    let mut complaints = Vec::new();
    let rule = error.rule.as_str();
    let is_also = |id: &str| error.also.iter().any(|also| also == id);
    for finding in errors {
        if finding.rule.id() != rule && !is_also(finding.rule.id()) {
            complaints.push(format!("extra rule: {finding}"));
        }
    }
    let named: Vec<_> = errors.iter().filter(|finding| finding.rule.id() == rule).collect();
    let wanted = set(&error.culprits);
    if !named.iter().any(|finding| blames(finding, &wanted) && has_numbers(finding, &error.numbers)) {
        complaints.push(format!("no {rule} {wanted:?} {:?}; found:{}", error.numbers, show(errors)));
    }
    let pairs: Vec<_> = match error.all_pairs.as_slice() {
        [] => vec![wanted],
        pairs => pairs.iter().map(|pair| set(pair)).collect(),
    };
    for pair in &pairs {
        if !named.iter().any(|finding| blames(finding, pair)) {
            complaints.push(format!("no {rule} about {pair:?}"));
        }
    }
    for finding in named {
        if !is_also(rule) && !pairs.iter().any(|pair| blames(finding, pair)) {
            complaints.push(format!("more culprits than declared: {finding}"));
        }
    }
    complaints
}

fn warning_complaints(wanted: &[ExpectedWarning], warnings: &[Finding<'_>]) -> Vec<String> {
    let mut complaints = Vec::new();
    for warning in wanted {
        let is_wanted = |finding: &Finding<'_>| {
            finding.rule.id() == warning.rule
                && culprits(finding) == set(&warning.culprits)
                && has_numbers(finding, &warning.numbers)
        };
        if !warnings.iter().any(is_wanted) {
            complaints.push(format!("no warning {warning:?}; found:{}", show(warnings)));
        }
    }
    if warnings.len() != wanted.len() {
        complaints.push(format!("warnings:{}", show(warnings)));
    }
    complaints
}

#[test]
fn the_whole_corpus_is_judged_as_its_authors_judged_it() {
    let cases = cases();
    assert_eq!(cases.len(), 293);
    let mut wrong = 0;
    for case in &cases {
        let complaints = complaints(case);
        if !complaints.is_empty() {
            wrong += 1;
            println!("{} [{:?}]", case.id, case.expect);
            for complaint in complaints {
                println!("    {complaint}");
            }
        }
    }
    assert_eq!(wrong, 0, "cases judged otherwise");
}

#[test]
fn changed_cases_are_judged_as_an_independent_judge_does() {
    let mut rules = BTreeSet::new();
    for (case, changed) in changed_cases() {
        let found = judge(&case);
        let mut sides = vec![(changed.found, &found.errors)];
        if found.errors.is_empty() {
            sides.push((changed.warned, &found.warnings));
        }
        for (wanted, found) in sides {
            let agrees = |(rule, who, numbers): &Wanted, finding: &Finding<'_>| {
                finding.rule.id() == rule && blames(finding, who) && has_numbers(finding, numbers)
            };
            for one in &wanted {
                assert!(found.iter().any(|f| agrees(one, f)), "{case:?}\nno {one:?} in{}", show(found));
                rules.insert(one.0.clone());
            }
            for finding in found {
                assert!(wanted.iter().any(|one| agrees(one, finding)), "{case:?}\nnot wanted: {finding}");
            }
        }
    }
    assert!(rules.len() >= 92, "rules that a case is about: {}", rules.len());
}

#[test]
fn every_message_names_all_culprits_and_numbers_and_a_fix() {
    for case in cases() {
        let found = judge(&case);
        for finding in found.errors.iter().chain(&found.warnings) {
            let text = finding.to_string();
            assert!(text.contains(finding.rule.id()) && text.contains("\n  fix: "), "{text}");
            for culprit in culprits(finding) {
                assert!(text.contains(&culprit), "{culprit} is missing:\n{text}");
            }
            assert!(!text.contains(['{', '}', '[', ']']), "template left over:\n{text}");
        }
        let Some(error) = &case.error else { continue };
        let texts = found.errors.iter().filter(|finding| finding.rule.id() == error.rule).map(ToString::to_string);
        let all: String = texts.collect();
        for wanted in error.numbers.iter().map(|number| &number.0).chain(&error.culprits) {
            assert!(all.contains(wanted.as_str()), "{wanted} is missing in {}:\n{all}", case.id);
        }
    }
}
