//! Edits the live spaces at random, and has the hardware confirm each step.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use churn::{Bench, Care, Edited, Ground, Report, Room, run};
#[cfg(feature = "guest")]
use example_maps::riscv64::virt_riscv64::guest;
use example_maps::riscv64::virt_riscv64::kernel;
use tablature::addr::PhysAddr;
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Kind};
use tablature::flush::{Id, Maintain, OneCore, ThisCpu};
use tablature::page::{HasLeaf, PageSize, Size1G, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::RiscV;
use tablature::space::{Declared, Roots};
use tablature::tables::{FixedOffset, Memory, Ranges, Table4K, TablePool};

use crate::bench::Core;
#[cfg(feature = "guest")]
use crate::guest::Guest;
use crate::start::RISE;

/// Steps of each program, and of the one whose flushes are left out.
const STEPS: u32 = 100_000;
const CARELESS: u32 = 2_000;
const SEED: u64 = 0x7461_626c_6174_7572;

/// What the harts of this machine have, beside what the regimes assume.
const KNOWN: u64 = Features::SVNAPOT.union(Features::SVPBMT).union(Features::SVINVAL).bits();

/// The memory of added tables: beside the declared ones, so that both are reached alike.
const SPARE_TABLES: usize = 48;
static SPARE: TablePool<Table4K, SPARE_TABLES> = TablePool::new();
static ROOM: Room<6144, 2560> = Room::new();

/// The spaces of this program in regime `R`.
struct Spaces<R>(PhantomData<R>);

impl<R: Maintain<Architecture = RiscV>> Kind for Spaces<R> {
    type Regime = R;
    type Memory = Memory<FixedOffset<RISE>, Ranges<1>>;
    type Hardware = ThisCpu;
    type Reach = OneCore;
}

/// Pages of 4 KiB and blocks of 2 MiB; the last arena ends where `ends` says.
const fn small<'a>(arenas: &'a [u64], accesses: &'a [Access], types: &'a [MemoryType]) -> Ground<'a> {
    Ground {
        page: Size4K::BYTES,
        block: Size2M::BYTES,
        arenas,
        arena_blocks: 4,
        frames: 0xa000_0000,
        frame_blocks: 5,
        accesses,
        types,
    }
}

/// Pages of 2 MiB and blocks of 1 GiB.
const fn large<'a>(arenas: &'a [u64], accesses: &'a [Access], types: &'a [MemoryType]) -> Ground<'a> {
    Ground {
        page: Size2M::BYTES,
        block: Size1G::BYTES,
        arenas,
        arena_blocks: 2,
        frames: 0x1_0000_0000,
        frame_blocks: 2,
        accesses,
        types,
    }
}

/// Memory types without Svpbmt, and with it.
const BUS: &[MemoryType] = &[MemoryType::NormalWb];
const ANY: &[MemoryType] = &[MemoryType::NormalWb, MemoryType::NormalNc];

/// The kernel's own space: an arena in each half, and one that ends with the last page there is.
///
/// Pages that the user may execute take no part: QEMU before 8.1 lets S-mode fetch from them after a load.
const ARENAS: &[u64] = &[0xffff_ffc8_0000_0000, 0x20_0000_0000, 0u64.wrapping_sub(4 * Size2M::BYTES)];
const ACCESSES: &[Access] = &[
    Access::kernel(Rights::RW),
    Access::kernel(Rights::RX),
    Access::kernel(Rights::R),
    Access::user(Rights::RW),
    Access::user(Rights::R),
];

/// Whether the hardware confirms the edits of all spaces.
///
/// # Errors
/// Those of `out`.
///
/// # Safety
/// The declared spaces are live, nobody else edits them, and nobody uses RAM behind the first 256 MiB. Called once.
pub(crate) unsafe fn confirm(out: &mut dyn Write) -> Result<bool, fmt::Error> {
    type Plain = <kernel::Space as Declared>::Regime;
    type Whole = With<Plain, KNOWN>;
    let roots = kernel::Space::roots();
    let mut edits = Edits { out, roots, id: Id::One(0), good: true };
    let two = &ARENAS[..2];
    edits.careful::<Plain, Size4K, Size2M>("4 KiB, 2 MiB", &small(ARENAS, ACCESSES, BUS), &mut Core::default())?;
    let title = "4 KiB, 64 KiB, 2 MiB, Svnapot, Svpbmt, Svinval";
    edits.careful::<Whole, Size4K, Size2M>(title, &small(ARENAS, ACCESSES, ANY), &mut Core::default())?;
    edits.careful::<Whole, Size2M, Size1G>("2 MiB, 1 GiB", &large(two, ACCESSES, ANY), &mut Core::default())?;
    edits.careless::<Whole, Size4K, Size2M>(&small(ARENAS, ACCESSES, ANY), &mut Core::default())?;
    #[cfg(feature = "guest")]
    {
        edits.roots = guest::Space::roots();
        edits.id = Id::One(3);
        edits.guest()?;
    }
    Ok(edits.good)
}

