//! Maps that nobody would write: layout, rules and planner judge them, and neither panic nor run for ever.

#[cfg(feature = "evidence")]
#[path = "evidence/document.rs"]
mod document;

use proptest::collection::vec;
use proptest::prelude::*;
use tablature::aarch64::{El1, El2, El3, G4K, G16K, G64K, Stage2, Translation};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::Format;
use tablature::layout::{Demands, Layout, format_of};
use tablature::map::*;
use tablature::plan::{self, Base, Plans, Shape, Slot, Step, Steps, fill};
use tablature::regime::Regime;
use tablature::rule::{Findings, Rule, check};
use tablature::{aarch64, armv7, loongarch64, riscv, x86, x86_64};

/// More than the capacity of the smaller layout below.
const MOST_REGIONS: usize = 12;
const NAMES: [&str; 8] =
    ["", "a", "b", "kernel", "dram", "é\u{0}", "self", "a_name_that_is_longer_than_any_edit_distance_counts"];

/// Any width compiles.
static FORMATS: [Format; 30] = [
    <El1<G4K, 39> as Regime>::FORMAT,
    <El1<G4K, 48> as Regime>::FORMAT,
    <El1<G4K, 0> as Regime>::FORMAT,
    <El1<G4K, 12> as Regime>::FORMAT,
    <El1<G4K, 52> as Regime>::FORMAT,
    <El1<G4K, 63> as Regime>::FORMAT,
    <El1<G16K, 47> as Regime>::FORMAT,
    <El1<G64K, 52> as Regime>::FORMAT,
    <El1<G64K, { u32::MAX }> as Regime>::FORMAT,
    <El2<G4K, 1> as Regime>::FORMAT,
    <El2<G64K, 42> as Regime>::FORMAT,
    <El3<G16K, 64> as Regime>::FORMAT,
    <Stage2<G4K, 40> as Regime>::FORMAT,
    <Stage2<G4K, 52> as Regime>::FORMAT,
    <Stage2<G16K, 63> as Regime>::FORMAT,
    <Stage2<G64K, 3> as Regime>::FORMAT,
    riscv::Sv32::FORMAT,
    riscv::Sv39::FORMAT,
    riscv::Sv57::FORMAT,
    riscv::Sv48x4::FORMAT,
    x86_64::Level4::FORMAT,
    x86_64::Level5::FORMAT,
    x86_64::Ept5::FORMAT,
    x86::Legacy32::FORMAT,
    x86::Pae::FORMAT,
    loongarch64::La64::FORMAT,
    armv7::Lpae::FORMAT,
    armv7::Short::FORMAT,
    <armv7::LpaeStage2 as Regime>::FORMAT,
    <armv7::LpaeStage2<77> as Regime>::FORMAT,
];

/// Numbers that a map is made of, drawn one by one; zeroes when they run out.
struct Source(std::vec::IntoIter<u64>);

