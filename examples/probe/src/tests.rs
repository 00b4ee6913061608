//! The engine against a machine that is a table of pages: every kind of wrong page is found.

use std::collections::BTreeMap;
use std::string::String;

use tablature::aarch64::{El1, G4K};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::layout::Layout;
use tablature::map::{Cpu, Kind, Map, Phys, Policy, Region, Resource, Space, Virt};
use tablature::regime::Regime;

use crate::{Fault, Machine, Register, Report, Right, Spot, Walk, Who, Width, run};

const HIGH: u64 = 0xffff_ff80_0000_0000;
const RAM: u64 = 0x4000_0000;
const UART: u64 = 0x0900_0000;
const NORMAL: u8 = 0xff;

const fn in_ram(offset: u64) -> Phys<'static> {
    Phys::In { resource: "dram", offset }
}

const fn region(name: &'static str, virt: u64, phys: Phys<'static>, size: u64, access: Access) -> Region<'static> {
    Region { name, virt: Virt::At(virt), phys, size: Some(size), access, ..Region::BLANK }
}

static REGIONS: [Region<'static>; 6] = [
    Region { kind: Kind::Guard, ..region("null", 0, Phys::None, 0x1000, Access::kernel(Rights::NONE)) },
    region("text", HIGH, in_ram(0), 0x2000, Access::kernel(Rights::RX)),
    region("data", HIGH + 0x2000, in_ram(0x2000), 0x2000, Access::kernel(Rights::RW)),
    Region {
        kind: Kind::Stack,
        guard_below: 0x1000,
        ..region("stack", HIGH + 0x10_0000, in_ram(0x4000), 0x1000, Access::kernel(Rights::RW))
    },
    region("user", HIGH + 0x20_0000, in_ram(0x5000), 0x1000, Access::user(Rights::R)),
    region("uart", UART, Phys::In { resource: "uart", offset: 0 }, 0x1000, Access::kernel(Rights::RW)),
];

static MAP: Map<'static> = Map {
    name: "test",
    anchor: 0,
    format: <El1<G4K, 39> as Regime>::FORMAT,
    cpu: Cpu::BLANK,
    policy: Policy::BLANK,
    resources: &[
        Resource { name: "dram", base: RAM, size: 0x10_0000, ..Resource::BLANK },
        Resource { name: "uart", base: UART, size: 0x1000, memory: MemoryType::DeviceNgnre, ..Resource::BLANK },
    ],
    spaces: &[Space { name: "kernel", regions: &REGIONS, ..Space::BLANK }],
    channels: &[],
    isolation: &[],
    devices: &[],
    transitions: &[],
};

const SCRATCH: Register = Register { region: "uart", offset: 0x24, width: Width::Word, marks: Some([1, 2]) };

/// A page of the fake machine.
#[derive(Clone, Copy)]
struct Page {
    phys: u64,
    access: Access,
    memory: u8,
}

/// Translates by a table of pages. With `WALKS` it answers like an instruction that asks the MMU, else by observation.
struct Fake<const WALKS: bool> {
    pages: BTreeMap<u64, Page>,
    reads_of_device: u32,
}

impl<const WALKS: bool> Fake<WALKS> {
    /// The pages as they should be, written down by hand and not by way of the declaration.
    fn sound() -> Self {
        let mut pages = BTreeMap::new();
        let mut add = |virt: u64, phys: u64, access: Access, memory: u8| {
            pages.insert(virt >> 12, Page { phys, access, memory });
        };
        add(HIGH, RAM, Access::kernel(Rights::RX), NORMAL);
        add(HIGH + 0x1000, RAM + 0x1000, Access::kernel(Rights::RX), NORMAL);
        add(HIGH + 0x2000, RAM + 0x2000, Access::kernel(Rights::RW), NORMAL);
        add(HIGH + 0x3000, RAM + 0x3000, Access::kernel(Rights::RW), NORMAL);
        add(HIGH + 0x10_0000, RAM + 0x4000, Access::kernel(Rights::RW), NORMAL);
        add(HIGH + 0x20_0000, RAM + 0x5000, Access::user(Rights::R), NORMAL);
        add(UART, UART, Access::kernel(Rights::RW), 0x04);
        Self { pages, reads_of_device: 0 }
    }

