//! Every case of the corpus: the rule it names, its culprits, its numbers, and nothing else.
#![expect(clippy::unwrap_used, reason = "a corpus that cannot be read fails the test, and the place says why")]

#[path = "support/corpus.rs"]
mod corpus;

use std::collections::BTreeSet;

use serde_json::Value;
use tablature::layout::{Layout, count_regions};
use tablature::rule::{Culprit, Finding, Findings, Rule, check};

/// More regions than any case has.
const REGIONS: usize = 32;
const FINDINGS: usize = 32;

type Judged = (Findings<'static, FINDINGS>, Findings<'static, FINDINGS>);

fn judge(case: &Value) -> Judged {
    let map = corpus::map(case);
    assert!(count_regions(&map) <= REGIONS);
    check(&map, &Layout::<REGIONS>::of(&map))
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

fn set(value: &Value) -> BTreeSet<String> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn numbers(value: &Value) -> BTreeSet<u128> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter().map(|v| corpus::number(v).unwrap().into()).collect()
}

fn show<const N: usize>(findings: &Findings<'_, N>) -> String {
    let one =
        |f: &Finding<'_>| format!("\n      {} {:?} {:x?}", f.rule.id(), culprits(f), &f.numbers[..f.number_count]);
    findings.as_slice().iter().map(one).collect()
}

/// Whether the finding blames whom the case blames. A budget finding may name further regions that would do.
fn blames(finding: &Finding<'_>, expected: &BTreeSet<String>) -> bool {
    let found = culprits(finding);
    match finding.rule {
        Rule::TableBudgetExceeded => expected.is_subset(&found),
        _ => found == *expected,
    }
}

fn complaints(case: &Value) -> Vec<String> {
    let (errors, warnings) = judge(case);
    let mut complaints = Vec::new();
    if case["expect"] == "ok" {
        if !errors.is_empty() {
            complaints.push(format!("unexpected errors:{}", show(&errors)));
        }
        complaints.extend(warning_complaints(case, &warnings));
        return complaints;
    }
    let error = &case["error"];
    let rule = error["rule"].as_str().unwrap();
    let also = set(&error["also"]);
    for finding in errors.as_slice() {
        if finding.rule.id() != rule && !also.contains(finding.rule.id()) {
            complaints.push(format!("extra rule: {finding}"));
        }
    }
    let named: Vec<_> = errors.as_slice().iter().filter(|f| f.rule.id() == rule).collect();
    let wanted = set(&error["culprits"]);
    let hit = |f: &&&Finding<'_>| {
        let numbers_of: BTreeSet<u128> = f.numbers[..f.number_count].iter().copied().collect();
        blames(f, &wanted) && numbers(&error["numbers"]).is_subset(&numbers_of)
    };
    if !named.iter().any(|f| hit(&f)) {
        complaints.push(format!("no {rule} {wanted:?} {}; found:{}", error["numbers"], show(&errors)));
    }
    let pairs: Vec<_> = error["all_pairs"].as_array().map_or(vec![wanted], |all| all.iter().map(set).collect());
    for pair in &pairs {
        if !named.iter().any(|f| blames(f, pair)) {
            complaints.push(format!("no {rule} about {pair:?}"));
        }
    }
    for finding in named {
        if !also.contains(rule) && !pairs.iter().any(|pair| blames(finding, pair)) {
            complaints.push(format!("more culprits than declared: {finding}"));
        }
    }
    complaints
}

fn warning_complaints(case: &Value, warnings: &Findings<'_, FINDINGS>) -> Vec<String> {
    let mut complaints = Vec::new();
    let wanted = case["warnings"].as_array().map_or(&[][..], Vec::as_slice);
    for warning in wanted {
        let found = warnings.as_slice().iter().any(|f| {
            let numbers_of: BTreeSet<u128> = f.numbers[..f.number_count].iter().copied().collect();
            f.rule.id() == warning["rule"]
                && culprits(f) == set(&warning["culprits"])
                && numbers(&warning["numbers"]).is_subset(&numbers_of)
        });
        if !found {
            complaints.push(format!("no warning {warning}; found:{}", show(warnings)));
        }
    }
    if warnings.len != wanted.len() {
        complaints.push(format!("warnings:{}", show(warnings)));
    }
    complaints
}

#[test]
fn the_whole_corpus_is_judged_as_its_authors_judged_it() {
    let cases = corpus::cases();
    assert_eq!(cases.len(), 293);
    let mut wrong = 0;
    for case in &cases {
        let complaints = complaints(case);
        if !complaints.is_empty() {
            wrong += 1;
            println!("{} [{}, {}]", case["id"], case["category"], case["expect"]);
            for complaint in complaints {
                println!("    {complaint}");
            }
        }
    }
    assert_eq!(wrong, 0, "cases judged otherwise");
}

/// Rule, culprits and numbers, as the independent judge writes them.
fn wanted_findings(list: &Value) -> Vec<(String, BTreeSet<String>, BTreeSet<u128>)> {
    let decimal = |v: &Value| v.as_str().unwrap().parse::<u128>().unwrap();
    let one = |f: &Value| {
        (f[0].as_str().unwrap().to_owned(), set(&f[1]), f[2].as_array().unwrap().iter().map(decimal).collect())
    };
    list.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn changed_cases_are_judged_as_an_independent_judge_does() {
    let mut rules = BTreeSet::new();
    for case in corpus::changed_cases() {
        let (errors, warnings) = judge(&case);
        let mut sides = vec![(wanted_findings(&case["found"]), &errors)];
        if errors.is_empty() {
            sides.push((wanted_findings(&case["warned"]), &warnings));
        }
        for (wanted, found) in sides {
            let agrees = |(rule, who, numbers): &(String, BTreeSet<String>, BTreeSet<u128>), f: &Finding<'_>| {
                let all: BTreeSet<u128> = f.numbers[..f.number_count].iter().copied().collect();
                f.rule.id() == rule && blames(f, who) && numbers.is_subset(&all)
            };
            for one in &wanted {
                assert!(found.as_slice().iter().any(|f| agrees(one, f)), "{case}\nno {one:?} in{}", show(found));
                rules.insert(one.0.clone());
            }
            for f in found.as_slice() {
                assert!(wanted.iter().any(|one| agrees(one, f)), "{case}\nnot wanted: {f}");
            }
        }
    }
    assert!(rules.len() >= 92, "rules that a case is about: {}", rules.len());
}

#[test]
fn every_message_names_all_culprits_and_numbers_and_a_fix() {
    for case in corpus::cases() {
        let (errors, warnings) = judge(&case);
        for finding in errors.as_slice().iter().chain(warnings.as_slice()) {
            let text = finding.to_string();
            assert!(text.contains(finding.rule.id()) && text.contains("\n  fix: "), "{text}");
            for culprit in culprits(finding) {
                assert!(text.contains(&culprit), "{culprit} is missing:\n{text}");
            }
            assert!(!text.contains(['{', '}', '[', ']']), "template left over:\n{text}");
        }
        if case["expect"] == "error" {
            let rule = case["error"]["rule"].as_str().unwrap();
            let all: String =
                errors.as_slice().iter().filter(|f| f.rule.id() == rule).map(ToString::to_string).collect();
            for wanted in set(&case["error"]["numbers"]).iter().chain(&set(&case["error"]["culprits"])) {
                assert!(all.contains(wanted.as_str()), "{wanted} is missing in {}:\n{all}", case["id"]);
            }
        }
    }
}
