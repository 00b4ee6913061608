//! Transitions between random spaces, classified from the words of both tables, page by page, by the bits of the manuals.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use tablature::aarch64::{El1, G4K};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::Format;
use tablature::layout::{Layout, format_of};
use tablature::map::{Cpu, Map, Phys, Policy, Region, Resource, Space, Transition, Virt};
use tablature::plan::{Base, Shape, Slot, Steps, fill};
use tablature::regime::Regime;
use tablature::{riscv, x86_64};

use crate::document;

/// A format, the features it is used with, and its leaves as its manual has them.
struct Machine {
    format: Format,
    features: Features,
    /// Lowest virtual bit that the root translates.
    top: u32,
    /// Bits of a word that are the address, and how far it is shifted left in a word.
    address: (u64, u32),
    /// Whether a valid word above the last level is a leaf.
    is_leaf: fn(u64) -> bool,
    is_global: fn(u64) -> bool,
    /// What, beside the address and the size, may not change in place.
    fixed: u64,
    breaks_first: bool,
    root: &'static str,
    /// The register that says whether there are identifiers.
    tags: Option<&'static str>,
}

fn machines() -> [Machine; 3] {
    [
        // DDI 0487 D8: AttrIndx 4:2, SH 9:8, nG 11, Contiguous 52; a block has bit 1 clear.
        Machine {
            format: <El1<G4K, 39>>::FORMAT,
            features: Features::NONE,
            top: 30,
            address: (0xffff_ffff_f000, 0),
            is_leaf: |word| word & 2 == 0,
            is_global: |word| word & 1 << 11 == 0,
            fixed: 7 << 2 | 3 << 8 | 1 << 11 | 1 << 52,
            breaks_first: true,
            root: "TTBR0_EL1",
            tags: None,
        },
        // RISC-V privileged: a word with R, W or X is a leaf; G is bit 5.
        Machine {
            format: riscv::Sv39::FORMAT,
            features: Features::SVPBMT,
            top: 30,
            address: (((1 << 44) - 1) << 10, 2),
            is_leaf: |word| word & 0xe != 0,
            is_global: |word| word & 1 << 5 != 0,
            fixed: 0,
            breaks_first: false,
            root: "satp",
            tags: None,
        },
        // SDM 3A 4.5: PS is bit 7, G is bit 8.
        Machine {
            format: x86_64::Level4::FORMAT,
            features: Features::NX.union(Features::PCID),
            top: 39,
            address: (0xf_ffff_ffff_f000, 0),
            is_leaf: |word| word & 1 << 7 != 0,
            is_global: |word| word & 1 << 8 != 0,
            fixed: 0,
            breaks_first: false,
            root: "CR3",
            tags: Some("CR4"),
        },
    ]
}

/// A region of one space: which of three pieces of memory, whether it has more than `r`, its pages, and whether it is global.
type Piece = (usize, bool, u64, bool);

const SLOTS: usize = 4;
const RAM: u64 = 0x4000_0000;
const NAMES: [&str; SLOTS] = ["a", "b", "c", "d"];

fn pieces() -> impl Strategy<Value = Vec<Option<Piece>>> {
    let pages = prop_oneof![Just(1u64), Just(16), Just(512), 1u64..40];
    prop::collection::vec(
        prop::option::weighted(0.8, (0..3usize, any::<bool>(), pages, prop::bool::weighted(0.2))),
        SLOTS,
    )
}

fn slot_start(slot: usize) -> u64 {
    0x100_0000 * (slot as u64 + 1)
}

/// The same text in every space, and the pieces, each in memory of its own.
fn regions(pieces: &[Option<Piece>], globals: bool) -> Vec<Region<'static>> {
    let text = Region {
        name: "text",
        virt: Virt::At(0x20_0000),
        phys: Phys::In { resource: "ram", offset: 0 },
        size: Some(0x20_0000),
        access: Access::kernel(Rights::RX),
        ..Region::BLANK
    };
    let piece = |(slot, piece): (usize, &Option<Piece>)| {
        let (memory, has_more, pages, global) = (*piece)?;
        let (resource, at) = if memory == 2 { ("buffers", 0) } else { ("ram", 1 + memory as u64) };
        let more = if slot % 2 == 0 { Rights::RW } else { Rights::RX };
        Some(Region {
            name: NAMES[slot],
            virt: Virt::At(slot_start(slot)),
            phys: Phys::In { resource, offset: 0x20_0000 * (3 * slot as u64 + at) },
            size: Some(pages << 12),
            access: Access::kernel(if has_more { more } else { Rights::R }),
            global: global && globals,
            ..Region::BLANK
        })
    };
    [text].into_iter().chain(pieces.iter().enumerate().filter_map(piece)).collect()
}

