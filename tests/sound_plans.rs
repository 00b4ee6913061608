//! Sound maps with holes, windows and changes of type: the tables say of every border what the declaration says.

use proptest::collection::vec;
use proptest::prelude::*;
use tablature::aarch64::{El1, G4K, G16K, G64K, Stage2};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::Format;
use tablature::layout::{Layout, format_of};
use tablature::map::{Cpu, Kind, LeafPolicy, Map, Phys, Policy, Region, Resource, Space, Virt};
use tablature::plan::{Base, Shape, Slot, Steps, fill};
use tablature::regime::Regime;
use tablature::rule::check;
use tablature::walk::{Fault, walk};
use tablature::{armv7, loongarch64, riscv, x86, x86_64};

const REGIONS: usize = 24;
const TABLES_AT: u64 = 0x10_0000;
const NAMES: [&str; REGIONS] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w",
    "x",
];

/// A format, the features and physical bits it needs, and physical addresses at which encodings change.
type Target = (Format, Features, u32, &'static [u64]);

fn targets() -> [Target; 16] {
    let nx = Features::NX.union(Features::PDPE1GB);
    [
        (<El1<G4K, 39> as Regime>::FORMAT, Features::NONE, 48, &[1 << 30, 1 << 40]),
        (<El1<G4K, 52> as Regime>::FORMAT, Features::LPA2, 52, &[1 << 48, 1 << 50, 3 << 50]),
        (<El1<G16K, 47> as Regime>::FORMAT, Features::NONE, 48, &[1 << 36]),
        (<El1<G64K, 48> as Regime>::FORMAT, Features::LPA, 52, &[1 << 48, 9 << 48]),
        (<Stage2<G4K, 40> as Regime>::FORMAT, Features::NONE, 48, &[1 << 39]),
        (riscv::Sv39::FORMAT, Features::SVPBMT.union(Features::SVNAPOT), 56, &[1 << 55]),
        (riscv::Sv32::FORMAT, Features::NONE, 34, &[1 << 32, 3 << 32]),
        (riscv::Sv39x4::FORMAT, Features::SVPBMT.union(Features::SVNAPOT), 56, &[1 << 40]),
        (x86_64::Ept4::FORMAT, Features::EPT_2M, 52, &[1 << 46]),
        (<armv7::LpaeStage2 as Regime>::FORMAT, Features::NONE, 40, &[1 << 38]),
        (armv7::Short::FORMAT, Features::NONE, 32, &[1 << 31]),
        (armv7::Lpae::FORMAT, Features::NONE, 40, &[1 << 32]),
        (x86::Legacy32::FORMAT, Features::PSE, 32, &[1 << 31]),
        (x86::Pae::FORMAT, nx, 52, &[1 << 40]),
        (loongarch64::La64::FORMAT, Features::NONE, 48, &[1 << 46]),
        (x86_64::Level4::FORMAT, nx, 52, &[1 << 51]),
    ]
}

/// A region: gap before it and its length in pages, what it is, its physical offset in pages, and holes in it.
type Plan = (u64, u64, u8, u64, Vec<(u64, u64)>);

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let pages = prop_oneof![1..4u64, 1..1100u64, Just(512), Just(1024), Just(4096)];
    let hole = prop_oneof![(0..2u64, 1..3u64), (0..600u64, 1..600u64)];
    vec((0..700u64, pages, any::<u8>(), 0..1024u64, vec(hole, 0..4)), 1..5)
}

/// The unit of a region: the run it asks for, or a page.
fn run_of(target: &Target, kind: u8) -> u64 {
    let run = target.0.runs[0].size;
    if kind & 16 == 16 && run != 0 { run } else { target.0.page_size() }
}

