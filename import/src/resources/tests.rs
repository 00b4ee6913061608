//! Resources are where the runs are, and free ranges where they are not.

use super::*;

fn run(phys: u64, size: u64, memory: &str) -> Run {
    Run { virt: phys, phys, size, rights: "rw".into(), memory: memory.into() }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n}")).collect()
}

#[test]
fn touching_runs_of_one_type_share_a_resource() {
    let runs = [run(0x2000, 0x1000, "normal-wb"), run(0x1000, 0x1000, "normal-wb"), run(0x3000, 0x1000, "uc")];
    let (resources, places) = derive(&runs, &names(3), false).expect("resources");
    let all: Vec<_> = resources.iter().map(|r| (r.name.as_str(), r.base.0, r.size.0, r.memory.as_str())).collect();
    assert_eq!(all, [("n1", 0x1000, 0x2000, "normal_wb"), ("n2", 0x3000, 0x1000, "device_nGnRnE")]);
    assert_eq!(places[0], Place { resource: "n1".into(), offset: 0x1000, memory: None });
    assert_eq!(places[2], Place { resource: "n2".into(), offset: 0, memory: None });
}

#[test]
fn a_device_inside_a_window_lies_within_its_resource() {
    let runs = [run(0, 0x10_0000, "normal-wb"), run(0x4000, 0x1000, "device-nGnRE")];
    let (resources, places) = derive(&runs, &names(2), false).expect("resources");
    assert_eq!(resources[1].within.as_deref(), Some("n0"));
    assert_eq!((resources[1].base, resources[1].size), (Num(0x4000), Num(0x1000)));
    assert_eq!(places[0].memory.as_deref(), Some("normal_wb"));
    assert_eq!(places[1], Place { resource: "n0".into(), offset: 0x4000, memory: None });
    let (_, places) = derive(&runs, &names(2), true).expect("resources");
    assert_eq!(places[0].memory, None);
}

#[test]
fn a_free_range_touches_nothing() {
    let runs = [run(0x8_0000, 0x8_0000, "normal-wb"), run(0x2_0000, 0x4_0000, "uc")];
    assert_eq!(free(&runs, &[], 0x2_0000, 0x1000, 0x10_0000), Some(0x6_0000));
    assert_eq!(free(&runs, &[(0x7_0000, 0x1000)], 0x1_0000, 0x1000, 0x10_0000), Some(0x6_0000));
    assert_eq!(free(&runs, &[], 0x2_0000, 0x1000, 0x20_0000), Some(0x1e_0000));
    assert_eq!(free(&runs, &[], 0x10_0000, 0x1000, 0x10_0000), None);
}