/// The tables of a space, from address 0 on.
fn words(map: &Map<'_>, space: usize) -> Vec<u64> {
    let layout = Layout::<16>::of(map);
    let format = format_of(map, &map.spaces[space]);
    let shape = Shape::of(map, &layout, space, &format);
    let mut steps = Vec::new();
    let mut cutter = Steps::new(map, &layout, space, &format);
    while let Some(step) = cutter.step() {
        steps.push(step);
    }
    let mut slots = vec![Slot::ABSENT; shape.tables() * 512];
    fill(&format, &shape, &steps, Base::At(0), 0, &mut slots);
    slots.iter().map(|slot| slot.get()).collect()
}

/// What a page goes to: the address behind its first byte, the level and the rest of the word.
fn look(machine: &Machine, words: &[u64], virt: u64) -> Option<(u64, u32, u64)> {
    let (mut table, mut shift) = (0, machine.top);
    loop {
        let word = words[(table / 8 + (virt >> shift & 511)) as usize];
        if word & 1 == 0 {
            return None;
        }
        let address = (word & machine.address.0) << machine.address.1;
        if shift == 12 || (machine.is_leaf)(word) {
            return Some((address + (virt & ((1 << shift) - 1) & !0xfff), shift, word & !machine.address.0));
        }
        (table, shift) = (address, shift - 9);
    }
}

/// What changes of a live translation: something of one space, something of all, and something that must be broken first.
fn changes(machine: &Machine, old: &[u64], new: &[u64]) -> (bool, bool, bool) {
    let (mut local, mut global, mut broken) = (false, false, false);
    let starts = (0..SLOTS).map(slot_start).chain([0x20_0000]);
    for virt in starts.flat_map(|start| (start..start + 0x40_0000).step_by(0x1000)) {
        let (Some(before), after) = (look(machine, old, virt), look(machine, new, virt)) else { continue };
        if Some(before) == after {
            continue;
        }
        *(if (machine.is_global)(before.2) { &mut global } else { &mut local }) = true;
        if let Some(after) = after {
            let is_fixed = (before.2 ^ after.2) & machine.fixed != 0;
            broken |= before.0 != after.0 || before.1 != after.1 || is_fixed;
        }
    }
    (local, global, broken && machine.breaks_first)
}

fn compare(machine: &Machine, pieces: [&[Option<Piece>]; 2], identifiers: [Option<u32>; 2], in_place: bool) {
    // Leaves are marked as global on RISC-V and x86; on Arm they are unless the space has an identifier.
    let globals = machine.format.not_global == 0 && in_place;
    let [old, new] = pieces.map(|pieces| regions(pieces, globals));
    let space = |name, regions, asid| Space { name, regions, asid, ..Space::BLANK };
    let transition = Transition { name: "t", from: Some("old"), to: "new", in_place, bbm: true, ..Transition::BLANK };
    let ram = Resource { name: "ram", base: RAM, size: 1 << 28, ..Resource::BLANK };
    let buffers = Resource {
        name: "buffers",
        base: RAM + (1 << 28),
        size: 1 << 28,
        memory: MemoryType::NormalNc,
        ..Resource::BLANK
    };
    let map = Map {
        name: "pair",
        anchor: 0,
        format: machine.format,
        cpu: Cpu { features: Some(machine.features), ..Cpu::BLANK },
        policy: Policy::BLANK,
        resources: &[ram, buffers],
        spaces: &[space("old", &old, identifiers[0]), space("new", &new, identifiers[1])],
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[transition],
    };
    let found = document(&map).value;
    if found["verdict"] == "violated" {
        // A global leaf that the other space has differently, mostly.
        return;
    }
    let found = &found["transitions"][0];
    let (local, global, broken) = changes(machine, &words(&map, 0), &words(&map, 1));
    let others = match identifiers {
        _ if in_place => local,
        [Some(old), Some(new)] => old == new,
        _ => true,
    };
    // The first identifier.
    let tags = machine.tags.filter(|_| identifiers[0].is_none() && identifiers[1].is_some());
    let flush = match (global || tags.is_some(), others) {
        (true, _) => "all",
        (false, true) => "address-space",
        (false, false) => "none",
    };
    let registers: BTreeSet<_> = tags.into_iter().chain((!in_place).then_some(machine.root)).collect();
    let context = format!("{} {pieces:?} {identifiers:?} {in_place}: {found}", machine.format.name);
    assert_eq!(found["flush"], flush, "{context}");
    assert_eq!(found["break_before_make"], in_place && broken, "{context}");
    let found: BTreeSet<_> = found["registers"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(found, registers, "{context}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_class_of_a_transition_follows_from_the_words_of_both_tables(
        machine in 0..3usize, old in pieces(), new in pieces(), kept in any::<bool>(), same in 0..SLOTS,
        identifiers in prop_oneof![Just([Some(1), Some(2)]), Just([None; 2]), Just([Some(1), None]),
            Just([None, Some(1)])], in_place: bool,
    ) {
        let mut new = new;
        if kept {
            // Little changes: all but one piece stay as they are.
            new = old.iter().enumerate().map(|(slot, piece)| if slot == same { new[slot] } else { *piece }).collect();
        }
        compare(&machines()[machine], [&old, &new], identifiers, in_place);
    }
}
