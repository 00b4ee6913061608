//! The planner against table counts measured on other systems, and against a walk of what it wrote.

mod support;

use proptest::prelude::*;
use tablature::attr::{Access, Features, Rights};
use tablature::format::Format;
use tablature::layout::Layout;
use tablature::map::{Cpu, Map, Phys, Policy, Region, Resource, Space, Virt};
use tablature::plan::{Base, Shape, Slot, Steps, fill};
use tablature::regime::Regime;
use tablature::{aarch64, riscv, x86_64};

const REGIONS: usize = 16;

/// A range to map: virtual start, physical start, bytes.
type Range = (u64, u64, u64);

fn with_map<T>(format: Format, features: Features, ranges: &[Range], run: impl FnOnce(&Map<'_>) -> T) -> T {
    let names: Vec<String> = (0..ranges.len()).map(|i| format!("r{i}")).collect();
    let regions: Vec<Region<'_>> = ranges
        .iter()
        .zip(&names)
        .map(|(&(virt, phys, size), name)| Region {
            name,
            virt: Virt::At(virt),
            phys: Phys::At(phys),
            size: Some(size),
            access: Access::kernel(Rights::RW),
            ..Region::BLANK
        })
        .collect();
    let spaces = [Space { name: "kernel", regions: &regions, ..Space::BLANK }];
    let resources = [Resource { name: "all", base: 0, size: 1 << 47, ..Resource::BLANK }];
    run(&Map {
        name: "test",
        anchor: 0,
        format,
        cpu: Cpu { features: Some(features), ..Cpu::BLANK },
        policy: Policy::BLANK,
        resources: &resources,
        spaces: &spaces,
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    })
}

/// Tables beyond the roots, and leaves by level.
fn count(format: Format, ranges: &[Range]) -> (usize, [u64; 6]) {
    with_map(format, Features::NX.union(Features::PDPE1GB), ranges, |map| {
        let layout = Layout::<REGIONS>::of(map);
        let shape = Shape::of(map, &layout, 0, &format);
        let mut leaves = [0; 6];
        let mut steps = Steps::new(map, &layout, 0, &format);
        while let Some(step) = steps.step() {
            leaves[step.level] += step.count;
        }
        let roots = (usize::from(shape.lower) + usize::from(shape.upper)) * shape.root_tables;
        (shape.tables() - roots, leaves)
    })
}

const K: u64 = 1 << 10;
const M: u64 = 1 << 20;
const G: u64 = 1 << 30;

#[test]
fn tables_and_leaves_are_those_measured_elsewhere() {
    let cases: [(Range, usize, [u64; 3]); 16] = [
        ((0, 0, 4 * K), 3, [1, 0, 0]),
        ((0x1000, 0x1000, 511 * 4 * K), 3, [511, 0, 0]),
        ((0, 0, 2 * M), 2, [0, 1, 0]),
        ((0, 0, 2 * M + 4 * K), 3, [1, 1, 0]),
        ((0, 0, G), 1, [0, 0, 1]),
        ((0, 0, G + 2 * M + 4 * K), 3, [1, 1, 1]),
        ((0x10_0000, 0x10_0000, 2 * M), 4, [512, 0, 0]),
        ((0x1000, 0x1000, 10 * G), 5, [512, 511, 9]),
        ((0, 0, 512 * G), 1, [0, 0, 512]),
        ((0, 0, 1024 * G), 2, [0, 0, 1024]),
        ((0x7f_ffff_f000, 0x7f_ffff_f000, 8 * K), 6, [2, 0, 0]),
        ((0x3fff_f000, 0x3fff_f000, 8 * K), 5, [2, 0, 0]),
        ((0x1f_f000, 0x1f_f000, 8 * K), 4, [2, 0, 0]),
        ((0x0f88_888a_a000, 0, 4 * M), 5, [1024, 0, 0]),
        ((0x0f88_8880_0000, 0x40_0000, 2 * M), 2, [0, 1, 0]),
        ((0, 0x1000, 2 * M), 3, [512, 0, 0]),
    ];
    for (range, tables, leaves) in cases {
        for format in [x86_64::Level4::FORMAT, aarch64::El1::<aarch64::G4K, 48>::FORMAT] {
            let (found, by_level) = count(format, &[range]);
            assert_eq!((found, &by_level[..3]), (tables, &leaves[..]), "{range:x?} in {}", format.name);
        }
        // A level more costs one table more.
        assert_eq!(count(x86_64::Level5::FORMAT, &[range]).0, tables + 1, "{range:x?} with five levels");
    }
}

#[test]
fn the_last_page_of_the_address_space_can_be_mapped() {
    assert_eq!(count(x86_64::Level4::FORMAT, &[(0xffff_ffff_ffff_f000, 0x5000, 0x1000)]), (3, [1, 0, 0, 0, 0, 0]));
    assert_eq!(count(riscv::Sv39::FORMAT, &[(0xffff_ffff_c000_0000, 0x4000_0000, G)]), (0, [0, 0, 1, 0, 0, 0]));
}

fn formats() -> Vec<(Format, support::Decode)> {
    use aarch64::{El1, El2, G4K, G16K, G64K, Stage2};
    vec![
        (El1::<G4K, 39>::FORMAT, support::aarch64),
        (El1::<G4K, 48>::FORMAT, support::aarch64),
        (El2::<G4K, 30>::FORMAT, support::aarch64),
        (El1::<G16K, 47>::FORMAT, support::aarch64),
        (El1::<G64K, 42>::FORMAT, support::aarch64),
        (Stage2::<G4K, 40>::FORMAT, support::aarch64),
        (Stage2::<G16K, 40>::FORMAT, support::aarch64),
        (riscv::Sv32::FORMAT, support::riscv),
        (riscv::Sv39::FORMAT, support::riscv),
        (riscv::Sv57::FORMAT, support::riscv),
        (riscv::Sv39x4::FORMAT, support::riscv),
        (x86_64::Level4::FORMAT, support::x86_64),
        (x86_64::Level5::FORMAT, support::x86_64),
    ]
}

/// Where the tables of the tests lie.
const TABLES_AT: u64 = 0x1_0000_0000;

/// Fills the tables of `ranges` and returns their words.
fn build(format: &Format, ranges: &[Range]) -> (Shape, Vec<Slot>) {
    with_map(*format, format.default_features, ranges, |map| {
        let layout = Layout::<REGIONS>::of(map);
        let mut list = Vec::new();
        let mut steps = Steps::new(map, &layout, 0, format);
        while let Some(step) = steps.step() {
            list.push(step);
        }
        let shape = Shape::of(map, &layout, 0, format);
        assert_eq!(shape, Shape::of_steps(&list, format, false));
        let mut slots = vec![Slot::ABSENT; shape.tables() * (format.table_size() as usize / 8)];
        fill(format, &shape, &list, Base::At(TABLES_AT), 0, &mut slots);
        (shape, slots)
    })
}

/// Disjoint ranges in ascending order: gaps and sizes in pages, small and large, aligned and not.
fn ranges() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    let pages = prop_oneof![1..40u64, 500..530u64, Just(512), 510..1600u64, Just(2048)];
    let gap = prop_oneof![0..3u64, 1..700u64, Just(512), 1000..5000u64];
    let phys = prop_oneof![0..5000u64, (0..10u64).prop_map(|n| n * 512), (0..4u64).prop_map(|n| n * 2048)];
    prop::collection::vec((gap, phys, pages), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_page_goes_where_it_was_declared(shape in ranges(), upper in any::<bool>()) {
        for (format, decode) in formats() {
            let page = format.page_size();
            let mut virt = match format.upper_start() {
                Some(start) if upper => start,
                _ => 0,
            };
            let mut list = Vec::new();
            for &(gap, phys, pages) in &shape {
                virt += gap * page;
                list.push((virt, phys * page, pages * page));
                virt += pages * page;
            }
            if !format.is_canonical(virt) {
                continue;
            }
            let (shape, slots) = build(&format, &list);
            let read = |address: u64| {
                let at = address.checked_sub(TABLES_AT).expect("a table address") as usize;
                let word = slots[at / 8].get();
                if format.entry_bytes == 8 { word } else { word >> (at % 8 * 8) & 0xffff_ffff }
            };
            let root = |upper| TABLES_AT + shape.root(upper) as u64 * format.table_size();
            let go = |virt: u64| support::walk(&format, root(format.split_roots && format.is_upper(virt)), virt, decode, read);
            for &(start, phys, size) in &list {
                for offset in (0..size).step_by(page as usize) {
                    prop_assert_eq!(go(start + offset + 5), Some(phys + offset + 5), "{:x} in {}", start + offset, format.name);
                }
                let outside = |v: u64| !list.iter().any(|&(s, _, n)| s <= v && v < s + n);
                for v in [start.wrapping_sub(1), start + size] {
                    if outside(v) && format.is_canonical(v) && (upper == format.is_upper(v) || !format.split_roots) {
                        prop_assert_eq!(go(v), None, "{:x} in {}", v, format.name);
                    }
                }
            }
        }
    }
}

mod bounds {
    tablature::memory_map! {
        mod sizes for aarch64::El1<G4K, 39>;
        physical { dram : 0x4000_0000, 4 GiB, normal; }
        space kernel {
            free  (rw) : 0xffff_ff80_4000_0000 => dram, 1 GiB;
            small (rw) : 0xffff_ff81_4000_0000 => dram + 0x4000_0000, 1 GiB, page <= 2 MiB;
            large (rw) : 0xffff_ff82_0020_0000 => dram + 0x8020_0000, 4 MiB, page >= 2 MiB;
        }
    }

    #[test]
    fn bounds_of_leaf_sizes_are_kept() {
        use tablature::space::Declared;
        let leaves: Vec<_> =
            sizes::kernel::Space::STEPS.iter().map(|step| (step.region, step.level, step.count)).collect();
        assert_eq!(leaves, [(0, 2, 1), (1, 1, 512), (2, 1, 2)]);
    }
}
