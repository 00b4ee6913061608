//! Its kernel map, declared and built when it runs, and what it does with it.

use tablature::aarch64::{El1, G4K};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Limits, MapError, Mapping, Protect, RangeError, Reclaim};
use tablature::flush::{Id, Maintain, OneCore, Recorder};
use tablature::regime::{Regime, With};
use tablature::riscv::{Sv32, Sv39};
use tablature::table::Attributes;
use tablature::tables::{Memory, Ranges, TableMemory};
use tablature::walk::walk;
use tablature::x86_64::Level4;

use crate::arena::Arena;
use crate::kinds::{G, K, M, Space, live, space};

type Arm = El1<G4K, 39>;
type Riscv = With<Sv39, { Features::SVPBMT.bits() }>;

tablature::memory_map! {
    /// Awkernel on QEMU's `virt` with four cores and 2 GiB. Theirs maps the heap a second time, uncached, which no map may.
    mod awkernel_virt for aarch64::El1<G4K, 39>;

    cpu { pa_bits = 40; }
    policy { stack_guards; }

    physical {
        gic      : 0x0800_0000, 1 MiB, device;
        uart     : 0x0900_0000, 4 KiB, device;
        pcie_bar : 0x1000_0000, 256 MiB, device;
        dram     : 0x4000_0000, 2 GiB, normal;
        ecam     : 0x40_1000_0000, 256 MiB, device;
    }
    space kernel {
        tables <= 24;
        gic      (rw) : identity;
        uart     (rw) : identity;
        pcie_bar (rw) : identity;
        boot     (rx) : identity => dram, 4 KiB;
        code     (rx) : identity => dram + 0x8_0000, 0x18_0000;
        rodata   (r)  : identity => dram + 2 MiB, 1 MiB;
        data     (rw) : identity => dram + 3 MiB, 512 KiB;
        bss      (rw) : identity => dram + 0x38_0000, 512 KiB;
        stack_0  (rw) : identity => dram + 0x40_1000, 0x1f_f000, guard below;
        stack_1  (rw) : identity => dram + 0x60_1000, 0x1f_f000, guard below;
        stack_2  (rw) : identity => dram + 0x80_1000, 0x1f_f000, guard below;
        stack_3  (rw) : identity => dram + 0xa0_1000, 0x1f_f000, guard below;
        dtb      (r)  : identity => dram + 128 MiB, 1 MiB;
        dma_0    (rw) : identity => dram + 256 MiB, 64 MiB, memory normal_nc;
        dma_1    (rw) : identity => dram + 320 MiB, 64 MiB, memory normal_nc;
        heap     (rw) : 0x50_0000_0000 => dram + 384 MiB, 1664 MiB;
        ecam     (rw) : identity;
    }
}

/// Its flags, and what they are here.
#[derive(Clone, Copy)]
struct Flags {
    execute: bool,
    write: bool,
    cache: bool,
    device: bool,
}

const CODE: Flags = Flags { execute: true, write: false, cache: true, device: false };
const READ: Flags = Flags { execute: false, write: false, cache: true, device: false };
const DATA: Flags = Flags { execute: false, write: true, cache: true, device: false };
const DMA: Flags = Flags { execute: false, write: true, cache: false, device: false };
const DEVICE: Flags = Flags { execute: false, write: true, cache: false, device: true };

impl Flags {
    /// Memory that the format cannot give a type has that of the bus.
    fn attributes<R: Regime>(self) -> Attributes {
        let write = if self.write { Rights::W } else { Rights::NONE };
        let execute = if self.execute { Rights::X } else { Rights::NONE };
        let typed = R::FORMAT.memory[0][MemoryType::DeviceNgnre as usize] != tablature::format::NOT_ENCODABLE;
        let memory = match self {
            _ if !typed => MemoryType::Inherent,
            Self { device: true, .. } => MemoryType::DeviceNgnre,
            Self { cache: false, .. } => MemoryType::NormalNc,
            _ => MemoryType::NormalWb,
        };
        Attributes::new(Access::kernel(Rights::R.union(write).union(execute)), memory)
    }
}