    fn page(&mut self, virt: u64) -> &mut Page {
        self.pages.get_mut(&(virt >> 12)).expect("the page is there")
    }

    fn reach(&self, virt: u64, right: Right, who: Who) -> Result<u64, Fault> {
        let page = self.pages.get(&(virt >> 12)).ok_or(Fault::Unmapped)?;
        let rights = match who {
            Who::Kernel => page.access.privileged,
            Who::User => page.access.user,
        };
        let needed = match right {
            Right::Read => Rights::R,
            Right::Write => Rights::W,
            Right::Execute => Rights::X,
        };
        if rights.contains(needed) { Ok(page.phys + (virt & 0xfff)) } else { Err(Fault::Denied) }
    }
}

impl<const WALKS: bool> Machine for Fake<WALKS> {
    const WALKS: bool = WALKS;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        if !WALKS && (who == Who::User || right != Right::Read) {
            return Walk::Silent;
        }
        match self.reach(spot.virt, right, who) {
            Ok(phys) if WALKS => Walk::To(phys),
            Ok(phys) if Some(phys) == spot.phys => Walk::Same,
            Ok(_) => Walk::Other,
            Err(_) => Walk::Nowhere,
        }
    }

    fn memory(&mut self, virt: u64) -> Option<u8> {
        if WALKS { self.pages.get(&(virt >> 12)).map(|page| page.memory) } else { None }
    }

    fn read(&mut self, virt: u64, _: Width) -> Result<u32, Fault> {
        self.reads_of_device += u32::from(virt & !0xfff == UART && virt != UART + SCRATCH.offset);
        self.reach(virt, Right::Read, Who::Kernel).map(|_| 0)
    }

    fn write(&mut self, virt: u64, _: Width) -> Result<(), Fault> {
        self.reach(virt, Right::Write, Who::Kernel).map(|_| ())
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        self.reach(virt, Right::Execute, Who::Kernel).map(|_| ())
    }

    fn is_harmless(&self, word: u32) -> bool {
        word == 0
    }
}

fn report<const WALKS: bool>(fake: &mut Fake<WALKS>, registers: &[Register]) -> (Report, String) {
    let layout = Layout::<6>::of(&MAP);
    let mut out = String::new();
    let report = run(fake, &mut out, (&MAP, &layout, 0), registers).expect("a string takes it");
    (report, out)
}

/// Mismatches, on both kinds of machine, after `spoil` has changed the page at `virt`.
fn spoilt(virt: u64, spoil: impl Fn(&mut Page)) -> [u32; 2] {
    let (mut walker, mut other) = (Fake::<true>::sound(), Fake::<false>::sound());
    spoil(walker.page(virt));
    spoil(other.page(virt));
    [report(&mut walker, &[SCRATCH]).0.mismatches, report(&mut other, &[SCRATCH]).0.mismatches]
}

#[test]
fn a_sound_machine_has_no_mismatch() {
    let mut fake = Fake::<true>::sound();
    let (walker, text) = report(&mut fake, &[SCRATCH]);
    assert_eq!((walker.regions, walker.mismatches), (6, 0), "{text}");
    assert!(walker.is_good() && walker.faults > 0);
    assert_eq!(fake.reads_of_device, 0);
    assert_eq!(text.lines().count(), 7);
    assert!(std::format!("{walker}").ends_with(" probes, 0 mismatches"));
    let mut fake = Fake::<false>::sound();
    let (other, text) = report(&mut fake, &[SCRATCH]);
    assert_eq!((other.regions, other.mismatches), (6, 0), "{text}");
    assert!(other.probes < walker.probes && fake.reads_of_device == 0);
}

