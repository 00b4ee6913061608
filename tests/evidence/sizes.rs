//! Maps of any size, and maps that break rules.

use serde_json::Value;
use tablature::attr::{Access, MemoryType, Rights};
use tablature::evidence::{Evidence, Generator, Verdict};
use tablature::map::{Cpu, Map, Phys, Policy, Region, Resource, Role, Space, Virt, Waiver};
use tablature::regime::Regime;
use tablature::riscv::Sv39;

use crate::document::Document;

const RAM: Resource<'static> =
    Resource { name: "ram", base: 0x8000_0000, size: 1 << 36, memory: MemoryType::NormalWb, ..Resource::BLANK };

fn map<'a>(spaces: &'a [Space<'a>], resources: &'a [Resource<'a>]) -> Map<'a> {
    Map {
        name: "sized",
        anchor: 0,
        format: Sv39::FORMAT,
        cpu: Cpu::BLANK,
        policy: Policy::BLANK,
        resources,
        spaces,
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    }
}

fn evidence(map: &Map<'_>) -> (Verdict, Value) {
    let generator = Generator::with_compiler("tests", "0", "rustc");
    let evidence = Evidence::of(map, &generator).expect("a document");
    let value = Document::of(&evidence.to_json()).value;
    assert_eq!(value["verdict"], evidence.verdict().name());
    (evidence.verdict(), value)
}

/// So many regions of a page in each of so many partitions, none of which meets another.
fn partitions(spaces: usize, regions: usize) -> (Vec<String>, Vec<Vec<Region<'static>>>) {
    let names = (0..spaces).map(|index| format!("p{index}")).collect();
    let region = |space: usize, index: usize| Region {
        name: format!("r{index}").leak(),
        virt: Virt::At(0x40_0000 + index as u64 * 0x2000),
        phys: Phys::In { resource: "ram", offset: ((space * regions + index) as u64) << 12 },
        size: Some(0x1000),
        access: Access::user(Rights::RW),
        user: true,
        ..Region::BLANK
    };
    let of = |space| (0..regions).map(|index| region(space, index)).collect();
    (names, (0..spaces).map(of).collect())
}

fn counted(spaces: usize, regions: usize) {
    let (names, lists) = partitions(spaces, regions);
    let space = |(name, regions): (&'static str, _)| Space { name, role: Role::Partition, regions, ..Space::BLANK };
    let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
    let all: Vec<_> = names.iter().copied().zip(lists.iter().map(Vec::as_slice)).map(space).collect();
    let isolation = [tablature::map::Isolation { spaces: &names, except: &[], anchor: 0 }];
    let (verdict, found) = evidence(&Map { isolation: &isolation, ..map(&all, &[RAM]) });
    assert_eq!(verdict, Verdict::Kept);
    let listed = found["spaces"].as_array().expect("a list");
    let leaves = listed
        .iter()
        .flat_map(|space| space["regions"].as_array().expect("a list"))
        .filter(|region| region["leaves"].as_array().is_some_and(|leaves| leaves.len() == 1));
    assert_eq!((listed.len(), leaves.count()), (spaces, spaces * regions), "nothing is left out");
    let theorems = found["isolation"].as_array().expect("a list");
    assert_eq!(theorems.len(), spaces * (spaces - 1) / 2);
    assert!(theorems.iter().all(|theorem| theorem["verdict"] == "proven" && theorem["frames_a"] == regions));
}

#[test]
fn no_region_is_left_out_of_a_document() {
    // Each size that the judge has room for, just filled and just exceeded.
    for (spaces, regions) in [(2, 64), (3, 43), (64, 64), (64, 65)] {
        counted(spaces, regions);
    }
}

#[test]
fn a_map_with_more_regions_than_can_be_named_is_refused() {
    let (_, lists) = partitions(1, 65_536);
    let spaces = [Space { name: "a", regions: &lists[0], ..Space::BLANK }];
    let generator = Generator::with_compiler("tests", "0", "rustc");
    let error = Evidence::of(&map(&spaces, &[RAM]), &generator).expect_err("too many");
    assert_eq!(error.to_string(), "the map has 65536 regions, and at most 65535 can be judged");
}

#[test]
fn tables_that_fill_memory_are_refused() {
    let region = Region {
        name: "all",
        virt: Virt::At(0x8000_0000),
        phys: Phys::In { resource: "huge", offset: 0 },
        size: Some(1 << 37),
        access: Access::kernel(Rights::RW),
        page: Some(0x1000),
        ..Region::BLANK
    };
    let huge = Resource { name: "huge", size: 1 << 37, ..RAM };
    let regions: Vec<_> = (0..8).map(|_| region).collect();
    let format = tablature::riscv::Sv48::FORMAT;
    let regions: Vec<_> = regions
        .into_iter()
        .enumerate()
        .map(|(index, region)| Region {
            name: ["a", "b", "c", "d", "e", "f", "g", "h"][index],
            virt: Virt::At((index as u64 + 1) << 40),
            alias_of: (index > 0).then_some("a"),
            ..region
        })
        .collect();
    let spaces = [Space { name: "wide", regions: &regions, ..Space::BLANK }];
    let generator = Generator::with_compiler("tests", "0", "rustc");
    let error = Evidence::of(&Map { format, ..map(&spaces, &[huge]) }, &generator).expect_err("too many");
    assert!(error.to_string().starts_with("space `wide` has 5"), "{error}");
}

const TEXT: Region<'static> = Region {
    name: "text",
    virt: Virt::At(0x20_0000),
    phys: Phys::In { resource: "ram", offset: 0 },
    size: Some(0x1000),
    access: Access::kernel(Rights::RWX),
    ..Region::BLANK
};

fn rule<'v>(found: &'v Value, id: &str) -> &'v Value {
    let rules = found["rules"].as_array().expect("rules");
    rules.iter().find(|rule| rule["id"] == id).expect("a rule")
}

