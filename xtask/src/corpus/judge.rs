//! Whether a build says of a case what the case expects.

use super::case::{Case, Expect, ExpectedError, ExpectedWarning, Written};

/// One thing that was said about a case: by rustc, or by the rules at run time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) is_error: bool,
    /// The words of the message and of its notes; no source lines, which would contain every name anyway.
    pub(crate) text: String,
    /// The tokens that are underlined.
    pub(crate) underlined: Vec<String>,
}

/// What became of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// An error was expected, and the right one came.
    Rejected,
    /// The case is valid and was accepted, with the warnings it should get.
    Accepted,
    /// Anything else.
    Wrong { expected: String, got: String },
}

/// Judges `case` by the reports about it; `rules` are the ids of all rules.
pub(crate) fn judge(case: &Case, reports: &[Report], rules: &[&str]) -> Verdict {
    let (problem, right) = match (case.expect, &case.error) {
        (Expect::Error, Some(error)) => (rejection_problem(error, reports, rules), Verdict::Rejected),
        (Expect::Error, None) => (Some("the rule it breaks is not named".into()), Verdict::Rejected),
        (Expect::Ok, _) => (acceptance_problem(&case.warnings, reports, rules), Verdict::Accepted),
    };
    match problem {
        None => right,
        Some(problem) => Verdict::Wrong { expected: expectation(case), got: format!("{problem}{}", digest(reports)) },
    }
}

fn expectation(case: &Case) -> String {
    if let Some(error) = &case.error {
        let numbers = error.numbers.iter().map(|number| number.0.as_str()).collect::<Vec<_>>().join(", ");
        return format!("{} of {} [{numbers}]", error.rule, error.culprits.join(" and "));
    }
    let warnings = case.warnings.iter().map(|w| format!("warning {} of {}", w.rule, w.culprits.join(" and ")));
    let all = warnings.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "no error and no warning".into() } else { format!("no error, {all}") }
}

/// The first lines of what was said, for the list of wrong cases.
fn digest(reports: &[Report]) -> String {
    let lines = reports.iter().take(4).map(|report| {
        let level = if report.is_error { "error" } else { "warning" };
        format!("\n      {level}: {}", report.text.lines().next().unwrap_or_default())
    });
    let more = if reports.len() > 4 { format!("\n      … {} more", reports.len() - 4) } else { String::new() };
    lines.collect::<String>() + &more
}

/// Why `reports` are not the expected rejection.
fn rejection_problem(error: &ExpectedError, reports: &[Report], rules: &[&str]) -> Option<String> {
    let errors: Vec<&Report> = reports.iter().filter(|report| report.is_error).collect();
    if errors.is_empty() {
        return Some("accepted".into());
    }
    for report in &errors {
        match rule_of(&report.text, rules) {
            None => return Some("an error that is no rule's".into()),
            Some(rule) if rule == error.rule || error.also.iter().any(|also| also == rule) => {}
            Some(rule) => return Some(format!("another rule: {rule}")),
        }
    }
    let named = |culprits: &[String], numbers: &[Written]| {
        errors.iter().any(|report| {
            rule_of(&report.text, rules) == Some(error.rule.as_str())
                && culprits.iter().all(|name| has_name(&report.text, name))
                && numbers.iter().all(|number| has_number(&report.text, number))
        })
    };
    if !named(&[], &[]) {
        return Some(format!("no error of {}", error.rule));
    }
    if !named(&error.culprits, &[]) {
        return Some(format!("no error of {} names {}", error.rule, error.culprits.join(" and ")));
    }
    if !named(&error.culprits, &error.numbers) {
        return Some("the numbers are missing".into());
    }
    let unnamed = error.all_pairs.iter().find(|pair| !named(pair, &[]));
    unnamed.map(|pair| format!("nothing about {}", pair.join(" and ")))
}

/// Why `reports` are not the expected acceptance.
fn acceptance_problem(warnings: &[ExpectedWarning], reports: &[Report], rules: &[&str]) -> Option<String> {
    if reports.iter().any(|report| report.is_error) {
        return Some("rejected".into());
    }
    for report in reports {
        let wanted = |warning: &&ExpectedWarning| {
            rule_of(&report.text, rules) == Some(warning.rule.as_str()) && points_at(report, &warning.culprits)
        };
        if !warnings.iter().any(|warning| wanted(&warning)) {
            return Some("a warning that is not due".into());
        }
    }
    let missing = warnings.iter().find(|warning| {
        !reports.iter().any(|report| {
            rule_of(&report.text, rules) == Some(warning.rule.as_str()) && points_at(report, &warning.culprits)
        })
    });
    missing.map(|warning| format!("no warning {}", warning.rule))
}

/// Whether a warning concerns the objects: it names them, or underlines the last part of their name.
fn points_at(report: &Report, culprits: &[String]) -> bool {
    culprits.iter().all(|culprit| {
        let last = culprit.rsplit('.').next().unwrap_or(culprit);
        has_name(&report.text, culprit) || report.underlined.iter().any(|tokens| has_name(tokens, last))
    })
}

/// The rule of a message: the first id in it that stands as a word of its own.
pub(crate) fn rule_of<'r>(text: &str, rules: &[&'r str]) -> Option<&'r str> {
    let first = |rule: &&'r str| Some((word_at(text, rule, |c| !is_name(c) && c != '-')?, *rule));
    let found = rules.iter().filter_map(first);
    found.min_by_key(|(at, rule)| (*at, usize::MAX - rule.len())).map(|(_, rule)| rule)
}

fn is_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// Where `word` stands in `text` with only characters that `ends` accepts around it.
fn word_at(text: &str, word: &str, ends: impl Fn(char) -> bool) -> Option<usize> {
    let edge = |c: Option<char>| c.is_none_or(&ends);
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| edge(text[..*at].chars().next_back()) && edge(text[at + word.len()..].chars().next()))
}

