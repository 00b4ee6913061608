//! Transitions, classified by hand: which registers differ, what is invalidated, whether live entries are broken first.

use serde_json::Value;
use tablature::aarch64::{El1, El2, G4K};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::Format;
use tablature::map::{Cpu, Map, Phys, Policy, Region, Resource, Space, Transition, Virt};
use tablature::regime::Regime;
use tablature::{riscv, x86_64};

use crate::document;

const RAM: Resource<'static> =
    Resource { name: "ram", base: 0x4000_0000, size: 1 << 30, memory: MemoryType::NormalWb, ..Resource::BLANK };

const fn region(name: &'static str, virt: u64, offset: u64, size: u64, rights: Rights) -> Region<'static> {
    let phys = Phys::In { resource: "ram", offset };
    let access = Access::kernel(rights);
    Region { name, virt: Virt::At(virt), phys, size: Some(size), access, ..Region::BLANK }
}

const TEXT: Region<'static> = region("text", 0x20_0000, 0, 0x20_0000, Rights::RX);
const DATA: Region<'static> = region("data", 0x60_0000, 0x40_0000, 0x20_0000, Rights::RW);

/// What is said of a transition between two spaces: registers, flush, break-before-make.
fn class(
    format: Format,
    features: Features,
    (old, new): (&[Region<'_>], &[Region<'_>]),
    identifiers: [Option<u32>; 2],
    in_place: bool,
) -> (Vec<String>, String, bool) {
    let space = |name, regions, asid| Space { name, regions, asid, ..Space::BLANK };
    let spaces = [space("old", old, identifiers[0]), space("new", new, identifiers[1])];
    let transition = Transition { name: "t", from: Some("old"), to: "new", in_place, bbm: true, ..Transition::BLANK };
    let map = Map {
        name: "pair",
        anchor: 0,
        format,
        cpu: Cpu { features: Some(features), ..Cpu::BLANK },
        policy: Policy::BLANK,
        resources: &[RAM],
        spaces: &spaces,
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[transition],
    };
    let found = document(&map).value;
    let broken: Vec<_> =
        found["rules"].as_array().expect("rules").iter().filter(|rule| rule["verdict"] == "violated").collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let found = &found["transitions"][0];
    let registers = found["registers"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (registers.map(text).collect(), text(&found["flush"]), found["break_before_make"] == true)
}

fn edit(old: &[Region<'_>], new: &[Region<'_>], features: Features) -> (String, bool) {
    let (registers, flush, is_broken) = class(<El1<G4K, 39>>::FORMAT, features, (old, new), [Some(1), Some(2)], true);
    assert!(registers.is_empty(), "the root stays: {registers:?}");
    (flush, is_broken)
}

const NONE: Features = Features::NONE;

#[test]
fn a_switch_between_identifiers_flushes_nothing() {
    let pair = (&[TEXT][..], &[TEXT, DATA][..]);
    let of = |format, features, identifiers| class(format, features, pair, identifiers, false);
    let both = [Some(1), Some(2)];
    let roots = vec!["TTBR0_EL1".to_owned()];
    assert_eq!(of(<El1<G4K, 39>>::FORMAT, NONE, both), (roots.clone(), "none".to_owned(), false));
    let satp = vec!["satp".to_owned()];
    assert_eq!(of(riscv::Sv39::FORMAT, NONE, both), (satp.clone(), "none".to_owned(), false));
    let (nx, pcid) = (Features::NX, Features::NX.union(Features::PCID));
    let cr3 = vec!["CR3".to_owned()];
    assert_eq!(of(x86_64::Level4::FORMAT, pcid, both), (cr3.clone(), "none".to_owned(), false));
    // Under one identifier, or without any, what the old map left must go.
    assert_eq!(of(riscv::Sv39::FORMAT, NONE, [None; 2]), (satp, "address-space".to_owned(), false));
    assert_eq!(of(x86_64::Level4::FORMAT, nx, [None; 2]), (cr3, "address-space".to_owned(), false));
    // A regime without identifiers has no narrower flush.
    assert_eq!(of(<El2<G4K, 39>>::FORMAT, NONE, [None; 2]), (vec!["TTBR0_EL2".to_owned()], "all".to_owned(), false));
    // Without an identifier, leaves of this architecture are global.
    assert_eq!(of(<El1<G4K, 39>>::FORMAT, NONE, [None, Some(1)]), (roots, "all".to_owned(), false));
}

#[test]
fn global_leaves_survive_unless_they_are_the_same() {
    let global = Region { global: true, ..TEXT };
    let of = |old: &[Region<'_>], new: &[Region<'_>]| {
        class(riscv::Sv39::FORMAT, NONE, (old, new), [Some(1), Some(2)], false).1
    };
    assert_eq!(of(&[global], &[global, DATA]), "none");
    assert_eq!(of(&[global, DATA], &[global]), "none");
}

#[test]
fn control_registers_that_differ_flush_all() {
    // The space of one half has the other turned off.
    let upper = region("upper", 0xffff_ff80_0020_0000, 0, 0x20_0000, Rights::RX);
    let format = <El1<G4K, 39>>::FORMAT;
    let (registers, flush, _) =
        class(format, NONE, (&[TEXT], &[TEXT, Region { alias_of: Some("text"), ..upper }]), [Some(1), Some(2)], false);
    assert_eq!((registers, flush.as_str()), (vec!["TCR_EL1".into(), "TTBR0_EL1".into(), "TTBR1_EL1".into()], "all"));
}

#[test]
fn a_live_edit_owes_what_it_takes_away() {
    assert_eq!(edit(&[TEXT], &[TEXT, DATA], NONE), ("none".into(), false));
    assert_eq!(edit(&[TEXT, DATA], &[TEXT], NONE), ("address-space".into(), false));
    // Without an identifier, leaves of this architecture are global.
    let pair = (&[TEXT, DATA][..], &[TEXT][..]);
    assert_eq!(class(<El1<G4K, 39>>::FORMAT, NONE, pair, [None; 2], true).1, "all");
    // Some of its pages go, and the others stay as they are.
    let [four, two] = [0x4000, 0x2000].map(|size| Region { size: Some(size), ..DATA });
    assert_eq!(edit(&[TEXT, four], &[TEXT, two], NONE), ("address-space".into(), false));
    assert_eq!(edit(&[TEXT, two], &[TEXT, four], NONE), ("none".into(), false));
    // Rights alone change in place.
    let read_only = Region { access: Access::kernel(Rights::R), ..DATA };
    assert_eq!(edit(&[TEXT, DATA], &[TEXT, read_only], NONE), ("address-space".into(), false));
    // Another output, another size, another type: break-before-make.
    let moved = Region { phys: Phys::In { resource: "ram", offset: 0x60_0000 }, ..DATA };
    assert_eq!(edit(&[TEXT, DATA], &[TEXT, moved], NONE), ("address-space".into(), true));
    let pages = Region { page: Some(0x1000), ..DATA };
    assert_eq!(edit(&[TEXT, DATA], &[TEXT, pages], NONE), ("address-space".into(), true));
    assert_eq!(edit(&[TEXT, DATA], &[TEXT, pages], Features::BBML2), ("address-space".into(), false));
    // Part of a block is taken away: what stays changes its size.
    let half = Region { size: Some(0x10_0000), ..DATA };
    assert_eq!(edit(&[TEXT, DATA], &[TEXT, half], NONE), ("address-space".into(), true));
}

#[test]
fn an_edit_on_another_architecture_breaks_nothing_first() {
    let moved = Region { phys: Phys::In { resource: "ram", offset: 0x60_0000 }, ..DATA };
    let pair = (&[TEXT, DATA][..], &[TEXT, moved][..]);
    let (registers, flush, is_broken) = class(riscv::Sv39::FORMAT, NONE, pair, [Some(1), Some(2)], true);
    assert_eq!((registers.len(), flush.as_str(), is_broken), (0, "address-space", false));
}