/// First byte, bytes, flags; all identical but the heap.
const ELEMENTS: [(&str, u64, u64, Flags); 17] = [
    ("GIC", 0x0800_0000, M, DEVICE),
    ("UART", 0x0900_0000, 4 * K, DEVICE),
    ("PCIe BARs", 0x1000_0000, 256 * M, DEVICE),
    ("boot page of other CPUs", 0x4000_0000, 4 * K, CODE),
    ("code", 0x4008_0000, 0x18_0000, CODE),
    ("rodata", 0x4020_0000, M, READ),
    ("data", 0x4030_0000, 512 * K, DATA),
    ("bss", 0x4038_0000, 512 * K, DATA),
    ("stack of CPU 0", 0x4040_1000, 0x1f_f000, DATA),
    ("stack of CPU 1", 0x4060_1000, 0x1f_f000, DATA),
    ("stack of CPU 2", 0x4080_1000, 0x1f_f000, DATA),
    ("stack of CPU 3", 0x40a0_1000, 0x1f_f000, DATA),
    ("DTB", 0x4800_0000, M, READ),
    ("DMA pool of node 0", 0x5000_0000, 64 * M, DMA),
    ("DMA pool of node 1", 0x5400_0000, 64 * M, DMA),
    ("heap", 0x5800_0000, 1664 * M, DATA),
    ("ECAM", 0xc400_0000, 64 * M, DEVICE),
];

/// Guards, and what lies beside the map.
const ABSENT: [u64; 7] = [0, 0x4000_1000, 0x4040_0000, 0x4060_0000, 0x4080_0000, 0x40a0_0000, 0xc3ff_f000];

fn virt(address: u64) -> VirtAddr {
    VirtAddr::new(address)
}

fn kernel<R: Maintain>() -> (Space<R>, Arena<R>) {
    let (mut space, arena) = space::<R>(128);
    for (name, start, size, flags) in ELEMENTS {
        let request = Mapping::identity(PhysAddr::new(start), size, flags.attributes::<R>());
        space.map(&request).unwrap_or_else(|error| panic!("{}: {name}: {error}", R::FORMAT.name));
    }
    (space, arena)
}

/// Formats have one type for all devices, or leave memory to the bus.
fn reads_as(found: MemoryType, asked: MemoryType) -> bool {
    found == asked
        || (found.is_device() && asked.is_device())
        || (found, asked) == (MemoryType::Inherent, MemoryType::NormalWb)
}

fn is_expressed<R: Maintain>() {
    let (space, arena) = kernel::<R>();
    for (name, start, size, flags) in ELEMENTS {
        let all = space.query(virt(start), size).unwrap_or_else(|error| panic!("{}: {name}: {error}", R::FORMAT.name));
        assert_eq!(all.phys, Some(PhysAddr::new(start)), "{name}");
        assert_eq!(all.attributes.access, flags.attributes::<R>().access, "{name}");
        let (found, asked) = (all.attributes.memory, flags.attributes::<R>().memory);
        assert!(reads_as(found, asked), "{}: {name}: {found:?}", R::FORMAT.name);
    }
    assert!(ABSENT.iter().all(|&hole| space.translate(virt(hole)).is_err()), "{}", R::FORMAT.name);
    space.free();
    assert_eq!(arena.used(), 0);
}

#[test]
fn each_element_of_its_kernel_map_is_built_at_run_time() {
    is_expressed::<Arm>();
    is_expressed::<Riscv>();
    is_expressed::<Sv32>();
    is_expressed::<Level4>();
}

