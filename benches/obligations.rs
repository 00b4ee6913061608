//! What is flushed of a live space, counted in recorders: no more than the architectures ask for.

use tablature::aarch64::{self, A64, Instruction};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Live, Mapping, Protect, Reclaim};
use tablature::flush::{Architecture, OneCore, Recorder};
use tablature::regime::With;
use tablature::riscv::operation::Op as Fence;
use tablature::riscv::{self, RiscV};
use tablature::table::Attributes;
use tablature::tables::{Identity, Memory, Ranges};
use tablature::x86_64::operation::{Op, Register};
use tablature::x86_64::{self, X86};

use crate::budget::Verdict;

/// As many operations as are held: none of the changes executes more.
const HELD: usize = 64;
const PAGE: u64 = 0x1000;
/// Where a page is changed alone, where a few are, which go by address, and many, of which everything is dropped at once.
const PLACES: [(u64, u64); 3] = [(0x4000_0000, 1), (0x4010_0000, 8), (0x4020_0000, 4096)];

/// As many tables as there is room for.
const TABLES: usize = 32;

#[repr(C, align(4096))]
struct Table([u64; 512]);

#[derive(Clone, Copy, Debug)]
enum Change {
    Map,
    Protect,
    Unmap,
}

/// Changes one after the other: of which place, and how many invalidations the manuals ask for, where what was absent may be
/// cached (RISC-V without Svvptc) and where it is not.
const CHANGES: [(Change, usize, [usize; 2]); 12] = [
    (Change::Map, 0, [1, 0]),
    (Change::Map, 1, [8, 0]),
    (Change::Map, 2, [1, 0]),
    (Change::Protect, 0, [1, 1]),
    (Change::Protect, 1, [8, 8]),
    (Change::Protect, 2, [1, 1]),
    // What is so already.
    (Change::Protect, 0, [0, 0]),
    (Change::Protect, 1, [0, 0]),
    (Change::Unmap, 0, [1, 1]),
    (Change::Unmap, 1, [8, 8]),
    (Change::Unmap, 2, [1, 1]),
    (Change::Unmap, 2, [0, 0]),
];

/// What a live space of the kind `K` owed for each change.
fn counts<A, K>(memory: MemoryType, is_invalidation: fn(&A::Op) -> bool) -> Vec<usize>
where
    A: Architecture,
    K: Kind<Memory = Memory<Identity, Ranges<1>>, Hardware = Recorder<A, HELD>, Reach = OneCore>,
{
    let room: &mut [Table; TABLES] = Box::leak(Box::new([const { Table([0; 512]) }; TABLES]));
    let (start, bytes) = (room.as_mut_ptr().expose_provenance() as u64, size_of::<[Table; TABLES]>() as u64);
    let mut tables = Ranges::new();
    // SAFETY: it is memory that nobody else has.
    assert!(unsafe { tables.add(PhysAddr::new(start), bytes) });
    // SAFETY: it is seen at its address, and its provenance is exposed.
    let view = unsafe { Identity::new(PhysAddr::new(start), bytes) };
    let mut space = AddressSpace::<K>::new(Memory::new(view, tables), Halves::Lower).expect("there are tables");
    // The tables of the few are there: what is mapped is a page and nothing else.
    let data = Attributes::new(Access::kernel(Rights::RW), memory);
    let beside = VirtAddr::new(PLACES[0].0 + PAGE);
    space.map(&Mapping::new(beside, PhysAddr::new(0), PAGE, data)).expect("it is free");
    // SAFETY: a recorder executes nothing.
    let mut space = unsafe { space.assume_live(Recorder::new()) };
    let counted = |(change, place, _): &(Change, usize, _)| {
        space.hardware().clear();
        make(*change, PLACES[*place], &mut space, data);
        assert!(space.hardware().executed() <= HELD, "{change:?}: more than is held");
        space.hardware().ops().iter().filter(|op| is_invalidation(op)).count()
    };
    CHANGES.iter().map(counted).collect()
}

/// Changes pages of a space, and pays what that owes.
fn make<K: Kind>(change: Change, (start, pages): (u64, u64), space: &mut AddressSpace<K, Live>, data: Attributes) {
    let (virt, size) = (VirtAddr::new(start), pages * PAGE);
    match change {
        Change::Map => {
            // Never congruent to a larger leaf.
            let request = Mapping::new(virt, PhysAddr::new(start + PAGE), size, data);
            // SAFETY: no hardware uses the space, and nobody its pages, here and below.
            let owed = unsafe { space.map(&request) }.expect("it is free");
            space.reclaim(owed);
        }
        Change::Protect => {
            // SAFETY: as above.
            let owed = unsafe { space.protect(virt, size, &Protect::access(Access::kernel(Rights::R))) };
            space.flush(owed.expect("it is mapped"));
        }
        Change::Unmap => {
            // SAFETY: as above.
            let owed = unsafe { space.unmap(virt, size, Reclaim::Keep) }.expect("it is a range");
            space.reclaim(owed);
        }
    }
}

macro_rules! kinds {
    ($($kind:ident: $regime:ty, $cpu:ty;)*) => { $(
        enum $kind {}

        impl Kind for $kind {
            type Regime = $regime;
            type Memory = Memory<Identity, Ranges<1>>;
            type Hardware = Recorder<$cpu, HELD>;
            type Reach = OneCore;
        }
    )* };
}

kinds! {
    Level4: x86_64::Level4, X86;
    El1: aarch64::El1<aarch64::G4K, 39>, A64;
    Sv39: riscv::Sv39, RiscV;
    Svvptc: With<riscv::Sv39, { Features::SVVPTC.bits() }>, RiscV;
}

/// How many invalidations were executed on each architecture, beside how many it asks for.
#[must_use]
pub fn counted() -> Vec<(&'static str, Vec<(usize, usize)>)> {
    let x86 = |op: &Op| !matches!(op, Op::Write(register, _) if *register != Register::Cr3);
    let arm = |op: &Instruction| matches!(op, Instruction::Invalidate(..));
    let fences: fn(&Fence) -> bool = |_| true;
    let (wb, bus) = (MemoryType::NormalWb, MemoryType::Inherent);
    let all = [
        ("x86-64", counts::<X86, Level4>(wb, x86), 1),
        ("AArch64", counts::<A64, El1>(wb, arm), 1),
        ("RISC-V", counts::<RiscV, Sv39>(bus, fences), 0),
        ("RISC-V with Svvptc", counts::<RiscV, Svvptc>(bus, fences), 1),
    ];
    let beside = |counts: Vec<usize>, column: usize| {
        counts.into_iter().zip(CHANGES).map(|(count, (.., asked))| (count, asked[column])).collect()
    };
    all.into_iter().map(|(name, counts, column)| (name, beside(counts, column))).collect()
}

/// How many invalidations are more than asked for.
#[must_use]
pub fn verdict() -> Verdict {
    let excess = |(count, asked): &(usize, usize)| count.saturating_sub(*asked);
    let more: usize = counted().iter().flat_map(|(_, list)| list).map(excess).sum();
    Verdict { exact: true, ..Verdict::new("obligations: invalidations beyond those asked for", 0.0, more as f64) }
}
