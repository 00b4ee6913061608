//! Register words of RISC-V and x86-64 spaces as the notation declares them, and what the bus says about memory types.

use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::layout::Layout;
use tablature::map::{Cpu, Kind, Map, Phys, Policy, Region, Resource, Space};
use tablature::regime::Regime;
use tablature::rule::{Rule, check};
use tablature::space::{Declared, Refusal, TableMemory, check_links};
use tablature::{riscv, x86_64};

tablature::memory_map! {
    /// RV32: devices without a single override of memory types.
    pub mod small for riscv::Sv32;
    physical { ram : 0x8000_0000, 4 MiB, normal; uart : 0x1000_0000, 4 KiB, device; }
    space kernel { tables at boot; text (rx) : identity 0x8000_0000 => ram; uart (rw) : identity; }
}

tablature::memory_map! {
    /// RV64 with page-based memory types, a user and an ASID.
    pub mod large for riscv::Sv48;
    cpu { features = [svpbmt]; }
    physical { ram : 0x8000_0000, 16 MiB, normal; }
    space kernel {
        asid 0x1234;
        tables at boot;
        text (rx) : identity 0x8000_0000 => ram, 2 MiB;
        frames (rw) : 0x4000_0000 => ram + 0x20_0000, 2 MiB, memory normal_nc;
        app (rx, user) : 0x1_0000 => ram + 0x40_0000, 4 KiB;
    }
}

tablature::memory_map! {
    /// Five levels, a user, global pages.
    pub mod pc for x86_64::Level5;
    cpu { features = [nx, la57, pdpe1gb]; }
    physical { ram : 0x20_0000, 6 GiB, normal; }
    space kernel {
        tables in ram;
        text (rx, global) : 0xff00_0000_0020_0000 => ram, 2 MiB;
        rest (rw) : 0x4000_0000 => ram + 0x3fe0_0000, 4 GiB;
        app (rx, user) : 0x1_0000 => ram + 0x40_0000, 4 KiB;
    }
}

const SMALL: riscv::Words = <riscv::Sv32 as riscv::Derive<small::kernel::Space>>::WORDS;
const LARGE: riscv::Words = <riscv::Sv48 as riscv::Derive<large::kernel::Space>>::WORDS;
const PC: x86_64::Words = <x86_64::Level5 as x86_64::Derive<pc::kernel::Space>>::WORDS;

#[test]
fn riscv_words_come_from_the_declaration() {
    assert_eq!(SMALL.rooted(0x8030_0000), 0x8008_0300);
    assert_eq!((SMALL.sstatus, SMALL.sstatus_clear, SMALL.menvcfg), (0, 0, 0));
    assert_eq!(LARGE.rooted(0x8030_0000), 9 << 60 | 0x1234 << 44 | 0x8_0300);
    assert_eq!(LARGE.needs, Features::SVPBMT);
    assert_eq!((LARGE.sstatus, LARGE.sstatus_clear, LARGE.menvcfg), (1 << 18, 0, 1 << 62));
}

#[test]
fn x86_words_come_from_the_declaration() {
    let needs = [Features::NX, Features::LA57, Features::PDPE1GB, Features::PAT, Features::PGE, Features::SMEP];
    for feature in needs {
        assert!(PC.needs.contains(feature), "{}", feature.name());
    }
    assert_eq!((PC.linear_bits, PC.output_bits), (57, 33));
    assert_eq!((PC.cr4, PC.cr4_clear), (1 << 20 | 1 << 7, 1 << 21));
    assert_eq!(PC.start_cr4(), 1 << 12 | 1 << 5);
    assert_eq!(pc::kernel::Space::SHAPE.levels, 5);
}

/// Findings over one region of `memory`, or of none, over memory of the type `natural`.
fn judged(format: tablature::format::Format, natural: MemoryType, memory: Option<MemoryType>) -> Vec<Rule> {
    let regions = [Region {
        name: "data",
        kind: Kind::Identity,
        phys: Phys::In { resource: "bus", offset: 0 },
        access: Access::kernel(Rights::RW),
        memory,
        ..Region::BLANK
    }];
    let map = Map {
        name: "test",
        anchor: 0,
        format,
        cpu: Cpu { features: Some(Features::SVPBMT), ..Cpu::BLANK },
        policy: Policy::BLANK,
        resources: &[Resource { name: "bus", base: 0x1000_0000, size: 0x1000, memory: natural, ..Resource::BLANK }],
        spaces: &[Space { name: "kernel", regions: &regions, ..Space::BLANK }],
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    };
    let (errors, _) = check::<1, 8>(&map, &Layout::of(&map));
    errors.list[..errors.len].iter().map(|finding| finding.rule).collect()
}

#[test]
fn what_the_bus_has_needs_no_encoding_and_what_it_lacks_needs_one() {
    use MemoryType::{DeviceNgnre, NormalNc, NormalWb, NormalWt};
    let (sv32, sv39) = (riscv::Sv32::FORMAT, riscv::Sv39::FORMAT);
    for natural in [NormalWb, NormalNc, DeviceNgnre] {
        assert_eq!(judged(sv32, natural, None), []);
        assert_eq!(judged(sv39, natural, None), []);
    }
    assert_eq!(judged(sv39, NormalWt, None), [Rule::MemoryTypeUnsupported]);
    assert_eq!(judged(sv39, NormalWb, Some(NormalNc)), []);
    assert_eq!(judged(sv32, NormalWb, Some(NormalNc)), [Rule::MemoryTypeUnsupported]);
    // PBMT = 0 leaves memory that is not cacheable as it is.
    assert_eq!(judged(sv39, NormalNc, Some(NormalWb)), [Rule::MemoryTypeUnsupported]);
}

/// A space whose tables never were relocated, at the physical address `PHYSICAL`.
macro_rules! unrelocated {
    ($name:ident, $like:ident, $physical:literal) => {
        struct $name;

        // SAFETY: plan and layout are those of a sound map; the tables are zeroes, which is what is tested.
        unsafe impl Declared for $name {
            type Regime = <$like::kernel::Space as Declared>::Regime;
            const MAP: &'static Map<'static> = <$like::kernel::Space as Declared>::MAP;
            const INDEX: usize = 0;
            const FORMAT: tablature::format::Format = <$like::kernel::Space as Declared>::FORMAT;
            const EXTENTS: &'static [tablature::layout::Extent] = <$like::kernel::Space as Declared>::EXTENTS;
            const STEPS: &'static [tablature::plan::Step] = <$like::kernel::Space as Declared>::STEPS;
            const SHAPE: tablature::plan::Shape = <$like::kernel::Space as Declared>::SHAPE;

            fn memory() -> TableMemory {
                static ZEROES: [u64; 4096] = [0; 4096];
                TableMemory { physical: $physical, start: ZEROES.as_ptr(), bytes: size_of_val(&ZEROES) }
            }
        }
    };
}

unrelocated!(Nowhere, pc, 0);
unrelocated!(Unlinked, pc, 0x40_0000);
unrelocated!(Unfilled, large, 0);

#[test]
fn tables_that_were_not_relocated_are_refused() {
    let first_table = 0x40_0000 + 0x1000;
    assert_eq!(check_links::<Unlinked>(), Err(Refusal::NotRelocated { expected: first_table, found: 0 }));
    assert!(matches!(check_links::<Nowhere>(), Err(Refusal::NotRelocated { found: 0, .. })));
    assert_eq!(check_links::<Unfilled>(), Err(Refusal::NotFilled));
    assert_eq!(check_links::<pc::kernel::Space>(), Ok(()));
}
