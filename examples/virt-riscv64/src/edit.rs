//! Edits the live spaces at random, and has the hardware confirm each step.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use churn::{Bench, Care, Edited, Ground, Report, Room, Session, run};
#[cfg(feature = "guest")]
use example_maps::riscv64::virt_riscv64::guest;
use example_maps::riscv64::virt_riscv64::kernel;
use tablature::addr::PhysAddr;
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Kind};
use tablature::flush::{Id, Maintain, OneCore, ThisCpu};
use tablature::format::Format;
use tablature::page::{HasLeaf, PageSize, Size1G, Size2M, Size4K};
use tablature::regime::With;
use tablature::riscv::RiscV;
use tablature::space::{Declared, Roots};
use tablature::tables::{FixedOffset, Memory, Ranges, Table4K, TablePool};

#[cfg(not(feature = "guest"))]
use crate::bench::Core;
#[cfg(feature = "guest")]
use crate::guest::Guest;
use crate::machine::in_physmap;
use crate::start::RISE;

/// Steps of each program.
const STEPS: u32 = 100_000;
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

/// Memory types without Svpbmt, and with it.
const BUS: &[MemoryType] = &[MemoryType::NormalWb];
const ANY: &[MemoryType] = &[MemoryType::NormalWb, MemoryType::NormalNc];

/// Pages of 4 KiB and blocks of 2 MiB.
const fn small<'a>(arenas: &'a [u64], types: &'a [MemoryType]) -> Ground<'a> {
    Ground {
        page: Size4K::BYTES,
        block: Size2M::BYTES,
        arenas,
        arena_blocks: 4,
        frames: 0xa000_0000,
        frame_blocks: 5,
        accesses: ACCESSES,
        types,
    }
}

/// Pages of 2 MiB and blocks of 1 GiB.
const fn large(arenas: &[u64]) -> Ground<'_> {
    Ground {
        page: Size2M::BYTES,
        block: Size1G::BYTES,
        arenas,
        arena_blocks: 2,
        frames: 0x1_0000_0000,
        frame_blocks: 2,
        accesses: ACCESSES,
        types: ANY,
    }
}

/// Whether the hardware confirms the edits: of the guest's space where there is one, and else of the kernel's.
///
/// # Errors
/// Those of `out`.
///
/// # Safety
/// The declared spaces are live, nobody else edits them, and nobody uses RAM behind the first 512 MiB. Called once.
pub(crate) unsafe fn confirm(out: &mut dyn Write) -> Result<bool, fmt::Error> {
    let mut session = Session::new(out);
    #[cfg(not(feature = "guest"))]
    programs::<kernel::Space, <kernel::Space as Declared>::Regime>(&mut session, &mut Core::default())?;
    #[cfg(feature = "guest")]
    programs::<guest::Space, <guest::Space as Declared>::Regime>(&mut session, &mut Guest)?;
    Ok(session.is_good())
}

/// The middle of each half, or two places in the only one: QEMU 7.2 refuses the upper half of Sv39x4.
#[cfg(not(feature = "guest"))]
const fn middle(format: &Format) -> [u64; 2] {
    let lower = 1 << (format.range_bits - 1);
    [0u64.wrapping_sub(lower), lower]
}
#[cfg(feature = "guest")]
const fn middle(format: &Format) -> [u64; 2] {
    [1 << (format.range_bits - 2), 1 << (format.range_bits - 3)]
}

/// The last arena: it ends with the last page there is, or (of the guest) in the last GiB of a quarter of it.
#[cfg(not(feature = "guest"))]
const LAST: u64 = 0u64.wrapping_sub(4 * Size2M::BYTES);
#[cfg(feature = "guest")]
const LAST: u64 = 0xff_c000_0000;

/// What pages may be used for. Those that the user may execute take no part in the kernel's space: QEMU before 8.1 lets
/// S-mode fetch from them after a load. For a guest, its privilege makes no difference.
#[cfg(not(feature = "guest"))]
const ACCESSES: &[Access] = &[
    Access::kernel(Rights::RW),
    Access::kernel(Rights::RX),
    Access::kernel(Rights::R),
    Access::user(Rights::RW),
    Access::user(Rights::R),
];
#[cfg(feature = "guest")]
const ACCESSES: &[Access] = &[both(Rights::RW), both(Rights::RX), both(Rights::R), both(Rights::RWX)];

#[cfg(feature = "guest")]
const fn both(rights: Rights) -> Access {
    Access { privileged: rights, user: rights }
}

/// Where the region of the declared tables ends.
const TABLES_END: u64 = kernel::table_pool::PHYS + kernel::table_pool::SIZE;

/// All programs on one space.
fn programs<D, R>(session: &mut Session<'_>, bench: &mut impl Bench) -> fmt::Result
where
    D: Declared<Regime = R>,
    R: Maintain<Architecture = RiscV> + HasLeaf<Size4K> + HasLeaf<Size2M> + HasLeaf<Size1G>,
    With<R, KNOWN>: Maintain<Architecture = RiscV>,
{
    let id = Id::One(D::SPACE.asid.unwrap_or(0) as u16);
    let (name, roots, [first, second]) = (R::FORMAT.name, D::roots(), middle(&R::FORMAT));
    let arenas = [first, second, LAST];
    let small = |types| small(&arenas, types);
    session.careful(format_args!("{name}, Svnapot, Svpbmt, Svinval, 4 KiB to 2 MiB"), STEPS, |out, steps| {
        edit::<With<R, KNOWN>, Size4K, Size2M>((roots, id, Care::Full), &small(ANY), bench, out, steps)
    })?;
    session.careful(format_args!("{name}, 2 MiB and 1 GiB"), STEPS, |out, steps| {
        edit::<With<R, KNOWN>, Size2M, Size1G>((roots, id, Care::Full), &large(&[first, second]), bench, out, steps)
    })?;
    session.careful(format_args!("{name} without extensions"), STEPS, |out, steps| {
        edit::<R, Size4K, Size2M>((roots, id, Care::Full), &small(BUS), bench, out, steps)
    })?;
    session.careless(format_args!("{name}"), |out, steps| {
        edit::<R, Size4K, Size2M>((roots, id, Care::Lacking), &small(BUS), bench, out, steps)
    })
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
    // SAFETY: the regions at both ends are mapped so, the spare tables lie in the first and the declared ones in the last, and
    // are tables alone; what lies between is no table, so that nobody looks there.
    let access = unsafe { FixedOffset::new(PhysAddr::new(kernel::data::PHYS), TABLES_END - kernel::data::PHYS) };
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

/// `jalr zero, 0(ra)`.
pub(crate) const RETURN: u32 = 0x0000_8067;

/// Stores a word of a frame by way of `physmap`.
pub(crate) fn store(phys: u64, word: u32) {
    // SAFETY: frames are RAM that `physmap` maps, and nobody uses them but the program of edits.
    unsafe { in_physmap(phys).write_volatile(word) };
    riscv::asm::fence_i();
}
