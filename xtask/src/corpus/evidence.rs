//! The evidence of every case: it keeps the schema, says what the corpus says, and its numbers are those of the case.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use serde_json::Value;
use tablature::evidence::{Evidence, Generator};
use tablature_import::system::{Num, Region, RightsText, Round, Space, number};
use tablature_import::twin;

use super::case::{self, Case, Expect};
use crate::process::root;

/// The cases of the files that a map can be made of, and their documents.
static DOCUMENTS: LazyLock<Vec<(Case, Value)>> = LazyLock::new(documents);

fn documents() -> Vec<(Case, Value)> {
    let generator = Generator::with_compiler("corpus", "1", "rustc");
    let mut list = Vec::new();
    for file in ["corpus.jsonl", "corpus_notation.jsonl"] {
        let text = fs::read_to_string(root().join("tests/data").join(file)).expect("a file of the repository");
        for line in case::read(&text).expect("JSON lines") {
            let Ok(case) = line.case else { continue };
            let Ok(map) = twin::map(&case) else { continue };
            let evidence = Evidence::of(&map, &generator).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            list.push((case, serde_json::from_str(&evidence.to_json()).expect("JSON")));
        }
    }
    assert!(list.len() >= 293 + 100, "{} documents", list.len());
    list
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn hex(value: &Value) -> u128 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("a number");
    u128::from_str_radix(digits, 16).expect("a number")
}