#[test]
fn its_kernel_map_is_declared() {
    use awkernel_virt::kernel as declared;
    const { assert!(awkernel_virt::SOUND) };
    let regions = awkernel_virt::MAP.spaces[0].regions;
    let of = |name: &str| regions.iter().find(|region| region.name == name).expect(name);
    assert_eq!(of("code").access, Access::kernel(Rights::RX));
    assert_eq!(of("dtb").access, Access::kernel(Rights::R));
    assert_eq!(of("dma_1").memory, Some(MemoryType::NormalNc));
    assert_eq!((declared::stack_1::START, declared::stack_1::SIZE), (0x4060_1000, 0x1f_f000));
    assert_eq!(declared::heap::START, 0x50_0000_0000);
    assert_eq!(regions.len(), 17);
}

/// `map_to`, `vm_to_phy`, `unmap`, and their errors: AlreadyMapped, AddressNotAligned, OutOfMemory, InvalidPageTable.
#[test]
fn pages_are_mapped_translated_and_refused_as_there() {
    let (mut space, arena) = space::<Arm>(8);
    let page = |at, to| Mapping::new(virt(at), PhysAddr::new(to), 4 * K, DATA.attributes::<Arm>());
    assert_eq!(space.map(&page(0x1000, 0x9000)), Ok(()));
    assert_eq!(space.translate(virt(0x1234)), Ok(PhysAddr::new(0x9234)));
    assert!(matches!(space.map(&page(0x1000, 0x9000)), Err(MapError::AlreadyMapped(_))));
    assert!(matches!(space.map(&page(0x1008, 0x9000)), Err(MapError::Range(RangeError::UnalignedVirt { .. }))));
    assert!(matches!(space.map(&page(0x2000, 0x9008)), Err(MapError::UnalignedPhys(_))));
    arena.limit(1);
    assert_eq!(space.map(&page(G, 0x9000)), Err(MapError::OutOfTables(2)));
    let root = space.roots().lower.expect("a root");
    arena.poke(root + 8, |_| 0x7000_0003);
    assert_eq!(space.map(&page(G, 0x9000)), Err(MapError::NoTable(PhysAddr::new(0x7000_0000))));
    arena.poke(root + 8, |_| 0);
    space.unmap(virt(0x1000), 4 * K, Reclaim::Free).expect("mapped");
    assert!(space.translate(virt(0x1234)).is_err());
    space.free();
}

/// TTBR0 or TTBR1, by the address.
#[test]
fn each_half_has_its_root() {
    let (mut space, arena) = space::<Arm>(16);
    let high = 0xffff_ff80_0000_0000;
    for (at, to) in [(0x1000, 0x9000), (high + 0x1000, 0xa000)] {
        let request = Mapping::new(virt(at), PhysAddr::new(to), 4 * K, DATA.attributes::<Arm>());
        space.map(&request).expect("mapped");
    }
    let roots = space.roots();
    let seen = |lower, upper, at| walk(&Arm::FORMAT, lower, upper, at, |entry| arena.entry(entry)).ok();
    assert_eq!(seen(roots.lower, None, 0x1000).map(|found| found.address), Some(0x9000));
    assert_eq!(seen(None, roots.upper, high + 0x1000).map(|found| found.address), Some(0xa000));
    assert!(seen(roots.upper, None, 0x1000).is_some_and(|found| found.address == 0xa000));
    space.free();
}

struct SixteenRanges;

impl Kind for SixteenRanges {
    type Regime = Arm;
    type Memory = Memory<Arena<Arm>, Ranges<16>>;
    type Hardware = Recorder<<Arm as Maintain>::Architecture, 64>;
    type Reach = OneCore;
}