/// The regions of a space from `start` on, guards in front of what they are cut from where `guards_first`.
fn regions(target: &Target, start: u64, plans: &[Plan], guards_first: bool) -> Vec<Region<'static>> {
    let page = target.0.page_size();
    let (mut list, mut virt) = (Vec::new(), start);
    let border = target.3[plans.len() % target.3.len()];
    let mut phys = border - 64 * page;
    for (gap, pages, kind, offset, holes) in plans {
        let run = run_of(target, *kind);
        let pages = pages.next_multiple_of(run / page);
        virt = (virt + gap * page).next_multiple_of(run);
        phys += if kind & 1 == 0 { offset * page } else { (virt.wrapping_sub(phys)) % (1 << 21) / page * page };
        phys = phys.next_multiple_of(run);
        let name = NAMES[list.len()];
        let window = kind & 6 == 6;
        let region = Region {
            name,
            kind: if window { Kind::Window } else { Kind::Map },
            virt: Virt::At(virt),
            phys: if window { Phys::None } else { Phys::At(phys) },
            size: Some(pages * page),
            access: Access::kernel(if target.0.withholds_execution() { Rights::RW } else { Rights::RX }),
            user: target.0.user_required,
            contiguous: if run > page { Some(run) } else { None },
            page_max: if kind & 8 == 8 { Some(page) } else { None },
            ..Region::BLANK
        };
        let at = list.len();
        list.push(region);
        for (from, length) in holes {
            let from = from % pages / (run / page) * (run / page);
            let length = &length.next_multiple_of(run / page);
            let guard = Region {
                name: NAMES[list.len()],
                kind: Kind::Guard,
                virt: Virt::At(virt + from * page),
                size: Some((*length).min(pages - from) * page),
                inside: Some(name),
                ..Region::BLANK
            };
            list.push(guard);
        }
        if guards_first {
            list[at..].reverse();
        }
        virt = virt.wrapping_add(pages * page);
        phys += pages * page;
    }
    list
}

fn resources(target: &Target) -> Vec<Resource<'static>> {
    let size = target.0.page_size() << 16;
    let at = |i: usize| target.3[i % target.3.len()];
    (0..target.3.len())
        .flat_map(|i| {
            let (base, half) = (at(i) - size / 2, size / 2);
            let whole = Resource { name: NAMES[2 * i], base, size, ..Resource::BLANK };
            // A part with another type, in the middle: from the border on.
            let part = Resource {
                name: NAMES[2 * i + 1],
                base: base + half,
                size: 64 * target.0.page_size(),
                memory: MemoryType::NormalNc,
                within: Some(NAMES[2 * i]),
                ..Resource::BLANK
            };
            let typed = !target.0.inherent_memory || target.1.contains(target.0.memory_override);
            if typed { vec![whole, part] } else { vec![whole] }
        })
        .collect()
}

/// What is declared of a page: the physical address and the type behind it.
fn declared(regions: &[Region<'_>], resources: &[Resource<'_>], virt: u64) -> Option<(u64, MemoryType)> {
    let inside = |r: &&Region<'_>| match (r.virt, r.size) {
        (Virt::At(start), Some(size)) => virt.wrapping_sub(start) < size,
        _ => false,
    };
    if regions.iter().filter(inside).any(|r| r.kind == Kind::Guard) {
        return None;
    }
    let region = regions.iter().find(inside)?;
    let (Virt::At(start), Phys::At(phys)) = (region.virt, region.phys) else { return None };
    let address = phys + (virt - start);
    let holds = |r: &&Resource<'_>| address.wrapping_sub(r.base) < r.size;
    let memory = resources.iter().filter(holds).min_by_key(|r| r.size).expect("memory").memory;
    Some((address, memory))
}