impl Source {
    fn raw(&mut self) -> u64 {
        self.0.next().unwrap_or(0)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.raw() % end as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.below(4) == 1
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.below(NAMES.len())]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.coin() { Some(make(self)) } else { None }
    }

    fn list<T>(&mut self, end: usize, mut make: impl FnMut(&mut Self) -> T) -> &'static [T] {
        let count = self.below(end);
        (0..count).map(|_| make(self)).collect::<Vec<T>>().leak()
    }

    /// An address or a size: often at a border.
    fn number(&mut self) -> u64 {
        let (kind, raw) = (self.below(8), self.raw());
        match kind {
            0 => 0,
            1 => 1 << (raw % 64),
            2 => (1 << (raw % 64)) - 1,
            3 => 0u64.wrapping_sub(1 << (raw % 64)),
            4 => 0xffff_8000_0000_0000 | ((raw % 64) << 12),
            5 => (raw % 64) << 12,
            6 => (raw % 64) << 21,
            _ => raw,
        }
    }

    fn phys(&mut self) -> Phys<'static> {
        match self.below(5) {
            0 => Phys::None,
            1 => Phys::At(self.number()),
            2 => Phys::Channel { channel: self.name(), offset: self.number() },
            3 => Phys::In { resource: self.name(), offset: self.number() },
            _ => Phys::In { resource: "dram", offset: (self.raw() % 64) << 12 },
        }
    }

    fn virt(&mut self) -> Virt<'static> {
        match self.below(4) {
            0 => Virt::Identity,
            1 => Virt::After { region: self.name(), gap: self.number() },
            _ => Virt::At(self.number()),
        }
    }

    fn rights(&mut self) -> Rights {
        Rights::from_bits(self.raw() as u8)
    }

    fn memory(&mut self) -> MemoryType {
        MemoryType::ALL[self.below(MemoryType::COUNT)]
    }

    fn features(&mut self) -> Features {
        let mut all = Features::NONE;
        for feature in
            [Features::LPA2, Features::LPA, Features::S1PIE, Features::SVNAPOT, Features::NX, Features::PDPE1GB]
        {
            if self.coin() {
                all = all.union(feature);
            }
        }
        all
    }

    fn region(&mut self) -> Region<'static> {
        const KINDS: [Kind; 7] =
            [Kind::Map, Kind::Identity, Kind::Linear, Kind::Window, Kind::Stack, Kind::Guard, Kind::Channel];
        Region {
            name: self.name(),
            kind: KINDS[self.below(KINDS.len())],
            virt: self.virt(),
            phys: self.phys(),
            size: self.maybe(Self::number).or(Some((1 + self.raw() % 8) << 12)),
            access: Access { privileged: self.rights(), user: self.rights() },
            bad_rights: if self.coin() && self.coin() { "rwq" } else { "" },
            user: self.coin(),
            memory: self.maybe(Self::memory),
            page: self.maybe(Self::number),
            page_max: self.maybe(Self::number),
            page_min: self.maybe(Self::number),
            contiguous: self.maybe(Self::number),
            round: self.maybe(Self::number),
            alias_of: self.maybe(Self::name),
            global: self.coin(),
            tables: self.coin(),
            bti: self.coin(),
            software: self.maybe(Self::number),
            raw_memory: self.maybe(Self::number),
            dirty: self.coin(),
            guard_below: if self.coin() { self.number() } else { 0 },
            guard_above: if self.coin() { self.number() } else { 0 },
            grows_up: self.coin(),
            worst_case: self.maybe(Self::number),
            guards: self.maybe(Self::name),
            inside: self.maybe(Self::name),
            waivers: self.list(3, |s| Waiver {
                rule: Rule::ALL[s.below(Rule::ALL.len())].id(),
                reason: s.name(),
                anchor: 0,
            }),
            ..Region::BLANK
        }
    }

    fn tables(&mut self) -> Tables<'static> {
        Tables {
            placement: [Placement::Linked, Placement::Placed, Placement::BootFilled][self.below(3)],
            phys: self.phys(),
            linked_in: self.maybe(Self::name),
            size: self.maybe(Self::number),
            hw_ad: self.coin(),
            preset_ad: self.coin(),
            runtime_edit: self.coin(),
            anchor: 0,
        }
    }

    fn image(&mut self) -> Image<'static> {
        let section = |s: &mut Self| Section {
            name: s.name(),
            region: s.maybe(Self::name),
            virt: s.number(),
            size: s.number(),
            rights: s.rights(),
            lma: s.maybe(Self::number),
            ..Section::BLANK
        };
        let (name, entry) = (self.name(), self.maybe(Self::number));
        Image { name, entry, sections: self.list(4, section), ..Image::BLANK }
    }

    fn space(&mut self) -> Space<'static> {
        const ROLES: [Role; 6] = [Role::Kernel, Role::Boot, Role::Run, Role::Firmware, Role::Partition, Role::Guest];
        Space {
            name: self.name(),
            role: ROLES[self.below(ROLES.len())],
            format: self.maybe(|s| FORMATS[s.below(FORMATS.len())]),
            asid: self.maybe(|s| s.number() as u32),
            budget: self.maybe(|s| s.number() as u32),
            tables: self.maybe(Self::tables),
            self_map_slot: self.maybe(|s| s.number() as u32),
            image: self.maybe(Self::image),
            regions: self.list(MOST_REGIONS / 2, Self::region),
            anchor: 0,
        }
    }

    fn resource(&mut self) -> Resource<'static> {
        Resource {
            name: self.name(),
            base: self.number(),
            size: self.number(),
            memory: self.memory(),
            reserved: self.coin(),
            owner: self.maybe(Self::name),
            rights: self.maybe(Self::rights),
            within: self.maybe(Self::name),
            anchor: 0,
        }
    }

    fn range(&mut self) -> Range<'static> {
        Range { name: self.name(), base: self.number(), size: self.number(), kind: self.name(), anchor: 0 }
    }

    fn parent(&mut self) -> Parent<'static> {
        Parent {
            name: self.name(),
            space: self.name(),
            virt: self.number(),
            size: self.number(),
            deny_user: self.coin(),
            deny_write: self.coin(),
            deny_exec: self.coin(),
            anchor: 0,
        }
    }

    fn cpu(&mut self) -> Cpu<'static> {
        Cpu {
            pa_bits: self.maybe(|s| s.number() as u32),
            features: self.maybe(Self::features),
            modes: self.maybe(Self::features),
            start_level: self.maybe(|s| if s.coin() { s.number() as i32 } else { (s.raw() % 7) as i32 - 3 }),
            mair: self.maybe(|s| s.list(10, Self::number)),
            pat: self.maybe(|s| s.list(10, Self::number)),
            mtrr: self.list(4, Self::range),
            pmp: self.list(4, Self::range),
            parents: self.list(3, Self::parent),
            anchor: 0,
        }
    }

    fn dma_window(&mut self) -> DmaWindow<'static> {
        DmaWindow {
            name: self.name(),
            iova: self.number(),
            phys: self.phys(),
            size: self.number(),
            rights: self.rights(),
            anchor: 0,
        }
    }

    fn device(&mut self) -> Device<'static> {
        Device {
            name: self.name(),
            owner: self.name(),
            iommu: self.coin(),
            addr_bits: self.maybe(|s| s.number() as u32),
            coherent: self.coin(),
            windows: self.list(4, Self::dma_window),
            anchor: 0,
        }
    }

    fn channel(&mut self) -> Channel<'static> {
        Channel {
            name: self.name(),
            phys: self.phys(),
            size: self.number(),
            from: self.name(),
            to: self.list(3, Self::name),
            two_way: self.coin(),
            anchor: 0,
        }
    }

    fn transition(&mut self) -> Transition<'static> {
        Transition {
            name: self.name(),
            from: self.maybe(Self::name),
            to: self.name(),
            pc: self.maybe(Self::number),
            sp: self.maybe(Self::number),
            vectors: self.maybe(Self::number),
            in_place: self.coin(),
            bbm: self.coin(),
            anchor: 0,
        }
    }

    fn map(&mut self) -> Map<'static> {
        Map {
            name: self.name(),
            anchor: 0,
            format: FORMATS[self.below(FORMATS.len())],
            cpu: self.cpu(),
            policy: Policy {
                stack_guards: self.coin(),
                leaves: if self.coin() { LeafPolicy::PagesOnly } else { LeafPolicy::Largest },
                tables_below: self.maybe(Self::number),
                table_pool: self.maybe(|s| Pool { phys: s.phys(), size: s.number(), anchor: 0 }),
            },
            resources: self.list(6, Self::resource),
            spaces: self.list(4, Self::space),
            channels: self.list(3, Self::channel),
            isolation: self.list(3, |s| Isolation {
                spaces: s.list(4, Self::name),
                except: s.list(2, Self::name),
                anchor: 0,
            }),
            devices: self.list(3, Self::device),
            transitions: self.list(3, Self::transition),
        }
    }
}

