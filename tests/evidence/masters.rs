//! Isolation of DMA masters by sets of page numbers, page by page, beside what the documents and the rules say.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use tablature::aarch64::{El1, G4K};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::map::{
    Channel, Cpu, Device, DmaWindow, Isolation, Kind, Map, Phys, Policy, Region, Resource, Role, Space, Virt,
};
use tablature::regime::Regime;

use crate::document;

const PAGE: u64 = 0x1000;
const RAM: u64 = 0x4000_0000;
const SPACES: [&str; 3] = ["plc", "hmi", "log"];
const DEVICES: [&str; 4] = ["nic", "disk", "usb", "gpu"];
const WINDOWS: [&str; 3] = ["one", "two", "three"];

/// First page of RAM, and how many.
type Piece = (u64, u64);

/// The owner, whether an IOMMU is in the way, and windows: first byte of RAM and bytes.
type Master = (usize, bool, Vec<(u64, u64)>);

/// What a random map is made of.
#[derive(Clone, Debug)]
struct Plan {
    spaces: Vec<Vec<Piece>>,
    devices: Vec<Master>,
    /// The one channel, which is excepted.
    channel: Piece,
}

fn plans() -> impl Strategy<Value = Plan> {
    let piece = || (0u64..60, 1u64..5);
    let spaces = prop::collection::vec(prop::collection::vec(piece(), 0..3), 3);
    // Windows that start and end inside of pages reach whole ones.
    let window = (0u64..60 * PAGE, 1u64..3 * PAGE);
    let device = (0usize..3, prop::bool::weighted(0.9), prop::collection::vec(window, 0..3));
    (spaces, prop::collection::vec(device, 0..4), piece()).prop_map(|(spaces, devices, channel)| Plan {
        spaces,
        devices,
        channel,
    })
}

fn region((index, (page, count)): (usize, &Piece)) -> Region<'static> {
    Region {
        name: WINDOWS[index],
        kind: Kind::Map,
        virt: Virt::At(0x100_0000 * (index as u64 + 1)),
        phys: Phys::In { resource: "ram", offset: page * PAGE },
        size: Some(count * PAGE),
        access: Access::user(Rights::RW),
        user: true,
        ..Region::BLANK
    }
}

fn window((index, (offset, size)): (usize, &(u64, u64))) -> DmaWindow<'static> {
    let phys = Phys::In { resource: "ram", offset: *offset };
    DmaWindow {
        name: WINDOWS[index],
        iova: 0x10_0000 * (index as u64 + 1),
        phys,
        size: *size,
        rights: Rights::RW,
        ..DmaWindow::BLANK
    }
}

/// The document of the map that is made of a plan.
fn written(plan: &Plan) -> Value {
    written_with(plan, &[])
}

