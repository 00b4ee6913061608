//! Isolation by sets of page numbers, page by page, beside what the documents say.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use tablature::aarch64::{El1, G4K};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::map::{Channel, Cpu, Isolation, Kind, Map, Phys, Policy, Region, Resource, Role, Space, Virt};
use tablature::regime::Regime;

use crate::document;

const PAGE: u64 = 0x1000;
const RAM: u64 = 0x4000_0000;

/// A region of a random map: pages of RAM from one on, how many, and whether the user has them.
type Piece = (u64, u64, bool);

/// What a random map is made of.
#[derive(Clone, Debug)]
struct Plan {
    /// The pieces of each space; the last space is a kernel.
    spaces: Vec<Vec<Piece>>,
    /// The pages of the channels.
    channels: Vec<(u64, u64)>,
    /// The excepted ones.
    except: Vec<usize>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let piece = (0u64..40, 1u64..6, prop::bool::weighted(0.8));
    let spaces = prop::collection::vec(prop::collection::vec(piece, 0..4), 2..5);
    let channels = prop::collection::vec((0u64..40, 1u64..8), 0..3);
    (spaces, channels, prop::collection::vec(0usize..3, 0..3)).prop_map(|(spaces, channels, except)| {
        let except = except.into_iter().filter(|index| *index < channels.len()).collect();
        Plan { spaces, channels, except }
    })
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn region((index, (page, count, user)): (usize, &Piece)) -> Region<'static> {
    Region {
        name: ["one", "two", "three", "four"][index],
        kind: Kind::Map,
        virt: Virt::At(0x100_0000 * (index as u64 + 1)),
        phys: Phys::In { resource: "ram", offset: page * PAGE },
        size: Some(count * PAGE),
        access: if *user { Access::user(Rights::RW) } else { Access::kernel(Rights::RW) },
        user: *user,
        ..Region::BLANK
    }
}

/// The theorems of the map that is made of a plan.
fn theorems(plan: &Plan) -> Vec<Value> {
    let ram = Resource { name: "ram", base: RAM, size: 1 << 20, memory: MemoryType::NormalWb, ..Resource::BLANK };
    let regions: Vec<Vec<_>> = plan.spaces.iter().map(|list| list.iter().enumerate().map(region).collect()).collect();
    let role = |index| if index + 1 == plan.spaces.len() { Role::Kernel } else { Role::Partition };
    let space = |(index, regions)| Space { name: NAMES[index], role: role(index), regions, ..Space::BLANK };
    let spaces: Vec<_> = regions.iter().map(Vec::as_slice).enumerate().map(space).collect();
    let channels = plan.channels.iter().enumerate().map(|(index, (page, count))| Channel {
        name: ["x", "y", "z"][index],
        phys: Phys::In { resource: "ram", offset: page * PAGE },
        size: count * PAGE,
        from: "a",
        to: &["b"],
        ..Channel::BLANK
    });
    let channels: Vec<_> = channels.collect();
    let except: Vec<_> = plan.except.iter().map(|index| channels[*index].name).collect();
    let isolation = [Isolation { spaces: &NAMES[..spaces.len()], except: &except, anchor: 0 }];
    let map = Map {
        name: "random",
        anchor: 0,
        format: <El1<G4K, 39>>::FORMAT,
        cpu: Cpu::BLANK,
        policy: Policy::BLANK,
        resources: &[ram],
        spaces: &spaces,
        channels: &channels,
        isolation: &isolation,
        devices: &[],
        transitions: &[],
    };
    let found = document(&map).value;
    let rule = found["rules"].as_array().expect("rules").iter().find(|rule| rule["id"] == "isolation-violated");
    let theorems = found["isolation"].as_array().expect("theorems").clone();
    let is_violated = theorems.iter().any(|theorem| theorem["verdict"] == "violated");
    assert_eq!(rule.expect("the rule")["verdict"] == "violated", is_violated, "the rule and the theorems: {plan:?}");
    theorems
}

/// The pages that a space reaches: a kernel all it maps, a partition what its user has.
fn pages(plan: &Plan, space: usize) -> BTreeSet<u64> {
    let is_kernel = space + 1 == plan.spaces.len();
    let reached = plan.spaces[space].iter().filter(|(.., user)| is_kernel || *user);
    reached.flat_map(|(page, count, _)| *page..page + count).collect()
}

fn number(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("a number");
    u64::from_str_radix(digits, 16).expect("a number")
}

fn compare(plan: &Plan) {
    let excepted = |page: u64| {
        plan.except.iter().any(|index| {
            let (first, count) = plan.channels[*index];
            (first..first + count).contains(&page)
        })
    };
    let mut pairs = 0;
    for theorem in theorems(plan) {
        pairs += 1;
        let index = |name: &str| NAMES.iter().position(|known| theorem[name] == *known).expect("a space");
        let (a, b) = (pages(plan, index("a")), pages(plan, index("b")));
        assert_eq!(theorem["frames_a"], a.len(), "{theorem}: {plan:?}");
        assert_eq!(theorem["frames_b"], b.len(), "{theorem}: {plan:?}");
        let expected: BTreeMap<u64, bool> = a.intersection(&b).map(|page| (*page, excepted(*page))).collect();
        let mut found = BTreeMap::new();
        for common in theorem["common"].as_array().expect("a list") {
            let first = (number(&common["start"]) - RAM) / PAGE;
            for page in first..first + number(&common["size"]) / PAGE {
                let named = common["channel"].as_str();
                assert_eq!(found.insert(page, named.is_some()), None, "a page is listed twice: {theorem}");
                let through =
                    named.map(|name| plan.channels[["x", "y", "z"].iter().position(|c| *c == name).expect("one")]);
                assert!(through.is_none_or(|(first, count)| (first..first + count).contains(&page)), "{theorem}");
            }
        }
        assert_eq!(found, expected, "{theorem}: {plan:?}");
        let is_proven = expected.values().all(|excepted| *excepted);
        assert_eq!(theorem["verdict"] == "proven", is_proven, "{theorem}: {plan:?}");
    }
    let spaces = plan.spaces.len();
    assert_eq!(pairs, spaces * (spaces - 1) / 2, "every pair has its theorem");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn theorems_are_those_of_page_sets(plan in plans()) {
        compare(&plan);
    }
}

#[test]
fn what_two_partitions_share_beside_their_channel_is_named() {
    let plan = Plan {
        spaces: vec![vec![(0, 8, true)], vec![(4, 8, true), (20, 1, true)], vec![]],
        channels: vec![(4, 2)],
        except: vec![0],
    };
    compare(&plan);
    let theorem = &theorems(&plan)[0];
    assert_eq!(theorem["verdict"], "violated");
    assert_eq!(theorem["common"][0]["channel"], "x");
    assert_eq!(theorem["common"][1].get("channel"), None);
    assert_eq!(theorem["common"][1]["start"], "0x40006000");
}