fn texts<const N: usize>(findings: &Findings<'_, N>) -> usize {
    findings.as_slice().iter().map(|finding| finding.to_string().len()).sum()
}

/// Everything that a program may ask about a map that it built at run time.
fn judge<const R: usize, const N: usize>(map: &Map<'_>) {
    let layout = Layout::<R>::of(map);
    let (errors, warnings) = check::<R, N>(map, &layout);
    assert!(errors.len <= N && texts(&errors) + texts(&warnings) < usize::MAX);
    let plans = Plans::<48, 3>::of(map, &layout, &Demands::of(map));
    for (s, space) in map.spaces.iter().enumerate() {
        let format = format_of(map, space);
        let count = plan::count(map, &layout, s, &format);
        // A region is cut at each hole and each border of a resource, and each piece into runs that grow and shrink.
        assert!(count <= 2 * R * (R + 2 * map.resources.len() + 1) * format.levels.max(1), "{count} steps");
        let shape = Shape::of(map, &layout, s, &format);
        assert_eq!(shape.tables(), plan::tables(map, &layout, s));
        same_plan(&plans, s, &collected(map, &layout, s, &format), shape);
        registers(map, s, &format);
        if errors.is_empty() && layout.len == tablature::layout::count_regions(map) && shape.tables() < 256 {
            fill_tables(map, &layout, s, &format, &shape);
        }
    }
}