#[test]
fn a_wrong_physical_address_is_found() {
    for virt in [HIGH, HIGH + 0x3000, HIGH + 0x10_0000, UART] {
        assert!(spoilt(virt, |page| page.phys += 0x1000).iter().all(|&wrong| wrong > 0), "{virt:#x}");
    }
}

#[test]
fn a_missing_right_is_found() {
    for (virt, rights) in [(HIGH, Rights::R), (HIGH + 0x2000, Rights::R), (HIGH + 0x1000, Rights::X), (UART, Rights::R)]
    {
        let wrong = spoilt(virt, |page| page.access = Access::kernel(rights));
        assert!(wrong.iter().all(|&wrong| wrong > 0), "{virt:#x}");
    }
}

#[test]
fn an_extra_right_is_found() {
    for virt in [HIGH, HIGH + 0x1000, HIGH + 0x2000, HIGH + 0x10_0000, UART] {
        let wrong = spoilt(virt, |page| page.access = Access::kernel(Rights::RWX));
        assert!(wrong.iter().all(|&wrong| wrong > 0), "{virt:#x}");
    }
}

#[test]
fn a_right_of_the_user_is_found_by_a_machine_that_can_tell() {
    let wrong = spoilt(HIGH, |page| page.access.user = Rights::X);
    assert_eq!(wrong, [2, 0]);
}

#[test]
fn a_wrong_memory_type_is_found_by_a_machine_that_can_tell() {
    assert_eq!(spoilt(UART, |page| page.memory = NORMAL)[1], 0);
    assert!(spoilt(UART, |page| page.memory = NORMAL)[0] > 0);
}

#[test]
fn a_missing_page_is_found() {
    for virt in [HIGH, HIGH + 0x2000, HIGH + 0x10_0000, UART] {
        let mut fake = Fake::<false>::sound();
        fake.pages.remove(&(virt >> 12));
        assert!(report(&mut fake, &[SCRATCH]).0.mismatches > 0, "{virt:#x}");
    }
}

#[test]
fn a_hole_that_is_mapped_is_found() {
    // The null guard, the stack's guard, and the pages just outside three regions.
    for virt in [0, HIGH + 0xf_f000, HIGH + 0x4000, HIGH + 0x1f_f000, UART + 0x1000] {
        let mut fake = Fake::<false>::sound();
        fake.pages.insert(virt >> 12, Page { phys: RAM, access: Access::kernel(Rights::R), memory: NORMAL });
        assert!(report(&mut fake, &[SCRATCH]).0.mismatches > 0, "{virt:#x}");
    }
}

#[test]
fn a_page_is_found_wherever_a_table_has_room_for_it() {
    // In the tables that are there: beside the regions, at the other end of each half, and between.
    for virt in
        [0x20_0000, 0x7f_c000_0000, UART + 0x1f_f000 - 0x1000, HIGH + 0x1_5000, HIGH + 0x4000_0000, !0x3fff_ffff]
    {
        let mut fake = Fake::<false>::sound();
        let leaf = Page { phys: RAM, access: Access::kernel(Rights::RX), memory: NORMAL };
        assert!(fake.pages.insert(virt >> 12, leaf).is_none());
        let (report, text) = report(&mut fake, &[SCRATCH]);
        assert_eq!(report.mismatches, 2, "{virt:#x}: {text}");
        assert!(text.contains("2 WRONG"), "{text}");
    }
}

#[test]
fn a_device_without_a_safe_register_is_a_mismatch() {
    let (walker, text) = report(&mut Fake::<true>::sound(), &[]);
    assert_eq!(walker.mismatches, 1, "{text}");
    assert!(text.contains("no register is safe"));
    let (other, text) = report(&mut Fake::<false>::sound(), &[]);
    assert_eq!(other.mismatches, 2, "{text}");
    let (other, text) = report(&mut Fake::<false>::sound(), &[Register { marks: None, ..SCRATCH }]);
    assert_eq!(other.mismatches, 1, "{text}");
    assert!(text.contains("no register of this leaf"));
}