/// Its frame allocator: no heap, sixteen ranges.
#[test]
fn tables_come_out_of_sixteen_ranges() {
    let mut arena = Arena::<Arm>::new(64);
    let mut ranges = Ranges::<16>::new();
    for number in 0..17 {
        let start = arena.allocate(2).expect("memory");
        // SAFETY: the arena has just given it out.
        assert_eq!(unsafe { ranges.add(start, 8 * K) }, number < 16);
    }
    let mut space = AddressSpace::<SixteenRanges>::new(Memory::new(arena, ranges), Halves::Lower).expect("a root");
    let page = |number: u64| Mapping::new(virt(number * 2 * M), PhysAddr::new(0x9000), 4 * K, DATA.attributes::<Arm>());
    // A root, a table, and thirty last ones are all there is.
    for number in 0..30 {
        assert_eq!(space.map(&page(number)), Ok(()));
    }
    assert_eq!(space.map(&page(30)), Err(MapError::OutOfTables(1)));
    space.unmap(virt(0), 2 * M, Reclaim::Free).expect("mapped");
    assert_eq!(space.map(&page(30)), Ok(()));
    let _ = space.into_roots();
}

/// Tables of the GIC's ITS: a device's while they are set up, then cached again.
#[test]
fn memory_of_the_its_changes_its_type_while_the_kernel_runs() {
    let (its, size) = (0x6000_0000, 64 * K);
    let (space, _) = kernel::<Arm>();
    let mut space = live(space.with_id(Id::One(1)));
    for memory in [MemoryType::DeviceNgnre, MemoryType::NormalWb] {
        let before = space.hardware().executed();
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.protect(virt(its), size, &Protect::memory(memory)) }.expect("mapped");
        assert!(space.hardware().executed() > before, "broken before it is made");
        space.flush(token);
        let all = space.query(virt(its), size).expect("uniform");
        assert_eq!((all.phys, all.attributes.memory), (Some(PhysAddr::new(its)), memory));
        let beside = space.query(virt(its + size), size).expect("uniform");
        assert_eq!(beside.attributes.memory, MemoryType::NormalWb);
    }
}

/// The guard of a stack is made by unmapping a page of the heap, inside of a block.
#[test]
fn a_guard_is_made_by_unmapping_while_the_kernel_runs() {
    fn guard<R: Maintain>() {
        let stack = 0x5900_0000;
        let (space, _) = kernel::<R>();
        let mut space = live(space);
        // SAFETY: no hardware uses tables in an arena.
        let token = unsafe { space.unmap(virt(stack), 4 * K, Reclaim::Free) }.expect("mapped");
        assert!(!token.scope().duty.is_none(), "{}", R::FORMAT.name);
        space.reclaim(token);
        assert!(space.translate(virt(stack)).is_err(), "{}", R::FORMAT.name);
        for beside in [stack - 1, stack + 4 * K] {
            assert_eq!(space.translate(virt(beside)), Ok(PhysAddr::new(beside)), "{}", R::FORMAT.name);
        }
    }
    guard::<Arm>();
    guard::<Riscv>();
    guard::<Sv32>();
    guard::<Level4>();
}

/// The physical pieces of a buffer: what a device is told. And `MapArea`: identical, or framed page by page.
#[test]
fn a_buffer_is_a_list_of_physical_pieces() {
    let (mut space, _) = space::<Riscv>(16);
    let frames = [0x8000_3000, 0x8000_4000, 0x9000_0000, 0x8000_1000];
    let start = 0x10_0000;
    let to = |at: VirtAddr| PhysAddr::new(frames[((at.as_u64() - start) / (4 * K)) as usize]);
    space.map_with(virt(start), 16 * K, DATA.attributes::<Riscv>(), Limits::ANY, to).expect("mapped");
    let identical = Mapping::identity(PhysAddr::new(0x20_0000), 2 * M, DATA.attributes::<Riscv>());
    space.map(&identical).expect("mapped");
    let (first, last) = (start + 0x800, start + 16 * K - 1);
    let pieces: Vec<(u64, u64)> = space
        .iter(virt(first))
        .take_while(|region| region.virt.as_u64() <= last)
        .map(|region| {
            let skipped = first.saturating_sub(region.virt.as_u64());
            (region.phys.as_u64() + skipped, region.size - skipped)
        })
        .collect();
    assert_eq!(pieces, [(0x8000_3800, 0x1800), (0x9000_0000, 0x1000), (0x8000_1000, 0x1000)]);
    space.free();
}
