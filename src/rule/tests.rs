use std::boxed::Box;
use std::collections::BTreeSet;
use std::string::{String, ToString};

use super::*;
use crate::aarch64::{G4K, Stage2};
use crate::attr::{Access, Rights};
use crate::map::*;
use crate::regime::Regime;
use crate::riscv::Sv39;

const RAM: Resource<'static> = Resource { name: "ram", base: 0x8000_0000, size: 0x10_0000, ..Resource::BLANK };
const DATA: Region<'static> = Region {
    name: "data",
    virt: Virt::At(0x10_0000),
    phys: Phys::In { resource: "ram", offset: 0 },
    size: Some(0x1000),
    access: Access::kernel(Rights::RW),
    ..Region::BLANK
};
const MAP: Map<'static> = Map {
    name: "test",
    anchor: 0,
    format: Sv39::FORMAT,
    cpu: Cpu::BLANK,
    policy: Policy::BLANK,
    resources: &[RAM],
    spaces: &[],
    channels: &[],
    isolation: &[],
    devices: &[],
    transitions: &[],
};

fn judge(map: &Map<'static>) -> (Findings<'static, 8>, Findings<'static, 8>) {
    check(map, &Layout::<8>::of(map))
}

fn space(regions: &'static [Region<'static>]) -> Space<'static> {
    Space { name: "kernel", regions, ..Space::BLANK }
}

#[test]
fn the_catalogue_is_complete_and_consistent() {
    let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), 94);
    assert_eq!(Rule::ALL.iter().filter(|rule| rule.is_error()).count(), 90);
    for &rule in Rule::ALL {
        let info = rule.info();
        assert!(info.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", info.id);
        assert!(info.statement.ends_with('.') && !info.reference.is_empty() && !info.fix.is_empty());
        assert_eq!(Rule::named(info.id), Some(rule));
        assert_eq!(Rule::named(&info.id.replace('-', "_")), Some(rule));
        let finding = Finding {
            culprits: [Culprit::of("space", "name", 0); MAX_CULPRITS],
            culprit_count: MAX_CULPRITS,
            numbers: [0x1234, 0x1000, 7, 9],
            number_count: MAX_NUMBERS,
            hint: "hint",
            ..Finding::new(rule)
        };
        for text in [finding.to_string(), Finding::new(rule).to_string()] {
            assert!(!text.contains(['{', '}', '[', ']']) && text.len() < MESSAGE, "{text}");
        }
    }
}

#[test]
fn a_message_says_what_where_and_how_to_fix_it() {
    let regions = &[Region { virt: Virt::At(0x10_0008), ..DATA }];
    let spaces = Box::leak(Box::new([space(regions)]));
    let (errors, _) = judge(&Map { spaces, ..MAP });
    let text: String = errors.list[0].to_string();
    assert_eq!(
        text,
        "va-unaligned: `kernel.data` starts at 0x100008, which is no multiple of 0x1000\n  \
         fix: start it at 0x100000 or 0x101000\n  \
         why: The virtual start of every region and guard is a multiple of the granule. (DDI 0487 D8; RISC-V \
         privileged, Virtual-Memory System; SDM 3A 4.2)"
    );
}

#[test]
fn a_wrong_name_gets_a_hint() {
    let regions = &[Region { phys: Phys::In { resource: "rem", offset: 0 }, ..DATA }];
    let spaces = Box::leak(Box::new([space(regions)]));
    let (errors, _) = judge(&Map { spaces, ..MAP });
    assert_eq!((errors.total, errors.list[0].rule, errors.list[0].hint), (1, Rule::UnknownName, "ram"));
    assert!(errors.list[0].to_string().contains("did you mean `ram`?"));
}

#[test]
fn nothing_is_dropped_in_silence() {
    let regions = &[
        Region { name: "early", virt: Virt::After { region: "late", gap: 0 }, ..DATA },
        Region { name: "late", phys: Phys::None, ..DATA },
    ];
    let spaces = Box::leak(Box::new([space(regions)]));
    let (errors, _) = judge(&Map { spaces, ..MAP });
    assert!(errors.has(Rule::UnknownName), "stands behind a region that follows");
    assert!(errors.has(Rule::PhysUndeclared), "a map of nothing");
}