#[test]
fn every_document_keeps_the_schema() {
    let text = fs::read_to_string(root().join("schema/evidence-1.schema.json")).expect("the schema");
    let schema = serde_json::from_str(&text).expect("the schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
    for (case, found) in DOCUMENTS.iter() {
        let errors: Vec<_> = validator.iter_errors(found).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", case.id);
    }
}

#[test]
fn every_document_has_the_verdict_of_the_corpus() {
    let mut held = 0;
    for (case, found) in DOCUMENTS.iter() {
        let with = |verdict: &str| -> BTreeSet<_> {
            let rules = list(found, "rules").iter().filter(|rule| rule["verdict"] == verdict);
            rules.filter_map(|rule| rule["id"].as_str()).collect()
        };
        let (violated, warned) = (with("violated"), with("warned"));
        match &case.error {
            Some(error) => assert!(violated.contains(error.rule.as_str()), "{}: {violated:?}", case.id),
            None => {
                assert_eq!((case.expect, violated.is_empty()), (Expect::Ok, true), "{}: {violated:?}", case.id);
                let wanted: BTreeSet<_> = case.warnings.iter().map(|warning| warning.rule.as_str()).collect();
                assert_eq!(warned, wanted, "{}", case.id);
                held += 1;
            }
        }
        let waived: usize = case.spaces.iter().flat_map(|space| &space.regions).map(|region| region.waive.len()).sum();
        assert_eq!(list(found, "waivers").len(), waived, "{}", case.id);
    }
    assert!(held >= 100, "{held} sound maps");
}

/// Bytes of a page of a space.
fn page(case: &Case, space: &Space) -> u128 {
    let format = space.format.as_ref().unwrap_or(&case.format);
    match format.split_whitespace().nth(1) {
        Some("16K") => 0x4000,
        Some("64K") => 0x1_0000,
        _ => 0x1000,
    }
}

/// What a region occupies from `start` on: whole pages, or whole units if it asks for them.
fn occupied(region: &Region, page: u128, start: u128) -> (u128, u128) {
    let unit = match &region.round {
        Some(Round::Unit(Num(unit))) => u128::from(*unit),
        Some(Round::Word(word)) => number(word).map_or(page, u128::from),
        None => page,
    };
    let end = start + u128::from(region.size.0);
    (start / unit * unit, end.div_ceil(unit) * unit)
}

/// The leaves of every region of a sound map cover what it occupies, but for the guards that cut holes into it.
#[test]
fn leaves_cover_their_regions_and_nothing_else() {
    let mut regions = 0;
    for (case, found) in DOCUMENTS.iter().filter(|(case, _)| case.expect == Expect::Ok) {
        for (space, written) in case.spaces.iter().zip(list(found, "spaces")) {
            for (region, written) in space.regions.iter().zip(list(written, "regions")) {
                let holes = space.regions.iter().filter(|guard| guard.inside.as_ref() == Some(&region.name));
                let holes: u128 = holes.map(|guard| u128::from(guard.size.0)).sum();
                let (lo, hi) = occupied(region, page(case, space), hex(&written["virt"]));
                let is_mapped = region.kind != "guard" && !region.dynamic;
                let expected = if is_mapped { hi - lo - holes } else { 0 };
                let leaves = list(written, "leaves").iter();
                let spans =
                    leaves.map(|l| (hex(&l["virt"]), hex(&l["size"]) * u128::from(l["count"].as_u64().unwrap_or(0))));
                let spans: Vec<_> = spans.collect();
                let covered: u128 = spans.iter().map(|(_, bytes)| bytes).sum();
                assert_eq!(covered, expected, "{}: {}.{}", case.id, space.name, region.name);
                assert!(spans.is_sorted() && spans.iter().all(|(virt, bytes)| lo <= *virt && virt + bytes <= hi));
                regions += 1;
            }
        }
    }
    assert!(regions > 250, "{regions} regions");
}

/// The pages, of 4 KiB, that a space reaches: all that are mapped, or those of the user where there is one.
fn reach(case: &Case, space: &Space) -> BTreeSet<u128> {
    let format = space.format.as_ref().unwrap_or(&case.format);
    let has_user = !format.ends_with("S2") && !format.ends_with("EL2") && !format.ends_with("EL3");
    let is_tenant = matches!(space.role.as_str(), "partition" | "guest");
    let base = |name: &str| case.resources.iter().find(|r| r.name == name).map_or(0, |r| u128::from(r.base.0));
    let offset = |offset: Option<Num>| u128::from(offset.unwrap_or_default().0);
    let place = |phys: Option<Num>, resource: Option<&String>, at: Option<Num>| match (phys, resource) {
        (_, Some(resource)) => base(resource) + offset(at),
        (phys, None) => offset(phys),
    };
    let mut pages = BTreeSet::new();
    for region in &space.regions {
        let is_user = match &region.rights {
            RightsText::One(_) => region.user,
            RightsText::Pair { user, .. } => !user.is_empty(),
        };
        if region.kind == "guard" || region.dynamic || has_user && is_tenant && !is_user {
            continue;
        }
        let start = match &region.channel {
            Some(name) => {
                let channel = case.channels.iter().find(|channel| channel.name == *name).expect("a channel");
                place(channel.phys, channel.resource.as_ref(), channel.offset) + offset(region.channel_offset)
            }
            None => place(region.phys, region.resource.as_ref(), region.offset),
        };
        let (lo, hi) = occupied(region, page(case, space), start);
        pages.extend(lo / 0x1000..hi / 0x1000);
    }
    pages
}

#[test]
fn theorems_are_those_of_page_sets() {
    let mut verdicts = [0, 0];
    for (case, found) in DOCUMENTS.iter() {
        let written = list(found, "isolation").iter();
        for theorem in written.filter(|_| case.error.as_ref().is_none_or(|error| error.rule == "isolation-violated")) {
            let space = |side: &str| case.spaces.iter().find(|space| theorem[side] == space.name).expect("a space");
            let [a, b] = ["a", "b"].map(|side| reach(case, space(side)));
            assert_eq!(
                theorem["frames_a"].as_u64().map(u128::from),
                Some(a.len() as u128 * 0x1000 / page(case, space("a")))
            );
            let common: BTreeSet<_> = a.intersection(&b).copied().collect();
            let pages = |common: &Value| {
                let first = hex(&common["start"]) / 0x1000;
                first..first + hex(&common["size"]) / 0x1000
            };
            let listed: BTreeSet<_> = list(theorem, "common").iter().flat_map(pages).collect();
            assert_eq!(listed, common, "{}: {theorem}", case.id);
            let is_proven = theorem["verdict"] == "proven";
            let beside = list(theorem, "common").iter().any(|common| common.get("channel").is_none());
            assert_eq!(is_proven, !beside, "{}: {theorem}", case.id);
            verdicts[usize::from(is_proven)] += 1;
        }
    }
    assert!(verdicts.iter().all(|count| *count >= 5), "{verdicts:?}");
}