/// The edits of one space.
struct Edits<'o> {
    out: &'o mut dyn Write,
    roots: Roots,
    id: Id,
    good: bool,
}

impl Edits<'_> {
    /// The guest's space. QEMU 7.2 refuses what lies above 2⁴⁰, so the arenas lie below.
    #[cfg(feature = "guest")]
    fn guest(&mut self) -> fmt::Result {
        type Plain = <guest::Space as Declared>::Regime;
        type Whole = With<Plain, KNOWN>;
        const ARENAS: &[u64] = &[0x40_0000_0000, 0x2000_0000, 0xff_c000_0000];
        const fn both(rights: Rights) -> Access {
            Access { privileged: rights, user: rights }
        }
        const ACCESSES: &[Access] = &[both(Rights::RW), both(Rights::RX), both(Rights::R), both(Rights::RWX)];
        let two = &[ARENAS[0], 0x80_0000_0000];
        self.careful::<Plain, Size4K, Size2M>("4 KiB, 2 MiB", &small(ARENAS, ACCESSES, BUS), &mut Guest)?;
        let title = "4 KiB, 64 KiB, 2 MiB, Svnapot, Svpbmt, Svinval";
        self.careful::<Whole, Size4K, Size2M>(title, &small(ARENAS, ACCESSES, ANY), &mut Guest)?;
        self.careful::<Whole, Size2M, Size1G>("2 MiB, 1 GiB", &large(two, ACCESSES, ANY), &mut Guest)?;
        self.careless::<Whole, Size4K, Size2M>(&small(ARENAS, ACCESSES, ANY), &mut Guest)
    }

    /// Edits as one should: nothing may contradict.
    fn careful<R, S, B>(&mut self, title: &str, ground: &Ground<'_>, bench: &mut impl Bench) -> fmt::Result
    where
        R: Maintain<Architecture = RiscV> + HasLeaf<S> + HasLeaf<B>,
        S: PageSize,
        B: PageSize,
    {
        let report = edit::<R, S, B>((self.roots, self.id, Care::Full), ground, bench, self.out, STEPS);
        self.good &= report.is_good(STEPS);
        writeln!(self.out, "edit {} ({title}): {report}", R::FORMAT.name)
    }

    /// Edits without flushes: that has to be noticed.
    fn careless<R, S, B>(&mut self, ground: &Ground<'_>, bench: &mut impl Bench) -> fmt::Result
    where
        R: Maintain<Architecture = RiscV> + HasLeaf<S> + HasLeaf<B>,
        S: PageSize,
        B: PageSize,
    {
        let report = edit::<R, S, B>((self.roots, self.id, Care::Lacking), ground, bench, &mut Silence, CARELESS);
        self.good &= report.mismatches > 0;
        let Report { steps, mismatches, .. } = report;
        writeln!(self.out, "without flushes {}: {mismatches} answers are noticed in {steps} steps", R::FORMAT.name)
    }
}

fn edit<R, S, B>(
    (roots, id, care): (Roots, Id, Care),
    ground: &Ground<'_>,
    bench: &mut impl Bench,
    out: &mut dyn Write,
    steps: u32,
) -> Report
where
    R: Maintain<Architecture = RiscV> + HasLeaf<S> + HasLeaf<B>,
    S: PageSize,
    B: PageSize,
{
    // SAFETY: the region is mapped so; in it the declared tables and the spare ones are tables alone.
    let access = unsafe { FixedOffset::new(PhysAddr::new(kernel::data::PHYS), kernel::data::SIZE) };
    let mut spare = Ranges::new();
    let start = (SPARE.start().expose_provenance() as u64).wrapping_sub(RISE);
    // SAFETY: nobody else uses the pool, and the program before has taken all of its tables out.
    if !unsafe { spare.add(PhysAddr::new(start), (SPARE_TABLES * size_of::<Table4K>()) as u64) } {
        return Report::default();
    }
    // SAFETY: the caller's tables, in whose half of the space nobody else edits; that hardware uses them is said below.
    let space = match unsafe { AddressSpace::<Spaces<R>>::from_roots(roots, Memory::new(access, spare)) } {
        Ok(space) => space.with_id(id),
        Err(error) => panic!("{error}"),
    };
    // SAFETY: they are live on this hart, which runs this.
    let space = unsafe { space.assume_live(ThisCpu) };
    // SAFETY: nobody uses the arenas, and where they lead is nobody else's memory.
    let mut subject = unsafe { Edited::<_, S, B>::new(space, care) };
    // SAFETY: the program before has ended.
    let storage = unsafe { ROOM.storage(ground.pages(), ground.frame_count()) };
    // SAFETY: as above.
    unsafe { run((ground, &R::FORMAT), storage, (&mut subject, bench), out, (SEED, steps)) }
}

/// Takes everything, and shows nothing.
struct Silence;

impl Write for Silence {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}