#[test]
fn a_rounding_unit_is_whole_pages() {
    for (unit, sound) in [(0, true), (0x1000, true), (0x20_0000, true), (0x4000, true), (0x1800, false), (0x800, false)]
    {
        let region = Region { virt: Virt::At(0x4000_0000), round: Some(unit), ..DATA };
        let regions: &[Region<'static>] = Box::leak(Box::new([region]));
        let spaces = Box::leak(Box::new([space(regions)]));
        let (errors, _) = judge(&Map { spaces, ..MAP });
        assert_eq!(!errors.has(Rule::LeafSizeInvalid), sound, "{unit:#x}");
    }
}

#[test]
fn linked_tables_are_judged_by_the_region_they_are_linked_in() {
    let tables = Tables { linked_in: Some("data"), runtime_edit: true, ..Tables::BLANK };
    let judge_with = |access, user| {
        let regions: &[Region<'static>] = Box::leak(Box::new([Region { access, user, ..DATA }]));
        let spaces = Box::leak(Box::new([Space { tables: Some(tables), ..space(regions) }]));
        judge(&Map { spaces, ..MAP }).0
    };
    assert!(judge_with(Access::kernel(Rights::RW), false).is_empty());
    assert!(judge_with(Access::kernel(Rights::R), false).has(Rule::TablesNotMapped));
    assert!(judge_with(Access::user(Rights::RW), true).has(Rule::TablesReachableByUser));
}

#[test]
fn tables_are_linked_in_no_window_and_no_device() {
    let judge_with = |region| {
        let tables = Tables { linked_in: Some("data"), ..Tables::BLANK };
        let spaces = Box::leak(Box::new([Space { tables: Some(tables), ..space(Box::leak(Box::new([region]))) }]));
        judge(&Map { spaces, ..MAP }).0
    };
    assert!(judge_with(DATA).is_empty());
    assert!(judge_with(Region { kind: Kind::Window, phys: Phys::None, ..DATA }).has(Rule::TablesOutsideRam));
    let device = Region { memory: Some(crate::attr::MemoryType::DeviceNgnre), ..DATA };
    assert!(judge_with(device).has(Rule::TablesOutsideRam));
}

#[test]
fn a_guard_cuts_whole_runs() {
    let judge_with = |pages: u64| {
        let run = Region { size: Some(0x2_0000), contiguous: Some(0x1_0000), ..DATA };
        let guard = Region {
            name: "guard",
            kind: Kind::Guard,
            virt: Virt::At(0x11_0000),
            phys: Phys::None,
            size: Some(pages << 12),
            inside: Some("data"),
            access: Access::kernel(Rights::NONE),
            ..DATA
        };
        let spaces = Box::leak(Box::new([space(Box::leak(Box::new([run, guard])))]));
        let cpu = Cpu { features: Some(crate::attr::Features::SVNAPOT), ..Cpu::BLANK };
        judge(&Map { spaces, cpu, ..MAP }).0
    };
    assert!(judge_with(16).is_empty());
    assert!(judge_with(1).has(Rule::GuardInsideLeaf));
}

#[test]
fn a_recursive_slot_is_for_formats_whose_pointers_read_as_pages() {
    let judge_with = |format| {
        let spaces = Box::leak(Box::new([Space { self_map_slot: Some(500), ..space(&[]) }]));
        judge(&Map { spaces, format, ..MAP }).0.has(Rule::ReservedEncoding)
    };
    assert!(!judge_with(crate::x86_64::Level4::FORMAT) && !judge_with(crate::x86::Legacy32::FORMAT));
    assert!(judge_with(Sv39::FORMAT) && judge_with(crate::x86_64::Ept4::FORMAT));
    assert!(judge_with(<crate::aarch64::El1<G4K, 39> as Regime>::FORMAT));
}

#[test]
fn absurd_numbers_are_findings_and_no_panics() {
    let spaces = Box::leak(Box::new([Space { self_map_slot: Some(512), ..space(&[DATA]) }]));
    assert!(judge(&Map { spaces, ..MAP }).0.has(Rule::VaOutOfRange));
    let regions = &[Region { virt: Virt::At(u64::MAX), size: Some(u64::MAX), guard_below: u64::MAX, ..DATA }];
    let spaces = Box::leak(Box::new([Space { asid: Some(u32::MAX), ..space(regions) }]));
    let cpu = Cpu { pa_bits: Some(u32::MAX), start_level: Some(i32::MIN), ..Cpu::BLANK };
    let (errors, _) = judge(&Map { spaces, cpu, ..MAP });
    assert!(errors.has(Rule::AddressWrap) && errors.has(Rule::AsidInvalid));
    let format = <Stage2<G4K, 40> as Regime>::FORMAT;
    let (errors, _) = judge(&Map { spaces, cpu, format, ..MAP });
    assert!(errors.has(Rule::StartLevelInvalid));
}

#[test]
fn a_reasoned_waiver_silences_one_rule_and_an_idle_one_is_reported() {
    const WAIVERS: &[Waiver<'_>] = &[
        Waiver { rule: "wx", reason: "just-in-time compiler", ..Waiver::BLANK },
        Waiver { rule: "wx_alias", reason: "not needed", ..Waiver::BLANK },
    ];
    const REGIONS: &[Region<'_>] = &[Region { access: Access::kernel(Rights::RWX), waivers: WAIVERS, ..DATA }];
    let regions = REGIONS;
    let spaces = Box::leak(Box::new([space(regions)]));
    let (errors, warnings) = judge(&Map { spaces, ..MAP });
    assert!(errors.is_empty());
    assert_eq!((warnings.len, warnings.list[0].rule), (1, Rule::WaiverUnused));
}

#[test]
fn an_isolated_space_has_no_device_without_an_iommu() {
    let regions = &[DATA];
    let devices = &[Device { name: "nic", owner: "kernel", iommu: false, ..Device::BLANK }];
    let spaces = Box::leak(Box::new([space(regions)]));
    let isolation = &[Isolation { spaces: &["kernel"], ..Isolation::BLANK }];
    let (errors, _) = judge(&Map { spaces, devices, isolation, ..MAP });
    assert_eq!((errors.total, errors.list[0].rule), (1, Rule::DmaUnprotected));
    assert_eq!(errors.list[0].culprits[0].name, "nic");
    let (errors, _) = judge(&Map { spaces, devices, ..MAP });
    assert!(errors.is_empty());
}

#[test]
fn findings_beyond_the_capacity_are_counted() {
    let mut findings = Findings::<2>::NONE;
    for number in 0..5 {
        findings.add(Finding { numbers: [number; MAX_NUMBERS], number_count: 1, ..Finding::new(Rule::Wx) });
    }
    assert_eq!((findings.len, findings.total), (2, 5));
}

#[test]
fn a_map_that_does_not_fit_is_not_sound() {
    let spaces = Box::leak(Box::new([space(Box::leak(Box::new([DATA; 3])))]));
    let map = Map { spaces, ..MAP };
    let (errors, warnings) = check::<2, 8>(&map, &Layout::<2>::of(&map));
    assert_eq!((errors.is_empty(), errors.total, errors.len), (false, 1, 0));
    assert!(warnings.is_empty());
}

#[test]
fn a_region_without_a_physical_side_is_one_finding() {
    let regions = Box::leak(Box::new([Region { phys: Phys::None, size: None, name: "ram", ..DATA }]));
    let map = Map { spaces: Box::leak(Box::new([space(regions)])), ..MAP };
    let (errors, _) = judge(&map);
    assert_eq!(errors.total, 1);
    let text = errors.as_slice()[0].to_string();
    assert!(text.contains("phys-undeclared") && text.contains("as in `=> ram`"), "{text}");
}

#[test]
fn a_tenant_that_has_a_whole_resource_has_the_tables_in_it() {
    let tables = Tables { phys: Phys::In { resource: "ram", offset: 0 }, ..Tables::BLANK };
    let user = Access::user(Rights::RW);
    for (size, access, expected) in
        [(Some(0x10_0000), user, 1), (Some(0x8_0000), user, 0), (Some(0x10_0000), DATA.access, 0)]
    {
        let regions = Box::leak(Box::new([Region { size, access, ..DATA }]));
        let spaces = Box::leak(Box::new([Space { tables: Some(tables), ..space(regions) }]));
        let (errors, _) = judge(&Map { spaces, ..MAP });
        assert_eq!((errors.total, errors.has(Rule::TablesReachableByUser)), (expected, expected == 1));
    }
}

#[test]
fn a_guest_does_not_map_the_tables_linked_in_its_region() {
    let tables = Tables { linked_in: Some("data"), ..Tables::BLANK };
    for role in [Role::Guest, Role::Kernel] {
        let space = Space { role, tables: Some(tables), ..space(Box::leak(Box::new([DATA]))) };
        let format = Stage2::<G4K, 40>::FORMAT;
        let (errors, _) = judge(&Map { format, spaces: Box::leak(Box::new([space])), ..MAP });
        assert_eq!(errors.has(Rule::TablesReachableByUser), matches!(role, Role::Guest));
    }
}

/// Indirection has sixteen permission indices for all spaces; the rights that get none have no encoding.
#[test]
fn the_seventeenth_pair_of_rights_has_no_permission_index() {
    use crate::attr::Features;

    let legal = [0, 1, 3, 4, 5, 7].map(Rights::from_bits);
    let pairs = legal.iter().flat_map(|&privileged| legal.map(|user| Access { privileged, user }));
    let pairs: std::vec::Vec<_> = pairs.filter(|access| !access.any().is_empty()).collect();
    for (count, unencodable) in [(16, 0), (17, 1)] {
        let regions: std::vec::Vec<_> = (1..=count)
            .map(|i| Region {
                name: "r",
                virt: Virt::At(i << 12),
                phys: Phys::At(i << 12),
                size: Some(0x1000),
                access: pairs[i as usize],
                ..Region::BLANK
            })
            .collect();
        let map = Map {
            name: "pairs",
            anchor: 0,
            format: crate::aarch64::El1::<G4K, 39>::FORMAT,
            cpu: Cpu { features: Some(Features::S1PIE), ..Cpu::BLANK },
            policy: Policy::BLANK,
            resources: &[Resource { name: "ram", base: 0, size: 1 << 30, ..Resource::BLANK }],
            spaces: &[Space { name: "kernel", regions: &regions, ..Space::BLANK }],
            channels: &[],
            isolation: &[],
            devices: &[],
            transitions: &[],
        };
        let (errors, _) = check::<32, 128>(&map, &Layout::of(&map));
        let found = errors.as_slice().iter().filter(|finding| finding.rule == Rule::RightsNotEncodable);
        assert_eq!(found.count(), unencodable, "{count} pairs");
    }
}

#[test]
fn a_dirty_page_that_is_not_writable_is_no_page_where_that_is_a_shadow_stack() {
    use crate::attr::Features;
    use crate::x86_64::Level4;
    fn broken(features: Features, rights: Rights) -> bool {
        let region = Region { dirty: true, access: Access::kernel(rights), ..DATA };
        let spaces = Box::leak(Box::new([space(Box::leak(Box::new([region])))]));
        let cpu = Cpu { features: Some(features), ..Cpu::BLANK };
        let map = Map { format: Level4::FORMAT, cpu, spaces, ..MAP };
        let (errors, _) = judge(&map);
        errors.has(Rule::ReservedEncoding)
    }
    let plain = Level4::FORMAT.default_features;
    assert!(broken(plain.union(Features::CET_SS), Rights::R));
    assert!(!broken(plain.union(Features::CET_SS), Rights::RW));
    assert!(!broken(plain, Rights::R));
}
