//! The rules at compile time: a sound map of 300 regions, and one map broken on purpose.

use tablature::aarch64::{El1, G4K};
use tablature::attr::{Access, Rights};
use tablature::layout::Layout;
use tablature::map::{Cpu, Map, Phys, Policy, Region, Resource, Role, Space, Virt};
use tablature::regime::Regime;
use tablature::rule::{Rule, check};

const COUNT: usize = 300;
const NAMES: [u8; 4 * COUNT] = {
    let mut names = [0; 4 * COUNT];
    let mut i = 0;
    while i < COUNT {
        names[4 * i] = b'r';
        names[4 * i + 1] = b'0' + (i / 100) as u8;
        names[4 * i + 2] = b'0' + (i / 10 % 10) as u8;
        names[4 * i + 3] = b'0' + (i % 10) as u8;
        i += 1;
    }
    names
};

const fn name(i: usize) -> &'static str {
    let names: &'static [u8] = &NAMES;
    match core::str::from_utf8(names.split_at(4 * i).1.split_at(4).0) {
        Ok(name) => name,
        Err(_) => "",
    }
}

/// Declared from the top down, so that nothing is in order and every sort has work to do.
static REGIONS: [Region<'static>; COUNT] = {
    let mut regions = [Region::BLANK; COUNT];
    let mut i = 0;
    while i < COUNT {
        let place = (COUNT - i) as u64 * 0x8000;
        regions[i] = Region {
            name: name(i),
            virt: Virt::At(0xffff_ff80_0000_0000 + place),
            phys: Phys::In { resource: name(i), offset: 0 },
            size: Some(0x4000),
            access: Access::kernel(Rights::RW),
            ..Region::BLANK
        };
        i += 1;
    }
    regions
};

static RESOURCES: [Resource<'static>; COUNT] = {
    let mut resources = [Resource::BLANK; COUNT];
    let mut i = 0;
    while i < COUNT {
        let base = 0x4000_0000 + (COUNT - i) as u64 * 0x8000;
        resources[i] = Resource { name: name(i), base, size: 0x4000, ..Resource::BLANK };
        i += 1;
    }
    resources
};

const SPACES: [Space<'static>; 1] =
    [Space { name: "kernel", role: Role::Kernel, regions: &REGIONS, budget: Some(16), ..Space::BLANK }];

const fn large() -> Map<'static> {
    Map {
        name: "large",
        anchor: 0,
        format: <El1<G4K, 39> as Regime>::FORMAT,
        cpu: Cpu::BLANK,
        policy: Policy::BLANK,
        resources: &RESOURCES,
        spaces: &SPACES,
        channels: &[],
        isolation: &[],
        devices: &[],
        transitions: &[],
    }
}

const LARGE: Map<'static> = large();
const LARGE_LAYOUT: Layout<COUNT> = Layout::of(&LARGE);

#[allow(long_running_const_eval, reason = "300 regions are meant to be many")]
const _: () = {
    let (errors, warnings) = check::<COUNT, 16>(&LARGE, &LARGE_LAYOUT);
    assert!(errors.is_empty() && warnings.is_empty());
};

const BROKEN_REGIONS: [Region<'static>; 2] = [
    Region { name: "text", size: Some(0x3000), ..REGIONS[0] },
    Region { name: "data", virt: Virt::At(0xffff_ff80_0096_1000), ..REGIONS[1] },
];
const BROKEN_SPACES: [Space<'static>; 1] = [Space { regions: &BROKEN_REGIONS, ..SPACES[0] }];
const BROKEN: Map<'static> = Map { spaces: &BROKEN_SPACES, ..LARGE };
const BROKEN_LAYOUT: Layout<2> = Layout::of(&BROKEN);

const _: () = {
    let (errors, _) = check::<2, 8>(&BROKEN, &BROKEN_LAYOUT);
    assert!(errors.total == 1 && errors.has(Rule::VaOverlap));
    assert!(errors.list[0].numbers[0] == 0xffff_ff80_0096_1000 && errors.list[0].numbers[1] == 0x2000);
};

#[test]
fn both_times_agree() {
    let (errors, warnings) = check::<2, 8>(&BROKEN, &BROKEN_LAYOUT);
    assert_eq!(errors.total, 1);
    assert_eq!(errors.list[0].rule, Rule::VaOverlap);
    assert_eq!(warnings.len, 8, "the resources that nothing refers to");
    assert_eq!(warnings.total, COUNT - 2);
    let (errors, warnings) = check::<COUNT, 16>(&LARGE, &LARGE_LAYOUT);
    assert!(errors.is_empty() && warnings.is_empty());
}