fn registers(map: &Map<'_>, space: usize, format: &Format) {
    let _ = riscv::words(map, space, format);
    let _ = x86_64::words(map, space, format);
    let stage = if format.guest { Translation::Stage2 } else { Translation::El1 };
    let _ = aarch64::words(stage, aarch64::GranuleSize::Four, map, space, format);
}

fn collected<const R: usize>(map: &Map<'_>, layout: &Layout<R>, space: usize, format: &Format) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut all = Steps::new(map, layout, space, format);
    while let Some(step) = all.step() {
        steps.push(step);
    }
    steps
}

/// The plans of a map have its spaces as they are by themselves, and leave out only what has no room.
fn same_plan<const K: usize, const S: usize>(plans: &Plans<K, S>, space: usize, steps: &[Step], shape: Shape) {
    let before: usize = (0..space).filter_map(|s| plans.steps(s)).map(<[Step]>::len).sum();
    match (plans.steps(space), plans.shape(space)) {
        (Some(planned), Some(planned_shape)) => assert!(planned == steps && planned_shape == shape),
        (None, None) => {
            let ended = space > 0 && plans.steps(space - 1).is_none();
            assert!(ended || space >= S || before + steps.len() > K, "space {space}");
        }
        other => panic!("{other:?}"),
    }
}

fn fill_tables<const R: usize>(map: &Map<'_>, layout: &Layout<R>, space: usize, format: &Format, shape: &Shape) {
    let steps = collected(map, layout, space, format);
    let mut slots = vec![Slot::ABSENT; shape.tables() * (format.table_size() as usize / 8)];
    fill(format, shape, &steps, Base::At(0x10_0000), 0, &mut slots);
}

/// The document of whatever was declared, which keeps the schema; or why there is none.
#[cfg(feature = "evidence")]
fn write_down(map: &Map<'_>) {
    use tablature::evidence::{Evidence, Generator};
    match Evidence::of(map, &Generator::with_compiler("hostile", "0", "rustc")) {
        Ok(evidence) => assert!(document::Document::of(&evidence.to_json()).value.is_object()),
        Err(error) => assert!(error.to_string().starts_with("space "), "{error}"),
    }
}

#[cfg(not(feature = "evidence"))]
fn write_down(_: &Map<'_>) {}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_map_makes_the_rules_or_the_planner_panic(numbers in vec(any::<u64>(), 0..600)) {
        let map = Source(numbers.into_iter()).map();
        judge::<32, 16>(&map);
        // Too few places for the regions, and for the findings.
        judge::<2, 1>(&map);
        judge::<0, 0>(&map);
        write_down(&map);
    }
}
