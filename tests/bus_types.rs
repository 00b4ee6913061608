//! On RISC-V the bus gives memory its type and entries change it: a part of RAM that is declared as another memory is what
//! an entry says; memory among devices, and devices among memory, are what they are.

use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::Format;
use tablature::layout::Layout;
use tablature::map::{Cpu, Kind, Map, Phys, Policy, Region, Resource, Space, Virt};
use tablature::regime::Regime;
use tablature::riscv;
use tablature::rule::{Rule, check};

tablature::memory_map! {
    /// Parts of RAM and of device ranges, each with a type of its own.
    pub mod typed for riscv::Sv39;
    cpu { features = [svpbmt]; }
    physical {
        dram    : 0x8000_0000, 1 GiB, normal;
        frames  : 0x8020_0000, 64 KiB, normal_nc, within dram;
        inner   : 0x8020_2000, 12 KiB, normal_nc, within frames;
        mailbox : 0x8020_4000, 4 KiB, device, within inner;
        sram    : 0xc000_0000, 64 KiB, normal_nc;
        soc     : 0x1000_0000, 1 MiB, device;
        rom     : 0x1000_2000, 8 KiB, normal, within soc;
    }
    space kernel {
        tables at 0x8010_0000;
        frame   (rw) : 0x1000 => frames, 8 KiB;
        part    (rw) : 0x4000 => dram + 0x20_3000, 12 KiB;
        /// No border of a type: one leaf.
        block   (rw) : 0x40_0000 => dram + 0x40_0000, 2 MiB;
        sram    (rw) : 0x8000 => sram, 4 KiB;
        rom     (r)  : 0x9000 => rom, 4 KiB;
        regs    (rw) : 0xa000 => soc, 8 KiB;
        /// RAM behind its own type and in front of that of its part.
        linear  (rw, linear) : 0x60_0000 => dram + 0x1f_f000, 8 KiB;
    }
}

/// The PBMT field of the page at `virt`, by the bits of the manual (PRIV "Svpbmt": 62:61; three levels of nine bits).
fn pbmt(virt: u64) -> u64 {
    const AT: u64 = 0x8010_0000;
    let tables = typed::kernel::Space::tables();
    let (mut table, mut shift) = (AT, 30);
    loop {
        let word = tables.entry(((table - AT) / 8 + (virt >> shift & 511)) as usize).expect("an entry");
        assert_eq!(word & 1, 1, "{virt:#x} is not mapped");
        if word & 0xe != 0 {
            return word >> 61 & 3;
        }
        (table, shift) = ((word >> 10 & ((1 << 44) - 1)) << 12, shift - 9);
    }
}

#[test]
fn a_part_of_ram_has_its_type_by_its_entries() {
    const { assert!(typed::SOUND) };
    let nc = [0x1000, 0x2000, 0x4000, 0x6000, 0x60_1000];
    let bus = [0x5000, 0x40_0000, 0x5f_f000, 0x8000, 0x9000, 0xa000, 0xb000, 0x60_0000];
    for virt in nc {
        assert_eq!(pbmt(virt), 1, "{virt:#x}");
    }
    for virt in bus {
        assert_eq!(pbmt(virt), 0, "{virt:#x}");
    }
}

/// What is found about a part of the type `part` of a resource of the type `whole`, where `features` are had.
fn judged(format: Format, features: Features, whole: MemoryType, part: MemoryType, raw: Option<u64>) -> Vec<Rule> {
    let regions = regions(raw);
    let (errors, _) = findings(format, features, [whole, part], &regions);
    errors
}

/// What is found about a window that says that its memory is of that type, beside a resource that only it uses.
fn judged_window(format: Format, features: Features, types: [MemoryType; 2], said: MemoryType) -> [Vec<Rule>; 2] {
    let window = Region {
        name: "part",
        kind: Kind::Window,
        virt: Virt::At(0x3000),
        phys: Phys::None,
        memory: Some(said),
        ..regions(None)[0]
    };
    let (errors, warnings) = findings(format, features, types, &[window, regions(None)[1]]);
    [errors, warnings]
}

fn regions(raw: Option<u64>) -> [Region<'static>; 2] {
    let region = |name, virt, resource, offset| Region {
        name,
        kind: Kind::Map,
        virt: Virt::At(virt),
        phys: Phys::In { resource, offset },
        size: Some(0x1000),
        access: Access::user(Rights::RW),
        user: true,
        ..Region::BLANK
    };
    // With a field of its own, the part once more.
    let other = match raw {
        None => region("whole", 0x1000, "whole", 0),
        Some(_) => Region { raw_memory: raw, alias_of: Some("part"), ..region("again", 0x1000, "part", 0) },
    };
    [region("part", 0x2000, "part", 0), other]
}