/// Whether `name` stands in `text` as a whole: `app` is not in `app.data`, and `.text` not in `kernel.text`.
pub(crate) fn has_name(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + name.len()..].chars();
        let part_of_longer = match after.next() {
            Some('.') => after.next().is_some_and(is_name),
            Some(c) => is_name(c),
            None => false,
        };
        let starts_late = before.is_some_and(|c| is_name(c) || c == '.');
        !part_of_longer && !starts_late
    })
}

/// Whether the number stands in `text`: `0x…` by value, underscores and case apart; anything else as a whole word.
pub(crate) fn has_number(text: &str, number: &Written) -> bool {
    let Some(hex) = number.0.strip_prefix("0x") else {
        return word_at(text, &number.0, |c| !is_name(c)).is_some();
    };
    let value = |digits: &str| u128::from_str_radix(&digits.replace('_', ""), 16).ok();
    let wanted = value(hex);
    text.match_indices("0x").any(|(at, _)| {
        let rest = &text[at + 2..];
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        wanted.is_some() && value(&rest[..end]) == wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [&str; 4] = ["wx", "wx-alias", "va-overlap", "leaf-incongruent"];

    fn case(json: &str) -> Case {
        let head = r#""id":"x","format":"sv39","resources":[],"spaces":[]"#;
        let line = format!("{{{head},{json}}}").replace('\n', " ");
        super::super::case::read(&line).expect("JSON").remove(0).case.expect("a case")
    }

    fn error(text: &str) -> Report {
        Report { is_error: true, text: text.into(), ..Report::default() }
    }

    fn warning(text: &str, underlined: &str) -> Report {
        Report { is_error: false, text: text.into(), underlined: vec![underlined.into()] }
    }

    const OVERLAP: &str = r#""expect":"error","error":{"rule":"va-overlap","culprits":["k.a","k.b"],
        "numbers":["0x1000","2"],"also":["wx"],"all_pairs":[["k.a","k.b"]]}"#;

    #[test]
    fn the_right_error_is_a_rejection() {
        let said =
            [error("evaluation panicked: va-overlap: `k.a` and `k.b` share 2 pages from 0x1_000"), error("wx: k.a")];
        assert_eq!(judge(&case(OVERLAP), &said, &RULES), Verdict::Rejected);
    }

    #[test]
    fn each_shortcoming_of_an_error_is_wrong() {
        let good = "va-overlap: k.a and k.b share 2 pages from 0x1000";
        for (said, problem) in [
            (vec![], "accepted"),
            (vec![error("mismatched types")], "no rule's"),
            (vec![error(good), error("wx-alias: k.a")], "another rule: wx-alias"),
            (vec![error("wx: k.a")], "no error of va-overlap"),
            (vec![error("va-overlap: k.a and k.bb share 2 pages from 0x1000")], "names k.a and k.b"),
            (vec![error("va-overlap: k.a and k.b share 2 pages from 0x10000")], "numbers"),
            (vec![error("va-overlap: k.a and k.b share 12 pages from 0x1000")], "numbers"),
            (vec![warning(good, "a")], "accepted"),
        ] {
            let verdict = judge(&case(OVERLAP), &said, &RULES);
            assert!(matches!(&verdict, Verdict::Wrong { got, .. } if got.contains(problem)), "{problem}: {verdict:?}");
        }
    }

    #[test]
    fn every_declared_pair_must_be_named() {
        let pairs = OVERLAP.replace(r#"[["k.a","k.b"]]"#, r#"[["k.a","k.b"],["k.a","k.c"]]"#);
        let first = error("va-overlap: k.a and k.b share 2 pages from 0x1000");
        let second = error("va-overlap: k.a and k.c share 1 page from 0x5000");
        assert!(matches!(judge(&case(&pairs), std::slice::from_ref(&first), &RULES), Verdict::Wrong { .. }));
        assert_eq!(judge(&case(&pairs), &[first, second], &RULES), Verdict::Rejected);
    }

    #[test]
    fn warnings_must_be_due_and_come() {
        let quiet = case(r#""expect":"ok""#);
        let due =
            case(r#""expect":"ok","warnings":[{"rule":"leaf-incongruent","culprits":["k.heap"],"numbers":["0x1"]}]"#);
        let said = [warning("use of deprecated function `here`: leaf-incongruent: no block fits", "heap (rw)")];
        let elsewhere = [warning("leaf-incongruent: no block fits", "other")];
        assert_eq!(judge(&quiet, &[], &RULES), Verdict::Accepted);
        assert_eq!(judge(&due, &said, &RULES), Verdict::Accepted);
        for (case, said) in [(&quiet, &said[..]), (&due, &[]), (&due, &elsewhere), (&quiet, &[error("wx: k.a")])] {
            assert!(matches!(judge(case, said, &RULES), Verdict::Wrong { .. }), "{said:?}");
        }
    }

    #[test]
    fn names_and_numbers_are_whole_words() {
        assert!(has_name("kernel.text and `.text`", ".text"));
        assert!(!has_name("kernel.text", ".text"));
        assert!(!has_name("app.data overlaps", "app"));
        assert!(has_name("needed by app.", "app"));
        assert!(has_name("needs feature:lpa2", "feature:lpa2"));
        assert!(!has_name("needs feature:lpa2", "feature:lpa"));
        assert!(has_number("at 0xFFFF_8000_0000_0000", &Written("0xffff800000000000".into())));
        assert!(!has_number("at 0x10", &Written("16".into())));
        assert!(has_number("needs 16 tables", &Written("16".into())));
        assert_eq!(rule_of("violates wx-alias, see wx", &RULES), Some("wx-alias"));
    }
}