fn borders(regions: &[Region<'_>], page: u64) -> Vec<u64> {
    let mut all = Vec::new();
    for region in regions {
        let (Virt::At(start), Some(size)) = (region.virt, region.size) else { continue };
        for step in [0, 63 * page, 64 * page, 512 * page, size / 2 / page * page, size] {
            all.extend([start.wrapping_add(step), start.wrapping_add(step).wrapping_sub(page)]);
        }
    }
    all
}

fn walks_to_what_is_declared(target: &Target, start: u64, plans: &[Plan], guards_first: bool, pages_only: bool) {
    let (format, features, pa_bits, _) = *target;
    let (regions, resources) = (regions(target, start, plans, guards_first), resources(target));
    let spaces = [Space { name: "space", regions: &regions, ..Space::BLANK }];
    let leaves = if pages_only { LeafPolicy::PagesOnly } else { LeafPolicy::Largest };
    let map = Map {
        name: "test",
        anchor: 0,
        format,
        cpu: Cpu { pa_bits: Some(pa_bits), features: Some(features), ..Cpu::BLANK },
        policy: Policy { leaves, ..Policy::BLANK },
        resources: &resources,
        spaces: &spaces,
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    };
    let layout = Layout::<REGIONS>::of(&map);
    let (errors, _) = check::<REGIONS, 4>(&map, &layout);
    assert!(errors.is_empty(), "{}: {}", format.name, errors.list[0]);
    let format = format_of(&map, &spaces[0]);
    let shape = Shape::of(&map, &layout, 0, &format);
    let mut steps = Vec::new();
    let mut cutter = Steps::new(&map, &layout, 0, &format);
    while let Some(step) = cutter.step() {
        steps.push(step);
    }
    let mut slots = vec![Slot::ABSENT; shape.tables() * (format.table_size() as usize / 8)];
    fill(&format, &shape, &steps, Base::At(TABLES_AT), 0, &mut slots);
    let root = |upper| TABLES_AT + shape.root(upper) as u64 * format.table_size();
    let read = |address: u64| {
        let at = address - TABLES_AT;
        let word = slots.get(at as usize / 8)?.get() >> (at % 8 * 8);
        Some(if format.entry_bytes == 4 { word & 0xffff_ffff } else { word })
    };
    let page = format.page_size();
    for virt in borders(&regions, page) {
        let roots = (shape.lower.then(|| root(false)), shape.upper.then(|| root(true)));
        let seen = walk(&format, roots.0, roots.1, virt, read);
        match (declared(&regions, &resources, virt), seen) {
            (Some((address, memory)), Ok(to)) => {
                assert_eq!(to.address, address, "{}: {virt:#x}", format.name);
                let first = virt & !(to.leaf.run.max(page) - 1);
                for offset in (0..to.leaf.run).step_by(page as usize) {
                    let all = Some(((address - (virt - first)) + offset, memory));
                    assert_eq!(declared(&regions, &resources, first + offset), all, "{}: {virt:#x}", format.name);
                }
                // What the bus has needs no entry that says so, and what it has not does.
                let asked = if format.inherent_memory && memory == MemoryType::NormalWb {
                    MemoryType::Inherent
                } else {
                    memory
                };
                assert!(to.leaf.memory == asked, "{}: {virt:#x} {:?}", format.name, to.leaf);
            }
            (None, Err(Fault::Absent { .. } | Fault::NoRoot | Fault::NotCanonical)) => {}
            (expected, seen) => panic!("{}: {virt:#x} should go to {expected:x?}: {seen:x?}", format.name),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_border_is_where_it_is_declared(
        target in 0..15usize, place in 0..3u8, plans in plans(), guards_first: bool, pages_only: bool,
    ) {
        let target = &targets()[target];
        let page = target.0.page_size();
        // A region that asks for runs is moved up to one, and made longer.
        let length = |(gap, pages, kind, ..): &Plan| (gap + pages) * page + 2 * (run_of(target, *kind) - page);
        let length: u64 = plans.iter().map(length).sum();
        let half = 1u64 << target.0.range_bits;
        let start = match (place, target.0.upper_start()) {
            (0, _) => page,
            // The last page of the lower half, and of the address space.
            (1, _) | (_, None) => half - length,
            (_, Some(_)) => 0u64.wrapping_sub(length),
        };
        walks_to_what_is_declared(target, start, &plans, guards_first, pages_only);
    }
}