/// The same with parts of RAM.
fn written_with(plan: &Plan, parts: &[Resource<'_>]) -> Value {
    let ram = Resource { name: "ram", base: RAM, size: 1 << 20, memory: MemoryType::NormalWb, ..Resource::BLANK };
    let regions: Vec<Vec<_>> = plan.spaces.iter().map(|list| list.iter().enumerate().map(region).collect()).collect();
    let space = |(index, regions)| Space { name: SPACES[index], role: Role::Partition, regions, ..Space::BLANK };
    let spaces: Vec<_> = regions.iter().map(Vec::as_slice).enumerate().map(space).collect();
    let windows: Vec<Vec<_>> =
        plan.devices.iter().map(|(.., list)| list.iter().enumerate().map(window).collect()).collect();
    let device = |(index, (owner, iommu, _)): (usize, &Master)| Device {
        name: DEVICES[index],
        owner: SPACES[*owner],
        iommu: *iommu,
        windows: &windows[index],
        ..Device::BLANK
    };
    let devices: Vec<_> = plan.devices.iter().enumerate().map(device).collect();
    let channel = Channel {
        name: "x",
        phys: Phys::In { resource: "ram", offset: plan.channel.0 * PAGE },
        size: plan.channel.1 * PAGE,
        from: "plc",
        to: &["hmi"],
        ..Channel::BLANK
    };
    document(&Map {
        name: "random",
        anchor: 0,
        format: <El1<G4K, 39>>::FORMAT,
        cpu: Cpu { pa_bits: Some(36), ..Cpu::BLANK },
        policy: Policy::BLANK,
        resources: &[&[ram], parts].concat(),
        spaces: &spaces,
        channels: &[channel],
        isolation: &[Isolation { spaces: &SPACES, except: &["x"], anchor: 0 }],
        devices: &devices,
        transitions: &[],
    })
    .value
}

/// The page numbers that a space reaches.
fn space_pages(plan: &Plan, space: usize) -> BTreeSet<u64> {
    let first = RAM / PAGE;
    plan.spaces[space].iter().flat_map(|(page, count)| first + page..first + page + count).collect()
}

/// Whether a device reaches a page.
fn device_reaches(plan: &Plan, device: usize, page: u64) -> bool {
    let (_, iommu, windows) = &plan.devices[device];
    let meets = |(offset, size): &(u64, u64)| {
        let start = RAM + offset;
        start < (page + 1) * PAGE && page * PAGE < start + size
    };
    !iommu || windows.iter().any(meets)
}

fn number(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("a number");
    u64::from_str_radix(digits, 16).expect("a number")
}

/// The ids of the broken rules; that of the channel, which nobody maps, is of no interest.
fn broken(found: &Value) -> Vec<&str> {
    let rules = found["rules"].as_array().expect("rules").iter().filter(|rule| rule["verdict"] == "violated");
    rules.map(|rule| rule["id"].as_str().expect("an id")).filter(|id| !id.starts_with("channel-")).collect()
}

fn compare(plan: &Plan) {
    let found = written(plan);
    let none = Vec::new();
    let theorems = found["dma_isolation"].as_array().unwrap_or(&none);
    let owners: Vec<usize> = plan.devices.iter().map(|(owner, ..)| *owner).collect();
    let rivals = (0..owners.len()).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|(i, j)| owners[*i] != owners[*j]);
    assert_eq!(theorems.len(), 2 * owners.len() + rivals.count(), "every pair has its theorem: {plan:?}");
    let whole = 0..1u64 << (36 - 12);
    let channel = RAM / PAGE + plan.channel.0..RAM / PAGE + plan.channel.0 + plan.channel.1;
    let mut is_violated = false;
    for theorem in theorems {
        let index = |list: &[&str], name: &Value| list.iter().position(|known| name == *known);
        let device = index(&DEVICES, &theorem["device"]).expect("a device");
        assert_eq!(theorem["owner"], SPACES[owners[device]]);
        let space = index(&SPACES, &theorem["space"]);
        let rival = index(&DEVICES, &theorem["other_device"]);
        let reaches = |page| match (space, rival) {
            (Some(space), None) => space_pages(plan, space).contains(&page),
            (None, Some(rival)) => device_reaches(plan, rival, page),
            other => panic!("{other:?}"),
        };
        // Where something reaches all there is, looking at RAM and a little around it is enough.
        let near = RAM / PAGE - 4..RAM / PAGE + 70;
        let expected: BTreeSet<u64> =
            near.clone().filter(|page| device_reaches(plan, device, *page) && reaches(*page)).collect();
        let mut listed = BTreeSet::new();
        let mut is_beside = false;
        for common in theorem["common"].as_array().expect("a list") {
            let pages = number(&common["start"]) / PAGE..(number(&common["start"]) + number(&common["size"])) / PAGE;
            let is_inside = channel.start <= pages.start && pages.end <= channel.end;
            assert!(common.get("channel").is_none() || is_inside, "{theorem}");
            is_beside |= common.get("channel").is_none();
            listed.extend(near.clone().filter(|page| pages.contains(page)));
        }
        assert_eq!(listed, expected, "{theorem}: {plan:?}");
        let outside = expected.iter().any(|page| !channel.contains(page));
        assert_eq!(is_beside, outside, "{theorem}: {plan:?}");
        assert_eq!(theorem["verdict"] == "violated", outside, "{theorem}: {plan:?}");
        let count = |reaches: &dyn Fn(u64) -> bool, all: bool| {
            if all { whole.end } else { near.clone().filter(|page| reaches(*page)).count() as u64 }
        };
        assert_eq!(theorem["frames"], count(&|page| device_reaches(plan, device, page), !plan.devices[device].1));
        assert_eq!(theorem["frames_other"], count(&reaches, rival.is_some_and(|rival| !plan.devices[rival].1)));
        is_violated |= outside;
    }
    assert!(!is_violated || !broken(&found).is_empty(), "a theorem fails that no rule knows of: {plan:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn theorems_of_masters_are_those_of_page_sets(plan in plans()) {
        compare(&plan);
    }
}

#[test]
fn memory_of_two_masters_and_no_cpu_is_seen() {
    let nobody = vec![vec![(0, 1)], vec![(1, 1)], vec![(2, 1)]];
    let plan = |second: u64| Plan {
        spaces: nobody.clone(),
        devices: vec![(0, true, vec![(0x8000, 0x1000)]), (1, true, vec![(second, 0x10)])],
        channel: (50, 1),
    };
    compare(&plan(0x8ff0));
    assert_eq!(broken(&written(&plan(0x8ff0))), ["dma-reaches-foreign"]);
    assert!(broken(&written(&plan(0x9000))).is_empty());
    // What both masters reach of the channel is what their owners share.
    let through = Plan {
        devices: vec![(0, true, vec![(0x8000, 0x1000)]), (1, true, vec![(0x8000, 0x1000)])],
        channel: (8, 1),
        ..plan(0)
    };
    compare(&through);
    assert!(!broken(&written(&through)).contains(&"dma-reaches-foreign"));
}

#[test]
fn memory_with_an_owner_is_in_no_window_of_another() {
    let plan = |owner| Plan {
        spaces: vec![vec![(0, 1)], vec![(1, 1)], vec![(2, 1)]],
        devices: vec![(owner, true, vec![(0x8000, 0x1000)])],
        channel: (50, 1),
    };
    let keys = Resource {
        name: "keys",
        base: RAM + 0x8800,
        size: 0x100,
        within: Some("ram"),
        owner: Some("hmi"),
        ..Resource::BLANK
    };
    assert_eq!(broken(&written_with(&plan(0), &[keys])), ["owner-violated"]);
    assert!(broken(&written_with(&plan(1), &[keys])).is_empty());
}