#[test]
fn a_broken_rule_is_in_the_document_with_its_message() {
    let spaces = [Space { name: "kernel", regions: &[TEXT], ..Space::BLANK }];
    let (verdict, found) = evidence(&map(&spaces, &[RAM]));
    assert_eq!(verdict, Verdict::Violated);
    assert_eq!(rule(&found, "wx")["verdict"], "violated");
    let text = rule(&found, "wx")["findings"][0].as_str().expect("a text");
    assert!(text.starts_with("wx: `kernel.text` is writable and executable\n  fix: split it"), "{text}");
    assert_eq!(rule(&found, "va-overlap")["verdict"], "held");
    let space = &found["spaces"][0];
    assert_eq!((&space["tables"]["count"], &space["registers"]), (&0.into(), &Value::Array(vec![])));
}

#[test]
fn waivers_say_whether_they_are_used() {
    let waive = |rule, reason| Waiver { rule, reason, anchor: 0 };
    let waivers = [waive("rights_empty", "there is none"), waive("wx", "a self-test")];
    let regions = [Region { waivers: &waivers, ..TEXT }];
    let spaces = [Space { name: "kernel", regions: &regions, ..Space::BLANK }];
    let (verdict, found) = evidence(&map(&spaces, &[RAM]));
    // The first one is useless, which is a warning, and does not make the map less than waived.
    assert_eq!(verdict, Verdict::Waived);
    assert_eq!(rule(&found, "wx")["verdict"], "waived");
    assert!(rule(&found, "wx")["findings"][0].as_str().is_some_and(|text| text.starts_with("wx: `kernel.text`")));
    assert_eq!(rule(&found, "waiver-unused")["verdict"], "warned");
    let row = |index: usize| {
        let waiver = &found["waivers"][index];
        (waiver["region"].as_str(), waiver["rule"].as_str(), waiver["reason"].as_str(), waiver["used"].as_bool())
    };
    assert_eq!(row(0), (Some("kernel.text"), Some("rights-empty"), Some("there is none"), Some(false)));
    assert_eq!(row(1), (Some("kernel.text"), Some("wx"), Some("a self-test"), Some(true)));
    assert_eq!(space_count(&found), 3);
}

/// The tables of the one space.
fn space_count(found: &Value) -> u64 {
    found["spaces"][0]["tables"]["count"].as_u64().expect("a number")
}

#[test]
fn findings_beyond_the_first_size_are_all_there() {
    let regions: Vec<_> = (0..100u64)
        .map(|index| Region {
            name: format!("r{index}").leak(),
            virt: Virt::At(0x20_0000 + (index << 13)),
            phys: Phys::In { resource: "ram", offset: index << 12 },
            ..TEXT
        })
        .collect();
    let spaces = [Space { name: "kernel", regions: &regions, ..Space::BLANK }];
    let (_, found) = evidence(&map(&spaces, &[RAM]));
    assert_eq!(rule(&found, "wx")["findings"].as_array().map(Vec::len), Some(100));
}