fn findings(
    format: Format,
    features: Features,
    [whole, part]: [MemoryType; 2],
    regions: &[Region<'_>],
) -> (Vec<Rule>, Vec<Rule>) {
    let resources = [
        Resource { name: "whole", base: 0x1000_0000, size: 0x4000, memory: whole, ..Resource::BLANK },
        Resource {
            name: "part",
            base: 0x1000_1000,
            size: 0x1000,
            memory: part,
            within: Some("whole"),
            ..Resource::BLANK
        },
    ];
    let map = Map {
        name: "test",
        anchor: 0,
        format,
        cpu: Cpu { features: Some(features), ..Cpu::BLANK },
        policy: Policy::BLANK,
        resources: &resources,
        spaces: &[Space { name: "kernel", regions, ..Space::BLANK }],
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    };
    let (errors, warnings) = check::<2, 8>(&map, &Layout::of(&map));
    for finding in errors.as_slice() {
        assert_eq!(finding.culprits[0].name, "part", "{finding}");
    }
    let rules = |list: &[tablature::rule::Finding<'_>]| list.iter().map(|finding| finding.rule).collect();
    (rules(errors.as_slice()), rules(warnings.as_slice()))
}

#[test]
fn a_window_says_only_what_entries_can() {
    use MemoryType::{DeviceNgnre, NormalNc, NormalWb, NormalWt};
    let (sv32, sv39) = (riscv::Sv32::FORMAT, riscv::Sv39::FORMAT);
    let errors = |format, features, types, said| judged_window(format, features, types, said)[0].clone();
    for (types, said) in [([NormalWb, NormalNc], NormalNc), ([NormalWb; 2], NormalNc), ([NormalWb; 2], DeviceNgnre)] {
        assert_eq!(errors(sv39, Features::SVPBMT, types, said), [], "{said:?}");
        assert_eq!(errors(sv39, Features::NONE, types, said), [Rule::FeatureMissing], "{said:?}");
        assert_eq!(errors(sv32, Features::SVPBMT, types, said), [Rule::MemoryTypeUnsupported], "{said:?}");
    }
    for same in [NormalWb, NormalNc, DeviceNgnre] {
        assert_eq!(errors(sv39, Features::NONE, [same; 2], same), []);
        assert_eq!(errors(sv32, Features::NONE, [same; 2], same), []);
    }
    assert_eq!(errors(sv39, Features::SVPBMT, [NormalWb; 2], NormalWt), [Rule::MemoryTypeUnsupported]);
    assert_eq!(errors(sv39, Features::SVPBMT, [NormalNc, NormalWb], NormalWb), [Rule::MemoryTypeUnsupported]);
}

#[test]
fn memory_of_the_type_of_a_window_is_used() {
    use MemoryType::{DeviceNgnre, NormalNc, NormalWb};
    let warnings = |said| judged_window(riscv::Sv39::FORMAT, Features::SVPBMT, [NormalWb, NormalNc], said)[1].clone();
    assert_eq!(warnings(NormalNc), []);
    assert_eq!(warnings(DeviceNgnre), [Rule::UnusedResource]);
}

#[test]
fn a_type_that_no_entry_can_give_is_an_error() {
    use MemoryType::{DeviceNgnre, NormalNc, NormalWb};
    let (sv32, sv39, x4) = (riscv::Sv32::FORMAT, riscv::Sv39::FORMAT, riscv::Sv39x4::FORMAT);
    for format in [sv39, x4] {
        assert_eq!(judged(format, Features::SVPBMT, NormalWb, NormalNc, None), []);
        assert_eq!(judged(format, Features::NONE, NormalWb, NormalNc, None), [Rule::FeatureMissing]);
        // Not even an override makes memory cacheable that the bus does not cache.
        assert_eq!(judged(format, Features::SVPBMT, NormalNc, NormalWb, None), [Rule::MemoryTypeUnsupported]);
    }
    // A field of 0 is what the bus has, and another type than that of the part.
    assert_eq!(judged(sv39, Features::SVPBMT, NormalWb, NormalNc, Some(0)), [Rule::MemoryTypeMismatch]);
    assert_eq!(judged(sv39, Features::SVPBMT, NormalWb, NormalNc, Some(1)), []);
    assert_eq!(judged(sv39, Features::SVPBMT, NormalWb, NormalWb, Some(0)), []);
    // 32-bit entries have no room for a type.
    assert_eq!(judged(sv32, Features::SVPBMT, NormalWb, NormalNc, None), [Rule::MemoryTypeUnsupported]);
    for features in [Features::NONE, Features::SVPBMT] {
        for same in [NormalWb, NormalNc, DeviceNgnre] {
            assert_eq!(judged(sv39, features, same, same, None), []);
        }
        assert_eq!(judged(sv39, features, DeviceNgnre, NormalWb, None), []);
        assert_eq!(judged(sv39, features, NormalWb, DeviceNgnre, None), []);
    }
}
