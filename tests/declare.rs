//! Spaces without the macro in front: the expansion's own part, and the tables it yields, walked by hand.

use tablature::plan::Slot;
use tablature::space::Declared;

/// A declaration as `memory_map!` writes it down, for a regime and a placement.
macro_rules! declare {
    ($name:ident, $($regime:ident)::+ $(<$($arg:tt),*>)?, $placement:ident, $variant:ident, $virt:literal, $symbol:literal) => {
        mod $name {
            use tablature::attr::{Access, MemoryType, Rights};
            use tablature::layout::{Demands, Layout};
            use tablature::map::{Cpu, Kind, Map, Phys, Placement, Policy, Region, Resource, Space, Tables, Virt};

            const fn region(name: &'static str, virt: u64, offset: u64, size: u64, access: Access) -> Region<'static> {
                let phys = Phys::In { resource: "dram", offset };
                Region { name, virt: Virt::At(virt), phys, size: Some(size), access, ..Region::BLANK }
            }

            const REGIONS: &[Region<'static>] = &[
                region("text", $virt + 0x8_0000, 0x8_0000, 0x20_0000, Access::kernel(Rights::RX)),
                region("data", $virt + 0x28_0000, 0x28_0000, 0x1000, Access::kernel(Rights::RW)),
                region("physmap", $virt + 0x40_0000_0000 / 16, 0, 0x4020_0000, Access::kernel(Rights::RW)),
                Region {
                    name: "uart0",
                    kind: Kind::Identity,
                    phys: Phys::In { resource: "uart0", offset: 0 },
                    access: Access::kernel(Rights::RW),
                    ..Region::BLANK
                },
            ];

            const MAP: &Map<'static> = &Map {
                name: stringify!($name),
                anchor: 0,
                format: <tablature::$($regime)::+ $(<$($arg),*>)? as tablature::regime::Regime>::FORMAT,
                cpu: Cpu::BLANK,
                policy: Policy::BLANK,
                resources: &[
                    Resource { name: "dram", base: 0x4000_0000, size: 0x8000_0000, ..Resource::BLANK },
                    Resource { name: "uart0", base: 0x900_0000, size: 0x1000, memory: MemoryType::DeviceNgnre, ..Resource::BLANK },
                ],
                spaces: &[Space {
                    name: "kernel",
                    tables: Some(Tables {
                        placement: Placement::$variant,
                        phys: Phys::In { resource: "dram", offset: 0x100_0000 },
                        ..Tables::BLANK
                    }),
                    regions: REGIONS,
                    ..Space::BLANK
                }],
                channels: &[],
                isolation: &[],
                devices: &[],
                transitions: &[],
            };
            const LAYOUT: &Layout<4> = &Layout::of(MAP);
            const DEMANDS: Demands = Demands::of(MAP);
            // Without room for the plan of any space: each makes its own.
            const PLANS: &tablature::plan::Plans<0, 0> = &tablature::plan::Plans::of(MAP, LAYOUT, &DEMANDS);
            static __TAKEN: tablature::__private::Taken<4> = tablature::__private::Taken::new();
            const SOUND: bool = true;
            #[allow(unused_imports)]
            use tablature::aarch64::{G4K, G16K, G64K};

            tablature::__declare_space! {
                crate = [tablature];
                docs = [#[doc = "The kernel."]];
                space = kernel;
                index = 0;
                regime = [$($regime)::+ $(<$($arg),*>)?];
                placement = $placement;
                symbol = $symbol;
                symbol_quarter = "no_such_symbol";
                regions = [
                    { docs = [#[doc = "Code."]]; name = text; index = 0; kind = map; form = own; }
                    { docs = [#[doc = "Data."]]; name = data; index = 1; kind = map; form = own; }
                    { docs = [#[doc = "All memory."]]; name = physmap; index = 2; kind = map; form = numbered; }
                    { docs = [#[doc = "Serial port."]]; name = uart0; index = 3; kind = map; form = own; }
                ];
            }
        }
    };
}

declare!(arm_linked, aarch64::El1<G4K, 39>, linked, Linked, 0xffff_ff80_0000_0000, "test_arm_linked");
declare!(arm_placed, aarch64::El1<G4K, 39>, placed, Placed, 0xffff_ff80_0000_0000, "test_arm_placed");
declare!(arm_boot, aarch64::El1<G4K, 39>, boot, BootFilled, 0xffff_ff80_0000_0000, "test_arm_boot");
declare!(pc_linked, x86_64::Level4, linked, Linked, 0xffff_ff80_0000_0000, "test_pc_linked");
declare!(pc_placed, x86_64::Level4, placed, Placed, 0xffff_ff80_0000_0000, "test_pc_placed");
declare!(riscv_linked, riscv::Sv39, linked, Linked, 0xffff_ffc0_0000_0000, "test_riscv_linked");
declare!(riscv_placed, riscv::Sv39, placed, Placed, 0xffff_ffc0_0000_0000, "test_riscv_placed");

/// What a walk of a three- or four-level table with nine index bits finds: the word of the leaf and its level.
/// `next` tells whether a word points to a table, and where.
fn walk(
    read: impl Fn(u64) -> u64,
    root: u64,
    levels: u32,
    va: u64,
    next: impl Fn(u64, u32) -> Option<u64>,
) -> (u64, u32) {
    let mut table = root;
    for level in (0..levels).rev() {
        let word = read(table + (va >> (12 + 9 * level) & 511) * 8);
        match next(word, level) {
            Some(address) => table = address,
            None => return (word, level),
        }
    }
    unreachable!("the last level has no tables")
}

fn arm_next(word: u64, level: u32) -> Option<u64> {
    (word & 3 == 3 && level > 0).then_some(word & 0xffff_ffff_f000)
}

fn reader<S: Declared>() -> impl Fn(u64) -> u64 {
    let memory = S::memory();
    move |physical| {
        let offset = (physical - memory.physical) as usize;
        assert!(offset < memory.bytes, "{physical:#x} is no table");
        // SAFETY: the offset lies inside the tables.
        unsafe { memory.start.wrapping_byte_add(offset).read_volatile() }
    }
}

fn check_arm<S: Declared>() {
    let (upper, lower) = (S::roots().upper.expect("upper root"), S::roots().lower.expect("lower root"));
    let high = |va| walk(reader::<S>(), upper, 3, va, arm_next);
    let high_text = high(0xffff_ff80_0008_0000);
    assert_eq!(high_text, (0x4008_0000 | 0x0040_0000_0000_0787, 0), "{high_text:x?}");
    assert_eq!(high(0xffff_ff80_0007_f000).0, 0);
    assert_eq!(high(0xffff_ff80_0028_0000), (0x4028_0000 | 0x0060_0000_0000_0707, 0));
    assert_eq!(high(0xffff_ff80_0028_1000).0, 0);
    assert_eq!(high(0xffff_ff84_0000_0000), (0x4000_0000 | 0x0060_0000_0000_0705, 2));
    assert_eq!(high(0xffff_ff84_401f_f000), (0x8000_0000 | 0x0060_0000_0000_0705, 1));
    assert_eq!(high(0xffff_ff84_4020_0000).0, 0);
    let low = |va| walk(reader::<S>(), lower, 3, va, arm_next);
    assert_eq!(low(0x900_0000), (0x900_0000 | 0x0060_0000_0000_0403, 0));
    assert_eq!(low(0x900_1000).0, 0);
}

#[test]
fn linked_and_placed_tables_translate_alike() {
    check_arm::<arm_linked::kernel::Space>();
    check_arm::<arm_placed::kernel::Space>();
    assert_eq!(arm_placed::kernel::TABLES_AT, 0x4100_0000);
    assert_eq!(arm_linked::kernel::TABLES, 8);
    assert_eq!(tablature::space::check_links::<arm_linked::kernel::Space>(), Ok(()));
}

#[test]
fn boot_filled_tables_are_the_placed_ones() {
    type Boot = arm_boot::kernel::Space;
    assert_eq!(tablature::space::check_links::<Boot>(), Err(tablature::space::Refusal::NotFilled));
    let memory = vec![Slot::word(!0); Boot::WORDS].leak();
    assert!(Boot::fill(memory, 0x4100_0800).is_err());
    let memory = vec![Slot::word(!0); Boot::WORDS].leak();
    assert_eq!(Boot::fill(memory, 0), Err(tablature::space::FillError::AtZero));
    let memory = vec![Slot::word(!0); Boot::WORDS].leak();
    assert!(Boot::fill(&mut memory[1..], 0x4100_0000).is_err());
    let memory = vec![Slot::word(!0); Boot::WORDS].leak();
    Boot::fill(memory, 0x4100_0000).expect("fill");
    check_arm::<Boot>();
    let placed = arm_placed::kernel::Space::tables();
    let read = reader::<Boot>();
    for i in 0..Boot::WORDS {
        assert_eq!(placed.entry(i), Some(read(0x4100_0000 + 8 * i as u64)), "entry {i}");
    }
}

#[test]
fn one_root_serves_both_halves() {
    let next = |word: u64, level| (word & 0x81 == 1 && level > 0).then_some(word & 0xf_ffff_ffff_f000);
    for (root, leaf) in [
        (
            pc_linked::kernel::Space::roots(),
            reader::<pc_linked::kernel::Space>()(pc_linked::kernel::Space::memory().physical),
        ),
        (pc_placed::kernel::Space::roots(), 0),
    ] {
        assert_eq!(root.upper, None, "{leaf:x}");
    }
    let root = pc_linked::kernel::Space::roots().lower.expect("root");
    let at = |va| walk(reader::<pc_linked::kernel::Space>(), root, 4, va, next);
    assert_eq!(at(0xffff_ff80_0008_0000), (0x4008_0001, 0));
    assert_eq!(at(0xffff_ff80_0028_0000), (0x4028_0003 | 1 << 63, 0));
    assert_eq!(at(0xffff_ff84_0000_0000), (0x4000_0083 | 1 << 63, 1));
    assert_eq!(at(0x900_0000), (0x900_001b | 1 << 63, 0));
    assert_eq!(at(0x900_1000).0, 0);
}

#[test]
fn riscv_tables_hold_shifted_addresses() {
    let next = |word: u64, _| (word & 0xf == 1).then_some(word >> 10 << 12);
    let root = riscv_placed::kernel::Space::roots().lower.expect("root");
    assert_eq!(root, 0x4100_0000);
    let at = |va| walk(reader::<riscv_placed::kernel::Space>(), root, 3, va, next);
    assert_eq!(at(0xffff_ffc0_0008_0000), (0x4008_0000 >> 2 | 0xcb, 0));
    assert_eq!(at(0xffff_ffc4_0000_0000), (0x4000_0000 >> 2 | 0xc7, 2));
    assert_eq!(at(0x900_0000), (0x900_0000 >> 2 | 0xc7, 0));
    // Without a linker script the linked form is laid out as for address 0.
    assert_eq!(riscv_linked::kernel::Space::memory().physical, 0);
}
